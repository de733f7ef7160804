//! The state of a conversation, and what one message does to it.

mod belonging;
mod changes;
mod inspection;
mod listing;
mod loss;
mod notification;
mod past;
mod request;
mod response;
mod tools;

use std::collections::{BTreeSet, VecDeque};
use std::mem;
use std::sync::Arc;

use portcullis_engine::Answers;
use portcullis_json::{Object, Value};
use portcullis_mcp::{
    EnvelopeLimits, Id, Incoming, Malformed, Meant, Message, MessageKind, Method, Peer, Revision,
    error_code,
};
use portcullis_trace::record::{Direction, EventRecord, Sequence, SessionId, Timestamp, Verdict};

use crate::action::{Action, DropReason, Note, Waiting};
use crate::belonging::Party;
use crate::context::{Guardrail, RefusalStyle, SessionContext, SessionLimits, SessionSettings};
use crate::exchange::{Exchange, Exchanges};
use crate::inquiry::{Asked, Inquiry, Outcome, Rehearsal, SharedDetectors};
use crate::lower::{Common, Times};
use crate::refusal::OwnWords;
use crate::route::{Delivery, DeliveryKind, ErrorCode, Scope, Source};
use crate::task_calls::TaskCalls;
use crate::tools::ToolWatch;
use crate::verdict::{Judges, Permit, Violation};

use self::changes::Lists;
pub(crate) use self::changes::Subscription;
use self::inspection::Inspected;
use self::notification::cancelled_request;
pub use self::past::PastMessage;
use self::response::may_answer;

/// Most messages are recorded and sent.
const ACTIONS_EXPECTED: usize = 2;
/// LIMIT: notes of one session; what a peer can cause at will must not fill the log.
const NOTES_MAX: u32 = 1000;
/// LIMIT: how much of a line that is no message is shown in the log.
const NOISE_CHARACTERS_MAX: usize = 200;

/// A conversation between one client and one server.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    server: Arc<str>,
    common: Common,
    times: Times,
    party: Party,
    refusal: RefusalStyle,
    extra_methods: Vec<String>,
    limits: SessionLimits,
    parameters: Object,
    judges: Judges,
    detectors: SharedDetectors,
    from_client: Side,
    from_server: Side,
    /// As the server answered the handshake.
    revision: Option<Revision>,
    handshake: Handshake,
    introduced: Introduced,
    /// Tools that were taken out of a listing; calling one of them is refused.
    withheld_tools: BTreeSet<Arc<str>>,
    tools: ToolWatch,
    task_calls: TaskCalls,
    /// Of which the server has said that it tells when they change.
    changing_lists: Lists,
    /// Whether other guardrails are in force than when the client was last told of lists.
    judges_otherwise: bool,
    next_sequence: Sequence,
    last_time: Timestamp,
    notes: u32,
}

/// What is known of one peer as a sender.
#[derive(Debug)]
struct Side {
    envelope: EnvelopeLimits,
    /// Its requests that have no answer yet.
    exchanges: Exchanges,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handshake {
    NotBegun,
    /// Asked for, and perhaps answered.
    Begun,
    Done,
}

/// Of which peer it is known what it calls itself.
#[derive(Clone, Copy, Debug, Default)]
struct Introduced {
    client: bool,
    server: bool,
}

/// One message on its way through the session.
#[derive(Clone, Copy, Debug)]
struct Turn<'m> {
    message: &'m Message,
    source: &'m Source,
    direction: Direction,
    now: Timestamp,
    answers: &'m Answers,
}

// === impl Session ===

