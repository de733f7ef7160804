//! How many of how many, with what that leaves open.

use std::fmt;

/// Counts of two yes-or-no questions about the same things.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    all: u32,
    yes: [u32; 2],
}

/// How far findings and truths are the same.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Agreement {
    pub(crate) found: u32,
    pub(crate) missed: u32,
    pub(crate) wrong: u32,
}

/// The normal quantile of a 95 % interval.
const QUANTILE: f64 = 1.96;

// === impl Tally ===

impl Tally {
    pub(crate) fn count(&mut self, answers: [bool; 2]) {
        self.all += 1;
        for (count, answer) in self.yes.iter_mut().zip(answers) {
            *count += u32::from(answer);
        }
    }

    pub(crate) fn json(&self, title: &str, what: &str, kind: &str) -> String {
        let text = |it: &str| portcullis_json::write(&portcullis_json::Value::from(it.to_owned()));
        let [first, second] = self.yes;
        format!(
            "{{\"table\":{},\"what\":{},\"kind\":{},\"all\":{},\"first\":{first},\"second\":{second}}}",
            text(title),
            text(what),
            text(kind),
            self.all
        )
    }
}

// === impl Agreement ===

impl Agreement {
    pub(crate) fn count(&mut self, is_true: bool, is_found: bool) {
        match (is_true, is_found) {
            (true, true) => self.found += 1,
            (true, false) => self.missed += 1,
            (false, true) => self.wrong += 1,
            (false, false) => {}
        }
    }

    /// F1 with its interval: `2p / (1 + p)` of the part `p` that is found of all that is found,
    /// missed or wrong, which is a plain proportion.
    pub(crate) fn f1(&self) -> (f64, f64, f64) {
        let all = self.found + self.missed + self.wrong;
        let (low, high) = interval(self.found, all);
        let f1 = |part: f64| 2.0 * part / (1.0 + part);
        let part = f64::from(self.found) / f64::from(all.max(1));
        (f1(part), f1(low), f1(high))
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            found,
            missed,
            wrong,
        } = *self;
        let part = |of: u32| f64::from(found) / f64::from((found + of).max(1));
        let (f1, low, high) = self.f1();
        let (precision, recall) = (part(wrong), part(missed));
        write!(
            f,
            "{found} | {missed} | {wrong} | {precision:.3} | {recall:.3} | {f1:.3} | {low:.3}–{high:.3}"
        )
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.all)?;
        for yes in self.yes {
            let part = f64::from(yes) / f64::from(self.all.max(1));
            let (low, high) = interval(yes, self.all);
            write!(f, " | {part:.3} | {low:.3}–{high:.3}")?;
        }
        Ok(())
    }
}

/// Wilson's interval for the part that `yes` is of `all`.
fn interval(yes: u32, all: u32) -> (f64, f64) {
    if all == 0 {
        return (0.0, 1.0);
    }
    let (yes, all) = (f64::from(yes), f64::from(all));
    let part = yes / all;
    let squared = QUANTILE * QUANTILE;
    let middle = (part + squared / (2.0 * all)) / (1.0 + squared / all);
    let spread = part * (1.0 - part) / all + squared / (4.0 * all * all);
    let half = QUANTILE / (1.0 + squared / all) * spread.sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_is_the_harmonic_mean() {
        let agreement = Agreement {
            found: 6,
            missed: 2,
            wrong: 4,
        };
        let (precision, recall) = (0.6, 0.75);
        let (f1, low, high) = agreement.f1();
        let mean = 2.0 * precision * recall / (precision + recall);
        assert!((f1 - mean).abs() < 1e-9, "{f1} {mean}");
        assert!(low < f1 && f1 < high);
        assert_eq!(Agreement::default().f1(), (0.0, 0.0, 1.0));
    }

    #[test]
    fn the_interval_is_wilsons() {
        let (low, high) = interval(8, 10);
        assert!(
            (low - 0.490).abs() < 0.001 && (high - 0.943).abs() < 0.001,
            "{low} {high}"
        );
        assert_eq!(interval(0, 0), (0.0, 1.0));
    }
}
