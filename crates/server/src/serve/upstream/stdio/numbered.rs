//! Requests without a session (revision 2026-07-28) on the one pipe of a server.
//!
//! Their ids are distinct within one exchange only. So each has a number on the pipe, which stands for
//! its id and for the token of its progress.

mod queue;
mod requests;
#[cfg(test)]
mod tests;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portcullis_json::Object;
use portcullis_mcp::frame::LineError;
use portcullis_mcp::{Id, Malformed, Message, Method, error_code, write};
use portcullis_session::{DropReason, Scope, Source, Stream};
use portcullis_trace::record::Direction;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use self::queue::Listening;
use self::requests::{Heard, Request, Requests, Said};
use super::StdioUpstream;
use crate::serve::aside::read;
use crate::serve::conversation::{Carried, Conversation, Taken};
use crate::serve::errand::Errand;
use crate::serve::outlet::Outlet;
use crate::serve::upstream::{Call, Upstream, unsent};

/// LIMIT: how long the answer to a subscription may take that its server has ended.
const LAST_WORD_WAIT_MAX: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(in crate::serve::upstream) struct Numbered(Requests);

/// A request as its client knows it, and where its answer goes.
#[derive(Debug)]
struct Asked {
    scope: Scope,
    id: Id,
    outlet: Option<Outlet>,
}

/// How a request has ended.
#[derive(Debug)]
enum RequestEnd {
    Answered,
    /// The client does not wait any more.
    Abandoned,
    /// It does not wait any more, and the server has not seen the request.
    AbandonedUnsent,
    Failed(String),
}

// === impl Numbered ===

