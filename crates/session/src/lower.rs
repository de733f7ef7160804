//! From MCP messages to what policies see. This is the only place that knows both.
//!
//! | message | becomes |
//! |---|---|
//! | `tools/call` request | a call of the tool, with its arguments; what else its `params` hold is a second call, named `tools/call` |
//! | any other request | a call named after the method, with `params` as its arguments; further ones with the plain spelling of URIs in them and without what stands behind their paths, where that says something else |
//! | result of `tools/call` | an output: texts and images as chunks, those of resources too, everything else as chunks of JSON text |
//! | result of `tools/list` | an output with the tools as JSON text, and a listing: one tool event each |
//! | result of `resources/read`, `sampling/createMessage` | an output, its contents as chunks |
//! | strings that JSON text writes with escapes | a chunk more, or where there are no chunks an output more, with these strings as they read |
//! | a blob, or the `data` of a picture or sound, that is text | a chunk more with that text, behind the others; in a request a second call with the texts |
//! | result of `prompts/get` | an output with the result as JSON text, and each prompt message as a message |
//! | result of `initialize`, `server/discover` | an output with the result as JSON text; `instructions` as a system message |
//! | what came of a task, in a result or a notification | an output of the call of the tool that became the task |
//! | any other result | an output with the result as JSON text |
//! | error | an output with the error's message, and its data as JSON text |
//! | notification with parameters | a call named after the method, without an output |
//! | `ping` and notifications without parameters, progress in numbers alone | nothing: they carry no text |
//!
//! Both directions lower alike; the call ids of the server's requests are kept apart (see
//! [`CallId`](crate::exchange::CallId)). Each element names its server and the time.

mod blob;
mod content;
mod meta;
mod uri;

use std::sync::Arc;

use portcullis_json::{Object, Value, write};

pub(crate) use self::blob::BlobError;
use self::blob::Blobs;
pub use self::content::own_chunks;
use self::content::{
    block_chunks, error_texts, json_chunks, resource_chunks, rest, text_chunk, tool_result,
    unescaped,
};
use self::meta::params_rest;
pub(crate) use self::uri::is_scheme;

/// What every element of one message carries.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    pub(crate) server: Arc<str>,
    /// ISO 8601, UTC.
    pub(crate) timestamp: String,
}

/// A message, reduced to what lowering needs of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'m> {
    Request {
        call_id: &'m str,
        method: &'m str,
        params: Option<&'m Value>,
    },
    Notification {
        method: &'m str,
        params: Option<&'m Value>,
        /// Of the tool whose task it tells of.
        task_call: Option<&'m str>,
    },
    Result {
        call_id: &'m str,
        /// Of the request that it answers.
        method: &'m str,
        result: &'m Value,
        /// Of the tool whose task it was that was asked for.
        task_call: Option<&'m str>,
    },
    Error {
        call_id: &'m str,
        error: &'m Value,
        /// See [`Self::Result`].
        task_call: Option<&'m str>,
    },
}

/// The message as elements of a trace, in the form that `portcullis check` reads.
pub(crate) fn lower(subject: Subject<'_>, stamp: &Stamp) -> Result<Vec<Value>, BlobError> {
    match subject {
        Subject::Request {
            call_id,
            method,
            params,
        } => request(call_id, method, params, stamp),
        Subject::Notification {
            method,
            params,
            task_call,
        } => {
            let mut elements = notification(method, params, stamp)?;
            elements.extend(task_output(task_call, outcome(params), stamp)?);
            Ok(elements)
        }
        Subject::Result {
            call_id,
            method,
            result,
            task_call,
        } => {
            let mut elements = self::result(call_id, method, result, stamp)?;
            let outcome = match method {
                "tasks/get" => outcome(Some(result)),
                _ => result.as_object().cloned(),
            };
            elements.extend(task_output(task_call, outcome, stamp)?);
            Ok(elements)
        }
        Subject::Error {
            call_id,
            error,
            task_call,
        } => {
            let (text, plain) = error_texts(error);
            let text = Value::from(text);
            let calls = [Some(call_id), task_call].into_iter().flatten();
            let outputs = calls.map(|call| stamp.outputs(call, text.clone(), plain.clone()));
            Ok(outputs.flatten().collect())
        }
    }
}

