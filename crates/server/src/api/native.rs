//! The native API: sessions, guardrails and checks for scripts and programs.
//!
//! Every request needs an API key. [`shape`] declares what is sent and answered once, for the
//! answers, for reading requests, and for the [`document`] that describes them.

mod check;
mod document;
mod feed;
mod guardrail;
mod problem;
mod project;
mod session;
mod shape;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};

use self::problem::Problem;
use super::Api;
use super::answer::Detail;
use super::identity::with_key;

pub(super) fn routes(api: &Arc<Api>) -> Router<Arc<Api>> {
    Router::new()
        .route("/api/v2/projects", get(project::list))
        .route("/api/v2/sessions", get(session::list))
        .route(
            "/api/v2/sessions/{session}",
            get(session::read).delete(session::delete),
        )
        .route("/api/v2/sessions/{session}/events", get(session::events))
        .route(
            "/api/v2/guardrails",
            get(guardrail::list).post(guardrail::create),
        )
        .route(
            "/api/v2/guardrails/{guardrail}",
            get(guardrail::read)
                .patch(guardrail::change)
                .delete(guardrail::delete),
        )
        .route(
            "/api/v2/guardrails/{guardrail}/versions",
            get(guardrail::versions),
        )
        .route("/api/v2/checks", post(check::check))
        .route("/api/v2/feed", get(feed::follow))
        .route_layer(from_fn_with_state(Arc::clone(api), keyed))
        .route("/api/v2/openapi.json", get(document::read))
        .method_not_allowed_fallback(wrong_method)
        .route("/api/v2/{*rest}", any(not_found))
}

async fn not_found() -> Problem {
    Detail::not_found("there is no such route; `/api/v2/openapi.json` describes all").into()
}

async fn wrong_method() -> Problem {
    let text = "the route has other methods; `/api/v2/openapi.json` describes all";
    Detail::new(StatusCode::METHOD_NOT_ALLOWED, text).into()
}

async fn keyed(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    match with_key(&api, request.headers()).await {
        Ok(()) => next.run(request).await,
        Err(detail) => Problem::from(detail).into_response(),
    }
}
