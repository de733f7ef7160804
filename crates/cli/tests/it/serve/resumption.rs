//! Sessions that outlive the gateway.

use std::thread;

use super::failures::FIRST_THEN_SECOND;
use super::gateway::{Gateway, Session, call, eventually};
use super::http::Request;
use super::invariant;
use super::model::{HELD, HeldModel};
use super::revisions::modern_call;
use super::upstream::Upstream;

/// The same client, at the address where the gateway is now.
fn moved(session: &Session, gateway: &Gateway) -> Session {
    Session {
        address: gateway.address,
        ..session.clone()
    }
}

/// What was answered is on disk a moment later.
fn wait_for_the_record(gateway: &Gateway, text: &str) {
    eventually("the call is not recorded", || {
        let path = gateway.database().with_extension("db-wal");
        let written = std::fs::read(path).unwrap_or_default();
        written
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    });
}

#[test]
fn a_session_goes_on_after_the_gateway_was_killed() {
    let upstream = Upstream::plain();
    let mut gateway = Gateway::before(&upstream, FIRST_THEN_SECOND);
    let session = gateway.open();
    let innocent = gateway.open();
    assert!(session.answer(1, "first").contains("plain"));
    assert!(innocent.answer(1, "other-tool").contains("plain"));
    wait_for_the_record(&gateway, "other-tool");
    gateway.kill_and_start_again();

    let session = moved(&session, &gateway);
    let refused = session.answer(2, "second");
    assert!(refused.contains("guardrail `flow`"), "{refused}");
    let innocent = moved(&innocent, &gateway);
    assert!(innocent.answer(2, "second").contains("plain"));
    let opened = upstream.received();
    let opened = opened
        .iter()
        .filter(|received| received.method() == Some("initialize"));
    assert_eq!(opened.count(), 2, "the server's sessions go on as well");
    assert_eq!(session.delete().status, 200);
    assert_eq!(session.call(3, "first").status, 404);
}

#[test]
fn a_session_does_not_go_on_with_another_server() {
    let (upstream, other) = (Upstream::plain(), Upstream::plain());
    let at = |server: &Upstream| {
        format!(
            "servers: {{ s: {{ url: \"http://{}/mcp\" }} }}\n",
            server.address
        )
    };
    let mut gateway = Gateway::start(&at(&upstream), "");
    let session = gateway.open();
    assert!(session.answer(1, "first").contains("plain"));
    wait_for_the_record(&gateway, "first");
    gateway.configure_servers(&at(&other));
    gateway.kill_and_start_again();
    let session = moved(&session, &gateway);
    assert_eq!(session.call(2, "second").status, 404);
    assert!(other.received().is_empty());
}

#[test]
fn a_session_that_ended_stays_over() {
    let upstream = Upstream::plain();
    let mut gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    assert_eq!(session.delete().status, 200);
    let other = gateway.open();
    assert!(other.answer(1, "marker-tool").contains("plain"));
    wait_for_the_record(&gateway, "marker-tool");
    gateway.kill_and_start_again();
    assert_eq!(moved(&session, &gateway).call(1, "first").status, 404);
}

#[test]
fn nobody_else_can_go_on_with_a_session() {
    let upstream = Upstream::plain();
    let mut gateway = Gateway::before(&upstream, "");
    let base = Request::new("GET", super::gateway::PATH).with("Authorization", "Bearer mine");
    let session = gateway.open_with("2025-11-25", &base);
    assert!(session.answer(1, "marker-tool").contains("plain"));
    wait_for_the_record(&gateway, "marker-tool");
    gateway.kill_and_start_again();
    let thief = Session {
        base: Request::new("GET", super::gateway::PATH).with("Mcp-Session-Id", &session.id),
        ..moved(&session, &gateway)
    };
    assert_eq!(thief.call(2, "first").status, 404);
    assert!(
        moved(&session, &gateway)
            .answer(2, "first")
            .contains("plain")
    );
}

#[test]
fn a_session_that_the_server_forgot_meanwhile_is_opened_again() {
    let upstream = Upstream::plain();
    let mut gateway = Gateway::before(&upstream, FIRST_THEN_SECOND);
    let session = gateway.open();
    assert!(session.answer(1, "first").contains("plain"));
    let other = gateway.open();
    assert!(other.answer(1, "marker-tool").contains("plain"));
    wait_for_the_record(&gateway, "marker-tool");
    gateway.kill_and_start_again();
    upstream.forget_sessions();
    let session = moved(&session, &gateway);
    assert!(session.answer(2, "third").contains("plain"));
    assert!(session.answer(3, "second").contains("guardrail `flow`"));
}

