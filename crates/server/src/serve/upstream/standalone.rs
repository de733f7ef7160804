//! Streams of a Streamable HTTP server that answer no request.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use portcullis_session::{Scope, Source, Stream};
use portcullis_trace::record::Direction;
use portcullis_transport::http::endpoint::EventStream;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::{HttpUpstream, StandaloneStream};
use crate::serve::conversation::{Carried, Conversation};
use crate::serve::headers::{LAST_EVENT_ID, value};
use crate::serve::outlet::{ClientGone, Outlet, Parcel, Position};

/// How long to wait before a stream is opened again, if the server does not say.
const RETRY_DEFAULT: Duration = Duration::from_secs(1);
const RETRY_MILLIS_MIN: u64 = 250;
/// LIMIT: what a client may be told, a day.
const RETRY_MILLIS_TOLD_MAX: u64 = 24 * 60 * 60 * 1000;
const RETRY_MIN: Duration = Duration::from_millis(RETRY_MILLIS_MIN);
const RETRY_MAX: Duration = Duration::from_mins(1);

/// Passes a stream on that belongs to no request, until either side ends it.
pub(crate) async fn pass_standalone(
    conversation: &Arc<Conversation>,
    mut events: Box<EventStream>,
    brings: Stream,
    outlet: Option<&Outlet>,
) -> Position {
    let mut last = Position::default();
    let ended = conversation.ended().clone();
    let upstream = conversation.upstream().http().filter(|_| outlet.is_some());
    let _counted = upstream.map(|upstream| upstream.listeners.one_more());
    loop {
        let client_gone = async {
            match outlet {
                Some(outlet) => outlet.closed().await,
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            event = events.next() => event,
            () = ended.cancelled() => return last,
            () = client_gone => return last,
        };
        let event = match event {
            None => return last,
            Some(Ok(event)) => event,
            Some(Err(error)) if error.ends_stream() => return last,
            Some(Err(error)) => {
                warn!(%error, "event of the server lost");
                let source = Source {
                    stream: brings.clone(),
                    ..Source::whole(Direction::ToClient)
                };
                let mut session = conversation.session().await;
                let actions = session.on_lost_event(&source, &error);
                drop(session);
                conversation.on_line(actions).await;
                continue;
            }
        };
        let is_message = event.is_message();
        let position = Position {
            id: event.id,
            retry: told_retry(event.retry),
        };
        if let Some(upstream) = upstream {
            upstream.note_given(&position);
        }
        last.note(&position);
        let carried = Carried {
            outlet: outlet.cloned(),
            position,
            ..Carried::default()
        };
        let passed = match event.data.filter(|data| !data.is_empty()) {
            Some(data) if is_message => conversation
                .on_server(Scope::SESSION, brings.clone(), data.into(), carried)
                .await
                .map(|_| ()),
            _ => pass_position(&carried).await,
        };
        if passed.is_err() {
            return last;
        }
    }
}

pub(super) fn start_listening(conversation: &Arc<Conversation>) {
    conversation.tasks().spawn(listen(Arc::clone(conversation)));
}

/// Listens to what belongs to no request for a client that has one stream for everything.
async fn listen(conversation: Arc<Conversation>) {
    if let Some(upstream) = conversation.upstream().http() {
        listen_until_refused(&conversation, upstream).await;
        upstream.end_listening();
    }
}

async fn listen_until_refused(conversation: &Arc<Conversation>, upstream: &HttpUpstream) {
    let mut last = Position::default();
    let mut session = upstream.session_id();
    let mut has_worked = false;
    loop {
        let now = upstream.session_id();
        if now != session {
            // It knows nothing of what the one before has sent.
            last = Position::default();
            session = now;
        }
        let headers = from(upstream.passed_headers(), &last);
        let stream = if has_worked {
            upstream.standalone(conversation, &headers).await
        } else {
            // Who has just given the session has not lost it.
            upstream.listen(conversation.revision(), &headers).await
        };
        match stream {
            Ok(StandaloneStream::Events(events)) => {
                has_worked = true;
                let brings = asked_for(&headers);
                let position = pass_standalone(conversation, events, brings, None).await;
                last.note(&position);
            }
            // Not at once: a server may forget again and again.
            Ok(StandaloneStream::Forgotten) => last = Position::default(),
            Ok(StandaloneStream::Refused(status)) => {
                debug!(%status, "the server offers no stream of its own");
                return;
            }
            Err(error) if has_worked => debug!(%error, "the server's stream is not there"),
            Err(error) => {
                warn!(%error, "the server's stream could not be opened");
                return;
            }
        }
        tokio::select! {
            () = sleep(retry(&last)) => {}
            () = conversation.ended().cancelled() => return,
        }
    }
}

/// What a stream brings that was asked for like this: one that is gone on with may answer a request.
pub(crate) fn asked_for(headers: &HeaderMap) -> Stream {
    if headers.contains_key(LAST_EVENT_ID) {
        Stream::Any
    } else {
        Stream::OfNone
    }
}

/// How long the server wants to be left alone.
pub(super) fn retry(position: &Position) -> Duration {
    let wanted = position.retry.map_or(RETRY_DEFAULT, Duration::from_millis);
    wanted.clamp(RETRY_MIN, RETRY_MAX)
}

/// What a client is told of it, in milliseconds: to wait no less than the gateway does, and not so
/// long that its timer overflows and does not wait at all.
pub(super) fn told_retry(wanted: Option<u64>) -> Option<u64> {
    wanted.map(|wanted| wanted.clamp(RETRY_MILLIS_MIN, RETRY_MILLIS_TOLD_MAX))
}

/// What asks for a stream from this position on.
pub(super) fn from(mut headers: HeaderMap, position: &Position) -> HeaderMap {
    if let Some(id) = &position.id
        && let Some(value) = value(id)
    {
        headers.insert(LAST_EVENT_ID, value);
    }
    headers
}

pub(super) async fn pass_position(carried: &Carried) -> Result<(), ClientGone> {
    let has_news = carried.position.id.is_some() || carried.position.retry.is_some();
    match &carried.outlet {
        Some(outlet) if has_news => {
            outlet
                .send(Parcel::Position(carried.position.clone()))
                .await
        }
        _ => Ok(()),
    }
}
