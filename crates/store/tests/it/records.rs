//! Records as short as a test can bear.
use portcullis_json::{Limits, Number, Object, Value, parse};
use portcullis_trace::record::{
    Action, Direction, EventRecord, GuardrailName, Implementation, Origin, Sequence, SessionId,
    SessionRecord, Timestamp, Verdict, ViolationRecord,
};

/// The id of the `n`th session; later ones sort later.
pub(crate) fn session_id(n: u64) -> SessionId {
    format!("0199a1b2-c3d4-7e5f-8a6b-{n:012x}").parse().unwrap()
}

pub(crate) fn sequence(place: u64) -> Sequence {
    Sequence::new(place).unwrap()
}

/// The `n`th session, which started `n` microseconds after the first.
pub(crate) fn session(n: u64) -> SessionRecord {
    SessionRecord {
        id: session_id(n),
        project: None,
        name: None,
        server: "files".to_owned(),
        client: Some(Implementation {
            name: "editor".to_owned(),
            version: None,
        }),
        started_at: Timestamp::from_micros(1_767_225_600_000_000 + i64::try_from(n).unwrap()),
        metadata: Object::new(),
        origin: Origin::Live,
        index: None,
        hierarchy_path: Vec::new(),
    }
}

/// Message `place` of the `n`th session.
pub(crate) fn event(n: u64, place: u64) -> EventRecord {
    EventRecord {
        session: session_id(n),
        sequence: sequence(place),
        recorded_at: Timestamp::from_micros(1_767_225_600_000_000),
        direction: Direction::ToServer,
        method: Some("tools/call".to_owned()),
        message: Some(format!(r#"{{"jsonrpc":"2.0","id":{place}}}"#).into()),
        events: format!(r#"[{{"role":"user","content":"message {place}"}}]"#).into(),
        verdict: Verdict::Allow,
        violations: Vec::new(),
        failure: None,
    }
}

/// A violation with something in every field.
pub(crate) fn violation() -> ViolationRecord {
    ViolationRecord {
        guardrail: GuardrailName {
            id: Some("g-1".to_owned()),
            name: "no secrets".to_owned(),
        },
        action: Action::Block,
        message: "secret leaves".to_owned(),
        arguments: vec!["first".into(), Value::Number(Number::Float(0.5))],
        keywords: json_object(r#"{"severity":"high"}"#),
        ranges: vec![
            "messages.0.content:22-26".to_owned(),
            "messages.1".to_owned(),
        ],
    }
}

pub(crate) fn json(text: &str) -> Value {
    parse(text, &Limits::lenient()).unwrap()
}

pub(crate) fn json_object(text: &str) -> Object {
    json(text).as_object().unwrap().clone()
}
