//! How the messages of a conversation get their judgement.

#[cfg(test)]
pub(super) mod tests;

use std::future::pending;
use std::sync::Arc;

use bytes::Bytes;
use portcullis_mcp::{Incoming, Message};
use portcullis_session::{Action, Inquiry, Outcome, Session, Source};
use portcullis_trace::record::Direction;

use super::aside::{aside, is_long};
use super::conversation::Conversation;
use super::outlet::Outlet;
use crate::clock::now;
use crate::turns::{NoTurn, Turn};

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
                    aside(move || this.session_aside().on_message(&source, &message, now())).await
                } else {
                    self.session().await.on_message(source, message, now())
                };
                self.settle(&turn, outcome, outlet).await
            }
            Err(error) => Box::pin(self.leave_unjudged(source, message.line(), error)).await,
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
                    aside(move || outcome_of(&mut this.session_aside(), &source, &bytes)).await
                } else {
                    outcome_of(&mut *self.session().await, source, &bytes)
                };
                self.settle(&turn, outcome, None).await
            }
            Err(error) => Box::pin(self.leave_unjudged(source, bytes, error)).await,
        }
    }

    /// Takes a line of a server whose messages come on one stream.
    pub(crate) async fn on_server_line(self: &Arc<Self>, line: &[u8]) {
        let _arriving = self.arriving();
        let direction = Direction::ToClient;
        let actions = match self.turns().next().await {
            Ok(turn) => {
                let _timed = self.meter().judging.time();
                let outcome = if is_long(line) {
                    let (this, line) = (Arc::clone(self), line.to_vec());
                    aside(move || this.session_aside().on_line(direction, &line, now())).await
                } else {
                    self.session().await.on_line(direction, line, now())
                };
                self.settle(&turn, outcome, None).await
            }
            Err(error) => {
                let (source, line) = (Source::whole(direction), Bytes::copy_from_slice(line));
                Box::pin(self.leave_unjudged(&source, line, error)).await
            }
        };
        self.on_line(actions).await;
    }

    /// Answers for a message whose turn does not come.
    async fn leave_unjudged(
        self: &Arc<Self>,
        source: &Source,
        message: Bytes,
        error: NoTurn,
    ) -> Vec<Action> {
        let reason = error.to_string();
        if is_long(&message) {
            let (this, source) = (Arc::clone(self), source.clone());
            aside(move || this.session_aside().on_unjudged(&source, &message, &reason)).await
        } else {
            self.session().await.on_unjudged(source, &message, &reason)
        }
    }

    async fn settle(
        self: &Arc<Self>,
        turn: &Turn<'_>,
        outcome: Outcome,
        outlet: Option<&Outlet>,
    ) -> Vec<Action> {
        if outcome.inquiry.is_none() {
            return outcome.actions;
        }
        // Seldom, and not to be a part of the future of every message.
        Box::pin(async {
            let go_on = |inquiry| Arc::clone(self).go_on(inquiry);
            let given_up = self.given_up(outlet);
            turn.settle(outcome, go_on, self.detectors(), given_up)
                .await
        })
        .await
    }

    /// Goes on with messages whose questions have been answered.
    async fn go_on(self: Arc<Self>, inquiry: Inquiry) -> Outcome {
        if inquiry.messages().any(|message| is_long(message.raw())) {
            aside(move || self.session_aside().on_answers(inquiry)).await
        } else {
            self.session().await.on_answers(inquiry)
        }
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

fn outcome_of(session: &mut Session, source: &Source, answer: &Bytes) -> Outcome {
    match Incoming::parse_shared(answer, session.envelope(Direction::ToClient)) {
        Ok(incoming) => session.on_incoming(source, &incoming, now()),
        Err(error) => session.on_malformed(source, error).into(),
    }
}
