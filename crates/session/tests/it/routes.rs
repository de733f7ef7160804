//! Whom a message is for, where each request has a stream of its own; guardrails that change.

use portcullis_mcp::{Id, Incoming};
use portcullis_session::{
    Action, Delivery, DeliveryKind, GuardrailAction, PastMessage, Permit, Scope, Source, Stream,
};
use portcullis_trace::record::Direction::{ToClient, ToServer};
use portcullis_trace::record::{Direction, Timestamp};
use portcullis_trace::wire;

use crate::conversation::{Became, Conversation, guardrail, json, request};

const CALL: &str = r#"{"name":"t","arguments":{},"_meta":{"progressToken":"p"}}"#;

fn source(direction: Direction, scope: u64, stream: Option<i64>) -> Source {
    Source {
        direction,
        scope: Scope(scope),
        stream: stream.map_or(Stream::Any, |id| Stream::Of(Id::Integer(id))),
    }
}

/// The deliveries that a message leads to.
fn deliveries(talk: &mut Conversation, source: &Source, line: &str) -> Vec<Delivery> {
    let incoming = Incoming::parse(line.as_bytes(), talk.session.envelope(source.direction));
    let now = Timestamp::from_micros(1);
    let actions = talk
        .session
        .on_incoming(source, &incoming.unwrap(), now)
        .actions;
    let permits = actions.into_iter().filter_map(|action| match action {
        Action::Send(permit) => Some(permit),
        _ => None,
    });
    permits.map(Permit::into_parts).map(|(_, to)| to).collect()
}

#[test]
fn a_message_finds_the_request_that_it_is_about() {
    let mut talk = Conversation::unguarded();
    let session = source(ToServer, 0, None);
    let call = deliveries(&mut talk, &session, &request("7", "tools/call", CALL));
    assert_eq!(call[0].kind, DeliveryKind::Request);
    assert_eq!((call[0].direction, &call[0].concerns), (ToServer, &None));

    let mut check = |stream: Option<i64>, line: &str, expected: Option<i64>| {
        let found = deliveries(&mut talk, &source(ToClient, 0, stream), line);
        assert_eq!(found[0].concerns, expected.map(Id::Integer), "{line}");
    };
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}"#;
    check(None, progress, Some(7));
    let log = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#;
    check(Some(7), log, Some(7));
    check(None, log, None);
    check(Some(7), &request("1", "roots/list", "{}"), Some(7));
    check(
        None,
        r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#,
        Some(7),
    );
}

#[test]
fn an_output_is_that_of_the_call_in_its_scope() {
    let policy = "raise \"mail\" if:\n    (o: ToolOutput)\n    o is tool:read_mail\n";
    let mut talk = Conversation::guarded(policy);
    for (scope, tool) in [(1, "read_mail"), (2, "add"), (3, "1.params")] {
        let call = request(
            "1",
            "tools/call",
            &format!(r#"{{"name":"{tool}","arguments":{{}}}}"#),
        );
        deliveries(&mut talk, &source(ToServer, scope, None), &call);
    }
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
    for (scope, is_refusal) in [(1, true), (2, false), (3, false)] {
        let sent = deliveries(&mut talk, &source(ToClient, scope, None), answer);
        assert_eq!(sent[0].is_refusal, is_refusal, "{scope}");
    }
}

#[test]
fn the_same_id_in_two_scopes_is_two_requests() {
    let mut talk = Conversation::unguarded();
    let call = request("1", "tools/call", r#"{"name":"t","arguments":{}}"#);
    for scope in [1, 2] {
        let sent = deliveries(&mut talk, &source(ToServer, scope, None), &call);
        assert_eq!(sent[0].direction, ToServer, "{scope}");
    }
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
    for scope in [2, 1] {
        let from = source(ToClient, scope, Some(1));
        let sent = deliveries(&mut talk, &from, answer);
        assert_eq!((sent[0].scope, sent[0].is_refusal), (Scope(scope), false));
        assert_eq!(deliveries(&mut talk, &from, answer), []);
    }
}

#[test]
fn an_answer_on_the_stream_of_another_request_is_dropped() {
    let mut talk = Conversation::unguarded();
    for id in ["1", "2"] {
        talk.client_asks(id, "tools/call", r#"{"name":"t","arguments":{}}"#);
    }
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
    assert_eq!(
        deliveries(&mut talk, &source(ToClient, 0, Some(2)), answer),
        []
    );
    let own = deliveries(&mut talk, &source(ToClient, 0, Some(1)), answer);
    assert_eq!(own[0].concerns, Some(Id::Integer(1)));
}

#[test]
fn a_malformed_answer_on_the_stream_of_another_request_fails_neither() {
    let mut talk = Conversation::unguarded();
    for id in ["1", "2"] {
        talk.client_asks(id, "tools/call", r#"{"name":"t","arguments":{}}"#);
    }
    let bad = br#"{"jsonrpc":"2.0","id":1,"result":null}"#;
    let error = Incoming::parse(bad, talk.session.envelope(ToClient)).unwrap_err();
    let actions = talk
        .session
        .on_malformed(&source(ToClient, 0, Some(2)), error);
    assert_eq!(Became::from(actions).sent, []);
    for id in ["1", "2"] {
        talk.server_answers(id, r#"{"content":[]}"#);
    }
}

#[test]
fn a_stream_of_no_request_brings_no_answer() {
    let mut talk = Conversation::unguarded();
    talk.client_asks("1", "tools/call", r#"{"name":"t","arguments":{}}"#);
    let from = Source {
        stream: Stream::OfNone,
        ..Source::whole(ToClient)
    };
    for answer in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#,
        r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"bad"}}"#,
    ] {
        assert_eq!(deliveries(&mut talk, &from, answer), []);
    }
    assert_eq!(
        Became::from(talk.session.on_lost_event(&from, &"it")).sent,
        []
    );
    talk.server_answers("1", r#"{"content":[]}"#);
}

#[test]
fn an_error_without_an_id_answers_the_request_of_its_stream() {
    let mut talk = Conversation::unguarded();
    for id in ["1", "2"] {
        talk.client_asks(id, "tools/call", r#"{"name":"t","arguments":{}}"#);
    }
    let error = r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"bad"}}"#;
    let sent = deliveries(&mut talk, &source(ToClient, 0, Some(2)), error);
    assert_eq!(sent[0].concerns, Some(Id::Integer(2)));
    let words = talk.server(r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#);
    assert_eq!(words.sent.len(), 1);
}

#[test]
fn other_guardrails_know_what_was_said_before() {
    let policy = "raise \"read, then sent\" if:\n    (a: ToolCall) -> (b: ToolCall)\n    \
                  a is tool:read\n    b is tool:send\n";
    let read = json(
        r#"{"role":"assistant","content":"","tool_calls":[{"id":"1","type":"function","function":{"name":"read","arguments":{}}}]}"#,
    );
    let send = request("2", "tools/call", r#"{"name":"send","arguments":{}}"#);
    for has_happened in [true, false] {
        let mut talk = Conversation::unguarded();
        let past = PastMessage {
            events: wire::events(&read).unwrap(),
            has_happened,
        };
        let guardrails = vec![guardrail("g", policy, GuardrailAction::Block)];
        let mut rehearsal = talk.session.rehearse(guardrails);
        rehearsal.show([past]);
        assert!(rehearsal.go_on().is_none());
        talk.session.replace_guardrails(rehearsal);
        let sent = talk.client(&send).sent;
        let expected = if has_happened { ToClient } else { ToServer };
        assert_eq!(sent[0].0, expected, "{has_happened}");
    }
}
