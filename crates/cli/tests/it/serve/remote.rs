//! `portcullis run --url`: a client on standard input and output, a server over HTTP.

use std::io::Write;
use std::net::TcpListener;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::upstream::Upstream;
use crate::client::{Client, finish, portcullis, text};
use crate::processes::signal;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

fn open(upstream: &Upstream, options: &[&str]) -> Client {
    let url = format!("http://{}/mcp", upstream.address);
    let mut client = Client::run(&[&["--url", &url], options].concat());
    client.send(INITIALIZE);
    let answer = client.receive();
    assert!(
        answer.starts_with(r#"{"jsonrpc":"2.0","id":0,"result""#),
        "{answer}"
    );
    client.send(INITIALIZED);
    client
}

#[test]
fn a_session_goes_from_lines_to_http_and_ends_there_too() {
    let upstream = Upstream::plain();
    let mut client = open(&upstream, &["--header", "X-Key: ${PORTCULLIS_TEST_KEY}"]);
    client.call(1, "x");
    assert!(client.receive().contains("plain"));
    client.send("no message");
    assert!(client.receive().contains("-32700"));
    assert!(client.close().success());
    let ended = upstream.wait_for(|received| received.verb == "DELETE");
    assert_eq!(ended.headers.get("Mcp-Session-Id"), Some("upstream-1"));
    for received in upstream.received() {
        assert_eq!(
            received.headers.get("X-Key"),
            Some("s3cret"),
            "{received:?}"
        );
    }
}

#[test]
fn what_a_client_has_asked_is_answered_after_it_closed_its_side() {
    let upstream = Upstream::plain();
    let mut client = open(&upstream, &[]);
    client.call(1, "x");
    client.input.take();
    assert!(client.receive().contains("plain"));
    assert_eq!(client.receive(), "");
}

#[test]
fn a_signal_ends_the_wait_for_answers_after_the_client_closed_its_side() {
    let upstream = Upstream::scripted(|received, reply| received.tool().is_none().then_some(reply));
    let mut client = open(&upstream, &[]);
    client.call(1, "x");
    upstream.wait_for(|received| received.tool().is_some());
    client.input.take();
    // The gateway has seen that by then, if at all.
    sleep(Duration::from_millis(200));
    let begun = Instant::now();
    signal(&client, Signal::TERM);
    client.process.wait().unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn progress_comes_before_its_result() {
    let upstream = Upstream::scripted(|received, reply| {
        if received.tool() != Some("slow") {
            return Some(reply);
        }
        let mut events = reply.events();
        events.message(
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1,"message":"half"}}"#,
        );
        events.message(&received.answered(r#"{"content":[]}"#));
        events.end();
        None
    });
    let mut client = open(&upstream, &[]);
    client.send(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slow","_meta":{"progressToken":1}}}"#,
    );
    assert!(client.receive().contains("half"));
    assert!(client.receive().contains(r#""id":1,"result""#));
}

#[test]
fn a_blocked_call_does_not_reach_the_server() {
    let upstream = Upstream::plain();
    let mut client = open(&upstream, &["--policy", "policy.gr"]);
    client.call(1, "bad");
    assert!(client.receive().contains("guardrail `policy` (no bad)"));
    client.call(2, "x");
    assert!(client.receive().contains("plain"));
    let mut received = upstream.received().into_iter();
    assert!(received.all(|received| received.tool() != Some("bad")));
}

#[test]
fn a_server_that_cannot_be_reached_is_named() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/sse", listener.local_addr().unwrap());
    drop(listener);
    let directory = tempfile::TempDir::new().unwrap();
    let arguments = [
        "run",
        "--data-dir",
        "d",
        "--transport",
        "sse",
        "--url",
        &url,
    ];
    let output = finish(portcullis().current_dir(directory.path()).args(arguments));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = text(&output.stderr);
    assert!(
        said.contains(&format!("`{url}` cannot be reached")),
        "{said}"
    );
    let mut client = Client::run(&["--url", &url]);
    client.send(INITIALIZE);
    let answer = client.receive();
    assert!(answer.contains(r#""id":0,"error""#), "{answer}");
}

#[test]
fn a_server_without_tls_is_told_from_one_that_cannot_be_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/mcp", listener.local_addr().unwrap());
    let mut client = Client::run(&["--url", &url]);
    client.send(INITIALIZE);
    let (mut connection, _) = listener.accept().unwrap();
    let refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    connection.write_all(refusal).unwrap();
    let answer = client.receive();
    let expected = "does not speak TLS: `http://` may be meant";
    assert!(answer.contains(expected), "{answer}");
}

#[test]
fn a_url_and_a_command_exclude_each_other() {
    for arguments in [
        &["run"][..],
        &["run", "--url", "http://h/mcp", "--", "server"],
        &["run", "--header", "A: b", "--", "server"],
        &["run", "--url", "ftp://h/mcp"],
        &["run", "--url", "http://h/mcp", "--header", "Host: b"],
    ] {
        let output = finish(portcullis().args(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    }
}
