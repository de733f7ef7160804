//! How findings depend on what was pushed, committed and discarded.

mod kept;

use crate::testing::{Always, Silent, check_steps, check_whole, events, limited, monitor, outcome};
use crate::{
    Answer, Answers, DetectorCall, Detectors, Failure, FailureKind, Limits, Lookup, Monitor,
    Novelty, Step,
};
use portcullis_json::{Object, Value};

/// Puts every question off.
#[derive(Debug)]
struct Later;

impl Detectors for Later {
    fn answer(&self, _: &DetectorCall) -> Lookup {
        Lookup::Later
    }
}

const THIRD_CALL: &str = "\
from invariant import count
raise \"no\" if:
    count(min=3):
        (c: ToolCall)
        c is tool:send
";

const CALLS_AFTER_MESSAGE: &str = "\
from invariant import count
raise \"no\" if:
    (m: Message)
    m.role == \"user\"
    count(min=3):
        m -> (c: ToolCall)
        c is tool:send
";

const SECRET_THEN_SEND: &str = "\
raise \"no\" if:
    (o: ToolOutput) -> (c: ToolCall)
    \"secret\" in o.content
    c is tool:send
";

fn ranges(step: &Step) -> Vec<String> {
    let Step::Findings(found) = step else {
        panic!("{step:?}");
    };
    let ranges = found.iter().flat_map(|finding| &finding.ranges);
    ranges.map(ToString::to_string).collect()
}

#[test]
fn a_count_stops_the_call_that_reaches_it_and_every_later_one() {
    let trace =
        "user: x\ncall: send\ncall: send\ncall: send\nuser: y\ncall: send\ncall: read\ncall: send";
    let expected = ["", "", "", "no", "", "no", "", "no"];
    check_steps(THIRD_CALL, trace, &expected);
    check_steps(CALLS_AFTER_MESSAGE, trace, &expected);
    check_steps(
        &THIRD_CALL.replace("count(min=3)", "not count(max=2)"),
        trace,
        &expected,
    );
}

#[test]
fn a_count_inside_stops_later_calls_as_one_outside_does() {
    let trace = "user: x\ncall: send\ncall: send\nout: y\ncall: send\ncall: read\ncall: send";
    let check = |body: &str, expected: &[&str]| {
        let policy = format!("from invariant import count, forall\n{body}");
        check_steps(&policy, trace, expected);
    };
    let third = ["", "", "", "", "no", "", "no"];
    check(
        "often(m: Message) :=\n    count(min=3):\n        m -> (c: ToolCall)\n        c is tool:send\nraise \"no\" if:\n    (m: Message)\n    often(m)\n",
        &third,
    );
    check(
        "raise \"no\" if:\n    forall:\n        (m: Message)\n        count(min=3):\n            m -> (c: ToolCall)\n            c is tool:send\n",
        // Without a message there is nothing to count for.
        &["", "", "", "", "no", "", "no"],
    );
    check(
        "raise \"no\" if:\n    count(min=1):\n        (m: Message)\n        count(min=3):\n            m -> (c: ToolCall)\n            c is tool:send\n",
        &third,
    );
    check(
        "raise \"no\" if:\n    (m: Message)\n    not forall:\n        m -> (o: ToolOutput)\n        count(max=2):\n            m -> (c: ToolCall)\n            c is tool:send\n",
        &third,
    );
    check(
        "few(m: Message) :=\n    count(max=2):\n        m -> (c: ToolCall)\n        c is tool:send\nraise \"no\" if:\n    (m: Message)\n    not few(m)\n",
        &third,
    );
}