fn request(
    call_id: &str,
    method: &str,
    params: Option<&Value>,
    stamp: &Stamp,
) -> Result<Vec<Value>, BlobError> {
    let params = members(params);
    let texts = blob_texts(method, &params)?;
    let mut calls = match (method, params.get("name")) {
        ("tools/call", Some(name)) => {
            let arguments = members(params.get("arguments"));
            let mut calls = vec![call(Some(call_id), name.clone(), arguments)];
            let others = params_rest(&params, &["name", "arguments"]);
            if !others.is_empty() {
                calls.push(call(
                    Some(&format!("{call_id}.params")),
                    method.into(),
                    others,
                ));
            }
            calls
        }
        ("ping", _) if params_rest(&params, &[]).is_empty() => return Ok(Vec::new()),
        _ => {
            let respelled = uri::respelled(&params);
            let mut calls = vec![call(Some(call_id), method.into(), params)];
            for (number, params) in respelled.into_iter().enumerate() {
                let call_id = match number {
                    0 => format!("{call_id}.uri"),
                    _ => format!("{call_id}.uri{}", number + 1),
                };
                calls.push(call(Some(&call_id), method.into(), params));
            }
            calls
        }
    };
    if let Some(texts) = texts {
        let call_id = format!("{call_id}.blobs");
        calls.push(call(Some(&call_id), method.into(), texts));
    }
    Ok(vec![stamp.calls(calls)])
}

/// What the blobs of these parameters say, as arguments; `None` if they say nothing.
fn blob_texts(method: &str, params: &Object) -> Result<Option<Object>, BlobError> {
    let mut blobs = Blobs::default();
    blobs.read_params(method, params)?;
    let texts = blobs.into_texts();
    if texts.len() == 0 {
        return Ok(None);
    }
    let texts = Value::from(texts.collect::<Vec<_>>());
    Ok(Some([("blobs", texts)].into()))
}

fn notification(
    method: &str,
    params: Option<&Value>,
    stamp: &Stamp,
) -> Result<Vec<Value>, BlobError> {
    let params = members(params);
    let carries_text = match method {
        "notifications/progress" => !is_progress_alone(&params),
        _ => !rest(&params, &[]).is_empty(),
    };
    if !carries_text {
        return Ok(Vec::new());
    }
    let texts = blob_texts(method, &params)?;
    let mut calls = vec![call(None, method.into(), params)];
    calls.extend(texts.map(|texts| call(None, method.into(), texts)));
    Ok(vec![stamp.calls(calls)])
}

/// Whether it says how far a request has come and nothing else. That the token belongs to a request
/// was seen to.
fn is_progress_alone(params: &Object) -> bool {
    let others = rest(params, &["progressToken"]);
    others.iter().all(|(name, value)| {
        matches!(&**name, "progress" | "total") && matches!(value, Value::Number(_))
    })
}

fn result(
    call_id: &str,
    method: &str,
    result: &Value,
    stamp: &Stamp,
) -> Result<Vec<Value>, BlobError> {
    let Some(members) = result.as_object() else {
        return Ok(stamp.outputs(call_id, write(result).into(), unescaped(result)));
    };
    let mut blobs = Blobs::default();
    blobs.read_result(method, members)?;
    let decoded = blobs.into_chunks();
    let as_json = || {
        let content = beside(write(result), &decoded);
        stamp.outputs(call_id, content, unescaped(result))
    };
    let chunks = |mut chunks: Vec<Value>| {
        chunks.extend_from_slice(&decoded);
        Value::from(chunks)
    };
    Ok(match method {
        "ping" if rest(members, &[]).is_empty() => Vec::new(),
        "tools/call" | "tasks/result" => vec![stamp.output(call_id, chunks(tool_result(members)))],
        "tools/list" => tool_listing(call_id, result, members, stamp),
        "resources/read" => {
            let contents = with_rest(members, "contents", resource_chunks);
            vec![stamp.output(call_id, chunks(contents))]
        }
        "sampling/createMessage" => {
            let content = with_rest(members, "content", block_chunks);
            vec![stamp.output(call_id, chunks(content))]
        }
        "prompts/get" => {
            let mut elements = as_json();
            for message in prompt_messages(members) {
                elements.push(prompt_message(message, stamp)?);
            }
            elements
        }
        "initialize" | "server/discover" => {
            let mut elements = as_json();
            if let Some(Value::String(instructions)) = members.get("instructions") {
                elements.insert(
                    1,
                    stamp.message("system", Value::String(instructions.clone())),
                );
            }
            elements
        }
        _ => as_json(),
    })
}