impl Session {
    pub fn new(context: SessionContext) -> Self {
        let side = |sender| Side {
            envelope: EnvelopeLimits {
                revision: context.revision,
                unknown_meta: context.limits.unknown_meta,
                ..EnvelopeLimits::new(sender).with_message_bytes(context.limits.message_bytes)
            },
            exchanges: Exchanges::new(context.limits.open_requests),
        };
        let (from_client, from_server) = (side(Peer::Client), side(Peer::Server));
        Self {
            judges: Judges::new(context.guardrails, &context.parameters, &context.limits),
            id: context.id,
            common: Common::new(&context.server),
            times: Times::default(),
            server: context.server,
            party: context.party,
            refusal: context.refusal,
            extra_methods: context.extra_methods,
            limits: context.limits,
            parameters: context.parameters,
            detectors: context.detectors,
            from_client,
            from_server,
            revision: context.revision,
            handshake: Handshake::NotBegun,
            introduced: Introduced::default(),
            withheld_tools: BTreeSet::new(),
            tools: ToolWatch::new(context.tool_checks, context.has_argument_headers),
            task_calls: TaskCalls::default(),
            changing_lists: Lists::default(),
            judges_otherwise: false,
            next_sequence: Sequence::FIRST,
            last_time: Timestamp::from_micros(i64::MIN),
            notes: 0,
        }
    }

    /// Takes one line that travels in `direction`.
    ///
    /// The messages of a batch are judged and passed on one by one.
    pub fn on_line(&mut self, direction: Direction, line: &[u8], now: Timestamp) -> Outcome {
        let source = Source::whole(direction);
        match Incoming::parse(line, &self.sender(direction).envelope) {
            Ok(incoming) => self.on_incoming(&source, &incoming, now),
            Err(error) if direction == Direction::ToClient && is_noise(line) => {
                drop(error);
                self.on_noise(line).into()
            }
            Err(error) => self.on_malformed(&source, error).into(),
        }
    }

    /// Takes what was read under [`Self::envelope`].
    pub fn on_incoming(&mut self, source: &Source, incoming: &Incoming, now: Timestamp) -> Outcome {
        match incoming {
            Incoming::Single(message) => self.on_message(source, message, now),
            Incoming::Batch(messages) => self.on_messages(source, messages, now),
        }
    }

    pub fn on_message(&mut self, source: &Source, message: &Message, now: Timestamp) -> Outcome {
        self.on_messages(source, std::slice::from_ref(message), now)
    }

    /// Goes on with messages whose questions have been answered.
    pub fn on_answers(&mut self, inquiry: Inquiry) -> Outcome {
        let Inquiry {
            source,
            mut messages,
            now,
            answers,
            ..
        } = inquiry;
        let Some(first) = messages.front() else {
            return Outcome::default();
        };
        match self.take(&source, first, now, &answers) {
            Ok(mut actions) => {
                messages.pop_front();
                let rest = self.on_messages(&source, messages.make_contiguous(), now);
                actions.extend(rest.actions);
                Outcome {
                    actions,
                    inquiry: rest.inquiry,
                }
            }
            Err(Asked(calls)) => Outcome {
                actions: Vec::new(),
                inquiry: Some(Inquiry {
                    source,
                    messages,
                    now,
                    answers,
                    calls,
                }),
            },
        }
    }

    /// What came will not be judged, for a reason that its sender, or who waits for it, may read.
    pub fn on_unjudged(&mut self, source: &Source, bytes: &[u8], reason: &str) -> Vec<Action> {
        match Incoming::parse(bytes, &self.sender(source.direction).envelope) {
            Ok(Incoming::Single(message)) => self.leave_unjudged(source, &message, reason),
            Ok(Incoming::Batch(messages)) => messages
                .iter()
                .flat_map(|message| self.leave_unjudged(source, message, reason))
                .collect(),
            Err(error) => self.on_malformed(source, error),
        }
    }

    fn leave_unjudged(&mut self, source: &Source, message: &Message, reason: &str) -> Vec<Action> {
        let Source {
            direction, scope, ..
        } = *source;
        match message.kind() {
            MessageKind::Request { id, .. } => {
                let words = OwnWords::error(Some(id), error_code::INTERNAL_ERROR, reason);
                let delivery = Delivery::response(back(direction), scope, Some(id));
                vec![Action::Send(Permit::speak(words, delivery))]
            }
            MessageKind::Response { id, .. } => {
                let exchanges = &mut self.receiver(direction).exchanges;
                let waiting = id.as_ref().and_then(|id| exchanges.close(scope, id));
                let Some(exchange) = waiting else {
                    return Vec::new();
                };
                self.retry_handshake(&exchange);
                let words = OwnWords::error(Some(&exchange.id), error_code::INTERNAL_ERROR, reason);
                let delivery = Delivery::response(direction, scope, Some(&exchange.id));
                vec![Action::Send(Permit::speak(words, delivery))]
            }
            MessageKind::Notification { .. } => self.note(Note::Dropped {
                direction,
                reason: DropReason::NotJudged,
            }),
        }
    }

