//! Clients that take their time, or more than their share.

use std::io::Read;
use std::sync::mpsc::sync_channel;

use super::gateway::{Gateway, PATH, call, initialize};
use super::http::{PATIENCE, Request};
use super::upstream::{Upstream, long_log};

#[test]
fn a_head_that_does_not_come_to_its_end_is_not_waited_for() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let request = Request::post(PATH, &initialize("2025-11-25"));
    let mut connection = request.say_some(gateway.address, 40).unwrap();
    let mut said = Vec::new();
    // Otherwise this would fail for want of an end.
    connection.read_to_end(&mut said).unwrap();
    assert!(upstream.received().is_empty());
}

#[test]
fn a_client_that_does_not_read_loses_its_stream_and_not_its_session() {
    let (done, is_done) = sync_channel(1);
    let upstream = Upstream::scripted(move |received, reply| {
        if received.tool() != Some("flood") {
            return Some(reply);
        }
        let mut events = reply.events();
        let log = long_log();
        // More than sockets and queues hold.
        for _ in 0..2_000 {
            events.message(&log);
        }
        events.message(&received.answered("{}"));
        events.end();
        done.send(()).unwrap();
        None
    });
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let unread = session.base.saying(&call(1, "flood")).say(session.address);
    assert!(session.answer(2, "x").contains("plain"));
    assert!(is_done.try_recv().is_err(), "it has fitted somewhere");
    is_done.recv_timeout(PATIENCE).unwrap();
    assert!(session.answer(3, "x").contains("plain"));
    drop(unread);
}

#[test]
fn one_principal_has_its_share_and_is_told_when_to_come_back() {
    let upstream = Upstream::plain();
    let limits = "sessions: { max_sessions: 3, max_sessions_per_principal: 2 }\n";
    let gateway = Gateway::before(&upstream, limits);
    let base = |name: &str| Request::new("GET", PATH).with("Authorization", name);
    let open = |name: &str| gateway.open_with("2025-11-25", &base(name));
    let refused = |name: &str| {
        let answer = base(name)
            .saying(&initialize("2025-11-25"))
            .send(gateway.address);
        assert_eq!(answer.status, 429, "{name}");
        assert_eq!(answer.headers.get("Retry-After"), Some("5"));
        let body = answer.body();
        assert!(body.contains(r#""id":0,"error""#), "{body}");
    };
    let first = open("Bearer a");
    open("Bearer a");
    refused("Bearer a");
    open("Bearer b");
    refused("Bearer c");
    assert_eq!(first.delete().status, 200);
    open("Bearer c");
}
