//! Servers that die, forget, and hang up.

use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use portcullis_store::SessionFilter;

use super::gateway::{Gateway, PATH, call, eventually, initialize};
use super::http::{Answer, Request, read_head};
use super::revisions::modern_call_with;
use super::upstream::Upstream;

#[track_caller]
fn is_error(message: &str, id: u32) {
    let expected = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32603,"#);
    assert!(message.starts_with(&expected), "{message}");
}

#[test]
fn a_server_that_hangs_up_answers_all_who_wait_with_an_error() {
    let held = Mutex::new(Vec::new());
    let upstream = Upstream::scripted(move |received, reply| {
        match received.tool() {
            Some("wait") => {
                let mut events = reply.events();
                events.send(": begun");
                held.lock().unwrap().push(events);
            }
            Some("cut all") => {
                for events in held.lock().unwrap().drain(..) {
                    events.cut();
                }
                reply.cut();
            }
            Some("end") => reply.events().end(),
            Some("accept") => reply.plain("202 Accepted", &[], ""),
            Some("page") => reply.plain("502 Bad Gateway", &[("Content-Type", "text/html")], "<p>"),
            _ => return Some(reply),
        }
        None
    });
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let open = [1, 2].map(|id| (session.call(id, "wait"), id));
    is_error(&session.answer(3, "cut all"), 3);
    for (answer, id) in open {
        is_error(&answer.message(), id);
    }
    is_error(&session.answer(4, "end"), 4);
    is_error(&session.answer(5, "accept"), 5);
    is_error(&session.answer(6, "page"), 6);
    assert!(session.answer(1, "x").contains("plain"));
}

#[test]
fn a_program_that_dies_answers_all_who_wait_with_an_error() {
    const ANSWER: &str = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#;
    // Dies once it has read all that the test says.
    let script = format!("read a; echo '{ANSWER}'; read a; read a; read a");
    let servers = format!("servers:\n  s:\n    command: [sh, -c, {script:?}]\n");
    let gateway = Gateway::start(&servers, "");
    let session = gateway.open();
    let open = [1, 2].map(|id| {
        let waits = session.base.saying(&call(id, "x"));
        (waits.say(gateway.address), id)
    });
    for (connection, id) in open {
        is_error(&Answer::read(connection, "POST").unwrap().message(), id);
    }
    let after = session.call(4, "x");
    assert_eq!(after.status, 404);
    assert!(after.message().contains("-32001"));
}

#[test]
fn how_a_program_ended_is_logged_unless_it_was_told_to() {
    const ANSWER: &str = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#;
    let servers = |end: &str| {
        let script = format!("read a; echo '{ANSWER}'; read a; {end}");
        format!("servers:\n  s:\n    command: [sh, -c, {script:?}]\n")
    };
    let told = |log: &str| {
        let mut lines = log.lines();
        let line = lines.find(|line| line.contains(" server ended"))?;
        assert!(
            line.contains(" WARN ") && line.contains(" session="),
            "{line}"
        );
        line.split_once(" server=").map(|(_, end)| end.to_owned())
    };
    for (end, expected) in [
        ("exit 3", "s status=\"exit status: 3\""),
        ("kill -9 $$", "s status=\"signal: 9 (SIGKILL)\""),
    ] {
        let gateway = Gateway::start(&servers(end), "");
        gateway.open();
        eventually("the end is not logged", || told(&gateway.log()).is_some());
        assert_eq!(told(&gateway.log()).as_deref(), Some(expected));
    }
    let gateway = Gateway::start(&servers("cat > /dev/null; exit 3"), "");
    assert_eq!(gateway.open().delete().status, 200);
    eventually("the session goes on", || {
        gateway.log().contains("session ends")
    });
    assert_eq!(told(&gateway.log()), None);
    // It dies before it has said a word.
    let gateway = Gateway::start("servers:\n  s:\n    command: [sh, -c, exit 4]\n", "");
    Request::post(PATH, &initialize("2025-11-25")).send(gateway.address);
    eventually("the end is not logged", || told(&gateway.log()).is_some());
    assert!(gateway.log().contains("status=\"exit status: 4\""));
}

