//! What authors of policies are told: every code, with the text it underlines.

#![cfg(test)]

use portcullis_engine::{Policy, code_pages};
use portcullis_syntax::{CodePage, Diagnostic, Severity};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::{fs, thread};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/DIAGNOSTICS.md");
const HEAD: &str = "\
# Diagnostics

What Portcullis says about policies: errors keep a policy from loading, warnings do not.
`portcullis explain CODE` prints one of these pages.

This page is generated: `UPDATE_DIAGNOSTICS=1 cargo test -p portcullis-engine --test diagnostics`.
";

/// The underlined text, the code, the message and the help of a diagnostic, as one text.
fn shown(source: &str, diagnostic: &Diagnostic) -> String {
    let mut shown = String::new();
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    writeln!(
        shown,
        "{severity}[{}]: {}",
        diagnostic.code.0, diagnostic.message
    )
    .unwrap();
    for (index, label) in diagnostic.labels.iter().enumerate() {
        let start = label.span.range().start;
        let before = source.get(..start).expect("a label begins at a character");
        let text = source
            .get(label.span.range())
            .expect("a label is a part of the source");
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let number = before.matches('\n').count() + 1;
        let line = source
            .get(line_start..)
            .unwrap()
            .lines()
            .next()
            .unwrap_or_default();
        let indent = before.get(line_start..).unwrap().chars().count();
        let width = text
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            .max(1);
        let underline = if index == 0 { "^" } else { "-" }.repeat(width);
        writeln!(shown, "{number:>3} | {line}").unwrap();
        writeln!(
            shown,
            "    | {}{underline} {}",
            " ".repeat(indent),
            label.text
        )
        .unwrap();
    }
    if let Some(help) = &diagnostic.help {
        writeln!(shown, "    = help: {help}").unwrap();
    }
    shown
        .lines()
        .flat_map(|line| [line.trim_end(), "\n"])
        .collect()
}

fn is_syntax(page: &CodePage) -> bool {
    portcullis_syntax::codes::pages()
        .iter()
        .any(|known| known.code == page.code)
}

fn section(page: &CodePage) -> String {
    let CodePage {
        code,
        title,
        wrong,
        right,
        text,
    } = page;
    let mut section = format!("\n## `{}`: {title}\n\n{text}\n", code.0);
    if !wrong.is_empty() {
        let found = Policy::load(wrong).diagnostics;
        let shown: Vec<String> = found.iter().map(|found| shown(wrong, found)).collect();
        write!(
            section,
            "\nWrong:\n\n```\n{wrong}```\n\n```text\n{}```\n",
            shown.join("\n")
        )
        .unwrap();
        write!(section, "\nRight:\n\n```\n{right}```\n").unwrap();
    }
    section
}

#[test]
fn the_document_shows_what_is_reported() {
    let document: String = HEAD.to_owned() + &code_pages().map(section).collect::<String>();
    #[expect(
        clippy::disallowed_methods,
        reason = "tells a test run to rewrite the document"
    )]
    let update = std::env::var("UPDATE_DIAGNOSTICS").is_ok();
    if update {
        fs::write(DOCUMENT, &document).unwrap();
    }
    let written = fs::read_to_string(DOCUMENT).unwrap_or_default();
    assert!(
        written == document,
        "docs/DIAGNOSTICS.md is outdated: set UPDATE_DIAGNOSTICS=1"
    );
}

#[test]
fn the_wrong_example_is_answered_with_its_code_only_and_the_right_one_with_nothing() {
    for page in code_pages().filter(|page| !page.wrong.is_empty()) {
        let shown = |source: &str| {
            let found = Policy::load(source).diagnostics;
            found
                .iter()
                .map(|found| shown(source, found))
                .collect::<String>()
        };
        let [found] = &Policy::load(page.wrong).diagnostics[..] else {
            panic!("{}: {}", page.code.0, shown(page.wrong));
        };
        assert_eq!(found.code, page.code, "{}", shown(page.wrong));
        assert!(found.help.is_some(), "{}", page.code.0);
        let right = Policy::load(page.right).diagnostics;
        // The examples of the syntax are too short to be good policies.
        let short = is_syntax(page) && right.iter().all(|found| found.code.0 == "binders-only");
        assert!(
            right.is_empty() || short,
            "{}: {}",
            page.code.0,
            shown(page.right)
        );
        assert!(Policy::load(page.right).policy.is_some());
    }
}

