//! Revision 2026-07-28, which has no sessions: every request says what it needs.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use portcullis_json::{Object, Value};
use portcullis_mcp::meta_name::{CLIENT_CAPABILITIES, CLIENT_INFO, PROTOCOL_VERSION};
use portcullis_mcp::{Id, Message, MessageKind, Method, Revision, error_code, write};

use super::Access;
use super::streamable::passed;
use crate::config::ConversationKey;
use crate::serve::answer::{Refused, accepted, json, reply};
use crate::serve::conversation::{Conversation, NotTaken};
use crate::serve::gateway::{Gateway, NotAsked, Opening, Profile, not_started};
use crate::serve::headers::{MCP_METHOD, MCP_NAME, MCP_PROTOCOL_VERSION, single};
use crate::serve::mirror;
use crate::serve::outlet::Outlet;
use crate::serve::registry::ConversationId;

/// LIMIT: characters of what tells conversations apart.
const KEY_CHARACTERS_MAX: usize = 256;

/// LIMIT: conversations that one request is tried in.
const CONVERSATIONS_MAX: usize = 3;

pub(super) async fn post(
    gateway: &Arc<Gateway>,
    access: &Access,
    headers: &HeaderMap,
    profile: Profile,
    message: &Message,
) -> Result<Response, Refused> {
    let target = &access.target;
    let (id, method) = match message.kind() {
        MessageKind::Request { id, method } => (id, method),
        // SPEC: 2026-07-28, Streamable HTTP: to close the stream is to cancel.
        MessageKind::Notification { .. } => return Ok(accepted()),
        MessageKind::Response { .. } => {
            return Err(Refused {
                code: error_code::INVALID_REQUEST,
                ..Refused::bad_request("clients send no responses in revision 2026-07-28")
            });
        }
    };
    check_mirrors(headers, message, id, method)?;
    let is_modern = gateway.speaks_stateless(target).await;
    let is_modern = is_modern.map_err(|error| match error {
        NotAsked::NotStarted(error) => not_started(&error, Some(id), &target.name),
        NotAsked::GatewayEnds => Refused::gateway_ends().of(message),
    })?;
    if !is_modern {
        let body = unsupported(id, method, message);
        return Ok(json(StatusCode::BAD_REQUEST, body.into()));
    }
    let mut passed = passed(target, headers);
    mirror::pass_on(headers, &mut passed);
    let passed = Arc::new(passed);
    // One may end before it has seen the request, to make room or because its time is up.
    for _ in 0..CONVERSATIONS_MAX {
        let conversation = conversation(gateway, access, headers, &profile, message).await?;
        check_arguments(&conversation, headers, message, id).await?;
        let scope = conversation.next_scope();
        let (outlet, parcels) = Outlet::new();
        let taken = conversation
            .take(message, scope, &passed, Some(&outlet))
            .await;
        if taken.as_ref().err() == Some(&NotTaken::Over) {
            continue;
        }
        let weak = outlet.downgrade();
        drop(outlet);
        let keep_alive = gateway.config().streams.keep_alive;
        let _timed = conversation.meter().waiting.time();
        let response = reply(&weak, parcels, taken.ok().flatten(), keep_alive).await;
        return response.ok_or_else(|| {
            Refused::bad_gateway(Some(id), "the conversation ended before the answer")
        });
    }
    // All had to make room for others at once; the server has not seen the request.
    Err(Refused::too_many_sessions().of(message))
}

/// SPEC: 2026-07-28, Streamable HTTP, Server Validation: who reads the body must hold the headers
/// against it.
fn check_mirrors(
    headers: &HeaderMap,
    message: &Message,
    id: &Id,
    method: &Method,
) -> Result<(), Refused> {
    let mismatch = |what: String| mismatch(id, what);
    let missing = |what: String| Refused {
        id: Some(id.clone()),
        code: error_code::INVALID_PARAMS,
        ..Refused::bad_request(what)
    };
    let header =
        |name: HeaderName| single(headers, &name).map_err(|error| mismatch(error.to_string()));
    let Some(named) = mirror::named_revision(message).and_then(Value::as_str) else {
        return Err(missing(format!("`_meta` must have `{PROTOCOL_VERSION}`")));
    };
    if meta(message, CLIENT_CAPABILITIES).is_none_or(|found| found.as_object().is_none()) {
        return Err(missing(format!(
            "`_meta` must have `{CLIENT_CAPABILITIES}`, an object"
        )));
    }
    if header(MCP_PROTOCOL_VERSION)? != Some(named) {
        return Err(mismatch(format!(
            "the header MCP-Protocol-Version must be there and equal `{PROTOCOL_VERSION}`"
        )));
    }
    if header(MCP_METHOD)? != Some(method.as_str()) {
        return Err(mismatch(
            "the header Mcp-Method must be there and equal `method`".to_owned(),
        ));
    }
    let member = mirror::named_member(method);
    let in_body = member
        .and_then(|member| message.params()?.get(member))
        .and_then(Value::as_str);
    let in_header = header(MCP_NAME)?.map(mirror::decode);
    match (in_body, in_header, member) {
        (Some(body), Some(Some(header)), _) if header == body => Ok(()),
        (None, None, _) => Ok(()),
        // What other methods name, nobody here knows.
        (None, Some(Some(_)), None) if method.spec().is_none() => Ok(()),
        (_, _, Some(member)) => Err(mismatch(format!(
            "the header Mcp-Name must be there if `params.{member}` is, and equal it"
        ))),
        (_, _, None) => Err(mismatch(
            "the header Mcp-Name must not be there: this method names nothing".to_owned(),
        )),
    }
}

