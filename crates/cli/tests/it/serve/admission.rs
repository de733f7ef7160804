//! What is let in, and as whom.

use std::io::Read;

use super::gateway::{Gateway, PATH, Session, call, initialize};
use super::http::Request;
use super::revisions::modern_call;
use super::upstream::{Received, Upstream};

const EVIL: &str = "http://evil.example";

#[track_caller]
fn refused(gateway: &Gateway, request: &Request, status: u16, code: i64) {
    let answer = request.send(gateway.address);
    let found = answer.status;
    let body = answer.body();
    assert_eq!(found, status, "{request:?}: {body}");
    assert!(body.contains(&format!("\"code\":{code},")), "{body}");
}

#[test]
fn the_session_is_the_gateways_own_on_one_side_and_the_servers_on_the_other() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    assert!(session.id.len() >= 32, "{}", session.id);
    let other = gateway.open();
    assert_ne!(session.id, other.id);
    assert!(session.answer(1, "x").contains("plain"));
    let sessions: Vec<_> = upstream
        .received()
        .iter()
        .map(|received| received.headers.get("Mcp-Session-Id").map(str::to_owned))
        .collect();
    let (first, second) = (Some("upstream-1".into()), Some("upstream-2".into()));
    assert_eq!(sessions, [None, first.clone(), None, second, first]);
}

#[test]
fn a_session_is_unknown_to_all_but_its_principal_and_after_its_end() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let base = Request::new("GET", PATH).with("Authorization", "Bearer a");
    let session = gateway.open_with("2025-11-25", &base);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let known = session.base.saying(ping);
    let unknown = |request: &Request| refused(&gateway, request, 404, -32001);
    let named = known.clone().but("Mcp-Session-Id", "upstream-1");
    let named = named.send(gateway.address).body();
    assert!(named.contains(r#""id":1,"error""#), "{named}");

    unknown(&known.clone().but("Authorization", "Bearer b"));
    unknown(&known.clone().without("Authorization"));
    unknown(&session.base.clone().without("Authorization"));
    unknown(&session.base.by("DELETE").but("Authorization", "Bearer b"));
    unknown(&known.clone().but("Mcp-Session-Id", "upstream-1"));
    unknown(&known.clone().but("Mcp-Session-Id", &"a".repeat(10_000)));

    assert_eq!(known.send(gateway.address).status, 200);
    assert_eq!(session.delete().status, 200);
    let delete = upstream.wait_for(|received| received.verb == "DELETE");
    assert_eq!(delete.headers.get("Mcp-Session-Id"), Some("upstream-1"));
    unknown(&known);
    unknown(&session.base.by("DELETE"));
}

#[test]
fn a_session_begins_once() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let again = session.base.saying(&initialize("2025-11-25"));
    refused(&gateway, &again, 400, -32600);
    assert!(session.answer(1, "x").contains("plain"));
    let begun = upstream.received();
    let begun = begun
        .iter()
        .filter(|received| received.method() == Some("initialize"));
    assert_eq!(begun.count(), 1);
}

#[test]
fn headers_are_read_strictly() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "limits: { message_bytes: 10000 }\n");
    let session = gateway.open();
    let heard = upstream.received().len();
    let post = session.base.saying(&call(1, "x"));
    let refused = |request: Request, status| refused(&gateway, &request, status, -32000);

    refused(post.clone().but("Accept", "application/json"), 406);
    refused(post.clone().without("Accept"), 406);
    refused(session.base.clone().but("Accept", "application/json"), 406);
    refused(post.clone().but("Content-Type", "text/plain"), 415);
    refused(post.clone().without("Content-Type"), 415);
    let utf_16 = "application/json; charset=utf-16";
    refused(post.clone().but("Content-Type", utf_16), 415);
    refused(post.clone().with("Content-Encoding", "gzip"), 415);
    refused(post.clone().with("Origin", EVIL), 403);
    refused(post.clone().with("Origin", "null"), 403);
    refused(post.clone().with("Host", "evil.example"), 403);
    refused(session.base.clone().with("Origin", EVIL), 403);
    refused(session.base.by("DELETE").with("Origin", EVIL), 403);
    let version = "MCP-Protocol-Version";
    refused(post.clone().with(version, "2025-06-18"), 400);
    refused(post.clone().with(version, "1999-01-01"), 400);
    refused(post.clone().with("Mcp-Session-Id", &session.id), 400);
    refused(post.clone().without("Mcp-Session-Id"), 400);
    refused(session.base.saying(&call(1, &"x".repeat(10_000))), 413);
    let many_parts = format!("3000\r\n{}\r\n0\r\n\r\n", " ".repeat(0x3000));
    let endless = session.base.saying(&many_parts);
    refused(endless.with("Transfer-Encoding", "chunked"), 413);

    assert_eq!(upstream.received().len(), heard);
    let fine = post.with(version, "2025-11-25");
    let fine = fine.with("Origin", "http://localhost:3000");
    assert_eq!(fine.send(gateway.address).status, 200);
}

