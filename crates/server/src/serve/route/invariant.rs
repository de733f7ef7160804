//! The routes of Invariant Gateway: a client names its server in a header.
//!
//! Status codes and texts are its own; its faults are not (see `docs/INVARIANT.md`).

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use portcullis_engine::Policy;
use portcullis_json::Object;
use portcullis_session::{Guardrail, GuardrailAction, RefusalStyle};
use portcullis_syntax::Severity;
use portcullis_trace::record::GuardrailName;
use url::Url;

use super::{Access, STREAMABLE, sse, streamable, strict};
use crate::config::{AllowedUpstreams, GatewayConfig, HttpServer, HttpTransport};
use crate::detail::Detail;
use crate::serve::admission::admit;
use crate::serve::answer::Refused;
use crate::serve::gateway::{Gateway, Profile, Target, TargetServer};
use crate::serve::headers::{JSON, single};
use crate::serve::login::log_in;
use crate::serve::principal::SERVER_HEADER_PREFIX;
use crate::serve::unicode_escape;

const MCP_SERVER_BASE_URL: HeaderName = HeaderName::from_static("mcp-server-base-url");
const PROJECT_NAME: HeaderName = HeaderName::from_static("invariant-project-name");
const PUSH_EXPLORER: HeaderName = HeaderName::from_static("push-invariant-explorer");
/// A policy, in Python's `unicode_escape`.
const GUARDRAILS: HeaderName = HeaderName::from_static("invariant-guardrails");
const GUARDRAILS_FROM_HEADER: &str = "guardrails-from-header";
const MESSAGES: &str = "/api/v1/gateway/mcp/sse/messages/";
/// What all SSE sessions are found under, whatever server they are with.
const AT_SSE: &str = "invariant/sse";
const HEALTH: &str = r#"{"message":"Hello from Invariant v1/gateway"}"#;
/// LIMIT: characters of the name of a project.
const PROJECT_CHARACTERS_MAX: usize = 256;

/// Access to the server that the client names, for a request that may come here.
#[derive(Debug)]
struct SseServer(Access);

#[derive(Debug)]
struct StreamableServer(Access);

/// What went wrong: in the reference's words where it has some, otherwise in the protocol's.
#[derive(Debug)]
enum Error {
    Detail(Detail),
    Refused(Refused),
}

pub(super) fn routes() -> Router<Arc<Gateway>> {
    let streamable = post(post_streamable)
        .get(get_streamable)
        .delete(delete_streamable);
    Router::new()
        .route("/api/v1/gateway/health", strict(get(health), "GET"))
        .route("/api/v1/gateway/mcp/sse", strict(get(get_sse), "GET"))
        .route(MESSAGES, strict(post(post_sse), "POST"))
        .route(
            "/api/v1/gateway/mcp/streamable",
            strict(streamable, STREAMABLE),
        )
        .layer(map_response(sign))
}

async fn health() -> Response {
    ([(CONTENT_TYPE, JSON)], HEALTH).into_response()
}

async fn get_sse(
    State(gateway): State<Arc<Gateway>>,
    SseServer(access): SseServer,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let profile = profile(&headers)?;
    let path = |id: &str| format!("{MESSAGES}?session_id={id}");
    Ok(sse::open(gateway, (AT_SSE, &access), &headers, profile, path).await?)
}

async fn post_sse(
    State(gateway): State<Arc<Gateway>>,
    uri: Uri,
    mut headers: HeaderMap,
    request: Body,
) -> Result<Response, Error> {
    let config = gateway.config();
    admit(&config, &uri, &headers)?;
    let principal = log_in(&gateway, &mut headers).await?;
    if config.invariant_routes.is_none() {
        return Err(not_found().into());
    }
    let missing = || Detail::bad_request("Missing 'session_id' query parameter");
    let secret = sse::session_id(&uri).ok_or_else(missing)?;
    let taken = sse::take(&gateway, (AT_SSE, principal), &secret, &headers, request).await;
    taken.map_err(or_no_session)
}

async fn post_streamable(
    State(gateway): State<Arc<Gateway>>,
    StreamableServer(access): StreamableServer,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, Error> {
    let profile = profile(&headers)?;
    Ok(streamable::take(&gateway, &access, &headers, profile, request).await?)
}

async fn get_streamable(
    State(gateway): State<Arc<Gateway>>,
    StreamableServer(access): StreamableServer,
    headers: HeaderMap,
) -> Result<Response, Error> {
    Ok(streamable::listen(&gateway, &access, &headers, &profile(&headers)?).await?)
}

async fn delete_streamable(
    State(gateway): State<Arc<Gateway>>,
    StreamableServer(access): StreamableServer,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let ended = streamable::end(&gateway, &access, &headers, &profile(&headers)?).await;
    ended.map_err(or_no_session)
}

/// Says who answered, as clients of the reference look for it.
async fn sign(mut response: Response) -> Response {
    let proxied = HeaderValue::from_static("mcp-gateway");
    response.headers_mut().insert("x-proxied-by", proxied);
    response
}

/// The server that the client names, if it may be reached.
fn target(
    gateway: &Gateway,
    config: &GatewayConfig,
    headers: &HeaderMap,
    transport: HttpTransport,
) -> Result<Target, Error> {
    let Some(allowed) = &config.invariant_routes else {
        return Err(not_found().into());
    };
    let Some(written) = single(headers, &MCP_SERVER_BASE_URL).map_err(Refused::from)? else {
        return Err(Detail::bad_request(format!("Missing {MCP_SERVER_BASE_URL} header")).into());
    };
    let path = match transport {
        HttpTransport::StreamableHttp => "/mcp/",
        HttpTransport::Sse => "/sse",
    };
    let base = written.trim_end_matches('/');
    let url = Url::parse(&format!("{base}{path}")).ok();
    let is_elsewhere = |url: &Url| url.port_or_known_default() != Some(config.listen.port());
    let url = url.filter(is_elsewhere);
    let Some(url) = url.filter(|url| is_reachable(allowed, url)) else {
        return Err(Detail::new(
            StatusCode::FORBIDDEN,
            format!("{MCP_SERVER_BASE_URL} is not one of the allowed upstreams"),
        )
        .into());
    };
    Ok(Target {
        name: Arc::from(base),
        server: TargetServer::Named(HttpServer {
            url,
            transport,
            headers: server_headers(headers),
            forward_headers: Vec::new(),
        }),
        meter: gateway.metrics.of_named(),
    })
}

fn is_reachable(allowed: &AllowedUpstreams, url: &Url) -> bool {
    let is_plain = url.username().is_empty() && url.password().is_none();
    is_plain && url.query().is_none() && url.fragment().is_none() && allowed.admits(url)
}

fn server_headers(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let named = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(SERVER_HEADER_PREFIX)?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        if is_ours(name.as_str()) {
            return None;
        }
        let mut value = value.clone();
        value.set_sensitive(true);
        Some((name, value))
    });
    named.collect()
}

