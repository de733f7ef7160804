//! What must hold for every policy and every trace.
//!
//! `PROPTEST_CASES=10000 cargo test -p portcullis-engine --test properties` tries more of them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a case that cannot be made is a failure of the test"
)]

mod generate;

use generate::Tape;
use portcullis_engine::{
    Answer, DetectorCall, Detectors, FailureKind, Finding, Limits, Lookup, Monitor, Novelty,
    Policy, Step,
};
use portcullis_json::{Object, Value};
use portcullis_trace::{Event, wire};
use proptest::prelude::*;

/// Enough for every small trace, and little enough that nothing takes long.
const LIMITS: Limits = Limits {
    fuel: 2_000_000,
    depth: 200,
    candidates: 10_000,
    findings: 10_000,
};

struct Case {
    source: String,
    policy: Policy,
    /// The events of each element of the trace.
    trace: Vec<Vec<Event>>,
    /// What is left of the tape, for further choices.
    tape: Tape,
}

/// No generated policy asks a detector.
#[derive(Debug)]
struct NoDetectors;

impl Detectors for NoDetectors {
    fn answer(&self, _: &DetectorCall) -> Lookup {
        Lookup::Ready(Ok(Answer {
            value: Value::Null,
            marks: Vec::new(),
        }))
    }
}

impl Case {
    fn new(choices: Vec<u16>) -> Self {
        let mut tape = Tape::new(choices);
        let elements = tape.trace();
        let source = tape.policy();
        let loaded = Policy::load(&source);
        let Some(policy) = loaded.policy else {
            panic!("{source}\n{:#?}", loaded.diagnostics);
        };
        let trace = elements
            .iter()
            .map(|element| wire::events(element).unwrap())
            .collect();
        Self {
            source,
            policy,
            trace,
            tape,
        }
    }

    fn monitor(&self) -> Monitor {
        Monitor::new(self.policy.clone(), Object::new(), LIMITS)
    }

    /// Whether every combination is judged for good when its last event comes: nothing looks
    /// at the trace as a whole.
    fn is_local(&self) -> bool {
        let global = ["count(", "forall:", "followed("];
        let mut rules = self.source.split("raise ").skip(1);
        !rules.any(|rule| global.iter().any(|word| rule.contains(word)))
    }

    /// Whether a finding holds an event from `border` on, or says something that `before` does
    /// not; nothing if its ranges do not tell.
    fn is_new(&self, finding: &Finding, border: u64, before: &[Finding]) -> Option<bool> {
        let event = latest(finding);
        if event.is_some_and(|event| event >= border) {
            return Some(true);
        }
        // The place of a text that is bound is an object of the finding, but so are events counted.
        let mut objects = finding.ranges.iter().filter(|range| range.span.is_none());
        let is_placed = objects.clone().count() > 0;
        if objects.any(|object| object.event >= border) {
            return (!self.source.contains("count(")).then_some(true);
        }
        if event.is_some() {
            return Some(false);
        }
        let same = |old: &Finding| {
            latest(old).is_none()
                && (old.rule, &old.args, &old.kwargs)
                    == (finding.rule, &finding.args, &finding.kwargs)
        };
        if before.iter().any(same) {
            return Some(false);
        }
        (self.is_local() || !is_placed).then_some(true)
    }
}

/// The findings; nothing if the push failed.
fn findings(step: Step) -> Option<Vec<Finding>> {
    match step {
        Step::Findings(found) => Some(found),
        Step::Failed(failure) => {
            let told = failure.span.is_some() || failure.kind == FailureKind::Limit;
            assert!(told, "{failure}");
            None
        }
        Step::Needs(calls) => panic!("nobody asked for {calls:?}"),
    }
}

fn push(monitor: &mut Monitor, events: &[Event]) -> Option<Vec<Finding>> {
    findings(monitor.push(events, &NoDetectors))
}

fn ran_out(step: &Step) -> bool {
    matches!(step, Step::Failed(failure) if failure.kind == FailureKind::Limit)
}

/// What identifies a finding apart from when it was found.
fn said(finding: &Finding) -> String {
    let ranges: Vec<_> = finding.ranges.iter().map(ToString::to_string).collect();
    format!(
        "{} {:?} {:?} {ranges:?}",
        finding.key, finding.args, finding.kwargs
    )
}

/// The latest event that a finding's variables hold.
fn latest(finding: &Finding) -> Option<u64> {
    let numbers = finding
        .key
        .split(|letter: char| !letter.is_ascii_digit() && letter != '-');
    let numbers = numbers
        .filter_map(|number| number.parse::<i64>().ok())
        .skip(1);
    numbers
        .filter_map(|number| u64::try_from(number).ok())
        .max()
}

