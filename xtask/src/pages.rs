//! A page for each rule of the `secrets` detector, made from the rule.

use crate::workspace::Workspace;
use portcullis_detect::secrets::{RULES, Rule};
use std::fs;
use std::path::Path;

/// Where the pages lie, from the root of the repository.
const FOLDER: &str = "docs/detectors/secrets";

/// Writes the pages, or says which are not what the rules make of them.
pub(crate) fn run(is_check: bool) -> Result<(String, bool), String> {
    let folder = Workspace::load()?.root.join(FOLDER);
    let mut stale = Vec::new();
    for rule in &RULES {
        let path = folder.join(format!("{}.md", rule.id));
        let page = page(rule);
        if fs::read_to_string(&path).ok().as_ref() != Some(&page) {
            stale.push(rule.id.to_owned());
            if !is_check {
                write(&path, &page)?;
            }
        }
    }
    let verb = if is_check { "differ" } else { "written" };
    let passed = !is_check || stale.is_empty();
    Ok((
        format!(
            "{} pages, {} {verb} {}",
            RULES.len(),
            stale.len(),
            stale.join(" ")
        ),
        passed,
    ))
}

fn write(path: &Path, page: &str) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    fs::write(path, page).map_err(fail)
}

fn page(rule: &Rule) -> String {
    let keywords: Vec<String> = rule.keywords.iter().map(|it| format!("`{it}`")).collect();
    let mut tests = vec![format!(
        "at least {}.{:02} bits of entropy for each byte",
        rule.entropy_min / 100,
        rule.entropy_min % 100
    )];
    if rule.has_shape() {
        tests.push("letters and digits in no order of words, or what the form asks for".to_owned());
    }
    tests.push("no word that marks an example, such as `example` or `changeme`".to_owned());
    let tests = format!("* {}\n", tests.join("\n* "));
    let checksum = if rule.has_checksum() {
        "\nThe form has check digits. If they are right, the other tests are left out; if they are \
         wrong, the tests decide.\n"
    } else {
        ""
    };
    let credential = if rule.source.contains("(?<body>") {
        "The credential is the whole; what is tested is the group that has a name."
    } else {
        "The credential is the first group, if there is one."
    };
    format!(
        "# `{}`\n\nFinds: `{}`.\n\n## Why it matters\n\nIt opens {}.\n\n\
         ## How it is found\n\nThe rule is tried where one of these occurs, in any case: {}.\n\
         It matches\n\n```text\n{}\n```\n\n{credential} It must have\n\n{tests}{checksum}\n\
         ## Misses and false alarms\n\nA credential that is split, encrypted, or of a form that \
         its provider changed is missed.\nOne that is made up for a test and looks random is \
         reported.\n",
        rule.id,
        rule.kind,
        rule.about,
        keywords.join(", "),
        rule.source
    )
}
