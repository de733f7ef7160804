//! What did not arrive, was not recorded or will not be answered, and who has to hear of it.

use std::fmt::Display;

use portcullis_mcp::frame::LineError;
use portcullis_mcp::{Id, error_code};
use portcullis_trace::record::Direction;

use super::Session;
use crate::action::{Action, DropReason, Note, Waiting};
use crate::refusal::OwnWords;
use crate::route::{Delivery, Scope, Source};
use crate::verdict::Permit;

impl Session {
    /// Takes note of a line that was lost before it could be read.
    pub fn on_lost_line(&mut self, direction: Direction, error: LineError) -> Vec<Action> {
        let mut actions = self.note(Note::LostLine { direction, error });
        match (direction, error) {
            (Direction::ToServer, LineError::TooLong { .. }) => {
                let words = OwnWords::error(None, error_code::INVALID_REQUEST, &error.to_string());
                let delivery = Delivery::response(Direction::ToClient, Scope::SESSION, None);
                actions.push(Action::Send(Permit::speak(words, delivery)));
            }
            (Direction::ToClient, LineError::TooLong { .. }) => {
                actions.extend(self.on_lost_event(&Source::whole(direction), &error));
            }
            (_, LineError::Partial { .. }) => {}
        }
        actions
    }

    /// What came on this stream of the server's was lost before it could be read.
    pub fn on_lost_event(&mut self, source: &Source, reason: &dyn Display) -> Vec<Action> {
        let waiting = self.close_answered(source, None);
        let failed = waiting.map(|waiting| {
            self.fail_waiting(source.direction, &waiting, &format!("was lost: {reason}"))
        });
        failed.into_iter().collect()
    }

    /// Takes note of a message that came where nobody could be meant by it.
    pub fn on_stray(&mut self, direction: Direction, reason: DropReason) -> Vec<Action> {
        self.note(Note::Dropped { direction, reason })
    }

    /// The recording of a message failed and it was not sent: whoever waits for it gets an error.
    pub fn on_unrecorded(&mut self, waiting: &Waiting) -> Vec<Action> {
        let exchanges = &mut self.receiver(waiting.direction).exchanges;
        if let Some(exchange) = exchanges.close(waiting.scope, &waiting.id) {
            self.retry_handshake(&exchange);
        }
        let words = OwnWords::error(
            Some(&waiting.id),
            error_code::INTERNAL_ERROR,
            "the message could not be recorded and was therefore not passed on",
        );
        let delivery = Delivery::response(waiting.direction, waiting.scope, Some(&waiting.id));
        vec![Action::Send(Permit::speak(words, delivery))]
    }

    /// The server will not answer this request of the client's, for a reason that the client may
    /// read. Nothing happens if it has been answered.
    pub fn on_no_answer(&mut self, scope: Scope, id: &Id, reason: &str) -> Vec<Action> {
        let Some(exchange) = self.from_client.exchanges.close(scope, id) else {
            return Vec::new();
        };
        vec![self.fail(Direction::ToClient, &exchange, reason)]
    }

    /// The client gave up this request and will not read its answer.
    pub fn on_abandoned(&mut self, scope: Scope, id: &Id) {
        if let Some(exchange) = self.from_client.exchanges.close(scope, id) {
            self.retry_handshake(&exchange);
        }
    }

    /// Whether this request of the client's waits for its answer.
    pub fn is_open(&self, scope: Scope, id: &Id) -> bool {
        self.from_client.exchanges.find(scope, id).is_some()
    }

    /// The server is gone: whoever waits for its answers gets an error.
    pub fn on_server_end(&mut self) -> Vec<Action> {
        let waiting = self.from_client.exchanges.close_all();
        let message = format!("the server `{}` ended before it answered", self.server);
        waiting
            .iter()
            .map(|exchange| self.fail(Direction::ToClient, exchange, &message))
            .collect()
    }
}
