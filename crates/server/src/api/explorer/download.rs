//! Traces as lines of JSON, in the form that an import reads.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::Response;
use bytes::Bytes;
use portcullis_json::Value;
use portcullis_store::Search;
use portcullis_trace::record::SessionSummary;
use portcullis_transport::http::parts::PartsBody;
use tokio::sync::mpsc;
use tracing::warn;

use super::dataset::Named;
use super::trace::{Trace, session_id};
use super::traces::{Selection, select};
use crate::api::Api;
use crate::api::answer::{Answered, Detail, object};

/// LIMIT: lines that wait for a client that reads slowly.
const LINES_MAX: usize = 4;
const LINES_OF_JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(super) async fn trace(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answered {
    let line = api.with_traces(move |store| Ok(Trace::load(store, &session_id(&id)?)?.exported()));
    Ok(download(Body::from(line_of(&line.await?)), "trace.jsonl"))
}

pub(super) async fn all(api: State<Arc<Api>>, Path(id): Path<String>) -> Answered {
    project(api, id, Search::default()).await
}

pub(super) async fn annotated(api: State<Arc<Api>>, Path(id): Path<String>) -> Answered {
    let search = Search {
        is_annotated: Some(true),
        ..Search::default()
    };
    project(api, id, search).await
}

async fn project(State(api): State<Arc<Api>>, id: String, search: Search) -> Answered {
    let found = api.with_traces(move |store| {
        let project = Named::Id(id).find(store)?;
        let selection = Selection {
            search,
            ..Selection::default()
        };
        let traces = select(store, &project, selection)?;
        Ok((project.project, traces))
    });
    let (project, traces) = found.await?;
    let head = object([("metadata", project.metadata.into())]);
    let (lines, parts) = mpsc::channel(LINES_MAX);
    let tasks = api.gateway.tasks.clone();
    tasks.spawn(send(api, line_of(&head), traces, lines));
    let name = format!("{}.jsonl", project.name);
    Ok(download(Body::new(PartsBody::new(parts)), &name))
}

/// Until all is sent, or the client is gone. What cannot be read breaks the connection off, so that
/// nobody takes half of it for all.
async fn send(
    api: Arc<Api>,
    head: Bytes,
    traces: Vec<SessionSummary>,
    lines: mpsc::Sender<Result<Bytes, Broken>>,
) {
    if lines.send(Ok(head)).await.is_err() {
        return;
    }
    for summary in traces {
        let id = summary.session.id;
        let line = api.with_store(move |store| Ok(Trace::load(store, &id)?.exported()));
        let line = line.await.map(|line| line_of(&line)).map_err(Broken::from);
        let is_broken = line.is_err();
        if lines.send(line).await.is_err() || is_broken {
            return;
        }
    }
}

/// A download that cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("the download broke off")]
struct Broken;

// === impl Broken ===

impl From<Detail> for Broken {
    fn from(detail: Detail) -> Self {
        warn!(reason = detail.text, "download broken off");
        Self
    }
}

fn line_of(value: &Value) -> Bytes {
    format!("{value}\n").into()
}

fn download(body: Body, name: &str) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, LINES_OF_JSON);
    // Names of projects that come from elsewhere than this API may hold anything.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name.chars().filter(|c| is_plain(*c)).collect();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename={name}")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    response
}
