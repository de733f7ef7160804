//! How the messages of a conversation get their judgement.

use std::future::pending;
use std::sync::Arc;

use bytes::Bytes;
use portcullis_mcp::{Incoming, Message};
use portcullis_session::{Action, Outcome, Source};
use portcullis_trace::record::Direction;

use super::aside::{aside, is_long};
use super::conversation::Conversation;
use super::outlet::Outlet;
use crate::relay::now;
use crate::turns::Turn;

impl Conversation {
    /// Has a message of the client's judged, after what came before it.
    pub(super) async fn judge(
        self: &Arc<Self>,
        source: &Source,
        message: &Message,
        outlet: Option<&Outlet>,
    ) -> Vec<Action> {
        match self.turns().next().await {
            Ok(turn) => {
                let _timed = self.meter().judging.time();
                let outcome = if is_long(message.raw()) {
                    let (this, source) = (Arc::clone(self), source.clone());
                    let message = message.clone();
                    aside(move || this.session().on_message(&source, &message, now())).await
                } else {
                    self.session().on_message(source, message, now())
                };
                self.settle(&turn, outcome, outlet).await
            }
            Err(error) => {
                let reason = error.to_string();
                self.session().on_unjudged(source, message.raw(), &reason)
            }
        }
    }

    /// Has judged what a stream of the server's brought. Its sender waits meanwhile, so that at most
    /// one message of each stream is here.
    pub(super) async fn judge_answer(
        self: &Arc<Self>,
        source: &Source,
        bytes: Bytes,
    ) -> Vec<Action> {
        match self.turns().next().await {
            Ok(turn) => {
                let _timed = self.meter().judging.time();
                let outcome = if is_long(&bytes) {
                    let (this, source) = (Arc::clone(self), source.clone());
                    aside(move || this.outcome_of(&source, &bytes)).await
                } else {
                    self.outcome_of(source, &bytes)
                };
                self.settle(&turn, outcome, None).await
            }
            Err(error) => {
                let reason = error.to_string();
                self.session().on_unjudged(source, &bytes, &reason)
            }
        }
    }

    fn outcome_of(&self, source: &Source, answer: &[u8]) -> Outcome {
        let mut session = self.session();
        match Incoming::parse(answer, session.envelope(Direction::ToClient)) {
            Ok(incoming) => session.on_incoming(source, &incoming, now()),
            Err(error) => session.on_malformed(source, error).into(),
        }
    }

    /// Takes a line of a server whose messages come on one stream.
    pub(crate) async fn on_server_line(self: &Arc<Self>, line: &[u8]) {
        let direction = Direction::ToClient;
        let actions = match self.turns().next().await {
            Ok(turn) => {
                let _timed = self.meter().judging.time();
                let outcome = if is_long(line) {
                    let (this, line) = (Arc::clone(self), line.to_vec());
                    aside(move || this.session().on_line(direction, &line, now())).await
                } else {
                    self.session().on_line(direction, line, now())
                };
                self.settle(&turn, outcome, None).await
            }
            Err(error) => {
                let (source, reason) = (Source::whole(direction), error.to_string());
                self.session().on_unjudged(&source, line, &reason)
            }
        };
        self.on_line(actions).await;
    }

    async fn settle(
        &self,
        turn: &Turn<'_>,
        outcome: Outcome,
        outlet: Option<&Outlet>,
    ) -> Vec<Action> {
        let go_on = |inquiry| self.session().on_answers(inquiry);
        turn.settle(outcome, go_on, self.detectors(), self.given_up(outlet))
            .await
    }

    /// Why nobody waits any more for what becomes of a message.
    async fn given_up(&self, outlet: Option<&Outlet>) -> &'static str {
        // SPEC: MCP 2026-07-28, Cancellation: a client that closes its stream has cancelled.
        let closed = async {
            match outlet {
                Some(outlet) if self.upstream().is_stateless() => outlet.closed().await,
                _ => pending().await,
            }
        };
        tokio::select! {
            () = self.ended().cancelled() => "the session ended first",
            () = closed => "the client gave up first",
        }
    }
}
