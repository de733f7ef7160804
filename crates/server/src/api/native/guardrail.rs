//! Guardrails that the store keeps, and how they were before.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portcullis_json::Object;
use portcullis_store::{
    GuardrailChange, GuardrailId, GuardrailPage, GuardrailPart, GuardrailRecord, GuardrailScope,
    ProjectId, Store,
};
use uuid::Uuid;

use super::problem::Problem;
use super::shape::{Answer, Asked, Change, shapes};
use crate::api::Api;
use crate::api::answer::{Detail, Failure, ok};
use crate::api::body;
use crate::api::evaluation::load;
use crate::api::parameters::{Page, Parameters};
use crate::clock::now;
use crate::explorer::time::stamp;
use crate::kept_guardrail::{UnfitGuardrailError, check_names, check_rules};
use crate::policy::POLICY_BYTES_MAX;

const ACTIONS: [&str; 2] = ["block", "log"];

shapes! {
    /// A policy in force, or one that waits to be.
    answer Guardrail {
        id: String,
        /// The id of its project; null for one that holds for every session.
        project: Option<String>,
        name: String,
        policy: String,
        enabled: bool,
        /// `block` or `log`; what else the Explorer's contract stored.
        action: String,
        /// Only for clients that call themselves so.
        client: Option<String>,
        /// Only for this server.
        server: Option<String>,
        metadata: Object,
        /// Counts the changes, from 1.
        version: u64,
        updated_at: String,
    }
    /// The guardrails of a project, or those of every session.
    answer Guardrails {
        items: Vec<Guardrail>,
        /// The `offset` of what comes after them, if there may be more.
        next: Option<u64>,
    }
    /// A guardrail as it was from one change to the next.
    answer Version {
        guardrail: Guardrail,
        /// This is how it was deleted.
        is_deleted: bool,
    }
    /// The newest first.
    answer Versions {
        items: Vec<Version>,
        /// The `offset` of what comes after them, if there may be more.
        next: Option<u64>,
    }
    /// A guardrail to keep.
    request NewGuardrail {
        name: String,
        /// Must load.
        policy: String,
        /// The name of a project; without it, it holds for every session.
        project: Option<String>,
        enabled: Option<bool>,
        /// `block`, which is the default, or `log`.
        action: Option<String>,
        client: Option<String>,
        server: Option<String>,
        metadata: Option<Object>,
    }
    /// What to change about a guardrail; what is absent stays.
    request ChangedGuardrail {
        name: Option<String>,
        policy: Option<String>,
        enabled: Option<bool>,
        action: Option<String>,
        /// Null for all clients.
        client: Change<String>,
        /// Null for all servers.
        server: Change<String>,
        metadata: Option<Object>,
    }
}

pub(super) async fn list(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let parameters = Parameters::of(query.as_deref());
    let project = parameters.get("project").map(str::to_owned);
    let page = page(&parameters)?;
    let found = api.with_store(move |store| {
        let project = project_id(store, project.as_deref())?;
        Ok(store.guardrail_page(project.as_ref(), page)?)
    });
    let found = found.await?;
    let next = next(page, &found);
    let items = found.items.into_iter().map(Guardrail::from).collect();
    Ok(ok(&Guardrails { items, next }.value()))
}

pub(super) async fn create(
    State(api): State<Arc<Api>>,
    request: Body,
) -> Result<Response, Problem> {
    let new: NewGuardrail = asked(request).await?;
    let (client, server) = (new.client.as_deref(), new.server.as_deref());
    check_names(Some(&new.name), client, server).map_err(unfit)?;
    check_action(new.action.as_deref())?;
    check_policy(&api, Some(new.policy.clone())).await?;
    let made = api.with_store(move |store| {
        let guardrail = GuardrailRecord {
            id: new_id()?,
            project: project_id(store, new.project.as_deref())?,
            name: new.name,
            content: new.policy,
            enabled: new.enabled.unwrap_or(true),
            action: new.action.unwrap_or_else(|| "block".to_owned()),
            scope: GuardrailScope {
                client: new.client,
                server: new.server,
            },
            metadata: new.metadata.unwrap_or_default(),
            version: 1,
            updated_at: now(),
        };
        store.create_guardrail(&guardrail)?;
        Ok(guardrail)
    });
    let mut response = ok(&Guardrail::from(made.await?).value());
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

pub(super) async fn read(
    State(api): State<Arc<Api>>,
    Path(guardrail): Path<String>,
) -> Result<Response, Problem> {
    let id = guardrail_id(&guardrail)?;
    let found = api.with_store(move |store| Ok(store.guardrail(&id)?));
    let found = found.await?.ok_or_else(unknown)?;
    Ok(ok(&Guardrail::from(found).value()))
}

pub(super) async fn change(
    State(api): State<Arc<Api>>,
    Path(guardrail): Path<String>,
    request: Body,
) -> Result<Response, Problem> {
    let id = guardrail_id(&guardrail)?;
    let change: ChangedGuardrail = asked(request).await?;
    let scope = [&change.client, &change.server].map(|it| it.new_value().map(String::as_str));
    let [client, server] = scope;
    check_names(change.name.as_deref(), client, server).map_err(unfit)?;
    check_action(change.action.as_deref())?;
    check_policy(&api, change.policy.clone()).await?;
    let changed = api.with_store(move |store| {
        let found = store.guardrail(&id)?.ok_or_else(unknown)?;
        let change = GuardrailChange {
            name: change.name,
            content: change.policy,
            enabled: change.enabled,
            action: change.action,
            scope: Some(GuardrailScope {
                client: change.client.of(found.scope.client),
                server: change.server.of(found.scope.server),
            }),
            metadata: change.metadata,
        };
        let changed = store.update_guardrail(&id, &change, now())?;
        changed.ok_or_else(|| unknown().into())
    });
    Ok(ok(&Guardrail::from(changed.await?).value()))
}

pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Path(guardrail): Path<String>,
) -> Result<Response, Problem> {
    let id = guardrail_id(&guardrail)?;
    let deleted = api.with_store(move |store| Ok(store.delete_guardrail(&id, now())?));
    if deleted.await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(unknown().into())
    }
}

