//! Sessions that the gateway records are traces.

use super::explorer::{Explorer, at, length, text, texts};
use crate::serve::gateway::{Gateway, call};
use crate::serve::http::Request;
use crate::serve::upstream::Upstream;

const GUARDRAILS: &str = "guardrails:
- name: food
  action: log
  policy: |
    raise \"food in ToolOutput\" if:
        (output: ToolOutput)
        (chunk: str) in text(output.content)
        \"food\" in chunk
- name: calls
  policy: |
    raise \"a forbidden call\" if:
        (call: ToolCall)
        call is tool:forbidden
";

fn messenger() -> Upstream {
    Upstream::scripted(|received, reply| {
        let result = match received.method() {
            Some("tools/list") => r#"{"tools":[]}"#,
            Some("tools/call") => {
                r#"{"content":[{"type":"text","text":"What is your favorite food?\n"}],"structuredContent":{"result":"food"}}"#
            }
            _ => return Some(reply),
        };
        reply.result(received, result);
        None
    })
}

#[test]
fn a_live_session_is_a_trace_with_its_violations() {
    let upstream = messenger();
    let explorer = Explorer::of(Gateway::before(&upstream, GUARDRAILS));
    let base = Request::new("GET", "/api/v1/gateway/mcp/streamable")
        .with(
            "MCP-SERVER-BASE-URL",
            &format!("http://{}", upstream.address),
        )
        .with("INVARIANT-PROJECT-NAME", "live");
    let session = explorer.gateway.open_with("2025-11-25", &base);
    session
        .post(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
        .message();
    session.answer(2, "get_last_message");
    assert_eq!(session.post(&call(3, "forbidden")).status, 400);

    let traces = explorer.get("/api/v1/dataset/byuser/developer/live/traces");
    assert_eq!(traces.as_array().unwrap().len(), 1);
    let path = format!("/api/v1/trace/{}", text(&traces, "0.id"));
    let trace = explorer.get(&path);
    let roles = ["assistant", "tool", "assistant", "tool", "assistant"];
    assert_eq!(texts(at(&trace, "messages"), "role"), roles);
    assert_eq!(
        at(&trace, "messages.2.tool_calls.0.function").to_string(),
        r#"{"name":"get_last_message","arguments":{}}"#
    );
    assert_eq!(
        at(&trace, "messages.3.content").to_string(),
        r#"[{"type":"text","text":"What is your favorite food?\n"}]"#
    );
    assert_eq!(length(&trace, "annotations"), 2);
    assert_eq!(text(&trace, "annotations.0.content"), "food in ToolOutput");
    assert_eq!(
        text(&trace, "annotations.0.address"),
        "messages.3.content.0.text:22-26"
    );
    let metadata = at(&trace, "annotations.0.extra_metadata");
    assert_eq!(text(metadata, "source"), "guardrails-error");
    assert_eq!(text(metadata, "guardrail.name"), "food");
    assert_eq!(text(metadata, "guardrail.action"), "log");
    assert_eq!(text(&trace, "annotations.1.content"), "a forbidden call");
    assert_eq!(
        text(&trace, "annotations.1.address"),
        "messages.4.tool_calls.0"
    );
    assert_eq!(
        text(&trace, "annotations.1.extra_metadata.guardrail.action"),
        "block"
    );
    assert_eq!(text(&trace, "extra_metadata.source"), "mcp");

    let dataset = explorer.get("/api/v1/dataset/byuser/developer/live");
    assert_eq!(text(&dataset, "queries.1.name"), "Annotated");
    assert_eq!(at(&dataset, "queries.1.count").to_string(), "1");

    let again = explorer.get(&path);
    assert_eq!(
        texts(at(&again, "annotations"), "id"),
        texts(at(&trace, "annotations"), "id")
    );
    let messages = format!("{path}/messages");
    let (status, _) = explorer.refusal(Request::post(
        &messages,
        r#"{"messages":[{"role":"user"}]}"#,
    ));
    assert_eq!(status, 409);
}

#[test]
fn a_session_that_goes_on_is_not_deleted() {
    let upstream = Upstream::plain();
    let explorer = Explorer::of(Gateway::before(&upstream, ""));
    let base = Request::new("GET", "/api/v1/gateway/mcp/streamable")
        .with(
            "MCP-SERVER-BASE-URL",
            &format!("http://{}", upstream.address),
        )
        .with("INVARIANT-PROJECT-NAME", "live");
    let session = explorer.gateway.open_with("2025-11-25", &base);
    let dataset = "/api/v1/dataset/byuser/developer/live";
    let traces = explorer.get(&format!("{dataset}/traces"));
    let trace = format!("/api/v1/trace/{}", text(&traces, "0.id"));
    for path in [dataset, &trace] {
        let (status, _) = explorer.refusal(Request::new("DELETE", path));
        assert_eq!(status, 409, "{path}");
    }
    assert_eq!(session.delete().status, 200);
    assert_eq!(
        explorer.delete(&trace).to_string(),
        r#"{"message":"deleted"}"#
    );
    assert_eq!(
        explorer.delete(dataset).to_string(),
        r#"{"message":"Deleted"}"#
    );
}

#[test]
fn what_is_not_there_is_said_as_there() {
    let explorer = Explorer::start("");
    let expected = (404, "Not Found".to_owned());
    for path in ["/api/v1/none", "/api/v1/dataset/byid"] {
        assert_eq!(explorer.refusal(Request::new("GET", path)), expected);
    }
    let health = explorer.send(Request::new("GET", "/api/v1/gateway/health"));
    assert_eq!(health.status, 200);
}
