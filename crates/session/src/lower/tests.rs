use portcullis_json::{Limits, parse};
use portcullis_mcp::{EnvelopeLimits, Message, Peer};
use portcullis_trace::wire;

use super::*;

fn value(text: &str) -> Value {
    parse(text, &Limits::strict()).unwrap()
}

#[test]
fn long_texts_are_recorded_as_they_are_written() {
    let long = r#"say \"a\/b\" "#.repeat(100);
    for (line, method) in [
        (
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"t","arguments":{{"edits":[{{"old":"{long}"}}]}}}}}}"#
            ),
            None,
        ),
        (
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"{long}"}}]}}}}"#
            ),
            Some("tools/call"),
        ),
    ] {
        let message = Message::parse(line.as_bytes(), &EnvelopeLimits::new(Peer::Server)).unwrap();
        let call_id = "call_1".into();
        let subject = match (method, message.result()) {
            (Some(method), Some(result)) => Subject::Result {
                call_id: &call_id,
                method,
                result,
                task_call: None,
            },
            _ => Subject::Request {
                call_id: &call_id,
                method: "tools/call",
                params: message.params(),
            },
        };
        let common = Common::new(&"s".into());
        let lowered = lower(subject, &common, "T", message.written()).unwrap();
        let written = lowered.text.into_list();
        assert!(written.contains(&long), "{written}");
        let elements = value(&written);
        let read = wire::trace(elements.as_array().unwrap()).unwrap();
        assert_eq!(read, lowered.events);
    }
}

/// What is recorded of a message says what was judged.
#[track_caller]
fn check(subject: Subject<'_>) {
    let common = Common::new(&"s\"".into());
    let timestamp = "2023-11-14T22:13:20Z";
    let lowered = lower(subject, &common, timestamp, Written::default()).unwrap();
    let written = value(&lowered.text.into_list());
    let elements = written.as_array().unwrap();
    assert_eq!(wire::trace(elements).unwrap(), lowered.events, "{written}");
}

#[test]
fn requests_and_notifications_are_recorded_as_they_are_judged() {
    let call_id = "call_1".into();
    for (method, params) in [
        (
            "tools/call",
            r#"{"name":"t","arguments":{"a":["b\n"]},"_meta":{"c":1},"inputResponses":{"d":{"role":"user","content":{"type":"image","data":"d29yZA==","mimeType":"text/plain"}}}}"#,
        ),
        ("tools/call", r#"{"name":"t"}"#),
        ("tools/call", r#"{"name":1,"arguments":{"a":2}}"#),
        ("resources/read", r#"{"uri":"file:///a/%2e%2e/b?c"}"#),
        ("ping", "{}"),
        (
            "sampling/createMessage",
            r#"{"messages":[{"role":"user","content":{"type":"audio","data":"d29yZA==","mimeType":"text/plain"}}]}"#,
        ),
        (
            "notifications/progress",
            r#"{"progressToken":1,"progress":2,"message":"m"}"#,
        ),
        (
            "notifications/tasks",
            r#"{"taskId":"t","result":{"content":[{"type":"text","text":"a"}]},"statusMessage":"b\tc"}"#,
        ),
    ] {
        let params = Some(&value(params));
        check(Subject::Request {
            call_id: &call_id,
            method,
            params,
        });
        check(Subject::Notification {
            method,
            params,
            task_call: Some(&call_id),
        });
    }
    check(Subject::Request {
        call_id: &call_id,
        method: "tools/list",
        params: None,
    });
}

#[test]
fn answers_are_recorded_as_they_are_judged() {
    let call_id = "call_1".into();
    let blocks = r#"[{"type":"text","text":"a\"","annotations":{"b":"c\n"}},{"type":"text"},{"type":"image","data":"d29yZA==","mimeType":"image/png"},{"type":"image"},{"type":"audio","data":"d29yZA==","mimeType":"text/plain"},{"type":"resource","resource":{"uri":"u","text":"t"}},{"type":"resource","resource":{"uri":"u","blob":"d29yZA==","mimeType":"image/gif"},"e":1},{"type":"resource","resource":"f"},"g"]"#;
    let result = value(&format!(
        r#"{{"content":{blocks},"contents":{blocks},"structuredContent":{{"h":"i\n"}},"messages":[{{"role":"assistant","content":{blocks}}},{{"role":"tool","content":{{"type":"text","text":"j"}}}},5],"tools":[{{"name":"n","description":"d","inputSchema":{{"properties":{{"k":{{"type":["string","null"]}}}}}}}},{{"name":6,"description":[7],"inputSchema":8,"l":"m\n"}},"o"],"instructions":"p\n","status":"completed","result":{{"content":{blocks}}},"error":{{"code":1,"message":"q"}}}}"#
    ));
    let methods = [
        "tools/call",
        "tools/list",
        "tasks/get",
        "tasks/result",
        "resources/read",
        "sampling/createMessage",
        "prompts/get",
        "initialize",
        "server/discover",
        "completion/complete",
        "ping",
    ];
    for method in methods {
        for result in [
            &result,
            &value("{}"),
            &value(r#"{"tools":"a","content":"b"}"#),
            &value("[1]"),
        ] {
            for task_call in [None, Some(&call_id)] {
                check(Subject::Result {
                    call_id: &call_id,
                    method,
                    result,
                    task_call,
                });
            }
        }
    }
    for error in [
        r#"{"code":1,"message":"a\"b"}"#,
        r#"{"code":1,"message":"a","data":"b\n"}"#,
        "null",
    ] {
        check(Subject::Error {
            call_id: &call_id,
            error: &value(error),
            task_call: Some(&call_id),
        });
    }
}