#[test]
fn a_length_and_chunks_end_the_connection() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let call = call(1, "x");
    // By its length, what comes behind the chunks is another request.
    let body = format!(
        "{:x}\r\n{call}\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        call.len()
    );
    let request = session
        .base
        .saying(&body)
        .with("Content-Length", "5")
        .with("Transfer-Encoding", "chunked")
        .with("Connection", "keep-alive");
    let mut heard = String::new();
    let mut connection = request.say(gateway.address);
    connection.read_to_string(&mut heard).unwrap();
    assert_eq!(heard.matches("HTTP/1.1 ").count(), 1, "{heard}");
}

#[test]
fn headers_that_speak_for_a_proxy_are_not_passed_on() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let names = [
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "Forwarded",
        "X-Original-URL",
    ];
    let heard = heard_with(&upstream, &gateway, &session, &names);
    assert_eq!(heard.headers.get("Via"), Some("1.1 portcullis"));
}

/// They mirror a message in another era, and nobody has held them against this one.
#[test]
fn headers_of_the_other_era_are_not_passed_on() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let names = ["Mcp-Method", "Mcp-Name", "Mcp-Param-Region"];
    heard_with(&upstream, &gateway, &session, &names);
}

/// What the server hears of a call that comes with these headers, none of which it may hear.
#[track_caller]
fn heard_with(
    upstream: &Upstream,
    gateway: &Gateway,
    session: &Session,
    names: &[&str],
) -> Received {
    let request = session.base.saying(&call(1, "forwarded"));
    let request = names
        .iter()
        .fold(request, |request, name| request.with(name, "evil"));
    let request = request.with("Via", "1.1 evil");
    assert_eq!(request.send(gateway.address).status, 200);
    let heard = upstream.wait_for(|received| received.tool() == Some("forwarded"));
    for name in names {
        assert_eq!(heard.headers.get(name), None, "{name}");
    }
    heard
}

