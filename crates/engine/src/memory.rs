//! What a monitor keeps of the past: candidates for binders, and the models of closed quantifiers.

use crate::eval::{Evaluated, Evaluator, Interrupt, RuntimeError};
use crate::program::{Body, Origin};
use crate::record::ModelRanges;
use crate::value::Value;
use portcullis_syntax::Span;
use portcullis_trace::Range;
use std::cell::Cell;

/// The candidates of every binder of one body.
#[derive(Debug, Default)]
pub(crate) struct BodyMemory {
    pub(crate) binders: Vec<BinderMemory>,
    /// Set once a steady body, with no variable bound, was found to wait for the trace and nothing
    /// else, so that it need not be evaluated like that again.
    pub(crate) waits: Cell<bool>,
}

/// The values that one binder may take, oldest first. Those of the current push stand at the end.
#[derive(Debug, Default)]
pub(crate) struct BinderMemory {
    pub(crate) candidates: Vec<Candidate>,
    /// Where the current push begins.
    pub(crate) old: usize,
    /// How many values the binder had, those that were dropped included.
    pub(crate) seen: u64,
    seen_old: u64,
    /// Whether some were dropped with which every combination is false.
    pub(crate) dropped_false: bool,
    /// The first line that failed for some candidate.
    pub(crate) first_error: Option<usize>,
    first_error_old: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) value: Value,
    /// Its place among all values of the binder.
    pub(crate) ordinal: u64,
    /// The first of its own lines that is false or fails.
    pub(crate) stop: Option<Stop>,
    fate: Fate,
}

/// What becomes of a candidate once its push is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept,
    /// Every combination with it is false, and none of them needs to be looked at.
    False,
    /// No later combination can hold it.
    Spent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) line: usize,
    pub(crate) cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    False,
    Error,
}

/// The models so far of a quantifier that captures nothing.
#[derive(Debug, Default)]
pub(crate) struct ClosedState {
    /// Where the quantifier stands in the policy.
    span: Span,
    /// How many models are worth keeping with their ranges.
    pub(crate) cap: usize,
    pub(crate) tally: Tally,
    /// The first true models in product order.
    pub(crate) models: Vec<(Vec<u64>, ModelRanges)>,
    pub(crate) marks: Vec<Range>,
    pub(crate) error: Option<RuntimeError>,
    /// The true model of the current push that holds the latest event.
    pub(crate) latest: Option<ModelRanges>,
    before: Before,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) true_count: u64,
    pub(crate) any_false: bool,
    /// Whether the models that do not depend on the trace have been counted.
    pub(crate) started: bool,
}

/// What the current push found, to go back there.
#[derive(Debug, Default)]
struct Before {
    tally: Tally,
    /// Only if the push changed them.
    models: Option<Vec<(Vec<u64>, ModelRanges)>>,
    marks: usize,
    failed: bool,
}

// === impl BodyMemory ===

impl BodyMemory {
    pub(crate) fn new(body: &Body) -> Self {
        Self {
            binders: body
                .binders
                .iter()
                .map(|_| BinderMemory::default())
                .collect(),
            waits: Cell::new(false),
        }
    }

    /// Whether the current push can have no outcome for a body without quantifiers.
    pub(crate) fn is_idle(&self) -> bool {
        let is_old = |binder: &BinderMemory| binder.candidates.len() == binder.old;
        self.waits.get() && self.binders.iter().all(is_old)
    }

    /// Whether the current push brought a candidate that no false line excludes.
    pub(crate) fn has_new(&self) -> bool {
        self.binders.iter().any(|binder| {
            binder
                .candidates
                .iter()
                .skip(binder.old)
                .any(|candidate| candidate.stop.is_none_or(|stop| stop.cause == Cause::Error))
        })
    }
}

// === impl BinderMemory ===

impl BinderMemory {
    /// Tests a new value against the lines that need nothing else, and stages it.
    ///
    /// If a limit ends the test, the value is staged untested: that costs time later, and changes
    /// no result.
    pub(crate) fn stage(
        &mut self,
        evaluator: &mut Evaluator<'_>,
        body: &Body,
        binder: usize,
        value: Value,
    ) -> Evaluated<()> {
        let stop = match body.binders.get(binder) {
            Some(binder) if body.regular => {
                evaluator.set(binder.slot, value.clone());
                let stop = first_stop(evaluator, body, &binder.alphas);
                evaluator.set(binder.slot, Value::Unknown);
                stop
            }
            _ => Ok(None),
        };
        let (stop, outcome) = match stop {
            Ok(stop) => (stop, Ok(())),
            Err(exceeded @ Interrupt::Exceeded(_)) => (None, Err(exceeded)),
            Err(other) => return Err(other),
        };
        let fate = match stop {
            Some(stop) if stop.cause == Cause::False && is_droppable(body, binder, stop) => {
                Fate::False
            }
            _ if body.retains => Fate::Kept,
            _ => Fate::Spent,
        };
        if let Some(Stop {
            line,
            cause: Cause::Error,
        }) = stop
        {
            self.first_error = Some(self.first_error.map_or(line, |first| first.min(line)));
        }
        // Only `forall` asks whether a value was ever false.
        if fate != Fate::False || body.origin == Origin::Forall {
            self.candidates.push(Candidate {
                value,
                ordinal: self.seen,
                stop,
                fate,
            });
        }
        self.seen += 1;
        outcome
    }

