//! The traces of a project.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use portcullis_json::{Object, Value};
use portcullis_store::{
    AnnotationCount, ProjectSummary, Search, SessionFilter, SessionOrder, Store,
};
use portcullis_trace::record::{SessionId, SessionSummary};

use super::dataset::Named;
use super::shape;
use super::trace::{Budget, Trace, head};
use crate::api::Api;
use crate::api::answer::{Answered, Failure, count, ok};
use crate::api::parameters::Parameters;

/// LIMIT: traces of one answer.
const TRACES_MAX: usize = 10_000;
/// LIMIT: traces of one answer with all their messages.
const WHOLE_TRACES_MAX: usize = 200;
/// Where the reference counts annotations that name no source.
const NO_SOURCE: &str = "user";
const VIOLATIONS: &str = "guardrails-error";

/// Which traces of a project.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    pub(super) indices: Option<Vec<u64>>,
    pub(super) search: Search,
    pub(super) limit: Option<usize>,
    pub(super) offset: u32,
}

pub(super) async fn by_id(
    api: State<Arc<Api>>,
    Path(id): Path<String>,
    query: RawQuery,
) -> Answered {
    list(api, Named::Id(id), query).await
}

pub(super) async fn by_name(
    api: State<Arc<Api>>,
    Path((user, name)): Path<(String, String)>,
    query: RawQuery,
) -> Answered {
    list(api, Named::Name(user, name), query).await
}

async fn list(State(api): State<Arc<Api>>, named: Named, RawQuery(query): RawQuery) -> Answered {
    let parameters = Parameters::of(query.as_deref());
    let selection = Selection {
        indices: parameters.numbers("indices")?,
        search: Search::default(),
        limit: parameters.number("limit")?,
        offset: parameters.number("offset")?.unwrap_or(0),
    };
    let shown = api.with_traces(move |store| {
        let project = named.find(store)?;
        let traces = select(store, &project, selection)?;
        with_counts(store, &traces)
    });
    Ok(ok(&shown.await?.into()))
}

pub(super) async fn indices(
    State(api): State<Arc<Api>>,
    Path((user, name)): Path<(String, String)>,
) -> Answered {
    let shown = api.with_traces(move |store| {
        let project = Named::Name(user, name).find(store)?;
        let traces = select(store, &project, Selection::default())?;
        let shown = traces.iter().map(|trace| {
            let mut shown = head(trace);
            shown.remove("extra_metadata");
            shown.into()
        });
        Ok(shown.collect::<Vec<Value>>())
    });
    Ok(ok(&shown.await?.into()))
}

/// The project with its traces, messages and all.
pub(super) async fn full(
    State(api): State<Arc<Api>>,
    Path((user, name)): Path<(String, String)>,
) -> Answered {
    let shown = api.with_traces(move |store| {
        let project = Named::Name(user, name).find(store)?;
        let selection = Selection {
            limit: Some(WHOLE_TRACES_MAX),
            ..Selection::default()
        };
        let id = project.project.id.to_string();
        let mut traces: Vec<Value> = Vec::new();
        let mut budget = Budget::for_several();
        for summary in select(store, &project, selection)? {
            let trace = Trace::load_within(store, &summary.session.id, &mut budget)?;
            traces.push(trace.json(Some(id.clone()), usize::MAX).into());
        }
        let guardrails = store.guardrails(Some(&project.project.id))?;
        let mut shown = shape::dataset(&project.project, &guardrails);
        shown.insert("traces", traces);
        Ok(Value::from(shown))
    });
    Ok(ok(&shown.await?))
}

/// Traces that belong to no project, the newest first.
pub(super) async fn snippets(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Answered {
    let parameters = Parameters::of(query.as_deref());
    let limit = parameters.number("limit")?.unwrap_or(WHOLE_TRACES_MAX);
    let shown = api.with_traces(move |store| {
        let mut filter = SessionFilter::newest(SessionFilter::LIMIT_MAX);
        let mut shown: Vec<Value> = Vec::new();
        let mut budget = Budget::for_several();
        loop {
            let page = store.sessions(&filter)?;
            let read = page.len();
            for summary in page.iter().filter(|found| found.session.project.is_none()) {
                if shown.len() >= limit.min(WHOLE_TRACES_MAX) {
                    return Ok(shown);
                }
                let trace = Trace::load_within(store, &summary.session.id, &mut budget)?;
                let mut trace = trace.json(None, usize::MAX);
                trace.remove("annotations");
                shown.push(trace.into());
            }
            if read < SessionFilter::LIMIT_MAX as usize {
                return Ok(shown);
            }
            filter.offset = filter.offset.saturating_add(SessionFilter::LIMIT_MAX);
        }
    });
    Ok(ok(&shown.await?.into()))
}

/// The traces, in the order of their places in the project.
pub(super) fn select(
    store: &mut dyn Store,
    project: &ProjectSummary,
    selection: Selection,
) -> Result<Vec<SessionSummary>, Failure> {
    let limit = selection.limit.unwrap_or(TRACES_MAX).min(TRACES_MAX);
    let mut filter = SessionFilter {
        project: Some(project.project.name.clone()),
        indices: selection.indices,
        search: selection.search,
        order: SessionOrder::ByIndex,
        offset: selection.offset,
        ..SessionFilter::newest(SessionFilter::LIMIT_MAX)
    };
    let mut traces = Vec::new();
    while traces.len() < limit {
        let page = store.sessions(&filter)?;
        let read = page.len();
        traces.extend(page);
        if read < SessionFilter::LIMIT_MAX as usize {
            break;
        }
        filter.offset = filter.offset.saturating_add(SessionFilter::LIMIT_MAX);
    }
    traces.truncate(limit);
    Ok(traces)
}

/// With how many annotations they have of each source. A violation counts, though several may be
/// shown as one.
fn with_counts(store: &mut dyn Store, traces: &[SessionSummary]) -> Result<Vec<Value>, Failure> {
    let mut counts: BTreeMap<SessionId, Vec<AnnotationCount>> = BTreeMap::new();
    for page in traces.chunks(SessionFilter::LIMIT_MAX as usize) {
        let ids: Vec<SessionId> = page.iter().map(|trace| trace.session.id.clone()).collect();
        for count in store.annotation_counts(&ids)? {
            counts.entry(count.session.clone()).or_default().push(count);
        }
    }
    let shown = traces.iter().map(|trace| {
        let mut by_source = Object::new();
        if trace.violations > 0 {
            by_source.insert(VIOLATIONS, count(trace.violations));
        }
        for of_source in counts.remove(&trace.session.id).unwrap_or_default() {
            let source = of_source.source.as_deref().unwrap_or(NO_SOURCE);
            by_source.insert(source, count(of_source.annotations));
        }
        let mut shown = head(trace);
        shown.insert("annotations_by_source", by_source);
        shown.into()
    });
    Ok(shown.collect())
}
