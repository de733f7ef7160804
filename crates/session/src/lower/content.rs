//! Content blocks, resource contents and errors as chunks and texts.

use std::sync::Arc;

use portcullis_json::{Limits, Object, Value, parse, write};
use portcullis_trace::{Attribution, Chunk, ChunkBody, Content};

/// The kind of a chunk that is a text.
pub(super) const TEXT: &str = "text";

/// What an output or a message says, while it is gathered.
pub(super) struct Chunks<'k> {
    /// The kind of those that are texts, made once.
    text: &'k Arc<str>,
    chunks: Vec<Chunk>,
}

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

/// How many chunks of a tool's output come from the `content` of its result. They are the first
/// ones; the others stand for what else the result holds.
pub fn own_chunks(result: &Value) -> usize {
    let kind = Arc::from(TEXT);
    let mut chunks = Chunks::new(&kind);
    if let Some(members) = result.as_object() {
        chunks.push_content(members);
    }
    chunks.chunks.len()
}

/// Servers repeat structured content as text for clients that do not know it (SPEC: MCP
/// 2025-06-18, Tools, Structured Content); policies need not see it twice. With an escape the text
/// may read otherwise.
fn repeats(chunks: &[Chunk], structured: &Value) -> bool {
    let [chunk] = chunks else {
        return false;
    };
    text_of(chunk)
        .filter(|text| !text.contains('\\'))
        .and_then(|text| parse(text, &Limits::strict()).ok())
        .is_some_and(|value| value == *structured)
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
fn unescaped_beside(chunks: &[Chunk], value: &Value) -> Option<String> {
    let mut texts = Vec::new();
    gather_escaped(value, &mut texts);
    let is_shown = |text: &str| {
        let mut shown = chunks.iter().map(text_of);
        shown.any(|shown| shown.is_some_and(|shown| **shown == *text))
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

fn text_of(chunk: &Chunk) -> Option<&Arc<str>> {
    match &chunk.body {
        ChunkBody::Text(text) => Some(text),
        ChunkBody::Image(_) => None,
    }
}

fn image(members: &Object, holder: &str) -> Option<ChunkBody> {
    let data = members.get(holder)?.as_str()?;
    let mime_type = members.get("mimeType")?.as_str()?;
    if holder == "blob" && !is_image(mime_type) {
        return None;
    }
    let url = [("url", format!("data:{mime_type};base64,{data}").into())];
    Some(ChunkBody::Image(Arc::new(url.into())))
}

fn is_image(mime_type: &str) -> bool {
    let kind = mime_type.trim_start().get(..6);
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case("image/"))
}

// === impl Chunks ===

impl<'k> Chunks<'k> {
    /// `text` is [`TEXT`].
    pub(super) fn new(text: &'k Arc<str>) -> Self {
        Self {
            text,
            chunks: Vec::new(),
        }
    }

    pub(super) fn into_content(self) -> Content {
        Content::Chunks(self.chunks)
    }

    pub(super) fn push_text(&mut self, text: impl Into<Arc<str>>) {
        self.push(ChunkBody::Text(text.into()));
    }

    pub(super) fn push_texts(&mut self, texts: Vec<String>) {
        for text in texts {
            self.push_text(text);
        }
    }

    /// The content of a tool's result, `structuredContent` and unknown members included.
    pub(super) fn push_tool_result(&mut self, members: &Object) {
        self.push_content(members);
        if let Some(structured) = members.get("structuredContent")
            && !repeats(&self.chunks, structured)
        {
            self.push_json(0, structured);
        }
        self.push_rest(0, members, &["content", "structuredContent"]);
    }

    fn push_content(&mut self, members: &Object) {
        match members.get("content") {
            Some(Value::Array(blocks)) => blocks.iter().for_each(|block| self.push_block(block)),
            Some(other) => self.push_value(other),
            None => {}
        }
    }

    /// One content block. A block that is not only text or an image keeps its other members as JSON
    /// text, so that nothing of it stays unseen.
    pub(super) fn push_block(&mut self, block: &Value) {
        let first = self.chunks.len();
        let Some(members) = block.as_object() else {
            return self.push_value(block);
        };
        match members.get("type").and_then(Value::as_str) {
            Some("text") => match members.get("text") {
                Some(Value::String(text)) => {
                    self.push_text(Arc::clone(text));
                    self.push_rest(first, members, &["type", "text"]);
                }
                _ => self.push_value(block),
            },
            Some("image") => match image(members, "data") {
                Some(image) => {
                    self.push(image);
                    self.push_rest(first, members, &["type", "data", "mimeType"]);
                }
                None => self.push_value(block),
            },
            Some("resource") => {
                if let Some(contents) = members.get("resource") {
                    self.push_resource(contents);
                }
                self.push_rest(first, members, &["type", "resource"]);
            }
            _ => self.push_value(block),
        }
    }

    /// The contents of a resource: its text or picture, then everything else about it.
    pub(super) fn push_resource(&mut self, contents: &Value) {
        let first = self.chunks.len();
        let Some(members) = contents.as_object() else {
            return self.push_value(contents);
        };
        let (body, known) = match (members.get("text"), image(members, "blob")) {
            (Some(Value::String(text)), _) => (ChunkBody::Text(Arc::clone(text)), "text"),
            (_, Some(image)) => (image, "blob"),
            (_, None) => return self.push_value(contents),
        };
        self.push(body);
        self.push_rest(first, members, &[known]);
    }

    /// The members beside `field` as JSON text.
    pub(super) fn push_others(&mut self, members: &Object, field: &str) {
        self.push_rest(self.chunks.len(), members, &[field]);
    }

    /// A value as JSON text, and what of it reads otherwise there.
    fn push_value(&mut self, value: &Value) {
        self.push_json(self.chunks.len(), value);
    }

    /// Servers say what is structured in a text as well; what the chunks from `first` on say is not
    /// shown again.
    fn push_json(&mut self, first: usize, value: &Value) {
        let plain = unescaped_beside(self.chunks.get(first..).unwrap_or_default(), value);
        self.push_text(write(value));
        if let Some(plain) = plain {
            self.push_text(plain);
        }
    }

    fn push_rest(&mut self, first: usize, members: &Object, known: &[&str]) {
        let others = rest(members, known);
        if !others.is_empty() {
            self.push_json(first, &others.into());
        }
    }

    fn push(&mut self, body: ChunkBody) {
        let kind = match &body {
            ChunkBody::Text(_) => Arc::clone(self.text),
            ChunkBody::Image(_) => "image".into(),
        };
        self.chunks.push(Chunk {
            attribution: Attribution::default(),
            kind,
            body,
        });
    }
}
