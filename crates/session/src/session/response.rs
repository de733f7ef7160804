use std::mem;

use portcullis_json::{Number, Value};
use portcullis_mcp::{Id, Message, Method, Revision, error_code, meta_name, view, write};
use portcullis_trace::record::{Direction, Implementation, Verdict};

use super::changes::Lists;
use super::listing::tool_names;
use super::{ACTIONS_EXPECTED, Handshake, Introduced, Session, Turn};
use crate::action::{Action, DropReason, Introduction};
use crate::context::RefusalStyle;
use crate::exchange::{CallId, Exchange};
use crate::inquiry::Asked;
use crate::lower::Subject;
use crate::refusal::{Blocked, OwnWords, plain};
use crate::route::{Delivery, Stream};
use crate::tools::Report;
use crate::verdict::Permit;

impl Session {
    pub(super) fn on_response(
        &mut self,
        turn: Turn<'_>,
        id: Option<&Id>,
    ) -> Result<Vec<Action>, Asked> {
        let scope = turn.source.scope;
        let waiting = &mut self.receiver(turn.direction).exchanges;
        let is_refusal =
            |id: &&Id| is_refusal(turn.message, id) && waiting.find(scope, id).is_none();
        let id = id.filter(|id| !is_refusal(id));
        if !may_answer(&turn.source.stream, id) {
            return Ok(self.drop_message(turn, DropReason::ResponseOnOtherStream));
        }
        if let Some(id) = id {
            return match waiting.close(scope, id) {
                Some(exchange) => {
                    let actions = self.on_answer(turn, &exchange);
                    self.reopen_if_asked(turn, exchange, actions)
                }
                None => Ok(self.on_stray_response(turn, id)),
            };
        }
        let stream = turn.source.stream.request().cloned();
        let meant = stream.or_else(|| waiting.only(scope));
        match meant.and_then(|id| waiting.close(scope, &id)) {
            Some(exchange) => {
                let actions = self.on_unattributed_error(turn, &exchange);
                self.reopen_if_asked(turn, exchange, actions)
            }
            None => Ok(self.drop_message(turn, DropReason::UnattributedError)),
        }
    }

    /// An answer that is not judged yet leaves its request open.
    fn reopen_if_asked(
        &mut self,
        turn: Turn<'_>,
        exchange: Exchange,
        actions: Result<Vec<Action>, Asked>,
    ) -> Result<Vec<Action>, Asked> {
        if actions.is_err() {
            self.receiver(turn.direction).exchanges.reopen(exchange);
        }
        actions
    }

    /// An error that names no request, when only one can be meant: it gets the id that it lacks.
    fn on_unattributed_error(
        &mut self,
        turn: Turn<'_>,
        exchange: &Exchange,
    ) -> Result<Vec<Action>, Asked> {
        let envelope = &self.sender(turn.direction).envelope;
        let attributed = attributed(turn.message, exchange);
        let Some(message) = attributed.and_then(|text| Message::parse(&text, envelope).ok()) else {
            self.retry_handshake(exchange);
            let words = OwnWords::error(
                Some(&exchange.id),
                error_code::INTERNAL_ERROR,
                "the request was answered with an error that cannot be passed on",
            );
            return Ok(vec![Action::Send(Permit::speak(
                words,
                turn.answer_to(exchange),
            ))]);
        };
        let turn = Turn {
            message: &message,
            ..turn
        };
        self.on_answer(turn, exchange)
    }

