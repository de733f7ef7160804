//! Which URL is what.

mod invariant;
mod modern;
pub(crate) mod operation;
mod sse;
mod streamable;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use bytes::Bytes;
use portcullis_transport::http::body::read_body;
use portcullis_transport::http::endpoint::is_encoded;

use self::streamable::passed;
use super::admission::admit;
use super::answer::Refused;
use super::gateway::{Gateway, Opening, Profile, Target};
use super::headers::{EVENT_STREAM, JSON, accepts_all, is_json};
use super::login::log_in;
use super::principal::Principal;
use super::registry::ConversationId;

/// The methods of Streamable HTTP.
const STREAMABLE: &str = "GET, POST, DELETE";

pub(crate) fn router(gateway: Arc<Gateway>) -> Router {
    let streamable = post(streamable::post)
        .get(streamable::get)
        .delete(streamable::delete);
    Router::new()
        .route("/servers/{server}/mcp", strict(streamable, STREAMABLE))
        .route("/servers/{server}/sse", strict(get(sse::get), "GET"))
        .route(
            "/servers/{server}/messages",
            strict(post(sse::post), "POST"),
        )
        .merge(invariant::routes())
        .fallback(not_found)
        .with_state(gateway)
}

/// Only what is offered: a `HEAD` would open a stream that nobody reads.
fn strict(
    methods: MethodRouter<Arc<Gateway>>,
    allowed: &'static str,
) -> MethodRouter<Arc<Gateway>> {
    let refuse = async move || method_not_allowed(allowed);
    methods.head(refuse).fallback(refuse)
}

fn method_not_allowed(allowed: &'static str) -> Response {
    let mut response = StatusCode::METHOD_NOT_ALLOWED.into_response();
    let allowed = HeaderValue::from_static(allowed);
    response.headers_mut().insert(ALLOW, allowed);
    response
}

/// A client, and the server that it may speak to.
#[derive(Debug)]
struct Access {
    principal: Principal,
    target: Target,
}

// === impl Access ===

impl Access {
    /// A session of the client's with the server, for a request with these headers.
    fn opening(&self, id: ConversationId, headers: &HeaderMap, profile: Profile) -> Opening {
        let passed = passed(&self.target, headers);
        Opening {
            id,
            principal: self.principal,
            target: self.target.clone(),
            is_stateless: false,
            first: None,
            identity: self.principal.identity(headers, &passed),
            headers: passed,
            profile,
        }
    }
}

/// Access to the server that a URL of ours names, for a request that may come here.
#[derive(Debug)]
struct Configured(Access);

impl FromRequestParts<Arc<Gateway>> for Configured {
    type Rejection = Refused;

    async fn from_request_parts(
        parts: &mut Parts,
        gateway: &Arc<Gateway>,
    ) -> Result<Self, Refused> {
        admit(&gateway.config(), &parts.uri, &parts.headers)?;
        let principal = log_in(gateway, &mut parts.headers).await?;
        let name = Path::<String>::from_request_parts(parts, gateway).await;
        let Path(name) = name.map_err(|error| Refused::bad_request(error.body_text()))?;
        let target = gateway.target(&name).ok_or_else(|| unknown_server(&name))?;
        Ok(Self(Access { principal, target }))
    }
}

async fn not_found() -> Response {
    Refused::new(
        StatusCode::NOT_FOUND,
        "there is nothing here: servers are at /servers/NAME/mcp and /servers/NAME/sse",
    )
    .into_response()
}

fn unknown_server(name: &str) -> Refused {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    Refused::new(
        StatusCode::NOT_FOUND,
        format!("no server is configured as `{shown}`"),
    )
}

/// What the headers of a message say about it, before its body is read.
fn admit_message(headers: &HeaderMap) -> Result<(), Refused> {
    if !is_json(headers) {
        return Err(Refused::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the Content-Type must be application/json",
        ));
    }
    if !is_utf8(headers) {
        return Err(Refused::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the charset must be utf-8",
        ));
    }
    if is_encoded(headers) {
        return Err(Refused::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body must not be encoded, send it without Content-Encoding",
        ));
    }
    Ok(())
}

fn is_utf8(headers: &HeaderMap) -> bool {
    let written = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parameters = written.split(';').skip(1).map(str::trim);
    parameters.all(|parameter| {
        let charset = parameter
            .split_once('=')
            .filter(|(name, _)| name.eq_ignore_ascii_case("charset"))
            .map(|(_, value)| value.trim_matches('"'));
        charset.is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"))
    })
}

fn admit_answer_types(headers: &HeaderMap) -> Result<(), Refused> {
    if accepts_all(headers, [JSON, EVENT_STREAM]) {
        return Ok(());
    }
    Err(Refused::new(
        StatusCode::NOT_ACCEPTABLE,
        "Accept must list application/json and text/event-stream",
    ))
}

async fn body(gateway: &Gateway, body: axum::body::Body) -> Result<Bytes, Refused> {
    let limit = gateway.config().limits.message_bytes.get();
    Ok(read_body(body, limit).await?)
}
