//! The models of quantifiers that use nothing from outside, kept from push to push.

use super::When;
use crate::eval::RuntimeError;
use crate::finding::FailureKind;
use crate::program::{Closed, Listed};
use crate::record::{Collected, ModelRanges, RangeSet};
use portcullis_syntax::Span;
use std::collections::BTreeMap;

/// The models so far of one quantifier.
#[derive(Debug)]
pub(crate) struct ClosedState {
    /// Where the quantifier stands in the policy.
    span: Span,
    tally: Tally,
    /// Whether the models that do not depend on the trace have been counted.
    started: bool,
    /// The ranges of true models.
    pub(crate) kept: Kept,
    pub(crate) marks: RangeSet,
    error: Option<RuntimeError>,
    /// Of the models of the current push that decide, the one that holds the latest event.
    pub(crate) latest: Option<ModelRanges>,
    before: Before,
}

/// What a quantifier decides by.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) true_count: u64,
    pub(crate) any_false: bool,
}

/// The true models that a finding lists.
#[derive(Debug)]
pub(crate) enum Kept {
    Nothing,
    First(FirstModels),
    Every(RangeSet),
}

/// The first true models in product order.
#[derive(Debug, Default)]
pub(crate) struct FirstModels {
    /// How many anybody asks for.
    cap: usize,
    models: BTreeMap<Vec<u64>, ModelRanges>,
}

/// What the current push found, to go back there.
#[derive(Debug, Default)]
struct Before {
    tally: Tally,
    started: bool,
    failed: bool,
    marks: RangeSet,
    every: RangeSet,
    /// What came among the first models, and what left for it, latest change last.
    changes: Vec<Change>,
}

#[derive(Debug)]
struct Change {
    added: Vec<u64>,
    removed: Option<(Vec<u64>, ModelRanges)>,
}

// === impl ClosedState ===

impl ClosedState {
    pub(crate) fn new(closed: &Closed) -> Self {
        let kept = match closed.listed {
            Listed::Nothing => Kept::Nothing,
            Listed::First(cap) => Kept::First(FirstModels::new(cap)),
            Listed::Every => Kept::Every(RangeSet::default()),
        };
        Self {
            span: closed.span,
            tally: Tally::default(),
            started: false,
            kept,
            marks: RangeSet::default(),
            error: None,
            latest: None,
            before: Before::default(),
        }
    }

    /// Begins a push that [`ClosedState::discard`] can undo.
    pub(crate) fn begin(&mut self) {
        let every = match &self.kept {
            Kept::Every(ranges) => ranges.clone(),
            Kept::Nothing | Kept::First(_) => RangeSet::default(),
        };
        self.before = Before {
            tally: self.tally,
            started: self.started,
            failed: self.error.is_some(),
            marks: self.marks.clone(),
            every,
            changes: Vec::new(),
        };
        self.latest = None;
    }

    pub(crate) fn tally(&self, when: When) -> Result<Tally, &RuntimeError> {
        let (tally, failed) = match when {
            When::Now => (self.tally, true),
            When::Before => (self.before.tally, self.before.failed),
        };
        match &self.error {
            Some(error) if failed => Err(error),
            _ => Ok(tally),
        }
    }

    pub(crate) fn is_started(&self) -> bool {
        self.started
    }

    /// How many things it keeps, as they count against the limit.
    pub(crate) fn size(&self) -> usize {
        let kept = match &self.kept {
            Kept::Nothing => 0,
            Kept::First(first) => first.models.len(),
            Kept::Every(ranges) => ranges.len(),
        };
        kept.saturating_add(self.marks.len())
    }

    pub(crate) fn add_true(&mut self, order: Vec<u64>, ranges: ModelRanges) {
        self.tally.true_count += 1;
        if !matches!(self.kept, Kept::Nothing) {
            self.note(&ranges);
        }
        match &mut self.kept {
            Kept::Nothing => {}
            Kept::Every(all) => all.extend(ranges.ranges.own),
            Kept::First(first) => {
                let change = first.add(order, ranges);
                self.before.changes.extend(change);
            }
        }
    }

    pub(crate) fn add_false(&mut self, ranges: &ModelRanges) {
        self.tally.any_false = true;
        if matches!(self.kept, Kept::Nothing) {
            self.note(ranges);
        }
    }

    /// Everything of the current push has been counted.
    pub(crate) fn end(&mut self, marks: Collected) {
        self.started = true;
        self.marks.extend(marks.own);
    }

    pub(crate) fn fail(&mut self, error: RuntimeError) {
        self.error = Some(error);
    }

    /// Says that the models of this push could not be counted, so that nobody relies on the tally.
    pub(crate) fn give_up(&mut self) {
        self.error.get_or_insert_with(|| RuntimeError {
            kind: FailureKind::RuntimeError,
            message: "events before could not be counted within the limits".to_owned(),
            span: self.span,
        });
    }

    pub(crate) fn discard(&mut self) {
        let before = std::mem::take(&mut self.before);
        self.tally = before.tally;
        self.started = before.started;
        self.marks = before.marks;
        match &mut self.kept {
            Kept::Nothing => {}
            Kept::Every(ranges) => *ranges = before.every,
            Kept::First(first) => first.undo(before.changes),
        }
        if !before.failed {
            self.error = None;
        }
        self.latest = None;
    }

    fn note(&mut self, ranges: &ModelRanges) {
        let latest = self.latest.as_ref();
        if latest.is_none_or(|latest| latest.latest <= ranges.latest) {
            self.latest = Some(ranges.clone());
        }
    }
}

// === impl FirstModels ===

impl FirstModels {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            cap,
            models: BTreeMap::new(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ModelRanges> {
        self.models.values()
    }

    /// Takes a model in, if it is one of the first.
    pub(crate) fn insert(&mut self, order: Vec<u64>, ranges: ModelRanges) {
        self.add(order, ranges);
    }

    fn add(&mut self, order: Vec<u64>, ranges: ModelRanges) -> Option<Change> {
        let mut removed = None;
        if self.models.len() >= self.cap {
            if self
                .models
                .last_key_value()
                .is_none_or(|(last, _)| *last < order)
            {
                return None;
            }
            removed = self.models.pop_last();
        }
        self.models.insert(order.clone(), ranges);
        Some(Change {
            added: order,
            removed,
        })
    }

    fn undo(&mut self, changes: Vec<Change>) {
        for change in changes.into_iter().rev() {
            self.models.remove(&change.added);
            self.models.extend(change.removed);
        }
    }
}
