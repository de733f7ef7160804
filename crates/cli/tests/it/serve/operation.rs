//! What those see who operate the gateway: metrics, health, traces and the log.

use std::collections::BTreeSet;
use std::fs;

use portcullis_json::{Limits, Object, Value, parse};
use portcullis_store::{Location, SessionFilter};
use portcullis_trace::record::{Origin, SessionRecord, SessionSummary, Timestamp};
use rustix::process::Signal;
use tempfile::TempDir;

use super::gateway::{Gateway, PATH, call, eventually, initialize};
use super::http::{Answer, Request};
use super::invariant::POLICY;
use super::revisions::modern_call;
use super::unkind::signal;
use super::upstream::Upstream;
use crate::client::write;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn get(gateway: &Gateway, path: &str) -> Answer {
    Request::new("GET", path).send(gateway.address)
}

fn metrics(gateway: &Gateway) -> String {
    let answer = get(gateway, "/metrics");
    assert_eq!(answer.status, 200);
    let format = answer.headers.get("Content-Type").map(str::to_owned);
    assert_eq!(
        format.as_deref(),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    answer.body()
}

#[track_caller]
fn has(metrics: &str, line: &str) {
    assert!(
        metrics.lines().any(|found| found == line),
        "{line}:\n{metrics}"
    );
}

#[test]
fn what_happens_is_counted() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, POLICY);
    has(
        &metrics(&gateway),
        "portcullis_sessions_open{server=\"\"} 0",
    );
    let session = gateway.open();
    assert!(session.answer(1, "good").contains("plain"));
    assert!(session.answer(2, "bad").contains("no bad"));
    assert_eq!(session.post("{}").status, 400);
    let other = gateway.open();
    assert_eq!(other.delete().status, 200);

    let metrics = metrics(&gateway);
    let counted = |name: &str, labels: &str, value: u32| {
        let line = format!("portcullis_{name}{{server=\"s\",{labels}}} {value}");
        has(&metrics, &line.replace(",}", "}"));
    };
    counted("sessions_open", "", 1);
    counted("sessions_begun_total", "", 2);
    counted("sessions_ended_total", "reason=\"client\"", 1);
    counted("sessions_ended_total", "reason=\"idle\"", 0);
    let call = |direction: &str, verdict: &str| {
        format!("method=\"tools/call\",direction=\"{direction}\",verdict=\"{verdict}\"")
    };
    counted("messages_total", &call("to-server", "allow"), 1);
    counted("messages_total", &call("to-server", "block"), 1);
    counted("messages_total", &call("to-client", "allow"), 1);
    counted("failed_judgements_total", "", 0);
    counted("phase_seconds_count", "phase=\"reading\"", 7);
    counted("phase_seconds_count", "phase=\"waiting\"", 4);
    counted("phase_seconds_bucket", "phase=\"judging\",le=\"+Inf\"", 9);
    has(
        &metrics,
        "portcullis_refused_requests_total{status=\"400\"} 1",
    );
    has(&metrics, "portcullis_recorder_lost_total 0");
    has(&metrics, "portcullis_waiting_messages 0");
}

#[test]
fn the_page_names_every_metric_with_its_labels() {
    const PAGE: &str = include_str!("../../../../../docs/GATEWAY.md");
    let of_row = |row: &str| -> Vec<Vec<String>> {
        let cells = row.trim_matches('|').split(" | ").take(2);
        let names = |cell: &str| {
            cell.split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect()
        };
        cells.map(names).collect()
    };
    let rows = PAGE
        .lines()
        .filter(|line| line.starts_with("| `portcullis_"));
    let mut written = BTreeSet::new();
    for [names, labels] in rows.map(|row| <[_; 2]>::try_from(of_row(row)).unwrap()) {
        let labels: BTreeSet<String> = labels.into_iter().collect();
        written.extend(names.into_iter().map(|name| (name, labels.clone())));
    }

    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    gateway.open();
    assert_eq!(gateway.open().post("{}").status, 400);
    let metrics = metrics(&gateway);
    let types = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let named = types.map(|line| {
        let name = line.split(' ').next().unwrap();
        let samples = metrics.lines().filter(|line| line.starts_with(name));
        let labels = samples.flat_map(|sample| {
            let labels = sample.split(['{', '}']).nth(1).unwrap_or_default();
            labels
                .split(',')
                .filter_map(|label| Some(label.split_once('=')?.0))
        });
        let labels = labels.filter(|label| *label != "le").map(str::to_owned);
        (name.to_owned(), labels.collect::<BTreeSet<_>>())
    });
    assert_eq!(named.collect::<BTreeSet<_>>(), written);
}

