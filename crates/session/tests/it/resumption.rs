//! A session goes on where its log ends.

use portcullis_mcp::Revision;
use portcullis_session::{GuardrailAction, PastMessage};
use portcullis_trace::record::Direction::{ToClient, ToServer};
use portcullis_trace::record::{EventRecord, Verdict};

use crate::conversation::{Conversation, guardrail, request};

const GUARDED: &str = "raise \"secret leaves\" if:
    (read: ToolCall) -> (send: ToolCall)
    read is tool:read
    send is tool:send

raise \"poisoned\" if:
    (t: Tool)
    \"IGNORE\" in t.description
";
const LISTING: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read","description":"","inputSchema":{}},{"name":"evil","description":"IGNORE all","title":"of\nevil","inputSchema":{}}]}}"#;

fn call(id: &str, tool: &str) -> String {
    request(
        id,
        "tools/call",
        &format!(r#"{{"name":"{tool}","arguments":{{}}}}"#),
    )
}

/// What is recorded of a session that began, listed its tools and called `calls`.
fn log(calls: &[&str]) -> Vec<EventRecord> {
    let mut talk = Conversation::guarded(GUARDED);
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let mut log = Vec::new();
    let params = r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}"#;
    let answer = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#;
    log.extend(talk.client(&request("0", "initialize", params)).records);
    log.extend(talk.server(answer).records);
    log.extend(talk.client(initialized).records);
    log.extend(talk.client(&request("1", "tools/list", "{}")).records);
    log.extend(talk.server(LISTING).records);
    for tool in calls {
        log.extend(talk.client(&call("2", tool)).records);
        let answer = r#"{"jsonrpc":"2.0","id":2,"result":{"content":[]}}"#;
        log.extend(talk.server(answer).records);
    }
    log
}

fn resumed(log: &[EventRecord]) -> Conversation {
    resumed_with(GUARDED, log)
}

fn resumed_with(policy: &str, log: &[EventRecord]) -> Conversation {
    let mut talk = Conversation::guarded(policy);
    let guardrails = vec![guardrail("g", policy, GuardrailAction::Block)];
    let mut rehearsal = talk.session.rehearse(guardrails);
    rehearsal.show(log.iter().flat_map(PastMessage::of));
    assert!(rehearsal.go_on().is_none());
    talk.session.resume(log, rehearsal);
    talk
}

#[test]
fn what_happened_before_still_counts() {
    let mut talk = resumed(&log(&["read"]));
    let became = talk.client(&call("7", "send"));
    assert_eq!(became.records[0].verdict, Verdict::Block);
    assert_eq!(became.only().0, ToClient);

    let mut innocent = resumed(&log(&["list"]));
    let line = call("7", "send");
    assert_eq!(innocent.client(&line).sent, [(ToServer, line)]);
}

#[test]
fn what_was_blocked_before_did_not_happen() {
    let mut talk = resumed(&log(&["evil", "list"]));
    let line = call("7", "send");
    assert_eq!(talk.client(&line).sent, [(ToServer, line)]);
}

#[test]
fn a_hidden_tool_stays_hidden() {
    let mut talk = resumed(&log(&[]));
    let (code, message) = talk.client(&call("7", "evil")).error(ToClient);
    assert_eq!((code, message.as_str()), (-32_602, "Unknown tool: evil"));
}

#[test]
fn what_a_hidden_tool_said_did_not_happen() {
    let log = log(&[]);
    let shortened = log.iter().find(|record| record.verdict == Verdict::Redact);
    let past = PastMessage::of(shortened.unwrap());
    let [whole, shorter] = &*past else {
        panic!("not both: {past:?}");
    };
    assert!(!whole.has_happened && shorter.has_happened);
    assert!(format!("{:?}", whole.events).contains("of\\nevil"));
    let left = format!("{:?}", shorter.events);
    assert!(left.contains("read") && !left.contains("evil"), "{left}");
}

#[test]
fn places_and_revision_go_on() {
    let log = log(&["read"]);
    let mut talk = resumed(&log);
    assert_eq!(talk.session.revision(), Some(Revision::V2025_06_18));
    assert!(talk.session.is_initialized());
    let next = talk.client(&call("7", "list")).records[0].sequence;
    assert_eq!(next, log.last().unwrap().sequence.next());
}

#[test]
fn what_comes_of_a_task_is_still_an_output_of_its_tool() {
    const INJECTED: &str = r#"raise "injected" if:
    (o: ToolOutput)
    o is tool:read
    (t: str) in text(o)
    "secretword" in t
"#;
    let begun = || {
        let mut talk = Conversation::guarded(INJECTED);
        let mut log = talk.client(&call("1", "read")).records;
        let given = r#"{"jsonrpc":"2.0","id":1,"result":{"task":{"taskId":"t1"}}}"#;
        log.extend(talk.server(given).records);
        (talk, log)
    };
    let asked = |talk: &mut Conversation| {
        talk.client_asks("8", "tasks/result", r#"{"taskId":"t1"}"#);
        let said = r#"{"jsonrpc":"2.0","id":8,"result":{"content":[{"type":"text","text":"secretword"}]}}"#;
        talk.server(said).records.remove(0)
    };
    let (_, log) = begun();
    let became = asked(&mut resumed_with(INJECTED, &log));
    assert_eq!(became.verdict, Verdict::Block);

    let (mut talk, mut log) = begun();
    log.extend(talk.client(&call("1", "list")).records);
    let became = asked(&mut resumed_with(INJECTED, &log));
    assert_eq!(became.verdict, Verdict::Allow, "its name is another's now");
}

#[test]
fn nothing_recorded_is_a_new_session() {
    let mut talk = resumed(&[]);
    assert!(!talk.session.is_initialized());
    talk.shake_hands("2025-06-18");
}

#[test]
fn headers_of_tools_are_known_again() {
    let stateless = || {
        Conversation::with(Vec::new(), |context| {
            context.revision = Some(Revision::V2026_07_28);
            context.has_argument_headers = true;
        })
    };
    let mut talk = stateless();
    let asked = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;
    let mut log = talk.client(&request("1", "tools/list", asked)).records;
    let listing = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"sql","inputSchema":{"properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]}}"#;
    log.extend(talk.server(listing).records);
    let known = talk.session.argument_headers("sql");
    assert!(known.is_some());

    let mut later = stateless();
    let rehearsal = later.session.rehearse(Vec::new());
    later.session.resume(&log, rehearsal);
    assert_eq!(later.session.argument_headers("sql"), known);
}