    /// How messages in this direction are to be read.
    pub fn envelope(&self, direction: Direction) -> &EnvelopeLimits {
        match direction {
            Direction::ToServer => &self.from_client.envelope,
            Direction::ToClient => &self.from_server.envelope,
        }
    }

    /// Other guardrails, to be shown what they would have been shown from the beginning.
    pub fn rehearse(&self, guardrails: Vec<Guardrail>) -> Rehearsal {
        let judges = Judges::new(guardrails, &self.parameters, &self.limits);
        Rehearsal::new(judges, Arc::clone(&self.detectors))
    }

    /// Treats what comes from here on in another way. The parameters are those of the guardrails
    /// that are put in force next.
    pub fn replace_settings(&mut self, settings: SessionSettings) {
        self.judges_otherwise |= *self.tools.checks() != settings.tool_checks;
        self.judges_otherwise |=
            self.last_sequence().is_some() && self.parameters != settings.parameters;
        self.tools.set_checks(settings.tool_checks);
        self.parameters = settings.parameters;
        self.refusal = settings.refusal;
        self.limits.sampling_context = settings.sampling_context;
        for side in [&mut self.from_client, &mut self.from_server] {
            side.envelope.unknown_meta = settings.unknown_meta;
        }
    }

    /// Puts other guardrails in force. They speak only of what is new.
    pub fn replace_guardrails(&mut self, rehearsal: Rehearsal) {
        let has_begun = self.last_sequence().is_some();
        self.judges_otherwise |= has_begun && !self.judges.are_same(&rehearsal.judges);
        self.judges = rehearsal.judges;
    }

    /// Whether the client has said that the handshake is over.
    pub fn is_initialized(&self) -> bool {
        self.handshake == Handshake::Done
    }

    /// Whether no request of the client's waits for an answer.
    pub fn is_quiet(&self) -> bool {
        self.from_client.exchanges.is_empty()
    }

    /// Looks for news of the client's requests. Those of which the server has said nothing for more
    /// looks than `looks_max`; those while it waited for the client's user do not count.
    ///
    /// Whoever looks does so at regular times: no clock that somebody sets takes part in it.
    pub fn overdue(&mut self, looks_max: u32) -> Vec<(Scope, Id)> {
        if self.from_server.exchanges.wait_for_decision() {
            Vec::new()
        } else {
            self.from_client.exchanges.look(looks_max)
        }
    }

    /// Fails those of the server's requests that the client has not answered for more looks than
    /// `looks_max`, for a reason that the server may read.
    pub fn fail_unanswered(&mut self, looks_max: u32, reason: &str) -> Vec<Action> {
        let silent = self.from_server.exchanges.look(looks_max);
        let closed: Vec<_> = silent
            .iter()
            .filter_map(|(scope, id)| self.from_server.exchanges.close(*scope, id))
            .collect();
        closed
            .iter()
            .map(|exchange| self.fail(Direction::ToServer, exchange, reason))
            .collect()
    }

    /// As the server answered the handshake; `None` before.
    pub fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// The last message that was judged.
    pub fn last_sequence(&self) -> Option<Sequence> {
        Sequence::new(self.next_sequence.value() - 1)
    }

