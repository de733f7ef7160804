//! Revision 2026-07-28 from clients over HTTP to servers on standard streams.

use std::fs;
use std::net::TcpStream;

use portcullis_json::{Limits, Value, parse};
use rustix::process::Signal;
use tempfile::TempDir;

use super::gateway::{Gateway, PATH, eventually, initialize};
use super::http::{Answer, Request};
use super::revisions::{modern, modern_call};
use super::unkind::signal;
use crate::client::{example, scripted_server};

/// A gateway before the server of the tests, as `s`.
fn gateway(more: &str) -> Gateway {
    let program = example("stateless_server");
    Gateway::start(
        &format!("servers: {{ s: {{ command: [{program:?}] }} }}\n"),
        more,
    )
}

/// One whose server notes in a file that it was started.
fn gateway_before(script: &str, more: &str) -> (Gateway, TempDir) {
    let directory = TempDir::new().unwrap();
    let starts = directory.path().join("starts");
    let script = format!("echo >> '{}'; {script}", starts.display());
    let servers = format!("servers:\n  s:\n    command: [sh, -c, {script:?}]\n");
    (Gateway::start(&servers, more), directory)
}

fn starts(directory: &TempDir) -> usize {
    let starts = fs::read_to_string(directory.path().join("starts"));
    starts.unwrap_or_default().lines().count()
}

fn parsed(text: &str) -> Value {
    parse(text, &Limits::lenient()).unwrap()
}

/// The message that the server saw, by its answer.
#[track_caller]
fn seen(answer: &str) -> Value {
    let answer = parsed(answer);
    let content = answer
        .get("result")
        .and_then(|result| result.get("content"));
    let first = content.and_then(|content| content.as_array()?.first());
    let text = first.and_then(|block| block.get("text")?.as_str().map(str::to_owned));
    parsed(&text.unwrap_or_else(|| panic!("{answer}")))
}

fn number(value: &Value, path: &[&str]) -> Option<i64> {
    let found = path.iter().try_fold(value, |value, name| value.get(name));
    found?.as_i64()
}

/// A call that wants to hear of its progress by this token.
fn call_with_token(id: u32, tool: &str, token: &str) -> Request {
    let plain = modern_call(id, tool);
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","_meta":{{"progressToken":{token},"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{{"name":"test","version":"1"}},"io.modelcontextprotocol/clientCapabilities":{{}},"io.modelcontextprotocol/logLevel":"info"}}}}}}"#
    );
    plain.saying(&body)
}

fn read(connection: TcpStream) -> Answer {
    Answer::read(connection, "POST").unwrap()
}

/// Sends a call that the server holds, and waits until it has it.
fn hold(gateway: &Gateway, call: &Request) -> TcpStream {
    let held = || {
        let answer = modern_call(90, "held").send(gateway.address).body();
        seen(&answer).as_array().unwrap().len()
    };
    let before = held();
    let sent = call.say(gateway.address);
    eventually("the server does not have it", || held() > before);
    sent
}

