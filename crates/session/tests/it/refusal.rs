//! What is blocked is answered in the protocol's own terms, and did not happen.

use portcullis_json::Value;
use portcullis_session::{GuardrailAction, RefusalStyle};
use portcullis_trace::record::Direction::{ToClient, ToServer};
use portcullis_trace::record::Verdict;

use crate::conversation::{Conversation, guardrail, request};

const BLOCKED: i64 = -31_001;
const NO_SECRET: &str = "raise \"secret\" if:\n    (o: ToolOutput)\n    \"hunter2\" in o.content\n";
const NO_EVIL: &str =
    "raise \"outside\" if:\n    (c: ToolCall)\n    c is tool:send({to: \".*@evil.com\"})\n";
const AFTER_READ: &str = "raise \"leak\" if:\n    (a: ToolCall) -> (b: ToolCall)\n    a is tool:read\n    b is tool:send\n";

fn call(id: &str, tool: &str, to: &str) -> String {
    request(
        id,
        "tools/call",
        &format!(r#"{{"name":"{tool}","arguments":{{"to":"{to}"}}}}"#),
    )
}

/// The text of a tool result that says it failed.
#[track_caller]
fn failed_call(message: &Value) -> String {
    let result = message
        .get("result")
        .unwrap_or_else(|| panic!("no result: {message}"));
    assert_eq!(result.get("isError"), Some(&Value::from(true)));
    let block = result.get("content").and_then(Value::as_array).unwrap()[0].clone();
    block
        .get("text")
        .and_then(Value::as_str)
        .unwrap()
        .to_owned()
}

#[test]
fn what_holds_without_any_event_is_held_against_no_message() {
    let check = |policy: &str| Conversation::guarded(policy).shake_hands("2025-11-25");
    check("raise \"binders only\" if:\n    (m: Message)\n");
    check(
        "from invariant import count\nraise \"no order\" if:\n    not count(min=1):\n        (m: Message)\n        m.role == \"system\"\n",
    );
}

#[test]
fn a_blocked_call_never_reaches_the_server_and_the_model_can_read_why() {
    let mut talk = Conversation::guarded(NO_EVIL);
    let became = talk.client(&call("1", "send", "x@evil.com"));
    let (direction, message) = became.only();
    assert_eq!(direction, ToClient);
    assert_eq!(message.get("id"), Some(&Value::from(1)));
    let text = failed_call(&message);
    assert!(text.contains("guardrail `g` (outside)"), "{text}");
    assert!(text.contains("Do not repeat the same call"), "{text}");
    assert!(!text.contains("evil"), "{text}");
    assert_eq!(became.records[0].verdict, Verdict::Block);
    let passes = call("1", "send", "x@good.com");
    assert_eq!(talk.client(&passes).sent, [(ToServer, passes)]);
}

#[test]
fn a_model_reads_nothing_that_a_person_does_not_see() {
    let hidden = "\u{fe01}\u{3164}\u{115f}\u{34f}\u{200b}\u{e0100}";
    let mut talk = Conversation::guarded(&NO_EVIL.replace("outside", &format!("a{hidden}b")));
    let became = talk.client(&call("1", "send", "x@evil.com"));
    let text = failed_call(&became.only().1);
    assert!(text.contains("guardrail `g` (a      b)"), "{text}");
}

#[test]
fn a_blocked_call_is_an_error_where_that_is_configured() {
    let guardrails = vec![guardrail("g", NO_EVIL, GuardrailAction::Block)];
    let mut talk = Conversation::with(guardrails, |context| context.refusal = RefusalStyle::Error);
    let (code, message) = talk
        .client(&call("1", "send", "x@evil.com"))
        .error(ToClient);
    assert_eq!(code, BLOCKED);
    assert!(message.contains("outside"), "{message}");
}

#[test]
fn a_withheld_answer_reaches_nobody() {
    let mut talk = Conversation::guarded(NO_SECRET);
    talk.client_asks("1", "tools/call", r#"{"name":"read","arguments":{}}"#);
    let became = talk.server(
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"it is hunter2"}]}}"#,
    );
    let text = failed_call(&became.only().1);
    assert!(
        text.contains("withheld") && !text.contains("hunter2"),
        "{text}"
    );

    talk.client_asks("2", "resources/read", r#"{"uri":"file:///x"}"#);
    let became = talk.server(
        r#"{"jsonrpc":"2.0","id":2,"result":{"contents":[{"uri":"file:///x","text":"hunter2"}]}}"#,
    );
    assert_eq!(became.error(ToClient).0, BLOCKED);

    talk.client_asks("3", "tools/call", r#"{"name":"read","arguments":{}}"#);
    let became = talk
        .server(r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32603,"message":"hunter2 failed"}}"#);
    assert!(!became.only().1.to_string().contains("hunter2"));
}

