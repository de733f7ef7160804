//! Counts the instructions of fixed workloads under callgrind and compares them with the record.
//!
//! What is counted is the second of two equal sessions: the difference between a run with two and
//! one with one, so that start-up and loading the policy drop out. Counts belong to a compiler and
//! a profile, and each profile has its own on record; after a new compiler, or a change that is
//! meant, record them anew. The checks before a change lands count the profile for development,
//! which is built there anyway.

use crate::growth::Rules;
use portcullis_json::{self as json, Limits, Number, Object, Value};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

/// How many events a counted session has.
const LENGTH: usize = 400;
const WORKLOADS: [Rules; 3] = [Rules::Simple, Rules::Flow3, Rules::Count];
const PROFILE: &str = if cfg!(debug_assertions) {
    "dev"
} else {
    "release"
};
/// More than this over the record fails.
const WORSE_MAX: f64 = 1.10;
/// Less than this of the record is worth recording.
const BETTER_MIN: f64 = 0.90;

/// Counts and compares, or with `record` writes what was counted.
pub(crate) fn run(record: &Path, write: bool) -> Result<(String, bool), String> {
    let mut all = read(record)?;
    let known = all.get(PROFILE).and_then(Value::as_object).cloned();
    let known = known.unwrap_or_default();
    let mut counted = Object::new();
    let mut report = String::new();
    let mut passed = true;
    for rules in WORKLOADS {
        let Some(count) = count(rules)? else {
            return Ok(("skipped: valgrind is not installed".to_owned(), true));
        };
        counted.insert(rules.name(), Value::Number(Number::Integer(count)));
        let before = known.get(rules.name()).and_then(Value::as_i64);
        let (verdict, good) = compare(before, count);
        passed &= good || write;
        writeln!(report, "{}: {count} instructions, {verdict}", rules.name())
            .map_err(|error| error.to_string())?;
    }
    if write {
        all.insert(PROFILE, counted);
        let mut text = json::write_pretty(&Value::from(all));
        text.push('\n');
        fs::write(record, text).map_err(|error| format!("{}: {error}", record.display()))?;
    }
    Ok((report.trim_end().to_owned(), passed))
}

/// What is on record; nothing if there is no record yet.
fn read(record: &Path) -> Result<Object, String> {
    let text = match fs::read_to_string(record) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Object::new()),
        read => read.map_err(|error| format!("{}: {error}", record.display()))?,
    };
    let counts = json::parse(&text, &Limits::strict());
    let counts = counts.map_err(|error| format!("{}: {error}", record.display()))?;
    let counts = counts.as_object().cloned();
    counts.ok_or_else(|| format!("{}: not an object of counts", record.display()))
}

/// What to say of a count, and whether it is as it should be.
fn compare(before: Option<i64>, count: i64) -> (String, bool) {
    let number = |count: i64| f64::from(i32::try_from(count / 1000).unwrap_or(i32::MAX));
    let Some(before) = before else {
        return ("not on record".to_owned(), false);
    };
    let ratio = number(count) / number(before).max(1.0);
    let change = (ratio - 1.0) * 100.0;
    if ratio > WORSE_MAX {
        (format!("WORSE: {change:+.1} % against {before}"), false)
    } else if ratio < BETTER_MIN {
        (
            format!("better: {change:+.1} % against {before}, record it"),
            true,
        )
    } else {
        (format!("{change:+.1} %"), true)
    }
}

/// The instructions of one session; nothing if valgrind is not installed.
fn count(rules: Rules) -> Result<Option<i64>, String> {
    let (Some(one), Some(two)) = (collect(rules, 1)?, collect(rules, 2)?) else {
        return Ok(None);
    };
    Ok(Some(two - one))
}

/// The instructions of a process that holds so many sessions.
fn collect(rules: Rules, copies: usize) -> Result<Option<i64>, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([
            "hold",
            rules.name(),
            &LENGTH.to_string(),
            &copies.to_string(),
        ])
        .output();
    let output = match run {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        run => run.map_err(|error| format!("valgrind: {error}"))?,
    };
    let said = String::from_utf8_lossy(&output.stderr);
    collected(&said)
        .map(Some)
        .ok_or_else(|| format!("valgrind gave no count: {said}"))
}

/// The count in what callgrind says at its end.
fn collected(said: &str) -> Option<i64> {
    let line = said
        .lines()
        .find_map(|line| line.split_once("Collected : "))?;
    line.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ten_per_cent_more_fails() {
        let check = |before, count, good, words: &str| {
            let (said, passed) = compare(before, count);
            assert_eq!((passed, said.contains(words)), (good, true), "{said}");
        };
        check(Some(1_000_000), 1_100_000, true, "+10.0 %");
        check(Some(1_000_000), 1_101_000, false, "WORSE: +10.1 %");
        check(Some(1_000_000), 899_000, true, "better");
        check(None, 1, false, "not on record");
    }

    #[test]
    fn reads_what_callgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 123456\n==7== \n";
        assert_eq!(collected(said), Some(123_456));
        assert_eq!(collected("==7== Events    : Ir\n"), None);
    }
}
