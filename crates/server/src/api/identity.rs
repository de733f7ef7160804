//! Who asks.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Api;
use super::answer::Detail;
use crate::config::Login;
use crate::login::{Bearer, LookupError};

/// The one user of an instance: the reference's user of its development mode.
pub(super) const USER_ID: &str = "3752ff38-da1a-4fa5-84a2-9e44a4b167ce";
pub(super) const USER_NAME: &str = "developer";

/// How the reference words that nobody is logged in. It has routes for programs, for people, and
/// for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    Programs,
    People,
    Anyone,
}

pub(super) async fn for_programs(
    State(api): State<Arc<Api>>,
    request: Request,
    next: Next,
) -> Response {
    identified(&api, Audience::Programs, request, next).await
}

pub(super) async fn for_people(
    State(api): State<Arc<Api>>,
    request: Request,
    next: Next,
) -> Response {
    identified(&api, Audience::People, request, next).await
}

pub(super) async fn for_anyone(
    State(api): State<Arc<Api>>,
    request: Request,
    next: Next,
) -> Response {
    identified(&api, Audience::Anyone, request, next).await
}

async fn identified(api: &Api, audience: Audience, request: Request, next: Next) -> Response {
    match identify(api, audience, request.headers()).await {
        Ok(()) => next.run(request).await,
        Err(detail) => detail.into_response(),
    }
}

async fn identify(api: &Api, audience: Audience, headers: &HeaderMap) -> Result<(), Detail> {
    match api.login() {
        Login::None => Ok(()),
        Login::Keys => match Bearer::of(headers) {
            Bearer::Key(key) => check_key(api, key).await,
            Bearer::Other | Bearer::Repeated => Err(invalid_key()),
            Bearer::Nothing => Err(unauthorized(match audience {
                Audience::Programs => "You must provide a valid API key.",
                Audience::People => "Unauthorized request",
                Audience::Anyone => "Private instance, login required",
            })),
        },
    }
}

/// Whatever is configured.
pub(super) async fn with_key(api: &Api, headers: &HeaderMap) -> Result<(), Detail> {
    match Bearer::of(headers) {
        Bearer::Key(key) => check_key(api, key).await,
        Bearer::Nothing | Bearer::Other | Bearer::Repeated => Err(invalid_key()),
    }
}

async fn check_key(api: &Api, key: &str) -> Result<(), Detail> {
    match api.gateway.keys.owner(key).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(invalid_key()),
        Err(LookupError::Busy) => Err(Detail::busy(LookupError::Busy.to_string())),
        Err(LookupError::Store(error)) => Err(error.into()),
    }
}

fn invalid_key() -> Detail {
    unauthorized("You must provide a valid API key.")
}

fn unauthorized(text: &str) -> Detail {
    Detail::new(StatusCode::UNAUTHORIZED, text)
}
