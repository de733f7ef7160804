//! One question to a session.

use super::sample::{WORD, answer, error, notification, params, request, result};
use portcullis_engine::Policy;
use portcullis_json::{Limits, Object, Value, parse};
use portcullis_mcp::{MethodKind, MethodSpec, Peer, Revision};
use portcullis_session::{
    Action, Guardrail, GuardrailAction, LocalDetectors, Party, RefusalStyle, Session,
    SessionContext, SessionLimits, ToolChecks,
};
use portcullis_trace::record::{Direction, EventRecord, GuardrailName, Timestamp, Verdict};
use std::sync::Arc;

/// Sees the word wherever it stands.
const POLICY: &str = r#"
raise "the word" if:
    (c: ToolCall)
    "conspicuous" in c.function.name

raise "the word" if:
    (c: ToolCall)
    (value: str) in c.function.arguments
    "conspicuous" in value

raise "the word" if:
    (o: ToolOutput)
    (value: str) in text(o)
    "conspicuous" in value

raise "the word" if:
    (m: Message)
    (value: str) in text(m)
    "conspicuous" in value

raise "the word" if:
    (t: Tool)
    "conspicuous" in t.description
"#;
const SESSION: &str = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b";
/// The answer of a request that nobody asks about.
const OPEN: i64 = 1;
const ASKED: i64 = 2;

/// A place of a message.
pub(super) struct Probe<'p> {
    pub(super) spec: &'p MethodSpec,
    pub(super) sender: Peer,
    pub(super) revision: Revision,
    /// `None`: there is no text, and the message is to pass.
    pub(super) place: Option<&'p str>,
    pub(super) carrier: Carrier,
}

/// What carries the method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    Own,
    /// The result of another request, and the parameters of the next.
    Nested,
    /// An error instead of a result.
    Error,
}

/// What became of the message.
pub(super) struct Became {
    verdict: Option<Verdict>,
    seen: Vec<String>,
    /// Who was told what instead.
    told: Option<String>,
    has_text: bool,
}

/// A session and its clock.
struct Asked {
    session: Session,
    micros: i64,
}

// === impl Probe ===

