//! Runs the cases of every shipped guardrail: `policies/<name>/policy.inv` with `cases.json`.
//!
//! A case is a `trace`, or a list `each` whose elements are traces of one event, with the
//! `violations` that each trace leads to; none if it is to pass. Every trace is judged as a whole
//! and event by event, and must come out the same.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says so with a panic, in the functions that its tests share too"
)]

use std::collections::BTreeSet;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

use portcullis_engine::{Finding, Limits, Monitor, Policy, Step};
use portcullis_json::{self as json, Object, Value};
use portcullis_session::LocalDetectors;
use portcullis_trace::wire;

struct Guardrail {
    name: String,
    source: String,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    traces: Vec<Vec<Value>>,
    violations: Vec<Expected>,
}

struct Expected {
    message: String,
    /// What is highlighted, if the case says so.
    ranges: Option<BTreeSet<String>>,
}

type Found = BTreeSet<(String, BTreeSet<String>)>;

// === impl Guardrail ===

impl Guardrail {
    fn read(folder: &Path) -> Self {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let cases = read(&folder.join("cases.json"));
        let cases = json::parse(&cases, &json::Limits::lenient())
            .unwrap_or_else(|error| panic!("{name}/cases.json: {error}"));
        Self {
            source: read(&folder.join("policy.inv")),
            cases: list(&cases).iter().map(Case::read).collect(),
            name,
        }
    }
}

// === impl Case ===

impl Case {
    fn read(case: &Value) -> Self {
        let traces = match (case.get("trace"), case.get("each")) {
            (Some(trace), None) => vec![list(trace).to_vec()],
            (None, Some(each)) => list(each).iter().map(|event| vec![event.clone()]).collect(),
            _ => panic!("a case has either a `trace` or a list `each`: {case}"),
        };
        let violations = list(case.get("violations").expect("a case has `violations`"));
        Self {
            name: text(case.get("name").expect("a case has a `name`")),
            traces,
            violations: violations.iter().map(Expected::read).collect(),
        }
    }

    fn passes(&self) -> bool {
        self.violations.is_empty()
    }

    fn check(&self, guardrail: &str, policy: &Policy) {
        for trace in &self.traces {
            let place = format!("{guardrail}: {}: {}", self.name, Value::from(trace.clone()));
            let whole = judge(policy, std::slice::from_ref(trace), &place);
            let elements: Vec<_> = trace.iter().map(|element| vec![element.clone()]).collect();
            let stepwise = judge(policy, &elements, &place);
            assert_eq!(whole, stepwise, "whole and event by event differ: {place}");
            self.compare(&whole, &place);
        }
    }

    fn compare(&self, found: &Found, place: &str) {
        let messages = |found: &Found| found.iter().map(|(message, _)| message.clone()).collect();
        let have: BTreeSet<String> = messages(found);
        let want: BTreeSet<String> = self
            .violations
            .iter()
            .map(|violation| violation.message.clone())
            .collect();
        assert_eq!(have, want, "{place}");
        for violation in &self.violations {
            let Some(ranges) = &violation.ranges else {
                continue;
            };
            let expected = (violation.message.clone(), ranges.clone());
            assert!(
                found.contains(&expected),
                "no {expected:?} among {found:?}: {place}"
            );
        }
    }
}

// === impl Expected ===

impl Expected {
    fn read(violation: &Value) -> Self {
        Self {
            message: text(
                violation
                    .get("message")
                    .expect("a violation has a `message`"),
            ),
            ranges: violation
                .get("ranges")
                .map(|ranges| list(ranges).iter().map(text).collect()),
        }
    }
}

/// Pushes the parts of a trace one after the other; gives what each push found new.
fn judge(policy: &Policy, parts: &[Vec<Value>], place: &str) -> Found {
    let mut monitor = Monitor::new(policy.clone(), Object::new(), Limits::default());
    let mut found = Found::new();
    for part in parts {
        let events = wire::trace(part).unwrap_or_else(|error| panic!("{error}: {place}"));
        match monitor.push(&events, &LocalDetectors) {
            Step::Findings(new) => {
                found.extend(new.iter().filter(|finding| finding.is_new()).map(summary));
            }
            other => panic!("{other:?}: {place}"),
        }
        monitor.commit();
    }
    found
}

fn summary(finding: &Finding) -> (String, BTreeSet<String>) {
    (
        finding.message(),
        finding.ranges.iter().map(ToString::to_string).collect(),
    )
}

