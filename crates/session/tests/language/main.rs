//! The pages of `docs/language/` are the guide to the policy language, and this is their test.
//!
//! A result block of a page says what the policy above it makes of the trace above it. Every
//! result is compared exactly; `UPDATE_LANGUAGE=1` rewrites the blocks instead, so that an author
//! can read and accept them. A policy without quantifiers must find the same in the whole trace
//! as event by event.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says so with a panic, in the functions that its tests share too"
)]

mod judge;
mod page;
mod show;

use page::{Page, Problem};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// The pages in their reading order, by file name.
fn pages() -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(docs().join("language")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.into_iter().map(|path| (name(&path), path)).collect()
}

fn is_update() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "tells a test run to rewrite the pages"
    )]
    std::env::var("UPDATE_LANGUAGE").is_ok()
}

/// The problems of a page with these lines.
fn problems(lines: &[&str]) -> Vec<Problem> {
    Page::read(&lines.join("\n")).answered().1
}

#[test]
fn every_result_of_every_page_comes_out_as_written() {
    let mut report = String::new();
    for (name, path) in pages() {
        let page = Page::read(&fs::read_to_string(&path).unwrap());
        let (answered, problems) = page.answered();
        if is_update() {
            fs::write(&path, answered.to_string()).unwrap();
        }
        for problem in problems {
            if !(is_update() && problem.is_mended_by_rewriting) {
                writeln!(report, "docs/language/{name}:{problem}").unwrap();
            }
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn the_index_links_every_page() {
    let index = fs::read_to_string(docs().join("LANGUAGE.md")).unwrap();
    for (name, _) in pages() {
        assert!(index.contains(&format!("(language/{name})")), "{name}");
    }
}

#[test]
fn a_page_is_written_back_as_it_was() {
    for (name, path) in pages() {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(Page::read(&text).to_string(), text, "{name}");
    }
}

const POLICY: [&str; 6] = [
    "```policy",
    "raise \"seen\" if:",
    "    (m: Message)",
    "    \"b\" in m.content",
    "```",
    "```trace",
];

#[test]
fn a_result_that_differs_is_a_problem() {
    let with = |result: &[&str]| {
        let trace = ["[{\"role\": \"user\", \"content\": \"abc\"}]", "```"];
        problems(&[&POLICY[..], &trace, result].concat())
    };
    let right = [
        "```findings",
        "seen",
        "  messages.0",
        "  messages.0.content:1-2",
        "    | abc",
        "    |  ^",
        "```",
    ];
    assert!(with(&right).is_empty());
    assert_eq!(with(&["```findings", "none", "```"]).len(), 1);
    assert_eq!(with(&["```run-error", "```"]).len(), 1);
    let unwarned = ["```warnings", "none", "```"];
    assert!(with(&[&unwarned[..], &right].concat()).is_empty());
}

#[test]
fn findings_that_hold_for_a_part_of_the_session_only_are_a_problem() {
    let policy = [
        "```policy",
        "answered(m: Message) := m -> (o: ToolOutput)",
        "raise \"open\" if:",
        "    (m: Message)",
        "    not answered(m)",
        "```",
        "```trace",
        "[{\"role\": \"user\", \"content\": \"\"}, {\"role\": \"tool\", \"content\": \"\"}]",
        "```",
        "```findings",
        "none",
        "```",
    ];
    assert_eq!(problems(&policy).len(), 1);
}

#[test]
fn a_policy_without_a_result_or_with_an_unsaid_warning_is_a_problem() {
    assert_eq!(problems(&["```policy", "X := 1", "```"]).len(), 1);
    let silent = ["```policy", "raise \"x\" if:", "    len(\"a\")", "```"];
    let result = ["```findings", "none", "```"];
    assert_eq!(problems(&[&silent[..], &result].concat()).len(), 1);
}
