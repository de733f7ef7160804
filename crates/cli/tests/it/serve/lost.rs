//! Servers that lose their sessions.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::failures::FIRST_THEN_SECOND;
use super::gateway::{Gateway, PATH, initialize};
use super::http::{PATIENCE, Request};
use super::upstream::{Events, Upstream};
use crate::client::Client;

const LOG: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"news"}}"#;

/// A server with a stream of its own, whose beginnings are given.
fn listened() -> (Upstream, Receiver<Events>) {
    let (opened, streams): (SyncSender<Events>, _) = sync_channel(8);
    let upstream = Upstream::scripted(move |received, reply| {
        if !received.is_get() {
            return Some(reply);
        }
        opened.send(reply.events()).unwrap();
        None
    });
    (upstream, streams)
}

#[test]
fn a_client_that_listens_keeps_its_session() {
    let (upstream, streams) = listened();
    let gateway = Gateway::before(&upstream, FIRST_THEN_SECOND);
    let session = gateway.open();
    assert!(session.answer(1, "first").contains("plain"));
    upstream.forget_sessions();
    let mut stream = session.listen(None);
    assert_eq!(stream.status, 200);
    let mut events = streams.recv_timeout(PATIENCE).unwrap();
    events.message(LOG);
    assert!(stream.event().unwrap().data.contains("news"));
    let again = upstream.wait_for(|received| {
        received.is_get() && received.headers.get("Mcp-Session-Id") == Some("upstream-2")
    });
    assert_eq!(
        again.headers.get("MCP-Protocol-Version"),
        Some("2025-11-25")
    );
    let refused = session.answer(2, "second");
    assert!(refused.contains("guardrail `flow`"), "{refused}");
}

#[test]
fn what_a_lost_session_had_sent_is_not_gone_on_with() {
    let (upstream, streams) = listened();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let mut stream = session.listen(None);
    let mut events = streams.recv_timeout(PATIENCE).unwrap();
    events.send(&format!("id: e1\ndata: {LOG}"));
    assert_eq!(stream.event().unwrap().id.as_deref(), Some("e1"));
    upstream.forget_sessions();
    assert_eq!(session.listen(Some("e1")).status, 400);
    assert!(session.answer(1, "x").contains("plain"));
    // Nor in the session that took its place, whoever found out that it was lost.
    assert_eq!(session.listen(Some("e1")).status, 400);
    assert_eq!(session.listen(None).status, 200);
}

#[test]
fn a_server_may_say_more_than_the_answer_when_it_is_opened_again() {
    let opened = Mutex::new(false);
    let upstream = Upstream::scripted(move |received, reply| {
        let is_again = received.method() == Some("initialize")
            && std::mem::replace(&mut *opened.lock().unwrap(), true);
        if !is_again {
            return Some(reply);
        }
        let result = r#"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}"#;
        let mut events = reply.events();
        events.message(LOG);
        events.message(r#"{"jsonrpc":"2.0","id":77,"method":"ping"}"#);
        events.message(&received.answered(result));
        events.end();
        None
    });
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    upstream.forget_sessions();
    assert!(session.answer(1, "x").contains("plain"));
}

#[test]
fn a_session_is_opened_again_with_all_that_the_server_asks_for() {
    let upstream = Upstream::scripted(|received, reply| {
        if received.headers.get("Authorization") == Some("Bearer one") {
            return Some(reply);
        }
        reply.plain("401 Unauthorized", &[], "");
        None
    });
    let url = format!("http://{}/mcp", upstream.address);
    let servers =
        format!("servers: {{ s: {{ url: \"{url}\", forward_headers: [authorization] }} }}\n");
    let gateway = Gateway::start(&servers, "");
    let base = Request::new("GET", PATH).with("Authorization", "Bearer one");
    let session = gateway.open_with("2025-11-25", &base);
    upstream.forget_sessions();
    assert!(session.answer(1, "x").contains("plain"));
}

#[test]
fn a_client_with_one_stream_is_listened_for_again() {
    let (upstream, streams) = listened();
    let url = format!("http://{}/mcp", upstream.address);
    let mut client = Client::run(&["--url", &url]);
    client.send(&initialize("2025-11-25"));
    assert!(client.receive().contains("serverInfo"));
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    let mut events = streams.recv_timeout(PATIENCE).unwrap();
    events.send(&format!("id: e1\nretry: 250\ndata: {LOG}"));
    assert!(client.receive().contains("news"));
    upstream.forget_sessions();
    events.end();
    // Nothing that the client says makes known that the session is lost.
    let mut events = streams.recv_timeout(PATIENCE).unwrap();
    events.message(&LOG.replace("news", "more"));
    assert!(client.receive().contains("more"));
    let received = upstream.received();
    let again = received.iter().rev().find(|received| received.is_get());
    assert_eq!(again.unwrap().headers.get("Last-Event-ID"), None);
}
