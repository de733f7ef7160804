//! What authors of policies are told: every code, with the text it underlines.

use portcullis_engine::{Policy, code_pages};
use portcullis_syntax::{CodePage, Diagnostic, Severity};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

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
        let line = source[line_start..].lines().next().unwrap_or_default();
        let indent = before[line_start..].chars().count();
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
        .map(|line| format!("{}\n", line.trim_end()))
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