    fn on_answer(&mut self, turn: Turn<'_>, exchange: &Exchange) -> Result<Vec<Action>, Asked> {
        if let Err(words) = self.admit_answer(turn, exchange) {
            let delivery = turn.answer_to(exchange);
            return Ok(vec![Action::Send(Permit::speak(words, delivery))]);
        }
        let is_listing = &*exchange.method == "tools/list";
        let mut seen = Vec::new();
        let task_call = self.task_calls.of(exchange.task.as_deref());
        let subject = subject(turn.message, exchange, task_call.as_ref());
        let mut inspected = self.inspect_with(turn, subject, |tools| {
            let mut report = match turn.message.result() {
                Some(result) => tools.look(exchange, result),
                None => Report::default(),
            };
            seen = mem::take(&mut report.sightings);
            report
        })?;
        let mut verdict = inspected.verdict();
        let shows_blocked = is_listing && self.refusal == RefusalStyle::Invariant;
        if inspected.permit.is_none() && is_listing && !shows_blocked {
            self.withhold_tools(turn, exchange, &mut inspected);
            if inspected.permit.is_some() {
                verdict = Verdict::Redact;
            }
        } else if let ("tools/list", Some(result)) = (&*exchange.method, turn.message.result()) {
            self.readmit_tools(result);
        }
        let mut actions = Vec::with_capacity(ACTIONS_EXPECTED);
        actions.push(self.record(turn, Some(&exchange.method), &mut inspected, verdict));
        actions.extend(self.note_tools(seen, turn, inspected.permit.is_some()));
        let permit = if let Some(permit) = inspected.permit {
            actions.extend(self.note_answer(turn, exchange));
            permit
        } else {
            self.retry_handshake(exchange);
            let judgement = &inspected.judgement;
            let words = match turn.message.result() {
                Some(result) if shows_blocked => {
                    OwnWords::blocked_tools(exchange, &tool_names(result), judgement)
                }
                Some(_) | None => {
                    OwnWords::refuse(exchange, Blocked::Answer, judgement, self.refusal)
                }
            };
            let delivery = Delivery::refusal(turn.direction, exchange.scope, &exchange.id);
            Permit::speak(words, delivery)
        };
        actions.push(Action::Send(permit));
        Ok(actions)
    }

    /// Whether a result asks for something that neither the revision of its request has there nor
    /// configuration lets pass.
    fn asks_more_than_it_may(&self, turn: Turn<'_>, exchange: &Exchange) -> bool {
        let (Some(result), Some(revision)) = (turn.message.result(), exchange.revision) else {
            return false;
        };
        let may_be_asked = |method: &str| {
            Method::parse(method).may_be_nested(revision) || self.allows_beside(method)
        };
        let asked = result.get("inputRequests").and_then(Value::as_object);
        asked.is_some_and(|asked| {
            asked.iter().any(|(_, request)| {
                let method = request.get("method").and_then(Value::as_str);
                !method.is_some_and(may_be_asked)
            })
        })
    }

    /// A revision that the gateway does not know could hide messages that it cannot inspect.
    fn admit_answer(&mut self, turn: Turn<'_>, exchange: &Exchange) -> Result<(), OwnWords> {
        if self.ends_other_subscription(turn, exchange) {
            return Err(OwnWords::error(
                Some(&exchange.id),
                error_code::INTERNAL_ERROR,
                "the server answered for another subscription",
            ));
        }
        if self.asks_more_than_it_may(turn, exchange) {
            return Err(OwnWords::error(
                Some(&exchange.id),
                error_code::INTERNAL_ERROR,
                "the server asks for what must not be asked for in a result",
            ));
        }
        self.admit_given_state(turn, exchange)?;
        if &*exchange.method != "initialize" {
            return Ok(());
        }
        let Some(result) = turn.message.result() else {
            return Ok(());
        };
        let message = match view::InitializeResult::read(result) {
            Ok(answer) if negotiable(answer.protocol_version).is_some() => return Ok(()),
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
        self.note_belongings(turn, exchange);
        self.note_era(turn, exchange);
        match (&*exchange.method, turn.message.result()) {
            ("initialize", Some(result)) => {
                self.note_revision(result)?;
                self.introduced = Introduced {
                    client: true,
                    server: true,
                };
                Some(Action::Introduce(Introduction {
                    client: exchange.client.clone(),
                    server: result.get("serverInfo").and_then(implementation),
                }))
            }
            ("initialize", None) => {
                self.retry_handshake(exchange);
                None
            }
            (_, Some(result)) if exchange.is_stateless() => self.note_peers(exchange, result),
            _ => None,
        }
    }

    /// Without a handshake every request and every result may say who sent it; the first that does
    /// counts.
    fn note_peers(&mut self, exchange: &Exchange, result: &Value) -> Option<Action> {
        let known = self.introduced;
        let client = exchange.client.clone().filter(|_| !known.client);
        let named = result.get("_meta").filter(|_| !known.server);
        let server = named.and_then(|meta| implementation(meta.get(meta_name::SERVER_INFO)?));
        if client.is_none() && server.is_none() {
            return None;
        }
        self.introduced = Introduced {
            client: known.client || client.is_some(),
            server: known.server || server.is_some(),
        };
        Some(Action::Introduce(Introduction { client, server }))
    }

    /// Where a server has done what a request of the stateless era asks, there is no handshake any
    /// more. That it says what it knows is none of that.
    fn note_era(&mut self, turn: Turn<'_>, exchange: &Exchange) {
        if self.revision.is_none()
            && exchange.is_stateless()
            && turn.direction == Direction::ToClient
            && turn.message.result().is_some()
            && &*exchange.method != "server/discover"
        {
            self.read_by(exchange.revision);
        }
    }

    fn read_by(&mut self, revision: Option<Revision>) {
        self.revision = revision;
        self.from_client.envelope.revision = revision;
        self.from_server.envelope.revision = revision;
    }

    /// From now on both peers are read by the rules of the revision that the server answered with.
    pub(super) fn note_revision(&mut self, result: &Value) -> Option<()> {
        let answer = view::InitializeResult::read(result).ok()?;
        self.read_by(negotiable(answer.protocol_version));
        self.changing_lists = Lists::declared(result);
        Some(())
    }

    pub(super) fn retry_handshake(&mut self, exchange: &Exchange) {
        if &*exchange.method == "initialize" {
            self.handshake = Handshake::NotBegun;
        }
    }

    /// An id of the other type may be a careless peer's answer: whoever waits must not wait for
    /// ever, and must not get it either.
    fn on_stray_response(&mut self, turn: Turn<'_>, id: &Id) -> Vec<Action> {
        let waiting = &mut self.receiver(turn.direction).exchanges;
        let meant = other_type(id).and_then(|id| waiting.close(turn.source.scope, &id));
        let Some(exchange) = meant else {
            return self.drop_message(turn, DropReason::UnknownResponse);
        };
        let mut actions = self.drop_message(turn, DropReason::ResponseOfOtherIdType);
        self.retry_handshake(&exchange);
        let words = OwnWords::error(
            Some(&exchange.id),
            error_code::INTERNAL_ERROR,
            "the answer came with an id of another type",
        );
        actions.push(Action::Send(Permit::speak(
            words,
            turn.answer_to(&exchange),
        )));
        actions
    }
}

pub(super) fn subject<'m>(
    message: &'m Message,
    exchange: &'m Exchange,
    task_call: Option<&'m CallId>,
) -> Subject<'m> {
    let call_id = exchange.call_id.as_shared_str();
    match (message.result(), message.error()) {
        (Some(result), _) => Subject::Result {
            call_id,
            method: &exchange.method,
            result,
            task_call: task_call.map(CallId::as_shared_str),
        },
        (None, error) => Subject::Error {
            call_id,
            error: error.unwrap_or(&Value::Null),
            task_call: task_call.map(CallId::as_shared_str),
        },
    }
}

