use super::*;
use crate::config::tests::shown;

#[track_caller]
fn check(yaml: &str, expected: &[&str]) {
    let mut problems = Vec::new();
    McpScanFile::parse(yaml, &mut problems);
    let file = FileProblems::new(PathBuf::from("g.yml"), yaml.to_owned(), problems);
    assert_eq!(shown(&[file]), expected, "{yaml}");
}

#[test]
fn text_that_is_not_a_mapping_is_an_error() {
    check(
        "a: [1,\nb: 2\n",
        &["1:4 \"[\" not YAML: unclosed bracket '['"],
    );
    check("- a\n", &["1:1 \"- a\" expected a mapping, found a list"]);
    check(
        "c: {}\nc: {}\n",
        &["2:1 \"c\" duplicate key `c` -> join what is behind the two, or take one out"],
    );
    check("c: x\n", &["1:4 \"x\" expected a mapping, found text"]);
    check(
        "c: { s: x }\n",
        &["1:9 \"x\" expected a mapping, found text -> known here: `guardrails`, `tools`"],
    );
}

#[test]
fn unknown_keys_are_errors_with_what_was_meant() {
    check(
        concat!(
            "c:\n",
            "  servers:\n",
            "    s:\n",
            "      guardrail: {}\n",
            "      guardrails: { link: block, zzz: log }\n",
            "      tools: { t: { enabld: false } }\n",
            "  custom_guardrail:\n",
            "  other: {}\n",
        ),
        &[
            "4:7 \"guardrail\" unknown key `guardrail` -> did you mean `guardrails`?",
            "5:21 \"link\" unknown key `link` -> did you mean `links`?",
            "5:34 \"zzz\" unknown key `zzz` -> known here: `links`, `secrets`, `pii`, `moderated`, `custom_guardrails`",
            "6:21 \"enabld\" unknown key `enabld` -> did you mean `enabled`?",
            "7:3 \"custom_guardrail\" unknown key `custom_guardrail` -> did you mean `custom_guardrails`?",
            "8:3 \"other\" unknown key `other` -> put servers under `servers`",
        ],
    );
    check(
        "c: { custom_guardrails: [{ name: n, id: i, content: '', acton: block }] }\n",
        &["1:57 \"acton\" unknown key `acton` -> did you mean `action`?"],
    );
}

#[test]
fn values_of_another_kind_are_errors() {
    check(
        concat!(
            "c:\n",
            "  s:\n",
            "    guardrails: { links: blok, secrets: true, custom_guardrails: x }\n",
            "    tools: { t: { enabled: maybe }, \"u\\\"\": {} }\n",
        ),
        &[
            "3:26 \"blok\" `blok` is none of `block`, `log`, `paused` -> did you mean `block`?",
            "3:41 \"true\" expected text, found `true` or `false` -> put it in quotes",
            "3:66 \"x\" expected a list, found text",
            "4:28 \"maybe\" expected `true` or `false`, found text",
            "4:37 \"\\\"u\\\\\\\"\\\"\" \"u\\\"\" is no name of a tool -> names with quotes, backslashes or control characters cannot be guarded",
        ],
    );
    check(
        "c: { custom_guardrails: [{ name: n, content: '' }, { id: i, name: 1, content: '' }] }\n",
        &[
            "1:26 \"{\" `id` is missing",
            "1:67 \"1\" expected text, found a number -> put it in quotes",
        ],
    );
}

#[test]
fn errors_of_custom_guardrails_are_placed_in_the_file() {
    let yaml = concat!(
        "c:\n",
        "  custom_guardrails:\n",
        "  - name: n\n",
        "    id: i\n",
        "    content: |\n",
        "      raise \"x\" if:\n",
        "          (m: Message)\n",
        "          nope(m)\n",
    );
    check(
        yaml,
        &["8:11 \"nope\" `nope` is not defined -> bind it, declare it, or import it"],
    );
    // What is not in force is not loaded, as with mcp-scan.
    check(&yaml.replace("id: i", "id: i\n    enabled: false"), &[]);
    check(&yaml.replace("id: i", "id: i\n    action: paused"), &[]);
}

#[test]
fn moderation_is_warned_of_where_it_is_written() {
    check(
        "c: { s: { guardrails: { moderated: block }, tools: { a: { moderated: log }, b: { moderated: paused } } } }\n",
        &[
            "1:36 \"block\" warning: `moderated` has no model to ask: whatever it should judge is blocked -> write `paused`",
            "1:70 \"log\" warning: `moderated` has no model to ask: whatever it should judge is recorded as not judged -> write `paused`",
        ],
    );
}

#[test]
fn file_that_cannot_be_read_or_is_wrong_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("g.yml");
    let error = McpScanFile::read(&path).unwrap_err();
    assert!(matches!(error, ConfigError::Read { .. }), "{error}");
    std::fs::write(&path, "c: x\n").unwrap();
    let error = McpScanFile::read(&path).unwrap_err();
    assert!(matches!(error, ConfigError::Invalid(_)), "{error}");
    std::fs::write(&path, "c: { s: { guardrails: { moderated: log } } }\n").unwrap();
    let warnings = McpScanFile::read(&path).unwrap().warnings;
    assert_eq!(warnings[0].path, path);
    assert_eq!(shown(&warnings).len(), 1);
}

#[test]
fn examples_of_the_page_load() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/MCP_SCAN.md");
    let page = std::fs::read_to_string(page).unwrap();
    let examples: Vec<&str> = page.split("```yaml\n").skip(1).collect();
    assert!(examples.len() >= 2);
    for example in examples {
        check(example.split("```").next().unwrap(), &[]);
    }
}