#[test]
fn every_code_of_the_engine_has_one_page_with_an_example() {
    let declared: BTreeSet<&str> = include_str!("../src/codes.rs")
        .lines()
        .filter_map(|line| line.split("Code(\"").nth(1)?.split('"').next())
        .collect();
    let engine: Vec<&CodePage> = code_pages()
        .filter(|page| declared.contains(page.code.0))
        .collect();
    assert_eq!(engine.len(), declared.len());
    assert!(engine.iter().all(|page| !page.wrong.is_empty()));
    let distinct: BTreeSet<&str> = code_pages().map(|page| page.code.0).collect();
    assert_eq!(distinct.len(), code_pages().count());
}

/// The codes and the underlined texts of a rule with these lines.
#[track_caller]
fn check(lines: &[&str], expected: &[(&str, &str)]) {
    let head = "from invariant import count, forall\nraise \"x\" if:\n";
    let lines: String = lines.iter().flat_map(|line| ["    ", line, "\n"]).collect();
    check_policy(&(head.to_owned() + &lines), expected);
}

#[track_caller]
fn check_policy(source: &str, expected: &[(&str, &str)]) {
    let found = Policy::load(source).diagnostics;
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|found| {
            (
                found.code.0,
                source.get(found.span().range()).unwrap_or("no text"),
            )
        })
        .collect();
    assert_eq!(found, expected, "{source}");
}

const MESSAGE: &str = "(m: Message)";
const CALL: &str = "(c: ToolCall)";

#[test]
fn lines_that_cannot_be_true_are_told_from_those_that_can() {
    let never = |line| check(&[MESSAGE, line], &[("never-boolean", line)]);
    never("m.content");
    never("len(m.content)");
    never("m.tool_calls");
    never("m");
    never("[m.role]");
    never("find");
    never("1 if m.role == \"user\" else 2");
    check(
        &[MESSAGE, "m.role == \"user\" and m.content"],
        &[("never-boolean", "m.content")],
    );
    check(&[MESSAGE, "m.role == \"user\" or m.content"], &[]);
    check(&[MESSAGE, "m.content and m.role == \"user\""], &[]);
    check(&[MESSAGE, "m.content[0]", "x := m.role"], &[]);
    check(
        &["forall:", "    (m: Message)", "    m.content"],
        &[("never-boolean", "m.content")],
    );
}

#[test]
fn comparisons_that_the_kinds_decide_are_found() {
    let never = |line| check(&[MESSAGE, CALL, line], &[("always-false", line)]);
    never("m.role == None");
    never("m.role is \"user\"");
    never("\"user\" is m.role");
    never("c == \"send\"");
    never("m is tool:send");
    never("not c");
    never("c -> c");
    never("1 in m.content");
    never("\"a\" in c");
    never("\"tool\" == m.role");
    check(
        &["(o: ToolOutput)", "o.role != \"user\""],
        &[("always-true", "o.role != \"user\"")],
    );
    check(
        &[
            MESSAGE,
            CALL,
            "m.content == \"\"",
            "c.id is None",
            "not m.content",
        ],
        &[],
    );
    check(
        &[
            CALL,
            "c is not tool:send",
            "c.function.arguments.n == 1",
            "c is not None",
        ],
        &[],
    );
    check(&[MESSAGE, "m.role == \"a\"", "1 == 1.0", "True == 1"], &[]);
}

