//! `portcullis run --url` with revision 2026-07-28: what lines have in the message alone, HTTP has in
//! headers too, and who cancels closes a stream.

use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use super::http::PATIENCE;
use super::upstream::{Events, Received, Upstream};
use crate::client::Client;

fn request(id: u32, method: &str, params: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{params}"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{{"name":"test","version":"1"}},"io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    )
}

fn call(id: u32, tool: &str, arguments: &str) -> String {
    let params = format!(r#""name":"{tool}","arguments":{arguments},"#);
    request(id, "tools/call", &params)
}

fn open(upstream: &Upstream, options: &[&str]) -> Client {
    let url = format!("http://{}/mcp", upstream.address);
    Client::run(&[&["--url", &url], options].concat())
}

/// The answer to a request, which must be the next line.
#[track_caller]
fn answer(client: &mut Client, request: &str) -> String {
    client.send(request);
    client.receive()
}

#[test]
fn headers_say_what_messages_say() {
    let upstream = Upstream::plain();
    let mut client = open(&upstream, &[]);
    let check = |client: &mut Client, request: &str, method: &str, name: Option<&str>| {
        let answer = answer(client, request);
        assert!(answer.contains("plain"), "{request}: {answer}");
        let received = upstream.received().pop().unwrap();
        let header = |name: &str| received.headers.get(name);
        assert_eq!(header("MCP-Protocol-Version"), Some("2026-07-28"));
        assert_eq!(header("Mcp-Method"), Some(method));
        assert_eq!(header("Mcp-Name"), name, "{request}");
        assert_eq!(header("Mcp-Session-Id"), None);
    };
    check(
        &mut client,
        &request(1, "server/discover", ""),
        "server/discover",
        None,
    );
    check(&mut client, &call(2, "x", "{}"), "tools/call", Some("x"));
    check(
        &mut client,
        &call(3, "suche-köln", "{}"),
        "tools/call",
        Some("=?base64?c3VjaGUta8O2bG4=?="),
    );
    check(
        &mut client,
        &request(4, "resources/read", r#""uri":"file:///a b","#),
        "resources/read",
        Some("file:///a b"),
    );
    assert!(client.close().success());
    // There was no session that would have to be ended.
    let received = upstream.received();
    assert!(received.iter().all(|received| received.verb == "POST"));
}

/// A server with these tools.
fn listing(tools: &'static str) -> Upstream {
    Upstream::scripted(move |received, reply| {
        if received.method() != Some("tools/list") {
            return Some(reply);
        }
        let result = format!(
            r#"{{"resultType":"complete","tools":[{tools}],"ttlMs":0,"cacheScope":"private"}}"#
        );
        reply.result(received, &result);
        None
    })
}

const SQL: &str = r#"{"name":"sql","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"dry":{"type":"boolean","x-mcp-header":"Dry"},"how":{"type":"object","properties":{"rows":{"type":"integer","x-mcp-header":"Rows"}}}}}}"#;

#[test]
fn headers_say_the_arguments_that_a_listing_names() {
    let upstream = listing(SQL);
    let mut client = open(&upstream, &[]);
    let check = |client: &mut Client, id: u32, arguments: &str, expected: [Option<&str>; 3]| {
        answer(client, &call(id, "sql", arguments));
        let received = upstream.received().pop().unwrap();
        let found = ["Mcp-Param-Region", "Mcp-Param-Dry", "Mcp-Param-Rows"]
            .map(|name| received.headers.get(name));
        assert_eq!(found, expected, "{arguments}");
    };
    let all = r#"{"region":" köln","dry":true,"how":{"rows":10}}"#;
    check(&mut client, 1, all, [None, None, None]);
    answer(&mut client, &request(2, "tools/list", ""));
    let said = [Some("=?base64?IGvDtmxu?="), Some("true"), Some("10")];
    check(&mut client, 3, all, said);
    check(
        &mut client,
        4,
        r#"{"region":null,"dry":[1]}"#,
        [None, None, None],
    );
    check(&mut client, 5, "{}", [None, None, None]);
}

#[test]
fn a_tool_whose_headers_break_the_rules_is_not_shown() {
    const BAD: &str = r#"{"name":"odd","inputSchema":{"type":"object","properties":{"a":{"type":"string","x-mcp-header":"a b"}}}}"#;
    let upstream = listing(BAD);
    let mut client = open(&upstream, &[]);
    let listed = answer(&mut client, &request(1, "tools/list", ""));
    assert!(!listed.contains("odd"), "{listed}");
    let refused = answer(&mut client, &call(2, "odd", "{}"));
    assert!(!refused.contains("plain"), "{refused}");
    // Where there are sessions no header says an argument.
    let mut client = open(&upstream, &[]);
    answer(
        &mut client,
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#,
    );
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    let listed = answer(
        &mut client,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
    );
    assert!(listed.contains("odd"), "{listed}");
}

#[test]
fn a_blocked_call_does_not_reach_the_server() {
    let upstream = Upstream::plain();
    let mut client = open(&upstream, &["--policy", "policy.gr"]);
    let refused = answer(&mut client, &call(1, "bad", "{}"));
    assert!(refused.contains("guardrail `policy` (no bad)"), "{refused}");
    assert!(upstream.received().is_empty());
    assert!(answer(&mut client, &call(2, "x", "{}")).contains("plain"));
}

#[test]
fn a_client_of_both_eras_falls_back_before_a_server_of_sessions() {
    let upstream = Upstream::scripted(|received, reply| {
        if received.method() != Some("server/discover") {
            return Some(reply);
        }
        let body = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: Server not initialized"}}"#;
        reply.plain(
            "400 Bad Request",
            &[("Content-Type", "application/json")],
            body,
        );
        None
    });
    let mut client = open(&upstream, &[]);
    let refused = answer(&mut client, &request(0, "server/discover", ""));
    assert!(refused.contains(r#""id":0,"error""#), "{refused}");
    let begun = answer(
        &mut client,
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#,
    );
    assert!(begun.contains(r#""id":1,"result""#), "{begun}");
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    client.call(2, "x");
    assert!(client.receive().contains("plain"));
    let called = upstream.wait_for(|received| received.tool() == Some("x"));
    assert_eq!(called.headers.get("Mcp-Session-Id"), Some("upstream-1"));
    assert_eq!(called.headers.get("Mcp-Method"), None);
}

/// A server that hands the streams of calls of `slow`, and of subscriptions, to the test.
fn handing_over() -> (Upstream, Receiver<Events>) {
    let is_wanted = |received: &Received| {
        let is_listening = received.method() == Some("subscriptions/listen");
        is_listening || received.tool() == Some("slow")
    };
    Upstream::handing_over(is_wanted, |_, reply| Some(reply))
}

#[test]
fn who_cancels_closes_the_stream_and_tells_the_server_nothing() {
    let (upstream, taken) = handing_over();
    let mut client = open(&upstream, &[]);
    client.send(&call(1, "slow", "{}"));
    let mut slow = taken.recv_timeout(PATIENCE).unwrap();
    assert!(!slow.is_closed_within(Duration::from_millis(100)));
    assert!(answer(&mut client, &call(2, "x", "{}")).contains("plain"));
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    assert!(slow.is_closed_within(PATIENCE));
    // The id is free again, and what cancels nothing goes nowhere.
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#);
    assert!(answer(&mut client, &call(1, "x", "{}")).contains("plain"));
    let received = upstream.received();
    let methods = received.iter().map(|received| received.method());
    assert!(methods.clone().all(|method| method == Some("tools/call")));
    assert_eq!(methods.count(), 3);
}

#[test]
fn an_id_that_was_cancelled_is_free_at_once() {
    let (upstream, taken) = handing_over();
    let mut client = open(&upstream, &[]);
    for round in 0..20 {
        client.send(&call(1, "slow", "{}"));
        let mut slow = taken.recv_timeout(PATIENCE).unwrap();
        let cancelled =
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
        client.send(&format!("{cancelled}\n{}", call(1, "x", "{}")));
        let called = |upstream: &Upstream| {
            let received = upstream.received();
            let tools = received.iter().map(|received| received.tool());
            tools.filter(|tool| *tool == Some("x")).count()
        };
        while called(&upstream) <= round {
            thread::sleep(Duration::from_millis(1));
        }
        // What the server still says of the first is nothing to the second.
        slow.message(r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"late"}]}}"#);
        let answer = client.receive();
        assert!(answer.contains("plain"), "{round}: {answer}");
        assert!(slow.is_closed_within(PATIENCE));
    }
    // An id that is in use is not.
    client.send(&call(1, "slow", "{}"));
    taken.recv_timeout(PATIENCE).unwrap();
    let refused = answer(&mut client, &call(1, "x", "{}"));
    assert!(refused.contains(r#""error""#), "{refused}");
}

#[test]
fn a_session_is_one_whatever_its_messages_name() {
    let upstream = Upstream::plain();
    let mut client = open(&upstream, &[]);
    for named in ["2025-11-25", "2026-07-28"] {
        let meta = format!(r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"{named}"}}"#);
        let initialize = format!(
            r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"2025-11-25","capabilities":{{}},"clientInfo":{{"name":"c","version":"1"}},{meta}}}}}"#
        );
        if answer(&mut client, &initialize).contains(r#""result""#) {
            client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        }
    }
    let named = request(1, "tools/list", "").replace("2026-07-28", "2025-11-25");
    assert!(answer(&mut client, &named).contains("plain"));
    assert!(client.close().success());
    let listed = upstream.wait_for(|received| received.method() == Some("tools/list"));
    assert_eq!(listed.headers.get("Mcp-Session-Id"), Some("upstream-1"));
    assert_eq!(listed.headers.get("Mcp-Method"), None);
    upstream.wait_for(|received| received.verb == "DELETE");
}

