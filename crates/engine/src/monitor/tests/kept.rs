//! What a monitor keeps of the past, and what becomes of it when that is too much.

use crate::testing::{Silent, check_steps, events, limited, monitor, outcome};
use crate::{Limits, Monitor, Step};
use portcullis_trace::Event;

const SECRETS: &str = "\
from invariant import count
raise \"no\" if:
    count(min=2):
        (o: ToolOutput)
        \"secret\" in o.content
";

/// Limits that leave room for so many things.
fn room(candidates: usize) -> Limits {
    Limits {
        candidates,
        ..Limits::default()
    }
}

fn push(monitor: &mut Monitor, trace: &str) -> Step {
    monitor.push(&events(trace), &Silent)
}

fn push_all(monitor: &mut Monitor, events: &[Event]) {
    let step = monitor.push(events, &Silent);
    assert!(matches!(step, Step::Findings(_)), "{step:?}");
    monitor.commit();
}

#[track_caller]
fn check_overflow(policy: &str, event: &str, kept_each: usize) {
    let mut monitor = limited(policy, room(10 * kept_each));
    for _ in 0..10 {
        let step = push(&mut monitor, event);
        assert!(
            !["limit", "error"].contains(&outcome(&step).as_str()),
            "{step:?}"
        );
        monitor.commit();
    }
    // Too much is refused, and what is refused was not kept.
    for _ in 0..2 {
        assert_eq!(outcome(&push(&mut monitor, event)), "limit");
        monitor.discard();
        assert_eq!(monitor.kept(), 10 * kept_each);
    }
    // What is accepted all the same cannot be judged any more, and takes no memory.
    push(&mut monitor, event);
    monitor.commit();
    assert_eq!(outcome(&push(&mut monitor, "user: x")), "limit");
    monitor.commit();
    assert_eq!(monitor.kept(), 0);
}

#[test]
fn marks_of_a_count_are_kept_within_the_limit() {
    // One output has one mark, and takes one of the two places for objects.
    let mut monitor = limited(SECRETS, room(12));
    for _ in 0..10 {
        push(&mut monitor, "out: secret");
        monitor.commit();
    }
    assert_eq!(monitor.kept(), 12);
    assert_eq!(outcome(&push(&mut monitor, "out: secret")), "limit");
    monitor.discard();
    assert_eq!(outcome(&push(&mut monitor, "out: plain")), "");
    monitor.commit();
    push(&mut monitor, "out: secret");
    monitor.commit();
    assert_eq!(outcome(&push(&mut monitor, "user: x")), "limit");
    assert_eq!(monitor.kept(), 0);
}

#[test]
fn objects_of_a_count_without_bounds_are_kept_within_the_limit() {
    let policy = "from invariant import count\nraise \"no\" if:\n    count:\n        (o: ToolOutput)\n        o.content == \"x\"\n";
    check_overflow(policy, "out: x", 1);
}

#[test]
fn models_of_a_forall_are_not_kept() {
    let policy = "from invariant import forall\nraise \"no\" if:\n    not forall:\n        (m: Message)\n        m.role == \"user\"\n";
    let mut monitor = limited(policy, room(2));
    for _ in 0..10 {
        assert_eq!(outcome(&push(&mut monitor, "user: x")), "");
        monitor.commit();
    }
    assert_eq!(outcome(&push(&mut monitor, "system: x")), "no");
}

#[test]
fn calls_that_outputs_may_answer_are_kept_within_the_limit() {
    let policy = "raise \"no\" if:\n    (o: ToolOutput)\n    o is tool:send\n";
    let mut monitor = limited(policy, room(3));
    let call = |id: usize| {
        let call = format!(
            r#"{{"id": "{id}", "type": "function", "function": {{"name": "send", "arguments": {{}}}}}}"#
        );
        let call = portcullis_json::parse(&call, &portcullis_json::Limits::lenient()).unwrap();
        portcullis_trace::wire::events(&call).unwrap()
    };
    for id in 0..3 {
        assert_eq!(outcome(&monitor.push(&call(id), &Silent)), "");
        monitor.commit();
    }
    assert_eq!(outcome(&monitor.push(&call(3), &Silent)), "limit");
    monitor.discard();
    assert_eq!(outcome(&monitor.push(&call(2), &Silent)), "");
}

