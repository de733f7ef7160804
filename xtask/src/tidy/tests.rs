use super::rule::File;
use super::{exceptions, judge, of_file, of_package};
use crate::workspace::Package;
use std::collections::BTreeMap;

/// Which rules a file breaks.
#[track_caller]
fn check(path: &str, text: &str, expected: &[&str]) {
    let file = File {
        path,
        text,
        machine_paths: &["/srv/checkout".to_owned()],
    };
    let broken: Vec<String> = of_file(&file).map(|((rule, _), _)| rule).collect();
    assert_eq!(broken, expected, "{path}: {text:?}");
}

#[test]
fn a_file_of_600_lines_is_the_longest() {
    check("src/a.rs", &"x\n".repeat(600), &[]);
    check("src/a.rs", &"x\n".repeat(601), &["long-file"]);
    check("table.json", &"x\n".repeat(601), &[]);
}

#[test]
fn names_and_heads_of_files() {
    check("src/mod.rs", "", &["mod-rs"]);
    check("src/model.rs", "", &[]);
    check("crates/a/src/lib.rs", "mod b;\n", &["crate-docs"]);
    check("crates/a/src/lib.rs", "//! Reads.\nmod b;\n", &[]);
    check("crates/a/Cargo.toml", "[package]\n", &["workspace-lints"]);
    check("crates/a/Cargo.toml", "[lints]\nworkspace = true\n", &[]);
    check("Cargo.toml", "[workspace]\n", &[]);
}

#[test]
fn what_is_left_for_later_is_found_as_a_word() {
    check("a.rs", concat!("// TO", "DO: later\n"), &["left-over"]);
    check("a.py", concat!("# (FIX", "ME)\n"), &["left-over"]);
    check("a.rs", concat!("let TO", "DOS = 1;\n"), &[]);
    check("a.md", concat!("TO", "DO lists are data here\n"), &[]);
}

#[test]
fn paths_of_this_machine_are_found_in_every_file() {
    check("notes.md", "see /srv/checkout/src\n", &["machine-path"]);
    check("notes.md", "see /srv/other\n", &[]);
}

#[test]
fn lines_end_where_their_text_ends() {
    check("a.md", "a \n", &["trailing-space"]);
    check("a.md", "a\t\n", &["trailing-space"]);
    check("a.md", "a\r\n", &["trailing-space"]);
    check("a.md", "a", &["last-line"]);
    check("a.md", "", &[]);
}

#[test]
fn an_exception_excuses_its_file_and_rule_only() {
    let breach = |rule: &str, path: &str| (rule.to_owned(), path.to_owned());
    let breaches = BTreeMap::from([
        (breach("long-file", "a.rs"), "900 lines".to_owned()),
        (breach("long-file", "b.rs"), "700 lines".to_owned()),
    ]);
    let excused = exceptions("# rule path reason\n\nlong-file a.rs a table\nmod-rs a.rs why\n");
    assert_eq!(
        judge(&breaches, &excused.unwrap()),
        [
            "b.rs: 700 lines [long-file]",
            "a.rs: needs no exception from [mod-rs]: take it off",
        ]
    );
}

#[test]
fn an_exception_has_a_reason() {
    let error = exceptions("long-file a.rs\n").unwrap_err();
    assert!(
        error.contains("`long-file a.rs` is not a rule, a path and a reason"),
        "{error}"
    );
}

#[test]
fn a_crate_has_our_licence() {
    let package = |license: Option<&str>| Package {
        name: "portcullis-a".to_owned(),
        license: license.map(str::to_owned),
        dependencies: Vec::new(),
    };
    assert_eq!(of_package(&package(Some("Apache-2.0"))), None);
    assert!(of_package(&package(None)).is_some());
    assert!(of_package(&package(Some("MIT"))).is_some());
}