/// What a task says of what came of it, in the form of a tool's result.
fn outcome(task: Option<&Value>) -> Option<Object> {
    let task = task?.as_object()?;
    let mut outcome = match task.get("result") {
        Some(Value::Object(result)) => (**result).clone(),
        Some(other) => [("result", other.clone())].into(),
        None => Object::new(),
    };
    for name in ["error", "statusMessage"] {
        if let Some(said) = task.get(name) {
            outcome.insert(name, said.clone());
        }
    }
    (!outcome.is_empty()).then_some(outcome)
}

/// What came of a task, as the output of the tool that it is.
fn task_output(
    call_id: Option<&str>,
    outcome: Option<Object>,
    stamp: &Stamp,
) -> Result<Option<Value>, BlobError> {
    let Some((call_id, outcome)) = call_id.zip(outcome) else {
        return Ok(None);
    };
    let mut blobs = Blobs::default();
    blobs.read_result("tools/call", &outcome)?;
    let mut chunks = tool_result(&outcome);
    chunks.extend(blobs.into_chunks());
    Ok(Some(stamp.output(call_id, chunks.into())))
}

/// A text, with chunks behind it if there are any.
fn beside(text: String, chunks: &[Value]) -> Value {
    if chunks.is_empty() {
        return text.into();
    }
    let mut all = vec![text_chunk(text.into())];
    all.extend_from_slice(chunks);
    all.into()
}

/// The output of a listing, and the listing itself.
///
/// A tool without a usable name or schema still becomes an event: it must not keep the others from
/// being judged.
fn tool_listing(call_id: &str, result: &Value, members: &Object, stamp: &Stamp) -> Vec<Value> {
    let Some(Value::Array(tools)) = members.get("tools") else {
        return stamp.outputs(call_id, write(result).into(), unescaped(result));
    };
    let others = rest(members, &["tools"]);
    let carries_text = !others
        .iter()
        .all(|(name, value)| is_of_listing(name, value));
    let listed = if carries_text {
        write(result)
    } else {
        write(&Value::Array(Arc::clone(tools)))
    };
    let plain = unescaped(&beside_tools(others, tools));
    let tools: Vec<Value> = tools.iter().map(|tool| stamp.tool(tool)).collect();
    let listing = Value::from([("tools", tools.into())]);
    // Places in the listing are counted from the first output on.
    let mut elements = stamp.outputs(call_id, listed.into(), plain);
    elements.insert(1, listing);
    elements
}

/// What a listing says that the events of its tools do not say as it reads.
fn beside_tools(mut others: Object, tools: &[Value]) -> Value {
    if others
        .get("nextCursor")
        .is_some_and(|cursor| cursor.as_str().is_some())
    {
        others.remove("nextCursor");
    }
    let of_tools = tools.iter().map(|tool| match tool {
        Value::Object(tool) => {
            let is_told = |name: &str, value: &Value| match name {
                "name" | "description" => matches!(value, Value::String(_)),
                "inputSchema" => matches!(value, Value::Object(_)),
                _ => false,
            };
            let others = tool.iter().filter(|(name, value)| !is_told(name, value));
            let others = others.map(|(name, value)| (Arc::clone(name), value.clone()));
            Value::from(others.collect::<Object>())
        }
        other => other.clone(),
    });
    Value::from(vec![others.into(), of_tools.collect::<Vec<_>>().into()])
}