    pub(crate) fn commit(&mut self) {
        let new = self.candidates.get(self.old..).unwrap_or_default();
        if new.iter().any(|candidate| candidate.fate != Fate::Kept) {
            self.dropped_false |= new.iter().any(|candidate| candidate.fate == Fate::False);
            let new: Vec<_> = self.candidates.drain(self.old..).collect();
            let kept = |candidate: &Candidate| candidate.fate == Fate::Kept;
            self.candidates.extend(new.into_iter().filter(kept));
        }
        self.old = self.candidates.len();
        self.seen_old = self.seen;
        self.first_error_old = self.first_error;
    }

    pub(crate) fn discard(&mut self) {
        self.candidates.truncate(self.old);
        self.seen = self.seen_old;
        self.first_error = self.first_error_old;
    }
}

fn first_stop(
    evaluator: &mut Evaluator<'_>,
    body: &Body,
    alphas: &[usize],
) -> Evaluated<Option<Stop>> {
    for line in alphas {
        match evaluator.line(body, *line) {
            Ok(Value::Bool(false)) => {
                return Ok(Some(Stop {
                    line: *line,
                    cause: Cause::False,
                }));
            }
            Ok(_) => {}
            Err(Interrupt::Error(_)) => {
                return Ok(Some(Stop {
                    line: *line,
                    cause: Cause::Error,
                }));
            }
            Err(other) => return Err(other),
        }
    }
    Ok(None)
}

/// Whether no later combination with a value that stopped at a false line can be observed.
fn is_droppable(body: &Body, binder: usize, stop: Stop) -> bool {
    let before = |line: usize| line < stop.line;
    let marks =
        body.origin != Origin::Rule && body.first_marking.is_some_and(|first| first <= stop.line);
    let neither = body.origin == Origin::Forall
        && body
            .lines
            .iter()
            .take(stop.line)
            .any(|line| line.traits.not_boolean);
    let watched = body.watched.iter().any(|line| before(*line));
    let joins = body
        .joins
        .iter()
        .any(|join| join.observable && before(join.line));
    let others = body
        .binders
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != binder);
    let mut alphas = others
        .flat_map(|(_, other)| &other.alphas)
        .filter(|line| before(**line));
    let alphas = alphas.any(|line| body.is_observable(*line));
    !(marks || neither || watched || joins || alphas)
}

// === impl ClosedState ===

impl ClosedState {
    pub(crate) fn new(cap: usize, span: Span) -> Self {
        Self {
            span,
            cap,
            ..Self::default()
        }
    }

    /// Begins a push that [`ClosedState::discard`] can undo.
    pub(crate) fn begin(&mut self) {
        let failed = self.error.is_some();
        self.before = Before {
            tally: self.tally,
            models: None,
            marks: self.marks.len(),
            failed,
        };
        self.latest = None;
    }

    pub(crate) fn add_true(&mut self, order: Vec<u64>, ranges: ModelRanges) {
        self.tally.true_count += 1;
        if self
            .latest
            .as_ref()
            .is_none_or(|latest| latest.latest <= ranges.latest)
        {
            self.latest = Some(ranges.clone());
        }
        let place = self.models.partition_point(|(other, _)| *other < order);
        if place < self.cap {
            self.before
                .models
                .get_or_insert_with(|| self.models.clone());
            self.models.insert(place, (order, ranges));
            self.models.truncate(self.cap);
        }
    }

    /// Says that the models of this push could not be counted, so that nobody relies on the tally.
    pub(crate) fn give_up(&mut self) {
        self.error.get_or_insert_with(|| RuntimeError {
            message: "events before could not be counted within the limits".to_owned(),
            span: self.span,
        });
    }

    pub(crate) fn discard(&mut self) {
        self.tally = self.before.tally;
        if let Some(models) = self.before.models.take() {
            self.models = models;
        }
        self.marks.truncate(self.before.marks);
        if !self.before.failed {
            self.error = None;
        }
        self.latest = None;
    }
}

impl Body {
    /// Whether the line must be evaluated for every combination for which no earlier one is false.
    pub(crate) fn is_observable(&self, line: usize) -> bool {
        self.lines.get(line).is_some_and(|line| {
            line.traits.fallible || (self.origin == Origin::Forall && line.traits.not_boolean)
        })
    }
}
