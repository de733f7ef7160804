//! Lists of messages, which revision 2025-03-26 has.

use std::sync::Mutex;
use std::sync::mpsc::sync_channel;

use super::gateway::{Gateway, PATH, Session, call, eventually, initialize};
use super::http::{Answer, PATIENCE, Request};
use super::upstream::Upstream;

const REVISION: &str = "2025-03-26";
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const ROOTS_CHANGED: &str = "notifications/roots/list_changed";
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[test]
fn each_message_of_a_list_is_admitted_like_one_alone() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let begun = Request::post(PATH, &initialize(REVISION)).send(gateway.address);
    let id = begun.headers.get("Mcp-Session-Id").unwrap().to_owned();
    let base = Request::new("GET", PATH).with("Mcp-Session-Id", &id);
    begun.body();
    let session = Session {
        address: gateway.address,
        id,
        base,
    };
    let heard = upstream.received().len();
    let refused = |list: &str, expected: &str| {
        let answer = session.post(list);
        assert_eq!(answer.status, 400, "{list}");
        let message = answer.body();
        assert!(message.contains(expected), "{list}: {message}");
        assert_eq!(upstream.received().len(), heard, "{list}");
    };
    let early = format!("[{PING},{}]", call(7, "x"));
    refused(&early, r#""id":7,"error":{"code":-32600,"#);
    refused(&early, "send `notifications/initialized` first");
    let modern = call(8, "x").replace(
        r#""arguments""#,
        r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"arguments""#,
    );
    assert_eq!(session.post(INITIALIZED).status, 202);
    let heard = upstream.received().len();
    let answer = session.post(&format!("[{},{modern}]", call(7, "x")));
    assert_eq!(answer.status, 400);
    assert!(answer.body().contains("of different eras"));
    assert_eq!(upstream.received().len(), heard);
    let mut answers = session.post(&format!("[{PING},{}]", call(7, "x")));
    assert!(answers.is_stream());
    let mut found = [(); 2].map(|()| answers.event().unwrap().data);
    found.sort();
    assert!(found[0].contains(r#""id":1,"result""#), "{found:?}");
    assert!(found[1].contains(r#""id":7,"result""#), "{found:?}");
}

#[test]
fn a_list_is_taken_to_its_end_whoever_leaves() {
    let (go_on, may_go_on) = sync_channel::<()>(1);
    let held = Mutex::new(Some(may_go_on));
    let upstream = Upstream::scripted(move |received, reply| {
        if received.method() == Some(ROOTS_CHANGED)
            && let Some(may_go_on) = held.lock().unwrap().take()
        {
            may_go_on.recv_timeout(PATIENCE).unwrap();
        }
        Some(reply)
    });
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open_with(REVISION, &Request::new("GET", PATH));
    let changed = format!(r#"{{"jsonrpc":"2.0","method":"{ROOTS_CHANGED}"}}"#);
    let list = session.base.saying(&format!("[{changed},{changed}]"));
    let waits = list.say(session.address);
    upstream.wait_for(|received| received.method() == Some(ROOTS_CHANGED));
    drop(waits);
    // By the time that others have been served, it is known that it left.
    gateway.open();
    go_on.send(()).unwrap();
    eventually("the rest of the list is lost", || {
        let received = upstream.received();
        let received = received.iter();
        let told = received.filter(|received| received.method() == Some(ROOTS_CHANGED));
        told.count() == 2
    });
}

#[test]
fn who_cancels_one_request_of_a_list_gets_the_answers_to_the_others() {
    let (go_on, may_go_on) = sync_channel::<()>(1);
    let may_go_on = Mutex::new(may_go_on);
    let upstream = Upstream::scripted(move |received, reply| match received.tool() {
        Some("given up") => None,
        Some("slow") => {
            may_go_on.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            Some(reply)
        }
        _ => Some(reply),
    });
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open_with(REVISION, &Request::new("GET", PATH));
    let list = format!("[{},{}]", call(1, "given up"), call(2, "slow"));
    let waits = session.base.saying(&list).say(session.address);
    for tool in ["given up", "slow"] {
        upstream.wait_for(|received| received.tool() == Some(tool));
    }
    let cancelled =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    assert_eq!(session.post(cancelled).status, 202);
    go_on.send(()).unwrap();
    let mut answers = Answer::read(waits, "POST").unwrap();
    let answer = answers.event().unwrap().data;
    assert!(answer.contains(r#""id":2,"result""#), "{answer}");
}
