//! Sessions, live and past, and what was said in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portcullis_json::{Object, Value};
use portcullis_store::{EventPage, SessionFilter, Store, StoreError};
use portcullis_trace::record::{
    EventRecord, Implementation, Origin, Sequence, SessionId, SessionSummary, ViolationRecord,
};

use super::problem::Problem;
use super::shape::{Answer, shapes};
use crate::api::answer::{Detail, Failure, ok};
use crate::api::body::parse_json;
use crate::api::parameters::{Page, Parameters};
use crate::api::{Api, GoingOn};
use crate::explorer::time::stamp;

/// LIMIT: sessions of other processes that are listed as going on.
const ELSEWHERE_MAX: usize = 10_000;

shapes! {
    /// One client's conversation with one server, or a trace that was pushed.
    answer Session {
        id: String,
        project: Option<String>,
        name: Option<String>,
        /// As it is configured, or its URL; empty for what was pushed.
        server: String,
        client: Option<Client>,
        /// `live`: its messages passed through the gateway; `pushed`: somebody handed it over.
        origin: String,
        /// Whether it goes on: in this gateway, or, as it has not ended and something happened in
        /// it within the last hour, perhaps in another process.
        is_open: bool,
        started_at: String,
        ended_at: Option<String>,
        events: u64,
        /// Messages whose recording was lost.
        events_lost: u64,
        /// Messages that could not be judged count too.
        violations: u64,
        metadata: Object,
    }
    /// What a client calls itself.
    answer Client {
        name: String,
        version: Option<String>,
    }
    /// Sessions, the newest first.
    answer Sessions {
        items: Vec<Session>,
        /// The `offset` of what comes after them, if there is more.
        next: Option<u64>,
    }
    /// One message and what became of it.
    answer Event {
        session: String,
        /// Its place in the session, from 1.
        sequence: u64,
        recorded_at: String,
        /// `to-server` or `to-client`.
        direction: String,
        /// Of the request, for an answer too.
        method: Option<String>,
        /// `allow`, `redact`, `block` or `ask`.
        verdict: String,
        /// As it was received, unless it was too large to keep.
        message: Option<String>,
        /// What policies saw of it.
        elements: Vec<Value>,
        violations: Vec<Violation>,
        /// Why it could not be judged, if it could not.
        failure: Option<String>,
    }
    /// A rule that is satisfied.
    answer Violation {
        guardrail: String,
        /// Of a guardrail that the store keeps.
        guardrail_id: Option<String>,
        /// `block`, `redact`, `ask` or `log`.
        action: String,
        message: String,
        arguments: Vec<Value>,
        keywords: Object,
        /// Addresses of what satisfies it.
        ranges: Vec<String>,
    }
    /// Events of a session, in their order.
    answer Events {
        items: Vec<Event>,
        /// The `after` of what comes after them, if there may be more.
        next: Option<u64>,
    }
}

pub(super) async fn list(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let parameters = Parameters::of(query.as_deref());
    let page = Page::of(&parameters)?;
    let text = |name: &str| parameters.get(name).map(str::to_owned);
    let filter = SessionFilter {
        project: text("project"),
        name: text("name"),
        server: text("server"),
        with_violations_only: parameters.flag("with_violations")?.unwrap_or(false),
        limit: page.limit,
        offset: page.offset,
        ..SessionFilter::newest(page.limit)
    };
    let only_open = parameters.flag("is_open")?;
    let going_on = api.going_on();
    let found = api.with_traces(move |store| match only_open {
        Some(true) => open_of(store, &filter, &going_on),
        Some(false) | None => Ok(shown(store.sessions(&filter)?, &going_on)),
    });
    let mut items = found.await?;
    let next = page.next(items.len());
    if only_open == Some(false) {
        items.retain(|session| !session.is_open);
    }
    Ok(ok(&Sessions { items, next }.value()))
}

pub(super) async fn read(
    State(api): State<Arc<Api>>,
    Path(session): Path<String>,
) -> Result<Response, Problem> {
    let found = api.with_traces(move |store| find(store, &session_id(&session)?));
    let found = found.await?;
    let is_open = api.going_on().has(&found);
    Ok(ok(&Session::new(found, is_open).value()))
}

pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Path(session): Path<String>,
) -> Result<Response, Problem> {
    let id = session_id(&session)?;
    let going_on = api.going_on();
    let deleted = api.with_traces(move |store| {
        if going_on.has(&find(store, &id)?) {
            let text = "the session goes on, end it first";
            return Err(Detail::new(StatusCode::CONFLICT, text).into());
        }
        Ok(store.delete_session(&id)?)
    });
    if deleted.await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(unknown().into())
    }
}

pub(super) async fn events(
    State(api): State<Arc<Api>>,
    Path(session): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let parameters = Parameters::of(query.as_deref());
    let page = EventPage {
        after: parameters.number("after")?.and_then(Sequence::new),
        limit: Page::of(&parameters)?.limit,
    };
    let found = api.with_traces(move |store| {
        let id = find(store, &session_id(&session)?)?.session.id;
        Ok(store.events(&id, page)?)
    });
    let found = found.await?;
    let next = found.last().map(|last| last.sequence.value());
    let items = found.iter().map(Event::from).collect();
    Ok(ok(&Events { items, next }.value()))
}