    fn on_messages(&mut self, source: &Source, messages: &[Message], now: Timestamp) -> Outcome {
        let mut outcome = Outcome::default();
        for (place, message) in messages.iter().enumerate() {
            match self.take(source, message, now, &Answers::default()) {
                Ok(actions) if outcome.actions.is_empty() => outcome.actions = actions,
                Ok(actions) => outcome.actions.extend(actions),
                Err(Asked(calls)) => {
                    outcome.inquiry = Some(Inquiry {
                        source: source.clone(),
                        messages: messages
                            .iter()
                            .skip(place)
                            .cloned()
                            .collect::<VecDeque<_>>(),
                        now,
                        answers: Answers::default(),
                        calls,
                    });
                    break;
                }
            }
        }
        outcome
    }

    /// Takes one message. With questions that are open nothing has changed.
    fn take(
        &mut self,
        source: &Source,
        message: &Message,
        now: Timestamp,
        answers: &Answers,
    ) -> Result<Vec<Action>, Asked> {
        let earliest = Timestamp::from_micros(self.last_time.as_micros().saturating_add(1));
        let turn = Turn {
            message,
            source,
            direction: source.direction,
            now: now.max(earliest),
            answers,
        };
        let actions = match message.kind() {
            MessageKind::Request { id, method } => self.on_request(turn, id, method),
            MessageKind::Notification { method } => self.on_notification(turn, method),
            MessageKind::Response { id, .. } => self.on_response(turn, id.as_ref()),
        }?;
        self.last_time = turn.now;
        Ok(actions)
    }

    fn on_noise(&mut self, line: &[u8]) -> Vec<Action> {
        let text = String::from_utf8_lossy(line);
        self.note(Note::Noise {
            bytes: line.len(),
            text: text.chars().take(NOISE_CHARACTERS_MAX).collect(),
        })
    }

    /// Whoever asks badly is told what is wrong. Who answers badly has answered.
    pub fn on_malformed(&mut self, source: &Source, error: Malformed) -> Vec<Action> {
        let direction = source.direction;
        let answer = match (direction, error.meant) {
            (Direction::ToClient, Meant::Call) if error.id.is_none() => None,
            // Servers write more on a stream for everything than they should.
            (Direction::ToClient, Meant::Unclear)
                if error.id.is_none() && source.stream.request().is_none() =>
            {
                None
            }
            (_, Meant::Call) | (Direction::ToServer, Meant::Unclear) => {
                let words = OwnWords::malformed(&error);
                let delivery = Delivery::response(back(direction), source.scope, error.id.as_ref());
                Some(Action::Send(Permit::speak(words, delivery)))
            }
            (_, Meant::Answer) | (Direction::ToClient, Meant::Unclear) => {
                let waiting = self.close_answered(source, error.id.as_ref());
                let what = format!("is malformed: {error}");
                waiting.map(|waiting| self.fail_waiting(direction, &waiting, &what))
            }
        };
        let mut actions = self.note(Note::Malformed { direction, error });
        actions.extend(answer);
        actions
    }

    /// The request that something on this stream answers, with this id if it can be read: else the
    /// one that it can only be.
    fn close_answered(&mut self, source: &Source, id: Option<&Id>) -> Option<Exchange> {
        if !may_answer(&source.stream, id) {
            return None;
        }
        let exchanges = &mut self.receiver(source.direction).exchanges;
        let id = source.stream.request().or(id).cloned();
        let id = id.or_else(|| exchanges.only(source.scope))?;
        exchanges.close(source.scope, &id)
    }

    fn fail_waiting(&mut self, direction: Direction, exchange: &Exchange, what: &str) -> Action {
        let message = match direction {
            Direction::ToClient => format!("the answer of the server `{}` {what}", self.server),
            Direction::ToServer => format!("the answer of the client {what}"),
        };
        self.fail(direction, exchange, &message)
    }

    /// Whoever waits gets an error in the place of an answer.
    fn fail(&mut self, direction: Direction, exchange: &Exchange, reason: &str) -> Action {
        self.retry_handshake(exchange);
        let words = OwnWords::error(Some(&exchange.id), error_code::INTERNAL_ERROR, reason);
        let delivery = Delivery::response(direction, exchange.scope, Some(&exchange.id));
        Action::Send(Permit::speak(words, delivery))
    }

