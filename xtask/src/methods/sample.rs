//! Messages with a word at a place.

use portcullis_mcp::Revision;

/// What the guardrail looks for.
pub(super) const WORD: &str = "conspicuous";

const META: &str = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}"#;

pub(super) fn request(id: i64, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

pub(super) fn notification(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
}

pub(super) fn answer(id: i64, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

pub(super) fn error(id: i64) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32000,"message":"no","data":"{WORD}"}}}}"#
    )
}

/// Parameters that a method must have, and the word at a place of them if one is given.
pub(super) fn params(method: &str, revision: Revision, place: Option<&str>) -> String {
    let place = place.and_then(|place| place.strip_prefix("params."));
    let mut members: Vec<String> = Vec::new();
    let mut needs = |name: &str, value: &str| {
        if place != Some(name) {
            members.push(format!(r#""{name}":{value}"#));
        }
    };
    match method {
        "tools/call" | "prompts/get" => needs("name", r#""t""#),
        "notifications/cancelled" => needs("requestId", "1"),
        "notifications/progress" => {
            needs("progressToken", "7");
            needs("progress", "1");
        }
        _ => {}
    }
    let mut meta = Vec::new();
    if revision.is_stateless() && !method.starts_with("notifications/") {
        meta.push(META.to_owned());
    }
    match place {
        Some("_meta") => meta.push(format!(r#""example/text":"{WORD}""#)),
        Some(place) => members.push(member(place)),
        None => {}
    }
    if !meta.is_empty() {
        members.push(format!(r#""_meta":{{{}}}"#, meta.join(",")));
    }
    format!("{{{}}}", members.join(","))
}

/// A result with the word at a place of it.
pub(super) fn result(method: &str, place: &str) -> String {
    if let ("initialize", Some(place)) = (method, place.strip_prefix("result.")) {
        return format!(r#"{{"protocolVersion":"2025-11-25",{}}}"#, member(place));
    }
    match place.strip_prefix("result.") {
        Some("_meta") => format!(r#"{{"_meta":{{"example/text":"{WORD}"}}}}"#),
        Some(place) => format!("{{{}}}", member(place)),
        None => format!(r#"{{"text":"{WORD}"}}"#),
    }
}

/// A member at a path of names, as JSON.
fn member(path: &str) -> String {
    match path.split_once('.') {
        Some((outer, rest)) => format!(r#""{outer}":{{{}}}"#, member(rest)),
        None => format!(r#""{path}":{}"#, value(path)),
    }
}

/// What stands under this name, with the word in it.
fn value(name: &str) -> String {
    let block = format!(r#"{{"type":"text","text":"{WORD}"}}"#);
    match name {
        "content" | "contents" => format!("[{block}]"),
        "messages" => format!(r#"[{{"role":"user","content":{block}}}]"#),
        "tools" => {
            format!(r#"[{{"name":"t","description":"{WORD}","inputSchema":{{"type":"object"}}}}]"#)
        }
        "arguments" | "inputResponses" | "inputRequests" | "clientInfo" | "serverInfo"
        | "context" | "argument" | "ref" | "metadata" | "requestedSchema" | "structuredContent" => {
            format!(r#"{{"text":"{WORD}"}}"#)
        }
        _ => format!(r#""{WORD}""#),
    }
}
