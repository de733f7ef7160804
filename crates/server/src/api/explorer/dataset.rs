//! Projects, as the reference's datasets.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portcullis_json::{Object, Value};
use portcullis_store::{
    Project, ProjectChange, ProjectFilter, ProjectId, ProjectSummary, Search, SessionFilter, Store,
    StoreError,
};
use uuid::Uuid;

use super::shape;
use super::trace::goes_on;
use crate::api::answer::{Answered, Detail, Failure, count, object, ok};
use crate::api::body::{self, given};
use crate::api::identity::USER_NAME;
use crate::api::parameters::Parameters;
use crate::api::{Api, GoingOn};
use crate::clock::now;
use crate::explorer::time::{stamp, to_the_second};

/// How a request names a project.
#[derive(Clone, Debug)]
pub(super) enum Named {
    Id(String),
    /// The user, and what the project is called.
    Name(String, String),
}

pub(super) async fn create(State(api): State<Arc<Api>>, request: Body) -> Answered {
    let body = body::object(request).await?;
    let name = match given(&body, "name") {
        Some(Value::String(name)) => name.to_string(),
        Some(_) => return Err(Detail::bad_request("name must be a string")),
        None => return Err(Detail::bad_request("name must be provided")),
    };
    check_name(&name)?;
    let mut metadata = match body.get("metadata") {
        None => Object::new(),
        Some(Value::Object(metadata)) => (**metadata).clone(),
        Some(_) => return Err(Detail::bad_request("metadata must be a dictionary")),
    };
    let is_public = match body.get("is_public") {
        None => false,
        Some(Value::Bool(is_public)) => *is_public,
        Some(_) => return Err(Detail::bad_request("is_public must be a boolean")),
    };
    metadata.insert("created_on", to_the_second(now()));
    let project = Project {
        is_public,
        metadata,
        ..new_project(&name)
    };
    let shown = shape::dataset(&project, &[]);
    api.with_store(move |store| Ok(store.create_project(&project)?))
        .await?;
    Ok(ok(&shown.into()))
}

