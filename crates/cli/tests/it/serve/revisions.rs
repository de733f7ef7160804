//! What revision 2026-07-28, which has no sessions, does otherwise than those before it.

use std::sync::Mutex;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use super::failures::FIRST_THEN_SECOND;
use super::gateway::{Gateway, PATH, call};
use super::http::{Answer, PATIENCE, Request};
use super::upstream::{Events, Received, Upstream};

const VERSION: &str = "MCP-Protocol-Version";
const RESULT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
/// How long it is looked whether a connection stays open.
const LOOK: Duration = Duration::from_millis(300);

pub(crate) fn modern_call(id: u32, tool: &str) -> Request {
    modern_call_with(id, tool, "{}")
}

pub(crate) fn modern_call_with(id: u32, tool: &str, arguments: &str) -> Request {
    let params = format!(r#""name":"{tool}","arguments":{arguments},"#);
    modern(id, "tools/call", &params).with("Mcp-Name", tool)
}

/// A request of this revision with these parameters beside its `_meta`.
pub(crate) fn modern(id: u32, method: &str, params: &str) -> Request {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{params}"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{{"name":"test","version":"1"}},"io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    );
    Request::post(PATH, &body)
        .with(VERSION, "2026-07-28")
        .with("Mcp-Method", method)
}

#[test]
fn headers_must_say_what_the_body_says() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let mismatch = |request: Request| {
        let answer = request.send(gateway.address);
        assert_eq!(answer.status, 400, "{request:?}");
        let body = answer.body();
        assert!(
            body.contains(r#""id":1,"error":{"code":-32020,"#),
            "{request:?}: {body}"
        );
    };
    let fine = modern_call(1, "x");
    mismatch(fine.clone().but("Mcp-Name", "y"));
    mismatch(fine.clone().but("Mcp-Name", "X"));
    mismatch(fine.clone().but("Mcp-Name", "=?base64?!?="));
    mismatch(fine.clone().without("Mcp-Name"));
    mismatch(fine.clone().with("Mcp-Name", "x"));
    mismatch(fine.clone().but("Mcp-Method", "tools/list"));
    mismatch(fine.clone().without("Mcp-Method"));
    mismatch(fine.clone().with("Mcp-Method", "tools/list"));
    mismatch(fine.clone().without(VERSION));
    mismatch(fine.clone().but(VERSION, "2025-11-25"));
    mismatch(modern(1, "prompts/get", "").with("Mcp-Name", "x"));
    mismatch(modern(1, "tools/list", "").with("Mcp-Name", "x"));
    assert!(upstream.received().is_empty());

    let answer = fine
        .but("Mcp-Name", "=?base64?eA==?=")
        .send(gateway.address);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers.get("Mcp-Session-Id"), None);
    let passed = upstream.wait_for(|received| received.tool() == Some("x"));
    assert_eq!(passed.headers.get(VERSION), Some("2026-07-28"));
    assert_eq!(passed.headers.get("Mcp-Method"), Some("tools/call"));
    assert_eq!(passed.headers.get("Mcp-Name"), Some("=?base64?eA==?="));
}

#[test]
fn headers_that_mirror_the_body_are_passed_on_once() {
    let upstream = Upstream::plain();
    let url = format!("http://{}/mcp", upstream.address);
    let names = ["Mcp-Method", "Mcp-Name", "Mcp-Param-Region", VERSION];
    // The last passes in any case.
    let forward = names[..3].join(", ");
    let servers = format!("servers: {{ s: {{ url: \"{url}\", forward_headers: [{forward}] }} }}\n");
    let gateway = Gateway::start(&servers, "");
    let modern = modern_call(1, "modern").with("Mcp-Param-Region", "eu");
    let session = gateway.open();
    let stateful = session.base.saying(&call(2, "stateful"));
    let stateful = stateful.with(VERSION, "2025-11-25");
    let times = |request: Request, tool: &str| {
        assert_eq!(request.send(gateway.address).status, 200, "{tool}");
        let received = upstream.wait_for(|received| received.tool() == Some(tool));
        names.map(|name| received.headers.all(name).count())
    };
    assert_eq!(times(modern, "modern"), [1, 1, 1, 1]);
    assert_eq!(times(stateful, "stateful"), [0, 0, 0, 1]);
}

