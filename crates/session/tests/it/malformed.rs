//! What is no message is never forwarded, and the session goes on.

use portcullis_mcp::frame::LineError;
use portcullis_trace::record::Direction::{ToClient, ToServer};

use crate::conversation::{Became, Conversation, request};

const CALL: &str = r#"{"name":"t","arguments":{}}"#;

/// The edge cases of JSON and of the envelope; each with the code it is answered with.
const MALFORMED: [(&str, &[u8], i64); 12] = [
    ("no JSON", b"hello", -32700),
    ("cut off", b"{\"jsonrpc\":", -32700),
    (
        "not UTF-8",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}",
        -32700,
    ),
    (
        "duplicate member",
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}"#,
        -32600,
    ),
    (
        "escaped duplicate",
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","\u006eame":"b"}}"#,
        -32600,
    ),
    (
        "case variant",
        br#"{"jsonrpc":"2.0","id":1,"Method":"tools/list"}"#,
        -32600,
    ),
    (
        "id null",
        br#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#,
        -32600,
    ),
    (
        "id fraction",
        br#"{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}"#,
        -32600,
    ),
    (
        "call as notification",
        br#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"t"}}"#,
        -32600,
    ),
    (
        "arguments no object",
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":[]}}"#,
        -32602,
    ),
    (
        "no tool name",
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#,
        -32602,
    ),
    (
        "batch",
        br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
        -32600,
    ),
];

#[test]
fn a_malformed_line_of_the_client_is_answered_and_the_session_goes_on() {
    for (case, line, code) in MALFORMED {
        let mut talk = Conversation::unguarded();
        assert_eq!(talk.line(ToServer, line).error(ToClient).0, code, "{case}");
        talk.client_asks("1", "tools/call", CALL);
    }
}

#[test]
fn over_deep_nesting_is_refused() {
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let line = request(
        "1",
        "tools/call",
        &format!(r#"{{"name":"t","arguments":{{"a":{deep}}}}}"#),
    );
    let mut talk = Conversation::unguarded();
    assert_eq!(talk.client(&line).error(ToClient).0, -32600);
}

#[test]
fn a_malformed_answer_fails_the_call() {
    let mut talk = Conversation::unguarded();
    talk.client_asks("1", "tools/call", CALL);
    let became = talk.server(r#"{"jsonrpc":"2.0","id":1,"result":{},"extra":1}"#);
    assert!(became.error(ToClient).1.contains("malformed"));
    talk.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)
        .is_dropped("no open request");
}

#[test]
fn an_answer_that_cannot_be_read_is_that_of_the_only_open_request() {
    let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{}"#, "[".repeat(300));
    let lines: [&[u8]; 7] = [
        br#"{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}"#,
        br#"{"jsonrpc":"2.0","id":1,"id":1,"result":{}}"#,
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"\xff\"}}",
        br#"{"jsonrpc":"2.0","id":1,"result":{"a":NaN}}"#,
        br#"{"jsonrpc":"2.0","id":1.0,"result":{}}"#,
        br#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#,
        deep.as_bytes(),
    ];
    for line in lines {
        let mut talk = Conversation::unguarded();
        talk.client_asks("1", "tools/call", CALL);
        let became = talk.line(ToClient, line);
        assert!(became.error(ToClient).1.contains("malformed"), "{line:?}");
        talk.client_asks("1", "tools/call", CALL);
        talk.client_asks("2", "tools/call", CALL);
        assert_eq!(talk.line(ToClient, line).sent, [], "{line:?}");
    }
}

#[test]
fn what_a_server_writes_beside_its_answers_fails_no_request() {
    for line in [
        "[INFO] handling a call",
        r#"{"level":"info","msg":"x"}"#,
        "{not json",
        "{}",
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":NaN}}"#,
    ] {
        let mut talk = Conversation::unguarded();
        talk.client_asks("1", "tools/call", CALL);
        assert_eq!(talk.line(ToClient, line.as_bytes()).sent, [], "{line}");
        talk.server_answers("1", r#"{"content":[]}"#);
    }
}

#[test]
fn a_malformed_answer_of_the_clients_fails_the_request_of_the_servers() {
    let mut talk = Conversation::unguarded();
    talk.client_asks("1", "tools/call", CALL);
    assert_eq!(talk.server(&request("1", "roots/list", "{}")).sent.len(), 1);
    let became = talk.client(r#"{"jsonrpc":"2.0","id":1,"result":null}"#);
    assert!(became.error(ToServer).1.contains("malformed"));
    // Nobody waits for it any more, and the client has asked nothing.
    talk.client(r#"{"jsonrpc":"2.0","id":1,"result":null}"#)
        .is_dropped("malformed");
    talk.server_answers("1", r#"{"content":[]}"#);
}

#[test]
fn noise_of_the_server_goes_to_the_log_shortened() {
    let mut talk = Conversation::unguarded();
    talk.server("Server listening \u{1b}[31m")
        .is_dropped("no message");
    let became = talk.server(&"x".repeat(10_000));
    assert!(became.notes[0].len() < 400, "{}", became.notes[0].len());
    assert!(became.notes[0].contains("10000 bytes"));
}

#[test]
fn notes_are_bounded() {
    let mut talk = Conversation::unguarded();
    let noted = (0..5000)
        .filter(|_| !talk.server("noise").notes.is_empty())
        .count();
    assert_eq!(noted, 1001);
}

#[test]
fn lost_lines_are_answered_where_somebody_waits() {
    let too_long = LineError::TooLong {
        bytes: 20,
        limit: 10,
    };
    let mut talk = Conversation::unguarded();
    let became: Became = talk.session.on_lost_line(ToServer, too_long).into();
    assert_eq!(became.error(ToClient).0, -32600);
    let became: Became = talk.session.on_lost_line(ToClient, too_long).into();
    assert!(became.sent.is_empty());
    talk.client_asks("1", "tools/call", CALL);
    let became: Became = talk.session.on_lost_line(ToClient, too_long).into();
    assert!(became.error(ToClient).1.contains("is longer than 10"));
}

#[test]
fn a_batch_is_judged_message_by_message_where_the_revision_has_it() {
    let mut talk =
        Conversation::guarded("raise \"no\" if:\n    (c: ToolCall)\n    c is tool:bad\n");
    talk.shake_hands("2025-03-26");
    let good = request("1", "tools/call", r#"{"name":"good","arguments":{}}"#);
    let bad = request("2", "tools/call", r#"{"name":"bad","arguments":{}}"#);
    let became = talk.client(&format!("[{good}, {bad}]"));
    assert_eq!(became.sent[0], (ToServer, good));
    assert_eq!(became.sent[1].0, ToClient);
    assert_eq!(became.sent.len(), 2);
}
