use std::collections::BTreeSet;
use std::sync::Arc;

use portcullis_engine::Policy;
use portcullis_json::Object;
use portcullis_session::{
    Action, Guardrail, GuardrailAction, LocalDetectors, Party, RefusalStyle, Session,
    SessionContext, SessionLimits, ToolCheck, ToolChecks,
};
use portcullis_trace::record::Direction::{self, ToClient, ToServer};

use super::*;

const POLICY: &str = r#"
raise "food in ToolOutput" if:
    (output: ToolOutput)
    (chunk: str) in text(output.content)
    "food" in chunk

raise "a call" if:
    (call: ToolCall)
    call is tool:get_last_message

raise "an odd tool" if:
    (tool: Tool)
    "secretly" in tool.description
"#;
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"mcp","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"messenger","version":"1"},"instructions":"be kind"}}"#;
const READY: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":{"more":"text"}}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const LISTED: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","inputSchema":{"type":"object"}},{"name":"b","description":"does it","inputSchema":{"type":"object"}}]}}"#;
const CALL: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"get_last_message","arguments":{"username":"Alice"}}}"#;

/// The records of a session with these messages.
fn records(messages: &[(Direction, &str)]) -> Vec<EventRecord> {
    let id = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b".parse().unwrap();
    // There is no store here to compare definitions with.
    let mut tool_checks = ToolChecks::default();
    for check in ToolCheck::ALL {
        tool_checks.set(check, None);
    }
    let mut session = Session::new(SessionContext {
        tool_checks,
        id,
        revision: None,
        has_argument_headers: false,
        server: "messenger".into(),
        party: Party::default(),
        guardrails: vec![Guardrail {
            name: GuardrailName {
                id: Some("7".to_owned()),
                name: "food".to_owned(),
            },
            policy: Ok(Policy::load(POLICY).policy.unwrap()),
            on_violation: GuardrailAction::Log,
            on_failure: GuardrailAction::Log,
        }],
        parameters: Object::new(),
        refusal: RefusalStyle::Invariant,
        extra_methods: Vec::new(),
        limits: SessionLimits::default(),
        detectors: Arc::new(LocalDetectors),
    });
    let mut records = Vec::new();
    for (at, (direction, line)) in messages.iter().enumerate() {
        let now = Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(at).unwrap());
        let outcome = session.on_line(*direction, line.as_bytes(), now);
        for action in outcome.actions {
            if let Action::Record { event, .. } = action {
                records.push(event);
            }
        }
    }
    assert_eq!(records.len(), messages.len());
    records
}

fn answer(result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":2,"result":{result}}}"#)
}

fn project(records: &[EventRecord]) -> Projected {
    let policy_of = |guardrail: &GuardrailName| {
        assert_eq!(guardrail.id.as_deref(), Some("7"));
        Some(Arc::from(POLICY))
    };
    let mut projection = Projection::new();
    let mut all = Projected::default();
    for record in records {
        let projected = projection.push(record, &policy_of).unwrap();
        all.messages.extend(projected.messages);
        all.annotations.extend(projected.annotations);
    }
    all
}

fn said(projected: &Projected) -> Vec<(&str, &str)> {
    let annotations = projected.annotations.iter();
    annotations
        .map(|annotation| (&*annotation.content, &*annotation.address))
        .collect()
}

fn after_handshake<'m>(more: &[(Direction, &'m str)]) -> Vec<(Direction, &'m str)> {
    let mut messages = vec![
        (ToServer, INITIALIZE),
        (ToClient, INITIALIZED),
        (ToServer, READY),
        (ToServer, LIST),
        (ToClient, LISTED),
    ];
    messages.extend(more);
    messages
}