// === impl Session ===

impl Session {
    fn new(summary: SessionSummary, is_open: bool) -> Self {
        let session = summary.session;
        Self {
            id: session.id.to_string(),
            project: session.project,
            name: session.name,
            server: session.server,
            client: session.client.map(Client::from),
            origin: match session.origin {
                Origin::Live => "live".to_owned(),
                Origin::Pushed => "pushed".to_owned(),
            },
            is_open,
            started_at: stamp(session.started_at),
            ended_at: summary.ended_at.map(stamp),
            events: summary.events,
            events_lost: summary.events_lost,
            violations: summary.violations,
            metadata: session.metadata,
        }
    }
}

impl From<Implementation> for Client {
    fn from(client: Implementation) -> Self {
        Self {
            name: client.name,
            version: client.version,
        }
    }
}

// === impl Event ===

impl From<&EventRecord> for Event {
    fn from(record: &EventRecord) -> Self {
        Self {
            session: record.session.to_string(),
            sequence: record.sequence.value(),
            recorded_at: stamp(record.recorded_at),
            direction: record.direction.name().to_owned(),
            method: record.method.clone(),
            verdict: record.verdict.name().to_owned(),
            message: record.message.as_deref().map(str::to_owned),
            elements: elements(record),
            violations: record.violations.iter().map(Violation::from).collect(),
            failure: record.failure.clone(),
        }
    }
}

impl From<&ViolationRecord> for Violation {
    fn from(violation: &ViolationRecord) -> Self {
        Self {
            guardrail: violation.guardrail.name.clone(),
            guardrail_id: violation.guardrail.id.clone(),
            action: violation.action.name().to_owned(),
            message: violation.message.clone(),
            arguments: violation.arguments.clone(),
            keywords: violation.keywords.clone(),
            ranges: violation.ranges.clone(),
        }
    }
}

/// What policies saw; nothing if the record is damaged, which the message still shows.
pub(super) fn elements(record: &EventRecord) -> Vec<Value> {
    match parse_json(&record.events) {
        Ok(Value::Array(elements)) => elements.to_vec(),
        Ok(_) | Err(_) => Vec::new(),
    }
}

pub(super) fn session_id(written: &str) -> Result<SessionId, Detail> {
    written.parse().map_err(|_| unknown())
}

pub(super) fn find(store: &mut dyn Store, id: &SessionId) -> Result<SessionSummary, Failure> {
    match store.session(id.as_str()) {
        Ok(found) => Ok(found),
        Err(StoreError::Unknown { .. }) => Err(unknown().into()),
        Err(error) => Err(error.into()),
    }
}

fn unknown() -> Detail {
    Detail::not_found("no such session is recorded")
}

fn shown(found: Vec<SessionSummary>, going_on: &GoingOn) -> Vec<Session> {
    let sessions = found.into_iter().map(|summary| {
        let is_open = going_on.has(&summary);
        Session::new(summary, is_open)
    });
    sessions.collect()
}

/// The sessions that go on, of those that pass the filter; the newest first, as ids are by time.
fn open_of(
    store: &mut dyn Store,
    filter: &SessionFilter,
    going_on: &GoingOn,
) -> Result<Vec<Session>, Failure> {
    let passes = |found: &SessionSummary| {
        let session = &found.session;
        (filter.project.is_none() || filter.project == session.project)
            && (filter.name.is_none() || filter.name == session.name)
            && filter
                .server
                .as_ref()
                .is_none_or(|server| *server == session.server)
            && (!filter.with_violations_only || found.violations > 0)
    };
    let mut sessions = elsewhere(store, filter, going_on)?;
    for id in &going_on.here {
        match store.session(id.as_str()) {
            Ok(found) if passes(&found) => {
                sessions.insert(id.clone(), found);
            }
            Ok(_) | Err(StoreError::Unknown { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let sessions = sessions.into_values().rev().skip(filter.offset as usize);
    let sessions = sessions.map(|found| Session::new(found, true));
    Ok(sessions.take(filter.limit as usize).collect())
}

/// What may be going on for all the store knows.
fn elsewhere(
    store: &mut dyn Store,
    filter: &SessionFilter,
    going_on: &GoingOn,
) -> Result<BTreeMap<SessionId, SessionSummary>, Failure> {
    let mut filter = SessionFilter {
        going_on_since: Some(going_on.since),
        limit: SessionFilter::LIMIT_MAX,
        offset: 0,
        ..filter.clone()
    };
    let mut sessions = BTreeMap::new();
    while sessions.len() < ELSEWHERE_MAX {
        let page = store.sessions(&filter)?;
        let read = page.len();
        sessions.extend(
            page.into_iter()
                .map(|found| (found.session.id.clone(), found)),
        );
        if read < SessionFilter::LIMIT_MAX as usize {
            break;
        }
        filter.offset = filter.offset.saturating_add(SessionFilter::LIMIT_MAX);
    }
    Ok(sessions)
}