/// The same for arguments, where the session has shown the client which headers they have. What was
/// never shown is for the server to say.
async fn check_arguments(
    conversation: &Conversation,
    headers: &HeaderMap,
    message: &Message,
    id: &Id,
) -> Result<(), Refused> {
    let Some(tool) = mirror::called_tool(message) else {
        return Ok(());
    };
    let Some(known) = conversation.session().await.argument_headers(tool) else {
        return Ok(());
    };
    let arguments = message.params().and_then(|params| params.get("arguments"));
    match mirror::difference(headers, &known, arguments) {
        None => Ok(()),
        Some(difference) => Err(mismatch(id, difference)),
    }
}

fn mismatch(id: &Id, what: String) -> Refused {
    Refused {
        id: Some(id.clone()),
        code: error_code::HEADER_MISMATCH,
        ..Refused::bad_request(what)
    }
}

/// SPEC: 2026-07-28, Versioning: what is supported comes with the error, so that a client of both
/// eras falls back. One that asks which era this is takes -32022 for a sign of the new one, since
/// only its servers know the code: it is answered as by a server that does not know the question.
pub(super) fn unsupported(id: &Id, method: &Method, message: &Message) -> Vec<u8> {
    let stateful = Revision::ALL
        .into_iter()
        .filter(|revision| !revision.is_stateless());
    let supported: Vec<Value> = stateful.map(|revision| revision.as_str().into()).collect();
    let requested = mirror::named_revision(message).cloned();
    let mut data = Object::new();
    data.insert("supported", supported);
    data.insert("requested", requested.unwrap_or(Value::Null));
    let (code, text) = match method {
        Method::ServerDiscover => (error_code::METHOD_NOT_FOUND, "Method not found"),
        _ => (
            error_code::UNSUPPORTED_PROTOCOL_VERSION,
            "Unsupported protocol version",
        ),
    };
    write::error_response(Some(id), code, text, Some(&data.into()))
}

/// The conversation that the request belongs to for the guardrails, opened if there is none.
async fn conversation(
    gateway: &Arc<Gateway>,
    access: &Access,
    headers: &HeaderMap,
    profile: &Profile,
    message: &Message,
) -> Result<Arc<Conversation>, Refused> {
    let config = gateway.config();
    let Access { principal, target } = access;
    let principal = *principal;
    let key = key(&config.sessions.key, headers, message);
    let server = Arc::clone(&target.name);
    let id = ConversationId::Stateless(server, principal, key, profile.digest());
    if let Some(conversation) = gateway.registry.find(&id, principal) {
        return Ok(conversation);
    }
    let opening = Opening {
        is_stateless: true,
        first: Some(message.clone()),
        ..access.opening(id, headers, profile.clone())
    };
    let found = Box::pin(gateway.find_or_open(opening)).await;
    found.map_err(|refused| refused.of(message))
}

fn key(configured: &ConversationKey, headers: &HeaderMap, message: &Message) -> String {
    let client = || {
        meta(message, CLIENT_INFO)
            .and_then(|info| info.get("name"))
            .and_then(Value::as_str)
            .map(|name| format!("client {name}"))
    };
    let found = match configured {
        ConversationKey::Client => None,
        ConversationKey::Header(name) => headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(|value| format!("header {value}")),
        ConversationKey::Meta(name) => meta(message, name)
            .and_then(Value::as_str)
            .map(|value| format!("meta {value}")),
    };
    let key = found.or_else(client).unwrap_or_default();
    key.chars().take(KEY_CHARACTERS_MAX).collect()
}

fn meta<'m>(message: &'m Message, name: &str) -> Option<&'m Value> {
    message.params()?.get("_meta")?.get(name)
}