#[test]
fn every_place_of_a_tool_result_is_inspected() {
    let check = |result: &str| {
        let mut talk = Conversation::guarded(NO_SECRET);
        talk.client_asks("1", "tools/call", r#"{"name":"read","arguments":{}}"#);
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        assert_eq!(
            talk.server(&line).records[0].verdict,
            Verdict::Block,
            "{result}"
        );
    };
    check(r#"{"content":[],"structuredContent":{"a":["hunter2"]}}"#);
    check(r#"{"content":[{"type":"resource","resource":{"uri":"u","text":"hunter2"}}]}"#);
    check(r#"{"content":[{"type":"resource","resource":{"uri":"hunter2","blob":""}}]}"#);
    check(r#"{"content":[{"type":"resource_link","uri":"x://hunter2","name":"n"}]}"#);
    check(r#"{"content":[{"type":"audio","data":"","mimeType":"hunter2"}]}"#);
    check(r#"{"content":[{"type":"text","text":"","_meta":{"k":"hunter2"}}]}"#);
    check(r#"{"content":[{"type":"novel","hunter2":1}]}"#);
    check(r#"{"content":["hunter2"]}"#);
    check(r#"{"content":"hunter2"}"#);
    check(r#"{"content":[],"_meta":{"k":"hunter2"}}"#);
    check(r#"{"content":[],"unknown":"hunter2"}"#);
    check(
        r#"{"inputRequests":{"k":{"method":"elicitation/create","params":{"message":"hunter2"}}}}"#,
    );
}

#[test]
fn a_blocked_request_of_the_server_never_reaches_the_client() {
    let rule = "raise \"no sampling\" if:\n    (c: ToolCall)\n    c.function.name == \"sampling/createMessage\"\n";
    let rule = rule.replace(
        "c is tool:sampling/createMessage",
        "c.function.name == \"sampling/createMessage\"",
    );
    let mut talk = Conversation::guarded(&rule);
    let became = talk.server(&request(
        "1",
        "sampling/createMessage",
        r#"{"messages":[],"maxTokens":1}"#,
    ));
    assert_eq!(became.error(ToServer).0, BLOCKED);
    // It is not open: an answer of the client's would go nowhere.
    talk.client(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)
        .is_dropped("no open request");
}

#[test]
fn a_server_that_asks_for_all_context_can_be_refused() {
    let mut talk = Conversation::guarded(
        "raise \"context\" if:\n    (c: ToolCall)\n    c.function.name == \"sampling/createMessage\"\n    c.function.arguments.includeContext == \"allServers\"\n",
    );
    let ask = |context: &str| {
        let params = format!(r#"{{"messages":[],"maxTokens":1,"includeContext":"{context}"}}"#);
        request("1", "sampling/createMessage", &params)
    };
    assert_eq!(talk.server(&ask("allServers")).error(ToServer).0, BLOCKED);
    assert_eq!(talk.server(&ask("none")).sent, [(ToClient, ask("none"))]);
}

#[test]
fn a_uri_is_judged_in_every_spelling() {
    let mut talk = Conversation::guarded(
        "raise \"outside\" if:\n    (c: ToolCall)\n    (uri: str) in c.function.arguments\n    \"file:///etc/\" in uri\n",
    );
    let read = |uri: &str| request("1", "resources/read", &format!(r#"{{"uri":"{uri}"}}"#));
    for uri in [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "file:///home/../etc/passwd",
        "file:///home/%2e%2E/etc/passwd",
        "file:///home/%252e%252e%2fetc/passwd",
        "file:///home/..;x/etc/passwd",
    ] {
        assert_eq!(talk.client(&read(uri)).error(ToClient).0, BLOCKED, "{uri}");
    }
    // What passes in each of its spellings is forwarded as it was written.
    let fine = read("file:///etc/%2e%2e/home/a%20b");
    assert_eq!(
        talk.client(&fine).error(ToClient).0,
        BLOCKED,
        "as it is written"
    );
    let fine = read("file:///home/%2e%2e/home/a%20b");
    assert_eq!(talk.client(&fine).sent, [(ToServer, fine)]);
}

#[test]
fn a_blocked_answer_of_the_client_is_an_error_for_the_server() {
    let mut talk = Conversation::guarded(NO_SECRET);
    let ask = request(
        "s",
        "elicitation/create",
        r#"{"message":"password?","requestedSchema":{}}"#,
    )
    .replace("\"id\":s", "\"id\":\"s\"");
    assert_eq!(talk.server(&ask).sent.len(), 1);
    let became = talk.client(
        r#"{"jsonrpc":"2.0","id":"s","result":{"action":"accept","content":{"p":"hunter2"}}}"#,
    );
    assert_eq!(became.error(ToServer).0, BLOCKED);
}

#[test]
fn a_blocked_notification_is_dropped() {
    let mut talk = Conversation::guarded(
        "raise \"no\" if:\n    (c: ToolCall)\n    \"hunter2\" in c.function.arguments.data\n",
    );
    let became = talk.server(r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"hunter2"}}"#);
    became.is_dropped("blocked");
    assert_eq!(became.records[0].verdict, Verdict::Block);
}

#[test]
fn what_was_blocked_did_not_happen() {
    let policy = format!(
        "{AFTER_READ}\nraise \"no reading of b\" if:\n    (c: ToolCall)\n    c is tool:read({{to: \"b\"}})\n"
    );
    let mut talk = Conversation::guarded(&policy);
    assert_eq!(
        talk.client(&call("1", "read", "b")).records[0].verdict,
        Verdict::Block
    );
    assert_eq!(
        talk.client(&call("2", "send", "x")).records[0].verdict,
        Verdict::Allow
    );
    assert_eq!(
        talk.client(&call("3", "read", "a")).records[0].verdict,
        Verdict::Allow
    );
    for id in ["4", "5"] {
        assert_eq!(
            talk.client(&call(id, "send", "x")).records[0].verdict,
            Verdict::Block
        );
    }
    // An old violation does not block what has no part in it.
    assert_eq!(
        talk.client(&call("6", "other", "x")).records[0].verdict,
        Verdict::Allow
    );
}

#[test]
fn a_guardrail_that_logs_lets_pass_and_is_recorded() {
    let mut talk = Conversation::with(
        vec![guardrail("watch", NO_EVIL, GuardrailAction::Log)],
        |_| {},
    );
    let line = call("1", "send", "x@evil.com");
    let became = talk.client(&line);
    assert_eq!(became.sent, [(ToServer, line)]);
    assert_eq!(became.records[0].verdict, Verdict::Allow);
    assert_eq!(became.records[0].violations[0].guardrail.name, "watch");
}

#[test]
fn a_check_that_fails_blocks_and_says_so() {
    let broken =
        "raise \"x\" if:\n    (c: ToolCall)\n    c.function.arguments.missing.deeper == 1\n";
    let failing = |on_failure| {
        let mut guardrail = guardrail("broken", broken, GuardrailAction::Block);
        guardrail.on_failure = on_failure;
        Conversation::with(vec![guardrail], |_| {})
    };
    let became = failing(GuardrailAction::Block).client(&call("1", "send", "x"));
    let text = failed_call(&became.only().1);
    assert!(
        text.contains("`broken`, which could not be evaluated"),
        "{text}"
    );
    assert!(
        became.records[0]
            .failure
            .as_deref()
            .unwrap()
            .starts_with("broken: ")
    );
    let became = failing(GuardrailAction::Log).client(&call("1", "send", "x"));
    assert_eq!(became.records[0].verdict, Verdict::Allow);
    assert!(became.records[0].failure.is_some());
}

#[test]
fn a_recording_that_failed_is_told_to_whoever_waits() {
    let mut talk = Conversation::unguarded();
    let outcome = talk.session.on_line(
        ToServer,
        call("1", "t", "x").as_bytes(),
        portcullis_trace::record::Timestamp::from_micros(1),
    );
    let waiting = outcome.actions.into_iter().find_map(|action| match action {
        portcullis_session::Action::Record { waiting, .. } => waiting,
        _ => None,
    });
    let became: crate::conversation::Became = talk.session.on_unrecorded(&waiting.unwrap()).into();
    assert!(became.error(ToClient).1.contains("recorded"));
    // The id is free again, and the end of the server owes nobody an answer.
    assert!(talk.session.on_server_end().is_empty());
}