#[test]
fn operations_that_always_fail_are_found() {
    let fails = |line, underlined| check(&[MESSAGE, CALL, line], &[("always-fails", underlined)]);
    fails("m.role > 1", "m.role > 1");
    fails("c.function[\"name\"] == \"a\"", "c.function[\"name\"]");
    fails("m.role + 1 == 2", "m.role + 1");
    fails("c.function -> m", "c.function -> m");
    fails("any([x for x in m])", "m");
    fails("server(c.function) == \"a\"", "c.function");
    fails("input[\"a\"] == m.role", "input[\"a\"]");
    fails("Message(m)", "Message(m)");
    check(
        &[MESSAGE, "len(m.content) > 1", "m.content + \"a\" == \"ba\""],
        &[],
    );
}

/// The underlined text, the message and the help of what the line is answered with first.
fn told(line: &str) -> (String, String, String) {
    let source = format!("raise \"x\" if:\n    (m: Message)\n    (c: ToolCall)\n    {line}\n");
    let found = Policy::load(&source).diagnostics;
    let found = found.first().expect("a diagnostic");
    let underlined = source.get(found.span().range()).unwrap().to_owned();
    let help = found.help.clone().unwrap_or_default();
    (underlined, found.message.clone(), help)
}

#[test]
fn a_method_that_is_compared_is_to_be_called() {
    let call = |line: &str, call: &str| {
        let (underlined, message, help) = told(line);
        assert_eq!(underlined, line);
        let never = if line.contains("!=") { "false" } else { "true" };
        assert_eq!(message, format!("`{line}` is never {never}"));
        assert!(
            help.ends_with(&format!("call it with `{call}(…)`")),
            "{help}"
        );
    };
    call("m.content.lower == \"a\"", "m.content.lower");
    call("\"a\" == c.function.name.upper", "c.function.name.upper");
    call("m.role.strip != \"a\"", "m.role.strip");
    check(
        &[
            MESSAGE,
            CALL,
            "m.content.lower() == \"a\"",
            "c.function.arguments.lower == \"a\"",
            "m.content.other == \"a\"",
        ],
        &[],
    );
}

#[test]
fn kinds_that_a_detector_does_not_know_are_found() {
    let check = |list: &str, call: &str, expected: &[(&str, &str)]| {
        let source = format!(
            "from invariant.detectors import pii, unicode\nKINDS := {list}\nraise \"x\" if:\n    \
             (m: Message)\n    any({call})\n"
        );
        let found = Policy::load(&source).diagnostics;
        let found = found.iter().map(|found| {
            assert_eq!(found.code.0, "unknown-category");
            let underlined = source.get(found.span().range()).unwrap();
            (underlined.to_owned(), found.help.clone().unwrap())
        });
        let expected = expected
            .iter()
            .map(|(underlined, help)| ((*underlined).to_owned(), (*help).to_owned()));
        assert!(found.eq(expected), "{call}");
    };
    check(
        "[]",
        "pii(m, [\"EMAIL_ADDRES\", \"PERSON\", \"US_SSN\"])",
        &[("\"EMAIL_ADDRES\"", "did you mean `EMAIL_ADDRESS`?")],
    );
    check(
        "[\"PHONE\"]",
        "pii(m, entities=KINDS)",
        &[("\"PHONE\"", "did you mean `PHONE_NUMBER`?")],
    );
    check(
        "MORE\nMORE := MOST\nMOST := [\"PHONE\"]",
        "pii(m, KINDS)",
        &[("\"PHONE\"", "did you mean `PHONE_NUMBER`?")],
    );
    check("MORE\nMORE := KINDS", "pii(m, KINDS)", &[]);
    check(
        "[]",
        "unicode(m, [\"Co\", \"cf\"])",
        &[("\"cf\"", "did you mean `Cf`?")],
    );
    check("[]", "pii(m, [m.role]) and unicode(m)", &[]);
}