#[test]
fn requests_of_one_id_get_their_own_answers() {
    let gateway = gateway("");
    let first = hold(&gateway, &call_with_token(1, "hold", r#""t""#));
    let second = call_with_token(1, "release", r#""t""#).send(gateway.address);
    assert_eq!(second.status, 200);
    let second = second.body();
    let first = read(first).body();
    let mut numbers = Vec::new();
    for (answer, tool) in [(&first, "hold"), (&second, "release")] {
        assert!(
            answer.starts_with(r#"{"jsonrpc":"2.0","id":1,"#),
            "{answer}"
        );
        let seen = seen(answer);
        let name = seen.get("params").and_then(|params| params.get("name"));
        assert_eq!(name.and_then(Value::as_str), Some(tool));
        let id = number(&seen, &["id"]);
        assert_eq!(number(&seen, &["params", "_meta", "progressToken"]), id);
        numbers.push(id.unwrap());
    }
    assert_ne!(numbers[0], numbers[1]);
}

#[test]
fn what_is_said_of_a_request_comes_on_its_stream() {
    let gateway = gateway("");
    let other = hold(&gateway, &modern_call(1, "hold"));
    let mut answer = call_with_token(1, "report", r#""tok\"en""#).send(gateway.address);
    assert!(answer.is_stream());
    let progress = answer.event().unwrap().data;
    let expected = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"tok\"en","progress":1}}"#;
    assert_eq!(progress, expected);
    let log = answer.event().unwrap().data;
    assert!(log.contains("notifications/message"), "{log}");
    assert!(answer.message().contains(r#""id":1,"result""#));
    modern_call(2, "release").send(gateway.address).body();
    assert!(!read(other).is_stream());
}

#[test]
fn subscriptions_keep_the_ids_of_their_clients() {
    let gateway = gateway("");
    let listen = |id: u32| {
        let notifications = r#""notifications":{"toolsListChanged":true},"#;
        modern(id, "subscriptions/listen", notifications).send(gateway.address)
    };
    let mut streams = [listen(7), listen(7), listen(8)];
    let subscription = |id: u32| format!(r#""io.modelcontextprotocol/subscriptionId":{id}}}"#);
    for (stream, id) in streams.iter_mut().zip([7, 7, 8]) {
        let told = stream.event().unwrap().data;
        assert!(told.contains("subscriptions/acknowledged"), "{told}");
        assert!(told.contains(&subscription(id)), "{told}");
    }
    modern_call(1, "change").send(gateway.address).body();
    for (stream, id) in streams.iter_mut().zip([7, 7, 8]) {
        let told = stream.event().unwrap().data;
        assert!(told.contains("tools/list_changed"), "{told}");
        assert!(told.contains(&subscription(id)), "{told}");
    }
    modern_call(1, "end").send(gateway.address).body();
    for (mut stream, id) in streams.into_iter().zip([7, 7, 8]) {
        let answer = stream.event().unwrap().data;
        let expected = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"#);
        assert!(answer.starts_with(&expected), "{answer}");
        assert!(answer.contains(&subscription(id)), "{answer}");
        assert!(stream.event().is_none());
    }
    // What ends a subscription that is answered is nothing to speak of.
    assert!(!gateway.log().contains("noted"), "{}", gateway.log());
}

#[test]
fn a_subscription_that_the_server_breaks_off_ends() {
    let gateway = gateway("");
    let mut stream = modern(7, "subscriptions/listen", "").send(gateway.address);
    stream.event().unwrap();
    modern_call(1, "break off").send(gateway.address).body();
    let answer = stream.message();
    assert!(answer.contains(r#""id":7,"error""#), "{answer}");
    assert!(answer.contains("ended the subscription"), "{answer}");
}

#[test]
fn a_client_that_leaves_cancels() {
    let gateway = gateway("");
    let kept = hold(&gateway, &modern_call(1, "hold"));
    drop(hold(&gateway, &modern_call(1, "hold")));
    let mut cancelled = Vec::new();
    eventually("the server is not told", || {
        let answer = modern_call(2, "cancelled").send(gateway.address).body();
        cancelled.extend_from_slice(seen(&answer).as_array().unwrap());
        !cancelled.is_empty()
    });
    assert_eq!(cancelled.len(), 1);
    let released = modern_call(3, "release").send(gateway.address).body();
    let released = number(&seen(&released), &["id"]);
    // The other one with its id is answered still, under another number.
    let answer = read(kept).body();
    assert_ne!(number(&seen(&answer), &["id"]), cancelled[0].as_i64());
    assert_ne!(number(&seen(&answer), &["id"]), released);
}

#[test]
fn answered_requests_are_not_cancelled() {
    let gateway = gateway("");
    for id in 1..=20 {
        modern_call(id, "x").send(gateway.address).body();
    }
    let answer = modern_call(21, "cancelled").send(gateway.address).body();
    assert_eq!(seen(&answer).as_array(), Some(&[][..]));
}

#[test]
fn another_server_is_started_for_one_that_ended() {
    let program = example("stateless_server");
    let (gateway, directory) = gateway_before(&format!("exec '{}'", program.display()), "");
    let held = hold(&gateway, &modern_call(1, "hold"));
    // One to be asked for its era, one to serve.
    assert_eq!(starts(&directory), 2);
    let died = modern_call(2, "die").send(gateway.address).body();
    for answer in [died, read(held).body()] {
        assert!(answer.contains("ended before it answered"), "{answer}");
    }
    let answer = modern_call(3, "x").send(gateway.address).body();
    assert_eq!(number(&seen(&answer), &["params", "arguments", "x"]), None);
    assert_eq!(starts(&directory), 3);
}

#[test]
fn a_broken_answer_fails_its_request() {
    let gateway = gateway("limits: { message_bytes: 100000 }\n");
    let held = hold(&gateway, &modern_call(1, "hold"));
    let broken = modern_call(1, "break").send(gateway.address).body();
    assert!(broken.contains(r#""id":1,"error""#), "{broken}");
    assert!(broken.contains("malformed"), "{broken}");
    modern_call(2, "release").send(gateway.address).body();
    assert!(read(held).body().contains(r#""result""#));
    // Of a line that is too long nobody knows whose it was, unless it can only be one's.
    let long = modern_call(1, "long").send(gateway.address).body();
    assert!(long.contains("is longer than 100000"), "{long}");
}

#[test]
fn an_answer_that_names_its_request_badly_answers_the_only_one() {
    let gateway = gateway("");
    // Of a subscription that is under way nothing is awaited.
    let mut subscription = modern(7, "subscriptions/listen", "").send(gateway.address);
    subscription.event().unwrap();
    let nameless = modern_call(1, "answer nobody").send(gateway.address).body();
    let expected = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"broken"}}"#;
    assert_eq!(nameless, expected);
    let held = hold(&gateway, &modern_call(1, "hold"));
    let as_text = modern_call(1, "answer as text")
        .send(gateway.address)
        .body();
    assert!(as_text.contains("an id of another type"), "{as_text}");
    modern_call(2, "release").send(gateway.address).body();
    assert!(read(held).body().contains(r#""result""#));
    modern_call(2, "change").send(gateway.address).body();
    assert!(subscription.event().unwrap().data.contains("list_changed"));
}

#[test]
fn what_is_of_no_request_goes_to_none() {
    let gateway = gateway("");
    let mut subscription = modern(7, "subscriptions/listen", "").send(gateway.address);
    subscription.event().unwrap();
    let answer = modern_call(1, "stray").send(gateway.address);
    assert!(!answer.is_stream());
    assert!(answer.body().contains(r#""result""#));
    // It asks for what is more severe than that.
    let answer = call_with_token(1, "stray", "1").send(gateway.address);
    assert!(!answer.is_stream());
    assert!(answer.body().contains(r#""result""#));
    assert_eq!(
        gateway.log().matches("noted").count(),
        6,
        "{}",
        gateway.log()
    );
    modern_call(1, "answer twice").send(gateway.address).body();
    modern_call(1, "end").send(gateway.address).body();
    assert!(
        subscription
            .event()
            .unwrap()
            .data
            .contains(r#""id":7,"result""#)
    );
    // Late answers are nothing to speak of.
    assert_eq!(
        gateway.log().matches("noted").count(),
        6,
        "{}",
        gateway.log()
    );
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody() {
    let gateway = gateway("");
    let mut unread = modern(7, "subscriptions/listen", "").send(gateway.address);
    unread.event().unwrap();
    let answer = modern_call(1, "flood").send(gateway.address).body();
    assert!(answer.contains(r#""result""#), "{answer}");
    // If its stream were waited for, it would end without that.
    let log = gateway.log();
    let given_up = "a client does not read: its request is given up";
    assert!(log.contains(given_up), "{log}");
    drop(unread);
}

/// One whose first server, behind the one that is asked for its era, reads so many lines and no more.
/// Once it has closed its input there is a file `closed`.
fn gateway_whose_first_reads(lines: u32) -> (Gateway, TempDir) {
    let program = example("stateless_server");
    let script = format!(
        r#"if [ $(wc -l < starts) = 2 ]; then
        for n in $(seq {lines}); do read -r line; printf '%s\n' "$line"; done | '{0}'
        exec <&-; echo > closed; sleep 60; fi; exec '{0}'"#,
        program.display()
    );
    let directory = TempDir::new().unwrap();
    let at = directory.path().display();
    let script = format!("cd '{at}'; echo >> starts; {script}");
    let servers = format!("servers:\n  s:\n    command: [sh, -c, {script:?}]\n");
    (Gateway::start(&servers, ""), directory)
}

#[test]
fn a_server_that_takes_nothing_any_more_makes_room_for_another() {
    let (gateway, directory) = gateway_whose_first_reads(1);
    modern_call(1, "x").send(gateway.address).body();
    // What is written before the pipe is closed would wait for its answer.
    let closed = directory.path().join("closed");
    eventually("its input stays open", || closed.exists());
    let failed = modern_call(2, "x").send(gateway.address).body();
    assert!(failed.contains(r#""error""#), "{failed}");
    // The next does not wait for anybody to look who is over.
    let answer = modern_call(3, "x").send(gateway.address).body();
    assert!(answer.contains(r#""result""#), "{answer}");
    assert_eq!(starts(&directory), 3);
}

#[test]
fn subscriptions_end_with_a_server_that_takes_nothing_any_more() {
    let (gateway, directory) = gateway_whose_first_reads(2);
    let mut subscription = modern(7, "subscriptions/listen", "").send(gateway.address);
    subscription.event().unwrap();
    modern_call(1, "x").send(gateway.address).body();
    // What is written before the pipe is closed would wait for its answer.
    let closed = directory.path().join("closed");
    eventually("its input stays open", || closed.exists());
    eventually("nothing is served", || {
        let answer = modern_call(2, "x").send(gateway.address).body();
        answer.contains(r#""result""#)
    });
    assert!(subscription.message().contains(r#""id":7,"error""#));
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let gateway = gateway("streams: { request_timeout: 1s }\n");
    let mut answer = call_with_token(1, "begin and hold", "1").send(gateway.address);
    assert!(
        answer
            .event()
            .unwrap()
            .data
            .contains("notifications/progress")
    );
    // The stream ends with it.
    let answer = answer.message();
    assert!(answer.contains("said nothing for 1 seconds"), "{answer}");
    eventually("the server is not told", || {
        let answer = modern_call(2, "cancelled").send(gateway.address).body();
        !seen(&answer).as_array().unwrap().is_empty()
    });
}

#[test]
fn a_server_has_nothing_to_ask_for() {
    let program = example("stateless_server");
    let command = format!("command: [{program:?}], allow_methods: [vendor/ask]");
    let gateway = Gateway::start(&format!("servers: {{ s: {{ {command} }} }}\n"), "");
    let check = |tool: &str| {
        let answer = modern_call(1, tool).send(gateway.address);
        assert!(!answer.is_stream(), "{tool}");
        let answer = answer.body();
        assert!(answer.contains(r#""id":1,"result""#), "{answer}");
    };
    check("ask");
    check("ask vendor");
    let log = gateway.log();
    assert_eq!(log.matches("noted").count(), 2, "{log}");
}

#[test]
fn requests_of_one_client_are_one_session_to_policies() {
    const POLICY: &str = "guardrails:
- name: order
  policy: |
    raise \"after secret\" if:
        (a: ToolCall) -> (b: ToolCall)
        a.function.name == \"secret\"
        b.function.name == \"send\"
";
    let gateway = gateway(POLICY);
    let say = |tool: &str| modern_call(1, tool).send(gateway.address).body();
    assert!(say("send").contains(r#""result""#));
    assert!(say("secret").contains(r#""result""#));
    let blocked = say("send");
    assert!(blocked.contains("guardrail `order`"), "{blocked}");
}

#[test]
fn clients_fall_back_where_the_server_is_of_before() {
    let check = |script: &str| {
        let (gateway, directory) = gateway_before(script, "");
        let started = || starts(&directory);
        let discover = modern(1, "server/discover", "").send(gateway.address);
        assert_eq!(discover.status, 400);
        let body = discover.body();
        assert!(body.contains(r#""code":-32601,"#), "{body}");
        let body = modern_call(1, "x").send(gateway.address).body();
        assert!(body.contains(r#""code":-32022,"#), "{body}");
        assert!(body.contains(r#""requested":"2026-07-28""#), "{body}");
        // It is asked once.
        assert_eq!(started(), 1, "{script}");
        let log = gateway.log();
        assert_eq!(log.matches("its era").count(), 1, "{log}");
    };
    check(&format!("exec '{}'", scripted_server().display()));
    check("exit 3");
    check("read line; exit 3");
    check("exec <&-; echo broken");
}

#[test]
fn a_gateway_that_ends_while_a_server_is_asked_says_so() {
    let (gateway, directory) = gateway_before("exec sleep 60", "");
    let waiting = modern_call(1, "x").say(gateway.address);
    eventually("it is not asked", || starts(&directory) == 1);
    signal(&gateway, Signal::TERM);
    let answer = read(waiting);
    assert_eq!(answer.status, 503);
    let body = answer.body();
    assert!(body.contains("the gateway ends"), "{body}");
    // It was not waited for: nothing is known of it.
    let log = gateway.log();
    assert!(!log.contains("its era"), "{log}");
}

#[test]
fn a_server_of_both_eras_serves_both() {
    let modern_program = example("stateless_server");
    let before = scripted_server();
    // Which it is says the first message.
    let script = format!(
        r#"read -r line; case "$line" in *initialize*) next='{}';; *) next='{}';; esac; (printf '%s\n' "$line"; cat) | "$next""#,
        before.display(),
        modern_program.display()
    );
    let (gateway, directory) = gateway_before(&script, "");
    let base = Request::post(PATH, "");
    let session = gateway.open_with("2025-06-18", &base);
    assert!(session.answer(1, "x").contains("tools/call"));
    let answer = modern_call(1, "y").send(gateway.address).body();
    assert!(answer.contains(r#""resultType":"complete""#), "{answer}");
    assert!(session.answer(2, "x").contains("tools/call"));
    assert_eq!(starts(&directory), 3);
}

#[test]
fn a_working_directory_that_is_not_there_is_said_to_be() {
    let servers = "servers: { s: { command: [cat], cwd: nowhere } }\n";
    let gateway = Gateway::start(servers, "");
    let initialize = Request::post(PATH, &initialize("2025-11-25"));
    for request in [initialize, modern_call(5, "x")] {
        let answer = request.send(gateway.address);
        assert_eq!(answer.status, 502);
        let body = answer.body();
        assert!(body.contains("`s` could not be started"), "{body}");
        // Where things are is nothing for clients.
        assert!(!body.contains("nowhere"), "{body}");
    }
    let log = gateway.log();
    let told = log
        .lines()
        .filter(|line| line.contains("server not started"));
    let told = told.filter(|line| {
        line.contains("its working directory `") && line.contains("nowhere` is not there")
    });
    assert_eq!(told.count(), 2, "{log}");
}

#[test]
fn a_server_that_is_not_there_is_said_to_be() {
    let servers = "servers: { s: { command: [/nowhere/at-all] } }\n";
    let gateway = Gateway::start(servers, "");
    for _ in 0..2 {
        let answer = modern_call(5, "x").send(gateway.address);
        assert_eq!(answer.status, 502);
        let body = answer.body();
        assert!(body.contains(r#""id":5,"#), "{body}");
        assert!(body.contains("`s` could not be started"), "{body}");
    }
}
