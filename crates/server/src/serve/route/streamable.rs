//! Streamable HTTP towards clients: one URL, three methods.

mod standalone;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use portcullis_mcp::{
    EnvelopeLimits, Incoming, Message, MessageKind, Method, Peer, Revision, error_code,
};
use portcullis_session::Scope;

use self::standalone::standalone;
use super::{
    Access, Configured, admit_answer_types, admit_message, body, method_not_allowed, modern,
};
use crate::config::ServerConfig;
use crate::metrics::EndReason;
use crate::serve::answer::{Refused, accepted, events, reply};
use crate::serve::aside::read;
use crate::serve::conversation::{Conversation, NotTaken};
use crate::serve::errand::Errand;
use crate::serve::gateway::{Gateway, Opening, Profile, Target, TargetServer};
use crate::serve::headers::{
    EVENT_STREAM, MCP_PROTOCOL_VERSION, MCP_SESSION_ID, accepts, passed_on, single, value,
};
use crate::serve::hold::Hold;
use crate::serve::mirror;
use crate::serve::outlet::{Outlet, Parcel};
use crate::serve::registry::ConversationId;

/// LIMIT: a session id, longer than any of ours.
const SESSION_ID_BYTES_MAX: usize = 256;

pub(super) async fn post(
    State(gateway): State<Arc<Gateway>>,
    Configured(access): Configured,
    request: Request,
) -> Result<Response, Refused> {
    let (Parts { headers, .. }, body) = request.into_parts();
    take(&gateway, &access, &headers, Profile::default(), body).await
}

pub(super) async fn get(
    State(gateway): State<Arc<Gateway>>,
    Configured(access): Configured,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    listen(&gateway, &access, &headers, &Profile::default()).await
}

pub(super) async fn delete(
    State(gateway): State<Arc<Gateway>>,
    Configured(access): Configured,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    end(&gateway, &access, &headers, &Profile::default()).await
}

/// Opens the stream for what belongs to no request.
pub(super) async fn listen(
    gateway: &Arc<Gateway>,
    access: &Access,
    headers: &HeaderMap,
    profile: &Profile,
) -> Result<Response, Refused> {
    let named = named_revision(headers)?;
    if is_stateless(named) {
        return Ok(method_not_allowed("POST"));
    }
    if !accepts(headers, EVENT_STREAM) {
        return Err(Refused::new(
            StatusCode::NOT_ACCEPTABLE,
            "Accept must list text/event-stream",
        ));
    }
    let secret = session_id(headers)?;
    let (_, conversation) = find(gateway, access, secret, headers, profile).await?;
    check_revision(&conversation, named)?;
    standalone(gateway, &access.target, headers, conversation).await
}

/// Ends a session.
pub(super) async fn end(
    gateway: &Arc<Gateway>,
    access: &Access,
    headers: &HeaderMap,
    profile: &Profile,
) -> Result<Response, Refused> {
    if is_stateless(named_revision(headers)?) {
        return Ok(method_not_allowed("POST"));
    }
    let secret = session_id(headers)?;
    let (id, _) = find(gateway, access, secret, headers, profile).await?;
    if let Some(conversation) = gateway.registry.remove(&id) {
        // To its end, even if the client does not wait for it.
        let end = async move { conversation.end(EndReason::Client).await };
        gateway.tasks.spawn(end).await.ok();
    }
    Ok(StatusCode::OK.into_response())
}

/// Takes a message, in whichever era it is written.
///
/// What is seldom done is boxed, here and on the way to the server: the future of every message
/// would be large for its sake, and is moved several times.
pub(super) async fn take(
    gateway: &Arc<Gateway>,
    access: &Access,
    headers: &HeaderMap,
    profile: Profile,
    request: Body,
) -> Result<Response, Refused> {
    admit_message(headers)?;
    admit_answer_types(headers)?;
    let named = named_revision(headers)?;
    let is_modern = is_stateless(named);
    let secret = if is_modern {
        None
    } else {
        single(headers, &MCP_SESSION_ID)?
    };
    let found = match secret {
        Some(secret) => Some(find(gateway, access, secret, headers, &profile).await),
        None => None,
    };
    if let Some(Ok((id, conversation))) = found {
        check_revision(&conversation, named)?;
        let timed = conversation.meter().reading.time();
        let request = body(gateway, request).await?;
        let incoming = conversation.read(request).await?;
        drop(timed);
        return in_session(
            gateway,
            &access.target,
            headers,
            &id,
            &conversation,
            incoming,
        )
        .await;
    }
    let timed = access.target.meter.reading.time();
    let request = body(gateway, request).await?;
    let config = gateway.config();
    let message_bytes = config.limits.message_bytes.get();
    let mut envelope = EnvelopeLimits::new(Peer::Client).with_message_bytes(message_bytes);
    envelope.unknown_meta = config.limits.unknown_meta;
    if is_modern {
        envelope.revision = Some(Revision::V2026_07_28);
    }
    let message = read(request, move |text| Message::parse_shared(text, &envelope)).await?;
    drop(timed);
    if is_modern || mirror::named_revision(&message).is_some() {
        return Box::pin(modern::post(gateway, access, headers, profile, &message)).await;
    }
    match (message.kind(), found) {
        (
            MessageKind::Request {
                method: Method::Initialize,
                ..
            },
            _,
        ) => Box::pin(initialize(gateway, access, headers, profile, &message)).await,
        (_, Some(Err(refused))) => Err(refused.of(&message)),
        (_, _) => Err(Refused::bad_request(
            "Mcp-Session-Id is missing: begin with `initialize`, and send the id that comes \
             with its answer",
        )
        .of(&message)),
    }
}

