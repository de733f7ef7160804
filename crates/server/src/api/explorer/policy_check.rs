//! A policy over all traces of a project, as a stream of what it finds in each.
//!
//! Unlike in the reference, the request cannot name a service that evaluates: evaluation happens
//! here, so that nobody else gets the traces or the key of the caller.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use portcullis_json::{Object, Value};
use portcullis_trace::record::SessionSummary;
use portcullis_transport::http::events::EventBody;
use tokio::sync::mpsc;

use super::dataset::Named;
use super::trace::Trace;
use super::traces::{Selection, select};
use crate::api::Api;
use crate::api::answer::{Answered, Detail, count, object};
use crate::api::body;
use crate::api::evaluation::{Judged, errors, load};
use crate::detectors::ConfiguredDetectors;
use crate::policy::POLICY_BYTES_MAX;

/// LIMIT: results that wait for a client that reads slowly.
const RESULTS_MAX: usize = 16;

/// What is tried on each trace.
#[derive(Debug)]
struct Attempt {
    policy: String,
    parameters: Object,
}

/// What is found in one trace, or said before or instead of it.
#[derive(Debug)]
struct Told(Value);

pub(super) async fn stream(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    request: Body,
) -> Answered {
    let body = body::object(request).await?;
    let attempt = Attempt {
        policy: body::text(&body, "policy")?.to_owned(),
        parameters: body::members(&body, "parameters")?,
    };
    if attempt.policy.len() as u64 > POLICY_BYTES_MAX {
        let text = format!("the policy is longer than {POLICY_BYTES_MAX} bytes");
        return Err(Detail::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let traces = api.with_traces(move |store| {
        let project = Named::Id(id).find(store)?;
        select(store, &project, Selection::default())
    });
    let traces = traces.await?;
    let (results, parts) = mpsc::channel(RESULTS_MAX);
    let keep_alive = api.gateway.config().streams.keep_alive;
    let tasks = api.gateway.tasks.clone();
    tasks.spawn(check_all(api, attempt, traces, results));
    let body = EventBody::new(None, parts, Told::write, keep_alive, ());
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Until all is checked, or the client is gone.
async fn check_all(
    api: Arc<Api>,
    attempt: Attempt,
    traces: Vec<SessionSummary>,
    results: mpsc::Sender<Told>,
) {
    let head = if traces.is_empty() {
        object([("error", "No traces found in dataset".into())])
    } else {
        let metadata = object([
            ("num_traces", count(traces.len() as u64)),
            ("max_concurrent", 1.into()),
        ]);
        object([("metadata", metadata)])
    };
    if results.send(Told(head)).await.is_err() {
        return;
    }
    let attempt = Arc::new(attempt);
    for summary in traces {
        let mut result = Object::new();
        result.insert("traceId", summary.session.id.as_str());
        result.insert("index", count(summary.session.index.unwrap_or_default()));
        match check(&api, Arc::clone(&attempt), summary).await {
            Ok(errors) => {
                result.insert("status", "success");
                result.insert("triggered", !errors.is_empty());
                if !errors.is_empty() {
                    result.insert("errors", errors);
                }
            }
            Err(detail) => {
                result.insert("status", "error");
                result.insert("error", detail.text);
            }
        }
        if results.send(Told(result.into())).await.is_err() {
            return;
        }
    }
}

async fn check(
    api: &Api,
    attempt: Arc<Attempt>,
    summary: SessionSummary,
) -> Result<Vec<Value>, Detail> {
    let id = summary.session.id;
    let trace = api.with_store(move |store| Trace::load(store, &id)).await?;
    let check = move |detectors: &ConfiguredDetectors| {
        let judged = Judged::read(&trace.messages)?;
        let policy = load(&attempt.policy)?;
        judged.check(policy, attempt.parameters.clone(), detectors)
    };
    let findings = api.evaluations.run(check).await??;
    Ok(errors(&findings))
}

// === impl Told ===

impl Told {
    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("data: {}\n\n", self.0).as_bytes());
    }
}
