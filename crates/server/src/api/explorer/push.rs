//! Traces that programs hand over, as a whole or message by message.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use portcullis_json::{Object, Value};
use portcullis_store::{Annotation, Entry, Push, PushedMessage, Store};
use portcullis_trace::record::{Origin, Sequence, SessionId, SessionRecord, Timestamp};
use uuid::Uuid;

use super::annotation::annotations;
use super::dataset::{check_name, new_project};
use super::trace::{find, session_id};
use crate::api::Api;
use crate::api::answer::{Answered, Detail, Failure, object, ok};
use crate::api::body::{self, given, parse_json};
use crate::api::identity::USER_NAME;
use crate::clock::now;
use crate::explorer::time::{parse, stamp};

/// A trace that was handed over.
#[derive(Clone, Debug)]
pub(super) struct Pushed {
    pub(super) session: SessionRecord,
    pub(super) messages: Vec<PushedMessage>,
    pub(super) annotations: Vec<Annotation>,
}

pub(super) async fn push(State(api): State<Arc<Api>>, request: Body) -> Answered {
    let body = body::object(request).await?;
    let (traces, dataset) = read(&body, now())?;
    let ids = traces.iter().map(|trace| trace.session.id.as_str().into());
    let mut answer = Object::new();
    answer.insert("id", ids.collect::<Vec<Value>>());
    if let Some(dataset) = &dataset {
        answer.insert("dataset", dataset.as_str());
    }
    answer.insert("username", USER_NAME);
    api.with_store(move |store| {
        if let Some(dataset) = &dataset {
            store.ensure_project(&new_project(dataset)?)?;
        }
        write(store, &traces)
    })
    .await?;
    Ok(ok(&answer.into()))
}

pub(super) async fn append(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    request: Body,
) -> Answered {
    let body = body::object(request).await?;
    let pushed_at = now();
    let messages = appended(&body, pushed_at)?;
    let remarks = match given(&body, "annotations") {
        None => Vec::new(),
        Some(Value::Array(remarks)) if remarks.iter().all(is_object) => remarks.to_vec(),
        Some(_) => {
            return Err(Detail::bad_request(
                "Invalid annotations format - expected a list of dictionaries or an empty list",
            ));
        }
    };
    api.with_store(move |store| {
        let session = find(store, &session_id(&id)?)?.session.id;
        let push = Push {
            messages,
            annotations: annotations(&remarks, &session, pushed_at)?,
            pushed_at,
        };
        Ok(store.append_messages(&session, &push)?)
    })
    .await?;
    Ok(ok(&object([("success", true.into())])))
}

/// A trace that belongs to no project.
pub(super) async fn new_snippet(State(api): State<Arc<Api>>, request: Body) -> Answered {
    let body = body::object(request).await?;
    let messages = match given(&body, "content") {
        Some(trace @ Value::Array(messages)) if is_trace(trace) => messages.to_vec(),
        Some(_) | None => return Err(Detail::bad_request("content must be a list of messages")),
    };
    let mut metadata = body::members(&body, "extra_metadata")?;
    for (name, default) in [
        ("name", "Single Trace".into()),
        ("hierarchy_path", Vec::new().into()),
    ] {
        metadata.insert(name, given(&body, name).cloned().unwrap_or(default));
    }
    let trace = Pushed::new(None, &messages, metadata, now())?;
    let id = trace.session.id.clone();
    api.with_store(move |store| write(store, &[trace])).await?;
    Ok(ok(&object([("id", id.as_str().into())])))
}

// === impl Pushed ===

impl Pushed {
    /// `metadata` may name the trace and say where it stands among others.
    pub(super) fn new(
        project: Option<&str>,
        messages: &[Value],
        metadata: Object,
        at: Timestamp,
    ) -> Result<Self, Detail> {
        let id = Uuid::now_v7().to_string();
        let id: SessionId = id.parse().map_err(|_| Detail::busy("no id for a trace"))?;
        let name = metadata.get("name").and_then(Value::as_str);
        let path = metadata.get("hierarchy_path").and_then(Value::as_array);
        let path = path.unwrap_or_default().iter().filter_map(Value::as_str);
        let messages = messages.iter().map(|message| {
            let message = with_parsed_arguments(message);
            let own = message.get("timestamp").and_then(Value::as_str);
            PushedMessage {
                at: own.and_then(parse).unwrap_or(at),
                message,
            }
        });
        Ok(Self {
            session: SessionRecord {
                id,
                project: project.map(str::to_owned),
                name: name.map(str::to_owned),
                server: String::new(),
                client: None,
                started_at: at,
                hierarchy_path: path.map(str::to_owned).collect(),
                metadata,
                origin: Origin::Pushed,
                index: None,
            },
            messages: messages.collect(),
            annotations: Vec::new(),
        })
    }
}