async fn initialize(
    gateway: &Arc<Gateway>,
    access: &Access,
    headers: &HeaderMap,
    profile: Profile,
    message: &Message,
) -> Result<Response, Refused> {
    let config = gateway.config();
    let id = ConversationId::secret(Arc::clone(&access.target.name));
    let opening = Opening {
        first: Some(message.clone()),
        ..access.opening(id.clone(), headers, profile)
    };
    let passed = Arc::new(opening.headers.clone());
    // Until it is told the id, nobody could go on with the session.
    let hold = Hold::new(gateway, &id);
    let conversation = gateway
        .open(opening)
        .await
        .map_err(|refused| refused.of(message))?;
    let (outlet, parcels) = Outlet::new();
    let taken = conversation
        .take(message, Scope::SESSION, &passed, Some(&outlet))
        .await;
    let weak = outlet.downgrade();
    drop(outlet);
    let way = taken.ok().flatten();
    let timed = conversation.meter().waiting.time();
    let response = reply(&weak, parcels, way, config.streams.keep_alive).await;
    drop(timed);
    let no_answer = || Refused::bad_gateway(message.id(), "the session ended before the answer");
    let mut response = response.ok_or_else(no_answer)?;
    let is_stream = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|content| content == EVENT_STREAM);
    if is_stream || conversation.revision().is_some() {
        if let Some(told) = value(id.told()) {
            response.headers_mut().insert(MCP_SESSION_ID, told);
        }
        hold.let_go();
    } else {
        // The client was refused; there is nothing that it could go on with.
        hold.end(EndReason::Refused);
    }
    Ok(response)
}

async fn in_session(
    gateway: &Arc<Gateway>,
    target: &Target,
    headers: &HeaderMap,
    id: &ConversationId,
    conversation: &Arc<Conversation>,
    incoming: Incoming,
) -> Result<Response, Refused> {
    let config = gateway.config();
    let passed = Arc::new(passed(target, headers));
    let keep_alive = config.streams.keep_alive;
    let message = match incoming {
        Incoming::Single(message) => message,
        Incoming::Batch(messages) => {
            return batch(conversation, messages, passed, keep_alive).await;
        }
    };
    admit_in_session(conversation, &message)?;
    let response = if is_request(&message) {
        answered(conversation, &message, &passed, keep_alive).await
    } else {
        let taken = conversation.take(&message, Scope::SESSION, &passed, None);
        (taken.await.err() != Some(NotTaken::Over)).then(accepted)
    };
    if conversation.ended().is_cancelled() {
        Hold::new(gateway, id).end(EndReason::Server);
    }
    response.ok_or_else(|| no_answer(conversation).of(&message))
}

fn no_answer(conversation: &Conversation) -> Refused {
    if conversation.ended().is_cancelled() || conversation.is_over() {
        Refused::session_not_found()
    } else {
        Refused::bad_gateway(None, "the stream ended before the answer")
    }
}

/// Whether the session may see the message.
pub(super) fn admit_in_session(
    conversation: &Conversation,
    message: &Message,
) -> Result<(), Refused> {
    let refused = |text: &str| {
        let refused = Refused {
            code: error_code::INVALID_REQUEST,
            ..Refused::bad_request(text)
        };
        Err(refused.of(message))
    };
    if mirror::named_revision(message).is_some() {
        return refused("the message and its session are of different eras");
    }
    if is_request(message)
        && message.method() != Some(&Method::Ping)
        && message.method() != Some(&Method::Initialize)
        && !conversation.is_initialized()
    {
        return refused("send `notifications/initialized` first");
    }
    Ok(())
}

