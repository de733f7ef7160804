//! The routes of Invariant Gateway, and how differently the native ones refuse.

use portcullis_store::SessionFilter;

use super::gateway::{Gateway, call, eventually, initialize};
use super::http::Request;
use super::revisions::modern_call;
use super::upstream::Upstream;

const PATH: &str = "/api/v1/gateway/mcp/streamable";
const BASE_URL: &str = "MCP-SERVER-BASE-URL";
pub(crate) const POLICY: &str = "guardrails:
- name: calls
  policy: |
    raise \"no bad\" if:
        (c: ToolCall)
        c is tool:bad
- name: tools
  policy: |
    raise \"odd tool\" if:
        (t: Tool)
        \"odd\" in t.description
";
const LIST: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
const TOOLS: &str = r#"{"tools":[{"name":"fine","description":"good","inputSchema":{"type":"object"}},{"name":"strange","description":"odd","inputSchema":{"type":"object"}}]}"#;

fn upstream() -> Upstream {
    Upstream::scripted(|received, reply| {
        if received.method() == Some("tools/list") {
            reply.result(received, TOOLS);
            return None;
        }
        Some(reply)
    })
}

pub(crate) fn base(upstream: &Upstream) -> Request {
    Request::new("GET", PATH).with(BASE_URL, &format!("http://{}", upstream.address))
}