/// The error with the id of the request that it answers.
fn attributed(message: &Message, exchange: &Exchange) -> Option<Vec<u8>> {
    let error = message.error()?;
    let Some(Value::Number(Number::Integer(code))) = error.get("code") else {
        return None;
    };
    Some(write::error_response(
        Some(&exchange.id),
        *code,
        error.get("message")?.as_str()?,
        error.get("data"),
    ))
}

/// Servers on the Python SDK say so that they refuse an HTTP request as a whole.
fn is_refusal(message: &Message, id: &Id) -> bool {
    message.error().is_some() && matches!(id, Id::String(text) if **text == *"server-error")
}

/// Whether a stream may bring the answer to a request with this id, or to the one that it is for.
pub(super) fn may_answer(stream: &Stream, id: Option<&Id>) -> bool {
    match (stream, id) {
        (Stream::OfNone, _) => false,
        (Stream::Of(request), Some(id)) => {
            id == request || other_type(id).as_ref() == Some(request)
        }
        (Stream::Any, _) | (Stream::Of(_), None) => true,
    }
}

/// A revision that a handshake can settle on.
fn negotiable(written: &str) -> Option<Revision> {
    Revision::parse(written).filter(|revision| !revision.is_stateless())
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

/// What the client says it is, in the request that opens the session or, where none does, in each.
pub(super) fn introduction(turn: Turn<'_>) -> Option<Implementation> {
    if turn.direction != Direction::ToServer {
        return None;
    }
    implementation(view::client_info(turn.message.params()?)?)
}

fn implementation(info: &Value) -> Option<Implementation> {
    let text = |member: &str| Some(info.get(member)?.as_str()?.to_owned());
    Some(Implementation {
        name: text("name")?,
        version: text("version"),
    })
}

// === impl Turn ===

impl Turn<'_> {
    fn answer_to(&self, exchange: &Exchange) -> Delivery {
        Delivery::response(self.direction, exchange.scope, Some(&exchange.id))
    }
}
