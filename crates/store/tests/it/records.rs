//! Records as short as a test can bear.
use std::fmt::Debug;
use std::str::FromStr;

use portcullis_json::{Limits, Number, Object, Value, parse};
use portcullis_store::{Annotation, GuardrailRecord, GuardrailScope, Project, Push, PushedMessage};
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
        events: format!(r#"[{{"role":"user","content":"message {place}"}}]"#),
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

pub(crate) fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// The `n`th id of whatever is not a session.
pub(crate) fn id<T: FromStr>(n: u64) -> T
where
    T::Err: Debug,
{
    format!("3752ff38-da1a-4fa5-84a2-{n:012x}").parse().unwrap()
}

pub(crate) fn project(n: u64, name: &str) -> Project {
    Project {
        id: id(n),
        name: name.to_owned(),
        is_public: false,
        metadata: json_object(r#"{"k":[1]}"#),
        created_at: time(i64::try_from(n).unwrap()),
    }
}

pub(crate) fn guardrail(n: u64) -> GuardrailRecord {
    GuardrailRecord {
        id: id(n),
        project: None,
        name: format!("guardrail {n}"),
        content: "raise \"no\" if: ...".to_owned(),
        enabled: true,
        action: "block".to_owned(),
        scope: GuardrailScope::default(),
        metadata: Object::new(),
        version: 1,
        updated_at: time(i64::try_from(n).unwrap()),
    }
}

/// Annotation `n` of session 1, by `source`.
pub(crate) fn annotation(n: u64, source: &str) -> Annotation {
    Annotation {
        id: id(n),
        session: session_id(1),
        content: format!("remark {n}"),
        address: "messages.0.content:0-2".to_owned(),
        metadata: json_object(&format!(r#"{{"source":"{source}"}}"#)),
        created_at: time(i64::try_from(n).unwrap()),
    }
}

/// The `n`th session as somebody pushes it.
pub(crate) fn pushed(n: u64, project: &str) -> SessionRecord {
    SessionRecord {
        project: Some(project.to_owned()),
        origin: Origin::Pushed,
        ..session(n)
    }
}

/// Messages with these times and contents.
pub(crate) fn push(messages: &[(i64, &str)]) -> Push {
    let message = |(at, content): &(i64, &str)| PushedMessage {
        at: time(*at),
        message: json(&format!(r#"{{"role":"user","content":"{content}"}}"#)),
    };
    Push {
        messages: messages.iter().map(message).collect(),
        annotations: Vec::new(),
        pushed_at: time(1_767_225_700_000_000),
    }
}

pub(crate) fn json(text: &str) -> Value {
    parse(text, &Limits::lenient()).unwrap()
}

pub(crate) fn json_object(text: &str) -> Object {
    json(text).as_object().unwrap().clone()
}
