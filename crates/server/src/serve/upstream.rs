//! The ways to a server.

mod http;
mod sse;
mod standalone;
mod stdio;

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use bytes::Bytes;
use portcullis_mcp::{Id, Method};
use portcullis_session::Scope;
use portcullis_transport::child::was_not_started;
use portcullis_transport::http::endpoint::EndpointError;
use tracing::{debug, warn};

use super::conversation::Conversation;
use super::errand::Errand;
use super::outlet::Outlet;

pub(crate) use http::{HttpUpstream, StandaloneStream};
pub(crate) use sse::{SseError, SseUpstream, read_stream};
pub(crate) use standalone::{asked_for, pass_standalone};
pub(crate) use stdio::{StdioUpstream, read_all};

/// How a server is spoken to.
#[derive(Debug)]
pub(crate) enum Upstream {
    /// Streamable HTTP, with or without sessions.
    Http(HttpUpstream),
    /// HTTP+SSE of revision 2024-11-05.
    Sse(SseUpstream),
    Stdio(StdioUpstream),
}

/// A message of the client's on its way to the server.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) scope: Scope,
    /// Of a request.
    pub(crate) id: Option<Id>,
    pub(crate) method: Option<Method>,
    /// Of the client's, that are passed on.
    pub(crate) headers: Arc<HeaderMap>,
    /// Names the trace that it is part of, outside of the gateway.
    pub(crate) trace: Option<String>,
    /// Where the answer goes, if it has a stream of its own.
    pub(crate) outlet: Option<Outlet>,
}

/// Why a message did not reach the server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TellError {
    #[error("the server cannot be written to: {0}")]
    Io(#[from] io::Error),
    #[error("the server did not accept it: {0}")]
    Endpoint(#[from] EndpointError),
    #[error("the server answered HTTP {0}")]
    Status(axum::http::StatusCode),
    #[error("the server does not read its input")]
    Unread,
    #[error("the session has ended")]
    Ended,
}

/// Why a request will not be answered: the server has not seen it.
fn unsent(error: impl Display) -> String {
    format!("the request could not be passed on: {error}")
}

/// Why a request will not be answered any more.
pub(crate) fn silent(silence: Duration) -> String {
    format!("the server said nothing for {} seconds", silence.as_secs())
}

/// Why a request of the server's will not be answered any more.
pub(crate) fn client_silent(silence: Duration) -> String {
    format!("the client said nothing for {} seconds", silence.as_secs())
}

// === impl Upstream ===

impl Upstream {
    /// Whether the server keeps no sessions (revision 2026-07-28).
    pub(crate) fn is_stateless(&self) -> bool {
        match self {
            Self::Http(http) => http.is_stateless(),
            Self::Stdio(stdio) => stdio.is_stateless(),
            Self::Sse(_) => false,
        }
    }

    /// Whether no message reaches the server any more.
    pub(crate) fn takes_nothing(&self) -> bool {
        match self {
            Self::Http(_) | Self::Sse(_) => false,
            Self::Stdio(stdio) => stdio.takes_nothing(),
        }
    }

    /// Sends a request, or says how it goes to the server and its answer comes back. That there
    /// will be no answer, the conversation is told.
    pub(crate) async fn call(
        &self,
        conversation: &Arc<Conversation>,
        bytes: Bytes,
        call: &Call,
    ) -> Option<Errand<()>> {
        let sent = match self {
            Self::Http(http) => return http.call(conversation, bytes, call),
            Self::Sse(sse) => Box::pin(sse.send(bytes, &call.headers)).await,
            Self::Stdio(stdio) => match stdio.numbered() {
                Some(numbered) => return numbered.call(conversation, bytes, call),
                None => stdio.send(&bytes, conversation.ended()).await,
            },
        };
        if let (Err(error), Some(id)) = (sent, &call.id) {
            Box::pin(conversation.on_no_answer(call.scope, id, &unsent(error), None)).await;
        }
        None
    }

    /// Whether a request that the client cancels is over with that: no server is told with a
    /// message what the end of its stream tells.
    pub(crate) fn cancel(&self, scope: Scope, id: &Id) -> bool {
        match self {
            Self::Http(http) => http.cancel(scope, id),
            Self::Sse(_) | Self::Stdio(_) => false,
        }
    }

    /// The client of a request has been told that there will be no answer to it.
    pub(crate) fn give_up(&self, scope: Scope, id: &Id) {
        if let Some(numbered) = self.numbered() {
            numbered.give_up(scope, id);
        }
    }

    /// Sends what has no answer.
    pub(crate) async fn tell(
        &self,
        conversation: &Arc<Conversation>,
        bytes: Bytes,
        method: Option<&Method>,
        headers: &HeaderMap,
    ) -> Result<(), TellError> {
        match self {
            Self::Http(http) => http.tell(conversation, bytes, method, headers).await,
            Self::Sse(sse) => sse.send(bytes, headers).await,
            Self::Stdio(stdio) => stdio.send(&bytes, conversation.ended()).await,
        }
    }

    /// Tells the server that the session is over. Bounded in time.
    pub(crate) async fn end(&self, conversation: &Conversation) {
        match self {
            Self::Http(http) => http.end(conversation.revision()).await,
            // The stream's task sees that the conversation has ended, and closes it.
            Self::Sse(_) => {}
            Self::Stdio(stdio) => {
                let (session, server) = (conversation.id(), &*conversation.target().name);
                match stdio.end().await {
                    Ok(end) if was_not_started(end.status) => {
                        warn!(%session, server, "server not started");
                    }
                    Ok(end) if end.is_news() => {
                        warn!(%session, server, status = %end.status, "server ended");
                    }
                    Ok(end) => debug!(%session, server, status = %end.status, "server ended"),
                    Err(error) => warn!(%session, server, %error, "server not ended"),
                }
            }
        }
    }
}
