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
mod lowering;
mod meta;
mod time;
mod uri;

use std::fmt;
use std::sync::Arc;

use portcullis_json::{Object, Value, Written, write};
use portcullis_trace::Content;
use portcullis_trace::wire::TraceError;

use self::blob::{BlobError, Blobs};
pub use self::content::own_chunks;
use self::content::{error_texts, rest, unescaped};
use self::lowering::Lowering;
pub(crate) use self::lowering::{Common, Lowered};
use self::meta::params_rest;
pub(crate) use self::time::Times;
pub(crate) use self::uri::is_scheme;

#[cfg(test)]
mod tests;

/// Why a message cannot be shown to policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LowerError {
    Blob(BlobError),
    Element(TraceError),
}

type Result<T = ()> = std::result::Result<T, LowerError>;

/// A message, reduced to what lowering needs of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'m> {
    Request {
        call_id: &'m Arc<str>,
        method: &'m str,
        params: Option<&'m Value>,
    },
    Notification {
        method: &'m str,
        params: Option<&'m Value>,
        /// Of the tool whose task it tells of.
        task_call: Option<&'m Arc<str>>,
    },
    Result {
        call_id: &'m Arc<str>,
        /// Of the request that it answers.
        method: &'m str,
        result: &'m Value,
        /// Of the tool whose task it was that was asked for.
        task_call: Option<&'m Arc<str>>,
    },
    Error {
        call_id: &'m Arc<str>,
        error: &'m Value,
        /// See [`Self::Result`].
        task_call: Option<&'m Arc<str>>,
    },
}

/// The message as events, and as elements of a trace in the form that `portcullis check` reads.
pub(crate) fn lower(
    subject: Subject<'_>,
    common: &Common,
    timestamp: &str,
    written: Written<'_>,
) -> Result<Lowered> {
    let mut lowering = Lowering::new(common, timestamp, written);
    lowering.take(subject)?;
    Ok(lowering.into_lowered())
}

/// What the blobs of these parameters say, as arguments; `None` if they say nothing.
fn blob_texts(method: &str, params: &Object) -> Result<Option<Arc<Object>>> {
    let mut blobs = Blobs::default();
    blobs.read_params(method, params)?;
    let texts = blobs.into_texts();
    if texts.is_empty() {
        return Ok(None);
    }
    let texts: Vec<Value> = texts.into_iter().map(Value::from).collect();
    Ok(Some(Arc::new([("blobs", texts.into())].into())))
}