#[test]
fn nothing_that_peers_say_becomes_a_label() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let series = |metrics: &str| -> BTreeSet<String> {
        let lines = metrics.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| line.rsplit_once(' ').unwrap().0.to_owned())
            .collect()
    };
    let odd = |number: u32| {
        let odd = format!("odd-{number}");
        let request = format!(r#"{{"jsonrpc":"2.0","id":"{odd}","method":"{odd}/x"}}"#);
        session.post(&request);
        session.call(number, &odd);
        let unknown = format!("/servers/{odd}/mcp");
        Request::post(&unknown, "{}").send(gateway.address);
        get(&gateway, &format!("/{odd}"));
    };
    odd(1);
    let before = metrics(&gateway);
    let before = series(&before);
    for number in 2..30 {
        odd(number);
    }
    let after = metrics(&gateway);
    assert!(!after.contains("odd"), "{after}");
    assert_eq!(series(&after), before);
}

#[test]
fn probes_are_answered_and_say_what_is_wrong() {
    let upstream = Upstream::scripted(|received, reply| {
        // Its session takes its time to end.
        (received.verb != "DELETE").then_some(reply)
    });
    let gateway = Gateway::before(&upstream, "");
    let elsewhere = Request::new("GET", "/health/ready").with("Host", "10.1.2.3:8787");
    for (request, expected) in [
        (Request::new("GET", "/health/live"), r#"{"status":"live"}"#),
        (elsewhere, r#"{"status":"ready"}"#),
    ] {
        let answer = request.send(gateway.address);
        assert_eq!((answer.status, answer.body().as_str()), (200, expected));
    }
    gateway.open();
    signal(&gateway, Signal::TERM);
    let mut last = String::new();
    eventually("it does not say that it ends", || {
        last = get(&gateway, "/health/ready").body();
        last == r#"{"status":"not ready","reasons":["the gateway ends"]}"#
    });
    let begin = Request::post(PATH, &initialize("2025-11-25"));
    assert_eq!(begin.send(gateway.address).status, 503);
    assert_eq!(get(&gateway, "/health/live").status, 200);
}

#[test]
fn without_its_store_the_gateway_is_not_ready() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "store: { url: /dev/null/traces.db }\n");
    let answer = get(&gateway, "/health/ready");
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.body(),
        r#"{"status":"not ready","reasons":["the store cannot be reached"]}"#
    );
    assert_eq!(get(&gateway, "/health/live").status, 200);
}

#[test]
fn a_store_that_comes_later_is_recorded_into() {
    let directory = TempDir::new().unwrap();
    // No directory can be made here until it is gone.
    let place = write(directory.path(), "away", "");
    let upstream = Upstream::plain();
    let store = format!("store: {{ url: \"{}/traces.db\" }}\n", place.display());
    let gateway = Gateway::before(&upstream, &store);
    assert_eq!(get(&gateway, "/health/ready").status, 503);
    fs::remove_file(&place).unwrap();
    eventually("it is not ready", || {
        get(&gateway, "/health/ready").status == 200
    });
    gateway.open();
    let location = Location::Sqlite(place.join("traces.db"));
    eventually("nothing is recorded", || {
        let mut store = location.open_existing().unwrap();
        store.session("0").is_ok()
    });
}

#[test]
fn what_was_lost_is_told_at_the_end() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    fs::remove_file(gateway.database()).unwrap();
    assert!(session.answer(1, "x").contains("result"));
    signal(&gateway, Signal::TERM);
    eventually("nothing is said of it", || {
        let log = gateway.log();
        let told = log.lines().find(|line| line.contains(": records are lost"));
        told.is_some_and(|told| told.contains(" lost="))
    });
    eventually("nothing is shown of it", || {
        gateway.said().contains("warning: traces have gaps: ")
    });
}

#[test]
fn old_sessions_are_forgotten_where_that_is_configured() {
    let long_ago = SessionRecord {
        id: "0199a1b2-c3d4-7e5f-8a6b-000000000001".parse().unwrap(),
        project: None,
        name: None,
        server: "s".to_owned(),
        client: None,
        started_at: Timestamp::from_micros(1),
        metadata: Object::new(),
        origin: Origin::Live,
        index: None,
        hierarchy_path: Vec::new(),
    };
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "store: { retention: { max_age: 2h } }\n");
    gateway.open();
    let mut store = gateway.store();
    store.write(&[long_ago.into()]).unwrap();
    // The next look is a minute away; a gateway that starts looks at once.
    let _beside = gateway.beside();
    eventually("it is kept", || {
        let left = store.sessions(&SessionFilter::newest(9)).unwrap();
        let is_old = |found: &SessionSummary| found.session.started_at == Timestamp::from_micros(1);
        left.len() == 1 && !left.iter().any(is_old)
    });
}