#[test]
fn a_session_is_shown_as_the_reference_shows_it() {
    let result = answer(
        r#"{"content":[{"type":"text","text":"What is your favorite food?\n"}],"structuredContent":{"result":"food"}}"#,
    );
    let records = records(&after_handshake(&[(ToServer, CALL), (ToClient, &result)]));
    let projected = project(&records);

    let roles: Vec<_> = projected.messages.iter().map(|m| m.get("role")).collect();
    let [assistant, tool] = [Some(&"assistant".into()), Some(&"tool".into())];
    assert_eq!(roles, [assistant, tool, assistant, tool]);
    let member = |index: usize, name: &str| projected.messages[index].get(name).unwrap();
    assert_eq!(
        member(2, "tool_calls").to_string(),
        r#"[{"id":"call_2","type":"function","function":{"name":"get_last_message","arguments":{"username":"Alice"}}}]"#
    );
    assert_eq!(
        member(3, "content").to_string(),
        r#"[{"type":"text","text":"What is your favorite food?\n"}]"#
    );
    assert_eq!(
        member(3, "timestamp").as_str(),
        Some("2023-11-14T22:13:20.000006+00:00")
    );
    assert_eq!(
        said(&projected),
        [
            ("a call", "messages.2.tool_calls.0"),
            ("food in ToolOutput", "messages.3.content.0.text:22-26"),
        ]
    );
    assert_eq!(
        Value::from(projected.annotations[0].extra_metadata.clone()),
        parse(
            &format!(
                r#"{{"source":"guardrails-error","guardrail":{{"id":"7","name":"food","content":{},"action":"log"}}}}"#,
                Value::from(POLICY)
            ),
            &Limits::strict()
        )
        .unwrap()
    );
}

#[test]
fn annotations_have_the_same_ids_every_time_and_no_two_the_same() {
    let result = answer(r#"{"content":[{"type":"text","text":"food and food"}]}"#);
    let records = records(&after_handshake(&[(ToServer, CALL), (ToClient, &result)]));
    let (one, other) = (project(&records), project(&records));
    assert_eq!(one, other);
    let ids: BTreeSet<_> = one.annotations.iter().map(|a| &a.id).collect();
    assert_eq!(ids.len(), 3);
    for id in ids {
        assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
    }
    let twice = EventRecord {
        sequence: records.last().unwrap().sequence.next(),
        events: "[]".into(),
        ..records.last().unwrap().clone()
    };
    let again = project(&[records, vec![twice]].concat());
    assert_eq!(again, one);
}

#[test]
fn what_is_left_out_is_told_at_the_nearest_message() {
    let listed = LISTED.replace("does it", "does it secretly");
    let only_structured = answer(r#"{"content":[],"structuredContent":{"dish":"food"}}"#);
    let mut messages = after_handshake(&[(ToServer, CALL), (ToClient, &only_structured)]);
    messages[4].1 = &listed;
    let projected = project(&records(&messages));
    assert_eq!(
        said(&projected),
        [
            ("an odd tool", "messages.1"),
            ("a call", "messages.2.tool_calls.0"),
            ("food in ToolOutput", "messages.3"),
        ]
    );
    assert_eq!(
        projected.messages[3].get("content"),
        Some(&Vec::new().into())
    );

    let kind = INITIALIZED.replace("be kind", "food");
    let projected = project(&records(&[(ToServer, INITIALIZE), (ToClient, &kind)]));
    assert_eq!(projected.messages, []);
    assert_eq!(said(&projected), [("food in ToolOutput", "messages")]);
}

#[test]
fn after_a_loss_violations_are_told_at_the_message_that_has_them() {
    let result = answer(r#"{"content":[{"type":"text","text":"food"}]}"#);
    let mut records = records(&after_handshake(&[(ToServer, CALL), (ToClient, &result)]));
    records.remove(4);
    let projected = project(&records);
    assert_eq!(projected.messages.len(), 3);
    assert_eq!(
        said(&projected),
        [
            ("a call", "messages.1"),
            ("food in ToolOutput", "messages.2"),
        ]
    );
}

#[test]
fn a_failure_is_told_too() {
    let mut records = records(&after_handshake(&[(ToServer, CALL)]));
    records[5].violations.clear();
    records[5].failure = Some("food: out of fuel".to_owned());
    let projected = project(&records);
    assert_eq!(said(&projected), [("food: out of fuel", "messages.2")]);
}

#[test]
fn damaged_events_are_an_error() {
    let mut records = records(&[(ToServer, INITIALIZE)]);
    records[0].events = "{}".into();
    let error = Projection::new().push(&records[0], &|_| None).unwrap_err();
    assert_eq!(error.to_string(), "the events of message 1 are no list");
}
