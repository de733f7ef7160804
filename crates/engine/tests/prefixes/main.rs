//! Event by event against an evaluator that knows no increments.
//!
//! `model.jsonl` records what an independent evaluator of the language, which goes through every
//! assignment of every trace from the start, finds in each prefix of a trace: a policy with
//! quantifiers and predicates inside each other, a trace, and the findings after each element, or
//! null where the policy fails.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a case that cannot be read is a failure of the test"
)]

use portcullis_engine::{
    Answer, DetectorCall, Detectors, Finding, Limits, Lookup, Monitor, Novelty, Policy, Step,
};
use portcullis_json::{self as json, Object, Value};
use portcullis_trace::wire;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const CASES: &str = include_str!("model.jsonl");

/// No recorded policy asks a detector.
#[derive(Debug)]
struct NoDetectors;

impl Detectors for NoDetectors {
    fn answer(&self, call: &DetectorCall) -> Lookup {
        Lookup::Ready(Ok(Answer {
            value: Value::from(call.detector),
            marks: Vec::new(),
        }))
    }
}

/// What the rule says of which events, apart from the ranges, which may grow.
type Identity = String;

/// The findings of one prefix: their ranges by identity.
type Prefix = BTreeMap<Identity, Vec<BTreeSet<String>>>;

fn prefix(recorded: &Value) -> Option<Prefix> {
    let mut prefix = Prefix::new();
    for finding in recorded.as_array()? {
        let part = |name| finding.get(name).unwrap();
        let ranges = part("ranges").as_array().unwrap().iter();
        let ranges = ranges.map(|range| range.as_str().unwrap().to_owned());
        let key = part("key").as_str().unwrap();
        let identity = identity(key, part("args"), part("kwargs"));
        prefix.entry(identity).or_default().push(ranges.collect());
    }
    Some(prefix)
}

fn identity(key: &str, args: &Value, kwargs: &Value) -> Identity {
    format!("{key} {args} {kwargs}")
}

fn ranges(finding: &Finding) -> BTreeSet<String> {
    finding.ranges.iter().map(ToString::to_string).collect()
}

/// The latest event that a finding's variables hold.
fn latest(finding: &Finding) -> Option<u64> {
    let (_, positions) = finding.key.split_once(", (").unwrap();
    let numbers = positions.split(|letter: char| !letter.is_ascii_digit() && letter != '-');
    numbers.filter_map(|number| number.parse().ok()).max()
}

/// Holds one push against the model; says what is wrong.
fn differences(found: &[Finding], now: &Prefix, before: &Prefix, border: u64) -> String {
    let mut wrong = String::new();
    let count = |prefix: &Prefix, identity: &str| prefix.get(identity).map_or(0, Vec::len);
    let mut reported: BTreeMap<Identity, usize> = BTreeMap::new();
    for finding in found.iter().filter(|finding| finding.is_new()) {
        let (args, kwargs) = (finding.args.clone().into(), finding.kwargs.clone().into());
        let identity = identity(&finding.key, &args, &kwargs);
        *reported.entry(identity.clone()).or_default() += 1;
        let own = ranges(finding);
        let fits = |listed: &BTreeSet<String>| match finding.novelty {
            Novelty::Bound => *listed == own,
            // What makes it new may stand behind what is listed.
            Novelty::Unpositioned { .. } | Novelty::Past | Novelty::Turned => {
                listed.is_subset(&own)
            }
        };
        if !now.get(&identity).is_some_and(|all| all.iter().any(fits)) {
            writeln!(wrong, "not in the model: {identity} {own:?}").unwrap();
        }
        let is_bound = latest(finding).is_some_and(|event| event >= border);
        let is_more = count(now, &identity) > count(before, &identity);
        let points = finding.ranges.iter().any(|range| range.event >= border);
        let is_due = match finding.novelty {
            Novelty::Bound => is_bound || points,
            Novelty::Turned => is_more,
            Novelty::Past | Novelty::Unpositioned { .. } => is_more || (finding.counted && points),
        };
        if !is_due {
            writeln!(wrong, "not new: {identity} {own:?} {:?}", finding.novelty).unwrap();
        }
    }
    for identity in now.keys() {
        let due = count(now, identity).saturating_sub(count(before, identity));
        if reported.get(identity).copied().unwrap_or(0) < due {
            writeln!(wrong, "missed: {identity}").unwrap();
        }
    }
    wrong
}

fn check(case: &Value) -> Option<String> {
    let source = case.get("policy").and_then(Value::as_str).unwrap();
    let loaded = Policy::load(source);
    let Some(policy) = loaded.policy else {
        panic!("{source}\n{:#?}", loaded.diagnostics);
    };
    let trace = case.get("trace").and_then(Value::as_array).unwrap();
    let prefixes = case.get("prefixes").and_then(Value::as_array).unwrap();
    let mut monitor = Monitor::new(policy, Object::new(), Limits::default());
    let mut before = Prefix::new();
    let mut border = 0;
    for (element, recorded) in trace.iter().zip(prefixes) {
        let events = wire::events(element).unwrap();
        let step = monitor.push(&events, &NoDetectors);
        let (found, now) = match (step, prefix(recorded)) {
            (Step::Findings(found), Some(now)) => (found, now),
            // Where the model fails, it may be for a reason that lies in the past.
            (_, None) => return None,
            (step, Some(now)) => return Some(format!("{source}{step:?}, not {now:?}")),
        };
        let wrong = differences(&found, &now, &before, border);
        if !wrong.is_empty() {
            return Some(format!("{source}at event {border}\n{wrong}"));
        }
        monitor.commit();
        before = now;
        border += events.len() as u64;
    }
    None
}

#[test]
fn every_push_reports_what_the_prefix_says_anew() {
    let cases = CASES.lines();
    let cases = cases.map(|line| json::parse(line, &json::Limits::lenient()).unwrap());
    let wrong: Vec<String> = cases.filter_map(|case| check(&case)).collect();
    assert!(wrong.is_empty(), "{}: {}", wrong.len(), wrong.join("\n"));
}
