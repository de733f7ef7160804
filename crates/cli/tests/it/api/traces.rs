//! Traces that are pushed, added to, read and remarked upon.

use portcullis_store::Entry;
use portcullis_trace::record::{Direction, EventRecord, Sequence, Verdict};

use super::explorer::{Explorer, at, json, length, text, texts};
use crate::serve::http::Request;

const PUSH: &str = "/api/v1/push/trace";

#[test]
fn traces_are_pushed_with_what_is_known_about_them() {
    let explorer = Explorer::start("");
    let pushed = explorer.post(
        PUSH,
        r#"{"messages":[[{"role":"user","content":"one"}],[{"role":"assistant","content":"","tool_calls":[{"type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}]],
            "annotations":[[{"content":"first","address":"messages.0.content:0-2","extra_metadata":{"source":"me"}}],[]],
            "dataset":"d","metadata":[{"name":"a name","hierarchy_path":["x","y"],"k":1},null]}"#,
    );
    assert_eq!(text(&pushed, "dataset"), "d");
    assert_eq!(text(&pushed, "username"), "developer");
    assert_eq!(length(&pushed, "id"), 2);

    let first = explorer.get(&format!("/api/v1/trace/{}", text(&pushed, "id.0")));
    assert_eq!(text(&first, "name"), "a name");
    assert_eq!(at(&first, "hierarchy_path").to_string(), r#"["x","y"]"#);
    assert_eq!(at(&first, "extra_metadata.k").to_string(), "1");
    assert_eq!(text(&first, "messages.0.content"), "one");
    assert_eq!(text(&first, "annotations.0.content"), "first");
    assert_eq!(
        text(&first, "annotations.0.address"),
        "messages.0.content:0-2"
    );
    assert_eq!(text(&first, "annotations.0.extra_metadata.source"), "me");
    assert_eq!(text(&first, "user"), "developer");
    let second = explorer.get(&format!("/api/v1/trace/{}", text(&pushed, "id.1")));
    assert_eq!(
        at(&second, "messages.0.tool_calls.0.function.arguments").to_string(),
        r#"{"a":1}"#
    );
    assert_eq!(text(&second, "dataset"), text(&first, "dataset"));
    assert_ne!(at(&second, "index"), at(&first, "index"));

    let listed = explorer.get("/api/v1/dataset/byuser/developer/d/traces");
    assert_eq!(
        texts(&listed, "id"),
        texts(&json(&format!("[{first},{second}]")), "id")
    );
    assert_eq!(
        at(&listed, "0.annotations_by_source").to_string(),
        r#"{"me":1}"#
    );
    let some = explorer.get("/api/v1/dataset/byuser/developer/d/traces?limit=1&offset=1");
    assert_eq!(texts(&some, "id"), [text(&second, "id")]);
    let index = at(&first, "index");
    let some = format!("/api/v1/dataset/byuser/developer/d/traces?indices={index}");
    assert_eq!(texts(&explorer.get(&some), "id"), [text(&first, "id")]);
}

