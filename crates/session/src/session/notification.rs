use portcullis_json::Number;
use portcullis_mcp::{Id, Method, view};
use portcullis_trace::record::Direction;

use super::belonging::task;
use super::{Handshake, Session, Turn};
use crate::action::{Action, DropReason};
use crate::exchange::{CallId, Exchange};
use crate::inquiry::Asked;
use crate::lower::Subject;

impl Session {
    pub(super) fn on_notification(
        &mut self,
        turn: Turn<'_>,
        method: &Method,
    ) -> Result<Vec<Action>, Asked> {
        if let Err(reason) = self.admit_notification(turn, method) {
            return Ok(self.drop_message(turn, reason));
        }
        let params = turn.message.params();
        let is_told = turn.direction == Direction::ToClient && *method == Method::Tasks;
        let told = params.filter(|_| is_told).and_then(task);
        let task_call = self.task_calls.of(told.as_deref());
        let mut inspected = self.inspect(
            turn,
            Subject::Notification {
                method: method.as_str(),
                params,
                task_call: task_call.as_ref().map(CallId::as_shared_str),
            },
        )?;
        if *method == Method::Progress {
            self.note_progress(turn);
        }
        let verdict = inspected.verdict();
        let record = self.record(turn, Some(method.as_str()), &mut inspected, verdict);
        let Some(permit) = inspected.permit else {
            let mut actions = vec![record];
            actions.extend(self.drop_message(turn, DropReason::Blocked));
            return Ok(actions);
        };
        let ends_handshake = *method == Method::Initialized
            && turn.direction == Direction::ToServer
            && self.handshake == Handshake::Begun;
        if ends_handshake {
            self.handshake = Handshake::Done;
        }
        let mut actions = vec![record, Action::Send(permit)];
        match method {
            Method::SubscriptionsAcknowledged => {
                let told = self.note_acknowledgement(turn);
                actions.extend(told.into_iter().map(Action::Send));
            }
            Method::TasksStatus | Method::Tasks => self.note_told_task(turn),
            _ => {}
        }
        if *method == Method::Cancelled
            && let Some(id) = cancelled_request(turn)
        {
            self.close_cancelled(turn, &id);
        }
        Ok(actions)
    }

    /// Only what belongs to something open may pass.
    fn admit_notification(&mut self, turn: Turn<'_>, method: &Method) -> Result<(), DropReason> {
        if !self.knows(turn.direction, method) {
            return Err(DropReason::UnknownNotification);
        }
        self.admit_subscription(turn)?;
        match method {
            Method::Progress => {
                let progressed = self.progressed(turn);
                let exchange = progressed.ok_or(DropReason::ProgressOfNothing)?;
                exchange.admit_progress(turn.now, told_progress(turn))
            }
            Method::Cancelled => self.admit_cancellation(turn),
            Method::TasksStatus | Method::Tasks => self.admit_told_task(turn),
            _ => Ok(()),
        }
    }

    /// The open request whose progress the message tells.
    pub(super) fn progressed(&mut self, turn: Turn<'_>) -> Option<&mut Exchange> {
        let token = view::progressed_token(turn.message.params()?).ok()?;
        let exchanges = &mut self.receiver(turn.direction).exchanges;
        exchanges.by_progress_token(turn.source.scope, &token)
    }

    /// Only once it is judged: until then the same message may come again.
    fn note_progress(&mut self, turn: Turn<'_>) {
        if let Some(exchange) = self.progressed(turn)
            && let Some(told) = told_progress(turn)
        {
            exchange.note_progress(told);
        }
    }

    /// The sender's request, or else the subscription that the sender ends.
    fn close_cancelled(&mut self, turn: Turn<'_>, id: &Id) {
        let scope = turn.source.scope;
        let own = self.sender(turn.direction).exchanges.close(scope, id);
        if own.is_none() {
            self.receiver(turn.direction).exchanges.close(scope, id);
        }
    }

    fn admit_cancellation(&mut self, turn: Turn<'_>) -> Result<(), DropReason> {
        let id = cancelled_request(turn).ok_or(DropReason::CancelsNothing)?;
        let scope = turn.source.scope;
        if let Some(exchange) = self.sender(turn.direction).exchanges.find(scope, &id) {
            return if &*exchange.method == "initialize" {
                Err(DropReason::CancelsInitialize)
            } else {
                Ok(())
            };
        }
        // SPEC: MCP 2026-07-28, Subscriptions: a server ends a subscription of its client's.
        match self.receiver(turn.direction).exchanges.find(scope, &id) {
            Some(exchange) if &*exchange.method == "subscriptions/listen" => Ok(()),
            _ => Err(DropReason::CancelsNothing),
        }
    }
}

fn told_progress(turn: Turn<'_>) -> Option<&Number> {
    view::progress(turn.message.params()?).ok()
}

pub(super) fn cancelled_request(turn: Turn<'_>) -> Option<Id> {
    view::cancelled_request(turn.message.params()?)
        .ok()
        .flatten()
}
