//! `portcullis check`, `fmt` and `explain`: output and exit codes.

use std::fs::File;
use std::process::Output;

use tempfile::TempDir;

use crate::client::{finish, portcullis, text, write};

const POLICY: &str =
    "raise \"outside \\\"mail\\\"\" if:\n    (m: Message)\n    \"evil\" in m.content\n";
const TRACE: &str = r#"[{"role":"user","content":"write to\nbob@evil.com now"}]"#;

fn output(policy: &str, trace: &str, options: &[&str]) -> Output {
    let directory = TempDir::new().unwrap();
    write(directory.path(), "p.gr", policy);
    write(directory.path(), "t.json", trace);
    let mut check = portcullis();
    check.current_dir(directory.path());
    finish(check.args(["check", "p.gr", "t.json"]).args(options))
}

#[track_caller]
fn check(policy: &str, trace: &str, options: &[&str], code: i32, stdout: &str, stderr: &str) {
    let output = output(policy, trace, options);
    assert_eq!(text(&output.stdout), stdout);
    assert!(
        text(&output.stderr).contains(stderr),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code));
}

#[test]
fn violations_are_underlined_in_the_trace() {
    check(
        "raise \"outside\" if:\n    (m: Message)\n    \"evil\" in m.content\n",
        TRACE,
        &[],
        1,
        "violation: outside\n  rule at p.gr:1\n  messages.0\n    | {\"role\":\"user\",\"content\":\"write to\\nbob@evil.com now\"}\n  messages.0.content:13-17\n    | bob@evil.com now\n    |     ^^^^\n\n1 violation\n",
        "",
    );
}

#[test]
fn nothing_found_is_said_and_exits_well() {
    let trace =
        "{\"role\":\"user\",\"content\":\"hi\"}\n\n{\"role\":\"user\",\"content\":\"ho\"}\n";
    check(
        POLICY,
        trace,
        &[],
        0,
        "ok: nothing found in 2 messages\n",
        "",
    );
    check(
        POLICY,
        "[]",
        &[],
        0,
        "ok: nothing found in 0 messages\n",
        "",
    );
}

#[test]
fn json_has_the_form_of_recorded_cases() {
    check(
        "raise \"outside\" if:\n    (m: Message)\n    \"evil\" in m.content\n",
        TRACE,
        &["--format", "json"],
        1,
        "{\"ok\":true,\"load_error\":null,\"load_errors\":[],\"run_error\":null,\"errors\":[{\"args\":[\"outside\"],\"kwargs\":{},\"ranges\":[\"messages.0\",\"messages.0.content:13-17\"],\"key\":\"(0, (0,))\",\"message\":\"outside\",\"rule\":0,\"line\":1}],\"warnings\":[],\"trace_error\":null,\"messages\":1}\n",
        "",
    );
}

