//! Changes of the configuration while sessions run.

use tempfile::TempDir;

use super::failures::FIRST_THEN_SECOND;
use super::gateway::{Gateway, call, eventually};
use super::http::Request;
use super::kept::{NO_WORSE, guardrail};
use super::model::{HELD, HeldModel};
use super::upstream::Upstream;
use crate::client::write;

const NO_BAD: &str = "guardrails:
- name: calls
  policy: |
    raise \"no bad\" if:
        (c: ToolCall)
        c is tool:bad
";
const WRONG: &str = "guardrails:
- name: calls
  policy: |
    raise \"no bad\" if
";

#[test]
fn a_changed_guardrail_takes_effect_in_a_running_session() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    assert!(session.answer(1, "bad").contains("plain"));
    gateway.configure(NO_BAD);
    let is_refused = || {
        session
            .answer(2, "bad")
            .contains("guardrail `calls` (no bad)")
    };
    eventually("the new guardrail is not in force", is_refused);
    gateway.configure("");
    let is_passed = || session.answer(3, "bad").contains("plain");
    eventually("the old guardrail is still in force", is_passed);
}

#[test]
fn a_new_guardrail_knows_what_was_said_before_it() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let other = gateway.open();
    assert!(session.answer(1, "first").contains("plain"));
    gateway.configure(FIRST_THEN_SECOND);
    let is_refused = || session.answer(2, "second").contains("guardrail `flow`");
    eventually("what came before the change is not known", is_refused);
    assert!(other.answer(1, "second").contains("plain"));
}

#[test]
fn a_changed_limit_is_in_force_at_once_for_what_clients_say() {
    let text = "x".repeat(5000);
    let answer = format!(r#"{{"content":[{{"type":"text","text":"{text}"}}]}}"#);
    let upstream = Upstream::scripted(move |received, reply| {
        if received.tool() != Some("long") {
            return Some(reply);
        }
        reply.json(&[], &received.answered(&answer));
        None
    });
    let gateway = Gateway::before(&upstream, "");
    let before = gateway.open();
    let long = call(1, "x").replace("{}", &format!(r#"{{"text":"{text}"}}"#));
    assert_eq!(before.post(&long).status, 200);
    gateway.configure("limits: { message_bytes: 2000 }\n");
    eventually("it is in force for nobody", || {
        before.post(&long).status == 413
    });
    let after = gateway.open();
    assert_eq!(after.post(&long).status, 413);
    // What a server may say was fixed with the way to it.
    assert!(before.answer(2, "long").contains(&text));
    let refused = after.answer(2, "long");
    assert!(refused.contains("longer than 2000 bytes"), "{refused}");
}

#[test]
fn a_wrong_change_keeps_what_was_in_force() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, NO_BAD);
    let session = gateway.open();
    gateway.configure(WRONG);
    eventually("the wrong change is not reported", || {
        gateway.log().contains("is wrong and not in force")
    });
    for session in [&session, &gateway.open()] {
        let message = session.answer(1, "bad");
        assert!(message.contains("guardrail `calls` (no bad)"), "{message}");
        assert!(session.answer(2, "x").contains("plain"));
    }
}

#[test]
fn the_guardrail_file_of_mcp_scan_is_followed_too() {
    let directory = TempDir::new().unwrap();
    let disabled = "test: { servers: { s: { tools: { bad: { enabled: false } } } } }\n";
    let file = write(directory.path(), "g.yml", disabled);
    let upstream = Upstream::plain();
    let more = format!("mcp_scan_guardrails: {}\n", file.display());
    let gateway = Gateway::before(&upstream, &more);
    let session = gateway.open();
    let message = session.answer(1, "bad");
    assert!(message.contains("(the tool is disabled)"), "{message}");
    assert!(session.answer(2, "x").contains("plain"));
    write(
        directory.path(),
        "g.yml",
        &disabled.replace("test", "other"),
    );
    let is_passed = || session.answer(3, "bad").contains("plain");
    eventually("the old file is still in force", is_passed);
}

#[test]
fn a_session_that_takes_long_to_change_holds_up_no_other_and_keeps_the_last_change() {
    const OTHERS: usize = 8;
    let no_bad = NO_BAD.replace("guardrails:\n", "");
    let upstream = Upstream::plain();
    let model = HeldModel::start();
    let gateway = Gateway::before(&upstream, &model.unused());
    let slow = gateway.open();
    let others: Vec<_> = (0..OTHERS).map(|_| gateway.open()).collect();
    assert!(slow.answer(1, HELD).contains("plain"));
    let answer = model.hold();
    gateway.configure(&model.asked_and(&no_bad));
    model.wait_until_asked();
    eventually("another session waits", || {
        let mut others = others.iter();
        others.all(|other| other.answer(1, "bad").contains("guardrail `calls`"))
    });

    let mut store = gateway.store();
    store.create_guardrail(&guardrail(NO_WORSE)).unwrap();
    eventually("the next change waits", || {
        let mut others = others.iter();
        others.all(|other| other.answer(2, "worse").contains("guardrail `kept`"))
    });
    answer.go_on();
    eventually("the last change is not in force", || {
        slow.answer(2, "worse").contains("guardrail `kept`")
    });
    assert!(slow.answer(3, "bad").contains("guardrail `calls`"));
}

#[test]
fn a_session_ends_with_what_is_configured_of_its_server() {
    let (upstream, other) = (Upstream::plain(), Upstream::plain());
    let servers = |of_s: &Upstream| {
        format!(
            "servers: {{ s: {{ url: \"http://{}/mcp\" }}, t: {{ url: \"http://{}/mcp\" }} }}\n",
            of_s.address, upstream.address
        )
    };
    let mut gateway = Gateway::start(&servers(&upstream), "");
    let session = gateway.open();
    let beside = Request::new("GET", "/servers/t/mcp");
    let beside = gateway.open_with("2025-11-25", &beside);
    assert!(session.answer(1, "x").contains("plain"));
    gateway.configure_servers(&servers(&other));
    eventually("the session goes on with the server of before", || {
        gateway.log().contains("reconfigured")
    });
    assert_eq!(session.post(&call(2, "x")).status, 404);
    assert!(beside.answer(1, "x").contains("plain"));
}

#[test]
fn changed_parameters_reach_running_sessions() {
    let policy = "guardrails:
- name: calls
  policy: |
    raise \"no\" if:
        (c: ToolCall)
        c.function.name in input.forbidden
";
    let forbidden = |names: &str| format!("{policy}parameters: {{ forbidden: [{names}] }}\n");
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, &forbidden("other"));
    let session = gateway.open();
    assert!(session.answer(1, "bad").contains("plain"));
    gateway.configure(&forbidden("bad"));
    eventually("the old parameters are still in force", || {
        session.answer(2, "bad").contains("guardrail `calls`")
    });
}