pub(super) async fn list(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Detail> {
    let parameters = Parameters::of(query.as_deref());
    let is_public = match parameters.get("kind") {
        Some("private" | "any") => None,
        Some("public") => Some(true),
        Some("homepage") => return Ok(ok(&Vec::new().into())),
        Some(_) | None => return Ok(no_kind()),
    };
    let filter = ProjectFilter {
        name_contains: parameters.get("q").map(str::to_owned),
        is_public,
        ..ProjectFilter::newest(
            parameters
                .number("limit")?
                .unwrap_or(ProjectFilter::LIMIT_MAX),
        )
    };
    let datasets = api.with_traces(move |store| {
        let projects = store.projects(&filter)?;
        projects
            .iter()
            .map(|project| summary(store, project))
            .collect()
    });
    let datasets: Vec<Value> = datasets.await?;
    Ok(ok(&datasets.into()))
}

pub(super) async fn by_id(api: State<Arc<Api>>, Path(id): Path<String>) -> Answered {
    read(api, Named::Id(id)).await
}

pub(super) async fn by_name(
    api: State<Arc<Api>>,
    Path((user, name)): Path<(String, String)>,
) -> Answered {
    read(api, Named::Name(user, name)).await
}

pub(super) async fn update_by_id(
    api: State<Arc<Api>>,
    Path(id): Path<String>,
    request: Body,
) -> Answered {
    update(api, Named::Id(id), request).await
}

pub(super) async fn update_by_name(
    api: State<Arc<Api>>,
    Path((user, name)): Path<(String, String)>,
    request: Body,
) -> Answered {
    update(api, Named::Name(user, name), request).await
}

pub(super) async fn delete_by_id(api: State<Arc<Api>>, Path(id): Path<String>) -> Answered {
    delete(api, Named::Id(id)).await
}

pub(super) async fn delete_by_name(
    api: State<Arc<Api>>,
    Path((user, name)): Path<(String, String)>,
) -> Answered {
    delete(api, Named::Name(user, name)).await
}

async fn read(State(api): State<Arc<Api>>, named: Named) -> Answered {
    let shown = api.with_traces(move |store| {
        let project = named.find(store)?;
        whole(store, &project)
    });
    Ok(ok(&shown.await?))
}

/// `content` says whether the dataset is public.
async fn update(State(api): State<Arc<Api>>, named: Named, request: Body) -> Answered {
    let body = body::object(request).await?;
    let is_public = body
        .get("content")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let shown = api.with_traces(move |store| {
        let project = named.find(store)?;
        let change = ProjectChange {
            is_public: Some(is_public),
            ..ProjectChange::default()
        };
        store.update_project(&project.project.id, &change)?;
        let changed = named.find(store)?;
        whole(store, &changed)
    });
    Ok(ok(&shown.await?))
}

async fn delete(State(api): State<Arc<Api>>, named: Named) -> Answered {
    let going_on = api.going_on();
    api.with_traces(move |store| {
        let project = named.find(store)?.project;
        if goes_on_in(store, &project, &going_on)? {
            return Err(goes_on("the dataset has a session that goes on").into());
        }
        Ok(store.delete_project(&project.id)?)
    })
    .await?;
    Ok(ok(&object([("message", "Deleted".into())])))
}

/// Whether a session of the project does.
fn goes_on_in(
    store: &mut dyn Store,
    project: &Project,
    going_on: &GoingOn,
) -> Result<bool, StoreError> {
    let elsewhere = SessionFilter {
        project: Some(project.name.clone()),
        going_on_since: Some(going_on.since),
        ..SessionFilter::newest(1)
    };
    if !store.sessions(&elsewhere)?.is_empty() {
        return Ok(true);
    }
    for session in &going_on.here {
        match store.session(session.as_str()) {
            Ok(found) if found.session.project.as_ref() == Some(&project.name) => return Ok(true),
            Ok(_) | Err(StoreError::Unknown { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

// === impl Named ===

impl Named {
    pub(super) fn find(&self, store: &mut dyn Store) -> Result<ProjectSummary, Failure> {
        let found = match self {
            Self::Id(id) => match id.to_ascii_lowercase().parse::<ProjectId>() {
                Ok(id) => store.project(&id)?,
                Err(_) => None,
            },
            Self::Name(user, name) if user == USER_NAME => store.project_named(name)?,
            Self::Name(..) => None,
        };
        found.ok_or_else(|| Detail::not_found("Dataset not found").into())
    }
}

/// Names of projects that the reference takes.
pub(super) fn check_name(name: &str) -> Result<(), Detail> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(is_allowed) {
        return Ok(());
    }
    Err(Detail::bad_request(
        "Dataset name can only contain A-Z, a-z, 0-9, - and _",
    ))
}

pub(super) fn new_project(name: &str) -> Project {
    Project {
        id: ProjectId::from_uuid(Uuid::new_v4().into_bytes()),
        name: name.to_owned(),
        is_public: false,
        metadata: Object::new(),
        created_at: now(),
    }
}

/// The dataset as others list it.
fn summary(store: &mut dyn Store, project: &ProjectSummary) -> Result<Value, Failure> {
    let guardrails = store.guardrails(Some(&project.project.id))?;
    let mut dataset = shape::dataset(&project.project, &guardrails);
    let latest = project.latest_trace_at.map(|time| stamp(time).into());
    dataset.insert("latest_trace_time", latest.unwrap_or(Value::Null));
    dataset.insert("num_traces", count(project.traces));
    dataset.insert("user", shape::user());
    Ok(dataset.into())
}

/// The dataset with the queries that it always has.
fn whole(store: &mut dyn Store, project: &ProjectSummary) -> Result<Value, Failure> {
    let Value::Object(mut dataset) = summary(store, project)? else {
        return Err(Detail::busy("no dataset").into());
    };
    let annotated = annotated(store, &project.project.name)?;
    let query = |id: &str, name: &str, number: u64, query: Value| {
        object([
            ("id", id.into()),
            ("name", name.into()),
            ("count", count(number)),
            ("query", query),
            ("deletable", false.into()),
        ])
    };
    let rest = project.traces.saturating_sub(annotated);
    let queries = vec![
        query("all", "All", project.traces, Value::Null),
        query("annotated", "Annotated", annotated, "is:annotated".into()),
        query("unannotated", "Unannotated", rest, "not:annotated".into()),
    ];
    Arc::make_mut(&mut dataset).insert("queries", queries);
    Ok(Value::Object(dataset))
}

fn annotated(store: &mut dyn Store, name: &str) -> Result<u64, Failure> {
    let filter = SessionFilter {
        project: Some(name.to_owned()),
        search: Search {
            is_annotated: Some(true),
            ..Search::default()
        },
        ..SessionFilter::newest(1)
    };
    Ok(store.count_sessions(&filter)?)
}

/// What the reference's framework says of a parameter that it must have.
fn no_kind() -> Response {
    let error = object([
        ("type", "enum".into()),
        ("loc", vec!["query".into(), "kind".into()].into()),
        (
            "msg",
            "Input should be 'private', 'public', 'homepage' or 'any'".into(),
        ),
    ]);
    let body = object([("detail", vec![error].into())]);
    let mut response = ok(&body);
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    response.into_response()
}