#[test]
fn a_new_event_completes_what_old_events_say() {
    let check = |body: &str, trace: &str, expected: &[&str]| {
        let policy = format!("from invariant import count, forall\n{body}");
        check_steps(&policy, trace, expected);
    };
    let sent = "sent(o: ToolOutput) :=\n    o -> (c: ToolCall)\n    c is tool:send\n";
    check(
        &format!(
            "{sent}raise \"no\" if:\n    (o: ToolOutput)\n    \"secret\" in o.content\n    sent(o)\n"
        ),
        "out: secret\ncall: read\ncall: send\nuser: x\ncall: send",
        &["", "", "no", "", "no"],
    );
    let safe = "raise \"no\" if:\n    (m: Message)\n    not forall:\n        m -> (c: ToolCall)\n        c is tool:read\n";
    check(
        safe,
        "user: x\ncall: read\ncall: send\ncall: read\ncall: send",
        &["", "", "no", "", "no"],
    );
    let closed = "raise \"no\" if:\n    (m: Message)\n    not forall:\n        (c: ToolCall)\n        c is tool:read\n";
    check(
        closed,
        "user: x\ncall: read\ncall: send\ncall: read\ncall: send",
        &["", "", "no", "", "no"],
    );
    // The call before the last is followed by one, and so it satisfies the rule no more; the one
    // that was never followed by a message does once a message comes.
    let last = "raise \"no\" if:\n    (c: ToolCall)\n    c is tool:send\n    not count(min=2):\n        c -> (d: ToolCall)\n    count(min=1):\n        c -> (m: Message)\n";
    check(
        last,
        "call: send\nuser: x\ncall: read\ncall: read\nuser: y",
        &["", "no", "", "", ""],
    );
    // What holds all the time is said once.
    let always = "raise \"no\" if:\n    (c: ToolCall)\n    c is tool:send\n    forall:\n        (m: Message)\n        m.role == \"user\"\n";
    check(
        always,
        "user: x\ncall: send\nuser: y\ncall: read",
        &["", "no", "", ""],
    );
}

#[test]
fn a_finding_that_counts_a_new_event_points_at_it() {
    for policy in [THIRD_CALL, CALLS_AFTER_MESSAGE] {
        let mut monitor = monitor(policy);
        assert_eq!(
            outcome(&monitor.push(
                &events("user: x\ncall: send\ncall: send\ncall: send"),
                &Silent
            )),
            "no"
        );
        monitor.commit();
        let step = monitor.push(&events("call: send"), &Silent);
        assert!(ranges(&step).contains(&"messages.4".to_owned()), "{step:?}");
    }
}

