//! The native API.

use std::time::{SystemTime, UNIX_EPOCH};

use portcullis_json::{Object, Value};
use portcullis_store::Entry;
use portcullis_trace::record::{Origin, SessionEnd, SessionRecord, Timestamp};
use rustix::process::Signal;

use super::explorer::{Explorer, at, json, length, text, texts};
use crate::serve::gateway::{Gateway, call};
use crate::serve::http::{Answer, Request};
use crate::serve::unkind::signal;
use crate::serve::upstream::Upstream;

const RULE: &str = r#""raise \"no bad\" if:\n    (c: ToolCall)\n    c is tool:bad""#;
const BLOCKS: &str = "guardrails:
- name: calls
  policy: |
    raise \"no bad\" if:
        (c: ToolCall)
        c is tool:bad
";

/// Asked with a key, which the native API needs whatever is configured.
fn keyed(gateway: Gateway) -> Explorer {
    let explorer = Explorer::of(gateway);
    let key = text(&explorer.post("/api/v1/keys/create", ""), "key");
    explorer.with_key(&key)
}

#[track_caller]
fn problem(answer: Answer, status: u16) -> Value {
    assert_eq!(answer.status, status);
    let kind = answer.headers.get("Content-Type").map(str::to_owned);
    assert_eq!(kind.as_deref(), Some("application/problem+json"));
    let problem = json(&answer.body());
    assert_eq!(at(&problem, "status").to_string(), status.to_string());
    assert_eq!(text(&problem, "type"), "about:blank");
    assert_ne!(text(&problem, "detail"), "");
    problem
}

#[test]
fn sessions_are_listed_read_and_deleted() {
    let upstream = Upstream::plain();
    let explorer = keyed(Gateway::before(&upstream, BLOCKS));
    let first = explorer.gateway.open();
    first.answer(1, "fine");
    let second = explorer.gateway.open();
    second.answer(1, "bad");
    assert_eq!(first.delete().status, 200);

    let sessions = explorer.get("/api/v2/sessions");
    assert_eq!(length(&sessions, "items"), 2);
    assert_eq!(at(&sessions, "next").to_string(), "null");
    let (newer, older) = (at(&sessions, "items.0"), at(&sessions, "items.1"));
    assert_eq!(at(newer, "is_open").as_bool(), Some(true));
    assert_eq!(at(newer, "violations").to_string(), "1");
    assert_eq!(text(newer, "client.name"), "test");
    assert_eq!(text(newer, "origin"), "live");
    assert_eq!(at(older, "is_open").as_bool(), Some(false));
    assert!(at(older, "ended_at").as_str().is_some());

    let ids = |query: &str| {
        texts(
            at(&explorer.get(&format!("/api/v2/sessions?{query}")), "items"),
            "id",
        )
    };
    assert_eq!(ids("with_violations=true"), [text(newer, "id")]);
    assert_eq!(ids("is_open=true"), [text(newer, "id")]);
    assert_eq!(ids("is_open=false"), [text(older, "id")]);
    assert_eq!(ids("server=other"), Vec::<String>::new());
    assert_eq!(ids("limit=1"), [text(newer, "id")]);
    assert_eq!(ids("limit=1&offset=1"), [text(older, "id")]);
    let page = explorer.get("/api/v2/sessions?limit=1");
    assert_eq!(at(&page, "next").to_string(), "1");

    let path = |session: &Value| format!("/api/v2/sessions/{}", text(session, "id"));
    assert_eq!(&explorer.get(&path(older)), older);
    let events = explorer.get(&format!("{}/events?limit=3", path(newer)));
    assert_eq!(length(&events, "items"), 3);
    let more = format!("{}/events?after={}", path(newer), at(&events, "next"));
    let more = explorer.get(&more);
    let blocked = at(&more, "items.0");
    assert_eq!(text(blocked, "method"), "tools/call");
    assert_eq!(text(blocked, "verdict"), "block");
    assert_eq!(text(blocked, "violations.0.message"), "no bad");
    assert_eq!(text(blocked, "violations.0.guardrail"), "calls");
    assert_eq!(text(blocked, "elements.0.role"), "assistant");
    assert_eq!(json(&text(blocked, "message")), json(&call(1, "bad")));

    problem(explorer.send(Request::new("DELETE", &path(newer))), 409);
    assert_eq!(
        explorer.send(Request::new("DELETE", &path(older))).status,
        204
    );
    problem(explorer.send(Request::new("GET", &path(older))), 404);
}