/// Whether it says how far a request has come and nothing else. That the token belongs to a request
/// was seen to.
fn is_progress_alone(params: &Object) -> bool {
    let others = rest(params, &["progressToken"]);
    others.iter().all(|(name, value)| {
        matches!(&**name, "progress" | "total") && matches!(value, Value::Number(_))
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

fn members(value: Option<&Value>) -> Arc<Object> {
    match value {
        Some(Value::Object(members)) => Arc::clone(members),
        _ => Arc::default(),
    }
}

/// One or a list of them.
fn blocks<'v>(members: &'v Object, field: &str) -> &'v [Value] {
    match members.get(field) {
        Some(Value::Array(blocks)) => blocks,
        Some(block) => std::slice::from_ref(block),
        None => &[],
    }
}

// === impl Lowering ===

impl Lowering<'_> {
    fn take(&mut self, subject: Subject<'_>) -> Result {
        match subject {
            Subject::Request {
                call_id,
                method,
                params,
            } => self.request(call_id, method, params),
            Subject::Notification {
                method,
                params,
                task_call,
            } => {
                self.notification(method, params)?;
                self.task_output(task_call, || outcome(params))
            }
            Subject::Result {
                call_id,
                method,
                result,
                task_call,
            } => {
                self.result(call_id, method, result)?;
                self.task_output(task_call, || match method {
                    "tasks/get" => outcome(Some(result)),
                    _ => result.as_object().cloned(),
                })
            }
            Subject::Error {
                call_id,
                error,
                task_call,
            } => {
                let (said, plain) = error_texts(error);
                let said: Arc<str> = said.into();
                for call_id in [Some(call_id), task_call].into_iter().flatten() {
                    self.push_output(call_id, Content::Text(Arc::clone(&said)));
                    self.push_plain(call_id, plain.clone());
                }
                Ok(())
            }
        }
    }

    fn request(&mut self, call_id: &Arc<str>, method: &str, params: Option<&Value>) -> Result {
        let params = members(params);
        let texts = blob_texts(method, &params)?;
        let mut calls = match (method, params.get("name")) {
            // With a name that is no text it was refused: `Session::admit_call`.
            ("tools/call", Some(Value::String(name))) => {
                let arguments = members(params.get("arguments"));
                let mut calls = vec![self.call(Some(call_id), Arc::clone(name), arguments)];
                let others = params_rest(&params, &["name", "arguments"]);
                if !others.is_empty() {
                    let call_id = format!("{call_id}.params").into();
                    calls.push(self.call(Some(&call_id), method.into(), Arc::new(others)));
                }
                calls
            }
            ("ping", _) if params_rest(&params, &[]).is_empty() => return Ok(()),
            _ => {
                let respelled = uri::respelled(&params);
                let mut calls = vec![self.call(Some(call_id), method.into(), params)];
                for (number, params) in respelled.into_iter().enumerate() {
                    let call_id = match number {
                        0 => format!("{call_id}.uri"),
                        _ => format!("{call_id}.uri{}", number + 1),
                    };
                    calls.push(self.call(Some(&call_id.into()), method.into(), Arc::new(params)));
                }
                calls
            }
        };
        if let Some(texts) = texts {
            let call_id = format!("{call_id}.blobs").into();
            calls.push(self.call(Some(&call_id), method.into(), texts));
        }
        self.push_calls(calls);
        Ok(())
    }

    fn notification(&mut self, method: &str, params: Option<&Value>) -> Result {
        let params = members(params);
        let carries_text = match method {
            "notifications/progress" => !is_progress_alone(&params),
            _ => !rest(&params, &[]).is_empty(),
        };
        if !carries_text {
            return Ok(());
        }
        let texts = blob_texts(method, &params)?;
        let mut calls = vec![self.call(None, method.into(), params)];
        calls.extend(texts.map(|texts| self.call(None, method.into(), texts)));
        self.push_calls(calls);
        Ok(())
    }

    fn result(&mut self, call_id: &Arc<str>, method: &str, result: &Value) -> Result {
        let Some(members) = result.as_object() else {
            self.push_value(call_id, result, Vec::new());
            return Ok(());
        };
        let mut blobs = Blobs::default();
        blobs.read_result(method, members)?;
        let decoded = blobs.into_texts();
        match method {
            "ping" if rest(members, &[]).is_empty() => {}
            "tools/call" | "tasks/result" => {
                let mut chunks = self.chunks();
                chunks.push_tool_result(members);
                self.push_chunks(call_id, chunks, decoded);
            }
            "tools/list" => self.push_listing(call_id, result, members)?,
            "resources/read" => {
                let mut chunks = self.chunks();
                for contents in blocks(members, "contents") {
                    chunks.push_resource(contents);
                }
                chunks.push_others(members, "contents");
                self.push_chunks(call_id, chunks, decoded);
            }
            "sampling/createMessage" => {
                let mut chunks = self.chunks();
                for block in blocks(members, "content") {
                    chunks.push_block(block);
                }
                chunks.push_others(members, "content");
                self.push_chunks(call_id, chunks, decoded);
            }
            "prompts/get" => {
                self.push_value(call_id, result, decoded);
                for message in prompt_messages(members) {
                    self.push_prompt(message)?;
                }
            }
            "initialize" | "server/discover" => {
                self.push_json(call_id, result, decoded);
                if let Some(Value::String(instructions)) = members.get("instructions") {
                    self.push_message("system".into(), Content::Text(Arc::clone(instructions)));
                }
                self.push_plain(call_id, unescaped(result));
            }
            _ => self.push_value(call_id, result, decoded),
        }
        Ok(())
    }

    /// What came of a task, as the output of the tool that it is.
    fn task_output(
        &mut self,
        call_id: Option<&Arc<str>>,
        outcome: impl FnOnce() -> Option<Object>,
    ) -> Result {
        let Some((call_id, outcome)) = call_id.and_then(|call_id| Some((call_id, outcome()?)))
        else {
            return Ok(());
        };
        let mut blobs = Blobs::default();
        blobs.read_result("tools/call", &outcome)?;
        let mut chunks = self.chunks();
        chunks.push_tool_result(&outcome);
        self.push_chunks(call_id, chunks, blobs.into_texts());
        Ok(())
    }

    /// The output of a listing, and the listing itself.
    ///
    /// A tool without a usable name or schema still becomes an event: it must not keep the others
    /// from being judged.
    fn push_listing(&mut self, call_id: &Arc<str>, result: &Value, members: &Object) -> Result {
        let Some(Value::Array(tools)) = members.get("tools") else {
            self.push_value(call_id, result, Vec::new());
            return Ok(());
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
        let tools: Vec<Value> = tools.iter().map(|tool| self.tool(tool)).collect();
        let listing = Value::from([("tools", tools.into())]);
        // Places in the listing are counted from the first output on.
        self.push_text(call_id, listed);
        self.push_element(&listing)?;
        self.push_plain(call_id, plain);
        Ok(())
    }

    fn push_prompt(&mut self, message: &Value) -> Result {
        let role = match message.get("role").and_then(Value::as_str) {
            Some("assistant") => "assistant",
            // Whatever a server writes here must not pass for an output of a tool.
            _ => "user",
        };
        let content = message.get("content");
        let mut chunks = self.chunks();
        if let Some(content) = content {
            chunks.push_block(content);
        }
        let mut blobs = Blobs::default();
        blobs.read_content(content)?;
        chunks.push_texts(blobs.into_texts());
        self.push_message(role.into(), chunks.into_content());
        Ok(())
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
}

// === impl LowerError ===

impl From<BlobError> for LowerError {
    fn from(error: BlobError) -> Self {
        Self::Blob(error)
    }
}

impl From<TraceError> for LowerError {
    fn from(error: TraceError) -> Self {
        Self::Element(error)
    }
}

impl fmt::Display for LowerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blob(error) => error.fmt(f),
            Self::Element(error) => error.fmt(f),
        }
    }
}
