//! What the suite found: the status of each check.

use crate::npm::read;
use portcullis_json::{self as json, Limits, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The suite puts the time behind the name of a scenario: `-2026-07-28T00-00-00-000Z`.
const TIME_BYTES: usize = 25;

/// From the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Success,
    /// It does not count: what it asks about was not there, or it only says something.
    Neutral,
    Warning,
    Failure,
}

/// Where a check stands. Scenarios use one id several times, under different names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    scenario: String,
    id: String,
    name: String,
}

/// A check that failed, or that went worse than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shortfall {
    pub(super) scenario: String,
    pub(super) id: String,
    pub(super) what: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Check {
    status: Option<Status>,
    message: String,
}

/// The checks of one run. A check that is made several times counts as its worst.
#[derive(Debug, Default)]
pub(super) struct Results {
    checks: BTreeMap<Place, Check>,
    scenarios: usize,
}

// === impl Results ===

impl Results {
    /// Reads what the suite has left in a folder.
    pub(super) fn read(directory: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
        let mut results = Self::default();
        for entry in fs::read_dir(directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().map(|name| name.to_string_lossy());
            let name = name.unwrap_or_default();
            let length = name.len().saturating_sub(TIME_BYTES);
            let scenario = name.get(..length).unwrap_or_default();
            let scenario = scenario.strip_prefix("server-").unwrap_or(scenario);
            results.add(scenario, &read(&path.join("checks.json"))?)?;
        }
        if results.scenarios == 0 {
            return Err(format!("{}: there are no results", directory.display()));
        }
        Ok(results)
    }

    fn add(&mut self, scenario: &str, checks: &str) -> Result<(), String> {
        let wrong = |what: &str| format!("checks of {scenario}: {what}");
        let checks = json::parse(checks, &Limits::lenient());
        let checks = checks.map_err(|error| wrong(&error.to_string()))?;
        self.scenarios += 1;
        for check in checks.as_array().ok_or_else(|| wrong("no list"))? {
            let text = |member: &str| check.get(member).and_then(Value::as_str);
            let status = text("status").and_then(Status::read);
            let status = status.ok_or_else(|| wrong("an unknown status"))?;
            let place = Place {
                scenario: scenario.to_owned(),
                id: text("id").ok_or_else(|| wrong("no id"))?.to_owned(),
                name: text("name").unwrap_or_default().to_owned(),
            };
            let known = self.checks.entry(place).or_default();
            if known.status < Some(status) {
                known.status = Some(status);
                text("errorMessage")
                    .unwrap_or_default()
                    .clone_into(&mut known.message);
            }
        }
        Ok(())
    }

    pub(super) fn failures(&self) -> Vec<Shortfall> {
        let failed = |check: &Check| check.status >= Some(Status::Warning);
        let checks = self.checks.iter().filter(|(_, check)| failed(check));
        checks
            .map(|(place, check)| place.shortfall(check.describe()))
            .collect()
    }

    /// The checks that have become worse. Not to be made any more is worse than to pass.
    pub(super) fn worse_than(&self, before: &Self) -> Vec<Shortfall> {
        let missing = Check::default();
        let places = self.checks.keys().chain(before.checks.keys());
        let places: BTreeSet<_> = places.collect();
        let shortfall = |place: &Place| {
            let was = before.checks.get(place).unwrap_or(&missing);
            let is = self.checks.get(place).unwrap_or(&missing);
            (is.rank() > was.rank())
                .then(|| place.shortfall(format!("was {}, is {}", was.describe(), is.describe())))
        };
        places.into_iter().filter_map(shortfall).collect()
    }

    pub(super) fn summary(&self) -> String {
        let count = |wanted| {
            let checks = self.checks.values();
            checks.filter(|check| check.status == Some(wanted)).count()
        };
        format!(
            "{} scenarios, {} checks passed, {} warned, {} failed",
            self.scenarios,
            count(Status::Success),
            count(Status::Warning),
            count(Status::Failure)
        )
    }
}

// === impl Status ===

impl Status {
    fn read(text: &str) -> Option<Self> {
        match text {
            "SUCCESS" => Some(Self::Success),
            "INFO" | "SKIPPED" => Some(Self::Neutral),
            "WARNING" => Some(Self::Warning),
            "FAILURE" => Some(Self::Failure),
            _ => None,
        }
    }
}

// === impl Check ===

impl Check {
    fn rank(&self) -> Status {
        self.status.unwrap_or(Status::Neutral)
    }

    fn describe(&self) -> String {
        let status = match self.status {
            Some(Status::Success) => "passed",
            Some(Status::Neutral) => "not counted",
            Some(Status::Warning) => "warned",
            Some(Status::Failure) => "failed",
            None => "not made",
        };
        if self.message.is_empty() {
            status.to_owned()
        } else {
            format!("{status} ({})", self.message)
        }
    }
}

// === impl Place ===

impl Place {
    fn shortfall(&self, what: String) -> Shortfall {
        Shortfall {
            scenario: self.scenario.clone(),
            id: self.id.clone(),
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(scenario: &str, checks: &[(&str, &str)]) -> Results {
        let mut results = Results::default();
        let checks: Vec<_> = checks
            .iter()
            .map(|(id, status)| format!(r#"{{"id":"{id}","name":"N","status":"{status}"}}"#))
            .collect();
        results
            .add(scenario, &format!("[{}]", checks.join(",")))
            .unwrap();
        results
    }

    #[test]
    fn what_passes_must_pass() {
        let before = results(
            "ping",
            &[("a", "SUCCESS"), ("b", "SUCCESS"), ("c", "FAILURE")],
        );
        let after = results("ping", &[("a", "INFO"), ("c", "FAILURE"), ("d", "FAILURE")]);
        let worse: Vec<_> = after
            .worse_than(&before)
            .into_iter()
            .map(|s| s.id)
            .collect();
        assert_eq!(worse, ["a", "b", "d"]);
        assert!(before.worse_than(&before).is_empty());
    }

    #[test]
    fn the_worst_of_several_counts() {
        let results = results("ping", &[("a", "FAILURE"), ("a", "SUCCESS")]);
        assert_eq!(results.failures().len(), 1);
    }

    #[test]
    fn an_unknown_status_is_an_error() {
        let checks = r#"[{"id":"a","name":"N","status":"MAYBE"}]"#;
        assert!(Results::default().add("ping", checks).is_err());
    }
}