    fn delivery(&mut self, turn: Turn<'_>) -> Delivery {
        let stream = || turn.source.stream.request().cloned();
        let (kind, concerns) = match turn.message.kind() {
            MessageKind::Request { .. } => (DeliveryKind::Request, stream()),
            MessageKind::Response { id, .. } => (DeliveryKind::Response, id.clone()),
            MessageKind::Notification { method } => {
                let about = match (method, turn.direction) {
                    (Method::Progress, _) => {
                        self.progressed(turn).map(|exchange| exchange.id.clone())
                    }
                    (Method::Cancelled, Direction::ToServer) => cancelled_request(turn),
                    _ => None,
                };
                let kind = match method {
                    Method::ToolsListChanged
                    | Method::PromptsListChanged
                    | Method::ResourcesListChanged
                    | Method::RootsListChanged => DeliveryKind::Change,
                    _ => DeliveryKind::Notification,
                };
                (kind, about.or_else(stream))
            }
        };
        Delivery {
            direction: turn.direction,
            kind,
            scope: turn.source.scope,
            concerns,
            is_refusal: false,
            error: turn.message.error().and_then(code).map(ErrorCode::Peers),
        }
    }

    fn record(
        &mut self,
        turn: Turn<'_>,
        method: Option<&str>,
        inspected: &mut Inspected,
        verdict: Verdict,
    ) -> Action {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.next();
        let is_kept = turn.message.raw().len() <= self.limits.recorded_message_bytes;
        let message = is_kept.then(|| turn.message.text());
        let judgement = &inspected.judgement;
        let failures = judgement.failures.iter();
        let failure = failures
            .map(|failed| format!("{}: {}", failed.guardrail.name, failed.reason))
            .reduce(|all, next| format!("{all}; {next}"));
        let event = EventRecord {
            session: self.id.clone(),
            sequence,
            recorded_at: turn.now,
            direction: turn.direction,
            method: method.map(str::to_owned),
            message,
            events: mem::take(&mut inspected.text).into_list(),
            verdict,
            violations: judgement.violations.iter().map(Violation::record).collect(),
            failure,
        };
        Action::Record {
            event,
            waiting: waiting(turn),
        }
    }

    fn drop_message(&mut self, turn: Turn<'_>, reason: DropReason) -> Vec<Action> {
        self.note(Note::Dropped {
            direction: turn.direction,
            reason,
        })
    }

    fn note(&mut self, note: Note) -> Vec<Action> {
        self.notes = self.notes.saturating_add(1);
        match self.notes {
            0..=NOTES_MAX => vec![Action::Note(note)],
            count if count == NOTES_MAX + 1 => vec![Action::Note(Note::TooManyNotes)],
            _ => Vec::new(),
        }
    }

    /// The peer whose messages travel in `direction`.
    fn sender(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ToServer => &mut self.from_client,
            Direction::ToClient => &mut self.from_server,
        }
    }

    /// The peer that messages travel to in `direction`.
    fn receiver(&mut self, direction: Direction) -> &mut Side {
        self.sender(back(direction))
    }
}

/// The direction of the answers to what travels in `direction`.
fn back(direction: Direction) -> Direction {
    match direction {
        Direction::ToServer => Direction::ToClient,
        Direction::ToClient => Direction::ToServer,
    }
}

/// Who waits for what the message brings: its sender, or for a response its receiver.
fn waiting(turn: Turn<'_>) -> Option<Waiting> {
    let (id, direction) = match turn.message.kind() {
        MessageKind::Request { id, .. } => (id, back(turn.direction)),
        MessageKind::Response { id, .. } => (id.as_ref()?, turn.direction),
        MessageKind::Notification { .. } => return None,
    };
    Some(Waiting {
        scope: turn.source.scope,
        id: id.clone(),
        direction,
    })
}

fn code(error: &Value) -> Option<i64> {
    error.get("code")?.as_i64()
}

/// Whether a line does not even look like a message.
fn is_noise(line: &[u8]) -> bool {
    let first = line.iter().find(|byte| !byte.is_ascii_whitespace());
    !matches!(first, Some(b'{' | b'['))
}