/// Writes traces, all or none, and then what is remarked about them.
pub(super) fn write(store: &mut dyn Store, traces: &[Pushed]) -> Result<(), Failure> {
    let mut entries: Vec<Entry> = Vec::new();
    for trace in traces {
        entries.push(trace.session.clone().into());
        let mut sequence = Sequence::FIRST;
        for message in &trace.messages {
            entries.push(message.event(trace.session.id.clone(), sequence).into());
            sequence = sequence.next();
        }
    }
    store.write(&entries)?;
    let annotations = traces.iter().flat_map(|trace| trace.annotations.clone());
    let annotations: Vec<Annotation> = annotations.collect();
    if !annotations.is_empty() {
        store.annotate(&annotations)?;
    }
    Ok(())
}

/// The traces of a request, and the project that they go to.
fn read(body: &Object, at: Timestamp) -> Result<(Vec<Pushed>, Option<String>), Detail> {
    let wrong = |text: &str| Err(Detail::bad_request(text));
    let traces = match body.get("messages") {
        Some(Value::Array(traces)) if traces.is_empty() => {
            return wrong("messages must not be empty");
        }
        Some(Value::Array(traces)) if traces.iter().all(is_trace) => traces.to_vec(),
        _ => return wrong("messages must be a list of traces"),
    };
    let remarks = match given(body, "annotations") {
        None => None,
        Some(Value::Array(remarks)) => Some(remarks.to_vec()),
        Some(_) => return wrong("annotations must be a list of annotations"),
    };
    let dataset = match given(body, "dataset") {
        None => None,
        Some(Value::String(dataset)) => Some(dataset.to_string()),
        Some(_) => return wrong("dataset name must be a string"),
    };
    let metadata = match given(body, "metadata") {
        None => vec![Value::Null; traces.len()],
        Some(Value::Array(metadata)) => metadata.to_vec(),
        Some(_) => return wrong("metadata must be a list of metadata"),
    };
    if remarks
        .as_ref()
        .is_some_and(|remarks| remarks.len() != traces.len())
    {
        return wrong("annotations must be the same length as messages");
    }
    if metadata.len() != traces.len() {
        return wrong("metadata must be the same length as messages");
    }
    if let Some(dataset) = &dataset {
        check_name(dataset)?;
    }
    let remarks = remarks.unwrap_or_else(|| vec![Value::Null; traces.len()]);
    let mut pushed = Vec::new();
    for ((messages, remarks), metadata) in traces.iter().zip(&remarks).zip(&metadata) {
        let metadata = metadata.as_object().cloned().unwrap_or_default();
        let messages = messages.as_array().unwrap_or_default();
        let mut trace = Pushed::new(dataset.as_deref(), messages, metadata, at)?;
        let remarks = remarks.as_array().unwrap_or_default();
        trace.annotations = annotations(remarks, &trace.session.id, at)?;
        pushed.push(trace);
    }
    Ok((pushed, dataset))
}

/// The messages of an append, with their times as texts that can be compared.
fn appended(body: &Object, at: Timestamp) -> Result<Vec<PushedMessage>, Detail> {
    let messages = match body.get("messages") {
        Some(Value::Array(messages)) if !messages.is_empty() && messages.iter().all(is_object) => {
            messages
        }
        _ => {
            return Err(Detail::bad_request(
                "Invalid messages format - expected a non-empty list of dictionaries",
            ));
        }
    };
    let mut pushed = Vec::new();
    for message in messages.iter() {
        let at = match message.get("timestamp") {
            None | Some(Value::Null) => at,
            Some(written) => {
                let time = written.as_str().and_then(parse);
                time.ok_or_else(|| invalid_timestamp(written))?
            }
        };
        let mut message = with_parsed_arguments(message)
            .as_object()
            .cloned()
            .unwrap_or_default();
        message.insert("timestamp", stamp(at));
        pushed.push(PushedMessage {
            at,
            message: message.into(),
        });
    }
    Ok(pushed)
}

fn invalid_timestamp(written: &Value) -> Detail {
    let written = match written {
        Value::String(text) => text.to_string(),
        other => other.to_string(),
    };
    Detail::bad_request(format!(
        "Invalid timestamp format in message: {written}. \
         Expected format: ISO 8601, e.g., 2025-01-23T10:30:00+00:00"
    ))
}

/// Arguments of tool calls that are the text of JSON become what the text says.
fn with_parsed_arguments(message: &Value) -> Value {
    let (Some(members), Some(Value::Array(calls))) =
        (message.as_object(), message.get("tool_calls"))
    else {
        return message.clone();
    };
    let calls: Vec<Value> = calls.iter().map(with_parsed).collect();
    let mut members = members.clone();
    members.insert("tool_calls", calls);
    members.into()
}

fn with_parsed(call: &Value) -> Value {
    let parsed = || {
        let (members, function) = (call.as_object()?, call.get("function")?.as_object()?);
        let arguments = parse_json(function.get("arguments")?.as_str()?).ok()?;
        let (mut members, mut function) = (members.clone(), function.clone());
        function.insert("arguments", arguments);
        members.insert("function", function);
        Some(Value::from(members))
    };
    parsed().unwrap_or_else(|| call.clone())
}

fn is_trace(value: &Value) -> bool {
    let messages = value.as_array();
    messages.is_some_and(|messages| messages.iter().all(is_object))
}

fn is_object(value: &Value) -> bool {
    value.as_object().is_some()
}
