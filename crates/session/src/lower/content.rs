//! Content blocks, resource contents and errors as chunks and texts.

use std::sync::Arc;

use portcullis_json::{Limits, Object, Value, parse, write};

/// Members of `_meta` that the protocol itself defines (SPEC: MCP 2026-07-28, Base protocol,
/// `_meta`). They say who speaks and how to trace it; what is passed on is not theirs to carry.
const PROTOCOL_META: [&str; 5] = [
    "progressToken",
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/logLevel",
];

/// The members that are not in `known` and could carry text.
pub(super) fn rest(members: &Object, known: &[&str]) -> Object {
    let mut others = Object::new();
    for (name, value) in members.iter() {
        match (&**name, value) {
            (name, _) if known.contains(&name) => {}
            ("isError", Value::Bool(_)) => {}
            ("resultType", Value::String(kind)) if &**kind == "complete" => {}
            ("_meta", Value::Object(meta)) => {
                let mut meta = (**meta).clone();
                for known in PROTOCOL_META {
                    meta.remove(known);
                }
                if !meta.is_empty() {
                    others.insert("_meta", meta);
                }
            }
            _ => others.insert(Arc::clone(name), value.clone()),
        }
    }
    others
}

/// The content of a tool's result, `structuredContent` and unknown members included.
pub(super) fn tool_result(members: &Object) -> Vec<Value> {
    let mut chunks = content_chunks(members);
    if let Some(structured) = members.get("structuredContent")
        && !repeats(&chunks, structured)
    {
        chunks.push(json_chunk(structured));
    }
    let others = rest(members, &["content", "structuredContent"]);
    if !others.is_empty() {
        chunks.push(json_chunk(&others.into()));
    }
    chunks
}

/// How many chunks of a tool's output come from the `content` of its result. They are the first
/// ones; the others stand for what else the result holds.
pub fn own_chunks(result: &Value) -> usize {
    result.as_object().map_or(0, |m| content_chunks(m).len())
}

fn content_chunks(members: &Object) -> Vec<Value> {
    match members.get("content") {
        Some(Value::Array(blocks)) => blocks.iter().flat_map(block_chunks).collect(),
        Some(other) => vec![json_chunk(other)],
        None => Vec::new(),
    }
}

/// Servers repeat structured content as text for clients that do not know it (SPEC: MCP
/// 2025-06-18, Tools, Structured Content); policies need not see it twice.
fn repeats(chunks: &[Value], structured: &Value) -> bool {
    let [chunk] = chunks else {
        return false;
    };
    let text = chunk.get("text").and_then(Value::as_str);
    text.and_then(|text| parse(text, &Limits::strict()).ok())
        .is_some_and(|value| value == *structured)
}

/// One content block. A block that is not only text or an image keeps its other members as JSON
/// text, so that nothing of it stays unseen.
pub(super) fn block_chunks(block: &Value) -> Vec<Value> {
    let Some(members) = block.as_object() else {
        return vec![json_chunk(block)];
    };
    let (chunk, known): (Value, &[&str]) = match members.get("type").and_then(Value::as_str) {
        Some("text") => match members.get("text") {
            Some(text @ Value::String(_)) => (text_chunk(text.clone()), &["type", "text"]),
            _ => return vec![json_chunk(block)],
        },
        Some("image") => match image_chunk(members) {
            Some(chunk) => (chunk, &["type", "data", "mimeType"]),
            None => return vec![json_chunk(block)],
        },
        Some("resource") => {
            let mut chunks = members
                .get("resource")
                .map(resource_chunks)
                .unwrap_or_default();
            push_rest(&mut chunks, members, &["type", "resource"]);
            return chunks;
        }
        _ => return vec![json_chunk(block)],
    };
    let mut chunks = vec![chunk];
    push_rest(&mut chunks, members, known);
    chunks
}

/// The contents of a resource: its text, then everything else about it.
pub(super) fn resource_chunks(contents: &Value) -> Vec<Value> {
    match (contents.as_object(), contents.get("text")) {
        (Some(members), Some(text @ Value::String(_))) => {
            let mut chunks = vec![text_chunk(text.clone())];
            push_rest(&mut chunks, members, &["text"]);
            chunks
        }
        _ => vec![json_chunk(contents)],
    }
}

/// What the error says, with its data.
pub(super) fn error_text(error: &Value) -> String {
    let Some(members) = error.as_object() else {
        return write(error);
    };
    let message = members.get("message").and_then(Value::as_str);
    let others = rest(members, &["code", "message"]);
    match (message, others.is_empty()) {
        (Some(message), true) => message.to_owned(),
        (Some(message), false) => format!("{message}\n{}", write(&others.into())),
        (None, _) => write(error),
    }
}

pub(super) fn text_chunk(text: Value) -> Value {
    object([("type", "text".into()), ("text", text)])
}

fn image_chunk(members: &Object) -> Option<Value> {
    let data = members.get("data")?.as_str()?;
    let mime_type = members.get("mimeType")?.as_str()?;
    let url = object([("url", format!("data:{mime_type};base64,{data}").into())]);
    Some(object([("type", "image".into()), ("image_url", url)]))
}

fn json_chunk(value: &Value) -> Value {
    text_chunk(write(value).into())
}

fn push_rest(chunks: &mut Vec<Value>, members: &Object, known: &[&str]) {
    let others = rest(members, known);
    if !others.is_empty() {
        chunks.push(json_chunk(&others.into()));
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter();
    Value::from(
        members
            .map(|(name, value)| (Arc::from(name), value))
            .collect::<Object>(),
    )
}
