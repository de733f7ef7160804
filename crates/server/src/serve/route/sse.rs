//! HTTP+SSE of revision 2024-11-05 towards clients: a stream that is the session, and a URL for
//! what the client says.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use portcullis_mcp::{Incoming, Message, MessageKind};
use portcullis_session::Scope;
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

use super::modern::unsupported;
use super::streamable::{admit_in_session, passed};
use super::{Access, Configured, admit_message, body};
use crate::metrics::EndReason;
use crate::serve::answer::{Refused, events};
use crate::serve::conversation::{Conversation, NotTaken};
use crate::serve::errand::Errand;
use crate::serve::gateway::{Gateway, Profile};
use crate::serve::headers::{EVENT_STREAM, accepts};
use crate::serve::hold::Hold;
use crate::serve::mirror;
use crate::serve::outlet::{Outgoing, Outlet, Parcel};
use crate::serve::principal::Principal;
use crate::serve::registry::ConversationId;

pub(super) async fn get(
    State(gateway): State<Arc<Gateway>>,
    Configured(access): Configured,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let name = &access.target.name;
    let path = |id: &str| format!("/servers/{name}/messages?session_id={id}");
    let here = (&**name, &access);
    open(gateway, here, &headers, Profile::default(), path).await
}

pub(super) async fn post(
    State(gateway): State<Arc<Gateway>>,
    Configured(access): Configured,
    uri: Uri,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, Refused> {
    let secret = session_id(&uri)
        .ok_or_else(|| Refused::bad_request("session_id is missing from the URL"))?;
    let Access { principal, target } = access;
    let here = (&*target.name, principal);
    take(&gateway, here, &secret, &headers, request).await
}

/// Opens a session and its stream. `path` says where messages of the session go, by its id.
///
/// The session is found under the name `at`, which a client that names its server need not repeat.
pub(super) async fn open(
    gateway: Arc<Gateway>,
    (at, access): (&str, &Access),
    headers: &HeaderMap,
    profile: Profile,
    path: impl Fn(&str) -> String,
) -> Result<Response, Refused> {
    if !accepts(headers, EVENT_STREAM) {
        return Err(Refused::new(
            StatusCode::NOT_ACCEPTABLE,
            "Accept must list text/event-stream",
        ));
    }
    let id = ConversationId::sse(Arc::from(at));
    // The stream is the session: who closes it ends it.
    let hold = Hold::new(&gateway, &id);
    let conversation = gateway
        .open(access.opening(id.clone(), headers, profile))
        .await?;
    let (outlet, parcels) = Outlet::new();
    let first = Parcel::Endpoint(path(id.told()));
    let unread = Hold::new(&gateway, &id);
    gateway.tasks.spawn(end_unread(
        unread,
        outlet.given_up().clone(),
        Arc::clone(&conversation),
    ));
    conversation.streams().open_standalone(outlet);
    let keep_alive = gateway.config().streams.keep_alive;
    Ok(events(Some(first), parcels, keep_alive, hold))
}

/// A client that has no other stream and does not read this one can be told nothing any more.
async fn end_unread(hold: Hold, given_up: CancellationToken, conversation: Arc<Conversation>) {
    tokio::select! {
        () = given_up.cancelled() => hold.end(EndReason::Client),
        () = conversation.ended().cancelled() => hold.let_go(),
    }
}

/// Takes a message of a session.
pub(super) async fn take(
    gateway: &Arc<Gateway>,
    (at, principal): (&str, Principal),
    secret: &str,
    headers: &HeaderMap,
    request: Body,
) -> Result<Response, Refused> {
    let id = ConversationId::Sse(Arc::from(at), secret.to_owned());
    let conversation = gateway
        .registry
        .find(&id, principal)
        .ok_or_else(Refused::session_not_found)?;
    admit_message(headers)?;
    let request = body(gateway, request).await?;
    let messages: Vec<Message> = match conversation.read(request).await? {
        Incoming::Single(message) => vec![message],
        Incoming::Batch(messages) => messages,
    };
    if let [message] = &*messages
        && fall_back(&conversation, message).await
    {
        return Ok(taken());
    }
    for message in &messages {
        admit_in_session(&conversation, message)?;
    }
    let passed = Arc::new(passed(conversation.target(), headers));
    let (gateway, tasks) = (Arc::clone(gateway), gateway.tasks.clone());
    let work = async move {
        let mut is_over = false;
        for message in &messages {
            gateway.note_client(&conversation, message).await;
            let taken = conversation.take(message, Scope::SESSION, &passed, None);
            is_over = taken.await.err() == Some(NotTaken::Over);
        }
        is_over
    };
    // To its end: what was sent with what has been taken already is not left out.
    if Errand::new(&tasks, work).await {
        return Err(Refused::session_not_found());
    }
    Ok(taken())
}

fn taken() -> Response {
    (StatusCode::ACCEPTED, "Accepted").into_response()
}

/// Answers, on the stream of the session, a client that asks before the handshake whether this is
/// the era without sessions. It falls back on the same stream. Whether it was such a message.
async fn fall_back(conversation: &Conversation, message: &Message) -> bool {
    if !mirror::is_stateless(message, None) || conversation.revision().is_some() {
        return false;
    }
    let MessageKind::Request { id, method } = message.kind() else {
        // It can only be about such a request, which is answered.
        return true;
    };
    let answer = Bytes::from(unsupported(id, method, message));
    let stream = conversation.streams().any_or_wait(&answer, false);
    if let Some(stream) = stream {
        let answer = Parcel::Message(Outgoing::plain(answer));
        // A client that is gone has ended the session.
        stream.send(answer).await.ok();
    }
    true
}

/// The session that a URL names; `None` unless it names one.
pub(super) fn session_id(uri: &Uri) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    let mut named =
        form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "session_id");
    match (named.next(), named.next()) {
        (Some((_, secret)), None) => Some(secret.into_owned()),
        _ => None,
    }
}
