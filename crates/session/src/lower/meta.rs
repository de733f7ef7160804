//! What the protocol itself says in the parameters of each message.

use portcullis_json::{Object, Value};

use super::content::rest;

/// LIMIT: bytes of text in what the protocol says. More is text that somebody else put there.
const TEXT_BYTES_MAX: usize = 1024;

/// Members of `_meta` that say who speaks and how to answer (SPEC: MCP 2026-07-28, Base protocol,
/// `_meta`). Every request of that revision has them.
const OF_PROTOCOL: [&str; 5] = [
    "progressToken",
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/logLevel",
];

/// The parameters that are not in `known` and could carry text, but for what clients say with every
/// request.
pub(super) fn params_rest(params: &Object, known: &[&str]) -> Object {
    let mut others = rest(params, known);
    if let Some(Value::Object(meta)) = others.get("_meta") {
        let mut meta = (**meta).clone();
        for name in OF_PROTOCOL {
            if meta.get(name).is_some_and(is_short) {
                meta.remove(name);
            }
        }
        if meta.is_empty() {
            others.remove("_meta");
        } else {
            others.insert("_meta", meta);
        }
    }
    others
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
