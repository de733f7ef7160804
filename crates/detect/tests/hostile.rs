//! Inputs made to cost much: what comes out, and what is decoded on the way, stays bounded.

use portcullis_detect::{
    Match, copyright, decode, fuzzy, html, links, pii, prompt_injection, python, secrets, shell,
    tool, unicode,
};

const MIB: usize = 1024 * 1024;

/// Findings of one kind or rule that a detector reports at most.
const MATCHES_MAX: usize = 10_000;

/// Kinds of one detector.
const KINDS_MAX: usize = 32;

fn letters() -> String {
    "a".repeat(10 * MIB)
}

fn brackets() -> String {
    "[(".repeat(MIB / 4) + &")]".repeat(MIB / 4)
}

fn many_links() -> String {
    "http://a.de/ ".repeat(1_000_000)
}

#[track_caller]
fn check_matches(text: &str, found: &[Match]) {
    assert!(found.len() <= MATCHES_MAX * KINDS_MAX);
    assert!(found.iter().all(|one| text.get(one.span.clone()).is_some()));
}

/// What is decoded is no more than a few times the text, so that reading it is no more either.
#[track_caller]
fn check_decoded(text: &str) {
    let decoded: usize = decode::decode(text).iter().map(|one| one.text.len()).sum();
    assert!(decoded <= 4 * text.len(), "{decoded} of {}", text.len());
}

#[track_caller]
fn check(text: &str) {
    check_matches(text, &secrets::all(text));
    check_matches(text, &pii::find(text));
    check_decoded(text);
    let worst = prompt_injection::assess(text);
    assert!(text.get(worst.span).is_some());
}

#[test]
fn ten_million_letters() {
    let text = letters();
    check(&text);
    assert_eq!(links::find(&text), []);
    assert!(copyright::licenses(&text).is_empty());
    assert!(fuzzy::contains(&text, "ignore all", 0.8).is_ok());
    assert!(html::scan(&text).links.is_empty());
    assert!(shell::analyze(&text).syntax_error.is_some());
}

#[test]
fn a_million_brackets_in_each_other() {
    let text = brackets();
    check(&text);
    assert!(python::analyze(&text).syntax_error);
    assert!(python::analyze_ipython(&text).syntax_error);
    assert!(shell::analyze(&text).syntax_error.is_some());
    let substitutions = "$(".repeat(MIB / 4) + &")".repeat(MIB / 2);
    assert!(shell::analyze(&substitutions).syntax_error.is_some());
    let within = "$(".repeat(100_000);
    assert!(shell::analyze(&within).syntax_error.is_some());
    assert_eq!(unicode::categories(&text, Some(&["Cf"])), []);
}

#[test]
fn a_million_links() {
    let text = many_links();
    check(&text);
    assert_eq!(links::find(&text).len(), 1);
    let page = "<a href=\"x\"><img alt=\"y\">".repeat(MIB / 16);
    let found = html::scan(&page);
    assert_eq!(found.links.len(), MIB / 16);
    assert_eq!(found.alt_texts.len(), MIB / 16);
}

#[test]
fn unclosed_and_half_encoded_texts() {
    for piece in [
        "<!--",
        "<b hidden ",
        "%41",
        "&#65;",
        "\\u0041",
        "a@",
        "ghp_",
        "eyJ",
        "41 ",
        "QUFB",
        "://a:",
        "-----BEGIN PRIVATE KEY-----",
        "gur ",
        "x ",
        "\u{200b}",
        "４",
        "+49 ",
        "bc1q",
        "1.",
    ] {
        check(&piece.repeat(MIB / 16 / piece.len()));
    }
}

#[test]
fn a_mebibyte_of_how_a_credential_begins() {
    for piece in [
        "7",
        "@",
        "{{",
        "curl -u ",
        "curl -u a:",
        "postgres://",
        "postgres://a:{{b}}@",
        "server=a;",
        "password=",
    ] {
        let text = piece.repeat(MIB / piece.len());
        check_matches(&text, &secrets::all(&text));
        check_decoded(&text);
    }
}

#[test]
fn a_definition_as_long_as_a_book_is_poisoned() {
    let definition = |description: String| tool::Definition {
        name: "add".to_owned(),
        description,
        schema: "{}".to_owned(),
    };
    let is_poisoned = |length: usize| {
        let filler = "Adds two numbers. ".repeat(length / 18);
        tool::judge(&definition(filler)).is_poisoned
    };
    assert!(!is_poisoned(MIB - 1024));
    assert!(is_poisoned(2 * MIB));
}
