//! What a body says, and which of its lines are evaluated at all.

mod offers;

use crate::testing::{Silent, check_steps, check_whole, events, limited, monitor, outcome};
use crate::{FailureKind, Limits, Step};
use std::fmt::Write as _;

const TWO_MESSAGES: &str = "user: one\nuser: two";

/// A rule that says `no` of a trace for which these lines hold.
fn rule(lines: &[&str]) -> String {
    let mut rule = "from invariant import count, forall\nraise \"no\" if:\n".to_owned();
    for line in lines {
        rule.push_str("    ");
        rule.push_str(line);
        rule.push('\n');
    }
    rule
}

#[test]
fn only_lines_that_are_reached_can_fail() {
    let fails = "m.content.missing == 1";
    let cases: [(&[&str], &str, &str); 11] = [
        (
            &["(m: Message)", "m.role == \"x\"", fails],
            TWO_MESSAGES,
            "",
        ),
        (
            &["(m: Message)", fails, "m.role == \"x\""],
            TWO_MESSAGES,
            "error",
        ),
        (&["(m: Message)", fails], "", ""),
        // A domain that is empty leaves nothing to evaluate.
        (&["(m: Message)", "(c: ToolCall)", fails], TWO_MESSAGES, ""),
        (&["(m: Message)", fails, "(s: str) in []"], TWO_MESSAGES, ""),
        // A line without variables is evaluated whatever the others say.
        (
            &["(m: Message)", "m.role == \"x\"", "1 / 0 == 1"],
            TWO_MESSAGES,
            "error",
        ),
        (&["(m: Message)", "1 / 0 == 1"], "", "error"),
        (&["1 == 2", "1 / 0 == 1"], "", ""),
        // Both sides of `and` are evaluated.
        (
            &[
                "(m: Message)",
                "(m.role == \"x\") and (m.content.missing == 1)",
            ],
            "user: one",
            "error",
        ),
        // A part that has all its values fails, though another part waits for some that never come.
        (
            &[
                "(m: Message)",
                "(s: str) in m.tool_calls",
                "m.content.missing == s",
            ],
            "user: one",
            "error",
        ),
        (
            &[
                "(m: Message)",
                "(s: str) in m.tool_calls",
                "(s == \"x\") and (m.content.missing == 1)",
            ],
            "user: one",
            "error",
        ),
    ];
    for (lines, trace, expected) in cases {
        check_whole(&rule(lines), trace, expected);
    }
}

#[test]
fn an_error_is_found_behind_a_join_that_excludes_everything_else() {
    // The flow holds for no pair, but it stands behind a line that fails for every output.
    let lines = [
        "(o: ToolOutput)",
        "o.content.missing == 1",
        "(c: ToolCall) -> (m: Message)",
    ];
    let trace = "user: first\ncall: read\nout: text";
    check_whole(&rule(&lines), trace, "error");
    let flow_first = [
        "(c: ToolCall) -> (m: Message)",
        "(o: ToolOutput)",
        "o.content.missing == 1",
    ];
    check_whole(&rule(&flow_first), trace, "");
}

#[test]
fn a_failure_tells_which_expression_failed() {
    let policy = rule(&["(m: Message)", "m.content.missing == 1"]);
    let step = monitor(&policy).push(&events("user: one"), &Silent);
    let Step::Failed(failure) = step else {
        panic!("{step:?}");
    };
    let span = failure.span.unwrap();
    assert_eq!(
        policy.get(span.start as usize..span.end as usize),
        Some("m.content.missing")
    );
    assert_eq!(
        (failure.rule, failure.kind),
        (Some(0), FailureKind::MissingAttribute)
    );
}

