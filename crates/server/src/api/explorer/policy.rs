//! Guardrails of a project, as the reference's policies.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use portcullis_json::{Object, Value};
use portcullis_store::{
    GuardrailChange, GuardrailId, GuardrailRecord, GuardrailScope, ProjectId, Store,
};
use uuid::Uuid;

use super::dataset::Named;
use super::shape;
use crate::api::Api;
use crate::api::answer::{Answered, Detail, Failure, object, ok};
use crate::api::body::{self, given};
use crate::api::parameters::Parameters;
use crate::clock::now;
use crate::policy::POLICY_BYTES_MAX;

/// What a request says of a policy.
#[derive(Debug, Default)]
struct Given {
    name: Option<String>,
    content: Option<String>,
    enabled: Option<bool>,
    action: Option<String>,
    metadata: Option<Object>,
    client: Option<String>,
    server: Option<String>,
}

pub(super) async fn create(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    request: Body,
) -> Answered {
    let body = body::object(request).await?;
    let shown = api.with_store(move |store| {
        let project = Named::Id(id).find(store)?.project.id;
        let given = Given::read(&body)?;
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let name = filled(given.name)
            .ok_or_else(|| Detail::bad_request("Name must be provided and non-empty"))?;
        let content = filled(given.content)
            .ok_or_else(|| Detail::bad_request("Policy content must be provided and non-empty"))?;
        store.create_guardrail(&GuardrailRecord {
            id: new_id()?,
            project: Some(project.clone()),
            name,
            content,
            enabled: given.enabled.unwrap_or(true),
            action: given.action.unwrap_or_else(|| "log".to_owned()),
            scope: GuardrailScope {
                client: given.client,
                server: given.server,
            },
            metadata: given.metadata.unwrap_or_default(),
            version: 1,
            updated_at: now(),
        })?;
        dataset(store, &project)
    });
    Ok(ok(&shown.await?))
}

pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Path((user, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answered {
    let parameters = Parameters::of(query.as_deref());
    let client = parameters.get("client_name").map(str::to_owned);
    let server = parameters.get("server_name").map(str::to_owned);
    let policies = api.with_store(move |store| {
        let project = Named::Name(user, name).find(store)?.project.id;
        let mut guardrails = store.guardrails(Some(&project))?;
        guardrails.retain(|guardrail| {
            let GuardrailScope {
                client: only_client,
                server: only_server,
            } = &guardrail.scope;
            admits(only_client.as_ref(), client.as_ref())
                && admits(only_server.as_ref(), server.as_ref())
        });
        Ok(shape::policies(&guardrails))
    });
    Ok(ok(&object([("policies", policies.await?.into())])))
}

pub(super) async fn update(
    State(api): State<Arc<Api>>,
    Path((id, policy)): Path<(String, String)>,
    request: Body,
) -> Answered {
    let body = body::object(request).await?;
    let shown = api.with_store(move |store| {
        let project = Named::Id(id).find(store)?.project.id;
        let given = Given::read(&body)?;
        let is_empty = |text: &Option<String>| text.as_deref() == Some("");
        if is_empty(&given.name) {
            return Err(Detail::bad_request("Name must be non-empty if provided").into());
        }
        if is_empty(&given.content) {
            return Err(Detail::bad_request("Policy must be non-empty if provided").into());
        }
        let unknown = || Failure::from(Detail::not_found("Policy to update not found"));
        let found = of_project(store, &project, &policy)?.ok_or_else(unknown)?;
        let scope = GuardrailScope {
            client: given.client.or(found.scope.client),
            server: given.server.or(found.scope.server),
        };
        let change = GuardrailChange {
            name: given.name,
            content: given.content,
            enabled: given.enabled,
            action: given.action,
            scope: Some(scope),
            metadata: given.metadata,
        };
        store
            .update_guardrail(&found.id, &change, now())?
            .ok_or_else(unknown)?;
        dataset(store, &project)
    });
    Ok(ok(&shown.await?))
}

pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Path((id, policy)): Path<(String, String)>,
) -> Answered {
    let shown = api.with_store(move |store| {
        let project = Named::Id(id).find(store)?.project.id;
        let unknown = || Failure::from(Detail::not_found("Policy not found"));
        let found = of_project(store, &project, &policy)?.ok_or_else(unknown)?;
        store.delete_guardrail(&found.id, now())?;
        dataset(store, &project)
    });
    Ok(ok(&shown.await?))
}

// === impl Given ===

impl Given {
    fn read(body: &Object) -> Result<Self, Detail> {
        if body.is_empty() {
            return Err(Detail::bad_request("Request should not be empty"));
        }
        let given = Self {
            name: text(body, "name")?,
            content: text(body, "policy")?,
            enabled: match given(body, "enabled") {
                None => None,
                Some(value) => Some(value.as_bool().ok_or_else(invalid)?),
            },
            action: text(body, "action")?,
            metadata: match given(body, "extra_metadata") {
                None => None,
                Some(value) => Some(value.as_object().ok_or_else(invalid)?.clone()),
            },
            client: text(body, "client_name")?,
            server: text(body, "server_name")?,
        };
        let length = given.content.as_ref().map_or(0, String::len);
        if length as u64 > POLICY_BYTES_MAX {
            let text = format!("the policy is longer than {POLICY_BYTES_MAX} bytes");
            return Err(Detail::bad_request(text));
        }
        Ok(given)
    }
}

fn text(body: &Object, name: &str) -> Result<Option<String>, Detail> {
    let text = given(body, name).map(|value| value.as_str().ok_or_else(invalid));
    Ok(text.transpose()?.map(str::to_owned))
}

fn invalid() -> Detail {
    Detail::bad_request("Invalid Policy string")
}

fn new_id() -> Result<GuardrailId, Detail> {
    let id = Uuid::new_v4().to_string();
    id.parse().map_err(|_| Detail::busy("no id for a policy"))
}

/// Whether what is restricted to one name holds for whoever asks. Without a name, all are asked for.
fn admits(only: Option<&String>, named: Option<&String>) -> bool {
    only.is_none() || named.is_none() || only == named
}

fn of_project(
    store: &mut dyn Store,
    project: &ProjectId,
    id: &str,
) -> Result<Option<GuardrailRecord>, Failure> {
    let Ok(id) = id.to_ascii_lowercase().parse::<GuardrailId>() else {
        return Ok(None);
    };
    let found = store.guardrail(&id)?;
    Ok(found.filter(|found| found.project.as_ref() == Some(project)))
}

fn dataset(store: &mut dyn Store, project: &ProjectId) -> Result<Value, Failure> {
    let found = Named::Id(project.to_string()).find(store)?;
    let guardrails = store.guardrails(Some(project))?;
    Ok(shape::dataset(&found.project, &guardrails).into())
}
