//! The differences that are known, with their reasons.

use super::results::Shortfall;
use crate::npm::read;
use std::collections::BTreeSet;
use std::path::Path;

const LIST: &str = "tests/conformance/known-differences.txt";

/// Whose difference it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// The server fails the check by itself.
    Direct,
    /// The check goes worse through the gateway.
    Gateway,
}

/// A check that does not go as it should.
pub(super) struct Difference {
    entry: Entry,
    what: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    side: Side,
    requirements: String,
    scenario: String,
    id: String,
}

/// The list: a side, a set of requirements, a scenario, a check and a reason a line.
pub(super) struct Known(BTreeSet<Entry>);

// === impl Difference ===

impl Difference {
    pub(super) fn new(side: Side, requirements: &str, shortfall: Shortfall) -> Self {
        Self {
            entry: Entry {
                side,
                requirements: requirements.to_owned(),
                scenario: shortfall.scenario,
                id: shortfall.id,
            },
            what: shortfall.what,
        }
    }
}

// === impl Known ===

impl Known {
    pub(super) fn load(root: &Path) -> Result<Self, String> {
        Self::read(&read(&root.join(LIST))?)
    }

    fn read(text: &str) -> Result<Self, String> {
        let is_entry = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
        let lines = text.lines().filter(is_entry);
        Ok(Self(lines.map(Entry::read).collect::<Result<_, _>>()?))
    }

    /// What nobody has expected: differences that are not in the list, and the reverse.
    pub(super) fn judge(&self, found: &[Difference]) -> Vec<String> {
        let unlisted = found
            .iter()
            .filter(|difference| !self.0.contains(&difference.entry))
            .map(|difference| format!("{}: {}", difference.entry.describe(), difference.what));
        let unneeded = self
            .0
            .iter()
            .filter(|entry| !found.iter().any(|difference| difference.entry == **entry))
            .map(|entry| format!("{}: it passes: take it off {LIST}", entry.describe()));
        unlisted.chain(unneeded).collect()
    }
}

// === impl Entry ===

impl Entry {
    fn read(line: &str) -> Result<Self, String> {
        let mut words = line.splitn(5, ' ');
        let mut next = || words.next().filter(|word| !word.is_empty());
        let side = match next() {
            Some("direct") => Some(Side::Direct),
            Some("gateway") => Some(Side::Gateway),
            _ => None,
        };
        match (side, next(), next(), next(), next()) {
            (Some(side), Some(requirements), Some(scenario), Some(id), Some(_reason)) => Ok(Self {
                side,
                requirements: requirements.to_owned(),
                scenario: scenario.to_owned(),
                id: id.to_owned(),
            }),
            _ => Err(format!(
                "{LIST}: `{line}` is not a side, requirements, a scenario, a check and a reason"
            )),
        }
    }

    fn describe(&self) -> String {
        let side = match self.side {
            Side::Direct => "direct",
            Side::Gateway => "gateway",
        };
        format!("{side} {} {} {}", self.requirements, self.scenario, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(id: &str) -> Difference {
        let shortfall = Shortfall {
            scenario: "ping".to_owned(),
            id: id.to_owned(),
            what: "failed".to_owned(),
        };
        Difference::new(Side::Gateway, "2025-11-25", shortfall)
    }

    #[test]
    fn the_list_is_strict_both_ways() {
        let known = Known::read("# why\ngateway 2025-11-25 ping a because it is so\n").unwrap();
        assert!(known.judge(&[difference("a")]).is_empty());
        assert_eq!(known.judge(&[difference("b")]).len(), 2);
    }

    #[test]
    fn an_entry_needs_a_reason() {
        assert!(Known::read("gateway 2025-11-25 ping a").is_err());
        assert!(Known::read("elsewhere 2025-11-25 ping a reason").is_err());
    }
}