#[test]
fn messages_of_an_sse_session_are_admitted_like_those_of_another() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let mut stream = Request::new("GET", "/servers/s/sse").send(gateway.address);
    let path = stream.event().unwrap().data;
    let say = |message: &str| Request::post(&path, message).send(gateway.address).status;
    assert_eq!(say(&call(1, "early")), 400);
    assert_eq!(say(&initialize("2024-11-05")), 202);
    assert!(stream.event().unwrap().data.contains("serverInfo"));
    assert_eq!(say(&call(1, "early")), 400);
    assert_eq!(say(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#), 202);
    assert!(stream.event().unwrap().data.contains(r#""id":1,"result""#));
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(say(initialized), 202);
    let modern = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"arguments""#;
    let modern = call(1, "early").replace(r#""arguments""#, modern);
    assert_eq!(say(&modern), 400);
    assert_eq!(say(&call(1, "x")), 202);
    assert!(stream.event().unwrap().data.contains("plain"));
    let mut received = upstream.received().into_iter();
    assert!(received.all(|received| received.tool() != Some("early")));

    // The id of a session of one kind is none of the other.
    let (_, secret) = path.split_once('=').unwrap();
    let as_other = Request::post(PATH, &call(2, "x")).with("Mcp-Session-Id", secret);
    refused(&gateway, &as_other, 404, -32001);
    let other = format!("/servers/s/messages?session_id={}", gateway.open().id);
    let as_other = Request::post(&other, &call(2, "x"));
    refused(&gateway, &as_other, 404, -32001);
}

#[test]
fn a_client_of_both_eras_falls_back_on_its_sse_stream() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let mut stream = Request::new("GET", "/servers/s/sse").send(gateway.address);
    let path = stream.event().unwrap().data;
    let say = |message: &str| Request::post(&path, message).send(gateway.address).status;
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
    let modern = |method: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":"probe","method":"{method}","params":{{{meta}}}}}"#)
    };
    for (method, code) in [("server/discover", -32601), ("tools/list", -32022)] {
        assert_eq!(say(&modern(method)), 202);
        let answer = stream.event().unwrap().data;
        let expected = format!(r#"{{"jsonrpc":"2.0","id":"probe","error":{{"code":{code},"#);
        assert!(answer.starts_with(&expected), "{answer}");
        assert!(answer.contains(r#""supported":["2024-11-05","#), "{answer}");
    }
    let cancel = modern("notifications/cancelled").replace(r#""id":"probe","#, "");
    assert_eq!(say(&cancel), 202);
    assert!(upstream.received().is_empty());
    assert_eq!(say(&initialize("2024-11-05")), 202);
    assert!(stream.event().unwrap().data.contains("serverInfo"));
    assert_eq!(say(&modern("tools/list")), 400);
}

#[test]
fn other_methods_are_not_allowed() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    for verb in ["HEAD", "PUT", "PATCH", "OPTIONS", "TRACE"] {
        let answer = session.base.by(verb).send(gateway.address);
        assert_eq!(answer.status, 405, "{verb}");
        let allowed = answer.headers.get("Allow");
        assert_eq!(allowed, Some("GET, POST, DELETE"), "{verb}");
    }
}

#[test]
fn a_reserved_key_is_refused_where_configured() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "limits: { unknown_meta: refuse }\n");
    let key = "io.modelcontextprotocol/later";
    let session = gateway.open();
    let later = call(1, "x").replace(
        r#""arguments""#,
        &format!(r#""_meta":{{"{key}":1}},"arguments""#),
    );
    refused(&gateway, &session.base.saying(&later), 400, -32602);
    let answer = session.post(&later).message();
    assert!(answer.contains(key), "{answer}");
    assert!(session.answer(1, "x").contains("plain"));
    let modern = modern_call(1, "x");
    assert_eq!(modern.send(gateway.address).status, 200);
    let later = modern.saying(&later.replace(
        &format!(r#""{key}":1"#),
        &format!(
            r#""{key}":1,"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}"#
        ),
    ));
    refused(&gateway, &later, 400, -32602);
}

#[test]
fn who_waits_to_be_asked_is_not_asked_for_what_is_too_long() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "limits: { message_bytes: 10000 }\n");
    let session = gateway.open();
    let waits = session.base.saying("").with("Expect", "100-continue");
    let refused = |request: Request, status| {
        assert_eq!(request.send(gateway.address).status, status, "{request:?}");
    };
    refused(waits.clone().with("Content-Length", "10001"), 413);
    refused(waits.clone().with("Content-Length", "10000"), 100);
    let plain = waits.but("Content-Type", "text/plain");
    refused(plain.with("Content-Length", "10000"), 415);
}

#[test]
fn what_is_refused_for_its_head_is_read_before_the_answer() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    // More than sockets hold: who says it needs somebody who reads it.
    let long = " ".repeat(16 << 20);
    let post = gateway.open().base.saying(&long);
    let refused = |request: Request, status| {
        assert_eq!(request.send(gateway.address).status, status);
    };
    refused(post.clone().but("Content-Type", "text/plain"), 415);
    refused(post.clone().with("Origin", EVIL), 403);
    refused(post.clone().but("Accept", "text/html"), 406);
    refused(Request::post("/servers/none/mcp", &long), 404);
    refused(Request::post("/nothing", &long), 404);
    refused(post.but("Content-Encoding", "gzip"), 415);
}
