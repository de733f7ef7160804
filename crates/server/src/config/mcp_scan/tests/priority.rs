//! Which of several entries is in force.

use super::*;

/// A server `s` of the client `c`, with these sections.
fn server(guardrails: &str, tools: &str) -> String {
    format!("c: {{ servers: {{ s: {{ guardrails: {guardrails}, tools: {tools} }} }} }}\n")
}

/// What speaks up between `c` and `s` when this tool answers this.
#[track_caller]
fn check(yaml: &str, (tool, answer): (&str, &str), expected: &[&str]) {
    let guardrails = parse(yaml).guardrails("c", "s");
    let found = spoken(&guardrails, &trace(tool, answer));
    assert_eq!(found, expected, "{yaml}{tool}: {answer}");
}

#[test]
fn what_is_not_written_is_logged() {
    let everything = format!("{LINK} {SECRET} {PII}");
    let logged = [
        "c-s-links-default log",
        "c-s-secrets-default log",
        "c-s-pii-default log",
    ];
    for yaml in [
        "",
        "# nothing\n",
        "c:\n",
        "c: { servers: }\n",
        "c: { servers: { s: } }\n",
        "c: { servers: { s: { guardrails: , tools: } } }\n",
        "c: { servers: { s: { guardrails: { links: }, tools: { t: } } } }\n",
        "c: { servers: { other: { guardrails: { links: block } } } }\n",
        "other: { servers: { s: { guardrails: { links: block } } } }\n",
        "c: { servers: { s: { tools: { t: { enabled: true } } } } }\n",
    ] {
        check(yaml, ("t", &everything), &logged);
        check(yaml, ("t", "nothing to see"), &[]);
    }
}

#[test]
fn what_is_written_for_the_server_is_for_all_its_tools() {
    for (mode, expected) in [
        ("block", vec!["c-s-links-default block"]),
        ("log", vec!["c-s-links-default log"]),
        ("paused", vec![]),
    ] {
        let yaml = server(&format!("{{ links: {mode} }}"), "{}");
        check(&yaml, ("t", LINK), &expected);
        check(&yaml, ("t", SECRET), &["c-s-secrets-default log"]);
    }
    check(
        &server("{ secrets: block }", "{}"),
        ("t", SECRET),
        &["c-s-secrets-default block"],
    );
    check(
        &server("{ pii: block }", "{}"),
        ("t", PII),
        &["c-s-pii-default block"],
    );
}

#[test]
fn what_is_written_for_a_tool_goes_before_its_server() {
    // The example of mcp-scan's documentation.
    let yaml = server(
        "{ pii: block, secrets: paused }",
        "{ tool: { secrets: block } }",
    );
    check(&yaml, ("tool", SECRET), &["c-s-secrets-tool block"]);
    check(&yaml, ("other", SECRET), &[]);
    check(&yaml, ("tool", PII), &["c-s-pii-default block"]);

    let yaml = server(
        "{ links: block }",
        "{ a: { links: paused }, b: { links: log }, c: { links: block } }",
    );
    check(&yaml, ("a", LINK), &[]);
    check(&yaml, ("b", LINK), &["c-s-links-b log"]);
    check(&yaml, ("c", LINK), &["c-s-links-default block"]);
    check(&yaml, ("d", LINK), &["c-s-links-default block"]);
}

#[test]
fn what_is_written_for_a_tool_alone_leaves_the_others_logged() {
    let yaml = server(
        "{}",
        "{ b: { links: block }, a: { links: block }, c: { links: paused }, d: { links: log } }",
    );
    check(&yaml, ("a", LINK), &["c-s-links-a-b block"]);
    check(&yaml, ("b", LINK), &["c-s-links-a-b block"]);
    check(&yaml, ("c", LINK), &[]);
    check(&yaml, ("d", LINK), &["c-s-links-default log"]);
    check(&yaml, ("e", LINK), &["c-s-links-default log"]);
}

#[test]
fn links_are_not_looked_for_where_a_server_says_what_it_has() {
    let yaml = server("{ links: block, pii: block }", "{ t: { links: log } }");
    for method in ["initialize", "tools/list", "resources/list"] {
        check(&yaml, (method, LINK), &[]);
        check(&yaml, (method, PII), &["c-s-pii-default block"]);
    }
    check(
        &yaml,
        ("resources/read", LINK),
        &["c-s-links-default block"],
    );
    check("", ("tools/list", LINK), &[]);
}

#[test]
fn no_tool_hides_its_links_behind_the_name_of_a_method() {
    let listing = |name: &str| {
        let source = format!(
            r#"[{{"role":"assistant","content":null,"tool_calls":[{{"id":"1","type":"function","function":{{"name":"tools/list","arguments":{{}}}}}}]}},
               {{"role":"tool","tool_call_id":"1","content":"{{}}"}},
               {{"tools":[{{"name":"{name}","description":"","inputSchema":{{}}}}]}}]"#
        );
        TraceFile::parse(PathBuf::from("trace"), source).unwrap()
    };
    let file = parse(&server("{ links: block }", "{}"));
    let said = |name: &str| spoken(&file.guardrails("c", "s"), &listing(name));
    assert_eq!(said("initialize"), ["c-s-links-default block"]);
    assert_eq!(said("tools/list"), ["c-s-links-default block"]);
    assert_eq!(said("initialize_all"), [""; 0]);
}

