//! Traces as JSON: the one module that knows the written form of an event.

mod schema;
mod text;

pub use text::TraceText;

use crate::event::{
    Answers, Attribution, Chunk, ChunkBody, Content, Event, Message, Tool, ToolCall, ToolOutput,
};
use portcullis_json::{self as json, Limits, Object, Value};
use std::fmt;
use std::sync::Arc;

/// An element that is no event. Nothing of its trace can be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    /// Where in the element, as in `tool_calls.0.function`; empty for the element itself.
    path: String,
    expected: &'static str,
}

type Result<T> = std::result::Result<T, TraceError>;

/// Reads one element of a trace. A tool listing gives an event for each of its tools.
pub fn events(element: &Value) -> Result<Vec<Event>> {
    let object = element
        .as_object()
        .ok_or_else(|| TraceError::at("", "an object"))?;
    if let Some(role) = object.get("role") {
        let role = text(role, "role")?;
        return Ok(vec![if &*role == "tool" {
            Event::ToolOutput(tool_output(object, role)?)
        } else {
            Event::Message(message(object, role)?)
        }]);
    }
    if object.contains("type") {
        return Ok(vec![Event::ToolCall(tool_call(object, Level::Event)?)]);
    }
    if let Some(tools) = object.get("tools") {
        let tools = tools
            .as_array()
            .ok_or_else(|| TraceError::at("tools", "a list"))?;
        let tool = |(index, tool)| {
            let tool = self::tool(tool).map(Event::Tool);
            tool.map_err(|error| error.inside(&format!("tools.{index}")))
        };
        return tools.iter().enumerate().map(tool).collect();
    }
    Err(TraceError::at(
        "",
        "an object with `role`, `type` or `tools`",
    ))
}

/// Reads a whole trace: a list of elements.
pub fn trace(elements: &[Value]) -> Result<Vec<Event>> {
    let mut all = Vec::with_capacity(elements.len());
    for (index, element) in elements.iter().enumerate() {
        all.extend(events(element).map_err(|error| error.inside(&index.to_string()))?);
    }
    Ok(all)
}

fn message(object: &Object, role: Arc<str>) -> Result<Message> {
    let tool_calls = match object.get("tool_calls") {
        None => Some(Vec::new()),
        Some(Value::Null) => None,
        Some(Value::Array(calls)) => Some(
            calls
                .iter()
                .enumerate()
                .map(|(index, call)| {
                    let object = call.as_object();
                    let call = object.ok_or_else(|| TraceError::at("", "an object"));
                    call.and_then(|call| tool_call(call, Level::Part))
                        .map_err(|error| error.inside(&format!("tool_calls.{index}")))
                })
                .collect::<Result<_>>()?,
        ),
        Some(_) => return Err(TraceError::at("tool_calls", "a list or null")),
    };
    let content = content(object.get("content")).map_err(|error| error.inside("content"))?;
    if matches!(content, Content::Object(_)) {
        return Err(TraceError::at(
            "content",
            "a text, a list of chunks or null",
        ));
    }
    Ok(Message {
        attribution: attribution(object, Level::Event)?,
        role,
        content,
        tool_calls,
    })
}

fn tool_output(object: &Object, role: Arc<str>) -> Result<ToolOutput> {
    let answers = match object.get("tool_call_id") {
        None => Answers::Latest,
        Some(Value::Null) => Answers::None,
        Some(id) => Answers::Call(text(id, "tool_call_id")?),
    };
    let content = content(object.get("content")).map_err(|error| error.inside("content"))?;
    Ok(ToolOutput {
        attribution: attribution(object, Level::Event)?,
        role,
        content,
        answers,
    })
}

fn tool_call(object: &Object, level: Level) -> Result<ToolCall> {
    let kind = object
        .get("type")
        .ok_or_else(|| TraceError::at("type", "a text"))?;
    let function = object.get("function").and_then(Value::as_object);
    let function = function.ok_or_else(|| TraceError::at("function", "an object"))?;
    let name = function
        .get("name")
        .ok_or_else(|| TraceError::at("function.name", "a text"))?;
    let id = match object.get("id") {
        None | Some(Value::Null) => None,
        Some(id) => Some(text(id, "id")?),
    };
    Ok(ToolCall {
        attribution: attribution(object, level)?,
        id,
        kind: text(kind, "type")?,
        name: text(name, "function.name")?,
        arguments: arguments(function.get("arguments"))?,
    })
}

