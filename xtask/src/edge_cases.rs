//! Holds the page of edge cases to what there is: every row once, no test that is not there, no
//! line of the odd inputs that falls short.

use crate::npm::read;
use crate::workspace::Workspace;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const PAGE: &str = "docs/EDGE_CASES.md";
const ODD_INPUTS: &str = "docs/ODD_INPUTS.md";
/// Where tests are looked for.
const TESTS: [&str; 2] = ["crates", "xtask"];
const ROWS: u32 = 120;
/// Came later, between two others.
const EXTRA_ROW: &str = "102a";
const SHOWN: &str = "as it must be";
const IN_PART: &str = "in part";
const ABSENT: &str = "not here";

/// What the page may name.
struct Evidence {
    tests: BTreeSet<String>,
    /// The lines of the odd inputs that are as they must be.
    odd: BTreeSet<String>,
}

/// The flag of the result says whether the page is right.
pub(crate) fn run() -> Result<(String, bool), String> {
    let root = Workspace::load()?.root;
    let mut tests = BTreeSet::new();
    for folder in TESTS {
        collect_tests(&root.join(folder), &mut tests)?;
    }
    let evidence = Evidence {
        tests,
        odd: odd_inputs(&read(&root.join(ODD_INPUTS))?),
    };
    let mut problems = evidence.problems(&read(&root.join(PAGE))?);
    let passed = problems.is_empty();
    problems.push(format!(
        "edge cases: {} rows of {PAGE}, {}",
        ROWS + 1,
        if passed { "each shown" } else { "WRONG" }
    ));
    Ok((problems.join("\n"), passed))
}

// === impl Evidence ===

impl Evidence {
    fn problems(&self, page: &str) -> Vec<String> {
        let mut missing: BTreeSet<String> = (1..=ROWS).map(|row| row.to_string()).collect();
        missing.insert(EXTRA_ROW.to_owned());
        let mut problems = Vec::new();
        for line in page.lines() {
            let Some([row, _, _, state, shown_by]) = cells(line) else {
                continue;
            };
            if row == "#" || row.starts_with('-') {
                continue;
            }
            if !missing.remove(&row) {
                problems.push(format!("row {row} is none, or there twice"));
            }
            let problem = self.problem(&state, &shown_by);
            problems.extend(problem.map(|problem| format!("row {row}: {problem}")));
        }
        problems.extend(
            missing
                .into_iter()
                .map(|row| format!("row {row} is missing")),
        );
        problems
    }

    fn problem(&self, state: &str, shown_by: &str) -> Option<String> {
        let cited = citations(shown_by);
        match (state, cited.is_empty()) {
            (SHOWN | IN_PART, true) => return Some("nothing shows it".to_owned()),
            (SHOWN | IN_PART, false) | (ABSENT, true) => {}
            (ABSENT, false) => return Some("it is not here, and shown".to_owned()),
            _ => return Some(format!("`{state}` is no state")),
        }
        cited.into_iter().find_map(|citation| match citation {
            Citation::Test(name) => {
                (!self.tests.contains(name)).then(|| format!("there is no test `{name}`"))
            }
            Citation::Odd(name) => (!self.odd.contains(name))
                .then(|| format!("{ODD_INPUTS} has no line \"{name}\", or it is bold")),
            Citation::Other(text) => Some(format!("`{text}` is neither a test nor a line")),
        })
    }
}

