//! Content blocks, resource contents and errors as chunks and texts.

use std::sync::Arc;

use portcullis_json::{Limits, Object, Value, parse, write};

/// The members that are not in `known` and could carry text.
pub(super) fn rest(members: &Object, known: &[&str]) -> Object {
    let mut others = Object::new();
    for (name, value) in members.iter() {
        match (&**name, value) {
            (name, _) if known.contains(&name) => {}
            ("isError", Value::Bool(_)) => {}
            ("resultType", Value::String(kind)) if &**kind == "complete" => {}
            ("_meta", Value::Object(meta)) if meta.is_empty() => {}
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
        push_json(&mut chunks, structured);
    }
    push_rest(&mut chunks, members, &["content", "structuredContent"]);
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
        Some(other) => json_chunks(other),
        None => Vec::new(),
    }
}

/// Servers repeat structured content as text for clients that do not know it (SPEC: MCP
/// 2025-06-18, Tools, Structured Content); policies need not see it twice. With an escape the text
/// may read otherwise.
fn repeats(chunks: &[Value], structured: &Value) -> bool {
    let [chunk] = chunks else {
        return false;
    };
    let text = chunk.get("text").and_then(Value::as_str);
    text.filter(|text| !text.contains('\\'))
        .and_then(|text| parse(text, &Limits::strict()).ok())
        .is_some_and(|value| value == *structured)
}

/// One content block. A block that is not only text or an image keeps its other members as JSON
/// text, so that nothing of it stays unseen.
pub(super) fn block_chunks(block: &Value) -> Vec<Value> {
    let Some(members) = block.as_object() else {
        return json_chunks(block);
    };
    let (chunk, known): (Value, &[&str]) = match members.get("type").and_then(Value::as_str) {
        Some("text") => match members.get("text") {
            Some(text @ Value::String(_)) => (text_chunk(text.clone()), &["type", "text"]),
            _ => return json_chunks(block),
        },
        Some("image") => match image_chunk(members, "data") {
            Some(chunk) => (chunk, &["type", "data", "mimeType"]),
            None => return json_chunks(block),
        },
        Some("resource") => {
            let mut chunks = members
                .get("resource")
                .map(resource_chunks)
                .unwrap_or_default();
            push_rest(&mut chunks, members, &["type", "resource"]);
            return chunks;
        }
        _ => return json_chunks(block),
    };
    let mut chunks = vec![chunk];
    push_rest(&mut chunks, members, known);
    chunks
}

/// The contents of a resource: its text or picture, then everything else about it.
pub(super) fn resource_chunks(contents: &Value) -> Vec<Value> {
    let Some(members) = contents.as_object() else {
        return json_chunks(contents);
    };
    let (chunk, known) = match (members.get("text"), image_chunk(members, "blob")) {
        (Some(text @ Value::String(_)), _) => (text_chunk(text.clone()), "text"),
        (_, Some(image)) => (image, "blob"),
        (_, None) => return json_chunks(contents),
    };
    let mut chunks = vec![chunk];
    push_rest(&mut chunks, members, &[known]);
    chunks
}

/// What the error says, with its data, and what of the data reads otherwise there.
pub(super) fn error_texts(error: &Value) -> (String, Option<String>) {
    let Some(members) = error.as_object() else {
        return (write(error), unescaped(error));
    };
    let message = members.get("message").and_then(Value::as_str);
    let others = Value::from(rest(members, &["code", "message"]));
    match message {
        Some(message) if others.as_object().is_some_and(Object::is_empty) => {
            (message.to_owned(), None)
        }
        Some(message) => (format!("{message}\n{}", write(&others)), unescaped(&others)),
        None => (write(error), unescaped(error)),
    }
}

/// The strings of a value that its JSON text writes with escapes, as they read, line by line.
///
/// Policies look for words, quotes and the ends of lines: in `Note.\nForward` there is no word
/// `Forward`.
pub(super) fn unescaped(value: &Value) -> Option<String> {
    unescaped_beside(&[], value)
}

/// The same without those that are chunks already.
fn unescaped_beside(chunks: &[Value], value: &Value) -> Option<String> {
    let mut texts = Vec::new();
    gather_escaped(value, &mut texts);
    let is_shown = |text: &str| {
        let mut shown = chunks.iter().map(|chunk| chunk.get("text"));
        shown.any(|shown| shown.and_then(Value::as_str) == Some(text))
    };
    texts.retain(|text| !is_shown(text));
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// How deep a value is was bounded when it was read.
fn gather_escaped<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.extend(Some(&**text).filter(|text| is_escaped(text))),
        Value::Array(items) => items.iter().for_each(|item| gather_escaped(item, texts)),
        Value::Object(members) => {
            for (name, value) in members.iter() {
                texts.extend(Some(&**name).filter(|name| is_escaped(name)));
                gather_escaped(value, texts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_escaped(text: &str) -> bool {
    text.bytes()
        .any(|byte| matches!(byte, b'"' | b'\\' | 0..b' '))
}

pub(super) fn text_chunk(text: Value) -> Value {
    [("type", "text".into()), ("text", text)].into()
}

fn image_chunk(members: &Object, holder: &str) -> Option<Value> {
    let data = members.get(holder)?.as_str()?;
    let mime_type = members.get("mimeType")?.as_str()?;
    if holder == "blob" && !is_image(mime_type) {
        return None;
    }
    let url = [("url", format!("data:{mime_type};base64,{data}").into())];
    Some([("type", "image".into()), ("image_url", url.into())].into())
}

fn is_image(mime_type: &str) -> bool {
    let kind = mime_type.trim_start().get(..6);
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case("image/"))
}

/// A value as JSON text, and what of it reads otherwise there.
pub(super) fn json_chunks(value: &Value) -> Vec<Value> {
    let mut chunks = Vec::new();
    push_json(&mut chunks, value);
    chunks
}

/// Servers say what is structured in a text as well; that is not shown again.
fn push_json(chunks: &mut Vec<Value>, value: &Value) {
    let plain = unescaped_beside(chunks, value).map(|plain| text_chunk(plain.into()));
    chunks.push(text_chunk(write(value).into()));
    chunks.extend(plain);
}

fn push_rest(chunks: &mut Vec<Value>, members: &Object, known: &[&str]) {
    let others = rest(members, known);
    if !others.is_empty() {
        push_json(chunks, &others.into());
    }
}
