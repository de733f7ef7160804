//! The contract of Invariant Explorer: projects, which it calls datasets, their traces with
//! annotations, their guardrails, which it calls policies, and API keys.

mod annotation;
mod cut;
mod dataset;
mod dataset_metadata;
mod download;
mod key;
mod places;
mod policy;
mod policy_check;
mod push;
mod search;
mod shape;
mod trace;
mod traces;
mod upload;
mod user;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post, put};

use super::Api;
use super::body::BODY_BYTES_MAX;
use super::identity::{for_anyone, for_people, for_programs};

const BY_NAME: &str = "/api/v1/dataset/byuser/{user}/{name}";
const BY_ID: &str = "/api/v1/dataset/byid/{id}";
const TRACE: &str = "/api/v1/trace/{id}";

pub(super) fn routes(api: &Arc<Api>) -> Router<Arc<Api>> {
    let programs = programs().route_layer(from_fn_with_state(Arc::clone(api), for_programs));
    let people = people().route_layer(from_fn_with_state(Arc::clone(api), for_people));
    let anyone = datasets()
        .merge(traces())
        .route_layer(from_fn_with_state(Arc::clone(api), for_anyone));
    programs.merge(people).merge(anyone)
}

fn programs() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/v1/push/trace", post(push::push))
        .route("/api/v1/trace/{id}/messages", post(push::append))
        .route(
            "/api/v1/dataset/metadata/{name}",
            get(dataset_metadata::read).put(dataset_metadata::update),
        )
}

fn people() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/v1/keys/create", post(key::create))
        .route("/api/v1/keys/list", get(key::list))
        .route("/api/v1/keys/{id}", delete(key::revoke))
        .route(
            "/api/v1/dataset/{id}/policy/{policy}",
            put(policy::update).delete(policy::delete),
        )
        .route("/api/v1/trace/snippets/new", post(push::new_snippet))
        .route(&format!("{TRACE}/annotate"), post(annotation::create))
        .route(
            &format!("{TRACE}/annotations/update"),
            post(annotation::replace),
        )
        .route(
            &format!("{TRACE}/annotation/{{annotation}}"),
            put(annotation::update).delete(annotation::delete),
        )
        .route(
            &format!("{TRACE}/shared"),
            get(trace::is_shared)
                .put(trace::share)
                .delete(trace::unshare),
        )
        .route(
            &format!("{BY_ID}/policy-check/stream"),
            post(policy_check::stream),
        )
}

fn datasets() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/v1/user/identity", get(user::identity))
        .route("/api/v1/dataset/create", post(dataset::create))
        .route(
            "/api/v1/dataset/upload",
            post(upload::upload).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)),
        )
        .route("/api/v1/dataset/list", get(dataset::list))
        .route(
            BY_ID,
            get(dataset::by_id)
                .put(dataset::update_by_id)
                .delete(dataset::delete_by_id),
        )
        .route(
            BY_NAME,
            get(dataset::by_name)
                .put(dataset::update_by_name)
                .delete(dataset::delete_by_name),
        )
        .route("/api/v1/dataset/{id}/policy", post(policy::create))
        .route(&format!("{BY_NAME}/policy"), get(policy::list))
        .route(&format!("{BY_ID}/traces"), get(traces::by_id))
        .route(&format!("{BY_NAME}/traces"), get(traces::by_name))
        .route(&format!("{BY_NAME}/indices"), get(traces::indices))
        .route(&format!("{BY_NAME}/full"), get(traces::full))
        .route(&format!("{BY_NAME}/s"), get(search::search))
        .route(&format!("{BY_ID}/download"), get(download::all))
        .route(
            &format!("{BY_ID}/download/annotated"),
            get(download::annotated),
        )
}

fn traces() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/v1/trace/snippets", get(traces::snippets))
        .route(TRACE, get(trace::read).delete(trace::delete))
        .route(&format!("{TRACE}/download"), get(download::trace))
        .route(&format!("{TRACE}/annotations"), get(annotation::list))
}
