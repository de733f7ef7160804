//! How many of how many, with what that leaves open.

use std::fmt;

/// Counts of two yes-or-no questions about the same things.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    all: u32,
    yes: [u32; 2],
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
    fn the_interval_is_wilsons() {
        let (low, high) = interval(8, 10);
        assert!(
            (low - 0.490).abs() < 0.001 && (high - 0.943).abs() < 0.001,
            "{low} {high}"
        );
        assert_eq!(interval(0, 0), (0.0, 1.0));
    }
}
