//! The stream of a session for what belongs to no request.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;

use super::{method_not_allowed, passed};
use crate::serve::answer::{Refused, events};
use crate::serve::conversation::Conversation;
use crate::serve::gateway::{Gateway, Target};
use crate::serve::headers::{LAST_EVENT_ID, single, value};
use crate::serve::outlet::{Outgoing, Outlet, Parcel, Parcels};
use crate::serve::replay::Found;
use crate::serve::upstream::{StandaloneStream, asked_for, pass_standalone};

/// The stream for what belongs to no request, or the rest of another.
pub(super) async fn standalone(
    gateway: &Arc<Gateway>,
    target: &Target,
    headers: &HeaderMap,
    conversation: Arc<Conversation>,
) -> Result<Response, Refused> {
    let keep_alive = gateway.config().streams.keep_alive;
    let last_event = single(headers, &LAST_EVENT_ID)?;
    if let Some(last) = last_event
        && let Some(parcels) = rest(&conversation, last)?
    {
        return Ok(events(Some(Parcel::Begin), parcels, keep_alive, ()));
    }
    let Some(upstream) = conversation.upstream().http() else {
        return match last_event {
            Some(_) => Err(no_such_event()),
            None => own_standalone(&conversation, keep_alive),
        };
    };
    let mut passed = passed(target, headers);
    if let Some(last) = last_event {
        if upstream.never_gave(last) {
            return Err(no_such_event());
        }
        passed.extend(value(last).map(|last| (LAST_EVENT_ID, last)));
    }
    let stream = upstream
        .standalone(&conversation, &passed)
        .await
        .map_err(|error| Refused::bad_gateway(None, format!("the server failed: {error}")))?;
    match stream {
        StandaloneStream::Events(stream) => {
            let (outlet, parcels) = Outlet::new();
            let brings = asked_for(&passed);
            let waiting = conversation.streams().open_passed(&outlet);
            send_all(&conversation, outlet.clone(), waiting);
            let tasks = conversation.tasks().clone();
            tasks.spawn(async move {
                pass_standalone(&conversation, stream, brings, Some(&outlet)).await;
            });
            Ok(events(Some(Parcel::Begin), parcels, keep_alive, ()))
        }
        StandaloneStream::Forgotten => Err(no_such_event()),
        StandaloneStream::Refused(StatusCode::NOT_FOUND) if conversation.ended().is_cancelled() => {
            Err(Refused::session_not_found())
        }
        // A server that is there and does not know this URL, or this method.
        StandaloneStream::Refused(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) => {
            Ok(method_not_allowed("POST"))
        }
        StandaloneStream::Refused(status) if status.is_client_error() => Err(Refused::new(
            status,
            format!("the server answered HTTP {status}"),
        )),
        StandaloneStream::Refused(status) => Err(Refused::bad_gateway(
            None,
            format!("the server answered HTTP {status}"),
        )),
    }
}

/// What comes after an event of ours; `None` if it is none.
fn rest(conversation: &Arc<Conversation>, last_event: &str) -> Result<Option<Parcels>, Refused> {
    match conversation.replay().find(last_event) {
        Found::Foreign => Ok(None),
        Found::Lost => Err(Refused::bad_request(
            "what came after Last-Event-ID is not kept any more",
        )),
        Found::Rest(stream, parcels) => {
            let reopened = conversation.streams().reopen_standalone(stream);
            if let Some((outlet, waiting)) = reopened {
                send_all(conversation, outlet, waiting);
            }
            Ok(Some(parcels))
        }
    }
}

fn no_such_event() -> Refused {
    Refused::bad_request("Last-Event-ID is that of no event of this session")
}

/// For a server that has one stream for everything.
fn own_standalone(
    conversation: &Arc<Conversation>,
    keep_alive: Duration,
) -> Result<Response, Refused> {
    let (outlet, parcels) = conversation.outlet();
    let waiting = {
        let mut streams = conversation.streams();
        if streams.has_standalone() {
            return Err(Refused::new(
                StatusCode::CONFLICT,
                "the session has such a stream already",
            ));
        }
        outlet.begin();
        streams.open_standalone(outlet.clone())
    };
    send_all(conversation, outlet, waiting);
    Ok(events(Some(Parcel::Begin), parcels, keep_alive, ()))
}

/// Sends what has waited for its stream.
fn send_all(conversation: &Arc<Conversation>, outlet: Outlet, waiting: Vec<Bytes>) {
    if waiting.is_empty() {
        return;
    }
    conversation.tasks().spawn(async move {
        for bytes in waiting {
            let message = Parcel::Message(Outgoing::plain(bytes));
            if outlet.send(message).await.is_err() {
                return;
            }
        }
    });
}