#[test]
fn a_client_of_both_eras_falls_back_where_the_server_is_of_the_other() {
    let upstream = Upstream::plain();
    let url = format!("http://{}/sse", upstream.address);
    let servers = format!("servers: {{ s: {{ url: \"{url}\", transport: sse }} }}\n");
    let gateway = Gateway::start(&servers, "");
    let check = |request: &Request, expected: &str| {
        let answer = request.send(gateway.address);
        assert_eq!(answer.status, 400, "{request:?}");
        let body = answer.body();
        assert!(body.contains(expected), "{request:?}: {body}");
        let fall_back = r#""data":{"supported":["2024-11-05","2025-03-26","2025-06-18","2025-11-25"],"requested":"2026-07-28"}"#;
        assert!(body.contains(fall_back), "{request:?}: {body}");
    };
    // To SDKs the code says that the server is of the new era.
    check(&modern_call(1, "x"), r#""error":{"code":-32022,"#);
    let probe = modern(1, "server/discover", "");
    check(&probe, r#""error":{"code":-32601,"#);
    assert!(upstream.received().is_empty());
}

#[test]
fn methods_that_a_server_allows_pass_and_are_inspected() {
    const POLICY: &str = "guardrails:
- name: words
  policy: |
    raise \"forbidden\" if:
        (c: ToolCall)
        c.function.name == \"vendor/do\"
        c.function.arguments.word == \"forbidden\"
";
    let upstream = Upstream::plain();
    let url = format!("http://{}/mcp", upstream.address);
    let servers = format!("servers: {{ s: {{ url: \"{url}\", allow_methods: [vendor/do] }} }}\n");
    let gateway = Gateway::start(&servers, POLICY);
    let saying = |word: &str| modern(1, "vendor/do", &format!(r#""word":"{word}","#));
    let ask = |word: &str| saying(word).send(gateway.address);
    assert!(ask("fine").body().contains(r#""result""#));
    assert!(ask("forbidden").body().contains("guardrail `words`"));
    assert_eq!(upstream.received().len(), 1);
    let other = modern(1, "vendor/undo", "").send(gateway.address);
    assert_eq!(other.status, 404);
    assert!(other.body().contains(r#""error":{"code":-32601,"#));

    // Only the server knows what the method names.
    let named = saying("fine").with("Mcp-Name", "it");
    assert!(named.send(gateway.address).body().contains(r#""result""#));
    let passed = upstream.received().pop().unwrap();
    assert_eq!(passed.headers.get("Mcp-Name"), Some("it"));
    let broken = named.but("Mcp-Name", "=?base64?!?=").send(gateway.address);
    assert_eq!(broken.status, 400);
    assert!(broken.body().contains(r#""error":{"code":-32020,"#));
}

/// How servers on the Python SDK refuse what they take for no part of a session.
#[test]
fn a_server_that_refuses_a_request_as_a_whole_is_heard() {
    let refusal =
        r#"{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"no session"}}"#;
    let upstream = Upstream::scripted(move |_, reply| {
        reply.plain(
            "400 Bad Request",
            &[("Content-Type", "application/json")],
            refusal,
        );
        None
    });
    let gateway = Gateway::before(&upstream, "");
    let answer = modern(1, "server/discover", "").send(gateway.address);
    assert_eq!(answer.status, 400);
    let expected = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"no session"}}"#;
    assert_eq!(answer.body(), expected);
}

/// The status says of the message what the revision has it say, and nothing of the server.
#[test]
fn the_status_is_that_of_the_message() {
    const OTHER_ERROR: &str =
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"token expired"}}"#;
    let upstream = Upstream::scripted(|received, reply| {
        let status = received.headers.get("Mcp-Param-Status").unwrap_or("200 OK");
        let body = match received.tool() {
            Some("fine") => RESULT,
            Some("unknown") => {
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such method"}}"#
            }
            _ => OTHER_ERROR,
        };
        reply.plain(status, &[("Content-Type", "application/json")], body);
        None
    });
    let gateway = Gateway::before(&upstream, "");
    let check = |tool: &str, status: &str, expected: u16| {
        let request = modern_call(1, tool).with("Mcp-Param-Status", status);
        let answer = request.send(gateway.address);
        assert_eq!(answer.status, expected, "{tool}: {status}");
        assert!(answer.body().starts_with(r#"{"jsonrpc":"2.0","id":1,"#));
    };
    for status in ["202 Accepted", "301 Moved", "401 Unauthorized", "503 Busy"] {
        check("fine", status, 200);
        check("other", status, 200);
    }
    check("fine", "400 Bad Request", 200);
    check("other", "400 Bad Request", 400);
    check("unknown", "200 OK", 404);
}

/// A server that lists `tools`.
fn listing(tools: &str) -> Upstream {
    let result = format!(r#"{{"tools":[{tools}],"ttlMs":60000,"cacheScope":"public"}}"#);
    Upstream::scripted(move |received, reply| {
        if received.method() != Some("tools/list") {
            return Some(reply);
        }
        reply.result(received, &result);
        None
    })
}

fn modern_list() -> Request {
    modern(1, "tools/list", "")
}

#[test]
fn headers_must_say_what_arguments_say() {
    let upstream = listing(
        r#"{"name":"sql","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"how":{"type":"object","properties":{"rows":{"type":"integer","x-mcp-header":"Rows"}}}}}}"#,
    );
    let gateway = Gateway::before(&upstream, "");
    let call = |arguments: &str| modern_call_with(1, "sql", arguments);
    let both = call(r#"{"region":"köln","how":{"rows":10}}"#)
        .with("Mcp-Param-Region", "=?base64?a8O2bG4=?=")
        .with("Mcp-Param-Rows", "10");
    let passes = |request: &Request| {
        let answer = request.send(gateway.address);
        assert_eq!(answer.status, 200, "{request:?}");
        answer.message()
    };
    // Nobody knows yet which headers there are.
    passes(&both.clone().without("Mcp-Param-Region"));
    passes(&modern_list());
    let received = upstream.received().len();

    let mismatch = |request: Request| {
        let answer = request.send(gateway.address);
        assert_eq!(answer.status, 400, "{request:?}");
        let body = answer.body();
        let code = r#""id":1,"error":{"code":-32020,"#;
        assert!(body.contains(code), "{request:?}: {body}");
    };
    mismatch(both.clone().without("Mcp-Param-Region"));
    mismatch(both.clone().without("Mcp-Param-Rows"));
    mismatch(both.clone().but("Mcp-Param-Region", "Köln"));
    mismatch(both.clone().but("Mcp-Param-Rows", "11"));
    mismatch(both.clone().with("Mcp-Param-Rows", "10"));
    mismatch(call("{}").with("Mcp-Param-Region", "eu"));
    mismatch(call(r#"{"region":null}"#).with("Mcp-Param-Region", ""));
    assert_eq!(upstream.received().len(), received);

    passes(&call("{}"));
    passes(&call(r#"{"region":null}"#));
    passes(&call("{}").with("Mcp-Param-Other", "x"));
    // SDKs have no header for these.
    passes(&call(r#"{"region":["eu"]}"#));
    passes(&call(r#"{"how":{"rows":9007199254740992}}"#));
    mismatch(call(r#"{"how":{"rows":9007199254740991}}"#));
    mismatch(call(r#"{"region":["eu"]}"#).with("Mcp-Param-Region", "eu"));
    passes(&both.clone().but("Mcp-Param-Rows", "10.0"));
    let passed = upstream.received().pop().unwrap();
    let region = passed.headers.get("Mcp-Param-Region");
    assert_eq!(region, Some("=?base64?a8O2bG4=?="));
    assert_eq!(passed.headers.get("Mcp-Param-Rows"), Some("10.0"));

    let gateway = Gateway::before(&upstream, "tools: { headers: off }\n");
    modern_list().send(gateway.address);
    let answer = both.without("Mcp-Param-Region").send(gateway.address);
    assert_eq!(answer.status, 200);
}

#[test]
fn a_tool_whose_headers_break_the_rules_is_not_shown() {
    let good = r#"{"name":"good","inputSchema":{"type":"object"}}"#;
    let bad = r#"{"name":"bad","inputSchema":{"type":"object","properties":{"a":{"type":"string","x-mcp-header":"Auth\r\norization"}}}}"#;
    let upstream = listing(&format!("{good},{bad}"));
    let shown = |settings: &str| {
        let gateway = Gateway::before(&upstream, settings);
        let listing = modern_list().send(gateway.address).message();
        assert!(listing.contains(good), "{listing}");
        let call = modern_call(1, "bad").send(gateway.address).message();
        (listing.contains(bad), call.contains("plain"))
    };
    assert_eq!(shown(""), (false, false));
    assert_eq!(shown("tools: { headers: log }\n"), (true, true));
}

/// A server that hands the streams of calls of the tool `slow` to the test. Who goes on with them
/// after their event `e1` gets the result.
fn handing_over() -> (Upstream, Receiver<Events>) {
    let is_slow = |received: &Received| received.tool() == Some("slow");
    Upstream::handing_over(is_slow, |received, reply| {
        if received.headers.get("Last-Event-ID") != Some("e1") {
            return Some(reply);
        }
        let mut events = reply.events();
        events.send(&format!("id: e2\ndata: {RESULT}"));
        events.end();
        None
    })
}

#[test]
fn a_client_that_hangs_up_has_cancelled() {
    let (upstream, taken) = handing_over();
    let gateway = Gateway::before(&upstream, "");
    let answer = modern_call(1, "slow").send(gateway.address);
    let mut events = taken.recv_timeout(PATIENCE).unwrap();
    assert!(!events.is_closed_within(LOOK));
    drop(answer);
    assert!(events.is_closed_within(PATIENCE));
    // The id is free again.
    let again = modern_call(1, "x").send(gateway.address);
    assert!(again.message().contains("plain"));
}

#[test]
fn a_client_of_a_session_that_hangs_up_has_not() {
    let (upstream, taken) = handing_over();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let answer = session.call(1, "slow");
    let mut events = taken.recv_timeout(PATIENCE).unwrap();
    drop(answer);
    assert!(session.answer(2, "x").contains("plain"));
    assert!(!events.is_closed_within(LOOK));
    // It is read to its end, lest the server be stuck: then the id is free again.
    assert!(events.message(RESULT));
    assert!(events.is_closed_within(PATIENCE));
    assert!(session.answer(1, "x").contains("plain"));
    let received = upstream.received();
    let is_cancel = |method: Option<&str>| method == Some("notifications/cancelled");
    assert!(!received.iter().any(|received| is_cancel(received.method())));
}

#[test]
fn a_client_that_hangs_up_on_a_resumable_stream_gets_the_answer_later() {
    let (upstream, taken) = handing_over();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let mut answer = session.call(1, "slow");
    let mut events = taken.recv_timeout(PATIENCE).unwrap();
    assert!(events.send("id: e1\ndata:"));
    assert_eq!(answer.event().unwrap().id.as_deref(), Some("e1"));
    drop(answer);
    // What the gateway took from here on, the client would miss.
    assert!(events.is_closed_within(PATIENCE));
    let mut resumed = session.listen(Some("e1"));
    assert_eq!(resumed.event().unwrap().data, RESULT);
}

#[test]
fn two_clients_with_the_same_ids_do_not_mix() {
    let held = Mutex::new(Vec::new());
    // Both calls are open before either is answered, the later one first.
    let upstream = Upstream::scripted(move |received, reply| {
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
    let open = ["a", "b"].map(|tool| (modern_call(1, tool).say(gateway.address), tool));
    for (connection, tool) in open {
        let message = Answer::read(connection, "POST").unwrap().message();
        assert!(
            message.contains(&format!("\"of {tool}\"")),
            "{tool}: {message}"
        );
    }
}

#[test]
fn what_tells_conversations_apart_is_configured() {
    let upstream = Upstream::plain();
    let say = |gateway: &Gateway, conversation: &str, tool: &str| {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{}},"_meta":{{"example/conversation":"{conversation}","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{{"name":"test","version":"1"}},"io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
        );
        let request = modern_call(1, tool).with("X-Conversation", conversation);
        request.saying(&body).send(gateway.address).message()
    };
    for key in ["header: X-Conversation", "meta: example/conversation"] {
        let settings = format!("sessions: {{ key: {{ {key} }} }}\n{FIRST_THEN_SECOND}");
        let gateway = Gateway::before(&upstream, &settings);
        say(&gateway, "a", "first");
        assert!(say(&gateway, "b", "second").contains("plain"), "{key}");
        assert!(
            say(&gateway, "a", "second").contains("guardrail `flow`"),
            "{key}"
        );
    }
    // Otherwise it is the client.
    let gateway = Gateway::before(&upstream, FIRST_THEN_SECOND);
    say(&gateway, "a", "first");
    assert!(say(&gateway, "b", "second").contains("guardrail `flow`"));
}

#[test]
fn a_new_conversation_takes_the_place_of_the_longest_idle_one() {
    let upstream = Upstream::plain();
    let settings = "sessions: { max_sessions_per_principal: 2, key: { header: X-Conversation } }\n";
    let gateway = Gateway::before(&upstream, settings);
    for conversation in ["a", "b", "c", "d", "a"] {
        let request = modern_call(1, "x").with("X-Conversation", conversation);
        let answer = request.send(gateway.address);
        assert_eq!(answer.status, 200, "{conversation}");
        assert!(answer.message().contains("plain"), "{conversation}");
    }
}

#[test]
fn a_conversation_that_makes_room_for_another_loses_no_request() {
    let upstream = Upstream::plain();
    let settings = "sessions: { max_sessions_per_principal: 2, key: { header: X-Conversation } }\n";
    let gateway = Gateway::before(&upstream, settings);
    let converse = |name: &str| {
        let request = modern_call(1, "x").with("X-Conversation", name);
        for _ in 0..100 {
            let answer = request.send(gateway.address);
            // While both that are open are busy there is no room.
            if answer.status != 429 {
                assert_eq!(answer.status, 200);
                let message = answer.message();
                assert!(message.contains("plain"), "{message}");
            }
        }
    };
    thread::scope(|scope| {
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            let converse = &converse;
            scope.spawn(move || converse(name));
        }
    });
    let log = gateway.log();
    assert!(log.contains("replaced"), "none has made room");
}