#[test]
fn quantifiers_look_at_the_whole_trace() {
    let all_short = &["forall:", "    (m: Message)", "    len(m.content) < 4"];
    let cases: [(&[&str], &str, &[&str]); 7] = [
        (
            all_short,
            "user: one\nuser: two\nuser: three\nuser: four",
            &["no", "", "", ""],
        ),
        (
            &["not forall:", "    (m: Message)", "    len(m.content) < 4"],
            "user: one\nuser: three\nuser: two",
            &["", "no", ""],
        ),
        (
            &["count(min=2):", "    (c: ToolCall)", "    c is tool:read"],
            "call: read\ncall: send\ncall: read\nuser: x\ncall: read",
            &["", "", "no", "", "no"],
        ),
        (
            &[
                "not count(max=1):",
                "    (c: ToolCall)",
                "    c is tool:read",
            ],
            "call: read\ncall: send\ncall: read\nuser: x\ncall: read",
            &["", "", "no", "", "no"],
        ),
        (
            &["count(max=0):", "    (c: ToolCall)", "    c.id == \"c\""],
            "user: x\ncall: read\nuser: y",
            &["no", "", ""],
        ),
        // With a variable from outside, each message counts the calls behind it.
        (
            &["(m: Message)", "count(min=2):", "    m -> (c: ToolCall)"],
            "user: x\ncall: read\ncall: send\nuser: y\ncall: read",
            &["", "", "no", "", "no"],
        ),
        (
            &[
                "count(min=2):",
                "    (m: Message)",
                "    count(min=1):",
                "        m -> (c: ToolCall)",
            ],
            "user: x\nuser: y\ncall: read",
            &["", "", "no"],
        ),
    ];
    for (lines, trace, expected) in cases {
        check_steps(&rule(lines), trace, expected);
    }
}

#[test]
fn forall_remembers_a_value_that_made_it_false() {
    // The first message is dropped once it is committed; what it proved must stay.
    let lines = [
        "(c: ToolCall)",
        "not forall:",
        "    (m: Message)",
        "    m.role == \"user\"",
        "    m -> c",
    ];
    check_steps(&rule(&lines), "system: x\ncall: read", &["", "no"]);
    let holds = [
        "(c: ToolCall)",
        "forall:",
        "    (m: Message)",
        "    m.role == \"user\"",
        "    m -> c",
    ];
    check_steps(
        &rule(&holds),
        "user: x\ncall: read\nsystem: y\ncall: read",
        &["", "no", "", ""],
    );
}

#[test]
fn a_quantifier_fails_when_one_of_its_candidates_does() {
    let lines = [
        "count(min=1):",
        "    (c: ToolCall)",
        "    c.function.arguments.n > 1",
    ];
    check_whole(
        &rule(&lines),
        "call: read {\"n\": 2}\ncall: read {}",
        "error",
    );
    let captured = [
        "(m: Message)",
        "count(min=3):",
        "    m -> (c: ToolCall)",
        "    c.function.arguments.n > 1",
    ];
    check_steps(
        &rule(&captured),
        "user: x\ncall: read {\"n\": 2}\ncall: read {}",
        &["", "", "error"],
    );
}

#[test]
fn predicates_that_call_themselves_end_at_the_depth_limit() {
    let policy =
        "again(s: str) := again(s)\nraise \"no\" if:\n    (m: Message)\n    again(m.role)\n";
    check_whole(policy, "user: x", "limit");
    let mutual = "a(s: str) :=\n    (m: Message)\n    b(s)\nb(s: str) := a(s)\n\
                  raise \"no\" if:\n    (m: Message)\n    a(m.role)\n";
    check_whole(mutual, "user: x", "limit");
    check_whole(
        "A := B\nB := A\nraise \"no\" if:\n    A == 1\n",
        "user: x",
        "limit",
    );
}

#[test]
fn chains_are_as_long_as_the_parser_allows() {
    let chain = vec!["m.content == \"x\""; 900].join(" or ");
    check_whole(&rule(&["(m: Message)", &chain]), "user: y", "");
    let sum = vec!["1"; 900].join(" + ");
    let line = format!("len(m.content) < {sum}");
    check_whole(&rule(&["(m: Message)", &line]), "user: y", "no");
}