#[test]
fn what_another_process_may_still_write_is_not_deleted() {
    let explorer = keyed(Gateway::start("servers: {}\n", ""));
    let ids = ["11", "12", "13"].map(|last| format!("01999999-0000-7000-8000-0000000000{last}"));
    let [recent, resting, ended] = &ids;
    for (id, minutes, project) in [
        (recent, 30, "mail"),
        (resting, 90, "calendar"),
        (ended, 30, "ended"),
    ] {
        begin(&explorer.gateway, id, minutes, project);
    }
    let end = SessionEnd {
        session: ended.parse().unwrap(),
        ended_at: minutes_ago(20),
        last_sequence: None,
    };
    explorer.gateway.store().write(&[Entry::End(end)]).unwrap();

    let is_open = |id: &str| {
        let session = explorer.get(&format!("/api/v2/sessions/{id}"));
        at(&session, "is_open").as_bool().unwrap()
    };
    assert_eq!(ids.each_ref().map(|id| is_open(id)), [true, false, false]);
    let open = explorer.get("/api/v2/sessions?is_open=true");
    assert_eq!(&texts(at(&open, "items"), "id").join(" "), recent);

    let delete = |path: String| explorer.send(Request::new("DELETE", &path));
    let of_project = |project: &str| format!("/api/v1/dataset/byuser/developer/{project}");
    problem(delete(format!("/api/v2/sessions/{recent}")), 409);
    assert_eq!(delete(format!("/api/v1/trace/{recent}")).status, 409);
    assert_eq!(delete(of_project("mail")).status, 409);
    assert!(is_open(recent));
    assert_eq!(delete(format!("/api/v2/sessions/{resting}")).status, 204);
    assert_eq!(delete(format!("/api/v1/trace/{ended}")).status, 200);
    assert_eq!(delete(of_project("calendar")).status, 200);
}

/// A session that a process beside the gateway records.
fn begin(gateway: &Gateway, id: &str, minutes: i64, project: &str) {
    let session = SessionRecord {
        id: id.parse().unwrap(),
        project: Some(project.to_owned()),
        name: None,
        server: "s".to_owned(),
        client: None,
        started_at: minutes_ago(minutes),
        metadata: Object::new(),
        origin: Origin::Live,
        index: None,
        hierarchy_path: Vec::new(),
    };
    gateway.store().write(&[Entry::Session(session)]).unwrap();
}

fn minutes_ago(minutes: i64) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(now.as_micros()).unwrap() - minutes * 60_000_000)
}