#[test]
fn a_trace_without_a_dataset_is_a_snippet() {
    let explorer = Explorer::start("");
    let pushed = explorer.post(PUSH, r#"{"messages":[[{"role":"user","content":"x"}]]}"#);
    assert_eq!(pushed.get("dataset"), None);
    explorer.push("d", r#"[{"role":"user","content":"y"}]"#);
    let snippets = explorer.get("/api/v1/trace/snippets");
    assert_eq!(texts(&snippets, "id"), [text(&pushed, "id.0")]);
    let made = explorer.post(
        "/api/v1/trace/snippets/new",
        r#"{"content":[{"role":"user","content":"z"}],"extra_metadata":{"k":"v"}}"#,
    );
    let trace = explorer.get(&format!("/api/v1/trace/{}", text(&made, "id")));
    assert_eq!(text(&trace, "name"), "Single Trace");
    assert_eq!(text(&trace, "extra_metadata.k"), "v");
    assert_eq!(at(&trace, "dataset").to_string(), "null");
}

#[test]
fn what_is_wrong_with_a_push_is_said_as_there() {
    let explorer = Explorer::start("");
    let check = |body: &str, expected: &str| {
        let found = explorer.refusal(Request::post(PUSH, body));
        assert_eq!(found, (400, expected.to_owned()), "{body}");
    };
    check("{}", "messages must be a list of traces");
    check(r#"{"messages":[{}]}"#, "messages must be a list of traces");
    check(r#"{"messages":[]}"#, "messages must not be empty");
    check(
        r#"{"messages":[[]],"annotations":1}"#,
        "annotations must be a list of annotations",
    );
    check(
        r#"{"messages":[[]],"dataset":1}"#,
        "dataset name must be a string",
    );
    check(
        r#"{"messages":[[]],"metadata":1}"#,
        "metadata must be a list of metadata",
    );
    check(
        r#"{"messages":[[]],"annotations":[]}"#,
        "annotations must be the same length as messages",
    );
    check(
        r#"{"messages":[[]],"metadata":[]}"#,
        "metadata must be the same length as messages",
    );
    check(
        r#"{"messages":[[]],"dataset":"a b"}"#,
        "Dataset name can only contain A-Z, a-z, 0-9, - and _",
    );
}

#[test]
fn messages_are_merged_by_their_times() {
    let explorer = Explorer::start("");
    let id = explorer.push(
        "d",
        r#"[{"role":"user","content":"1","timestamp":"2026-01-01T00:00:01+00:00"},{"role":"user","content":"3","timestamp":"2026-01-01T00:00:03+00:00"}]"#,
    );
    let path = format!("/api/v1/trace/{id}/messages");
    let answer = explorer.post(
        &path,
        r#"{"messages":[{"role":"user","content":"2","timestamp":"2026-01-01T00:00:02"},{"role":"user","content":"before 3","timestamp":"2026-01-01T01:00:03+01:00"},{"role":"user","content":"now"}],
            "annotations":[{"content":"c","address":"messages.0.content:0-1","extra_metadata":{"source":"s"}}]}"#,
    );
    assert_eq!(answer.to_string(), r#"{"success":true}"#);
    let trace = explorer.get(&format!("/api/v1/trace/{id}"));
    assert_eq!(
        texts(at(&trace, "messages"), "content"),
        ["1", "2", "before 3", "3", "now"]
    );
    assert_eq!(
        text(&trace, "messages.2.timestamp"),
        "2026-01-01T00:00:03.000000+00:00"
    );
    assert_eq!(text(&trace, "annotations.0.content"), "c");

    let check = |path: &str, body: &str, status: u16, expected: &str| {
        let found = explorer.refusal(Request::post(path, body));
        assert_eq!(found, (status, expected.to_owned()), "{body}");
    };
    let no_messages = "Invalid messages format - expected a non-empty list of dictionaries";
    check(&path, "{}", 400, no_messages);
    check(&path, r#"{"messages":[]}"#, 400, no_messages);
    check(&path, r#"{"messages":[1]}"#, 400, no_messages);
    check(
        &path,
        r#"{"messages":[{}],"annotations":[1]}"#,
        400,
        "Invalid annotations format - expected a list of dictionaries or an empty list",
    );
    check(
        &path,
        r#"{"messages":[{"timestamp":"now"}]}"#,
        400,
        "Invalid timestamp format in message: now. Expected format: ISO 8601, e.g., 2025-01-23T10:30:00+00:00",
    );
    for unknown in ["x", "01999999-0000-7000-8000-000000000000"] {
        let path = format!("/api/v1/trace/{unknown}/messages");
        check(&path, r#"{"messages":[{}]}"#, 404, "Trace not found");
    }
}

#[test]
fn annotations_are_made_changed_replaced_and_deleted() {
    let explorer = Explorer::start("");
    let id = explorer.push("d", r#"[{"role":"user","content":"hi"}]"#);
    let trace = format!("/api/v1/trace/{id}");
    let made = explorer.post(
        &format!("{trace}/annotate"),
        r#"{"content":"good","address":"messages[0].content:L0","extra_metadata":{"source":"me"}}"#,
    );
    assert_eq!(text(&made, "trace_id"), id);
    assert_eq!(text(&made, "address"), "messages[0].content:L0");
    assert_eq!(text(&made, "user.username"), "developer");
    let one = format!("{trace}/annotation/{}", text(&made, "id"));
    let changed = explorer.put(&one, r#"{"content":"better"}"#);
    assert_eq!(text(&changed, "content"), "better");
    let listed = || texts(&explorer.get(&format!("{trace}/annotations")), "content");
    assert_eq!(listed(), ["better"]);

    let replaced = explorer.post(
        &format!("{trace}/annotations/update"),
        r#"{"source":"me","annotations":[{"content":"a","address":"messages.0"},{"content":"b","address":"messages.0"}]}"#,
    );
    assert_eq!(replaced.to_string(), r#"{"deleted":1,"inserted":2}"#);
    assert_eq!(listed(), ["a", "b"]);
    let expected = (404, "Annotation not found".to_owned());
    assert_eq!(explorer.refusal(Request::new("DELETE", &one)), expected);
    let left = text(&explorer.get(&format!("{trace}/annotations")), "0.id");
    let deleted = explorer.delete(&format!("{trace}/annotation/{left}"));
    assert_eq!(deleted.to_string(), r#"{"message":"deleted"}"#);
    assert_eq!(listed(), ["b"]);
}

#[test]
fn a_trace_is_shared_cut_and_deleted() {
    let explorer = Explorer::start("");
    let id = explorer.push("d", r#"[{"role":"user","content":"0123456789"}]"#);
    let path = format!("/api/v1/trace/{id}");
    let shared = format!("{path}/shared");
    assert_eq!(explorer.get(&shared).to_string(), r#"{"shared":false}"#);
    assert_eq!(explorer.put(&shared, "").to_string(), r#"{"shared":true}"#);
    assert_eq!(explorer.get(&shared).to_string(), r#"{"shared":true}"#);
    assert_eq!(explorer.delete(&shared).to_string(), r#"{"shared":false}"#);

    let cut = explorer.get(&format!("{path}?max_length=4&include_annotations=false"));
    assert_eq!(
        text(&cut, "messages.0.content"),
        "01<...truncated 6 characters...>89"
    );
    assert_eq!(cut.get("annotations"), None);

    assert_eq!(
        explorer.delete(&path).to_string(),
        r#"{"message":"deleted"}"#
    );
    let expected = (404, "Trace not found".to_owned());
    assert_eq!(explorer.refusal(Request::new("GET", &path)), expected);
    assert_eq!(explorer.refusal(Request::new("DELETE", &path)), expected);
}

#[test]
fn traces_that_are_too_long_together_are_not_read_at_once() {
    let explorer = Explorer::start("");
    let grow = |pushed: &str| {
        let long = "x".repeat(12 << 20);
        let record = EventRecord {
            session: pushed.parse().unwrap(),
            sequence: Sequence::new(2).unwrap(),
            recorded_at: portcullis_trace::record::Timestamp::from_micros(1),
            direction: Direction::ToServer,
            method: None,
            message: None,
            events: format!(r#"[{{"role":"user","content":"{long}"}}]"#),
            verdict: Verdict::Allow,
            violations: Vec::new(),
            failure: None,
        };
        let mut store = explorer.gateway.store();
        store.write(&[Entry::Event(record)]).unwrap();
    };
    let message = r#"[{"role":"user","content":"x"}]"#;
    for _ in 0..3 {
        grow(&explorer.push("long", message));
        let snippet = explorer.post(PUSH, &format!(r#"{{"messages":[{message}]}}"#));
        grow(&text(&snippet, "id.0"));
    }
    let refused = |path: &str| {
        let (status, why) = explorer.refusal(Request::new("GET", path));
        assert_eq!(status, 413, "{path}: {why}");
        assert!(
            why.starts_with("the traces come to more than 33554432 bytes"),
            "{why}"
        );
    };
    refused("/api/v1/dataset/byuser/developer/long/full");
    refused("/api/v1/trace/snippets");
    let two = explorer.get("/api/v1/trace/snippets?limit=2");
    assert_eq!(two.as_array().unwrap().len(), 2);
}
