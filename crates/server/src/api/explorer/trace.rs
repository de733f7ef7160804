//! One trace: a session that the gateway recorded, or that was pushed.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use portcullis_json::{Object, Value};
use portcullis_store::{EventPage, GuardrailId, Store, StoreError};
use portcullis_trace::record::{EventRecord, GuardrailName, Origin, SessionId, SessionSummary};

use super::cut::truncated;
use super::shape::ShownAnnotation;
use crate::api::Api;
use crate::api::answer::{Answered, Detail, Failure, count, object, ok};
use crate::api::body::parse_json;
use crate::api::identity::{USER_ID, USER_NAME};
use crate::api::parameters::Parameters;
use crate::explorer::time::stamp;
use crate::explorer::{Projected, Projection};

/// LIMIT: how long the messages of a trace may be that is shown as a whole.
const TRACE_BYTES_MAX: usize = 256 << 20;
/// LIMIT: how long the messages and annotations of all traces of one answer may be.
const ANSWER_BYTES_MAX: usize = 32 << 20;
/// How much of a text is shown unless the request says otherwise.
const SHOWN_CHARACTERS: usize = 100_000;

/// A trace as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    pub(super) summary: SessionSummary,
    pub(super) messages: Vec<Value>,
    pub(super) annotations: Vec<ShownAnnotation>,
}

/// How much of what is kept may still be read for one answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    left: usize,
    refusal: fn() -> Detail,
}

/// The texts of the guardrails that fired.
#[derive(Debug, Default)]
struct Policies(BTreeMap<String, Option<Arc<str>>>);

pub(super) async fn read(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let parameters = Parameters::of(query.as_deref());
    let characters = parameters.number("max_length")?.unwrap_or(SHOWN_CHARACTERS);
    let with_annotations = !matches!(
        parameters.get("include_annotations"),
        Some("false" | "False" | "0" | "no" | "off")
    );
    let shown = api.with_traces(move |store| {
        let trace = Trace::load(store, &session_id(&id)?)?;
        let dataset = dataset_id(store, &trace.summary)?;
        let mut shown = trace.json(dataset, characters);
        shown.insert("user", USER_NAME);
        if !with_annotations {
            shown.remove("annotations");
        }
        Ok(Value::from(shown))
    });
    Ok(ok(&shown.await?))
}

