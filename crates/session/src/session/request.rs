use std::sync::Arc;

use portcullis_json::Value;
use portcullis_mcp::{Id, Method, Revision, error_code, meta_name, view};
use portcullis_trace::record::Direction;

use super::belonging::{target, task};
use super::response::introduction;
use super::{ACTIONS_EXPECTED, Handshake, Session, Subscription, Turn, back};
use crate::action::Action;
use crate::exchange::Exchange;
use crate::inquiry::Asked;
use crate::lower::Subject;
use crate::refusal::{Blocked, OwnWords};
use crate::route::Delivery;
use crate::tools::Report;
use crate::verdict::Permit;

impl Session {
    pub(super) fn on_request(
        &mut self,
        turn: Turn<'_>,
        id: &Id,
        method: &Method,
    ) -> Result<Vec<Action>, Asked> {
        if let Err(words) = self.admit(turn, id, method) {
            let delivery = Delivery::response(back(turn.direction), turn.source.scope, Some(id));
            return Ok(vec![Action::Send(Permit::speak(words, delivery))]);
        }
        let mut exchange = exchange(turn, id, method);
        exchange.rounds = self.rounds_before(turn);
        if !self.introduced.client || *method == Method::Initialize {
            exchange.client = introduction(turn);
        }
        let withheld = self.withheld_tool(turn, method);
        let subject = Subject::Request {
            call_id: exchange.call_id.as_shared_str(),
            method: method.as_str(),
            params: turn.message.params(),
        };
        let mut inspected = self.inspect_with(turn, subject, |_| Report {
            calls_withheld: withheld.is_some(),
            ..Report::default()
        })?;
        let verdict = inspected.verdict();
        let record = self.record(turn, Some(method.as_str()), &mut inspected, verdict);
        let mut actions = Vec::with_capacity(ACTIONS_EXPECTED);
        actions.push(record);
        let permit = match inspected.permit {
            Some(permit) => {
                if *method == Method::Initialize {
                    self.handshake = Handshake::Begun;
                }
                let checks = self.tools.checks();
                let needs_knowledge = match method {
                    Method::ToolsList => checks.needs_knowledge(),
                    Method::Initialize | Method::ServerDiscover => checks.compares(),
                    _ => false,
                };
                if needs_knowledge {
                    actions.push(Action::ReadTools);
                }
                self.task_calls.forget(&exchange.call_id);
                self.sender(turn.direction).exchanges.open(exchange);
                permit
            }
            None => Permit::speak(
                match withheld {
                    // Nobody is told that there is such a tool.
                    Some(tool) => OwnWords::unknown_tool(id, tool),
                    None => OwnWords::refuse(
                        &exchange,
                        Blocked::Request,
                        &inspected.judgement,
                        self.refusal,
                    ),
                },
                Delivery::refusal(back(turn.direction), turn.source.scope, id),
            ),
        };
        actions.push(Action::Send(permit));
        Ok(actions)
    }

    /// What the protocol itself has to say against a request, before any guardrail is asked.
    fn admit(&mut self, turn: Turn<'_>, id: &Id, method: &Method) -> Result<(), OwnWords> {
        let exchanges = &self.sender(turn.direction).exchanges;
        exchanges
            .can_open(turn.source.scope, id)
            .map_err(|error| OwnWords::cannot_open(id, error))?;
        if !self.knows(turn.direction, method) || self.is_on_stateless_stream(turn) {
            return Err(OwnWords::unknown_method(id));
        }
        if let Some(requested) = stateless_revision(turn)
            && !Revision::parse(requested).is_some_and(|revision| self.is_of_era(revision))
        {
            return Err(OwnWords::unsupported_revision(id, requested, self.revision));
        }
        if turn.direction == Direction::ToServer
            && self.is_stateless()
            && stateless_revision(turn).is_none()
        {
            let message = format!("`_meta` must have `{}`", meta_name::PROTOCOL_VERSION);
            let code = error_code::INVALID_PARAMS;
            return Err(OwnWords::error(Some(id), code, &message));
        }
        match method {
            Method::Initialize if self.handshake != Handshake::NotBegun => Err(OwnWords::error(
                Some(id),
                error_code::INVALID_REQUEST,
                "the session is already initialized",
            )),
            Method::ToolsCall => {
                admit_call(turn, id)?;
                self.admit_state(turn, id, method)
            }
            Method::PromptsGet => {
                admit_prompt(turn, id)?;
                self.admit_state(turn, id, method)
            }
            Method::ResourcesRead => self.admit_state(turn, id, method),
            Method::TasksGet
            | Method::TasksResult
            | Method::TasksCancel
            | Method::TasksUpdate
            | Method::SubscriptionsListen => self.admit_tasks(turn, id),
            _ => Ok(()),
        }
    }