#[test]
fn the_texts_of_a_value_are_offered_like_any_list() {
    let cases: [(&[&str], &str); 7] = [
        (
            &["(m: Message)", "(t: str) in text(m)", "t == \"two\""],
            "no",
        ),
        (
            &["(t: str) in text(m)", "(m: Message)", "t == \"two\""],
            "no",
        ),
        (
            &["(m: Message)", "(t: str) in text(m)", "t == \"three\""],
            "",
        ),
        (
            &[
                "(m: Message)",
                "(t: str) in text([1, [m.content]])",
                "t == \"one\"",
            ],
            "no",
        ),
        (&["(t: str) in text(None)", "t == \"one\""], ""),
        (&["(m: Message)", "(t: int) in text(m)", "t == 1"], ""),
        (
            &[
                "(m: Message)",
                "(t: str) in text(m.content.missing)",
                "t == \"one\"",
            ],
            "error",
        ),
    ];
    for (lines, expected) in cases {
        check_whole(&rule(lines), TWO_MESSAGES, expected);
        let listed: Vec<String> = lines
            .iter()
            .map(|line| match line.split_once(" in text(") {
                Some((binder, rest)) => format!("{binder} in (text({rest} + [])"),
                None => (*line).to_owned(),
            })
            .collect();
        let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
        check_whole(&rule(&listed), TWO_MESSAGES, expected);
    }
}

#[test]
fn text_that_is_searched_costs_fuel() {
    let limits = Limits {
        fuel: 1_000,
        ..Limits::default()
    };
    let long = format!("user: {}", "x".repeat(100_000));
    let lines = [
        "\"y\" in m.content",
        "match(\"y\", m.content)",
        "any(find(\"y\", m.content))",
        "m.content.lower() == \"y\"",
        "len(m.content.split(\"x\")) == 1",
        "len([c for c in m.content]) == 1",
        "\"y\" in (m.content + m.content)",
        "m.content[99999] == \"y\"",
        "m.content[-100000] == \"y\"",
    ];
    for line in lines {
        let policy = rule(&["(m: Message)", line]);
        let short = format!("user: {}", "x".repeat(100));
        let short = limited(&policy, limits).push(&events(&short), &Silent);
        assert_ne!(outcome(&short), "limit", "{line}");
        let step = limited(&policy, limits).push(&events(&long), &Silent);
        assert_eq!(outcome(&step), "limit", "{line}");
    }
}

#[test]
fn a_letter_near_an_end_is_cheap() {
    let limits = Limits {
        fuel: 100,
        ..Limits::default()
    };
    let long = format!("user: {}", "x".repeat(100_000));
    for line in ["m.content[0] == \"x\"", "m.content[-1] == \"x\""] {
        let policy = rule(&["(m: Message)", line]);
        let step = limited(&policy, limits).push(&events(&long), &Silent);
        assert_eq!(outcome(&step), "no", "{line}");
    }
}

#[test]
fn each_mark_costs_fuel() {
    let limits = Limits {
        fuel: 10_000,
        ..Limits::default()
    };
    let check = |line: &str, words: usize, expected: &str| {
        let policy = rule(&["(m: Message)", line]);
        let trace = events(&format!("user: {}", "a ".repeat(words)));
        let step = limited(&policy, limits).push(&trace, &Silent);
        assert_eq!(outcome(&step), expected, "{line}");
    };
    for line in ["any(find(\" \", m.content))", "\" \" in m.content"] {
        check(line, 500, "no");
        check(line, 2_000, "limit");
    }
    // What is not in the trace is not marked.
    check("any(find(\" \", m.content + \".\"))", 2_000, "no");
}

#[test]
fn a_regular_expression_that_explodes_is_an_error() {
    let policy = rule(&["(m: Message)", "match(\"(a|a|b)*(?=c)d\", m.content)"]);
    check_whole(&policy, &format!("user: {}", "a".repeat(64)), "error");
}

#[test]
fn policies_that_multiply_load_in_time() {
    let nested = format!("{}[]{}", "len(".repeat(60), ")".repeat(60));
    check_whole(
        &rule(&["(m: Message)", &format!("{nested} == 1")]),
        "",
        "error",
    );
    check_doubling("[1]");
    check_doubling("\"text\"");
}