#[test]
fn tools_with_a_dash_are_compared_by_name() {
    let name = |line: &str, tool: &str, help: &str| {
        let (underlined, _, told) = told(line);
        assert_eq!((underlined.as_str(), told.as_str()), (tool, help));
    };
    name(
        "c is tool:list-rooms",
        "list-rooms",
        "compare the name: `c.function.name == \"list-rooms\"`",
    );
    name(
        "c is not tool:list-rooms-2({a: 1})",
        "list-rooms-2({a: 1})",
        "compare the name: `c.function.name != \"list-rooms-2\"`",
    );
    // With blanks, or names that are known, it is what it says.
    name(
        "c is tool:list - rooms",
        "rooms",
        "bind it, declare it, or import it",
    );
    check(
        &[CALL, "n := 1", "c is tool:list-n"],
        &[("always-fails", "tool:list-n")],
    );
}

#[test]
fn unknown_names_are_what_they_most_likely_were_meant_to_be() {
    let help = |line: &str, expected: &str| assert_eq!(told(line).2, expected, "{line}");
    help("m.content == true", "write `True`");
    help("m.content == null", "write `None`");
    help("x := none", "write `None`");
    help("m.role === \"a\"", "write `==`");
    help("m.role !== \"a\"", "write `!=`");
    let quoted = |name: &str| {
        format!("write `\"{name}\"` if it is a text, or else bind, declare or import it")
    };
    help("m.role == user", &quoted("user"));
    help("user != m.role", &quoted("user"));
    help("secret in m.content", &quoted("secret"));
    help("m.role in roles", "bind it, declare it, or import it");
    help(
        "m.role == (user + \"\")",
        "bind it, declare it, or import it",
    );
    help("m.role == inputs", "did you mean `input`?");
}

#[test]
fn brackets_make_the_meaning_clear() {
    let lines = [
        "not (m.role == \"a\")",
        "(not m.role) == True",
        "m.role not in [\"a\"]",
    ];
    check(&[&[MESSAGE][..], &lines].concat(), &[]);
    let line = "not m.role == \"a\" and m.role == \"b\"";
    check(
        &[MESSAGE, line],
        &[("not-binds-tighter", "not m.role == \"a\"")],
    );
    check(
        &[MESSAGE, "True and m.role == \"a\" or m.role == \"b\""],
        &[],
    );
    check(
        &[MESSAGE, "(m.role == \"a\" or m.role == \"b\") and True"],
        &[],
    );
    let chain = "True or m.role == \"a\" and True or True and False";
    check(&[MESSAGE, chain], &[("mixed-and-or", chain)]);
    check(&["(a: ToolCall) -> (b: ToolCall) -> (c: ToolCall)"], &[]);
}

#[test]
fn the_place_inside_a_regular_expression_is_underlined() {
    let pattern = |line, place| check(&[MESSAGE, CALL, line], &[("invalid-regex", place)]);
    pattern("match(\"ä(b\", m.role)", "(");
    pattern("c is tool:send({to: \"[a\", cc: [\"a*\"]})", "[");
    pattern("any(find(pattern='a\\'**', s=m.role))", "*");
    let constant = "P := \"a)\"\nraise \"x\" if:\n    (m: Message)\n    match(P, m.role)\n";
    check_policy(constant, &[("invalid-regex", ")")]);
}

#[test]
fn several_problems_are_reported_in_the_order_of_the_text() {
    check(
        &[
            CALL,
            "c.functon.name == \"a\"",
            "c.function.nam == \"b\"",
            "c.args.n == 1",
        ],
        &[
            ("unknown-attribute", "c.functon"),
            ("unknown-attribute", "c.function.nam"),
            ("unknown-attribute", "c.args"),
        ],
    );
    check(
        &["(m: Mesage)", "m.role == rol"],
        &[("unknown-kind", "Mesage"), ("unknown-name", "rol")],
    );
}

