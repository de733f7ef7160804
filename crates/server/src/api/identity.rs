//! Who asks.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use portcullis_store::ApiKeyHash;

use super::Api;
use super::answer::Detail;
use crate::config::Login;
use crate::relay::now;

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
        Login::Keys => match bearer(headers) {
            Some(key) => check_key(api, key).await,
            None if headers.contains_key(AUTHORIZATION) => Err(invalid_key()),
            None => Err(unauthorized(match audience {
                Audience::Programs => "You must provide a valid API key.",
                Audience::People => "Unauthorized request",
                Audience::Anyone => "Private instance, login required",
            })),
        },
    }
}

/// Whatever is configured.
pub(super) async fn with_key(api: &Api, headers: &HeaderMap) -> Result<(), Detail> {
    check_key(api, bearer(headers).ok_or_else(invalid_key)?).await
}

/// The key that a request presents, if it presents one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let key = value.to_str().ok()?.strip_prefix("Bearer ")?;
    (!key.is_empty()).then_some(key)
}

async fn check_key(api: &Api, key: &str) -> Result<(), Detail> {
    let hash = ApiKeyHash::of(key);
    let found = api
        .with_store(move |store| Ok(store.api_key(&hash)?))
        .await?;
    match found {
        Some(key) if key.is_valid_at(now()) => Ok(()),
        Some(_) | None => Err(invalid_key()),
    }
}

fn invalid_key() -> Detail {
    unauthorized("You must provide a valid API key.")
}

fn unauthorized(text: &str) -> Detail {
    Detail::new(StatusCode::UNAUTHORIZED, text)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_key_is_presented_once_as_a_bearer() {
        let check = |values: &[&'static str], expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            assert_eq!(bearer(&headers), expected, "{values:?}");
        };
        check(&["Bearer inv-1"], Some("inv-1"));
        check(&["Bearer "], None);
        check(&["Basic inv-1"], None);
        check(&["inv-1"], None);
        check(&["Bearer a", "Bearer b"], None);
        check(&[], None);
    }
}
