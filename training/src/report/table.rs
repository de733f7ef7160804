//! Parts of counts, in rows of Markdown.

use std::collections::BTreeMap;
use std::fmt;

/// Rows by their names, each with how many of its texts passed what.
#[derive(Debug, Default)]
pub(crate) struct Table(BTreeMap<[String; 3], Counts>);

#[derive(Debug, Default)]
struct Counts {
    all: u32,
    passed: Vec<u32>,
}

// === impl Table ===

impl Table {
    pub(crate) fn count(&mut self, row: [&str; 3], passed: &[bool]) {
        let one = Counts {
            all: 1,
            passed: passed.iter().copied().map(u32::from).collect(),
        };
        self.0.entry(row.map(str::to_owned)).or_default().add(&one);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (row, counts) in &other.0 {
            self.0.entry(row.clone()).or_default().add(counts);
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ([source, kind, label], counts) in &self.0 {
            write!(f, "| {source} | {kind} | {label} | {} |", counts.all)?;
            for passed in &counts.passed {
                let part = f64::from(*passed) / f64::from(counts.all.max(1));
                write!(f, " {part:.4} |")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

// === impl Counts ===

impl Counts {
    fn add(&mut self, other: &Self) {
        self.all += other.all;
        let columns = self.passed.len().max(other.passed.len());
        self.passed.resize(columns, 0);
        for (sum, passed) in self.passed.iter_mut().zip(&other.passed) {
            *sum += passed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_several_models_are_one() {
        let mut table = Table::default();
        table.count(["a", "doc", "benign"], &[true, false]);
        let mut other = Table::default();
        other.count(["a", "doc", "benign"], &[false, false]);
        other.count(["b", "doc", "benign"], &[true, true]);
        table.add(&other);
        assert_eq!(
            table.to_string(),
            "| a | doc | benign | 2 | 0.5000 | 0.0000 |\n| b | doc | benign | 1 | 1.0000 | 1.0000 |\n"
        );
    }
}
