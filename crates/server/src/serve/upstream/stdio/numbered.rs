//! Requests without a session (revision 2026-07-28) on the one pipe of a server.
//!
//! Their ids are distinct within one exchange only. So each has a number on the pipe, which stands for
//! its id and for the token of its progress.

mod requests;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portcullis_json::Object;
use portcullis_mcp::frame::LineError;
use portcullis_mcp::{Id, Malformed, Message, Method, write};
use portcullis_session::{Action, Session};
use portcullis_trace::record::Direction;
use tokio::time::sleep;
use tracing::debug;

use self::requests::{Heard, Request, Requests};
use super::StdioUpstream;
use crate::serve::aside::read;
use crate::serve::conversation::{Carried, Conversation, Taken};
use crate::serve::errand::Errand;
use crate::serve::upstream::{Call, Upstream, unsent};

/// LIMIT: how long the answer to a subscription may take that its server has ended.
const LAST_WORD_WAIT_MAX: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(in crate::serve::upstream) struct Numbered(Requests);

/// How a request has ended.
#[derive(Debug)]
enum RequestEnd {
    Answered,
    ClientGone,
    Failed(String),
}

// === impl Numbered ===

impl Numbered {
    /// Sends a request and waits for its end. A client that leaves before has cancelled it.
    pub(in crate::serve::upstream) fn call(
        &self,
        conversation: &Arc<Conversation>,
        bytes: Bytes,
        call: &Call,
    ) -> Option<Errand<()>> {
        let (scope, id, outlet) = (call.scope, call.id.clone()?, call.outlet.clone());
        let requests = self.0.clone();
        let conversation = Arc::clone(conversation);
        let tasks = conversation.tasks().clone();
        Some(Errand::new(&tasks, async move {
            let limits = conversation.envelope(Direction::ToServer);
            let own = outlet.clone();
            let numbered = read(bytes, move |bytes| {
                let message = Message::parse(bytes, &limits).ok()?;
                requests.number(&message, scope, own, &limits.json)
            });
            let (numbered, Upstream::Stdio(this)) = (numbered.await, conversation.upstream())
            else {
                return;
            };
            let end = match &numbered {
                Some((waiting, line)) => this.exchange(&conversation, line, &waiting.request).await,
                None => RequestEnd::Failed(unsent("it could not be read again")),
            };
            match end {
                RequestEnd::Answered => {}
                RequestEnd::ClientGone => {
                    conversation.on_abandoned(scope, &id).await;
                    if let Some((waiting, _)) = &numbered {
                        this.cancel(&conversation, &waiting.number()).await;
                    }
                }
                RequestEnd::Failed(reason) => {
                    Box::pin(conversation.on_no_answer(scope, &id, &reason, outlet)).await;
                }
            }
        }))
    }

    /// Takes a line of the server's.
    pub(super) async fn take(&self, conversation: &Arc<Conversation>, line: Vec<u8>) {
        let line = Bytes::from(line);
        let limits = conversation.envelope(Direction::ToClient);
        let requests = self.0.clone();
        let heard = read(line.clone(), move |line| requests.hear(line, &limits)).await;
        match heard {
            Heard::News(request, text) => {
                pass(conversation, &request, text).await;
            }
            Heard::Answer(request, text) => {
                if pass(conversation, &request, text).await != Some(Taken::Answered) {
                    let reason = "what the server answered is no answer";
                    let (scope, outlet) = (request.scope, request.outlet.clone());
                    Box::pin(conversation.on_no_answer(scope, &request.id, reason, outlet)).await;
                }
            }
            Heard::Broken(request, error) => {
                let error = Malformed {
                    id: Some(request.id.clone()),
                    ..error
                };
                let mut session = conversation.session().await;
                let actions = session.on_malformed(&request.source(), error);
                drop(session);
                conversation.on_line(actions).await;
            }
            Heard::End(request) => request.ended.cancel(),
            Heard::Nothing => {}
            Heard::Other => conversation.on_server_line(&line).await,
        }
    }

    /// A line that was too long is about the only request that waits, if there is only one.
    pub(super) fn on_lost_line(&self, session: &mut Session, error: LineError) -> Vec<Action> {
        let concerned = self.0.only();
        let lost = concerned.map(|request| session.on_lost_event(&request.source(), &error));
        lost.unwrap_or_default()
    }
}

async fn pass(conversation: &Arc<Conversation>, request: &Request, text: String) -> Option<Taken> {
    let source = request.source();
    let carried = Carried {
        outlet: request.outlet.clone(),
        ..Carried::default()
    };
    let taken = conversation.on_server(source.scope, source.stream, text.into(), carried);
    taken.await.ok()
}

// === impl StdioUpstream ===

impl StdioUpstream {
    async fn exchange(
        &self,
        conversation: &Arc<Conversation>,
        line: &str,
        request: &Request,
    ) -> RequestEnd {
        if let Err(error) = self.send(line.as_bytes(), conversation.ended()).await {
            return RequestEnd::Failed(unsent(error));
        }
        // SPEC: MCP 2026-07-28, Cancellation: a client that closes its stream has cancelled.
        let abandoned = async {
            match &request.outlet {
                Some(outlet) => outlet.closed().await,
                None => pending().await,
            }
        };
        let ended = async {
            request.ended.cancelled().await;
            sleep(LAST_WORD_WAIT_MAX).await;
        };
        tokio::select! {
            biased;
            () = request.answered.cancelled() => RequestEnd::Answered,
            () = abandoned => RequestEnd::ClientGone,
            () = ended => RequestEnd::Failed("the server ended the subscription".to_owned()),
            () = conversation.ended().cancelled() => {
                RequestEnd::Failed("the session has ended".to_owned())
            }
        }
    }

    async fn cancel(&self, conversation: &Conversation, number: &Id) {
        let mut params = Object::new();
        params.insert("requestId", number);
        let line = write::notification(Method::Cancelled.as_str(), Some(&params.into()));
        if let Err(error) = self.send(&line, conversation.ended()).await {
            debug!(%error, "the server was not told of a cancel");
        }
    }
}