pub(super) async fn delete(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answered {
    let id = session_id(&id)?;
    let going_on = api.going_on();
    let is_deleted = api.with_traces(move |store| {
        if going_on.has(&find(store, &id)?) {
            return Err(goes_on("the trace is of a session that goes on").into());
        }
        Ok(store.delete_session(&id)?)
    });
    if is_deleted.await? {
        Ok(ok(&object([("message", "deleted".into())])))
    } else {
        Err(not_found())
    }
}

pub(super) async fn is_shared(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answered {
    let shared = api.with_traces(move |store| Ok(find(store, &session_id(&id)?)?.is_shared));
    Ok(shared_or_not(shared.await?))
}

pub(super) async fn share(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answered {
    set_shared(&api, id, true).await
}

pub(super) async fn unshare(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answered {
    set_shared(&api, id, false).await
}

async fn set_shared(api: &Api, id: String, is_shared: bool) -> Answered {
    api.with_traces(move |store| {
        let session = find(store, &session_id(&id)?)?.session.id;
        Ok(store.share_session(&session, is_shared)?)
    })
    .await?;
    Ok(shared_or_not(is_shared))
}

fn shared_or_not(is_shared: bool) -> axum::response::Response {
    ok(&object([("shared", is_shared.into())]))
}

// === impl Trace ===

impl Trace {
    pub(super) fn load(store: &mut dyn Store, id: &SessionId) -> Result<Self, Failure> {
        Self::load_within(store, id, &mut Budget::for_one())
    }

    pub(super) fn load_within(
        store: &mut dyn Store,
        id: &SessionId,
        budget: &mut Budget,
    ) -> Result<Self, Failure> {
        let summary = find(store, id)?;
        let mut trace = Self {
            summary,
            messages: Vec::new(),
            annotations: Vec::new(),
        };
        let mut projection = Projection::new();
        let mut policies = Policies::default();
        let mut page = EventPage::first(EventPage::LIMIT_MAX);
        loop {
            let records = store.events(id, page)?;
            let Some(last) = records.last() else { break };
            page = page.after(last.sequence);
            for record in &records {
                budget.take(record.events.len())?;
                policies.note(store, record)?;
                trace.add(record, &mut projection, &policies)?;
            }
        }
        for made in store.annotations(id)? {
            budget.take(made.content.len() + made.address.len())?;
            trace.annotations.push(made.into());
        }
        Ok(trace)
    }

    fn add(
        &mut self,
        record: &EventRecord,
        projection: &mut Projection,
        policies: &Policies,
    ) -> Result<(), Failure> {
        let damaged = |what: String| StoreError::Damaged {
            record: format!("session {}", record.session),
            what,
        };
        let Projected {
            messages,
            annotations,
        } = match self.summary.session.origin {
            Origin::Live => projection
                .push(record, &|guardrail| policies.text(guardrail))
                .map_err(|error| damaged(error.to_string()))?,
            Origin::Pushed => Projected {
                messages: pushed(record).ok_or_else(|| damaged("a pushed message".to_owned()))?,
                annotations: Vec::new(),
            },
        };
        self.messages.extend(messages);
        let annotations = annotations.into_iter().map(|annotation| ShownAnnotation {
            id: annotation.id,
            content: annotation.content,
            address: annotation.address,
            metadata: annotation.extra_metadata,
            created_at: record.recorded_at,
        });
        self.annotations.extend(annotations);
        Ok(())
    }

    /// With texts of so many characters at most.
    pub(super) fn json(&self, dataset: Option<String>, characters: usize) -> Object {
        let session = &self.summary.session;
        let messages = self.messages.iter();
        let messages: Vec<Value> = messages.map(|m| truncated(m, characters)).collect();
        let annotations = self.annotations.iter();
        let annotations: Vec<Value> = annotations.map(|a| a.json(&session.id)).collect();
        let pushed_at = self.summary.last_pushed_at.unwrap_or(session.started_at);
        let mut shown = head(&self.summary);
        shown.insert("messages", messages);
        shown.insert("dataset", dataset.map_or(Value::Null, Value::from));
        shown.insert("user_id", USER_ID);
        shown.insert("time_created", stamp(session.started_at));
        shown.insert("time_last_pushed", stamp(pushed_at));
        shown.insert("annotations", annotations);
        shown
    }

    /// One line of an export.
    pub(super) fn exported(&self) -> Value {
        let session = &self.summary.session;
        let annotations = self.annotations.iter();
        object([
            ("index", index(&self.summary)),
            ("messages", self.messages.clone().into()),
            ("metadata", session.metadata.clone().into()),
            (
                "annotations",
                annotations
                    .map(ShownAnnotation::exported)
                    .collect::<Vec<Value>>()
                    .into(),
            ),
        ])
    }
}

// === impl Budget ===

impl Budget {
    fn for_one() -> Self {
        Self {
            left: TRACE_BYTES_MAX,
            refusal: too_long,
        }
    }

    /// For several traces in one answer.
    pub(super) fn for_several() -> Self {
        Self {
            left: ANSWER_BYTES_MAX,
            refusal: too_much,
        }
    }

    fn take(&mut self, bytes: usize) -> Result<(), Detail> {
        self.left = self.left.checked_sub(bytes).ok_or_else(self.refusal)?;
        Ok(())
    }
}

/// What is shown of a trace wherever it is shown.
pub(super) fn head(summary: &SessionSummary) -> Object {
    let session = &summary.session;
    let index = index(summary);
    let name = match &session.name {
        Some(name) => name.clone(),
        None => format!("Run {index}"),
    };
    let path = session.hierarchy_path.iter();
    let mut shown = Object::new();
    shown.insert("id", session.id.as_str());
    shown.insert("index", index);
    shown.insert("messages", Vec::new());
    shown.insert("name", name);
    shown.insert(
        "hierarchy_path",
        path.map(|step| step.as_str().into())
            .collect::<Vec<Value>>(),
    );
    shown.insert("extra_metadata", session.metadata.clone());
    shown
}

fn index(summary: &SessionSummary) -> Value {
    count(summary.session.index.unwrap_or_default())
}

/// A trace that a URL names. What is no id names none.
pub(super) fn session_id(written: &str) -> Result<SessionId, Detail> {
    let written = written.to_ascii_lowercase();
    written.parse().map_err(|_| not_found())
}

pub(super) fn find(store: &mut dyn Store, id: &SessionId) -> Result<SessionSummary, Failure> {
    match store.session(id.as_str()) {
        Ok(summary) => Ok(summary),
        Err(StoreError::Unknown { .. }) => Err(not_found().into()),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn dataset_id(
    store: &mut dyn Store,
    summary: &SessionSummary,
) -> Result<Option<String>, Failure> {
    let Some(name) = &summary.session.project else {
        return Ok(None);
    };
    let project = store.project_named(name)?;
    Ok(project.map(|found| found.project.id.to_string()))
}

pub(super) fn not_found() -> Detail {
    Detail::not_found("Trace not found")
}

/// What still happens is not forgotten.
pub(super) fn goes_on(what: &str) -> Detail {
    Detail::new(StatusCode::CONFLICT, format!("{what}, end it first"))
}

fn too_long() -> Detail {
    Detail::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!(
            "the trace is longer than {TRACE_BYTES_MAX} bytes, \
             read it with `portcullis traces export`"
        ),
    )
}

fn pushed(record: &EventRecord) -> Option<Vec<Value>> {
    match parse_json(&record.events) {
        Ok(Value::Array(messages)) => Some(messages.to_vec()),
        Ok(_) | Err(_) => None,
    }
}

// === impl Policies ===

impl Policies {
    /// Looks up what the record mentions.
    fn note(&mut self, store: &mut dyn Store, record: &EventRecord) -> Result<(), StoreError> {
        for violation in &record.violations {
            let Some(id) = &violation.guardrail.id else {
                continue;
            };
            if !self.0.contains_key(id) {
                let found = match id.parse::<GuardrailId>() {
                    Ok(id) => store.guardrail(&id)?,
                    Err(_) => None,
                };
                let text = found.map(|found| Arc::from(found.content));
                self.0.insert(id.clone(), text);
            }
        }
        Ok(())
    }

    fn text(&self, guardrail: &GuardrailName) -> Option<Arc<str>> {
        self.0.get(guardrail.id.as_ref()?)?.clone()
    }
}

fn too_much() -> Detail {
    Detail::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!(
            "the traces come to more than {ANSWER_BYTES_MAX} bytes: \
             ask for fewer, read them one by one, or download the dataset"
        ),
    )
}
