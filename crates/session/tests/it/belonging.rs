//! Tasks and states are for those whom the server gave them to.

use std::sync::Arc;

use portcullis_mcp::Revision;
use portcullis_session::{Belongings, GuardrailAction, Party};
use portcullis_trace::record::Direction::{ToClient, ToServer};

use crate::conversation::{Conversation, guardrail, request};

const TASK: &str = r#"{"task":{"taskId":"t1","status":"working","ttl":60000}}"#;
const NO_TASK: &str = "Failed to retrieve task: Task not found";
const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;

/// Sessions of these principals with one server.
fn sessions<const N: usize>(
    principals: [&str; N],
    revision: Option<Revision>,
) -> [Conversation; N] {
    let belongings = Arc::new(Belongings::default());
    principals.map(|principal| {
        Conversation::with(Vec::new(), |context| {
            context.revision = revision;
            context.party = Party::new(Arc::clone(&belongings), "mail", principal.as_bytes());
        })
    })
}

fn pay(more: &str) -> String {
    format!(r#"{{"name":"pay","arguments":{{}},{META}{more}}}"#)
}

fn is_refused(session: &mut Conversation, method: &str, params: &str, message: &str) {
    let became = session.client(&request("9", method, params));
    assert_eq!(became.error(ToClient), (-32602, message.to_owned()));
    assert!(became.records.is_empty());
}

#[test]
fn a_task_of_another_client_is_none() {
    let [mut one, mut other, mut third] = sessions(["one", "other", "one"], None);
    for session in [&mut one, &mut other, &mut third] {
        session.shake_hands("2025-11-25");
    }
    let asked = r#"{"taskId":"t1"}"#;
    // Nobody knows it yet, as after a restart: the server judges.
    other.client_asks("1", "tasks/get", asked);
    one.client_asks(
        "1",
        "tools/call",
        r#"{"name":"pay","arguments":{},"task":{}}"#,
    );
    one.server_answers("1", TASK);
    for (id, method) in [
        ("2", "tasks/get"),
        ("3", "tasks/result"),
        ("4", "tasks/cancel"),
    ] {
        is_refused(&mut other, method, asked, NO_TASK);
        one.client_asks(id, method, asked);
        third.client_asks(id, method, asked);
    }
    other.client_asks("2", "tasks/get", r#"{"taskId":"t2"}"#);
}

#[test]
fn a_task_that_a_server_tells_of_is_whom_it_is_told() {
    let [mut one, mut other] = sessions(["one", "other"], None);
    one.shake_hands("2025-11-25");
    other.shake_hands("2025-11-25");
    let told = r#"{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"t1","status":"working"}}"#;
    assert_eq!(one.server(told).sent, [(ToClient, told.to_owned())]);
    is_refused(&mut other, "tasks/get", r#"{"taskId":"t1"}"#, NO_TASK);
    one.client_asks("1", "tasks/get", r#"{"taskId":"t1"}"#);
}

#[test]
fn nobody_hears_of_the_tasks_of_another() {
    let [mut one, mut other] = sessions(["one", "other"], Some(Revision::V2026_07_28));
    one.client_asks("1", "tools/call", &pay(""));
    one.server_answers("1", r#"{"resultType":"task","taskId":"t1","ttlMs":60000}"#);
    let update = format!(r#"{{"taskId":"t1","inputResponses":{{}},{META}}}"#);
    is_refused(&mut other, "tasks/update", &update, NO_TASK);
    let listen = format!(r#"{{"notifications":{{"taskIds":["t2","t1"]}},{META}}}"#);
    is_refused(&mut other, "subscriptions/listen", &listen, NO_TASK);
    one.client_asks("2", "subscriptions/listen", &listen);
    let one_text = listen.replace(r#"["t2","t1"]"#, r#""t1""#);
    is_refused(&mut other, "subscriptions/listen", &one_text, NO_TASK);
    let own = listen.replace(r#","t1""#, "");
    other.client_asks("2", "subscriptions/listen", &own);
}

#[test]
fn nobody_is_told_of_the_task_of_another() {
    let [mut one, mut other] = sessions(["one", "other"], None);
    one.shake_hands("2025-11-25");
    other.shake_hands("2025-11-25");
    one.client_asks(
        "1",
        "tools/call",
        r#"{"name":"pay","arguments":{},"task":{}}"#,
    );
    one.server_answers("1", TASK);
    let told = |task: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{{"taskId":"{task}","status":"working"}}}}"#
        )
    };
    assert!(other.server(&told("t1")).sent.is_empty());
    assert_eq!(one.server(&told("t1")).sent, [(ToClient, told("t1"))]);
    // What was given to nobody may be for both.
    for session in [&mut one, &mut other] {
        assert_eq!(session.server(&told("t2")).sent, [(ToClient, told("t2"))]);
    }
}

#[test]
fn a_state_goes_on_with_the_request_that_it_was_given_for() {
    let [mut one, mut other] = sessions(["one", "other"], Some(Revision::V2026_07_28));
    let retry = r#","requestState":"s1""#;
    // Nobody knows it yet, as after a restart: the server judges.
    other.client_asks("1", "tools/call", &pay(retry));
    one.client_asks("1", "tools/call", &pay(""));
    one.server_answers(
        "1",
        r#"{"resultType":"input_required","requestState":"s1"}"#,
    );
    let message = "`requestState` was not given for this request";
    is_refused(&mut other, "tools/call", &pay(retry), message);
    let elsewhere = pay(retry).replace("pay", "send");
    is_refused(&mut one, "tools/call", &elsewhere, message);
    is_refused(&mut one, "prompts/get", &pay(retry), message);
    one.client_asks("2", "tools/call", &pay(retry));
}

#[test]
fn a_server_does_not_ask_for_more_for_ever() {
    let [mut talk, mut other] = sessions(["one", "one"], Some(Revision::V2026_07_28));
    let asks =
        |state: &str| format!(r#"{{"resultType":"input_required","requestState":"{state}"}}"#);
    let brings = |state: &str| pay(&format!(r#","requestState":"{state}""#));
    talk.client_asks("1", "tools/call", &pay(""));
    talk.server_answers("1", &asks("s1"));
    for round in 1..10 {
        talk.client_asks("1", "tools/call", &brings(&format!("s{round}")));
        talk.server_answers("1", &asks(&format!("s{}", round + 1)));
    }
    // In another conversation of the client's it is no other.
    other.client_asks("1", "tools/call", &brings("s10"));
    let again = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{}}}"#, asks("s11"));
    let (code, message) = other.server(&again).error(ToClient);
    assert_eq!(code, -32603);
    assert!(message.contains("asked for more 10 times"), "{message}");
    // It may do what it was asked, and who asks anew begins anew.
    talk.client_asks("1", "tools/call", &brings("s10"));
    talk.server_answers("1", r#"{"resultType":"complete","content":[]}"#);
    talk.client_asks("1", "tools/call", &pay(""));
    talk.server_answers("1", &asks("s10"));
    talk.client_asks("1", "tools/call", &brings("s10"));
    talk.server_answers("1", &asks("s2"));
}

#[test]
fn a_state_is_a_text_of_a_bounded_length() {
    let [mut one] = sessions(["one"], Some(Revision::V2026_07_28));
    let state = |bytes| pay(&format!(r#","requestState":"{}""#, "x".repeat(bytes)));
    one.client_asks("1", "tools/call", &state(65536));
    let message = "`requestState` is longer than 65536 bytes";
    is_refused(&mut one, "tools/call", &state(65537), message);
    let number = pay(r#","requestState":1"#);
    is_refused(
        &mut one,
        "tools/call",
        &number,
        "`requestState` must be a string",
    );
    // Where no revision of the session has it, it is a member like any other.
    let [mut before] = sessions(["one"], None);
    before.shake_hands("2025-11-25");
    let stateful = state(65537).replace("2026-07-28", "2025-11-25");
    before.client_asks("1", "tools/call", &stateful);
}

#[test]
fn a_state_that_nobody_could_go_on_with_is_refused_where_it_comes_from() {
    let [mut one] = sessions(["one"], Some(Revision::V2026_07_28));
    let result =
        |state: &str| format!(r#"{{"resultType":"input_required","requestState":{state}}}"#);
    let text = |bytes| format!("{:?}", "x".repeat(bytes));
    for state in [text(65536), "null".to_owned()] {
        one.client_asks("1", "tools/call", &pay(""));
        one.server_answers("1", &result(&state));
    }
    for (state, message) in [
        (
            text(65537),
            "the server's `requestState` is longer than 65536 bytes",
        ),
        (
            "7".to_owned(),
            "the server's `requestState` must be a string",
        ),
    ] {
        one.client_asks("1", "tools/call", &pay(""));
        let result = result(&state);
        let became = one.server(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#));
        assert_eq!(became.error(ToClient), (-32603, message.to_owned()));
    }
    // Where no revision of the session has it, it is a member like any other.
    let [mut before] = sessions(["one"], None);
    before.shake_hands("2025-11-25");
    let stateful = pay("").replace("2026-07-28", "2025-11-25");
    before.client_asks("1", "tools/call", &stateful);
    before.server_answers("1", &result(&text(65537)));
}

#[test]
fn an_answer_that_is_withheld_gives_nothing() {
    let belongings = Arc::new(Belongings::default());
    let party = |principal: &str| Party::new(Arc::clone(&belongings), "mail", principal.as_bytes());
    let policy = "raise \"no\" if:\n    (o: ToolOutput)\n    \"t1\" in o.content\n";
    let guardrails = vec![guardrail("g", policy, GuardrailAction::Block)];
    let mut one = Conversation::with(guardrails, |context| context.party = party("one"));
    let mut other = Conversation::with(Vec::new(), |context| context.party = party("other"));
    one.shake_hands("2025-11-25");
    other.shake_hands("2025-11-25");
    one.client_asks(
        "1",
        "tools/call",
        r#"{"name":"pay","arguments":{},"task":{}}"#,
    );
    let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{TASK}}}"#);
    assert_ne!(one.server(&answer).sent, [(ToClient, answer)]);
    let line = request("2", "tasks/get", r#"{"taskId":"t1"}"#);
    assert_eq!(other.client(&line).sent, [(ToServer, line)]);
}