fn load(name: &str, source: &str) -> Policy {
    let loaded = Policy::load(source);
    assert!(
        loaded.diagnostics.is_empty(),
        "{name}: {:?}",
        loaded.diagnostics
    );
    loaded.policy.expect("a policy without diagnostics loads")
}

fn pack() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

/// All guardrails, by name.
fn guardrails() -> Vec<Guardrail> {
    let entries = fs::read_dir(pack())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(!folders.is_empty());
    folders
        .iter()
        .map(|folder| Guardrail::read(folder))
        .collect()
}

/// The names in `policies/starter.txt`, one a line; `#` begins a comment.
fn starter() -> Vec<String> {
    let text = read(&pack().join("starter.txt"));
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn list(value: &Value) -> &[Value] {
    value
        .as_array()
        .unwrap_or_else(|| panic!("not a list: {value}"))
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}

#[test]
fn every_case_comes_out_as_recorded() {
    for guardrail in guardrails() {
        let policy = load(&guardrail.name, &guardrail.source);
        for case in &guardrail.cases {
            case.check(&guardrail.name, &policy);
        }
    }
}

#[test]
fn every_guardrail_has_passing_and_violating_cases() {
    for Guardrail { name, cases, .. } in guardrails() {
        assert!(cases.iter().any(Case::passes), "{name} has no passing case");
        assert!(
            !cases.iter().all(Case::passes),
            "{name} has no violating case"
        );
    }
}

#[test]
fn no_rule_fails_on_a_trace_of_another_guardrail() {
    let all = guardrails();
    for guardrail in &all {
        let policy = load(&guardrail.name, &guardrail.source);
        for case in all.iter().flat_map(|other| &other.cases) {
            for trace in &case.traces {
                judge(
                    &policy,
                    std::slice::from_ref(trace),
                    &format!("{}: {}", guardrail.name, case.name),
                );
            }
        }
    }
}

#[test]
fn the_starter_guardrails_leave_ordinary_sessions_alone() {
    let all = guardrails();
    let starter = starter();
    assert!(!starter.is_empty());
    let chosen: Vec<&Guardrail> = starter
        .iter()
        .map(|name| {
            all.iter()
                .find(|one| one.name == *name)
                .unwrap_or_else(|| panic!("no {name}"))
        })
        .collect();
    for guardrail in &chosen {
        let policy = load(&guardrail.name, &guardrail.source);
        for case in chosen
            .iter()
            .flat_map(|other| &other.cases)
            .filter(|case| case.passes())
        {
            for trace in &case.traces {
                let place = format!("{}: {}", guardrail.name, case.name);
                let found = judge(&policy, std::slice::from_ref(trace), &place);
                assert!(found.is_empty(), "{place}: {found:?}");
            }
        }
    }
}

#[test]
fn long_ordinary_texts_are_judged() {
    const LENGTH: usize = 4_000_000;
    let texts = [
        "The quick brown fox jumps over the lazy dog. ",
        r#"{"id":7,"name":"Ann","tags":["a","b"],"note":"one\ntwo","ok":true},"#,
        "The cafe\u{301} says that you can keep the previous rules if the user agrees. ",
    ]
    .map(|part| part.repeat(LENGTH / part.len()));
    for text in texts.into_iter().chain([made_up_base64(LENGTH)]) {
        let arguments: Value = [("content", text.as_str().into())].into();
        let function: Value = [("name", "write_file".into()), ("arguments", arguments)].into();
        let call: Value = [
            ("id", "1".into()),
            ("type", "function".into()),
            ("function", function),
        ]
        .into();
        let calls: Value = [
            ("role", "assistant".into()),
            ("content", "".into()),
            ("tool_calls", vec![call].into()),
        ]
        .into();
        let output: Value = [("role", "tool".into()), ("content", text.as_str().into())].into();
        for guardrail in guardrails() {
            let policy = load(&guardrail.name, &guardrail.source);
            let place = format!("{}: {text:.20}", guardrail.name);
            for event in [&calls, &output] {
                let found = judge(&policy, &[vec![event.clone()]], &place);
                assert!(found.is_empty(), "{place}: {found:?}");
            }
        }
    }
}

fn made_up_base64(length: usize) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = 1_u64;
    let letter = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(*letters.get(usize::try_from(state >> 58).unwrap()).unwrap())
    };
    iter::repeat_with(letter).take(length).collect()
}