#[test]
fn metrics_are_for_those_who_may_ask() {
    let upstream = Upstream::plain();
    for login in ["clients: { login: keys }\n", "api: { login: keys }\n"] {
        let gateway = Gateway::before(&upstream, login);
        let answer = get(&gateway, "/metrics");
        assert_eq!(answer.status, 401, "{login}");
        assert!(answer.headers.get("WWW-Authenticate").is_some());
        // Probes are for all.
        for path in ["/health/live", "/health/ready"] {
            assert_eq!(get(&gateway, path).status, 200, "{login}{path}");
        }
    }
    let gateway = Gateway::before(&upstream, "");
    let from_a_page = Request::new("GET", "/metrics").with("Host", "evil.example");
    assert_eq!(from_a_page.send(gateway.address).status, 403);
}

#[test]
fn a_request_that_goes_round_is_refused() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open_with("2025-11-25", &Request::new("GET", PATH));
    let via = |via: &str, tool: &str| {
        let request = session.base.saying(&call(1, tool)).with("Via", via);
        assert_eq!(request.send(gateway.address).status, 200);
        let received = upstream.wait_for(|received| received.tool() == Some(tool));
        received.headers.get("via").map(str::to_owned)
    };
    let own = "1.1 portcullis";
    assert_eq!(via("1.1 other", "first").as_deref(), Some(own));
    let before = format!("1.1 other, {own}");
    assert_eq!(via(&before, "second"), Some(format!("{own}, {own}")));
    let round = session.base.saying(&call(2, "round"));
    let round = round.with("Via", &[own].repeat(9).join(", "));
    let refused = round.send(gateway.address);
    assert_eq!(refused.status, 508);
    assert!(refused.body().contains("leads back"));
}

#[test]
fn a_trace_goes_on_at_the_server_and_can_be_found_again() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, POLICY);
    let parent = |request: Request, parent: &str| {
        request
            .with("traceparent", parent)
            .with("tracestate", "a=1,b=2")
    };
    let base = parent(Request::new("GET", PATH), PARENT);
    let session = gateway.open_with("2025-11-25", &base);
    let said = |request: Request, tool: &str| {
        request.send(gateway.address).body();
        let received = upstream.wait_for(|received| received.tool() == Some(tool));
        let header = |name: &str| received.headers.get(name).map(str::to_owned);
        (header("traceparent"), header("tracestate"))
    };
    let own = session.base.saying(&call(1, "own"));
    let expected = (Some(PARENT.to_owned()), Some("a=1,b=2".to_owned()));
    assert_eq!(said(own, "own"), expected);
    let modern = parent(modern_call(2, "modern"), PARENT);
    assert_eq!(said(modern, "modern"), expected);
    let plain = session.base.clone().without("traceparent");
    let wrong = plain.saying(&call(3, "wrong")).with("traceparent", "00-x");
    assert_eq!(said(wrong, "wrong"), (None, None));

    session.call(4, "bad").body();
    assert_eq!(session.delete().status, 200);
    let delete = upstream.wait_for(|received| received.verb == "DELETE");
    assert_eq!(delete.headers.get("traceparent"), None);
    let log = gateway.log();
    for what in ["session begins", "rule satisfied", "judged"] {
        let line = log.lines().find(|line| line.contains(what)).unwrap();
        assert!(line.contains(&format!("trace={TRACE}")), "{line}");
    }
}

#[test]
fn a_trace_that_only_the_message_names_is_found_again() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, POLICY);
    let session = gateway.open();
    let message = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"bad","_meta":{{"traceparent":"{PARENT}"}}}}}}"#
    );
    session.post(&message).body();
    let named = message.replace("bad", "good");
    session.post(&named).body();
    let received = upstream.wait_for(|received| received.tool() == Some("good"));
    assert_eq!(received.body, named);
    let log = gateway.log();
    assert!(log.contains(&format!("trace={TRACE}")), "{log}");
}