#[test]
fn links_are_no_personal_data() {
    let yaml = server("{ links: paused, pii: block }", "{}");
    let url = "see https://github.com/a/b";
    check(&yaml, ("t", url), &[]);
    let both = format!("{url}, {PII}");
    check(&yaml, ("t", &both), &["c-s-pii-default block"]);
}

#[test]
fn names_of_tools_are_compared_whole() {
    let yaml = server(
        "{ links: paused }",
        "{ commit-tool: { links: block }, \"a.b/c d\": { links: log } }",
    );
    check(
        &yaml,
        ("commit-tool", LINK),
        &["c-s-links-commit-tool block"],
    );
    check(&yaml, ("a.b/c d", LINK), &["c-s-links-a.b/c d log"]);
    for other in ["commit", "commit-tool2", "Commit-Tool", "a.b/c", "aXb/c d"] {
        check(&yaml, (other, LINK), &[]);
    }
}

#[test]
fn calls_of_disabled_tools_are_blocked() {
    for no in ["false", "False", "no", "off", "\"no\""] {
        let yaml = server(
            "{ links: paused }",
            &format!("{{ send-it: {{ enabled: {no} }} }}"),
        );
        check(&yaml, ("send-it", "x"), &["c-s-send-it-disabled block"]);
        check(&yaml, ("send", "x"), &[]);
    }
    // A disabled tool has its other guardrails as well.
    let yaml = server("{}", "{ t: { enabled: false, links: block } }");
    check(
        &yaml,
        ("t", LINK),
        &["c-s-links-t block", "c-s-t-disabled block"],
    );
    for yes in ["true", "yes", "On", ""] {
        let yaml = server("{}", &format!("{{ t: {{ enabled: {yes} }} }}"));
        check(&yaml, ("t", "x"), &[]);
    }
}

#[test]
fn custom_guardrails_of_the_server_are_beside_the_others() {
    let with = |more: &str| {
        server(
            &format!("{{ custom_guardrails: [{}], links: block }}", custom(more)),
            "{}",
        )
    };
    check(
        &with(", action: block"),
        ("t", LINK),
        &["c-s-links-default block", "c-s-i block"],
    );
    check(&with(""), ("t", "x"), &["c-s-i log"]);
    check(
        &with(", action: log, enabled: true"),
        ("t", "x"),
        &["c-s-i log"],
    );
    check(&with(", action: paused"), ("t", "x"), &[]);
    check(&with(", action: block, enabled: false"), ("t", "x"), &[]);
    let kept =
        ", extra_metadata: { a: 1 }, last_updated_time: \"2025-06-01 10:00:00\", runs-on: local";
    check(&with(kept), ("t", "x"), &["c-s-i log"]);
}

#[test]
fn custom_guardrails_of_the_client_are_for_each_of_its_servers() {
    let yaml = format!(
        "c: {{ custom_guardrails: [{}, {}], servers: {{ s: {{ guardrails: {{ links: block }} }} }} }}\n",
        custom(", action: block"),
        custom(", enabled: false, action: block").replace("id: i", "id: j"),
    );
    check(&yaml, ("t", LINK), &["i block", "c-s-links-default block"]);
    let file = parse(&yaml);
    let said =
        |client: &str, server: &str| spoken(&file.guardrails(client, server), &trace("t", LINK));
    assert_eq!(said("c", "other"), ["i block", "c-other-links-default log"]);
    assert_eq!(said("d", "s"), ["d-s-links-default log"]);
    assert_eq!(said("C", "s"), ["C-s-links-default log"]);
}

#[test]
fn servers_may_stand_beside_what_is_for_all_of_them() {
    let yaml = format!(
        "c: {{ custom_guardrails: [{}], s: {{ guardrails: {{ links: block }}, tools: {{ t: {{ pii: block }} }} }} }}\n",
        custom("")
    );
    check(&yaml, ("t", LINK), &["i log", "c-s-links-default block"]);
    check(&yaml, ("t", PII), &["i log", "c-s-pii-t block"]);
}

#[test]
fn moderation_is_left_out_unless_it_is_written_and_then_fails() {
    check("", ("t", "hateful"), &[]);
    check(
        &server("{ moderated: paused }", "{}"),
        ("t", "hateful"),
        &[],
    );
    let yaml = server("{ moderated: block }", "{ a: { moderated: paused } }");
    check(
        &yaml,
        ("t", "hateful"),
        &["c-s-moderated-default block on failure"],
    );
    check(&yaml, ("a", "hateful"), &[]);
    check(
        &server("{ moderated: log }", "{}"),
        ("t", "hateful"),
        &["c-s-moderated-default log on failure"],
    );
    let yaml = server("{}", "{ a: { moderated: block } }");
    check(
        &yaml,
        ("a", "hateful"),
        &["c-s-moderated-a block on failure"],
    );
    check(&yaml, ("t", "hateful"), &[]);
}

#[test]
fn file_says_which_servers_it_names() {
    let file = parse("c: { servers: { s: } }\n");
    assert!(file.names("c", "s"));
    assert!(!file.names("c", "t") && !file.names("d", "s"));
}
