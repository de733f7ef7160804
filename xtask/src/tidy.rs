//! What no compiler checks about the files of the repository. Exceptions are a list with reasons,
//! strict both ways: an exception that nothing needs is a problem too.

mod rule;
#[cfg(test)]
mod tests;

use crate::workspace::{Package, Workspace};
use rule::{File, RULES};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const EXCEPTIONS: &str = "xtask/tidy-exceptions.txt";
const FUZZ_CORPUS: &str = "fuzz/corpus/";
const LICENSE: &str = "Apache-2.0";

/// A rule and the file that breaks it.
type Breach = (String, String);

/// The flag of the result says whether everything is tidy.
pub(crate) fn run() -> Result<(String, bool), String> {
    let workspace = Workspace::load()?;
    let exceptions = exceptions(&read(&workspace.root.join(EXCEPTIONS))?)?;
    let paths = files(&workspace.root)?;
    let machine = machine_paths(&workspace.root);
    let mut breaches: BTreeMap<Breach, String> = BTreeMap::new();
    for path in &paths {
        // What is not text (pictures, recordings) has no lines to judge.
        if let Ok(text) = fs::read_to_string(workspace.root.join(path)) {
            let file = File {
                path,
                text: &text,
                machine_paths: &machine,
            };
            breaches.extend(of_file(&file));
        }
    }
    let mut problems = judge(&breaches, &exceptions);
    problems.extend(workspace.packages.iter().filter_map(of_package));
    if problems.is_empty() {
        return Ok((format!("tidy: {} files are tidy", paths.len()), true));
    }
    let advice = format!("tidy: mend these, or give a reason in {EXCEPTIONS}");
    Ok((format!("{}\n{advice}", problems.join("\n")), false))
}

fn of_file(file: &File<'_>) -> impl Iterator<Item = (Breach, String)> {
    RULES.iter().filter_map(|rule| {
        let message = (rule.check)(file)?;
        Some(((rule.name.to_owned(), file.path.to_owned()), message))
    })
}

fn of_package(package: &Package) -> Option<String> {
    let is_licensed = package.license.as_deref() == Some(LICENSE);
    (!is_licensed).then(|| format!("{}: the licence field is not `{LICENSE}`", package.name))
}

fn judge(breaches: &BTreeMap<Breach, String>, exceptions: &BTreeSet<Breach>) -> Vec<String> {
    let unexcused = breaches
        .iter()
        .filter(|(breach, _)| !exceptions.contains(*breach))
        .map(|((rule, path), message)| format!("{path}: {message} [{rule}]"));
    let unneeded = exceptions
        .iter()
        .filter(|breach| !breaches.contains_key(*breach))
        .map(|(rule, path)| format!("{path}: needs no exception from [{rule}]: take it off"));
    unexcused.chain(unneeded).collect()
}

/// Reads a list of exceptions: a rule, a path and a reason a line, `#` for comments.
fn exceptions(text: &str) -> Result<BTreeSet<Breach>, String> {
    let entry = |line: &str| {
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some(rule), Some(path), Some(_reason)) => Ok((rule.to_owned(), path.to_owned())),
            _ => Err(format!(
                "{EXCEPTIONS}: `{line}` is not a rule, a path and a reason"
            )),
        }
    };
    let is_entry = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    text.lines().filter(is_entry).map(entry).collect()
}

/// What git has or would take, so that build products are left out.
fn files(root: &Path) -> Result<Vec<String>, String> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("git ls-files: {error}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files: {}", output.status));
    }
    let paths =
        String::from_utf8(output.stdout).map_err(|error| format!("git ls-files: {error}"))?;
    // What a fuzz target reads is bytes, whatever it looks like.
    let paths = paths
        .split_terminator('\0')
        .filter(|path| !path.starts_with(FUZZ_CORPUS));
    Ok(paths.map(str::to_owned).collect())
}

/// Places that only this machine has.
fn machine_paths(root: &Path) -> Vec<String> {
    let home = std::env::home_dir().map(|home| home.join(".cargo"));
    let places = home.into_iter().chain([root.to_owned()]);
    places.map(|place| place.display().to_string()).collect()
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
