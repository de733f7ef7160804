//! Readers that ignore case, or fold more than case, find a member under a name that exact ones
//! do not (CVE-2026-27896). Such names have no honest use.

use std::borrow::Cow;

use portcullis_json::Object;
use unicode_normalization::UnicodeNormalization;

use super::UnknownMeta;
use crate::{MalformedKind, meta_name};

/// A character never folds to nothing, so a name beyond this is longer than all known ones.
const FOLDABLE_BYTES: usize = 256;

/// LIMIT: characters of a name that an error shows.
const SHOWN_CHARACTERS_MAX: usize = 128;

pub(super) const ENVELOPE: &[&str] = &["jsonrpc", "id", "method", "params", "result", "error"];

/// Members of `params`, `result` and `error` that some revision defines.
pub(super) const BODY: &[&str] = &[
    "_meta",
    "action",
    "argument",
    "arguments",
    "cacheScope",
    "capabilities",
    "clientInfo",
    "code",
    "completion",
    "content",
    "contents",
    "context",
    "createdAt",
    "cursor",
    "data",
    "description",
    "elicitationId",
    "error",
    "includeContext",
    "inputRequests",
    "inputResponses",
    "instructions",
    "isError",
    "lastUpdatedAt",
    "level",
    "logger",
    "maxTokens",
    "message",
    "messages",
    "metadata",
    "mode",
    "model",
    "modelPreferences",
    "name",
    "nextCursor",
    "notifications",
    "pollInterval",
    "pollIntervalMs",
    "progress",
    "progressToken",
    "prompts",
    "protocolVersion",
    "reason",
    "ref",
    "requestId",
    "requestState",
    "requestedSchema",
    "resourceTemplates",
    "resources",
    "result",
    "resultType",
    "role",
    "roots",
    "serverInfo",
    "status",
    "statusMessage",
    "stopReason",
    "stopSequences",
    "structuredContent",
    "supportedVersions",
    "systemPrompt",
    "task",
    "taskId",
    "tasks",
    "temperature",
    "toolChoice",
    "tools",
    "total",
    "ttl",
    "ttlMs",
    "uri",
    "url",
];

/// Members of `_meta` that some revision defines.
pub(super) const META: &[&str] = &[
    "baggage",
    meta_name::CLIENT_CAPABILITIES,
    meta_name::CLIENT_INFO,
    meta_name::LOG_LEVEL,
    meta_name::MODEL_IMMEDIATE_RESPONSE,
    meta_name::PROTOCOL_VERSION,
    meta_name::RELATED_TASK,
    meta_name::SERVER_INFO,
    meta_name::SUBSCRIPTION_ID,
    "progressToken",
    "traceparent",
    "tracestate",
];

pub(super) fn check_all(
    place: &'static str,
    object: &Object,
    known: &'static [&'static str],
) -> Result<(), MalformedKind> {
    object
        .iter()
        .try_for_each(|(name, _)| check(place, name, known))
}

pub(super) fn check(
    place: &'static str,
    name: &str,
    known: &'static [&'static str],
) -> Result<(), MalformedKind> {
    if known.contains(&name) {
        return Ok(());
    }
    if name.chars().any(char::is_control) {
        return Err(MalformedKind::ControlCharacterInName { place });
    }
    let Some(folded) = folded(name) else {
        return Ok(());
    };
    match known
        .iter()
        .find(|member| folded.eq_ignore_ascii_case(member))
    {
        Some(member) => Err(MalformedKind::NameVariant { place, member }),
        None => Ok(()),
    }
}

pub(super) fn check_reserved(
    place: &'static str,
    meta: &Object,
    unknown: UnknownMeta,
) -> Result<(), MalformedKind> {
    if unknown == UnknownMeta::Pass {
        return Ok(());
    }
    let mut names = meta.iter().map(|(name, _)| &**name);
    match names.find(|name| is_reserved(name) && !META.contains(name)) {
        Some(name) => Err(MalformedKind::UnknownMeta {
            place,
            key: shown(name),
        }),
        None => Ok(()),
    }
}

/// SPEC: MCP 2025-11-25, `_meta`: prefixes whose second label is MCP's. Up to 2025-06-18 it was the
/// last but one.
fn is_reserved(name: &str) -> bool {
    let Some((prefix, _)) = name.split_once('/') else {
        return false;
    };
    let is_ours = |label: &str| {
        ["mcp", "modelcontextprotocol"]
            .iter()
            .any(|ours| label.eq_ignore_ascii_case(ours))
    };
    prefix.split('.').nth(1).is_some_and(is_ours) || prefix.rsplit('.').nth(1).is_some_and(is_ours)
}

fn shown(name: &str) -> String {
    let is_plain = |character: &char| {
        character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-' | '/')
    };
    let characters = name.chars().take(SHOWN_CHARACTERS_MAX);
    characters
        .map(|character| if is_plain(&character) { character } else { '?' })
        .collect()
}

/// `name` as a reader sees it that folds compatibility forms, if that can be a known name.
fn folded(name: &str) -> Option<Cow<'_, str>> {
    if name.len() > FOLDABLE_BYTES {
        return None;
    }
    if name.is_ascii() {
        Some(name.into())
    } else {
        Some(name.nfkc().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_names_are_variants_and_longer_ones_are_not() {
        let assert_refused = |name: &str, expected: bool| {
            assert_eq!(check("params", name, BODY).is_err(), expected, "{name:?}");
        };
        assert_refused("tasks", false);
        assert_refused("Tasks", true);
        assert_refused("ta\u{17f}ks", true);
        assert_refused("tas\u{212a}s", true);
        assert_refused("\u{ff54}asks", true);
        assert_refused("\u{ff54}\u{ff41}\u{ff53}\u{ff4b}\u{ff33}", true);
        assert_refused("names", false);
        assert_refused("isError", false);
        assert_refused("iserror", true);
        assert_refused("n\u{e4}me", false);
    }

    #[test]
    fn prefixes_are_reserved_by_their_labels() {
        for (name, expected) in [
            ("io.modelcontextprotocol/x", true),
            ("dev.mcp/x", true),
            ("org.modelcontextprotocol.api/x", true),
            ("com.mcp.tools/x", true),
            ("api.modelcontextprotocol.org/x", true),
            ("mcp.dev/x", true),
            ("IO.ModelContextProtocol/x", true),
            ("com.example.mcp/x", false),
            ("com.example/mcp.dev", false),
            ("mcp/x", false),
            ("io.modelcontextprotocol", false),
            ("com.mcpx/x", false),
            ("x", false),
        ] {
            assert_eq!(is_reserved(name), expected, "{name}");
        }
    }

    #[test]
    fn known_names_are_short_enough_to_be_folded() {
        for name in [ENVELOPE, BODY, META].concat() {
            assert!(
                name.len() * char::MAX.len_utf8() <= FOLDABLE_BYTES,
                "{name}"
            );
        }
    }
}