/// What says how a message is framed and read, which a client must not decide for the server.
fn is_ours(name: &str) -> bool {
    const PREFIXES: [&str; 5] = ["accept", "content-", "mcp-", "proxy-", "sec-"];
    const NAMES: [&str; 10] = [
        "connection",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "last-event-id",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn profile(headers: &HeaderMap) -> Result<Profile, Error> {
    let project = project(headers)?;
    Ok(Profile {
        refusal: Some(RefusalStyle::Invariant),
        project,
        pushes_trace: pushes_trace(headers)?,
        metadata: Object::new(),
        guardrails: guardrail(headers)?.into_iter().collect(),
        guardrails_text: single(headers, &GUARDRAILS)
            .map_err(Refused::from)?
            .unwrap_or_default()
            .to_owned(),
    })
}

/// A name that was cut or left out would be without the guardrails of its project.
fn project(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let mut written = headers.get_all(PROJECT_NAME).iter();
    let (Some(name), None) = (written.next(), written.next()) else {
        let is_absent = headers.get(PROJECT_NAME).is_none();
        let wrong = || Detail::bad_request(format!("{PROJECT_NAME} must stand there once"));
        return if is_absent {
            Ok(None)
        } else {
            Err(wrong().into())
        };
    };
    let name = str::from_utf8(name.as_bytes()).ok();
    let name = name.filter(|name| name.chars().count() <= PROJECT_CHARACTERS_MAX);
    let wrong = || {
        Detail::bad_request(format!(
            "{PROJECT_NAME} must be UTF-8 of at most {PROJECT_CHARACTERS_MAX} characters"
        ))
    };
    Ok(Some(name.ok_or_else(wrong)?.to_owned()))
}

fn pushes_trace(headers: &HeaderMap) -> Result<bool, Error> {
    let written = single(headers, &PUSH_EXPLORER).map_err(Refused::from)?;
    Ok(written.is_some_and(|written| written.eq_ignore_ascii_case("true")))
}

/// The policy that the client brings along; it blocks.
fn guardrail(headers: &HeaderMap) -> Result<Option<Guardrail>, Error> {
    let Some(written) = single(headers, &GUARDRAILS).map_err(Refused::from)? else {
        return Ok(None);
    };
    let wrong = |why: String| Detail::bad_request(format!("{GUARDRAILS}: {why}"));
    let source = unicode_escape::decode(written)
        .ok_or_else(|| wrong("a broken escape sequence".to_owned()))?;
    let loaded = Policy::load(&source);
    let Some(policy) = loaded.policy else {
        let errors = loaded.diagnostics.iter();
        let first = errors
            .filter(|found| found.severity == Severity::Error)
            .map(|found| found.message.clone())
            .next();
        return Err(wrong(first.unwrap_or_default()).into());
    };
    Ok(Some(Guardrail {
        name: GuardrailName {
            id: Some(GUARDRAILS_FROM_HEADER.to_owned()),
            name: GUARDRAILS_FROM_HEADER.to_owned(),
        },
        policy: Ok(policy),
        on_violation: GuardrailAction::Block,
        on_failure: GuardrailAction::Block,
    }))
}

fn not_found() -> Detail {
    Detail::not_found("Not Found")
}

fn or_no_session(refused: Refused) -> Error {
    if refused.status == StatusCode::NOT_FOUND {
        return Detail::bad_request("Session does not exist").into();
    }
    refused.into()
}

/// Who speaks, and to which server over this transport.
async fn access(
    parts: &mut Parts,
    gateway: &Arc<Gateway>,
    transport: HttpTransport,
) -> Result<Access, Error> {
    let config = gateway.config();
    admit(&config, &parts.uri, &parts.headers)?;
    let principal = log_in(gateway, &mut parts.headers).await?;
    let target = target(gateway, &config, &parts.headers, transport)?;
    Ok(Access { principal, target })
}

// === impl SseServer ===

impl FromRequestParts<Arc<Gateway>> for SseServer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Error> {
        access(parts, gateway, HttpTransport::Sse).await.map(Self)
    }
}

// === impl StreamableServer ===

impl FromRequestParts<Arc<Gateway>> for StreamableServer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Error> {
        access(parts, gateway, HttpTransport::StreamableHttp)
            .await
            .map(Self)
    }
}

// === impl Error ===

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Detail(detail) => detail.into_response(),
            Self::Refused(refused) => refused.into_response(),
        }
    }
}

impl From<Detail> for Error {
    fn from(detail: Detail) -> Self {
        Self::Detail(detail)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}