#[test]
fn a_program_that_is_missing_is_told_with_its_server() {
    let servers = "servers: { s: { command: [/nowhere/at-all] } }\n";
    let gateway = Gateway::start(servers, "");
    Request::post(PATH, &initialize("2025-11-25")).send(gateway.address);
    eventually("the session goes on", || {
        gateway.log().contains("session ends")
    });
    let log = gateway.log();
    let mut lines = log.lines();
    let told = lines.find(|line| line.contains("server not started"));
    assert!(told.is_some_and(|line| line.contains(" server=s")), "{log}");
    assert!(!log.contains("server ended"), "{log}");
    let said = "error: the server `s` could not be started: `/nowhere/at-all`: No such";
    eventually("it is not said", || gateway.said().contains(said));
}

#[test]
fn a_session_ends_with_a_program_that_takes_nothing_any_more() {
    const ANSWER: &str = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#;
    let script = format!("read a; exec <&-; echo '{ANSWER}'; exec sleep 600");
    let servers = format!("servers:\n  s:\n    command: [sh, -c, {script:?}]\n");
    let gateway = Gateway::start(&servers, "");
    let session = gateway.open();
    eventually("the session goes on", || {
        let answer = session.call(1, "x");
        let status = answer.status;
        let expected = if status == 404 { "-32001" } else { "-32603" };
        assert!(answer.message().contains(expected), "{status}");
        status == 404
    });
    eventually("the program goes on", || {
        gateway.log().contains("reason=server")
    });
}

#[test]
fn a_program_that_says_nothing_is_given_up() {
    const ANSWER: &str = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#;
    let script = format!("read a; echo '{ANSWER}'; cat > /dev/null");
    let settings = format!(
        "servers:\n  s:\n    command: [sh, -c, {script:?}]\nstreams: {{ request_timeout: 1s }}\n"
    );
    let gateway = Gateway::start(&settings, "");
    let session = gateway.open();
    // Its events have no ids, so that nobody can have missed one.
    assert_eq!(session.listen(Some("e1")).status, 400);
    let message = session.answer(1, "x");
    is_error(&message, 1);
    assert!(message.contains("said nothing for 1 seconds"), "{message}");
}