#[test]
fn so_does_a_session_of_the_routes_of_the_reference() {
    let upstream = Upstream::plain();
    let mut gateway = Gateway::before(&upstream, FIRST_THEN_SECOND);
    let session = gateway.open_with("2025-06-18", &invariant::base(&upstream));
    assert!(session.answer(1, "first").contains("plain"));
    let other = gateway.open();
    assert!(other.answer(1, "marker-tool").contains("plain"));
    wait_for_the_record(&gateway, "marker-tool");
    gateway.kill_and_start_again();
    let refused = moved(&session, &gateway).call(2, "second");
    assert_eq!(refused.status, 400);
}

#[test]
fn a_client_that_leaves_its_guardrails_behind_does_not_go_on() {
    const POLICY: &str = r#"raise \"no bad\" if:\n    (c: ToolCall)\n    c is tool:bad\n"#;
    let upstream = Upstream::plain();
    let mut gateway = Gateway::before(&upstream, "");
    let base = invariant::base(&upstream);
    let guarded = base.clone().with("Invariant-Guardrails", POLICY);
    let session = gateway.open_with("2025-06-18", &guarded);
    assert_eq!(session.call(1, "bad").status, 400);
    let other = gateway.open();
    assert!(other.answer(1, "marker-tool").contains("plain"));
    wait_for_the_record(&gateway, "marker-tool");
    gateway.kill_and_start_again();
    let shed = Session {
        base: base.with("Mcp-Session-Id", &session.id),
        ..moved(&session, &gateway)
    };
    assert_eq!(shed.call(2, "good").status, 404);
    let session = moved(&session, &gateway);
    assert_eq!(session.call(3, "bad").status, 400);
    assert_eq!(session.call(4, "good").status, 200);
}

#[test]
fn a_gateway_that_lives_keeps_its_sessions() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    assert!(session.answer(1, "marker-tool").contains("plain"));
    wait_for_the_record(&gateway, "marker-tool");
    let other = gateway.beside();
    let stolen = Session {
        address: other.address,
        ..session.clone()
    };
    assert_eq!(stolen.call(2, "first").status, 404);
    assert!(session.answer(3, "first").contains("plain"));
}

/// A gateway that was killed and is there again, and the session that it had. To go on with it takes
/// an answer of the model.
fn left_behind(upstream: &Upstream, model: &HeldModel) -> (Gateway, Session) {
    let mut gateway = Gateway::before(upstream, &model.asked_and(""));
    let session = gateway.open();
    assert!(session.answer(1, HELD).contains("plain"));
    wait_for_the_record(&gateway, HELD);
    gateway.kill_and_start_again();
    let session = moved(&session, &gateway);
    (gateway, session)
}

#[test]
fn a_session_that_goes_on_while_guardrails_change_has_the_new_ones() {
    const NO_BAD: &str = "- name: calls\n  policy: |\n    raise \"no bad\" if:\n        \
        (c: ToolCall)\n        c is tool:bad\n";
    let (upstream, model) = (Upstream::plain(), HeldModel::start());
    let (gateway, session) = left_behind(&upstream, &model);
    let answer = model.hold();
    let caller = thread::spawn(move || session.answer(2, "bad"));
    model.wait_until_asked();
    gateway.configure(&model.asked_and(NO_BAD));
    eventually("the change is not noticed", || {
        gateway.log().contains("the configuration has changed")
    });
    answer.go_on();
    let refused = caller.join().unwrap();
    assert!(refused.contains("guardrail `calls`"), "{refused}");
}

#[test]
fn a_session_whose_client_leaves_while_it_is_resumed_is_there_when_it_comes_back() {
    let (upstream, model) = (Upstream::plain(), HeldModel::start());
    let (gateway, session) = left_behind(&upstream, &model);
    let answer = model.hold();
    let caller = session.base.saying(&call(2, "x")).say(session.address);
    model.wait_until_asked();
    drop(caller);
    // By the time that others have been served, it is known that it left.
    assert!(gateway.open().answer(1, "x").contains("plain"));
    answer.go_on();
    assert!(session.answer(3, "x").contains("plain"));
}

#[test]
fn nobody_waits_for_the_resumption_of_another_session() {
    let (upstream, model) = (Upstream::plain(), HeldModel::start());
    let (gateway, session) = left_behind(&upstream, &model);
    let answer = model.hold();
    let caller = thread::spawn(move || session.answer(2, "x"));
    model.wait_until_asked();
    let modern = modern_call(1, "x").send(gateway.address);
    assert!(modern.message().contains("plain"));
    let unknown = gateway.open().base.but("Mcp-Session-Id", "unknown");
    let unknown = unknown.saying(&call(1, "x")).send(gateway.address);
    assert_eq!(unknown.status, 404);
    answer.go_on();
    assert!(caller.join().unwrap().contains("plain"));
}