#[test]
fn a_counted_pair_is_new_whichever_of_its_events_came_last() {
    let policy = "\
from invariant import count
raise \"no\" if:
    (m: Message)
    count(min=1):
        (a: ToolCall)
        (b: ToolOutput)
        a.function.arguments.get(\"k\", \"\") == b.content
        m -> a
";
    let trace =
        "user: x\nout: 1\nout: 2\ncall: read {\"k\": \"2\"}\ncall: read {\"k\": \"1\"}\ncall: read";
    check_steps(policy, trace, &["", "", "", "no", "no", ""]);
}

#[test]
fn a_finding_without_a_place_is_new_once() {
    let policy = "from invariant import count\nraise \"no\" if:\n    count(min=1):\n        (c: ToolCall)\n        c.id == \"c\"\n";
    // `count` sees each further call; messages change nothing.
    check_steps(
        policy,
        "user: x\ncall: a\nuser: y\nuser: z",
        &["", "no", "", ""],
    );
    let numbers = "raise Violation(\"no\", n=n) if:\n    (n: int)\n    n > 5\n";
    let trace = "json: {\"k\": 7}\nuser: x\njson: {\"k\": 7}\njson: {\"k\": 8}";
    check_steps(numbers, trace, &["no", "", "", "no"]);
    let mixed = "raise \"no\" if:\n    (s: str)\n    s == \"user\"\n    (n: int)\n    n > 5\n";
    let trace = "json: {\"k\": 7}\nuser: x\njson: {\"k\": 8}\nuser: y\nsystem: z";
    check_steps(mixed, trace, &["", "no", "", "no no", ""]);
    let texts = "\
from invariant import count
raise \"no\" if:
    (s: str)
    count(min=2):
        (c: ToolCall)
        c.function.name == s
";
    // What is said of a text from before is new because of the call that was counted.
    check_steps(texts, "user: send\ncall: send\ncall: send", &["", "", "no"]);
}

#[test]
fn a_text_of_a_new_event_makes_a_finding_new() {
    let policy = "raise \"no\" if:\n    (m: Message)\n    (s: str)\n    s == \"evil\"\n    m.role == \"system\"\n";
    check_steps(
        policy,
        "system: x\nuser: fine\nuser: evil\nuser: fine",
        &["", "", "no", ""],
    );
}

#[test]
fn what_was_discarded_did_not_happen() {
    let cases = [
        (
            THIRD_CALL,
            "call: send\ncall: send",
            "call: send\ncall: send",
            "call: send",
        ),
        (
            CALLS_AFTER_MESSAGE,
            "user: x\ncall: send",
            "call: send\nuser: y",
            "call: send",
        ),
        (SECRET_THEN_SEND, "user: x", "out: secret", "call: send"),
        (
            "from invariant import forall\nraise \"no\" if:\n    not forall:\n        (m: Message)\n        m.role == \"user\"\n",
            "user: x",
            "system: y",
            "user: z",
        ),
        (
            // An output belongs to the call that happened.
            "raise \"no\" if:\n    (o: ToolOutput)\n    o is tool:send\n",
            "call: read",
            "call: send",
            "out: x",
        ),
        (
            "raise Violation(\"no\", s=s) if:\n    (s: str) in input.words\n    (m: Message)\n    s in m.content\n",
            "user: x",
            "user: y",
            "user: z",
        ),
    ];
    for (policy, past, refused, next) in cases {
        let mut plain = monitor(policy);
        let mut disturbed = monitor(policy);
        for monitor in [&mut plain, &mut disturbed] {
            monitor.push(&events(past), &Silent);
            monitor.commit();
        }
        disturbed.push(&events(refused), &Silent);
        disturbed.discard();
        let found = (
            plain.push(&events(next), &Silent),
            disturbed.push(&events(next), &Silent),
        );
        assert_eq!(outcome(&found.0), outcome(&found.1), "{policy}");
    }
}

#[test]
fn discarded_events_keep_their_indices() {
    let mut monitor = monitor("raise \"no\" if:\n    (m: Message)\n    \"bad\" in m.content\n");
    monitor.push(&events("user: bad"), &Silent);
    monitor.discard();
    let step = monitor.push(&events("user: bad"), &Silent);
    assert_eq!(ranges(&step), ["messages.1", "messages.1.content:0-3"]);
    // A push replaces what was staged and not settled.
    let step = monitor.push(&events("user: bad"), &Silent);
    assert_eq!(ranges(&step), ["messages.2", "messages.2.content:0-3"]);
}

#[test]
fn what_is_taken_back_leaves_no_index_used() {
    let mut monitor = monitor("raise \"no\" if:\n    (m: Message)\n    \"bad\" in m.content\n");
    for _ in 0..2 {
        let step = monitor.push(&events("user: bad"), &Silent);
        assert_eq!(ranges(&step), ["messages.0", "messages.0.content:0-3"]);
        monitor.retract();
    }
    monitor.push(&events("user: bad"), &Silent);
    monitor.discard();
    let step = monitor.push(&events("user: bad"), &Silent);
    assert_eq!(ranges(&step), ["messages.1", "messages.1.content:0-3"]);
}

#[test]
fn an_answer_is_remembered_and_a_failure_is_not() {
    let policy = "from invariant.detectors import moderated\nraise \"no\" if:\n    (m: Message)\n    moderated(m)\n";
    let mut monitor = monitor(policy);
    let line = events("user: a");
    for (answer, then) in [
        (Err("away".to_owned()), "moderated?a"),
        (Ok(answer(true)), "no"),
    ] {
        let step = monitor.push(&line, &Later);
        assert_eq!(outcome(&step), "moderated?a");
        let Step::Needs(calls) = step else {
            panic!("{step:?}");
        };
        let mut answers = Answers::default();
        answers.add(calls.into_iter().map(|call| (call, answer.clone())));
        let step = monitor.push(&line, &answers.beside(&Later));
        assert_eq!(matches!(step, Step::Failed(_)), answer.is_err(), "{step:?}");
        monitor.discard();
        let again = monitor.push(&line, &Later);
        monitor.retract();
        assert!(outcome(&again).starts_with(then), "{again:?}");
    }
}

fn answer(value: bool) -> Answer {
    Answer {
        value: Value::Bool(value),
        marks: Vec::new(),
    }
}

#[test]
fn answers_that_come_later_give_the_same_findings() {
    let policy = "\
from invariant.detectors import moderated
raise \"no\" if:
    (m: Message)
    moderated(m)
    (c: ToolCall) -> m
";
    let yes = Always(Value::Bool(true));
    let (mut at_once, mut resumed) = (monitor(policy), monitor(policy));
    for line in ["call: send", "user: a", "user: b"] {
        if let Some(text) = line.strip_prefix("user: ") {
            let step = resumed.push(&events(line), &Later);
            assert_eq!(outcome(&step), format!("moderated?{text}"));
        }
        let (now, then) = (
            at_once.push(&events(line), &yes),
            resumed.push(&events(line), &yes),
        );
        assert_eq!(format!("{now:?}"), format!("{then:?}"));
        at_once.commit();
        resumed.commit();
    }
}

#[test]
fn all_questions_are_asked_at_once() {
    let policy = "\
from invariant.detectors import moderated
raise \"no\" if:
    (m: Message)
    moderated(m)
raise \"no\" if:
    (c: ToolCall)
    moderated(c.function.name)
";
    let step = monitor(policy).push(&events("user: a\nuser: b\ncall: send"), &Later);
    assert_eq!(outcome(&step), "moderated?a moderated?b moderated?send");
}

#[test]
fn a_detector_that_fails_is_an_error() {
    let policy = "from invariant.detectors import moderated\nraise \"no\" if:\n    (m: Message)\n    moderated(m)\n";
    check_whole(policy, "user: a", "error");
    let step = monitor(policy).push(&events("user: a"), &Always(Value::from("yes")));
    assert_eq!(outcome(&step), "error");
}

#[test]
fn each_limit_ends_a_push() {
    let pairs = "raise \"no\" if:\n    (a: Message) -> (b: Message)\n";
    let generous = Limits::default();
    let many = "user: x\n".repeat(20);
    let cases = [
        (
            Limits {
                fuel: 100,
                ..generous
            },
            "fuel",
        ),
        (
            Limits {
                depth: 1,
                ..generous
            },
            "depth",
        ),
        (
            Limits {
                candidates: 30,
                ..generous
            },
            "candidates",
        ),
        (
            Limits {
                findings: 100,
                ..generous
            },
            "findings",
        ),
    ];
    for (limits, name) in cases {
        let step = limited(pairs, limits).push(&events(&many), &Silent);
        assert_eq!(outcome(&step), "limit", "{name}");
    }
    assert_eq!(
        outcome(&limited(pairs, generous).push(&events("user: x\nuser: y"), &Silent)),
        "no"
    );
}

#[test]
fn candidates_that_no_later_event_can_join_do_not_count() {
    let limits = Limits {
        candidates: 3,
        ..Limits::default()
    };
    let single = "raise \"no\" if:\n    (m: Message)\n    \"bad\" in m.content\n";
    let mut monitor = limited(single, limits);
    for _ in 0..10 {
        assert_eq!(
            outcome(&monitor.push(&events("user: x\nuser: y"), &Silent)),
            ""
        );
        monitor.commit();
    }
}

#[test]
fn a_push_that_ran_out_and_is_committed_is_not_forgotten() {
    // Each event alone stays within the limit, the long one does not.
    let limits = Limits {
        fuel: 400,
        ..Limits::default()
    };
    let long = format!("out: secret {}", "x".repeat(100_000));
    let mut joined = limited(SECRET_THEN_SEND, limits);
    assert_eq!(outcome(&joined.push(&events(&long), &Silent)), "limit");
    joined.commit();
    // The long text has to be searched again, and that is too much again.
    assert_eq!(
        outcome(&joined.push(&events("call: send"), &Silent)),
        "limit"
    );

    let counted = "\
from invariant import count
raise \"no\" if:
    count(min=1):
        (o: ToolOutput)
        \"secret\" in o.content
";
    let mut counting = limited(counted, limits);
    assert_eq!(outcome(&counting.push(&events(&long), &Silent)), "limit");
    counting.commit();
    assert_eq!(
        outcome(&counting.push(&events("user: x"), &Silent)),
        "error"
    );
    let mut refused = limited(counted, limits);
    refused.push(&events(&long), &Silent);
    refused.discard();
    assert_eq!(outcome(&refused.push(&events("user: x"), &Silent)), "");
}

#[test]
fn the_parameter_data_is_reserved() {
    let policy = crate::Policy::load("raise \"no\" if:\n    1 == 2\n")
        .policy
        .unwrap();
    let mut parameters = Object::new();
    parameters.insert("data", "x");
    let step = Monitor::new(policy, parameters, Limits::default()).push(&[], &Silent);
    let Step::Failed(Failure { rule, kind, .. }) = step else {
        panic!("{step:?}");
    };
    assert_eq!((rule, kind), (None, FailureKind::RuntimeError));
}

#[test]
fn a_rule_that_only_old_events_satisfy_reports_nothing() {
    let mut monitor = monitor(SECRET_THEN_SEND);
    let step = monitor.push(&events("out: secret\ncall: send"), &Silent);
    let Step::Findings(found) = step else {
        panic!("{step:?}");
    };
    assert_eq!(found[0].novelty, Novelty::Bound);
    monitor.commit();
    let step = monitor.push(&events("user: x"), &Silent);
    assert!(
        matches!(&step, Step::Findings(found) if found.is_empty()),
        "{step:?}"
    );
}

/// Counts what it is asked, and finds nothing.
#[derive(Debug, Default)]
struct Counting(std::cell::Cell<usize>);

impl Detectors for Counting {
    fn answer(&self, _: &DetectorCall) -> Lookup {
        self.0.set(self.0.get() + 1);
        Lookup::Ready(Ok(Answer {
            value: Value::Array(Vec::new().into()),
            marks: Vec::new(),
        }))
    }
}

const ASKED_OFTEN: &str = "\
from invariant.detectors import pii, secrets
raise \"no\" if:
    (m: Message)
    any([len(pii(m)) > n for n in [1, 2, 3, 4, 5, 6, 7, 8]])
raise \"again\" if:
    (m: Message)
    (n: Message)
    m -> n
    any(pii(m.content))
raise \"other\" if:
    (m: Message)
    any(secrets(m.content))
";

#[test]
fn a_push_asks_once_about_a_text_however_long() {
    let message = format!("user: {}", "x".repeat(1 << 17));
    let counting = Counting::default();
    let mut monitor = monitor(ASKED_OFTEN);
    let trace = events(&format!("{message}\n{message}\nuser: short"));
    assert_eq!(outcome(&monitor.push(&trace, &counting)), "");
    assert_eq!(counting.0.get(), 2 + 2 + 2);
    // What is long is not kept for the next push; what is short is.
    monitor.commit();
    assert_eq!(outcome(&monitor.push(&trace[1..], &counting)), "");
    assert_eq!(counting.0.get(), 6 + 2);
}

#[test]
fn a_question_costs_what_its_detector_does_and_only_once() {
    let check = |policy: &str, fuel: u64, expected: &str| {
        let limits = Limits {
            fuel,
            ..Limits::default()
        };
        let trace = events(&format!("user: {}", "x".repeat(64_000)));
        let step = limited(policy, limits).push(&trace, &Counting::default());
        assert_eq!(outcome(&step), expected, "{fuel}");
    };
    let once = "from invariant.detectors import pii, unicode\nraise \"no\" if:\n    (m: Message)\n    any(pii(m))\n";
    check(once, 50_000, "limit");
    check(once, 51_000, "");
    check(&once.replace("pii(m)", "unicode(m)"), 17_000, "");
    check(ASKED_OFTEN, 72_000, "");
}