#[test]
fn a_comment_is_a_sign_of_life() {
    let upstream = Upstream::scripted(|received, reply| {
        if received.tool() != Some("slow") {
            return Some(reply);
        }
        let mut events = reply.events();
        // Longer than the time-out in all, and never silent for long.
        for _ in 0..12 {
            events.send(": still here");
            thread::sleep(Duration::from_millis(250));
        }
        events.message(&received.answered(r#"{"content":[]}"#));
        events.end();
        None
    });
    let gateway = Gateway::before(&upstream, "streams: { request_timeout: 2s }\n");
    let session = gateway.open();
    let message = session.answer(1, "slow");
    assert!(message.contains(r#""id":1,"result""#), "{message}");
}

#[test]
fn a_session_that_the_server_lost_is_opened_again_and_the_guardrails_remember() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, FIRST_THEN_SECOND);
    let session = gateway.open();
    assert!(session.answer(1, "first").contains("plain"));
    upstream.forget_sessions();
    assert!(session.answer(2, "third").contains("plain"));
    let again = upstream.wait_for(|received| {
        received.tool() == Some("third")
            && received.headers.get("Mcp-Session-Id") == Some("upstream-2")
    });
    assert_eq!(
        again.headers.get("MCP-Protocol-Version"),
        Some("2025-11-25")
    );
    let message = session.answer(3, "second");
    assert!(message.contains("guardrail `flow`"), "{message}");
    let fresh = gateway.open();
    assert!(fresh.answer(1, "second").contains("plain"));
}

#[test]
fn a_resumable_stream_that_ends_is_no_error_and_the_answer_comes_later() {
    let upstream = Upstream::scripted(|received, reply| {
        let resumed = received.headers.get("Last-Event-ID");
        if received.is_get() && resumed == Some("e1") {
            let mut events = reply.events();
            events.send("id: e2\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[]}}");
            events.end();
        } else if received.tool() == Some("later") {
            let mut events = reply.events();
            events.send("id: e1\nretry: 10\ndata:");
            events.end();
        } else {
            return Some(reply);
        }
        None
    });
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let mut answer = session.call(7, "later");
    assert_eq!(answer.event().unwrap().id.as_deref(), Some("e1"));
    assert_eq!(answer.event(), None);
    let mut resumed = session.listen(Some("e1"));
    let event = resumed.event().unwrap();
    assert_eq!(event.id.as_deref(), Some("e2"));
    assert!(event.data.contains("\"id\":7,\"result\""), "{}", event.data);
    assert_eq!(resumed.event(), None);
}

pub(crate) const FIRST_THEN_SECOND: &str = "guardrails:
- name: flow
  policy: |
    raise \"second after first\" if:
        (a: ToolCall) -> (b: ToolCall)
        a is tool:first
        b is tool:second
";

#[test]
fn an_endpoint_of_another_origin_is_not_written_to() {
    let other = Upstream::plain();
    let elsewhere = format!("event: endpoint\ndata: http://{}/messages", other.address);
    let upstream = Upstream::scripted(move |received, reply| {
        if !received.is_get() {
            return Some(reply);
        }
        reply.events().send(&elsewhere);
        None
    });
    let settings = format!(
        "servers: {{ s: {{ url: \"http://{}/sse\", transport: sse }} }}\n",
        upstream.address
    );
    let gateway = Gateway::start(&settings, "");
    let answer = Request::post(PATH, &initialize("2025-11-25")).send(gateway.address);
    assert_eq!(answer.status, 502);
    is_error(&answer.message(), 0);
    assert!(other.received().is_empty());
}

#[test]
fn a_long_answer_is_recorded_whoever_leaves_meanwhile() {
    // So long that it is judged beside the connection, by what takes a while for it.
    const SLOW: &str = "guardrails:\n- name: slow\n  policy: |\n    \
        from invariant.detectors import pii\n    \
        raise \"pii\" if:\n        (o: ToolOutput)\n        any(pii(o))\n";
    let text = "word 4711 ".repeat(30_000);
    let result = format!(r#"{{"content":[{{"type":"text","text":"{text}"}}]}}"#);
    let upstream = Upstream::scripted(move |received, reply| {
        if received.tool() != Some("long") {
            return Some(reply);
        }
        reply.result(received, &result);
        None
    });
    let gateway = Gateway::before(&upstream, SLOW);
    let waits = [40, 80, 120, 160, 240, 320, 400];
    for wait in waits {
        let session = gateway.open();
        let caller = session.base.saying(&call(1, "long")).say(gateway.address);
        thread::sleep(Duration::from_millis(wait));
        assert_eq!(session.delete().status, 200);
        drop(caller);
    }
    let mut store = gateway.store();
    eventually("a message is not recorded", || {
        let sessions = store.sessions(&SessionFilter::newest(16)).unwrap();
        let are_whole = sessions
            .iter()
            .all(|session| session.ended_at.is_some() && session.events_lost == 0);
        are_whole && sessions.len() == waits.len()
    });
}

#[test]
fn what_a_server_answers_before_it_has_read_the_request_is_heard() {
    const ANSWER: &str =
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"too long for me"}}"#;
    const ROUNDS: usize = 20;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            read_head(&mut BufReader::with_capacity(64, &stream)).ok();
            let length = ANSWER.len();
            let answer = format!(
                "HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\n\
                Content-Length: {length}\r\nConnection: close\r\n\r\n{ANSWER}"
            );
            // At once: what is not sent yet goes with the connection.
            stream.write_all(answer.as_bytes()).ok();
            // With most of the request unread, this resets the connection.
        }
    });
    let gateway = Gateway::start(
        &format!("servers: {{ s: {{ url: \"http://{address}/\" }} }}\n"),
        "",
    );
    let text = "x".repeat(4 << 20);
    let request = modern_call_with(1, "long", &format!(r#"{{"text":"{text}"}}"#));
    for _ in 0..ROUNDS {
        assert_eq!(request.send(gateway.address).body(), ANSWER);
    }
}
