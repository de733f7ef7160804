//! A server that speaks HTTP+SSE, the transport of revision 2024-11-05.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use portcullis_session::Stream;
use portcullis_transport::http::endpoint::{Answer, Endpoint, EndpointError, EventStream};
use tokio::time::timeout;
use url::Url;

use super::{TellError, pass_standalone};
use crate::serve::conversation::Conversation;

/// LIMIT: how long the server may take to say where messages go.
const ENDPOINT_WAIT_MAX: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct SseUpstream {
    /// Where messages go.
    messages: Endpoint,
}

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub enum SseError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("it answered HTTP {0} instead of a stream of events")]
    NoStream(StatusCode),
    #[error("its stream does not begin with an `endpoint` event")]
    NoEndpoint,
    #[error("it wants messages sent to another origin")]
    OtherOrigin,
}

// === impl SseUpstream ===

impl SseUpstream {
    /// Opens the stream, and learns from it where messages go.
    pub(crate) async fn connect(
        endpoint: &Endpoint,
        headers: HeaderMap,
    ) -> Result<(Self, Box<EventStream>), SseError> {
        let mut events = match endpoint.get(headers).await? {
            Answer::Events(_, events) => events,
            Answer::Json(head, _) | Answer::Other(head) => {
                return Err(SseError::NoStream(head.status));
            }
        };
        let url = timeout(
            ENDPOINT_WAIT_MAX,
            endpoint_event(endpoint.url(), &mut events),
        )
        .await
        .map_err(|_| SseError::NoEndpoint)??;
        Ok((
            Self {
                messages: endpoint.at(url),
            },
            events,
        ))
    }

    pub(super) async fn send(&self, bytes: Bytes, headers: &HeaderMap) -> Result<(), TellError> {
        let answer = self.messages.post(headers.clone(), bytes).await?;
        let status = answer.head().status;
        if status.is_success() {
            Ok(())
        } else {
            Err(TellError::Status(status))
        }
    }
}

/// The stream is the session: its end is the server's.
pub(crate) async fn read_stream(conversation: Arc<Conversation>, events: Box<EventStream>) {
    pass_standalone(&conversation, events, Stream::Any, None).await;
    if !conversation.ended().is_cancelled() {
        conversation.on_server_end().await;
    }
}

async fn endpoint_event(stream: &Url, events: &mut EventStream) -> Result<Url, SseError> {
    loop {
        let event = events.next().await.ok_or(SseError::NoEndpoint)??;
        if event.event.as_deref() != Some("endpoint") {
            continue;
        }
        let data = event.data.unwrap_or_default();
        let written = str::from_utf8(&data).map_err(|_| SseError::NoEndpoint)?;
        let url = stream
            .join(written.trim())
            .map_err(|_| SseError::NoEndpoint)?;
        // Anywhere else, the credentials would go to whom the server names.
        return if url.origin() == stream.origin() {
            Ok(url)
        } else {
            Err(SseError::OtherOrigin)
        };
    }
}