impl Probe<'_> {
    pub(super) fn ask(&self) -> Result<Became, String> {
        let mut asked = Asked::new(self.revision)?;
        let (there, back) = match self.sender {
            Peer::Client => (Direction::ToServer, Direction::ToClient),
            Peer::Server => (Direction::ToClient, Direction::ToServer),
        };
        let actions = match (self.carrier, self.place) {
            (Carrier::Nested, _) => self.ask_nested(&mut asked)?,
            (Carrier::Error, _) => {
                asked.passes(there, &self.message(None))?;
                asked.line(back, &error(ASKED))
            }
            (Carrier::Own, Some(place)) if place.starts_with("result") => {
                asked.passes(there, &self.message(None))?;
                asked.line(back, &answer(ASKED, &result(self.spec.name, place)))
            }
            (Carrier::Own, None) => {
                asked.passes(there, &self.message(None))?;
                Vec::new()
            }
            (Carrier::Own, place) => {
                self.open(&mut asked)?;
                asked.line(there, &self.message(place))
            }
        };
        Ok(Became::of(&actions, self.place.is_some()))
    }

    fn message(&self, place: Option<&str>) -> String {
        let params = params(self.spec.name, self.revision, place);
        match self.spec.kind {
            MethodKind::Request => request(ASKED, self.spec.name, &params),
            MethodKind::Notification => notification(self.spec.name, &params),
        }
    }

    /// Opens the request that the message is about.
    fn open(&self, asked: &mut Asked) -> Result<(), String> {
        let opener = match (self.spec.name, self.sender) {
            ("notifications/cancelled", sender) => sender,
            ("notifications/progress", Peer::Client) => Peer::Server,
            ("notifications/progress", Peer::Server) => Peer::Client,
            _ => return Ok(()),
        };
        let token = r#""_meta":{"progressToken":7}"#;
        match opener {
            Peer::Client => {
                let params = format!(r#"{{"name":"t",{token}}}"#);
                asked.passes(Direction::ToServer, &request(OPEN, "tools/call", &params))
            }
            Peer::Server => {
                let params = format!(r#"{{"messages":[],"maxTokens":1,{token}}}"#);
                let sampling = request(OPEN, "sampling/createMessage", &params);
                asked.passes(Direction::ToClient, &sampling)
            }
        }
    }

    fn ask_nested(&self, asked: &mut Asked) -> Result<Vec<Action>, String> {
        let plain = params("tools/call", self.revision, None);
        let place = self.place.unwrap_or_default();
        if place.starts_with("result") {
            let response = result(self.spec.name, place);
            let responses = format!(r#""inputResponses":{{"r":{response}}}"#);
            let members = plain.strip_prefix('{').unwrap_or_default();
            let params = format!("{{{responses},{members}");
            return Ok(asked.line(Direction::ToServer, &request(ASKED, "tools/call", &params)));
        }
        asked.passes(Direction::ToServer, &request(ASKED, "tools/call", &plain))?;
        let (name, inner) = (
            self.spec.name,
            params("", Revision::V2025_11_25, self.place),
        );
        let asks = format!(
            r#"{{"resultType":"input_required","inputRequests":{{"r":{{"method":"{name}","params":{inner}}}}}}}"#
        );
        Ok(asked.line(Direction::ToClient, &answer(ASKED, &asks)))
    }
}

// === impl Asked ===

impl Asked {
    fn new(revision: Revision) -> Result<Self, String> {
        let policy = Policy::load(POLICY)
            .policy
            .ok_or("the policy does not load")?;
        let guardrail = Guardrail {
            name: GuardrailName {
                id: None,
                name: "word".to_owned(),
            },
            policy: Ok(policy),
            on_violation: GuardrailAction::Block,
            on_failure: GuardrailAction::Block,
        };
        let session = Session::new(SessionContext {
            tool_checks: ToolChecks::default(),
            id: SESSION.parse().map_err(|_| "no session id")?,
            revision: revision.is_stateless().then_some(revision),
            has_argument_headers: revision.is_stateless(),
            server: Arc::from("server"),
            party: Party::default(),
            guardrails: vec![guardrail],
            parameters: Object::new(),
            refusal: RefusalStyle::Result,
            extra_methods: Vec::new(),
            limits: SessionLimits::default(),
            detectors: Arc::new(LocalDetectors),
        });
        Ok(Self { session, micros: 0 })
    }

    fn line(&mut self, direction: Direction, line: &str) -> Vec<Action> {
        self.micros += 1;
        let now = Timestamp::from_micros(self.micros);
        let outcome = self.session.on_line(direction, line.as_bytes(), now);
        outcome.actions
    }

    /// A message without the word, which nobody may object to.
    fn passes(&mut self, direction: Direction, line: &str) -> Result<(), String> {
        let actions = self.line(direction, line);
        let is_passed = |action: &Action| match action {
            Action::Send(permit) => permit.bytes() == line.as_bytes(),
            _ => false,
        };
        if actions.iter().any(is_passed) {
            Ok(())
        } else {
            Err(format!("`{line}` does not pass: {actions:?}"))
        }
    }
}

// === impl Became ===

impl Became {
    fn of(actions: &[Action], has_text: bool) -> Self {
        let mut became = Self {
            verdict: None,
            seen: Vec::new(),
            told: None,
            has_text,
        };
        for action in actions {
            match action {
                Action::Record { event, .. } => {
                    became.verdict = Some(event.verdict);
                    became.seen = seen(event);
                }
                Action::Send(permit) => {
                    let receiver = match permit.delivery().direction {
                        Direction::ToServer => "server",
                        Direction::ToClient => "client",
                    };
                    became.told = Some(told(permit.bytes(), receiver));
                }
                _ => {}
            }
        }
        became
    }

    /// Whether it has text that no guardrail could object to.
    pub(super) fn is_unseen(&self) -> bool {
        let is_judged = matches!(self.verdict, Some(Verdict::Block | Verdict::Redact));
        self.has_text && !is_judged
    }

    pub(super) fn seen(&self) -> String {
        if self.seen.is_empty() {
            "–".to_owned()
        } else {
            self.seen.join(", ")
        }
    }

    pub(super) fn outcome(&self) -> String {
        match (self.verdict, &self.told) {
            _ if !self.has_text => "carries no text".to_owned(),
            (Some(Verdict::Redact), _) => "the listing goes without it".to_owned(),
            (Some(Verdict::Block), Some(told)) => told.clone(),
            (Some(Verdict::Block), None) => "is not passed on".to_owned(),
            (Some(Verdict::Allow | Verdict::Ask) | None, _) => "NOT SEEN".to_owned(),
        }
    }
}

/// What kinds of elements of the trace have the word.
fn seen(event: &EventRecord) -> Vec<String> {
    let elements = parse(&event.events, &Limits::lenient()).unwrap_or(Value::Null);
    let elements = elements.as_array().unwrap_or_default().iter();
    let mut kinds = Vec::new();
    for element in elements.filter(|element| element.to_string().contains(WORD)) {
        let role = element.get("role").and_then(Value::as_str);
        let calls = element.get("tool_calls").and_then(Value::as_array);
        match (role, calls) {
            (None, _) => kinds.push("a tool".to_owned()),
            (Some("tool"), _) => kinds.push("an output".to_owned()),
            (Some(_), Some(calls)) => kinds.extend(calls.iter().filter_map(call)),
            (Some(role), None) => kinds.push(format!("a message of role `{role}`")),
        }
    }
    kinds
}

/// The call, if it has the word.
fn call(call: &Value) -> Option<String> {
    if !call.to_string().contains(WORD) {
        return None;
    }
    Some(match call.get("function")?.get("name")?.as_str()? {
        "t" | WORD => "a call of the tool".to_owned(),
        name => format!("a call of `{name}`"),
    })
}

/// What the receiver is told instead.
fn told(message: &[u8], receiver: &str) -> String {
    let message = str::from_utf8(message).ok();
    let message = message.and_then(|text| parse(text, &Limits::strict()).ok());
    let result = message.as_ref().and_then(|message| message.get("result"));
    match result.and_then(|result| result.get("isError")) {
        Some(Value::Bool(true)) => format!("a result with `isError` for the {receiver}"),
        _ => format!("an error for the {receiver}"),
    }
}