#[test]
fn a_blocked_call_is_a_result_natively_and_a_bad_request_there() {
    let upstream = upstream();
    let gateway = Gateway::before(&upstream, POLICY);

    let native = gateway.open().call(1, "bad");
    assert_eq!(native.status, 200);
    let message = native.message();
    assert!(
        message.starts_with(r#"{"jsonrpc":"2.0","id":1,"result":"#),
        "{message}"
    );
    assert!(message.contains(r#""isError":true"#), "{message}");
    assert!(message.contains("guardrail `calls` (no bad)"), "{message}");

    let session = gateway.open_with("2025-06-18", &base(&upstream));
    let there = session.call(1, "bad");
    assert_eq!(there.status, 400);
    assert_eq!(there.headers.get("X-Proxied-By"), Some("mcp-gateway"));
    let message = there.message();
    assert!(
        message.starts_with(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"#),
        "{message}"
    );
    assert!(message.contains("[Invariant Guardrails]"), "{message}");
    assert!(session.answer(2, "good").contains("plain"));
    let reached = upstream.received();
    assert!(
        reached
            .iter()
            .all(|received| received.tool() != Some("bad"))
    );
}

#[test]
fn a_blocked_tool_is_left_out_natively_and_renamed_there() {
    let upstream = upstream();
    let gateway = Gateway::before(&upstream, POLICY);

    let native = gateway.open();
    let list = native.post(LIST).message();
    assert!(list.contains(r#""name":"fine""#), "{list}");
    assert!(!list.contains("strange"), "{list}");

    let session = gateway.open_with("2025-06-18", &base(&upstream));
    let answer = session.post(LIST);
    assert_eq!(answer.status, 400);
    let list = answer.message();
    assert!(list.contains(r#""name":"blocked_strange""#), "{list}");
    assert!(!list.contains(r#""name":"strange""#), "{list}");
    assert!(
        list.contains("[Invariant Guardrails] This server was blocked"),
        "{list}"
    );
}

/// Revision 2026-07-28 has no session that would keep to those that it began with.
#[test]
fn each_request_without_a_session_is_judged_by_the_guardrails_that_it_brings() {
    let upstream = upstream();
    let gateway = Gateway::before(&upstream, "");
    let plain = modern_call(1, "x")
        .at(PATH)
        .with(BASE_URL, &format!("http://{}", upstream.address));
    let policy = r#"raise "no" if:\n    (c: ToolCall)\n    c is tool:x\n"#;
    let guarded = plain.clone().with("Invariant-Guardrails", policy);
    let check = |request: &Request, status: u16| {
        assert_eq!(request.send(gateway.address).status, status, "{request:?}");
    };
    check(&plain, 200);
    check(&guarded, 400);
    check(&plain, 200);
    check(&plain.with("INVARIANT-PROJECT-NAME", "p"), 200);
    let mut store = gateway.store();
    eventually("the project has no trace of its own", || {
        let sessions = store.sessions(&SessionFilter::newest(16)).unwrap();
        let mut sessions = sessions.iter();
        sessions.any(|found| found.session.project.as_deref() == Some("p"))
    });
}

#[test]
fn a_server_keeps_its_guardrails_under_every_name_of_its_machine() {
    let upstream = upstream();
    let only_for_it = POLICY.replace("- name: calls\n", "- name: calls\n  servers: [s]\n");
    let gateway = Gateway::before(&upstream, &only_for_it);
    let port = upstream.address.port();
    for host in ["127.0.0.1", "localhost", "LOCALHOST", "[::ffff:127.0.0.1]"] {
        let base = Request::new("GET", PATH).with(BASE_URL, &format!("http://{host}:{port}"));
        let session = gateway.open_with("2025-06-18", &base);
        assert_eq!(session.call(1, "bad").status, 400, "{host}");
        assert_eq!(session.call(2, "good").status, 200, "{host}");
    }
}

#[test]
fn a_message_of_an_sse_session_need_not_name_its_server() {
    let upstream = upstream();
    let gateway = Gateway::before(&upstream, "");
    let messages = "/api/v1/gateway/mcp/sse/messages/";
    let check = |path: &str, detail: &str| {
        let answer = Request::new("POST", path).send(gateway.address);
        assert_eq!(answer.status, 400, "{path}");
        let body = answer.body();
        assert!(body.contains(detail), "{path}: {body}");
    };
    check(messages, "Missing 'session_id' query parameter");
    let unknown = format!("{messages}?session_id=session_id_1");
    check(&unknown, "Session does not exist");
}

#[test]
fn a_redirect_is_not_followed_and_told_with_what_was_put_behind_the_header() {
    let upstream = Upstream::scripted(|_, reply| {
        reply.plain("307 Temporary Redirect", &[("Location", "/mcp")], "");
        None
    });
    let gateway = Gateway::before(&upstream, "");
    let begin = base(&upstream).saying(&initialize("2025-06-18"));
    let answer = begin.send(gateway.address).message();
    let told = "the server answered HTTP 307 Temporary Redirect and points to /mcp: redirects are \
        not followed, that URL may have to be configured under `servers:` (MCP-SERVER-BASE-URL has \
        `/mcp/` put behind it)";
    assert!(answer.contains(told), "{answer}");
    assert_eq!(upstream.received().len(), 1);
}

#[test]
fn only_servers_that_are_named_and_allowed_are_reached() {
    let upstream = upstream();
    let gateway = Gateway::before(&upstream, "");
    let check = |request: &Request, status: u16, detail: &str| {
        let answer = request
            .saying(&initialize("2025-06-18"))
            .send(gateway.address);
        assert_eq!(answer.status, status, "{request:?}");
        let body = answer.body();
        assert!(body.contains(detail), "{request:?}: {body}");
    };
    let named = base(&upstream);
    check(
        &named.clone().without(BASE_URL),
        400,
        "Missing mcp-server-base-url header",
    );
    for elsewhere in [
        "http://192.0.2.1",
        "http://mcp.example",
        "http://169.254.169.254",
        "http://user@127.0.0.1",
        "http://127.0.0.1.mcp.example",
        "file:///etc/passwd",
        "127.0.0.1",
        "",
    ] {
        check(
            &named.clone().but(BASE_URL, elsewhere),
            403,
            "allowed upstreams",
        );
    }
    let twice = named.clone().with(BASE_URL, "http://127.0.0.1:1");
    check(&twice, 400, "mcp-server-base-url");
    check(&named, 200, "serverInfo");
    assert_eq!(upstream.received().len(), 1);

    // Allowed, and still no address of a server.
    let wide = "gateway: { allowed_upstreams: [\"http://0.0.0.0:*\"] }\n";
    let wide = Gateway::before(&upstream, wide);
    let nowhere = format!("http://0.0.0.0:{}", upstream.address.port());
    let nowhere = named.clone().but(BASE_URL, &nowhere);
    let answer = nowhere
        .saying(&initialize("2025-06-18"))
        .send(wide.address)
        .body();
    assert!(answer.contains("cannot be reached"), "{answer}");
    assert_eq!(upstream.received().len(), 1);

    let off = Gateway::before(&upstream, "gateway: { enabled: false }\n");
    assert_eq!(named.saying(&call(1, "x")).send(off.address).status, 404);
}
