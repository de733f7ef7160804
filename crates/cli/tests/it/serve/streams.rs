//! What is said on streams, and when.

use std::sync::Mutex;
use std::sync::mpsc::sync_channel;

use super::gateway::{Gateway, call};
use super::http::{Answer, Event, PATIENCE};
use super::upstream::Upstream;

const PROGRESS: &str = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}"#;
const CALL_WITH_PROGRESS: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slow","arguments":{},"_meta":{"progressToken":"p"}}}"#;
const LOG: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"a"}}"#;

#[test]
fn progress_is_told_before_there_is_a_result() {
    let (finish, may_finish) = sync_channel::<()>(1);
    let may_finish = Mutex::new(may_finish);
    let upstream = Upstream::scripted(move |received, reply| {
        if received.tool() != Some("slow") {
            return Some(reply);
        }
        let mut events = reply.events();
        events.message(PROGRESS);
        let told = may_finish.lock().unwrap().recv_timeout(PATIENCE);
        if told.is_ok() {
            events.message(&received.answered(r#"{"content":[]}"#));
        }
        events.end();
        None
    });
    let gateway = Gateway::before(&upstream, "");
    let mut answer = gateway.open().post(CALL_WITH_PROGRESS);
    assert_eq!(answer.event().unwrap().data, PROGRESS);
    finish.send(()).unwrap();
    let result = answer.event().unwrap().data;
    assert_eq!(
        result,
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#
    );
    assert_eq!(answer.event(), None);
}

#[test]
fn a_request_of_the_server_is_answered_before_there_is_a_result() {
    const REQUEST: &str =
        r#"{"jsonrpc":"2.0","id":"r",  "method":"elicitation/create","params":{"message":"m"}}"#;
    const RESPONSE: &str = r#"{"jsonrpc":"2.0", "id":"r","result":{"action":"decline"}}"#;
    let (answered, is_answered) = sync_channel::<String>(1);
    let is_answered = Mutex::new(is_answered);
    let upstream = Upstream::scripted(move |received, reply| {
        if received.tool() == Some("slow") {
            let mut events = reply.events();
            events.message(REQUEST);
            let response = is_answered.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            assert_eq!(response, RESPONSE);
            events.message(&received.answered(r#"{"content":[]}"#));
            events.end();
            return None;
        }
        if received.body.contains("decline") {
            answered.send(received.body.clone()).unwrap();
        }
        Some(reply)
    });
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let mut answer = session.call(1, "slow");
    assert_eq!(answer.event().unwrap().data, REQUEST);
    assert_eq!(session.post(RESPONSE).status, 202);
    assert!(answer.message().contains("\"result\""));
}

#[test]
fn what_is_not_edited_passes_byte_for_byte() {
    const REQUEST: &str = r#" { "id" : 1 ,"jsonrpc":"2.0","method":"tools/call","params":{"name":"x","arguments":{"n":1.50e+1,"big":123456789012345678901234567890,"\u00fc":"\/ü"}} }"#;
    const RESPONSE: &str = r#"{"result":{"content":[ {"type":"text","text":"\u00e4ä\/"} ],"n":-0.10E-3},"id":1, "jsonrpc":"2.0"}"#;
    let upstream = Upstream::scripted(|received, reply| {
        if received.tool() == Some("x") {
            reply.json(&[], RESPONSE);
        } else if received.tool() == Some("stream") {
            let mut events = reply.events();
            events.message(LOG);
            events.message(RESPONSE);
            events.end();
        } else {
            return Some(reply);
        }
        None
    });
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let answer = session.post(REQUEST);
    assert!(!answer.is_stream());
    assert_eq!(answer.message(), RESPONSE);
    upstream.wait_for(|received| received.body == REQUEST);
    let mut answer = session.call(1, "stream");
    assert_eq!(answer.event().unwrap().data, LOG);
    assert_eq!(answer.event().unwrap().data, RESPONSE);
    assert_eq!(answer.event(), None);
}

#[test]
fn positions_in_a_stream_reach_the_client_and_go_back_to_the_server() {
    let upstream = Upstream::scripted(|received, reply| {
        let mut events = if received.is_get() || received.tool() == Some("stream") {
            reply.events()
        } else {
            return Some(reply);
        };
        if received.is_get() {
            let last = received.headers.get("Last-Event-ID").unwrap();
            events.send(&format!("id: after {last}\ndata: {LOG}"));
        } else {
            events.send("id: e1\nretry: 2000\ndata:");
            events.send(&format!("id: e 2\ndata: {LOG}"));
            events.send("retry: 500\ndata:");
            events.send(&format!("id: e3\ndata: {}", received.answered("{}")));
        }
        events.end();
        None
    });
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let event = |id: Option<&str>, retry: Option<&str>, data: &str| Event {
        name: None,
        id: id.map(str::to_owned),
        retry: retry.map(str::to_owned),
        data: data.to_owned(),
    };
    let mut answer = session.call(1, "stream");
    let mut next = || answer.event().unwrap();
    assert_eq!(next(), event(Some("e1"), Some("2000"), ""));
    assert_eq!(next(), event(Some("e 2"), None, LOG));
    assert_eq!(next(), event(None, Some("500"), ""));
    assert_eq!(
        next(),
        event(Some("e3"), None, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)
    );
    assert_eq!(answer.event(), None);
    let mut stream = session.listen(Some("e 2"));
    assert_eq!(stream.status, 200);
    assert_eq!(stream.event(), Some(event(Some("after e 2"), None, LOG)));
    assert_eq!(stream.event(), None);
}

#[test]
fn a_client_is_not_told_to_come_back_sooner_than_after_250_ms() {
    let upstream = Upstream::scripted(|received, reply| {
        let mut events = if received.is_get() || received.tool() == Some("stream") {
            reply.events()
        } else {
            return Some(reply);
        };
        events.send("id: e1\nretry: 0\ndata:");
        events.send(&format!("id: e2\nretry: 249\ndata: {LOG}"));
        events.send("retry: 251\ndata:");
        if !received.is_get() {
            events.send(&format!("data: {}", received.answered("{}")));
        }
        events.end();
        None
    });
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    for mut stream in [session.call(1, "stream"), session.listen(None)] {
        let retries = [(); 3].map(|()| stream.event().unwrap().retry.unwrap());
        assert_eq!(retries, ["250", "250", "251"]);
    }
}

#[test]
fn two_sessions_with_the_same_ids_do_not_mix() {
    let held = Mutex::new(Vec::new());
    // Both calls are open before either is answered, the later one first.
    let upstream = Upstream::scripted(move |received, reply| {
        if received.tool().is_none() {
            return Some(reply);
        }
        let mut held = held.lock().unwrap();
        held.push((received.clone(), reply));
        if held.len() == 2 {
            for (received, reply) in held.drain(..).rev() {
                let tool = received.tool().unwrap_or_default();
                let text = format!(r#"{{"content":[{{"type":"text","text":"of {tool}"}}]}}"#);
                reply.result(&received, &text);
            }
        }
        None
    });
    let gateway = Gateway::before(&upstream, "");
    let [a, b] = ["a", "b"].map(|tool| (gateway.open().base.saying(&call(1, tool)), tool));
    let open = [a, b].map(|(request, tool)| (request.say(gateway.address), tool));
    for (connection, tool) in open {
        let message = Answer::read(connection, "POST").unwrap().message();
        assert!(
            message.contains(&format!("\"of {tool}\"")),
            "{tool}: {message}"
        );
    }
}