impl Numbered {
    /// Sends a request and passes on what is said about it, to its end. A client that leaves before
    /// has cancelled it.
    pub(in crate::serve::upstream) fn call(
        &self,
        conversation: &Arc<Conversation>,
        bytes: Bytes,
        call: &Call,
    ) -> Option<Errand<()>> {
        let asked = Asked {
            scope: call.scope,
            id: call.id.clone()?,
            outlet: call.outlet.clone(),
        };
        let (requests, scope) = (self.0.clone(), call.scope);
        let conversation = Arc::clone(conversation);
        let tasks = conversation.tasks().clone();
        Some(Errand::new(&tasks, async move {
            let limits = conversation.envelope(Direction::ToServer);
            let numbered = read(bytes, move |bytes| {
                let message = Message::parse_shared(bytes, &limits).ok()?;
                requests.number(&message, scope, &limits.json)
            });
            let (numbered, Upstream::Stdio(this)) = (numbered.await, conversation.upstream())
            else {
                return;
            };
            let Some((mut waiting, line)) = numbered else {
                let reason = unsent("it could not be read again");
                asked.fail(&conversation, &reason).await;
                return;
            };
            let listening = &mut waiting.listening;
            match this.exchange(&conversation, &line, &asked, listening).await {
                RequestEnd::Answered => {}
                RequestEnd::AbandonedUnsent => asked.abandon(&conversation).await,
                RequestEnd::Abandoned => {
                    asked.abandon(&conversation).await;
                    this.cancel(&conversation, &waiting.number()).await;
                }
                RequestEnd::Failed(reason) => asked.fail(&conversation, &reason).await,
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
            Heard::Of(request, said) => tell(conversation, &request, said).await,
            Heard::Request(id) => refuse(conversation, &id).await,
            Heard::Stray(reason) => note(conversation, reason).await,
            Heard::Late => debug!("the server said something of a request that is over"),
            Heard::Other => conversation.on_server_line(&line).await,
        }
    }

    /// Takes note that a line was lost. It was about the only request that waits, if there is one.
    pub(super) async fn lose(&self, conversation: &Arc<Conversation>, error: LineError) {
        if let LineError::TooLong { .. } = error
            && let Some(request) = self.0.close_only()
        {
            let reason = format!("the answer was lost: {error}");
            tell(conversation, &request, Said::Failed(reason)).await;
        }
    }

    /// The client of a request has been told that there will be no answer.
    pub(in crate::serve::upstream) fn give_up(&self, scope: Scope, id: &Id) {
        if let Some(request) = self.0.with_id(scope, id) {
            request.queue().give_up();
        }
    }

    /// Nothing can be said to the server any more, and so nothing is subscribed to.
    async fn end_subscriptions(&self, conversation: &Arc<Conversation>) {
        for request in self.0.subscriptions() {
            tell(conversation, &request, Said::End).await;
        }
    }
}

async fn tell(conversation: &Arc<Conversation>, request: &Request, said: Said) {
    request.queue().push(said, conversation.arriving()).await;
}

/// SPEC: MCP 2026-07-28: servers send no requests.
async fn refuse(conversation: &Arc<Conversation>, id: &Id) {
    let (code, text) = (error_code::METHOD_NOT_FOUND, "Method not found");
    let answer = write::error_response(Some(id), code, text, None);
    if let Upstream::Stdio(this) = conversation.upstream()
        && let Err(error) = this.send(&answer, conversation.ended()).await
    {
        debug!(%error, "a request of the server is not answered");
    }
    note(conversation, DropReason::ServerRequest).await;
}

async fn note(conversation: &Arc<Conversation>, reason: DropReason) {
    let direction = Direction::ToClient;
    let actions = conversation.session().await.on_stray(direction, reason);
    conversation.on_line(actions).await;
}

// === impl Asked ===

impl Asked {
    /// Passes on what the server says. Whether it has answered.
    async fn pass(&self, conversation: &Arc<Conversation>, text: String) -> bool {
        let source = self.source();
        let carried = Carried {
            outlet: self.outlet.clone(),
            ..Carried::default()
        };
        let taken = conversation.on_server(source.scope, source.stream, text.into(), carried);
        taken.await.ok() == Some(Taken::Answered)
    }

    async fn fail(&self, conversation: &Arc<Conversation>, reason: &str) {
        let outlet = self.outlet.clone();
        let failed = conversation.on_no_answer(self.scope, &self.id, reason, outlet);
        Box::pin(failed).await;
    }

    async fn fail_malformed(&self, conversation: &Arc<Conversation>, error: Malformed) {
        let error = Malformed {
            id: Some(self.id.clone()),
            ..error
        };
        let mut session = conversation.session().await;
        let actions = session.on_malformed(&self.source(), error);
        drop(session);
        conversation.on_line(actions).await;
    }

    async fn abandon(&self, conversation: &Conversation) {
        conversation.on_abandoned(self.scope, &self.id).await;
    }

    /// What answers it, or goes before its answer.
    fn source(&self) -> Source {
        Source {
            direction: Direction::ToClient,
            scope: self.scope,
            stream: Stream::Of(self.id.clone()),
        }
    }

    /// SPEC: MCP 2026-07-28, Cancellation: a client that closes its stream has cancelled.
    async fn abandoned(&self) {
        match &self.outlet {
            Some(outlet) => outlet.closed().await,
            None => pending().await,
        }
    }
}

// === impl StdioUpstream ===

impl StdioUpstream {
    async fn exchange(
        &self,
        conversation: &Arc<Conversation>,
        line: &str,
        asked: &Asked,
        listening: &mut Listening,
    ) -> RequestEnd {
        let sent = self.send_unless(line.as_bytes(), conversation.ended(), asked.abandoned());
        match sent.await {
            Ok(true) => {}
            Ok(false) => return RequestEnd::AbandonedUnsent,
            Err(error) => {
                if let Some(numbered) = self.numbered() {
                    numbered.end_subscriptions(conversation).await;
                }
                return RequestEnd::Failed(unsent(error));
            }
        }
        let mut last_word = None;
        loop {
            let overdue = async {
                match last_word {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            let queued = tokio::select! {
                biased;
                () = listening.given_up.cancelled() => return RequestEnd::Abandoned,
                queued = listening.said.recv() => queued,
                () = asked.abandoned() => return RequestEnd::Abandoned,
                () = overdue => {
                    return RequestEnd::Failed("the server ended the subscription".to_owned());
                }
                () = conversation.ended().cancelled() => {
                    return RequestEnd::Failed("the session has ended".to_owned());
                }
            };
            let Some(queued) = queued else {
                return RequestEnd::Abandoned;
            };
            match queued.said {
                // What a client does not read is passed on without us, as far as it goes.
                Said::News(text) => tokio::select! {
                    biased;
                    () = listening.given_up.cancelled() => return RequestEnd::Abandoned,
                    _ = asked.pass(conversation, text) => {}
                },
                Said::Answer(text) => {
                    return if asked.pass(conversation, text).await {
                        RequestEnd::Answered
                    } else {
                        RequestEnd::Failed("what the server answered is no answer".to_owned())
                    };
                }
                Said::Broken(error) => {
                    asked.fail_malformed(conversation, error).await;
                    return RequestEnd::Answered;
                }
                Said::Failed(reason) => return RequestEnd::Failed(reason),
                Said::End => {
                    last_word.get_or_insert_with(|| Instant::now() + LAST_WORD_WAIT_MAX);
                }
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
