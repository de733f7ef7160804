//! What happens while a session ends, and how some come to their end.

use std::io::Write;
use std::net::Shutdown;
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;
use std::thread;

use super::gateway::{Gateway, PATH, call, eventually, initialize};
use super::http::{Answer, PATIENCE, Request};
use super::upstream::{Upstream, long_log};
use crate::client::Client;

const ROOTS_CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#;

#[test]
fn what_comes_while_the_session_ends_is_answered_like_what_comes_after() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    for (message, id) in [
        (call(9, "x"), r#""id":9,"#),
        (ROOTS_CHANGED.to_owned(), r#"{"jsonrpc":"2.0","error":"#),
    ] {
        let session = gateway.open();
        let head = session.base.saying("");
        let head = head.with("Content-Length", &message.len().to_string());
        let mut connection = head.say(session.address);
        // Another session is served, so that the head has come.
        gateway.open();
        assert_eq!(session.delete().status, 200);
        connection.write_all(message.as_bytes()).unwrap();
        let answer = Answer::read(connection, "POST").unwrap();
        assert_eq!(answer.status, 404, "{message}");
        let body = answer.body();
        assert!(body.contains(id) && body.contains("-32001"), "{body}");
    }
}

#[test]
fn a_session_whose_client_leaves_before_it_has_begun_ends() {
    let upstream = Upstream::scripted(|received, reply| {
        (received.method() != Some("initialize")).then_some(reply)
    });
    let gateway = Gateway::before(&upstream, "");
    let request = Request::post(PATH, &initialize("2025-11-25"));
    let connection = request.say(gateway.address);
    upstream.wait_for(|received| received.method() == Some("initialize"));
    connection.shutdown(Shutdown::Both).unwrap();
    eventually("the session goes on", || {
        gateway.log().contains("session ends")
    });
}

/// A server that says more than anything holds, for as long as anybody takes it.
fn flooding() -> Upstream {
    Upstream::scripted(|received, reply| {
        if received.tool() != Some("flood") {
            return Some(reply);
        }
        let mut events = reply.events();
        let log = long_log();
        while events.message(&log) {}
        None
    })
}

#[test]
fn a_client_with_one_stream_that_does_not_read_it_loses_its_session() {
    let upstream = flooding();
    let gateway = Gateway::before(&upstream, "");
    let sse = Request::new("GET", "/servers/s/sse");
    let mut stream = sse.send(gateway.address);
    let path = stream.event().unwrap().data;
    let say = |message: &str| Request::post(&path, message).send(gateway.address).status;
    assert_eq!(say(&initialize("2024-11-05")), 202);
    assert!(stream.event().unwrap().data.contains("serverInfo"));
    assert_eq!(
        say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
        202
    );
    assert_eq!(say(&call(1, "flood")), 202);
    upstream.wait_for(|received| received.verb == "DELETE");
    // What it has yet to read comes to an end.
    while stream.event().is_some() {}
    assert_eq!(say(&call(2, "x")), 404);
}

#[test]
fn a_client_on_standard_streams_that_does_not_read_ends_as_well() {
    let upstream = flooding();
    let url = format!("http://{}/mcp", upstream.address);
    let mut client = Client::run(&["--url", &url]);
    client.send(&initialize("2025-11-25"));
    assert!(client.receive().contains("serverInfo"));
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    client.call(1, "flood");
    upstream.wait_for(|received| received.verb == "DELETE");
    assert!(client.process.wait().unwrap().success());
}

#[test]
fn a_session_that_is_too_old_ends_however_busy_it_is() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    assert_eq!(session.call(1, "x").status, 200);
    gateway.configure("sessions: { max_age: 1ms }\n");
    eventually("it goes on", || session.call(2, "x").status == 404);
    upstream.wait_for(|received| received.verb == "DELETE");
    // The server hears of it first.
    eventually("it ended for another reason", || {
        gateway.log().contains("reason=age")
    });
}

#[test]
fn a_session_that_has_ended_is_not_opened_again() {
    let (go_on, may_go_on) = sync_channel::<()>(1);
    let may_go_on = Mutex::new(may_go_on);
    let upstream = Upstream::scripted(move |received, reply| {
        if received.method() != Some("notifications/roots/list_changed") {
            return Some(reply);
        }
        may_go_on.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        reply.plain("404 Not Found", &[], "");
        None
    });
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let late = thread::spawn({
        let session = session.clone();
        move || session.post(ROOTS_CHANGED).status
    });
    upstream.wait_for(|received| received.method() == Some("notifications/roots/list_changed"));
    assert_eq!(session.delete().status, 200);
    go_on.send(()).unwrap();
    assert_eq!(late.join().unwrap(), 202);
    let received = upstream.received();
    let opened = received
        .iter()
        .filter(|received| received.method() == Some("initialize"));
    assert_eq!(opened.count(), 1);
}