/// `None` if nothing answers it, since the session has ended.
async fn answered(
    conversation: &Arc<Conversation>,
    message: &Message,
    passed: &Arc<HeaderMap>,
    keep_alive: Duration,
) -> Option<Response> {
    let (outlet, parcels) = conversation.outlet();
    let taken = conversation
        .take(message, Scope::SESSION, passed, Some(&outlet))
        .await;
    let weak = outlet.downgrade();
    drop(outlet);
    let _timed = conversation.meter().waiting.time();
    reply(&weak, parcels, taken.ok().flatten(), keep_alive).await
}

/// SPEC: MCP 2025-03-26, Streamable HTTP: the answers may come one by one, on one stream.
async fn batch(
    conversation: &Arc<Conversation>,
    messages: Vec<Message>,
    passed: Arc<HeaderMap>,
    keep_alive: Duration,
) -> Result<Response, Refused> {
    for message in &messages {
        admit_in_session(conversation, message)?;
    }
    let (outlet, parcels) = conversation.outlet();
    let has_requests = messages.iter().any(is_request);
    if has_requests {
        outlet.begin();
    }
    let tasks = conversation.tasks().clone();
    let conversation = Arc::clone(conversation);
    let work = async move {
        let mut is_over = false;
        for message in &messages {
            let outlet = is_request(message).then_some(&outlet);
            let taken = conversation.take(message, Scope::SESSION, &passed, outlet);
            is_over = taken.await.err() == Some(NotTaken::Over);
        }
        is_over
    };
    // To its end: what was sent with what has been taken already is not left out.
    let work = Errand::new(&tasks, work);
    if has_requests {
        // Its answers need a reader before they are all there.
        drop(work);
        Ok(events(Some(Parcel::Begin), parcels, keep_alive, ()))
    } else if work.await {
        Err(Refused::session_not_found())
    } else {
        Ok(accepted())
    }
}

fn is_request(message: &Message) -> bool {
    matches!(message.kind(), MessageKind::Request { .. })
}

/// The session that a request must name.
fn session_id(headers: &HeaderMap) -> Result<&str, Refused> {
    let named = single(headers, &MCP_SESSION_ID)?;
    named.ok_or_else(|| Refused::bad_request("Mcp-Session-Id is missing"))
}

/// The session with this id, if it is the request's principal's.
async fn find(
    gateway: &Arc<Gateway>,
    access: &Access,
    secret: &str,
    headers: &HeaderMap,
    profile: &Profile,
) -> Result<(ConversationId, Arc<Conversation>), Refused> {
    if secret.len() > SESSION_ID_BYTES_MAX {
        return Err(Refused::session_not_found());
    }
    let Access { principal, target } = access;
    let id = ConversationId::Secret(Arc::clone(&target.name), secret.to_owned());
    if let Some(open) = gateway.registry.find(&id, *principal) {
        return Ok((id, open));
    }
    let opening = access.opening(id.clone(), headers, profile.clone());
    match Box::pin(gateway.find(opening)).await {
        Some(conversation) => Ok((id, conversation)),
        None if gateway.ending.is_cancelled() => Err(Refused::gateway_ends()),
        None => Err(Refused::session_not_found()),
    }
}

/// SPEC: MCP 2025-11-25, Streamable HTTP, Protocol Version Header. Without it, the session knows.
fn check_revision(conversation: &Conversation, named: Option<&str>) -> Result<(), Refused> {
    let Some(written) = named else {
        return Ok(());
    };
    match (Revision::parse(written), conversation.revision()) {
        (Some(named), Some(negotiated)) if named != negotiated => Err(Refused::bad_request(
            format!("MCP-Protocol-Version must be {negotiated}, as it was negotiated"),
        )),
        (Some(_), _) => Ok(()),
        (None, _) => Err(Refused::bad_request(
            "MCP-Protocol-Version is no revision that is known here",
        )),
    }
}

/// The revision that a request is said to be written in.
fn named_revision(headers: &HeaderMap) -> Result<Option<&str>, Refused> {
    single(headers, &MCP_PROTOCOL_VERSION).map_err(|error| {
        let mut all = headers.get_all(MCP_PROTOCOL_VERSION).iter();
        let names_stateless = all.any(|value| is_stateless(value.to_str().ok()));
        let refused = Refused::from(error);
        if names_stateless {
            Refused {
                code: error_code::HEADER_MISMATCH,
                ..refused
            }
        } else {
            refused
        }
    })
}

fn is_stateless(named: Option<&str>) -> bool {
    let revision = named.and_then(Revision::parse);
    revision.is_some_and(Revision::is_stateless)
}

pub(super) fn passed(target: &Target, headers: &HeaderMap) -> HeaderMap {
    let configured = match &target.server {
        TargetServer::Configured(_, ServerConfig::Http(server)) | TargetServer::Named(server) => {
            server.forward_headers.as_slice()
        }
        TargetServer::Configured(_, ServerConfig::Stdio(_)) => &[],
    };
    passed_on(headers, configured)
}