#[test]
fn a_server_that_asks_on_the_stream_of_a_call_fails_it() {
    let upstream = Upstream::scripted(|received, reply| {
        if received.tool() != Some("asks") {
            return Some(reply);
        }
        let mut events = reply.events();
        events.message(r#"{"jsonrpc":"2.0","id":77,"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}"#);
        events.message(&received.answered(r#"{"resultType":"complete","content":[]}"#));
        events.end();
        None
    });
    let mut client = open(&upstream, &[]);
    for id in 1..3 {
        let failed = answer(&mut client, &call(id, "asks", "{}"));
        assert!(
            failed.contains("which revision 2026-07-28 does not have"),
            "{failed}"
        );
        assert!(answer(&mut client, &call(id, "x", "{}")).contains("plain"));
    }
    assert_eq!(upstream.received().len(), 4);
}

#[test]
fn a_subscription_brings_changes_and_does_not_hold_up_the_end() {
    let (upstream, taken) = handing_over();
    let mut client = open(&upstream, &[]);
    client.send(&request(
        1,
        "subscriptions/listen",
        r#""notifications":{"toolsListChanged":true},"#,
    ));
    let mut events = taken.recv_timeout(PATIENCE).unwrap();
    let of_it = r#""_meta":{"io.modelcontextprotocol/subscriptionId":1}"#;
    events.message(&format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{{of_it},"notifications":{{"toolsListChanged":true}}}}}}"#
    ));
    assert!(client.receive().contains("acknowledged"));
    events.message(&format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{{{of_it}}}}}"#
    ));
    assert!(client.receive().contains("list_changed"));
    let begun = Instant::now();
    assert!(client.close().success());
    assert!(begun.elapsed() < Duration::from_secs(6));
    assert!(events.is_closed_within(PATIENCE));
}
