//! Guardrails that the store keeps.

use portcullis_json::Object;
use portcullis_store::{GuardrailChange, GuardrailRecord, GuardrailScope, Project, Store};
use portcullis_trace::record::Timestamp;

use super::gateway::{Gateway, PATH, eventually, initialize};
use super::http::Request;
use super::invariant;
use super::upstream::Upstream;

const NO_BAD: &str = "raise \"no bad\" if:\n    (c: ToolCall)\n    c is tool:bad\n";
pub(super) const NO_WORSE: &str =
    "raise \"no worse\" if:\n    (c: ToolCall)\n    c is tool:worse\n";
const PROJECT: &str = "INVARIANT-PROJECT-NAME";

pub(super) fn guardrail(content: &str) -> GuardrailRecord {
    GuardrailRecord {
        id: "0199a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2b".parse().unwrap(),
        project: None,
        name: "kept".to_owned(),
        content: content.to_owned(),
        enabled: true,
        action: "block".to_owned(),
        scope: GuardrailScope::default(),
        metadata: Object::new(),
        version: 1,
        updated_at: Timestamp::from_micros(1),
    }
}

fn change(store: &mut dyn Store, change: &GuardrailChange) {
    let id = guardrail("").id;
    let changed = store.update_guardrail(&id, change, Timestamp::from_micros(2));
    assert!(changed.unwrap().is_some());
}

#[test]
fn a_kept_guardrail_is_in_force_and_its_changes_too() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let mut store = gateway.store();
    let before = gateway.open();
    store.create_guardrail(&guardrail(NO_BAD)).unwrap();
    let after = gateway.open();
    assert!(after.answer(1, "bad").contains("guardrail `kept` (no bad)"));
    assert!(after.answer(2, "good").contains("plain"));
    eventually("a running session does not get it", || {
        before.answer(1, "bad").contains("guardrail `kept`")
    });

    let content = Some(NO_BAD.replace("tool:bad", "tool:worse"));
    let changed = GuardrailChange {
        content,
        ..GuardrailChange::default()
    };
    change(store.as_mut(), &changed);
    eventually("the change is not in force", || {
        after.answer(3, "worse").contains("guardrail `kept`")
            && after.answer(4, "bad").contains("plain")
    });
    let disabled = GuardrailChange {
        enabled: Some(false),
        ..GuardrailChange::default()
    };
    change(store.as_mut(), &disabled);
    eventually("the guardrail is still in force", || {
        after.answer(5, "worse").contains("plain")
    });
}

#[test]
fn a_guardrail_of_a_project_is_for_its_sessions_alone() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let project = Project {
        id: "0199a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2c".parse().unwrap(),
        name: "mail".to_owned(),
        is_public: false,
        metadata: Object::new(),
        created_at: Timestamp::from_micros(1),
    };
    let mut store = gateway.store();
    store.create_project(&project).unwrap();
    let record = GuardrailRecord {
        project: Some(project.id),
        ..guardrail(NO_BAD)
    };
    store.create_guardrail(&record).unwrap();
    let base = invariant::base(&upstream);
    let inside = gateway.open_with("2025-06-18", &base.clone().with(PROJECT, "mail"));
    assert_eq!(inside.call(1, "bad").status, 400);
    let outside = gateway.open_with("2025-06-18", &base.with(PROJECT, "other"));
    assert_eq!(outside.call(1, "bad").status, 200);
}

#[test]
fn a_guardrail_that_does_not_load_blocks_what_it_should_judge() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    gateway
        .store()
        .create_guardrail(&guardrail("raise \"x\" if"))
        .unwrap();
    eventually("the broken guardrail lets calls pass", || {
        let answer = session.answer(1, "any");
        answer.contains("kept") && answer.contains(r#""isError":true"#)
    });
}

#[test]
fn no_session_begins_while_the_store_cannot_be_read() {
    let upstream = Upstream::plain();
    let away = "store: { url: \"postgres://u:p@127.0.0.1:1/x\" }\n";
    let gateway = Gateway::before(&upstream, away);
    let request = Request::new("GET", PATH).saying(&initialize("2025-11-25"));
    assert_eq!(request.send(gateway.address).status, 503);
    assert!(upstream.received().is_empty());
}

#[test]
fn a_project_name_that_cannot_be_read_is_no_other_project() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let long = "x".repeat(257);
    let request = invariant::base(&upstream).with(PROJECT, &long);
    let answer = request
        .saying(&initialize("2025-06-18"))
        .send(gateway.address);
    assert_eq!(answer.status, 400);
    assert!(answer.body().contains("at most 256 characters"));
}

#[test]
fn a_scope_is_respected() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let mut store = gateway.store();
    let scope = |client: &str, server: &str| GuardrailScope {
        client: Some(client.to_owned()),
        server: Some(server.to_owned()),
    };
    let mut record = guardrail(NO_BAD);
    record.scope = scope("test", "other");
    store.create_guardrail(&record).unwrap();
    assert!(gateway.open().answer(1, "bad").contains("plain"));
    let changed = GuardrailChange {
        scope: Some(scope("test", "s")),
        ..GuardrailChange::default()
    };
    change(store.as_mut(), &changed);
    assert!(gateway.open().answer(1, "bad").contains("guardrail `kept`"));
}
