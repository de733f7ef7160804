//! Recorded cases: evaluates them and says how many agree with the record.
//!
//! Two results agree if both fail to load, or both fail to run, or both have the same errors:
//! arguments, keyword arguments and the set of ranges of each, in any order.

use crate::case::Case;
use portcullis_json::{self as json, Limits, Object, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Evaluates the cases of a file. The flag says whether everything is as it should be.
pub(crate) fn run(
    cases: &Path,
    results: Option<&Path>,
    known: Option<&Path>,
) -> Result<(String, bool), String> {
    let known = known
        .map(known_differences)
        .transpose()?
        .unwrap_or_default();
    let mut report = String::new();
    let mut out = String::new();
    let (mut total, mut agreeing) = (0_usize, 0_usize);
    let mut surprises = 0_usize;
    for (number, line) in read(cases)?.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let place = || format!("{}:{}", cases.display(), number + 1);
        let case = json::parse(line, &Limits::lenient())
            .map_err(|error| format!("{}: {error}", place()))?;
        let id = case.get("id").cloned().unwrap_or(Value::Null);
        let result = Case::read(&case)
            .ok_or_else(|| format!("{}: a case has a `policy` and a `trace`", place()))?
            .evaluate()
            .to_json(&id);
        out.push_str(&result.to_string());
        out.push('\n');
        total += 1;
        let agrees = agrees(&case, &result);
        agreeing += usize::from(agrees);
        let name = id.as_str().unwrap_or_default();
        let line = match (agrees, known.get(name)) {
            (true, None) => continue,
            (false, Some(reason)) => format!("known: {name}: {reason}"),
            (true, Some(_)) => format!("UNEXPECTED PASS: {name}: take it off the list"),
            (false, None) => {
                let feature = case
                    .get("feature")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                format!("DIFFERS: {name} {feature}")
            }
        };
        surprises += usize::from(!line.starts_with("known"));
        report.push_str(&line);
        report.push('\n');
    }
    if let Some(path) = results {
        fs::write(path, out).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    write!(report, "{agreeing} of {total} cases match").map_err(|error| error.to_string())?;
    Ok((report, surprises == 0))
}

/// Reads a list of cases that differ: an id and a reason a line, `#` for comments.
fn known_differences(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let text = read(path)?;
    let lines = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let entry = |line: &str| {
        let (id, reason) = line.split_once(' ').ok_or_else(|| {
            format!(
                "{}: `{line}` is not an id, a blank and a reason",
                path.display()
            )
        })?;
        Ok((id.to_owned(), reason.trim().to_owned()))
    };
    lines.map(entry).collect()
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether a result is one that the case accepts.
fn agrees(case: &Value, result: &Value) -> bool {
    let Some(expected) = case.get("expect").and_then(Value::as_object) else {
        return false;
    };
    let mut expected: Object = expected.clone();
    if let Some(clean) = case.get("expect_clean").and_then(Value::as_object) {
        clean
            .iter()
            .for_each(|(name, value)| expected.insert(name.clone(), value.clone()));
    }
    let have = canonical(result);
    let fixed = case.get("expect_fixed").map(canonical);
    have == canonical(&Value::from(expected)) || fixed.is_some_and(|fixed| fixed == have)
}

/// What of a result is compared.
#[derive(PartialEq, Eq)]
enum Canonical {
    LoadError,
    RunError,
    Errors(Vec<String>),
    Steps(Vec<Vec<String>>),
}

fn canonical(result: &Value) -> Canonical {
    let is_set = |name| {
        result
            .get(name)
            .is_some_and(|value: &Value| !value.is_null())
    };
    if is_set("load_error") {
        return Canonical::LoadError;
    }
    if is_set("run_error") {
        return Canonical::RunError;
    }
    match result.get("steps").and_then(Value::as_array) {
        Some(steps) => Canonical::Steps(steps.iter().map(errors).collect()),
        None => Canonical::Errors(result.get("errors").map(errors).unwrap_or_default()),
    }
}

/// The errors as a sorted list of texts that are equal for equal errors.
fn errors(list: &Value) -> Vec<String> {
    let one = |error: &Value| {
        let ranges = error
            .get("ranges")
            .and_then(Value::as_array)
            .unwrap_or_default();
        let ranges: BTreeSet<&str> = ranges.iter().filter_map(Value::as_str).collect();
        let part = |name| error.get(name).map_or(Value::Null, sorted);
        format!("{} {} {ranges:?}", part("args"), part("kwargs"))
    };
    let mut errors: Vec<String> = list
        .as_array()
        .unwrap_or_default()
        .iter()
        .map(one)
        .collect();
    errors.sort();
    errors
}

/// The value with the members of every object in order of name.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::from(items.iter().map(sorted).collect::<Vec<_>>()),
        Value::Object(object) => {
            let members: BTreeMap<_, _> = object.iter().collect();
            let members = members
                .into_iter()
                .map(|(name, value)| (name.clone(), sorted(value)));
            Value::from(members.collect::<Object>())
        }
        scalar => scalar.clone(),
    }
}