fn choices() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(0..5_040_u16, 0..250)
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    /// Event by event, the findings are those of the whole trace that the new event is part of.
    #[test]
    fn event_by_event_equals_from_scratch(choices in choices()) {
        let case = Case::new(choices);
        let mut monitor = case.monitor();
        let mut past: Vec<Event> = Vec::new();
        for events in &case.trace {
            let mut whole = past.clone();
            whole.extend_from_slice(events);
            let step = monitor.push(events, &NoDetectors);
            let scratch = case.monitor().push(&whole, &NoDetectors);
            if ran_out(&step) || ran_out(&scratch) {
                break;
            }
            let (Some(found), Some(scratch)) = (findings(step), findings(scratch)) else {
                let now = monitor.push(events, &NoDetectors);
                let scratch = findings(case.monitor().push(&whole, &NoDetectors));
                prop_assert!(scratch.is_none(), "only in steps: {now:?}\n{}", case.source);
                prop_assert!(
                    findings(now).is_none() || !case.is_local(),
                    "only from scratch\n{}", case.source
                );
                break;
            };
            // Before the first event nothing was said, not even what holds without any.
            let before = (!past.is_empty()).then(|| push(&mut case.monitor(), &past));
            let before = before.flatten().unwrap_or_default();
            let (mut certain, mut possible) = (Vec::new(), Vec::new());
            for finding in scratch {
                match case.is_new(&finding, past.len() as u64, &before) {
                    Some(true) => certain.push(said(&finding)),
                    Some(false) => {}
                    None => possible.push(said(&finding)),
                }
            }
            let new = |finding: &Finding| match finding.novelty {
                Novelty::Bound => true,
                Novelty::Unpositioned { seen_before } => !seen_before,
                Novelty::Past | Novelty::Turned => false,
            };
            let found = found.into_iter().filter(new).map(|finding| said(&finding));
            let mut found: Vec<_> = found.collect();
            for expected in certain {
                let place = found.iter().position(|found| *found == expected);
                prop_assert!(place.is_some(), "missed {expected}\n{}", case.source);
                found.remove(place.unwrap());
            }
            found.retain(|found| !possible.contains(found));
            prop_assert!(found.is_empty(), "not new {found:?}\n{}", case.source);
            monitor.commit();
            past = whole;
        }
    }

    /// How the past came in does not matter.
    #[test]
    fn batches_of_the_past_do_not_matter(choices in choices()) {
        let mut case = Case::new(choices);
        let Some((last, past)) = case.trace.clone().split_last().map(|(l, p)| (l.clone(), p.to_vec()))
        else { return Ok(()) };
        let (mut single, mut batched) = (case.monitor(), case.monitor());
        let mut batch: Vec<Event> = Vec::new();
        for events in &past {
            prop_assume!(push(&mut single, events).is_some());
            single.commit();
            batch.extend_from_slice(events);
            if case.tape.below(2) == 0 {
                prop_assume!(push(&mut batched, &batch).is_some());
                batched.commit();
                batch.clear();
            }
        }
        if !batch.is_empty() {
            prop_assume!(push(&mut batched, &batch).is_some());
            batched.commit();
        }
        let found = (single.push(&last, &NoDetectors), batched.push(&last, &NoDetectors));
        prop_assume!(!ran_out(&found.0) && !ran_out(&found.1));
        prop_assert_eq!(findings(found.0), findings(found.1), "{}", case.source);
    }

    /// What was discarded leaves no trace but the indices it used.
    #[test]
    fn a_discarded_push_changes_nothing_later(choices in choices()) {
        let mut case = Case::new(choices);
        let (mut plain, mut disturbed) = (case.monitor(), case.monitor());
        let mut skipped: Vec<u64> = Vec::new();
        let mut next = 0;
        for events in case.trace.clone() {
            if case.tape.below(2) == 0 {
                let index = case.tape.below(case.trace.len());
                let intruder = &case.trace[index];
                let pushed = disturbed.push(intruder, &NoDetectors);
                prop_assume!(!ran_out(&pushed));
                disturbed.discard();
                let used = intruder.len() as u64;
                skipped.extend(next..next + used);
                next += used;
            }
            next += events.len() as u64;
            let found = (plain.push(&events, &NoDetectors), disturbed.push(&events, &NoDetectors));
            if ran_out(&found.0) || ran_out(&found.1) {
                break;
            }
            match (findings(found.0), findings(found.1)) {
                (Some(plain), Some(disturbed)) => {
                    let disturbed: Vec<_> = disturbed
                        .into_iter()
                        .map(|finding| without_gaps(finding, &skipped))
                        .collect();
                    let plain: Vec<_> = plain
                        .into_iter()
                        .map(|finding| without_gaps(finding, &[]))
                        .collect();
                    prop_assert_eq!(plain, disturbed, "{}", case.source);
                }
                (plain, disturbed) => {
                    prop_assert_eq!(plain.is_some(), disturbed.is_some(), "{}", case.source);
                    break;
                }
            }
            plain.commit();
            disturbed.commit();
        }
    }

    /// Two runs say the same, in the same order.
    #[test]
    fn runs_are_repeatable(choices in choices()) {
        let case = Case::new(choices);
        let run = || {
            let policy = Policy::load(&case.source).policy.unwrap();
            let mut monitor = Monitor::new(policy, Object::new(), LIMITS);
            let mut steps = Vec::new();
            for events in &case.trace {
                steps.push(format!("{:?}", monitor.push(events, &NoDetectors)));
                monitor.commit();
            }
            steps
        };
        prop_assert_eq!(run(), run(), "{}", case.source);
    }
}

/// The finding as if the skipped indices had never been used. Dumped events and keys show
/// indices too; they are left out.
fn without_gaps(mut finding: Finding, skipped: &[u64]) -> Finding {
    let moved = finding.ranges.iter().map(|range| {
        let gaps = skipped.iter().filter(|index| **index < range.event).count();
        let mut range = range.clone();
        range.event -= gaps as u64;
        range
    });
    finding.ranges = moved.collect();
    finding.key.clear();
    finding.kwargs = Object::new();
    finding
}
