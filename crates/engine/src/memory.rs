//! What a monitor keeps of the past: candidates for binders, and the models of closed quantifiers.

use crate::eval::{Evaluated, Evaluator, Interrupt, RuntimeError};
use crate::program::{Body, Origin};
use crate::record::ModelRanges;
use crate::value::Value;
use portcullis_trace::Range;

/// The candidates of every binder of one body.
#[derive(Debug, Default)]
pub(crate) struct BodyMemory {
    pub(crate) binders: Vec<BinderMemory>,
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
    /// How many were dropped because a line was false for them.
    pub(crate) dropped: u64,
    /// The first line that failed for some candidate.
    pub(crate) first_error: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) value: Value,
    /// Its place among all values of the binder.
    pub(crate) ordinal: u64,
    /// The first of its own lines that is false or fails.
    pub(crate) stop: Option<Stop>,
    keep: bool,
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
    /// How many models are worth keeping with their ranges.
    pub(crate) cap: usize,
    pub(crate) tally: Tally,
    /// The first true models in product order.
    pub(crate) models: Vec<(Vec<u64>, ModelRanges)>,
    pub(crate) marks: Vec<Range>,
    pub(crate) error: Option<RuntimeError>,
    /// The last true model of the current push.
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
        }
    }

    /// Whether the current push brought a candidate that no line excludes.
    pub(crate) fn has_new(&self) -> bool {
        self.binders.iter().any(|binder| {
            binder
                .candidates
                .iter()
                .skip(binder.old)
                .any(|candidate| candidate.stop.is_none())
        })
    }
}

// === impl BinderMemory ===

impl BinderMemory {
    /// Tests a new value against the lines that need nothing else, and stages it.
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
                stop?
            }
            _ => None,
        };
        let excluded = stop.is_some_and(|stop| stop.cause == Cause::False);
        let keep = body.retains && !(excluded && is_droppable(body, binder, stop));
        if let Some(Stop {
            line,
            cause: Cause::Error,
        }) = stop
        {
            self.first_error = Some(self.first_error.map_or(line, |first| first.min(line)));
        }
        self.candidates.push(Candidate {
            value,
            ordinal: self.seen,
            stop,
            keep,
        });
        self.seen += 1;
        Ok(())
    }

    pub(crate) fn commit(&mut self) {
        let before = self.candidates.len();
        let old = self.old;
        let mut index = 0;
        self.candidates.retain(|candidate| {
            index += 1;
            index <= old || candidate.keep
        });
        self.dropped += (before - self.candidates.len()) as u64;
        self.old = self.candidates.len();
        self.seen_old = self.seen;
    }

    pub(crate) fn discard(&mut self) {
        self.candidates.truncate(self.old);
        self.seen = self.seen_old;
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
fn is_droppable(body: &Body, binder: usize, stop: Option<Stop>) -> bool {
    let Some(stop) = stop else { return false };
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
    pub(crate) fn new(cap: usize) -> Self {
        Self {
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
        self.latest = Some(ranges.clone());
        let place = self.models.partition_point(|(other, _)| *other < order);
        if place < self.cap {
            self.before
                .models
                .get_or_insert_with(|| self.models.clone());
            self.models.insert(place, (order, ranges));
            self.models.truncate(self.cap);
        }
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