#[test]
fn calls_that_no_output_is_judged_by_are_not_kept() {
    let check = |lines: &str, kept: usize| {
        let policy = format!("raise \"no\" if:\n    {}\n", lines.replace("; ", "\n    "));
        let mut monitor = monitor(&policy);
        let call =
            r#"{"id": "ID", "type": "function", "function": {"name": "NAME", "arguments": {}}}"#;
        for (id, name) in [("1", "send"), ("2", "read"), ("3", "read")] {
            let call = call.replace("ID", id).replace("NAME", name);
            let call = portcullis_json::parse(&call, &portcullis_json::Limits::lenient()).unwrap();
            push_all(
                &mut monitor,
                &portcullis_trace::wire::events(&call).unwrap(),
            );
        }
        assert_eq!(monitor.kept(), kept, "{policy}");
    };
    check("(c: ToolCall); c is tool:read", 0);
    check("(c: ToolCall); c is not tool:read({path: \"x\"})", 0);
    check("(o: ToolOutput); o is tool:send", 1);
    check(
        "(o: ToolOutput); (c: ToolCall); o is tool:read; c is tool:send",
        3,
    );
    check("(o: ToolOutput); x := o; x is tool:read", 2);
    check("(o: ToolOutput); tool_call(o).function.name == \"x\"", 3);
}

#[test]
fn a_call_takes_the_id_of_one_that_is_kept() {
    check_steps(
        "raise \"no\" if:\n    (o: ToolOutput)\n    o is tool:send\n",
        "call: send\nout: x\ncall: read\nout: x\ncall: send\nout: x",
        &["", "no", "", "", "", "no"],
    );
}

#[test]
fn a_call_that_is_discarded_gives_the_id_back() {
    let mut monitor = monitor("raise \"no\" if:\n    (o: ToolOutput)\n    o is tool:send\n");
    push_all(&mut monitor, &events("call: send"));
    push(&mut monitor, "call: read");
    monitor.discard();
    assert_eq!(outcome(&push(&mut monitor, "out: x")), "no");
}

#[test]
fn candidates_for_joins_are_kept_within_the_limit() {
    let policy =
        "raise \"no\" if:\n    (a: ToolOutput) -> (b: ToolOutput)\n    a.content == \"y\"\n";
    let pairs =
        "raise \"no\" if:\n    (a: ToolOutput) -> (b: ToolCall)\n    b.function.name == \"y\"\n";
    check_overflow(pairs, "out: x", 1);
    // One that can only come second is kept as well: another may follow it.
    check_overflow(policy, "out: x", 1);
}

#[test]
fn a_finding_shares_what_a_count_keeps() {
    let mut monitor = monitor(SECRETS);
    let mut found = Vec::new();
    for _ in 0..50 {
        match push(&mut monitor, "out: a secret") {
            Step::Findings(step) => found.push(step),
            step => panic!("{step:?}"),
        }
        monitor.commit();
    }
    for (before, found) in found.iter().enumerate().skip(1) {
        let [finding] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert!(finding.is_new());
        let ranges: Vec<String> = finding.ranges.iter().map(ToString::to_string).collect();
        let mut expected: Vec<String> = (0..=before)
            .flat_map(|event| {
                let listed = event < 2 || (event == before);
                let object = listed.then(|| format!("messages.{event}"));
                object
                    .into_iter()
                    .chain([format!("messages.{event}.content:2-8")])
            })
            .collect();
        if before == 1 {
            expected.dedup();
        }
        assert_eq!(ranges, expected);
    }
}

#[test]
fn a_regular_expression_that_backtracks_pays_for_its_steps() {
    // Look-ahead keeps it from the linear engine.
    let policy = "raise \"no\" if:\n    (m: Message)\n    match(\"(?=a)(a|b)*c\", m.content)\n";
    let fuel = |fuel| Limits {
        fuel,
        ..Limits::default()
    };
    let message = format!("user: {}", "a".repeat(2_000));
    let check = |limits, expected| {
        assert_eq!(
            outcome(&push(&mut limited(policy, limits), &message)),
            expected
        );
    };
    check(fuel(50_000), "");
    check(fuel(500), "limit");
    // With all fuel there is, a single search has its own bound.
    let catastrophe = "raise \"no\" if:\n    (m: Message)\n    match(\"(?=a)(a*)*c\", m.content)\n";
    let step = push(
        &mut limited(catastrophe, Limits::default()),
        "user: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    );
    assert_eq!(outcome(&step), "error");
}