#[test]
fn every_refusal_and_every_end_is_one_line_with_its_reason() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "log: { format: json }\n");
    let forged = "\n{\\\"message\\\":\\\"forged\\\"}";
    let session = gateway.open();
    session.post(&call(1, &format!("x{}", forged.replace('\n', "\\n"))));
    session.post(r#"{"jsonrpc":"2.0","id":2,"method":"forged\nforged"}"#);
    let evil = session.base.clone().with("Origin", "http://evil.example");
    assert_eq!(evil.send(gateway.address).status, 403);
    let secret = Request::new("GET", "/servers/forged%0Aforged/sse?session_id=s3cret");
    let secret = secret.with("Authorization", "Bearer s3cret");
    assert_eq!(secret.send(gateway.address).status, 404);
    assert_eq!(session.delete().status, 200);

    let log = gateway.log();
    assert!(!log.contains("s3cret"), "{log}");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| {
            parse(line, &Limits::strict()).unwrap_or_else(|error| panic!("{error}: {line}"))
        })
        .collect();
    let text = |line: &Value, name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
    let of = |message: &str| {
        let wanted = lines.iter();
        let wanted = wanted.filter(|line| text(line, "message").as_deref() == Some(message));
        wanted.collect::<Vec<_>>()
    };
    assert!(of("forged").is_empty());
    let [ended] = &of("session ends")[..] else {
        panic!("{log}");
    };
    assert_eq!(text(ended, "reason").as_deref(), Some("client"));
    assert_eq!(
        text(ended, "session"),
        text(of("session begins")[0], "session")
    );
    let refused = of("request refused");
    let refused: Vec<_> = refused
        .into_iter()
        .map(|line| {
            (
                line.get("status").unwrap().to_string(),
                text(line, "reason").unwrap(),
            )
        })
        .collect();
    let expected = [
        (
            "400",
            "`params.name` must be a string without control characters",
        ),
        (
            "400",
            "`method` must be a string without control characters",
        ),
        ("403", "this origin is not allowed, see `allowed_origins`"),
        ("404", "no server is configured as `forgedforged`"),
    ];
    assert_eq!(
        refused,
        expected.map(|(status, reason)| (status.to_owned(), reason.to_owned()))
    );
}

#[test]
fn the_log_has_what_its_level_says() {
    let upstream = Upstream::plain();
    let lines = |level: &str| {
        let level = format!("{POLICY}log: {{ level: {level} }}\n");
        let gateway = Gateway::before(&upstream, &level);
        let session = gateway.open();
        assert!(session.answer(1, "good").contains("plain"));
        assert!(session.answer(2, "bad").contains("no bad"));
        let log = gateway.log();
        ["passed", "session begins", "judged"].map(|what| log.contains(&format!(": {what}")))
    };
    assert_eq!(lines("debug"), [true, true, true]);
    assert_eq!(lines("info"), [false, true, true]);
    assert_eq!(lines("warn"), [false, false, false]);
}

#[test]
fn what_only_a_restart_puts_in_force_is_named() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    gateway.configure("log: { level: debug }\nstore: { url: other.db }\n");
    let is_told = |key: &str| {
        let told = format!("a change of `{key}` is in force after a restart");
        gateway.log().contains(&told)
    };
    eventually("it is not said", || is_told("log") && is_told("store.url"));
    for key in ["listen", "data_directory", "durability"] {
        assert!(!is_told(key), "{key}");
    }
    assert!(gateway.open().answer(1, "x").contains("plain"));
    assert!(!gateway.log().contains(": passed"), "{}", gateway.log());
}

#[test]
fn what_a_guardrail_fails_to_judge_is_counted() {
    const FAILING: &str = "guardrails:
- name: fails
  policy: |
    raise \"x\" if:
        (c: ToolCall)
        c is tool:any
        c.function.arguments.missing == 1
";
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, FAILING);
    let session = gateway.open();
    assert!(session.answer(1, "any").contains(r#""isError":true"#));
    let metrics = metrics(&gateway);
    has(
        &metrics,
        "portcullis_failed_judgements_total{server=\"s\"} 1",
    );
}

#[test]
fn what_a_client_says_of_proxies_before_it_changes_nothing() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let spoofed = [
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", "for=10.0.0.1;host=evil.example"),
        ("X-Original-URL", "/api/v1/gateway/health"),
    ];
    let with = |request: Request| {
        let headers = spoofed.iter();
        headers.fold(request, |request, (name, value)| request.with(name, value))
    };
    let session = gateway.open_with("2025-11-25", &with(Request::new("GET", PATH)));
    assert!(session.answer(1, "x").contains("plain"));
    for received in upstream.received() {
        for (name, _) in spoofed {
            assert_eq!(received.headers.get(name), None);
        }
    }
    let excused = with(
        session
            .base
            .saying(&call(2, "x"))
            .with("Host", "evil.example"),
    );
    assert_eq!(excused.send(gateway.address).status, 403);
}

#[test]
fn too_many_and_too_long_headers_are_refused() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    let fine = session.base.saying(&call(1, "x"));
    let many = (0..300).fold(fine.clone(), |request, number| {
        request.with(&format!("Mcp-Param-{number}"), "x")
    });
    assert_eq!(many.send(gateway.address).status, 431);
    let of_kib = |kib: usize| fine.clone().with("Mcp-Param-0", &"x".repeat(kib << 10));
    assert_eq!(of_kib(64).send(gateway.address).status, 431);
    assert_eq!(of_kib(31).send(gateway.address).status, 200);
    assert_eq!(fine.send(gateway.address).status, 200);
}
