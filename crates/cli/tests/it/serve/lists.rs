//! Clients are told to ask for lists again when other guardrails judge them.

use std::sync::Mutex;

use portcullis_json::Object;
use portcullis_store::{GuardrailRecord, GuardrailScope};
use portcullis_trace::record::Timestamp;

use super::gateway::{Gateway, PATH, Session, eventually};
use super::http::{Answer, Request};
use super::upstream::Upstream;

const NO_BAD: &str = "guardrails:
- name: calls
  policy: |
    raise \"no bad\" if:
        (c: ToolCall)
        c is tool:bad
";
/// For a server that no session is with.
const ELSEWHERE: &str = "guardrails:
- name: calls
  servers: [other]
  policy: |
    raise \"no bad\" if:
        (c: ToolCall)
        c is tool:bad
";
/// A stream that brings nothing says nothing, so that whoever waits for it gives up.
const SILENT: &str = "streams: { keep_alive: 1h }\n";
const CHANGING: &str =
    r#"{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{}}"#;
const TOOLS_CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
const PROMPTS_CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}"#;
const MARK: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"mark"}}"#;

/// A server with these capabilities and streams, of which the last gets a mark when `mark` is
/// called.
fn server(capabilities: &'static str) -> Upstream {
    let open = Mutex::new(None);
    Upstream::scripted(move |received, reply| {
        match received.method() {
            Some("initialize") => {
                let revision = received.param("protocolVersion");
                let result = format!(
                    r#"{{"protocolVersion":{revision},"capabilities":{capabilities},"serverInfo":{{"name":"s","version":"1"}}}}"#
                );
                reply.result(received, &result);
                return None;
            }
            Some("subscriptions/listen") => {
                let mut events = reply.events();
                events.message(r#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"a"},"notifications":{"toolsListChanged":true,"promptsListChanged":true}}}"#);
                return None;
            }
            None if received.is_get() => {
                *open.lock().unwrap() = Some(reply.events());
                return None;
            }
            _ => {}
        }
        if received.tool() == Some("mark") {
            open.lock().unwrap().as_mut().unwrap().message(MARK);
        }
        Some(reply)
    })
}

/// Two servers, of which sessions are with `s`.
fn before(upstream: &Upstream) -> Gateway {
    let url = format!("http://{}/mcp", upstream.address);
    let servers = format!("servers: {{ s: {{ url: \"{url}\" }}, other: {{ url: \"{url}\" }} }}\n");
    Gateway::start(&format!("{servers}{SILENT}"), "")
}

/// Puts a guardrail in force and out of it again, and then another server's.
fn change(gateway: &Gateway, session: &Session, mut heard: impl FnMut()) {
    gateway.configure(NO_BAD);
    eventually("the new guardrail is not in force", || {
        session.answer(1, "bad").contains("guardrail `calls`")
    });
    heard();
    gateway.configure("");
    eventually("the old guardrail is still in force", || {
        session.answer(2, "bad").contains("plain")
    });
    heard();
    gateway.configure(ELSEWHERE);
    eventually("the configuration has not changed", || {
        let log = gateway.log();
        log.matches("the configuration has changed").count() == 3
    });
}

#[track_caller]
fn hear(stream: &mut Answer, expected: &str) {
    loop {
        let data = stream.event().unwrap().data;
        if !data.is_empty() {
            return assert_eq!(data, expected);
        }
    }
}

#[test]
fn changed_guardrails_are_told_as_changed_lists_once() {
    let upstream = server(CHANGING);
    let gateway = before(&upstream);
    let session = gateway.open();
    let mut stream = session.listen(None);
    change(&gateway, &session, || {
        hear(&mut stream, TOOLS_CHANGED);
        hear(&mut stream, PROMPTS_CHANGED);
    });
    // What would have been said of the other server's guardrail comes before what comes next.
    gateway.configure(NO_BAD);
    hear(&mut stream, TOOLS_CHANGED);
    hear(&mut stream, PROMPTS_CHANGED);
    assert!(session.answer(3, "mark").contains("plain"));
    hear(&mut stream, MARK);
}

#[test]
fn what_a_server_does_not_tell_is_not_told_for_it() {
    let upstream = server(r#"{"tools":{"listChanged":false},"prompts":{}}"#);
    let gateway = before(&upstream);
    let session = gateway.open();
    let mut stream = session.listen(None);
    change(&gateway, &session, || {});
    assert!(session.answer(3, "mark").contains("plain"));
    hear(&mut stream, MARK);
}

#[test]
fn who_does_not_listen_yet_is_told_later() {
    let upstream = server(CHANGING);
    let gateway = before(&upstream);
    let session = gateway.open();
    gateway.configure(NO_BAD);
    eventually("nothing waits for the client", || {
        let metrics = Request::new("GET", "/metrics").send(gateway.address).body();
        metrics.contains("portcullis_waiting_messages 2\n")
    });
    let mut stream = session.listen(None);
    hear(&mut stream, TOOLS_CHANGED);
    hear(&mut stream, PROMPTS_CHANGED);
    assert!(session.answer(3, "mark").contains("plain"));
    hear(&mut stream, MARK);
}

#[test]
fn clients_before_a_program_are_told_too() {
    let program = r#"
while read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  case $line in
    *'"initialize"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"s","version":"1"}}}';;
  esac
done
"#;
    let program = format!("servers:\n  s:\n    command: [sh, -c, {program:?}]\n{SILENT}");
    let gateway = Gateway::start(&program, "");
    let session = gateway.open();
    let mut stream = session.listen(None);
    gateway.configure(NO_BAD);
    hear(&mut stream, TOOLS_CHANGED);
    gateway.configure(&format!("{NO_BAD}tools: {{ poisoned: block }}\n"));
    hear(&mut stream, TOOLS_CHANGED);
}

#[test]
fn a_kept_guardrail_that_changes_is_told_as_well() {
    let upstream = server(CHANGING);
    let gateway = before(&upstream);
    let session = gateway.open();
    let mut stream = session.listen(None);
    let record = GuardrailRecord {
        id: "0199a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2b".parse().unwrap(),
        project: None,
        name: "kept".to_owned(),
        content: "raise \"no\" if:\n    (c: ToolCall)\n    c is tool:bad\n".to_owned(),
        enabled: true,
        action: "block".to_owned(),
        scope: GuardrailScope::default(),
        metadata: Object::new(),
        version: 1,
        updated_at: Timestamp::from_micros(1),
    };
    gateway.store().create_guardrail(&record).unwrap();
    hear(&mut stream, TOOLS_CHANGED);
    hear(&mut stream, PROMPTS_CHANGED);
}

#[test]
fn a_subscription_is_told_of_what_it_is_for() {
    let upstream = server("{}");
    let gateway = before(&upstream);
    let listen = r#"{"jsonrpc":"2.0","id":"a","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"resourcesListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let mut stream = Request::post(PATH, listen)
        .with("MCP-Protocol-Version", "2026-07-28")
        .with("Mcp-Method", "subscriptions/listen")
        .send(gateway.address);
    let acknowledged = stream.event().unwrap().data;
    assert!(acknowledged.contains("acknowledged"), "{acknowledged}");
    for change in [NO_BAD, ELSEWHERE] {
        gateway.configure(change);
        let told = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"a"}}}"#;
        hear(&mut stream, told);
    }
}
