//! What is recorded: every judged message in order, as policies saw it.

use portcullis_json::Value;
use portcullis_trace::record::Direction::{ToClient, ToServer};
use portcullis_trace::record::Sequence;

use crate::conversation::{Conversation, json, request};

/// The elements that a message was lowered to, without what every element carries.
fn elements(became: &crate::conversation::Became) -> Vec<String> {
    let Value::Array(elements) = json(&became.records[0].events) else {
        panic!("no list");
    };
    let bare = elements.iter().map(|element| {
        let mut element = element.as_object().unwrap().clone();
        element.remove("timestamp");
        element.remove("metadata");
        Value::from(element).to_string()
    });
    bare.collect()
}

#[test]
fn requests_become_calls() {
    let check = |method: &str, params: &str, expected: &[&str]| {
        let mut talk = Conversation::unguarded();
        assert_eq!(
            elements(&talk.client(&request("7", method, params))),
            expected
        );
    };
    let calls =
        |calls: &str| format!(r#"{{"role":"assistant","content":"","tool_calls":[{calls}]}}"#);
    let one = r#"{"id":"call_7","type":"function","function":{"name":"t","arguments":{"a":1}}}"#;
    check(
        "tools/call",
        r#"{"name":"t","arguments":{"a":1}}"#,
        &[&calls(one)],
    );
    check(
        "tools/call",
        r#"{"name":"t","arguments":{"a":1},"_meta":{"progressToken":1}}"#,
        &[&calls(one)],
    );
    let extra = r#"{"id":"call_7.params","type":"function","function":{"name":"tools/call","arguments":{"inputResponses":{"k":1}}}}"#;
    check(
        "tools/call",
        r#"{"name":"t","arguments":{"a":1},"inputResponses":{"k":1}}"#,
        &[&calls(&format!("{one},{extra}"))],
    );
    let read = r#"{"id":"call_7","type":"function","function":{"name":"resources/read","arguments":{"uri":"x"}}}"#;
    check("resources/read", r#"{"uri":"x"}"#, &[&calls(read)]);
    let [written, plain] = [
        ("call_7", "file:///a/%2e%2e/x"),
        ("call_7.uri", "file:///x"),
    ]
    .map(|(id, uri)| {
        read.replace("call_7", id)
            .replace(r#""x""#, &format!(r#""{uri}""#))
    });
    check(
        "resources/read",
        r#"{"uri":"file:///a/%2e%2e/x"}"#,
        &[&calls(&format!("{written},{plain}"))],
    );
    check("ping", "{}", &[]);
}

#[test]
fn results_become_outputs() {
    let check = |method: &str, result: &str, expected: &[&str]| {
        let mut talk = Conversation::unguarded();
        talk.client_asks(
            "7",
            method,
            r#"{"name":"t","uri":"x","protocolVersion":"2025-06-18"}"#,
        );
        let became = talk.server(&format!(r#"{{"jsonrpc":"2.0","id":7,"result":{result}}}"#));
        assert_eq!(elements(&became), expected, "{method}");
    };
    check(
        "tools/call",
        r#"{"content":[{"type":"text","text":"hi"},{"type":"image","data":"AA==","mimeType":"image/png"}],"isError":false}"#,
        &[
            r#"{"role":"tool","tool_call_id":"call_7","content":[{"type":"text","text":"hi"},{"type":"image","image_url":{"url":"data:image/png;base64,AA=="}}]}"#,
        ],
    );
    check(
        "tools/call",
        r#"{"content":[{"type":"text","text":"{\"a\": 1}"}],"structuredContent":{"a":1}}"#,
        &[
            r#"{"role":"tool","tool_call_id":"call_7","content":[{"type":"text","text":"{\"a\": 1}"}]}"#,
        ],
    );
    check(
        "tools/list",
        r#"{"tools":[{"name":"t","inputSchema":{}}],"nextCursor":"c"}"#,
        &[
            r#"{"role":"tool","tool_call_id":"call_7","content":"[{\"name\":\"t\",\"inputSchema\":{}}]"}"#,
            r#"{"tools":[{"name":"t","inputSchema":{},"metadata":{"server":"mail"}}]}"#,
        ],
    );
    check(
        "prompts/get",
        r#"{"messages":[{"role":"assistant","content":{"type":"text","text":"p"}}]}"#,
        &[
            r#"{"role":"tool","tool_call_id":"call_7","content":"{\"messages\":[{\"role\":\"assistant\",\"content\":{\"type\":\"text\",\"text\":\"p\"}}]}"}"#,
            r#"{"role":"assistant","content":[{"type":"text","text":"p"}]}"#,
        ],
    );
    check(
        "initialize",
        r#"{"protocolVersion":"2025-06-18","instructions":"be nice"}"#,
        &[
            r#"{"role":"tool","tool_call_id":"call_7","content":"{\"protocolVersion\":\"2025-06-18\",\"instructions\":\"be nice\"}"}"#,
            r#"{"role":"system","content":"be nice"}"#,
        ],
    );
    check(
        "completion/complete",
        "{}",
        &[r#"{"role":"tool","tool_call_id":"call_7","content":"{}"}"#],
    );
}

#[test]
fn ids_of_different_kinds_give_different_calls() {
    let mut talk = Conversation::unguarded();
    let mut names = Vec::new();
    for id in ["1", r#""1""#, r#""s1""#, r#""a""#] {
        names.push(call_id(&talk.client(&request(id, "tools/list", "{}"))));
    }
    for id in ["1", r#""1""#] {
        names.push(call_id(&talk.server(&request(id, "roots/list", "{}"))));
    }
    assert_eq!(
        names,
        [
            "call_1",
            "call_\"1\"",
            "call_\"s1\"",
            "call_a",
            "call_s1",
            "call_s\"1\""
        ]
    );
}

fn call_id(became: &crate::conversation::Became) -> String {
    let element = json(&elements(became)[0]);
    let calls = element.get("tool_calls").and_then(Value::as_array).unwrap();
    calls[0]
        .get("id")
        .and_then(Value::as_str)
        .unwrap()
        .to_owned()
}

#[test]
fn elements_name_their_server_and_an_ever_later_time() {
    let mut talk = Conversation::unguarded();
    let mut times = Vec::new();
    for id in ["1", "2", "3"] {
        let line = request(id, "tools/list", "{}");
        let now = portcullis_trace::record::Timestamp::from_micros(5);
        let became: crate::conversation::Became = talk
            .session
            .on_line(ToServer, line.as_bytes(), now)
            .actions
            .into();
        let events = json(&became.records[0].events);
        let element = &events.as_array().unwrap()[0];
        assert_eq!(
            element.get("metadata").and_then(|m| m.get("server")),
            Some(&Value::from("mail"))
        );
        times.push(
            element
                .get("timestamp")
                .and_then(Value::as_str)
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(times[0], "1970-01-01T00:00:00.000005Z");
    assert!(
        times.is_sorted_by(|earlier, later| earlier < later),
        "{times:?}"
    );
}

#[test]
fn judged_messages_are_counted_without_a_gap() {
    let mut talk = Conversation::unguarded();
    talk.client_asks("1", "tools/list", "{}");
    talk.server("noise");
    talk.client("{");
    let became = talk.server(r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#);
    assert_eq!(became.records[0].sequence.value(), 2);
    assert_eq!(became.records[0].method.as_deref(), Some("tools/list"));
    assert_eq!(became.records[0].direction, ToClient);
    assert_eq!(talk.session.last_sequence().map(Sequence::value), Some(2));
}

#[test]
fn a_message_too_large_to_keep_is_recorded_without_its_text() {
    let mut talk = Conversation::with(Vec::new(), |context| {
        context.limits.recorded_message_bytes = 80;
    });
    assert!(
        talk.client(&request("1", "tools/list", "{}")).records[0]
            .message
            .is_some()
    );
    let long = request(
        "2",
        "tools/call",
        &format!(r#"{{"name":"t","arguments":{{"a":"{}"}}}}"#, "x".repeat(80)),
    );
    let became = talk.client(&long);
    assert!(became.records[0].message.is_none());
    assert_eq!(became.sent, [(ToServer, long)]);
}
