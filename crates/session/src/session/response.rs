use portcullis_json::Value;
use portcullis_mcp::{Id, Message, Revision, error_code, view};
use portcullis_trace::record::{Direction, Implementation, Verdict};

use super::{Handshake, Session, Turn};
use crate::action::{Action, DropReason};
use crate::exchange::Exchange;
use crate::lower::Subject;
use crate::refusal::{Blocked, OwnWords, plain};
use crate::verdict::Permit;

impl Session {
    pub(super) fn on_response(&mut self, turn: Turn<'_>, id: Option<&Id>) -> Vec<Action> {
        let waiting = &mut self.receiver(turn.direction).exchanges;
        match id {
            Some(id) => match waiting.close(id) {
                Some(exchange) => self.on_answer(turn, &exchange),
                None => self.on_stray_response(turn, id),
            },
            None => match waiting.only().and_then(|id| waiting.close(&id)) {
                Some(exchange) => vec![unattributed_error(turn, &exchange)],
                None => self.drop_message(turn, DropReason::UnattributedError),
            },
        }
    }

    fn on_answer(&mut self, turn: Turn<'_>, exchange: &Exchange) -> Vec<Action> {
        if let Err(words) = self.admit_answer(turn, exchange) {
            return vec![Action::Send(Permit::speak(words, turn.direction))];
        }
        let mut inspected = self.inspect(turn, subject(turn.message, exchange));
        let mut verdict = inspected.verdict();
        if inspected.permit.is_none() && &*exchange.method == "tools/list" {
            self.withhold_tools(turn, exchange, &mut inspected);
            if inspected.permit.is_some() {
                verdict = Verdict::Redact;
            }
        } else if let ("tools/list", Some(result)) = (&*exchange.method, turn.message.result()) {
            self.readmit_tools(result);
        }
        let mut actions = vec![self.record(turn, Some(&exchange.method), &inspected, verdict)];
        let permit = if let Some(permit) = inspected.permit {
            actions.extend(self.note_answer(turn, exchange));
            permit
        } else {
            self.retry_handshake(exchange);
            let judgement = &inspected.judgement;
            let words = OwnWords::refuse(exchange, Blocked::Answer, judgement, self.refusal);
            Permit::speak(words, turn.direction)
        };
        actions.push(Action::Send(permit));
        actions
    }

    /// A revision that the gateway does not know could hide messages that it cannot inspect.
    fn admit_answer(&mut self, turn: Turn<'_>, exchange: &Exchange) -> Result<(), OwnWords> {
        if &*exchange.method != "initialize" {
            return Ok(());
        }
        let Some(result) = turn.message.result() else {
            return Ok(());
        };
        let message = match view::InitializeResult::read(result) {
            Ok(answer) if Revision::parse(answer.protocol_version).is_some() => return Ok(()),
            Ok(answer) => format!(
                "the server speaks MCP revision `{}`, which this gateway cannot inspect",
                plain(answer.protocol_version)
            ),
            Err(error) => format!("the server's answer is malformed: {error}"),
        };
        self.retry_handshake(exchange);
        Err(OwnWords::error(
            Some(&exchange.id),
            error_code::INTERNAL_ERROR,
            &message,
        ))
    }

    /// What an answer that passes tells the session.
    fn note_answer(&mut self, turn: Turn<'_>, exchange: &Exchange) -> Option<Action> {
        match (&*exchange.method, turn.message.result()) {
            ("initialize", Some(result)) => {
                self.handshake = Handshake::Done;
                let answer = view::InitializeResult::read(result).ok()?;
                self.revision = Revision::parse(answer.protocol_version);
                self.from_client.envelope.revision = self.revision;
                self.from_server.envelope.revision = self.revision;
                exchange.client.clone().map(Action::Introduce)
            }
            ("initialize", None) => {
                self.retry_handshake(exchange);
                None
            }
            _ => None,
        }
    }

    fn retry_handshake(&mut self, exchange: &Exchange) {
        if &*exchange.method == "initialize" {
            self.handshake = Handshake::NotBegun;
        }
    }

    /// An id of the other type may be a careless peer's answer: whoever waits must not wait for
    /// ever, and must not get it either.
    fn on_stray_response(&mut self, turn: Turn<'_>, id: &Id) -> Vec<Action> {
        let waiting = &mut self.receiver(turn.direction).exchanges;
        let meant = other_type(id).and_then(|id| waiting.close(&id));
        let Some(exchange) = meant else {
            return self.drop_message(turn, DropReason::UnknownResponse);
        };
        let mut actions = self.drop_message(turn, DropReason::ResponseOfOtherIdType);
        let words = OwnWords::error(
            Some(&exchange.id),
            error_code::INTERNAL_ERROR,
            "the answer came with an id of another type",
        );
        actions.push(Action::Send(Permit::speak(words, turn.direction)));
        actions
    }
}

pub(super) fn subject<'m>(message: &'m Message, exchange: &'m Exchange) -> Subject<'m> {
    let call_id = exchange.call_id.as_str();
    match (message.result(), message.error()) {
        (Some(result), _) => Subject::Result {
            call_id,
            method: &exchange.method,
            result,
        },
        (None, error) => Subject::Error {
            call_id,
            error: error.unwrap_or(&Value::Null),
        },
    }
}

fn unattributed_error(turn: Turn<'_>, exchange: &Exchange) -> Action {
    let words = OwnWords::error(
        Some(&exchange.id),
        error_code::INTERNAL_ERROR,
        "the request was answered with an error that names no request",
    );
    Action::Send(Permit::speak(words, turn.direction))
}

fn other_type(id: &Id) -> Option<Id> {
    match id {
        Id::Integer(number) => Some(Id::String(number.to_string().into())),
        Id::String(text) => {
            let number = text.parse::<i64>().ok()?;
            (number.to_string() == **text).then_some(Id::Integer(number))
        }
    }
}

/// What the client says it is, in the request that opens the session.
pub(super) fn introduction(turn: Turn<'_>) -> Option<Implementation> {
    if turn.direction != Direction::ToServer {
        return None;
    }
    let client = turn.message.params()?.get("clientInfo")?;
    let text = |member: &str| Some(client.get(member)?.as_str()?.to_owned());
    Some(Implementation {
        name: text("name")?,
        version: text("version"),
    })
}
