use std::cell::Cell;
use std::fmt;

/// Bounds on the evaluation of one push. Running into one leaves the check indeterminate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps of evaluation, roughly one for each expression, for each 64 bytes of text searched,
    /// and for a few steps of a regular expression that backtracks; several for each mark in a text,
    /// and for 64 bytes that a detector looks at.
    pub fuel: u64,
    /// How deeply expressions, predicates and quantifiers may be nested while they are evaluated.
    pub depth: u32,
    /// What is kept of the past, over all rules: events and values for later joins, calls that
    /// outputs may still answer, and what `count` lists.
    pub candidates: usize,
    /// Findings of one push.
    pub findings: usize,
}

/// Which bound was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    Fuel,
    Depth,
    Candidates,
    Findings,
}

/// Counts what an evaluation uses up.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    fuel: Cell<u64>,
    depth: Cell<u32>,
}

/// Held while something nested is evaluated.
pub(crate) struct Depth<'a> {
    depth: &'a Cell<u32>,
    levels: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 50_000_000,
            depth: 400,
            candidates: 1_000_000,
            findings: 10_000,
        }
    }
}

// === impl Meter ===

impl Meter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            fuel: Cell::new(limits.fuel),
            depth: Cell::new(0),
        }
    }

    pub(crate) fn refill(&self) {
        self.fuel.set(self.limits.fuel);
    }

    pub(crate) fn fuel_left(&self) -> u64 {
        self.fuel.get()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn burn(&self, steps: u64) -> Result<(), Exceeded> {
        let left = self.fuel.get().checked_sub(steps).ok_or(Exceeded::Fuel)?;
        self.fuel.set(left);
        Ok(())
    }

    /// Pays for reading a text.
    pub(crate) fn burn_text(&self, bytes: usize) -> Result<(), Exceeded> {
        self.burn(bytes as u64 / 64)
    }

    pub(crate) fn enter(&self) -> Result<Depth<'_>, Exceeded> {
        self.burn(1)?;
        self.deepen(1)
    }

    /// Goes down several levels at once: an evaluation that needs more of the stack than one
    /// expression does says so.
    pub(crate) fn deepen(&self, levels: u32) -> Result<Depth<'_>, Exceeded> {
        let deeper = self.depth.get().saturating_add(levels);
        if deeper > self.limits.depth {
            return Err(Exceeded::Depth);
        }
        self.depth.set(deeper);
        Ok(Depth {
            depth: &self.depth,
            levels,
        })
    }
}

impl Drop for Depth<'_> {
    fn drop(&mut self) {
        self.depth.set(self.depth.get().saturating_sub(self.levels));
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Exceeded::Fuel => "the policy needs more evaluation steps than its limit allows",
            Exceeded::Depth => "the policy nests predicates or expressions too deeply",
            Exceeded::Candidates => "the policy keeps more of the session than its limit allows",
            Exceeded::Findings => "the policy has more findings than its limit allows",
        })
    }
}
