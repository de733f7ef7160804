//! Projects.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use portcullis_store::{ProjectFilter, ProjectSummary};

use super::problem::Problem;
use super::shape::{Answer, shapes};
use crate::api::Api;
use crate::api::answer::ok;
use crate::api::parameters::{Page, Parameters};
use crate::explorer::time::stamp;

shapes! {
    /// A named collection of sessions, with the guardrails that hold for them.
    answer Project {
        id: String,
        name: String,
        created_at: String,
        sessions: u64,
        /// When its latest session began.
        latest_session_at: Option<String>,
    }
    /// Projects, the newest first.
    answer Projects {
        items: Vec<Project>,
        /// The `offset` of what comes after them, if there is more.
        next: Option<u64>,
    }
}

pub(super) async fn list(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let parameters = Parameters::of(query.as_deref());
    let page = Page::of(&parameters)?;
    let filter = ProjectFilter {
        name_contains: parameters.get("name").map(str::to_owned),
        limit: page.limit,
        offset: page.offset,
        ..ProjectFilter::newest(page.limit)
    };
    let found = api.with_traces(move |store| Ok(store.projects(&filter)?));
    let items: Vec<Project> = found.await?.into_iter().map(Project::from).collect();
    let next = page.next(items.len());
    Ok(ok(&Projects { items, next }.value()))
}

// === impl Project ===

impl From<ProjectSummary> for Project {
    fn from(summary: ProjectSummary) -> Self {
        Self {
            id: summary.project.id.to_string(),
            name: summary.project.name,
            created_at: stamp(summary.project.created_at),
            sessions: summary.traces,
            latest_session_at: summary.latest_trace_at.map(stamp),
        }
    }
}