#[track_caller]
fn json_has(policy: &str, trace: &str, code: i32, parts: &[&str]) {
    let output = output(policy, trace, &["--format", "json"]);
    let shown = text(&output.stdout);
    for part in parts {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(output.status.code(), Some(code), "{shown}");
}

#[test]
fn json_says_what_the_text_does() {
    json_has(
        "raise \"x\" if:\n    (m: Mesage)\n",
        TRACE,
        2,
        &[
            "\"line\":2,\"column\":8,\"help\":\"did you mean `Message`?\"",
            "\"labels\":[{\"line\":2,\"column\":8,\"end_line\":2,\"end_column\":14,",
        ],
    );
    json_has(
        "raise \"x\" if:\n    (m: Message)\n    m.role == \"user\"\n    m.content.x == 1\n",
        TRACE,
        2,
        &[
            "\"rule\":0,\"line\":4,\"column\":4,\"at\":\"messages.0\"",
            "\"help\":\"a gateway would block the message",
        ],
    );
    json_has(
        "from invariant.detectors import moderated\nraise \"x\" if:\n    (m: Message)\n    m.role == \"no\"\n    moderated(m)\n",
        TRACE,
        0,
        &[
            "\"warnings\":[{\"kind\":\"unanswered-detector\",",
            "`moderated` is not configured: set `detectors.moderation`",
            "\"line\":5,\"column\":4",
        ],
    );
    json_has(
        POLICY,
        "[{\"role\":\"user\"},\n {\"role\":]",
        2,
        &[
            "\"ok\":false",
            "\"trace_error\":{\"message\":\"the trace `t.json` is neither",
            "\"line\":2,\"column\":9",
        ],
    );
}

#[test]
fn a_policy_that_can_find_nothing_is_warned_of() {
    let nothing = "ok: nothing found in 1 message\n";
    let warning = "warning: the policy has no rule, so that it finds nothing";
    check("# later\n", TRACE, &[], 0, nothing, warning);
    json_has("", TRACE, 0, &["\"kind\":\"no-rule\""]);
}

#[test]
fn a_detector_that_nobody_answers_for_is_warned_of_before_it_is_asked() {
    let policy = "from invariant.detectors import moderated\nraise \"x\" if:\n    (m: Message)\n    m.role == \"no\"\n    moderated(m)\n";
    check(
        policy,
        TRACE,
        &[],
        0,
        "ok: nothing found in 1 message\n",
        "warning: `moderated` is not configured: set `detectors.moderation` with the `url` of an OpenAI-compatible endpoint (p.gr:5); `--detectors FILE` names",
    );
}

#[test]
fn of_many_calls_that_nobody_answers_the_first_is_warned_of() {
    let rule = "raise \"x\" if:\n    (m: Message)\n    m.role == \"no\"\n    moderated(m)\n";
    let policy = format!(
        "from invariant.detectors import moderated\n{}",
        rule.repeat(1000)
    );
    let output = output(&policy, TRACE, &[]);
    let warned = text(&output.stderr);
    assert_eq!(warned.matches("is not configured").count(), 1, "{warned}");
    assert!(warned.contains("(p.gr:5)"), "{warned}");
}

#[test]
fn of_many_places_the_first_are_shown() {
    let trace = format!(
        "[{{\"role\":\"user\",\"content\":\"{}\"}}]",
        "evil ".repeat(25)
    );
    let policy = "raise \"x\" if:\n    (m: Message)\n    any(find(\"evil\", m.content))\n";
    let output = output(policy, &trace, &[]);
    let shown = text(&output.stdout);
    // The message itself is the first of them.
    assert_eq!(shown.matches("^^^^").count(), 19, "{shown}");
    assert!(shown.contains("  and 6 more places; "), "{shown}");
}

#[test]
fn messages_of_a_failure_are_counted_as_those_of_findings() {
    let policy =
        "raise \"x\" if:\n    (m: Message)\n    m.role == \"user\"\n    m.content.x == 1\n";
    let tools = r#"{"tools":[{"name":"a","inputSchema":{}},{"name":"b","inputSchema":{}}]}"#;
    let trace = format!("{tools}\n{{\"role\":\"user\",\"content\":\"a\"}}\n");
    check(
        policy,
        &trace,
        &[],
        2,
        "",
        "could not be evaluated at messages.2: ",
    );
}

#[test]
fn a_file_without_a_value_is_no_trace() {
    for nothing in ["", "\n", " \r\n\t\n"] {
        check(
            POLICY,
            nothing,
            &[],
            2,
            "",
            "the trace `t.json` holds no JSON value\n\nhint: write a trace without messages as `[]`",
        );
    }
}

#[test]
fn what_cannot_be_read_is_underlined_and_exits_with_2() {
    check(
        POLICY,
        "[{\"role\":\"user\",]",
        &[],
        2,
        "",
        "|                 ^",
    );
    check(
        POLICY,
        "[{\"role\":7}]",
        &[],
        2,
        "",
        "`role` must be a text",
    );
    check(
        "raise \"x\" if\n    (m: Message)\n",
        TRACE,
        &[],
        2,
        "",
        "error[missing-colon]",
    );
    check(
        POLICY,
        TRACE,
        &["--param", "x"],
        2,
        "",
        "hint: write it as `--param NAME=VALUE`",
    );
}

#[test]
fn a_policy_that_fails_on_the_trace_has_no_result() {
    let policy = "raise \"x\" if:\n    (m: Message)\n    m.content.missing == 1\n";
    check(policy, TRACE, &[], 2, "", "could not be evaluated");
    let policy =
        "raise \"x\" if:\n    (m: Message)\n    m.role == \"user\"\n    m.content.x == 1\n";
    let of = |role: &str| format!(r#"{{"role":"{role}","content":"a"}}"#);
    let trace = format!("{}\n{}\n{}\n", of("assistant"), of("user"), of("user"));
    let message = "the policy could not be evaluated at messages.1: rule 1: ";
    check(policy, &trace, &[], 2, "", message);
    check(policy, &trace, &[], 2, "", "(p.gr:4)\n\nhint: a gateway");
}

#[test]
fn a_fault_of_the_trace_is_said_with_its_place() {
    let faults = [
        ("[{\"role\":\"user\"},\n {\"role\":]", "line 2, column 10"),
        ("{\"role\":\"user\"}\n\n{\"rôle\" 1}\n", "line 3, column 9"),
        (
            "[{\"role\":\"user\"},\n  {\"role\":7}]",
            "message 1 of the trace `t.json` is not valid, line 2, column 3",
        ),
    ];
    for (trace, place) in faults {
        check(POLICY, trace, &[], 2, "", place);
        check(POLICY, trace, &[], 2, "", "the trace `t.json` is");
    }
}

#[test]
fn a_trace_may_come_on_the_standard_input() {
    let directory = TempDir::new().unwrap();
    write(directory.path(), "p.gr", POLICY);
    write(directory.path(), "t.json", TRACE);
    let trace = File::open(directory.path().join("t.json")).unwrap();
    let mut check = portcullis();
    check.current_dir(directory.path());
    let output = check.args(["check", "p.gr", "-"]).stdin(trace).output();
    let output = output.unwrap();
    assert!(text(&output.stdout).ends_with("1 violation\n"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn parameters_reach_the_policy() {
    let policy = "raise \"x\" if:\n    (m: Message)\n    input.word in m.content\n";
    check(
        policy,
        "[{\"role\":\"user\",\"content\":\"hi\"}]",
        &["--param", "word=no"],
        0,
        "ok: nothing found in 1 message\n",
        "",
    );
}

#[test]
fn text_of_peers_cannot_command_the_terminal() {
    let directory = TempDir::new().unwrap();
    write(
        directory.path(),
        "p.gr",
        "raise \"found\" if:\n    (m: Message)\n    \"evil\" in m.content\n",
    );
    write(
        directory.path(),
        "t.json",
        r#"[{"role":"user","content":"\u001b[2J\u202eevil"}]"#,
    );
    let output = finish(
        portcullis()
            .current_dir(directory.path())
            .args(["check", "p.gr", "t.json"]),
    );
    let shown = text(&output.stdout);
    assert!(
        !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
        "{shown:?}"
    );
    assert!(shown.contains("| \\u{1b}[2J\\u{202e}evil"), "{shown}");
}

#[test]
fn fmt_formats_and_checks() {
    let directory = TempDir::new().unwrap();
    let path = write(
        directory.path(),
        "p.gr",
        "raise   \"x\"  if:\n  (m:Message)\n  m.role==\"user\"\n",
    );
    let fmt = |options: &[&str]| {
        finish(
            portcullis()
                .current_dir(directory.path())
                .arg("fmt")
                .args(options)
                .arg("p.gr"),
        )
    };
    let unformatted = fmt(&["--check"]);
    assert_eq!(
        (unformatted.status.code(), &*text(&unformatted.stdout)),
        (Some(1), "p.gr\n")
    );
    assert_eq!(fmt(&[]).status.code(), Some(0));
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        "raise \"x\" if:\n    (m: Message)\n    m.role == \"user\"\n"
    );
    assert_eq!(fmt(&["--check"]).status.code(), Some(0));
}

#[test]
fn fmt_formats_the_standard_input_to_the_standard_output() {
    let directory = TempDir::new().unwrap();
    let fmt = |options: &[&str], policy: &str| {
        let input = File::open(write(directory.path(), "p.gr", policy)).unwrap();
        let mut fmt = portcullis();
        fmt.arg("fmt").args(options).arg("-").stdin(input);
        let output = fmt.output().unwrap();
        let [shown, told] = [&output.stdout, &output.stderr].map(|bytes| text(bytes));
        (output.status.code().unwrap(), shown, told)
    };
    let (odd, formatted) = (
        "raise   \"\u{1b}[1m\"  if:\n  (m:Message)\n",
        "raise \"\u{1b}[1m\" if:\n    (m: Message)\n",
    );
    let said = |code: i32, shown: &str| (code, shown.to_owned(), String::new());
    assert_eq!(fmt(&[], odd), said(0, formatted));
    assert_eq!(fmt(&[], formatted), said(0, formatted));
    assert_eq!(fmt(&["--check"], odd), said(1, "-\n"));
    assert_eq!(fmt(&["--check"], formatted), said(0, ""));
    let (code, shown, told) = fmt(&[], "raise if");
    assert_eq!((code, &*shown), (2, ""));
    assert!(told.contains("--> -:1:"), "{told}");
}

#[test]
fn explain_knows_its_codes() {
    let page = finish(portcullis().args(["explain", "missing-colon"]));
    assert!(text(&page.stdout).starts_with("missing-colon: "));
    let unknown = finish(portcullis().args(["explain", "missing-colom"]));
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("did you mean `missing-colon`?"));
}