/// Sixty constants of which each is twice the one before run out of fuel, not of memory.
fn check_doubling(first: &str) {
    let mut doubled = format!("A0 := {first}\n");
    for number in 1..60 {
        let before = number - 1;
        writeln!(doubled, "A{number} := A{before} + A{before}").unwrap();
    }
    doubled.push_str(&rule(&["A59 == []"]));
    let limits = Limits {
        fuel: 100_000,
        ..Limits::default()
    };
    let step = limited(&doubled, limits).push(&[], &Silent);
    assert_eq!(outcome(&step), "limit");
}

#[test]
fn is_not_waits_for_what_its_pattern_names() {
    let lines = [
        "(c: ToolCall)",
        "(s: str) in [\"a\", \"b\"]",
        "c is not tool:read({p: s})",
    ];
    check_whole(&rule(&lines), "call: read {\"p\": \"a\"}", "no");
}

#[test]
fn a_count_lists_the_first_models_in_the_order_of_its_lines() {
    let listed = |binders: &str| {
        let policy = format!(
            "from invariant import count\nraise \"no\" if:\n    count(min=2):\n{binders}        c.function.name != s\n"
        );
        let trace = events("call: read\ncall: send");
        let step = monitor(&policy).push(&trace, &Silent);
        let Step::Findings(found) = step else {
            panic!("{step:?}");
        };
        let ranges = found.iter().flat_map(|finding| &finding.ranges);
        ranges.map(ToString::to_string).collect::<Vec<_>>()
    };
    let (texts, calls) = (
        "        (s: str) in [\"a\", \"b\"]\n",
        "        (c: ToolCall)\n",
    );
    assert_eq!(
        listed(&(texts.to_owned() + calls)),
        ["messages.0", "messages.1"]
    );
    assert_eq!(listed(&(calls.to_owned() + texts)), ["messages.0"]);
}

#[test]
fn a_count_that_wants_no_model_lists_at_most_the_first_combination() {
    let listed = |head: &str, line: &str| {
        let policy =
            format!("from invariant import count\nraise \"no\" if:\n    {head}:\n        {line}\n");
        let step = monitor(&policy).push(&events("call: read\ncall: send"), &Silent);
        let Step::Findings(found) = step else {
            panic!("{step:?}");
        };
        assert_eq!(found.len(), 1, "{policy}");
        let ranges = found.iter().flat_map(|finding| &finding.ranges);
        ranges.map(ToString::to_string).collect::<Vec<_>>()
    };
    let first = "(c: ToolCall)\n        c is tool:read";
    let second = "(c: ToolCall)\n        c is tool:send";
    for head in ["count(min=0)", "count(min=1 - 1)", "not count(max=-1)"] {
        assert_eq!(listed(head, first), ["messages.0"], "{head}");
        assert!(listed(head, second).is_empty(), "{head}");
    }
}

#[test]
fn bounds_of_counts_are_numbers() {
    let check = |bounds: &str, expected| {
        let head = format!("count({bounds}):");
        check_whole(
            &rule(&[&head, "    (c: ToolCall)", "    c is tool:read"]),
            "call: read\ncall: read",
            expected,
        );
    };
    check("min=1.5", "no");
    check("min=2.5", "");
    check("max=2.5", "no");
    check("max=1.5", "");
    check("min=5/2 - 1", "no");
    check("min=0 - 10**30", "no");
    check("max=0 - 10**30", "");
    check("max=json_loads(\"Infinity\")", "no");
    check("min=json_loads(\"Infinity\")", "");
    check("min=json_loads(\"NaN\")", "error");
}

#[test]
fn an_image_without_a_url_is_an_error() {
    let trace = r#"json: [{"type": "image_url", "image_url": {"other": "x"}}]"#;
    for line in [
        "len(image(o)) >= 0",
        "len(image(o.content[0])) >= 0",
        "len(o.content.image()) >= 0",
        "\"x\" in o.content",
    ] {
        check_whole(&rule(&["(o: ToolOutput)", line]), trace, "error");
    }
}