    /// The tool that a call names, if it was taken out of a listing.
    fn withheld_tool<'m>(&self, turn: Turn<'m>, method: &Method) -> Option<&'m str> {
        let params = turn
            .message
            .params()
            .filter(|_| *method == Method::ToolsCall)?;
        let name = view::ToolCall::read(params).ok()?.name;
        self.withholds(name).then_some(name)
    }

    /// Whether the message came on the stream that answers a request of the stateless era, which
    /// brings no requests.
    fn is_on_stateless_stream(&self, turn: Turn<'_>) -> bool {
        let answered = turn.source.stream.request();
        let waiting = &self.from_client.exchanges;
        let exchange = answered.and_then(|id| waiting.find(turn.source.scope, id));
        turn.direction == Direction::ToClient && exchange.is_some_and(Exchange::is_stateless)
    }

    /// Whether a request may name this revision here. Which era it is says the first answer that
    /// depends on one: a client that asks a server what it knows may go on with either.
    fn is_of_era(&self, revision: Revision) -> bool {
        match self.revision {
            Some(own) => own.is_stateless() == revision.is_stateless(),
            None => !revision.is_stateless() || self.handshake == Handshake::NotBegun,
        }
    }

    /// Whether some revision of the session's era has the method for this sender, or configuration
    /// lets it pass.
    pub(super) fn knows(&self, direction: Direction, method: &Method) -> bool {
        let sender = match direction {
            Direction::ToServer => portcullis_mcp::Peer::Client,
            Direction::ToClient => portcullis_mcp::Peer::Server,
        };
        let is_stateless = self.revision.map(Revision::is_stateless);
        let mut revisions = Revision::ALL
            .into_iter()
            .filter(|revision| is_stateless.is_none_or(|era| era == revision.is_stateless()));
        revisions.any(|revision| method.may_come_from(sender, revision))
            || self.allows_beside(method.as_str())
    }

    /// Whether configuration lets this method pass beside those of the specification.
    pub(super) fn allows_beside(&self, method: &str) -> bool {
        self.extra_methods.iter().any(|extra| extra == method)
    }
}

fn admit_call(turn: Turn<'_>, id: &Id) -> Result<(), OwnWords> {
    let params = turn.message.params().unwrap_or(&Value::Null);
    let call = view::ToolCall::read(params).map_err(|error| {
        OwnWords::error(Some(id), error_code::INVALID_PARAMS, &error.to_string())
    })?;
    if is_built_in(call.name) {
        return Err(OwnWords::unknown_tool(id, call.name));
    }
    Ok(())
}

fn admit_prompt(turn: Turn<'_>, id: &Id) -> Result<(), OwnWords> {
    let name = turn.message.params().and_then(|params| params.get("name"));
    match name.and_then(Value::as_str) {
        Some(name) if is_built_in(name) => Err(OwnWords::error(
            Some(id),
            error_code::INVALID_PARAMS,
            &format!("Unknown prompt: {name}"),
        )),
        Some(_) | None => Ok(()),
    }
}

/// Whether servers that look names up in a JavaScript object find something by this one that
/// nobody put there.
fn is_built_in(name: &str) -> bool {
    matches!(
        name,
        "__proto__"
            | "__defineGetter__"
            | "__defineSetter__"
            | "__lookupGetter__"
            | "__lookupSetter__"
            | "constructor"
            | "hasOwnProperty"
            | "isPrototypeOf"
            | "propertyIsEnumerable"
            | "prototype"
            | "toLocaleString"
            | "toString"
            | "valueOf"
    )
}

fn exchange(turn: Turn<'_>, id: &Id, method: &Method) -> Exchange {
    let params = turn.message.params();
    let mut exchange = Exchange::new(
        turn.source.scope,
        id.clone(),
        Arc::from(method.as_str()),
        turn.direction,
        turn.now,
    );
    // A token of the wrong type was refused with the envelope.
    exchange.progress_token = params.and_then(|params| view::progress_token(params).ok().flatten());
    exchange.revision = stateless_revision(turn).and_then(Revision::parse);
    if exchange.is_stateless() {
        exchange.target = params.and_then(target);
    }
    let asks_server = turn.direction == Direction::ToServer;
    if asks_server && matches!(method, Method::TasksGet | Method::TasksResult) {
        exchange.task = params.and_then(task);
    }
    if *method == Method::SubscriptionsListen {
        exchange.subscription = Some(Subscription::of(params));
    }
    exchange
}

/// The revision that a request of the stateless era names for itself.
fn stateless_revision(turn: Turn<'_>) -> Option<&str> {
    view::named_revision(turn.message.params()?)?.as_str()
}