#[test]
fn content_that_may_be_chunks_is_told_from_a_text() {
    const OUTPUT: &str = "(o: ToolOutput)";
    let chunks = |line| check(&[OUTPUT, line], &[("content-in-chunks", "o.content")]);
    chunks("any(find(\"a\", o.content))");
    chunks("match(\"a\", o.content)");
    chunks("any(find(\"a\", o.content)) or match(\"b\", \"c\")");
    let fine = |line| check(&[OUTPUT, line], &[]);
    fine("\"a\" in o.content");
    fine("json_loads(o.content).ok");
    fine("any([any(find(\"a\", t)) for t in text(o)])");
    fine("any(find(\"a\", o.role))");
    check(&[MESSAGE, "any(find(\"a\", m.content))"], &[]);
    check(&[OUTPUT, "(t: str) in text(o)", "any(find(\"a\", t))"], &[]);
}

#[test]
fn numbers_of_arguments_are_told_in_words() {
    let said = |call: &str| {
        let source = format!("raise \"x\" if:\n    (m: Message)\n    m.role == {call}\n");
        let found = Policy::load(&source).diagnostics;
        let found = found.iter().find(|found| found.code.0 == "wrong-arguments");
        found.map(|found| found.message.clone()).unwrap()
    };
    assert_eq!(said("len(m, m)"), "`len` takes one argument only");
    assert_eq!(
        said("match(\"a\", \"b\", \"c\")"),
        "`match` takes at most 2 arguments"
    );
}

#[test]
fn counts_and_blocks_are_checked() {
    let block = |head: &str, code| {
        let header = format!("{head}:");
        check(
            &[&header, "    (c: ToolCall)", "    c is tool:a"],
            &[(code, head)],
        );
    };
    block("count()", "count-without-bounds");
    block("count(min=0)", "count-without-bounds");
    block("count(min=3, max=2)", "always-false");
    block("forall(min=2)", "wrong-arguments");
    block("len", "not-a-quantifier");
    check(
        &["count(max=0):", "    (c: ToolCall)", "    c is tool:a"],
        &[],
    );
    check(
        &["count(min=2):", "    (c: ToolCall)"],
        &[("binders-only", "(c: ToolCall)")],
    );
    check(&[CALL, "count(min=1):", "    (m: Message) -> c"], &[]);
}

/// As much as a main thread has.
const STACK_BYTES: usize = 8 << 20;

#[test]
fn the_tallest_expressions_are_checked() {
    let height = 900;
    let lines = [
        format!("m{} == 1", ".content".repeat(height)),
        format!("m{} == 1", ".a()".repeat(height / 2)),
        format!("{}(m.role == \"a\")", "not ".repeat(height)),
        format!("{} == m.role", vec!["1"; height].join(" + ")),
    ];
    for line in lines {
        let source = format!("raise \"x\" if:\n    (m: Message)\n    {line}\n");
        let thread = thread::Builder::new().stack_size(STACK_BYTES);
        let loaded = thread
            .spawn(move || Policy::load(&source))
            .unwrap()
            .join()
            .unwrap();
        assert!(loaded.policy.is_some(), "{line}");
    }
}

#[test]
fn nested_blocks_are_read_once_each() {
    let blocks = (0..50).map(|depth| format!("{}-forall:\n", " ".repeat(depth + 1)));
    let blocks: String = blocks.collect();
    let source = format!(
        "from invariant import forall\nraise \"x\" if:\n{blocks}{}input.on == 1\n",
        " ".repeat(51)
    );
    let codes = Policy::load(&source)
        .diagnostics
        .into_iter()
        .map(|found| found.code.0);
    assert_eq!(codes.collect::<Vec<_>>(), ["never-boolean"]);
}

#[test]
fn no_more_problems_are_reported_than_anyone_reads() {
    let rule = "raise \"x\" if:\n    (c: ToolCall)\n    c.name == \"a\"\n";
    let found = Policy::load(&rule.repeat(100)).diagnostics;
    assert_eq!(found.len(), portcullis_syntax::MAX_DIAGNOSTICS);
}