#[test]
fn guardrails_have_versions_and_must_load() {
    let explorer = keyed(Gateway::start("servers: {}\n", ""));
    let new = format!(r#"{{"name":"n","policy":{RULE},"client":"cursor"}}"#);
    let made = explorer.send(Request::post("/api/v2/guardrails", &new));
    assert_eq!(made.status, 201);
    let made = json(&made.body());
    assert_eq!(text(&made, "action"), "block");
    assert_eq!(at(&made, "version").to_string(), "1");
    let path = format!("/api/v2/guardrails/{}", text(&made, "id"));
    let change = |body: &str| explorer.send(Request::post(&path, body).by("PATCH"));
    let changed = json(&change(r#"{"enabled":false,"action":"log"}"#).body());
    assert_eq!(at(&changed, "version").to_string(), "2");
    assert_eq!(at(&changed, "enabled").as_bool(), Some(false));
    assert_eq!(text(&changed, "client"), "cursor");
    assert_eq!(explorer.get(&path), changed);
    assert_eq!(
        texts(at(&explorer.get("/api/v2/guardrails"), "items"), "name"),
        ["n"]
    );

    let refused = problem(change(r#"{"policy":"raise"}"#), 422);
    assert!(text(&refused, "detail").starts_with("the policy does not load: "));
    let refused = problem(change(r#"{"polcy":"x"}"#), 422);
    assert!(text(&refused, "detail").contains("an object without `polcy`"));
    assert_eq!(
        explorer.get(&path),
        json(&change(r#"{"client":"cursor","action":"log"}"#).body())
    );
    let lifted = json(&change(r#"{"client":null}"#).body());
    assert!(at(&lifted, "client").is_null(), "{lifted}");
    assert_eq!(at(&lifted, "version").to_string(), "3");
    for (unfit, why) in [
        (r#"{"name":""}"#, "`name` must not be empty"),
        (r#"{"client":""}"#, "`client` must not be empty"),
        (r#"{"server":""}"#, "`server` must not be empty"),
        (r#"{"policy":"x := 1"}"#, "the policy has no rule"),
        (r#"{"policy":""}"#, "the policy has no rule"),
    ] {
        let refused = problem(change(unfit), 400);
        assert!(text(&refused, "detail").starts_with(why), "{refused}");
    }
    let unfit = format!(r#"{{"name":"n","policy":{RULE},"server":""}}"#);
    problem(
        explorer.send(Request::post("/api/v2/guardrails", &unfit)),
        400,
    );
    problem(change(r#"{"action":"warn"}"#), 422);
    problem(change(r#"{"enabled":1}"#), 422);
    let of_none = explorer.send(Request::new("GET", "/api/v2/guardrails?project=none"));
    problem(of_none, 404);

    assert_eq!(explorer.send(Request::new("DELETE", &path)).status, 204);
    problem(explorer.send(Request::new("GET", &path)), 404);
    let versions = explorer.get(&format!("{path}/versions"));
    assert_eq!(at(&versions, "items.0.is_deleted").as_bool(), Some(true));
    let last = versions
        .get("items")
        .and_then(Value::as_array)
        .unwrap()
        .last()
        .unwrap();
    assert_eq!(at(last, "guardrail.version").to_string(), "1");
    assert_eq!(text(last, "guardrail.action"), "block");
}

#[test]
fn guardrails_and_versions_come_in_pages() {
    let explorer = keyed(Gateway::start("servers: {}\n", ""));
    let mut path = String::new();
    for name in ["a", "b", "c"] {
        let new = format!(r#"{{"name":"{name}","policy":{RULE}}}"#);
        let made = explorer.send(Request::post("/api/v2/guardrails", &new));
        path = format!("/api/v2/guardrails/{}", text(&json(&made.body()), "id"));
    }
    let first = explorer.get("/api/v2/guardrails?limit=2");
    assert_eq!(texts(at(&first, "items"), "name"), ["a", "b"]);
    assert_eq!(at(&first, "next").to_string(), "2");
    let last = explorer.get("/api/v2/guardrails?limit=2&offset=2");
    assert_eq!(texts(at(&last, "items"), "name"), ["c"]);
    assert!(at(&last, "next").is_null());

    for filled in 0..4 {
        let change = format!(
            r##"{{"policy":"#{}\n{}}}"##,
            "x".repeat(1_000_000 + filled),
            RULE.strip_prefix('"').unwrap()
        );
        let change = Request::post(&path, &change).by("PATCH");
        assert_eq!(explorer.send(change).status, 200);
    }
    let versions = format!("{path}/versions");
    let first = explorer.get(&versions);
    assert_eq!(at(&first, "next").to_string(), "4", "bounded in bytes");
    let last = explorer.get(&format!("{versions}?offset=4"));
    assert_eq!(length(&last, "items"), 1);
    assert!(at(&last, "next").is_null());
    let beyond = explorer.get(&format!("{versions}?offset=5"));
    assert_eq!(length(&beyond, "items"), 0);

    for list in ["sessions", "projects", "guardrails"] {
        for limit in ["0", "201", "x", "-1"] {
            let path = format!("/api/v2/{list}?limit={limit}");
            let refused = problem(explorer.send(Request::new("GET", &path)), 400);
            let why = text(&refused, "detail");
            assert!(why.starts_with("limit must be a number"), "{why}");
        }
    }
    let refused = Request::new("GET", &format!("{versions}?limit=0"));
    problem(explorer.send(refused), 400);
}

#[test]
fn policies_are_tried_on_traces_and_sessions() {
    let upstream = Upstream::plain();
    let explorer = keyed(Gateway::before(&upstream, ""));
    explorer.gateway.open().answer(1, "bad");
    let session = text(&explorer.get("/api/v2/sessions"), "items.0.id");
    let check = |what: &str| {
        let body = format!(r#"{{"policy":{RULE},{what}}}"#);
        explorer.send(Request::post("/api/v2/checks", &body))
    };
    let found = json(&check(&format!(r#""session":"{session}""#)).body());
    assert_eq!(text(&found, "findings.0.message"), "no bad");
    assert_eq!(length(&found, "findings"), 1);
    let nothing = check(r#""elements":[]"#).body();
    assert_eq!(nothing, r#"{"findings":[]}"#);
    problem(check(r#""parameters":{}"#), 422);
    problem(check(r#""elements":[1]"#), 422);
    let told = |line: &str| {
        let policy = format!("raise 'x' if:\\n    (m: Message)\\n    {line}\\n");
        let elements = r#"[{"role":"user","content":"hi"}]"#;
        let body = format!(r#"{{"policy":"{policy}","elements":{elements}}}"#);
        let refused = problem(explorer.send(Request::post("/api/v2/checks", &body)), 422);
        text(&refused, "detail")
    };
    let unloaded = told("nope(m)");
    assert!(unloaded.starts_with("unknown-name: "), "{unloaded}");
    assert!(unloaded.ends_with(" (line 3, column 5)"), "{unloaded}");
    let failed = told("m.role == 'user' and m.content < 1");
    assert!(failed.starts_with("Error during analysis: "), "{failed}");
    assert!(failed.ends_with(" (line 3, column 26)"), "{failed}");
    problem(
        check(r#""session":"01999999-0000-7000-8000-000000000000""#),
        404,
    );
}

#[test]
fn what_happens_is_watched() {
    let upstream = Upstream::plain();
    let explorer = keyed(Gateway::before(&upstream, BLOCKS));
    let mut feed = explorer.send(Request::new("GET", "/api/v2/feed"));
    assert_eq!(feed.event().unwrap().name.as_deref(), Some("begin"));
    let session = explorer.gateway.open();
    session.answer(1, "bad");
    let began = feed.event().unwrap();
    assert_eq!(began.name.as_deref(), Some("session"));
    let id = text(&json(&began.data), "session");
    let blocked = std::iter::from_fn(|| feed.event())
        .filter(|event| event.name.as_deref() == Some("event"))
        .map(|event| json(&event.data))
        .find(|event| event.get("verdict").and_then(Value::as_str) == Some("block"));
    let blocked = blocked.unwrap();
    assert_eq!(text(&blocked, "session"), id);
    assert_eq!(text(&blocked, "violations.0.message"), "no bad");

    signal(&explorer.gateway, Signal::TERM);
    let last = std::iter::from_fn(|| feed.event()).last().unwrap();
    assert_eq!(last.name.as_deref(), Some("end"));
    assert_eq!(text(&json(&last.data), "session"), id);
}

#[test]
fn a_revoked_key_watches_nothing_any_more() {
    let upstream = Upstream::plain();
    let explorer = keyed(Gateway::before(&upstream, "streams: { keep_alive: 60s }\n"));
    let mut feed = explorer.send(Request::new("GET", "/api/v2/feed"));
    assert_eq!(feed.event().unwrap().name.as_deref(), Some("begin"));
    let session = explorer.gateway.open();
    assert_eq!(feed.event().unwrap().name.as_deref(), Some("session"));

    let id = text(&explorer.get("/api/v1/keys/list"), "keys.0.id");
    explorer.delete(&format!("/api/v1/keys/{id}"));
    let refused = explorer.send(Request::new("GET", "/api/v2/feed"));
    problem(refused, 401);
    while feed.event().is_some() {}
    session.answer(1, "fine");
}

#[test]
fn what_is_not_there_is_refused_in_the_same_form() {
    let explorer = keyed(Gateway::start("servers: {}\n", ""));
    for path in ["/api/v2/nope", "/api/v2/sessions/x/nope", "/api/v2/feed/"] {
        problem(explorer.send(Request::new("GET", path)), 404);
    }
    for (verb, path) in [
        ("DELETE", "/api/v2/sessions"),
        ("PUT", "/api/v2/guardrails/x"),
        ("POST", "/api/v2/openapi.json"),
    ] {
        let answer = explorer.send(Request::new(verb, path));
        let allowed = answer.headers.get("Allow").map(str::to_owned);
        assert!(
            allowed.is_some_and(|allowed| allowed.contains("GET")),
            "{path}"
        );
        problem(answer, 405);
    }
}

#[test]
fn every_operation_of_the_document_is_there_and_asks_for_a_key() {
    let explorer = Explorer::start("");
    let document = explorer.get("/api/v2/openapi.json");
    assert_eq!(text(&document, "openapi"), "3.1.0");
    let paths = at(&document, "paths").as_object().unwrap();
    let mut operations = 0;
    for (path, methods) in paths.iter() {
        let path = path.replace("{session}", "x").replace("{guardrail}", "x");
        for (method, _) in methods.as_object().unwrap().iter() {
            let verb = match &**method {
                "get" => "GET",
                "post" => "POST",
                "patch" => "PATCH",
                "delete" => "DELETE",
                other => panic!("{other}"),
            };
            let answer = explorer.send(Request::new("GET", &path).by(verb));
            assert_eq!(
                answer.headers.get("WWW-Authenticate"),
                Some("Bearer"),
                "{path}"
            );
            problem(answer, 401);
            operations += 1;
        }
    }
    assert_eq!(operations, 13);
    let written = document.to_string();
    let schemas = at(&document, "components.schemas").as_object().unwrap();
    for referred in written.split("\"#/components/schemas/").skip(1) {
        let name = referred.split('"').next().unwrap();
        assert!(schemas.contains(name), "{name}");
    }
}