pub(super) async fn versions(
    State(api): State<Arc<Api>>,
    Path(guardrail): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let id = guardrail_id(&guardrail)?;
    let page = page(&Parameters::of(query.as_deref()))?;
    let found = api.with_store(move |store| Ok(store.guardrail_history(&id, page)?));
    let found = found.await?;
    if found.items.is_empty() && page.offset == 0 {
        return Err(unknown().into());
    }
    let next = next(page, &found);
    let items = found.items.into_iter().map(|version| Version {
        guardrail: version.record.into(),
        is_deleted: version.deleted,
    });
    let items = items.collect();
    Ok(ok(&Versions { items, next }.value()))
}

fn page(parameters: &Parameters) -> Result<GuardrailPage, Detail> {
    let Page { limit, offset } = Page::of(parameters)?;
    Ok(GuardrailPage { limit, offset })
}

/// Where the page behind this one begins. It may be shorter than asked for and not the last.
fn next<T>(page: GuardrailPage, found: &GuardrailPart<T>) -> Option<u64> {
    let after = page.after(found.items.len());
    found.more.then(|| after.offset.into())
}

// === impl Guardrail ===

impl From<GuardrailRecord> for Guardrail {
    fn from(guardrail: GuardrailRecord) -> Self {
        Self {
            id: guardrail.id.to_string(),
            project: guardrail.project.map(|project| project.to_string()),
            name: guardrail.name,
            policy: guardrail.content,
            enabled: guardrail.enabled,
            action: guardrail.action,
            client: guardrail.scope.client,
            server: guardrail.scope.server,
            metadata: guardrail.metadata,
            version: guardrail.version.into(),
            updated_at: stamp(guardrail.updated_at),
        }
    }
}

/// What a request says, in its shape.
pub(super) async fn asked<T: Asked>(request: Body) -> Result<T, Detail> {
    let body = body::object(request).await?;
    T::read(&body.into()).map_err(|what| unprocessable(format!("the body must be {what}")))
}

pub(super) fn unprocessable(text: impl Into<String>) -> Detail {
    Detail::new(StatusCode::UNPROCESSABLE_ENTITY, text)
}

fn unfit(error: UnfitGuardrailError) -> Detail {
    Detail::bad_request(error.to_string())
}

fn check_action(action: Option<&str>) -> Result<(), Detail> {
    match action {
        Some(action) if !ACTIONS.contains(&action) => Err(unprocessable(format!(
            "`action` must be {}",
            ACTIONS.join(" or ")
        ))),
        Some(_) | None => Ok(()),
    }
}

/// One that does not load, or has no rule, could guard nothing.
async fn check_policy(api: &Api, policy: Option<String>) -> Result<(), Detail> {
    let Some(policy) = policy else {
        return Ok(());
    };
    if policy.len() as u64 > POLICY_BYTES_MAX {
        let text = format!("the policy is longer than {POLICY_BYTES_MAX} bytes");
        return Err(Detail::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let loaded = api.evaluations.run(move |_| load(&policy)).await?;
    let loaded = loaded
        .map_err(|error| unprocessable(format!("the policy does not load: {}", error.text())))?;
    check_rules(&loaded).map_err(unfit)
}

fn project_id(store: &mut dyn Store, name: Option<&str>) -> Result<Option<ProjectId>, Failure> {
    let Some(name) = name else {
        return Ok(None);
    };
    match store.project_named(name)? {
        Some(found) => Ok(Some(found.project.id)),
        None => Err(Detail::not_found("there is no such project").into()),
    }
}

fn guardrail_id(written: &str) -> Result<GuardrailId, Detail> {
    written.parse().map_err(|_| unknown())
}

fn unknown() -> Detail {
    Detail::not_found("there is no such guardrail")
}

fn new_id() -> Result<GuardrailId, Detail> {
    let id = Uuid::new_v4().to_string();
    id.parse()
        .map_err(|_| Detail::busy("no id for a guardrail"))
}