/// Arguments are an object, or the JSON text of one.
fn arguments(value: Option<&Value>) -> Result<Arc<Object>> {
    let decoded = match value {
        Some(Value::String(text)) => json::parse(text, &Limits::lenient()).ok(),
        Some(value) => Some(value.clone()),
        None => None,
    };
    match decoded {
        Some(Value::Object(object)) => Ok(object),
        _ => Err(TraceError::at(
            "function.arguments",
            "an object, or the JSON text of one",
        )),
    }
}

fn content(value: Option<&Value>) -> Result<Content> {
    Ok(match value {
        None | Some(Value::Null) => Content::None,
        Some(Value::String(text)) => Content::Text(text.clone()),
        Some(Value::Object(object)) => Content::Object(object.clone()),
        Some(Value::Array(chunks)) => Content::Chunks(
            chunks
                .iter()
                .enumerate()
                .map(|(index, value)| {
                    chunk(value).map_err(|error| error.inside(&index.to_string()))
                })
                .collect::<Result<_>>()?,
        ),
        Some(_) => return Err(TraceError::at("", "a text, a list of chunks or null")),
    })
}

fn chunk(value: &Value) -> Result<Chunk> {
    let object = value
        .as_object()
        .ok_or_else(|| TraceError::at("", "an object"))?;
    let kind = match object.get("type") {
        Some(kind) => text(kind, "type")?,
        None => return Err(TraceError::at("type", "a text")),
    };
    let attribution = attribution(object, Level::Part)?;
    if let Some(Value::String(text)) = object.get("text") {
        return Ok(Chunk {
            attribution,
            kind,
            body: ChunkBody::Text(text.clone()),
        });
    }
    match object.get("image_url") {
        Some(Value::Object(urls)) if urls.iter().all(|(_, url)| url.as_str().is_some()) => {
            Ok(Chunk {
                attribution,
                kind,
                body: ChunkBody::Image(urls.clone()),
            })
        }
        _ => Err(TraceError::at(
            "",
            "a `text`, or an `image_url` object of texts",
        )),
    }
}

fn tool(value: &Value) -> Result<Tool> {
    let object = value
        .as_object()
        .ok_or_else(|| TraceError::at("", "an object"))?;
    let name = object
        .get("name")
        .ok_or_else(|| TraceError::at("name", "a text"))?;
    let schema = object.get("inputSchema").and_then(Value::as_object);
    let schema = schema.ok_or_else(|| TraceError::at("inputSchema", "an object"))?;
    let server = match object
        .get("metadata")
        .and_then(|metadata| metadata.get("server"))
    {
        None | Some(Value::Null) => None,
        Some(server) => Some(text(server, "metadata.server")?),
    };
    Ok(Tool {
        server,
        name: text(name, "name")?,
        description: schema::description(object.get("description")),
        parameters: schema::parameters(schema),
    })
}

/// Whether an object is an element of the trace or a part of one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Event,
    Part,
}

/// Only at an event does the metadata name the server.
fn attribution(object: &Object, level: Level) -> Result<Attribution> {
    let metadata = match object.get("metadata") {
        None => Object::new(),
        Some(Value::Object(metadata)) => (**metadata).clone(),
        Some(_) => return Err(TraceError::at("metadata", "an object")),
    };
    let named = metadata.get("server").filter(|_| level == Level::Event);
    let server = named.or_else(|| object.get("server"));
    let server = match server {
        None | Some(Value::Null) => None,
        Some(server) => Some(text(server, "server")?),
    };
    Ok(Attribution { metadata, server })
}

fn text(value: &Value, path: &str) -> Result<Arc<str>> {
    match value {
        Value::String(text) => Ok(text.clone()),
        _ => Err(TraceError::at(path, "a text")),
    }
}

// === impl TraceError ===

impl TraceError {
    fn at(path: &str, expected: &'static str) -> Self {
        Self {
            path: path.to_owned(),
            expected,
        }
    }

    fn inside(mut self, outer: &str) -> Self {
        self.path = if self.path.is_empty() {
            outer.to_owned()
        } else {
            format!("{outer}.{}", self.path)
        };
        self
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "the element must be {}", self.expected),
            path => write!(f, "`{path}` must be {}", self.expected),
        }
    }
}

impl std::error::Error for TraceError {}
