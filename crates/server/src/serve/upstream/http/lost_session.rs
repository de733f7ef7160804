//! What is done when the server has lost its session.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bytes::Bytes;
use portcullis_mcp::{EnvelopeLimits, Message, MessageKind, Method, Peer, Revision, view, write};
use portcullis_transport::http::endpoint::{Answer, EndpointError, EventStream};
use tokio::time::timeout;
use tracing::{debug, warn};

use super::{Era, HttpUpstream, StandaloneStream, with_session};
use crate::serve::conversation::Conversation;
use crate::serve::headers::{LAST_EVENT_ID, MCP_SESSION_ID};

impl HttpUpstream {
    /// Posts a message; in another session of the server's, if it has lost this one.
    pub(super) async fn post(
        &self,
        conversation: &Arc<Conversation>,
        bytes: Bytes,
        headers: &HeaderMap,
    ) -> Result<Answer, EndpointError> {
        let used = self.session();
        let in_session = with_session(conversation.revision(), headers, used.as_ref());
        let answer = self.endpoint.post(in_session, bytes.clone()).await?;
        let is_lost = used.is_some() && answer.head().status == StatusCode::NOT_FOUND;
        if !is_lost || !Box::pin(self.open_again(conversation, used.as_ref())).await {
            return Ok(answer);
        }
        let opened = self.session();
        let in_session = with_session(conversation.revision(), headers, opened.as_ref());
        Box::pin(self.endpoint.post(in_session, bytes)).await
    }

    /// Opens the stream for what belongs to no request, or goes on with another; in another session
    /// of the server's, if it has lost this one.
    pub(crate) async fn standalone(
        &self,
        conversation: &Arc<Conversation>,
        headers: &HeaderMap,
    ) -> Result<StandaloneStream, EndpointError> {
        let used = self.session();
        let stream = self.listen(conversation.revision(), headers).await?;
        let is_lost =
            used.is_some() && matches!(stream, StandaloneStream::Refused(StatusCode::NOT_FOUND));
        if !is_lost {
            return Ok(stream);
        }
        if !Box::pin(self.open_again(conversation, used.as_ref())).await {
            conversation.ended().cancel();
            return Ok(stream);
        }
        if headers.contains_key(LAST_EVENT_ID) {
            return Ok(StandaloneStream::Forgotten);
        }
        self.listen(conversation.revision(), headers).await
    }

    /// Opens another session in the name of the same client. The server forgot what was said in
    /// the first; the guardrails did not.
    pub(super) async fn open_again(
        &self,
        conversation: &Arc<Conversation>,
        lost: Option<&HeaderValue>,
    ) -> bool {
        let Era::Stateful(stateful) = &self.era else {
            return false;
        };
        let _one_at_a_time = stateful.opening.lock().await;
        // It is not lost if it has been given back.
        if conversation.ended().is_cancelled() {
            return false;
        }
        let handshake = self.handshake();
        if handshake.session_id.as_ref() != lost {
            return true;
        }
        let Some(initialize) = handshake.initialize else {
            return false;
        };
        let headers = handshake.headers;
        let opened = self
            .initialize_again(conversation, initialize, headers)
            .await;
        match &opened {
            Ok(()) if conversation.ended().is_cancelled() => {
                self.end(conversation.revision()).await;
                return false;
            }
            Ok(()) => {
                debug!("the server lost the session, another one was opened");
                conversation.note_resumption().await;
                self.listen_for_one_stream(conversation);
            }
            Err(error) => {
                warn!(error, "the server lost the session");
                conversation.ended().cancel();
            }
        }
        opened.is_ok()
    }

    async fn initialize_again(
        &self,
        conversation: &Arc<Conversation>,
        initialize: Bytes,
        headers: HeaderMap,
    ) -> Result<(), String> {
        let plain = |error: EndpointError| error.to_string();
        let answer = self
            .endpoint
            .post(headers.clone(), initialize.clone())
            .await
            .map_err(plain)?;
        let session_id = answer.head().headers.get(MCP_SESSION_ID).cloned();
        let asked = Message::parse(&initialize, &EnvelopeLimits::new(Peer::Client))
            .map_err(|error| error.to_string())?;
        let message = match answer {
            Answer::Json(_, body) => read_message(&body)?,
            Answer::Events(_, events) => timeout(self.silence_max, response(events, &asked))
                .await
                .map_err(|_| "no answer in time".to_owned())??,
            Answer::Other(head) => return Err(format!("HTTP {}", head.status)),
        };
        let result = message.result().ok_or("`initialize` was refused")?;
        let view = view::InitializeResult::read(result).map_err(|error| error.to_string())?;
        // From here on there is a session, which ends with the conversation if it is of no use.
        self.remember(|handshake| handshake.session_id = session_id);
        // With an id of the lost one it would go on with whatever event has that id now.
        self.given.forget();
        if Revision::parse(view.protocol_version) != conversation.revision() {
            return Err("the server speaks another revision now".to_owned());
        }
        let opened = self.session();
        let headers = with_session(conversation.revision(), &headers, opened.as_ref());
        let initialized = write::notification(Method::Initialized.as_str(), None);
        let answer = self.endpoint.post(headers, initialized.into()).await;
        let status = answer.map_err(plain)?.head().status;
        if status.is_success() {
            Ok(())
        } else {
            Err(format!("HTTP {status}"))
        }
    }
}

/// What answers a request on its stream. The client has heard the rest in the session before.
async fn response(mut events: Box<EventStream>, request: &Message) -> Result<Message, String> {
    while let Some(event) = events.next().await {
        let event = event.map_err(|error| error.to_string())?;
        let is_message = event.is_message();
        let data = event.data.filter(|data| is_message && !data.is_empty());
        let message = data.map(|data| read_message(&data)).transpose()?;
        if let Some(message) = message
            && matches!(message.kind(), MessageKind::Response { .. })
            && message.id() == request.id()
        {
            return Ok(message);
        }
    }
    Err("no answer".to_owned())
}

fn read_message(text: &[u8]) -> Result<Message, String> {
    Message::parse(text, &EnvelopeLimits::new(Peer::Server)).map_err(|error| error.to_string())
}
