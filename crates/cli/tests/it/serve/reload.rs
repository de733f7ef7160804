//! Changes of the configuration while sessions run.

use tempfile::TempDir;

use super::failures::FIRST_THEN_SECOND;
use super::gateway::{Gateway, eventually};
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