/// Whether it is a member of a listing that carries no text for a model (SPEC: MCP 2026-07-28,
/// Pagination and Caching).
fn is_of_listing(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("nextCursor", Value::String(_)) | ("ttlMs", Value::Number(_)) => true,
        ("cacheScope", Value::String(scope)) => matches!(&**scope, "public" | "private"),
        _ => false,
    }
}

fn prompt_messages(members: &Object) -> &[Value] {
    let messages = members.get("messages").and_then(Value::as_array);
    messages.unwrap_or_default()
}

fn prompt_message(message: &Value, stamp: &Stamp) -> Result<Value, BlobError> {
    let role = match message.get("role").and_then(Value::as_str) {
        Some("assistant") => "assistant",
        // Whatever a server writes here must not pass for an output of a tool.
        _ => "user",
    };
    let content = message.get("content");
    let mut chunks = content.map(block_chunks).unwrap_or_default();
    let mut blobs = Blobs::default();
    blobs.read_content(content)?;
    chunks.extend(blobs.into_chunks());
    Ok(stamp.message(role, chunks.into()))
}

/// The blocks of `field`, one or a list of them, as chunks, then the other members as JSON text.
fn with_rest(members: &Object, field: &str, chunks: impl Fn(&Value) -> Vec<Value>) -> Vec<Value> {
    let mut all: Vec<Value> = match members.get(field) {
        Some(Value::Array(blocks)) => blocks.iter().flat_map(chunks).collect(),
        Some(block) => chunks(block),
        None => Vec::new(),
    };
    let others = rest(members, &[field]);
    if !others.is_empty() {
        all.extend(json_chunks(&others.into()));
    }
    all
}

fn element(role: &str) -> Object {
    [("role", role.into())].into()
}

fn call(id: Option<&str>, name: Value, arguments: Object) -> Value {
    let function = Object::from([("name", name), ("arguments", arguments.into())]);
    let mut call = Object::new();
    if let Some(id) = id {
        call.insert("id", id);
    }
    call.insert("type", "function");
    call.insert("function", function);
    call.into()
}

fn members(value: Option<&Value>) -> Object {
    value
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

// === impl Stamp ===

impl Stamp {
    fn calls(&self, calls: Vec<Value>) -> Value {
        let mut element = element("assistant");
        element.insert("content", "");
        element.insert("tool_calls", calls);
        self.seal(element)
    }

    /// An output, and another one with what reads otherwise than it is written there.
    fn outputs(&self, call_id: &str, content: Value, plain: Option<String>) -> Vec<Value> {
        let mut outputs = vec![self.output(call_id, content)];
        outputs.extend(plain.map(|plain| self.output(call_id, plain.into())));
        outputs
    }

    fn output(&self, call_id: &str, content: Value) -> Value {
        let mut element = element("tool");
        element.insert("tool_call_id", call_id);
        element.insert("content", content);
        self.seal(element)
    }

    fn message(&self, role: &str, content: Value) -> Value {
        let mut element = element(role);
        element.insert("content", content);
        self.seal(element)
    }

    fn tool(&self, tool: &Value) -> Value {
        let text = |field: &str| match tool.get(field) {
            Some(Value::String(text)) => Value::String(Arc::clone(text)),
            Some(other) => write(other).into(),
            None => "".into(),
        };
        let mut listed = Object::new();
        listed.insert("name", text("name"));
        if let Some(description) = tool.get("description") {
            listed.insert("description", description.clone());
        }
        let schema = match tool.get("inputSchema") {
            Some(Value::Object(schema)) => Value::Object(Arc::clone(schema)),
            _ => Object::new().into(),
        };
        listed.insert("inputSchema", schema);
        listed.insert("metadata", self.metadata());
        listed.into()
    }

    fn seal(&self, mut element: Object) -> Value {
        element.insert("timestamp", self.timestamp.as_str());
        element.insert("metadata", self.metadata());
        element.into()
    }

    fn metadata(&self) -> Object {
        let server = Value::String(Arc::clone(&self.server));
        [("server", server)].into()
    }
}
