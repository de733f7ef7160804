use std::sync::Arc;

use portcullis_engine::Policy;
use portcullis_json::{Limits, Object, Value, parse};
use portcullis_session::{
    Action, Guardrail, GuardrailAction, KnownTools, LocalDetectors, Party, RefusalStyle, Session,
    SessionContext, SessionLimits, Sightings, ToolChecks,
};
use portcullis_trace::pin::ToolPin;
use portcullis_trace::record::Direction::{ToClient, ToServer};
use portcullis_trace::record::{Direction, EventRecord, GuardrailName, Timestamp};

/// A session between two scripted peers.
pub(crate) struct Conversation {
    pub(crate) session: Session,
    /// What a store would know of the server's tools, or why it does not.
    pub(crate) tools: Result<KnownTools, String>,
    now: i64,
}

/// What became of one line.
#[derive(Debug, Default)]
pub(crate) struct Became {
    pub(crate) sent: Vec<(Direction, String)>,
    pub(crate) records: Vec<EventRecord>,
    pub(crate) notes: Vec<String>,
}

pub(crate) fn guardrail(name: &str, source: &str, on_violation: GuardrailAction) -> Guardrail {
    let loaded = Policy::load(source);
    Guardrail {
        name: GuardrailName {
            id: None,
            name: name.to_owned(),
        },
        policy: Ok(loaded
            .policy
            .unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))),
        on_violation,
        on_failure: GuardrailAction::Block,
    }
}

