//! What a monitor keeps of the past: candidates for binders, and the models of closed quantifiers.

mod closed;

pub(crate) use closed::{ClosedState, FirstModels, Kept, Tally};

use crate::eval::{Evaluated, Evaluator, Interrupt};
use crate::program::{Binder, Body, Lines, Origin};
use crate::value::Value;
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
    seen: u64,
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
    /// Those of its own lines that hold.
    pub(crate) settled: Lines,
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

/// The moment that an evaluation looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Now,
    /// As if the current push had not come.
    Before,
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

    /// Whether the current push brought a candidate that can change what a body of this origin
    /// says: a false line excludes a model, except where one false model is enough.
    pub(crate) fn has_new(&self, origin: Origin) -> bool {
        let matters = |candidate: &Candidate| {
            let excluded = candidate
                .stop
                .is_some_and(|stop| stop.cause == Cause::False);
            origin == Origin::Forall || !excluded
        };
        self.binders
            .iter()
            .any(|binder| binder.candidates.iter().skip(binder.old).any(matters))
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
        value: &Value,
    ) -> Evaluated<()> {
        let mut settled = Lines::NONE;
        let planned = body.binders.get(binder).filter(|_| body.regular);
        let stop = match planned {
            None => Ok(None),
            Some(binder) => {
                settled = binder.declared;
                test(evaluator, body, binder, value, &mut settled)
            }
        };
        let (stop, outcome) = match stop {
            Ok(stop) => (stop, Ok(())),
            Err(exceeded @ Interrupt::Exceeded(_)) => (None, Err(exceeded)),
            Err(other) => return Err(other),
        };
        let fate = match stop {
            Some(stop) if stop.cause == Cause::False && excludes(planned, stop) => Fate::False,
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
                value: value.clone(),
                ordinal: self.seen,
                stop,
                settled,
                fate,
            });
        }
        self.seen += 1;
        outcome
    }

    pub(crate) fn commit(&mut self) {
        if self.seen == self.seen_old {
            return;
        }
        if self.candidates.len() > self.old {
            let is_gone = |candidate: &mut Candidate| candidate.fate != Fate::Kept;
            for gone in self.candidates.extract_if(self.old.., is_gone) {
                self.dropped_false |= gone.fate == Fate::False;
            }
            self.old = self.candidates.len();
        }
        self.seen_old = self.seen;
        self.first_error_old = self.first_error;
    }

    /// How many candidates a commit would leave.
    pub(crate) fn size(&self) -> usize {
        let new = self.candidates.get(self.old..).unwrap_or_default();
        let kept = new.iter().filter(|candidate| candidate.fate == Fate::Kept);
        self.old + kept.count()
    }

    /// How many values the binder had, with those of the current push or without.
    pub(crate) fn seen(&self, when: When) -> u64 {
        match when {
            When::Now => self.seen,
            When::Before => self.seen_old,
        }
    }

    pub(crate) fn discard(&mut self) {
        self.candidates.truncate(self.old);
        self.seen = self.seen_old;
        self.first_error = self.first_error_old;
    }
}

/// Whether no later combination with a value that stopped at a false line can be observed.
fn excludes(binder: Option<&Binder>, stop: Stop) -> bool {
    binder.is_some_and(|binder| binder.excluding.contains(&stop.line))
}

/// What comes of the lines that need the value of one binder only.
fn test(
    evaluator: &mut Evaluator<'_>,
    body: &Body,
    binder: &Binder,
    value: &Value,
    settled: &mut Lines,
) -> Evaluated<Option<Stop>> {
    let Some(first) = binder.alphas.first() else {
        return Ok(None);
    };
    if let Some(tool) = binder.tool
        && evaluator.is_other_call(value, tool)?
    {
        return Ok(Some(Stop {
            line: *first,
            cause: Cause::False,
        }));
    }
    evaluator.clear(body);
    evaluator.set(binder.slot, value.clone());
    let stop = first_stop(evaluator, body, &binder.alphas, settled);
    evaluator.set(binder.slot, Value::Unknown);
    stop
}

/// The first line that is false or fails, and those before it that hold.
fn first_stop(
    evaluator: &mut Evaluator<'_>,
    body: &Body,
    alphas: &[usize],
    settled: &mut Lines,
) -> Evaluated<Option<Stop>> {
    for line in alphas {
        match evaluator.line(body, *line) {
            Ok(Value::Bool(false)) => {
                return Ok(Some(Stop {
                    line: *line,
                    cause: Cause::False,
                }));
            }
            Ok(Value::Bool(true)) => settled.add(*line),
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

impl Body {
    /// Whether the line must be evaluated for every combination for which no earlier one is false.
    pub(crate) fn is_observable(&self, line: usize) -> bool {
        self.lines.get(line).is_some_and(|line| {
            line.traits.fallible || (self.origin == Origin::Forall && line.traits.not_boolean)
        })
    }
}