enum Citation<'p> {
    /// In backquotes, the name of a test.
    Test(&'p str),
    /// In quotes, a line of the odd inputs.
    Odd(&'p str),
    Other(&'p str),
}

fn citations(shown_by: &str) -> Vec<Citation<'_>> {
    let mut cited = Vec::new();
    let mut rest = shown_by.trim();
    while !rest.is_empty() {
        let quoted = |quote: char, rest| delimited(rest, quote);
        let (citation, behind) = match (quoted('`', rest), quoted('"', rest)) {
            (Some((name, behind)), _) => (Citation::Test(name), behind),
            (_, Some((name, behind))) => (Citation::Odd(name), behind),
            (None, None) => (Citation::Other(rest), ""),
        };
        cited.push(citation);
        rest = behind.trim_start_matches([',', ' ']);
    }
    cited
}

/// What stands between two of these at the beginning, and what comes behind. The second is the
/// last before a comma or the end: what is quoted may have some itself.
fn delimited(text: &str, quote: char) -> Option<(&str, &str)> {
    let inner = text.strip_prefix(quote)?;
    let end = inner.match_indices(quote).map(|(at, _)| at).find(
        |at| matches!(inner.get(at + 1..), Some(rest) if rest.is_empty() || rest.starts_with(", ")),
    )?;
    Some((inner.get(..end)?, inner.get(end + 1..)?))
}

/// The cells of a line of a table, if it has so many.
fn cells<const N: usize>(line: &str) -> Option<[String; N]> {
    let inner = line.strip_prefix("| ")?.strip_suffix('|')?;
    let cells: Vec<String> = inner
        .replace("\\|", "\u{0}")
        .split('|')
        .map(|cell| cell.trim().replace('\u{0}', "|"))
        .collect();
    cells.try_into().ok()
}

fn odd_inputs(page: &str) -> BTreeSet<String> {
    let lines = page.lines().filter_map(cells::<3>);
    lines
        .filter(|[_, _, seen]| !seen.starts_with("**"))
        .map(|[name, _, _]| name)
        .collect()
}

/// The names of all tests below a folder.
fn collect_tests(folder: &Path, tests: &mut BTreeSet<String>) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.is_dir() {
            collect_tests(&path, tests)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            tests.extend(tests_in(&read(&path)?));
        }
    }
    Ok(())
}

/// The functions below `#[test]`, or an attribute that ends like it.
fn tests_in(source: &str) -> Vec<String> {
    let mut is_test = false;
    let mut found = Vec::new();
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[test") || line.starts_with("#[tokio::test") {
            is_test = true;
            continue;
        }
        if line.starts_with("#[") || line.starts_with("//") {
            continue;
        }
        let signature = line.strip_prefix("async ").unwrap_or(line);
        if is_test && let Some(rest) = signature.strip_prefix("fn ") {
            found.extend(rest.split('(').next().map(str::to_owned));
        }
        is_test = false;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(row: &str) -> Option<String> {
        let evidence = Evidence {
            tests: ["a_test".to_owned()].into(),
            odd: ["`x`".to_owned(), "id `\"\"`, twice".to_owned()].into(),
        };
        let problems = evidence.problems(row);
        problems.into_iter().find(|it| !it.ends_with("is missing"))
    }

    #[test]
    fn what_a_row_names_must_be_there() {
        let fine = |row: &str| assert_eq!(problem(row), None, "{row}");
        fine("| 1 | i | o | as it must be | `a_test`, \"`x`\", \"id `\"\"`, twice\" |");
        fine("| 102a | i | o | not here | |");
        let wrong = |row: &str, expected: &str| {
            let problem = problem(row).unwrap_or_default();
            assert!(problem.contains(expected), "{row}: {problem}");
        };
        wrong(
            "| 1 | i | o | as it must be | `no_test` |",
            "no test `no_test`",
        );
        wrong("| 1 | i | o | in part | \"y\" |", "no line \"y\"");
        wrong("| 1 | i | o | in part | |", "nothing shows it");
        wrong("| 1 | i | o | in part | a_test |", "neither");
        wrong("| 1 | i | o | not here | `a_test` |", "not here, and shown");
        wrong("| 1 | i | o | fine | `a_test` |", "no state");
        wrong("| 121 | i | o | not here | |", "row 121 is none");
        let twice = "| 1 | i | o | not here | |\n| 1 | i | o | not here | |";
        wrong(twice, "there twice");
    }

    #[test]
    fn every_row_is_wanted() {
        let none = Evidence {
            tests: BTreeSet::new(),
            odd: BTreeSet::new(),
        };
        assert_eq!(none.problems("").len(), 121);
    }

    #[test]
    fn tests_are_found_by_their_attributes() {
        let source = "#[test]\nfn a() {}\nfn b() {}\n#[tokio::test(x)]\n#[y]\nasync fn c() {}";
        assert_eq!(tests_in(source), ["a", "c"]);
    }

    #[test]
    fn bold_lines_of_the_odd_inputs_show_nothing() {
        let page = "| a | b | HTTP 200 |\n| c | d | **HTTP 200: no** |\n";
        assert_eq!(odd_inputs(page), ["a".to_owned()].into());
    }
}
