//! What is done when the server has lost its session.

use std::sync::Arc;

use axum::http::HeaderMap;
use bytes::Bytes;
use portcullis_mcp::{EnvelopeLimits, Message, Method, Peer, Revision, view, write};
use portcullis_transport::http::endpoint::{Answer, EndpointError};
use tokio::time::timeout;
use tracing::{debug, warn};

use super::{Era, Handshake, HttpUpstream};
use crate::serve::conversation::Conversation;
use crate::serve::headers::MCP_SESSION_ID;

impl HttpUpstream {
    /// Opens another session in the name of the same client. The server forgot what was said in
    /// the first; the guardrails did not.
    pub(super) async fn open_again(
        &self,
        conversation: &Arc<Conversation>,
        lost: &Handshake,
    ) -> bool {
        let Era::Stateful(stateful) = &self.era else {
            return false;
        };
        let _one_at_a_time = stateful.opening.lock().await;
        if self.handshake().session_id != lost.session_id {
            return true;
        }
        let Some(initialize) = lost.initialize.clone() else {
            return false;
        };
        let headers = lost.headers.clone();
        let opened = self
            .initialize_again(conversation, initialize, headers)
            .await;
        match &opened {
            Ok(()) => {
                debug!("the server lost the session, another one was opened");
                conversation.note_resumption().await;
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
            .post(headers.clone(), initialize)
            .await
            .map_err(plain)?;
        let session_id = answer.head().headers.get(MCP_SESSION_ID).cloned();
        let body = match answer {
            Answer::Json(_, body) => body.to_vec(),
            Answer::Events(_, mut events) => {
                let first = timeout(self.silence_max, async {
                    loop {
                        match events.next().await {
                            Some(Ok(event)) => {
                                if let Some(data) = event.data.filter(|data| !data.is_empty()) {
                                    return Ok(data);
                                }
                            }
                            Some(Err(error)) => return Err(error.to_string()),
                            None => return Err("no answer".to_owned()),
                        }
                    }
                });
                first.await.map_err(|_| "no answer in time".to_owned())??
            }
            Answer::Other(head) => return Err(format!("HTTP {}", head.status)),
        };
        let message = Message::parse(&body, &EnvelopeLimits::new(Peer::Server))
            .map_err(|error| error.to_string())?;
        let result = message.result().ok_or("`initialize` was refused")?;
        let view = view::InitializeResult::read(result).map_err(|error| error.to_string())?;
        if Revision::parse(view.protocol_version) != conversation.revision() {
            return Err("the server speaks another revision now".to_owned());
        }
        self.remember(|handshake| handshake.session_id = session_id);
        let headers = Self::with_session(
            conversation.revision(),
            &HeaderMap::new(),
            &self.handshake(),
        );
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
