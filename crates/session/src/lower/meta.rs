//! What the protocol itself says in the parameters of a client's request.

use portcullis_json::{Object, Value};
use portcullis_mcp::{Revision, meta_name, view};

use super::content::rest;

/// LIMIT: bytes of text in what a client says of itself. More is text that somebody else put there.
const TEXT_BYTES_MAX: usize = 256;
/// LIMIT: bytes of a progress token.
const TOKEN_BYTES_MAX: usize = 64;

/// Whether a value has the form that the protocol gives it.
type HasForm = fn(&Value) -> bool;

/// Members of `_meta` that say who speaks (SPEC: MCP 2026-07-28, Base protocol, `_meta`). Every
/// request of that revision has them.
const OF_PROTOCOL: [(&str, HasForm); 4] = [
    (meta_name::PROTOCOL_VERSION, is_revision),
    (meta_name::CLIENT_INFO, is_introduction),
    (meta_name::CLIENT_CAPABILITIES, is_short),
    (meta_name::LOG_LEVEL, is_level),
];

/// The parameters of a request that are not in `known` and could carry text, but for what clients
/// say with every request.
pub(super) fn params_rest(params: &Object, known: &[&str]) -> Object {
    let mut others = rest(params, known);
    let Some(Value::Object(meta)) = others.get("_meta") else {
        return others;
    };
    let mut meta = (**meta).clone();
    if meta.get("progressToken").is_some_and(is_token) {
        meta.remove("progressToken");
    }
    if meta
        .get(meta_name::PROTOCOL_VERSION)
        .is_some_and(is_revision)
    {
        for (name, has_form) in OF_PROTOCOL {
            if meta.get(name).is_some_and(has_form) {
                meta.remove(name);
            }
        }
    }
    if meta.is_empty() {
        others.remove("_meta");
    } else {
        others.insert("_meta", meta);
    }
    others
}

fn is_revision(value: &Value) -> bool {
    let revision = value.as_str().and_then(Revision::parse);
    revision.is_some_and(Revision::is_stateless)
}

fn is_introduction(value: &Value) -> bool {
    let is_known = |name: &str| matches!(name, "name" | "title" | "version" | "websiteUrl");
    let members = value.as_object();
    let is_flat = |members: &Object| {
        members
            .iter()
            .all(|(name, value)| is_known(name) && matches!(value, Value::String(_)))
    };
    members.is_some_and(is_flat) && is_short(value)
}

fn is_level(value: &Value) -> bool {
    value.as_str().and_then(view::severity).is_some()
}

/// SDKs count, or take UUIDs.
fn is_token(value: &Value) -> bool {
    let is_plain = |token: &str| {
        token.len() <= TOKEN_BYTES_MAX
            && token
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    matches!(value, Value::Number(_)) || value.as_str().is_some_and(is_plain)
}

fn is_short(value: &Value) -> bool {
    let mut left = vec![value];
    let mut bytes = 0_usize;
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) => bytes = bytes.saturating_add(text.len()),
            Value::Array(items) => left.extend(items.iter()),
            Value::Object(members) => {
                for (name, value) in members.iter() {
                    bytes = bytes.saturating_add(name.len());
                    left.push(value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        if bytes > TEXT_BYTES_MAX {
            return false;
        }
    }
    true
}
