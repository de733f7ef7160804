//! Policies and traces for tests, in few words.

use crate::{
    Answer, DetectorCall, Detectors, FailureKind, Finding, Limits, Lookup, Monitor, Policy, Step,
};
use portcullis_json::{self as json, Object, Value};
use portcullis_trace::{Event, wire};

/// Detectors that nobody asks.
#[derive(Debug)]
pub(crate) struct Silent;

/// Answers every question with the same value.
#[derive(Debug)]
pub(crate) struct Always(pub(crate) Value);

impl Detectors for Silent {
    fn answer(&self, call: &DetectorCall) -> Lookup {
        Lookup::Ready(Err(format!("`{}` was asked", call.detector)))
    }
}

impl Detectors for Always {
    fn answer(&self, _: &DetectorCall) -> Lookup {
        Lookup::Ready(Ok(Answer {
            value: self.0.clone(),
            marks: Vec::new(),
        }))
    }
}

pub(crate) fn monitor(source: &str) -> Monitor {
    limited(source, Limits::default())
}

pub(crate) fn limited(source: &str, limits: Limits) -> Monitor {
    let loaded = Policy::load(source);
    let Some(policy) = loaded.policy else {
        panic!("{source}\n{:#?}", loaded.diagnostics);
    };
    Monitor::new(policy, Object::new(), limits)
}

/// A trace in short: `user: text`, `call: name {"argument": 1}`, `out: text`, one a line.
pub(crate) fn events(short: &str) -> Vec<Event> {
    let lines = short.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.flat_map(line).collect()
}

fn line(line: &str) -> Vec<Event> {
    let (kind, rest) = line.split_once(": ").unwrap_or((line, ""));
    let text = Value::from(rest).to_string();
    let element = match kind {
        "call" => {
            let (name, arguments) = rest.split_once(' ').unwrap_or((rest, "{}"));
            let function = format!(r#"{{"name": "{name}", "arguments": {arguments}}}"#);
            format!(r#"{{"id": "c", "type": "function", "function": {function}}}"#)
        }
        "out" => format!(r#"{{"role": "tool", "tool_call_id": "c", "content": {text}}}"#),
        "json" => format!(r#"{{"role": "tool", "tool_call_id": "c", "content": {rest}}}"#),
        role => format!(r#"{{"role": "{role}", "content": {text}}}"#),
    };
    let element = json::parse(&element, &json::Limits::lenient()).unwrap();
    wire::events(&element).unwrap()
}

/// What a step came to: the messages of its new findings, or how it ended otherwise.
pub(crate) fn outcome(step: &Step) -> String {
    match step {
        Step::Findings(found) => {
            let new = found.iter().filter(|finding| finding.is_new());
            new.map(Finding::message).collect::<Vec<_>>().join(" ")
        }
        Step::Needs(calls) => {
            let calls = calls
                .iter()
                .map(|call| format!("{}?{}", call.detector, call.text));
            calls.collect::<Vec<_>>().join(" ")
        }
        Step::Failed(failure) => match failure.kind {
            FailureKind::RuntimeError
            | FailureKind::MissingParameter
            | FailureKind::MissingAttribute => "error".to_owned(),
            FailureKind::Limit => "limit".to_owned(),
            FailureKind::Violation => "unsayable".to_owned(),
        },
    }
}

/// Pushes and commits line by line; `expected` has one outcome for each.
pub(crate) fn check_steps(policy: &str, trace: &str, expected: &[&str]) {
    let mut monitor = monitor(policy);
    let mut outcomes = Vec::new();
    for event in events(trace) {
        outcomes.push(outcome(&monitor.push(&[event], &Silent)));
        monitor.commit();
    }
    assert_eq!(outcomes, expected, "{policy}");
}

/// Pushes the whole trace at once.
pub(crate) fn check_whole(policy: &str, trace: &str, expected: &str) {
    let step = monitor(policy).push(&events(trace), &Silent);
    assert_eq!(outcome(&step), expected, "{policy}\n{step:?}");
}