pub(crate) fn json(text: &str) -> Value {
    parse(text, &Limits::strict()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

// === impl Conversation ===

impl Conversation {
    pub(crate) fn unguarded() -> Self {
        Self::with(Vec::new(), |_| {})
    }

    /// With one policy that blocks.
    pub(crate) fn guarded(source: &str) -> Self {
        Self::with(vec![guardrail("g", source, GuardrailAction::Block)], |_| {})
    }

    pub(crate) fn with(
        guardrails: Vec<Guardrail>,
        change: impl FnOnce(&mut SessionContext),
    ) -> Self {
        let mut context = SessionContext {
            revision: None,
            has_argument_headers: false,
            id: "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b".parse().unwrap(),
            server: Arc::from("mail"),
            party: Party::default(),
            guardrails,
            tool_checks: ToolChecks::default(),
            parameters: Object::new(),
            refusal: RefusalStyle::Result,
            extra_methods: Vec::new(),
            limits: SessionLimits::default(),
            detectors: Arc::new(LocalDetectors),
        };
        change(&mut context);
        Self {
            session: Session::new(context),
            tools: Ok(KnownTools::default()),
            now: 1_700_000_000_000_000,
        }
    }

    pub(crate) fn client(&mut self, line: &str) -> Became {
        self.line(ToServer, line.as_bytes())
    }

    pub(crate) fn server(&mut self, line: &str) -> Became {
        self.line(ToClient, line.as_bytes())
    }

    pub(crate) fn line(&mut self, direction: Direction, line: &[u8]) -> Became {
        self.now += 1000;
        let now = Timestamp::from_micros(self.now);
        let outcome = self.session.on_line(direction, line, now);
        assert!(outcome.inquiry.is_none(), "{:?}", outcome.inquiry);
        self.carry_out(outcome.actions)
    }

    fn carry_out(&mut self, actions: Vec<Action>) -> Became {
        let mut became = Became::default();
        let mut is_stopped = false;
        for action in actions {
            match action {
                Action::ReadTools => self.session.on_known_tools(self.tools.clone()),
                Action::NoteTools(seen) => {
                    let noted = self.note(&seen);
                    let answers = self.session.on_noted_tools(&seen, noted);
                    let answers = Became::from(answers);
                    is_stopped = !answers.sent.is_empty();
                    became.sent.extend(answers.sent);
                    became.notes.extend(answers.notes);
                }
                Action::Send(_) if is_stopped => {}
                action => {
                    let one = Became::from(vec![action]);
                    became.sent.extend(one.sent);
                    became.records.extend(one.records);
                    became.notes.extend(one.notes);
                }
            }
        }
        became
    }

    /// As the store does it.
    fn note(&mut self, seen: &Sightings) -> Result<Vec<ToolPin>, String> {
        let known = self.tools.as_mut().map_err(|reason| reason.clone())?;
        for seen in &seen.tools {
            let definition = Some(seen.definition.clone());
            let mut pins = known.pins.iter_mut();
            match pins.find(|pin| pin.tool == seen.tool) {
                Some(pin) => pin.seen = definition.filter(|seen| pin.pinned.as_ref() != Some(seen)),
                None => known.pins.push(ToolPin {
                    tool: seen.tool.clone(),
                    pinned: definition.clone().filter(|_| seen.is_trusted),
                    seen: definition.filter(|_| !seen.is_trusted),
                    since: Timestamp::from_micros(self.now),
                }),
            }
        }
        Ok(known.pins.clone())
    }

    /// A request of the client's that passes.
    #[track_caller]
    pub(crate) fn client_asks(&mut self, id: &str, method: &str, params: &str) {
        let line = request(id, method, params);
        assert_eq!(self.client(&line).sent, [(ToServer, line)]);
    }

    /// An answer of the server's that passes.
    #[track_caller]
    pub(crate) fn server_answers(&mut self, id: &str, result: &str) {
        let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
        assert_eq!(self.server(&line).sent, [(ToClient, line)]);
    }

    /// A handshake that settles on `revision`.
    pub(crate) fn shake_hands(&mut self, revision: &str) {
        self.client_asks(
            "0",
            "initialize",
            &format!(r#"{{"protocolVersion":"{revision}","capabilities":{{}},"clientInfo":{{"name":"c","version":"1"}}}}"#),
        );
        self.server_answers(
            "0",
            &format!(r#"{{"protocolVersion":"{revision}","capabilities":{{}},"serverInfo":{{"name":"s","version":"1"}}}}"#),
        );
    }
}

pub(crate) fn request(id: &str, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

// === impl Became ===

impl Became {
    /// The only thing that was sent.
    #[track_caller]
    pub(crate) fn only(&self) -> (Direction, Value) {
        let [(direction, text)] = &*self.sent else {
            panic!("not one message: {:?}", self.sent);
        };
        (*direction, json(text))
    }

    /// The code and the message of the error that was sent to `direction`, which is all there was.
    #[track_caller]
    pub(crate) fn error(&self, direction: Direction) -> (i64, String) {
        let (sent_to, message) = self.only();
        assert_eq!(sent_to, direction);
        let error = message
            .get("error")
            .unwrap_or_else(|| panic!("no error: {message}"));
        (
            error.get("code").and_then(Value::as_i64).unwrap(),
            error
                .get("message")
                .and_then(Value::as_str)
                .unwrap()
                .to_owned(),
        )
    }

    /// Asserts that nothing went to anybody, for a reason that a note gives.
    #[track_caller]
    pub(crate) fn is_dropped(&self, reason: &str) {
        assert!(self.sent.is_empty(), "{:?}", self.sent);
        assert!(
            self.notes.iter().any(|note| note.contains(reason)),
            "{:?}",
            self.notes
        );
    }
}

impl From<Vec<Action>> for Became {
    fn from(actions: Vec<Action>) -> Self {
        let mut became = Self::default();
        for action in actions {
            match action {
                Action::Send(permit) => {
                    let text = String::from_utf8(permit.bytes().to_vec()).unwrap();
                    became.sent.push((permit.delivery().direction, text));
                }
                Action::Record { event, .. } => became.records.push(event),
                Action::Note(note) => became.notes.push(note.to_string()),
                // Whoever has a store does it.
                Action::ReadTools | Action::NoteTools(_) => {}
                Action::Introduce(peers) => became.notes.push(format!("{peers:?}")),
            }
        }
        became
    }
}
