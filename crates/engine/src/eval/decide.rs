//! What predicates and quantifiers say of the assignments of their bodies.

use super::quantify::Sources;
use super::{Evaluated, Evaluator, Interrupt, error};
use crate::memory::{ClosedState, FirstModels, Kept, Tally, When};
use crate::modules::Function;
use crate::program::Quantifier;
use crate::record::ModelRanges;
use crate::value::Value;
use portcullis_syntax::Span;
use portcullis_trace::Range;
use std::ops::ControlFlow;

/// What a `count` was given.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    min: Option<i64>,
    max: Option<i64>,
}

/// What decides a `count`.
#[derive(Clone, Copy, Debug)]
enum Reached {
    /// There are so many models that it is true, or that it is false.
    Many(bool),
    /// There are so few.
    Few(bool),
}

/// What new events have to do with the models that are true and with those that are not.
#[derive(Default)]
struct Counted {
    holding: Vec<Range>,
    failing: Vec<Range>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn predicate(
        &mut self,
        number: usize,
        arguments: &[Value],
        span: Span,
    ) -> Evaluated {
        let program = self.world.program;
        let Some(predicate) = program.predicates.get(number) else {
            return Ok(Value::Unknown);
        };
        if arguments.len() < predicate.parameters {
            let plural = if predicate.parameters == 1 { "" } else { "s" };
            let message = format!(
                "`{}` takes {} argument{plural} by position, and got {}",
                predicate.name,
                predicate.parameters,
                arguments.len(),
            );
            return Err(error(message, span));
        }
        let recorder = self.recorder.child();
        let mut inner = Evaluator::new(self.world, predicate.frame.names.len(), recorder);
        for (slot, argument) in arguments.iter().take(predicate.parameters).enumerate() {
            inner.set(slot, argument.clone());
        }
        let mut any = false;
        let mut counted = Counted::default();
        let sources = self.world.when.sources();
        let flow = inner.enumerate(predicate.body, sources, None, &mut |_, model| {
            any |= model.holds;
            if model.holds {
                counted.holding.extend(model.ranges.witness().cloned());
            } else {
                counted.failing.extend(model.ranges.counted);
            }
            Ok(ControlFlow::Continue(()))
        });
        self.recorder.adopt_marks(inner.recorder);
        self.recorder.note_counted(counted.of(any));
        flow.map(|_| Value::Bool(any))
    }

    pub(super) fn quantifier(&mut self, quantifier: &Quantifier, span: Span) -> Evaluated {
        let head = match self.evaluate(&quantifier.head)? {
            Value::Function(Function::Count) => Value::Count {
                min: None,
                max: None,
            },
            Value::Function(Function::Forall) => Value::Forall,
            head => head,
        };
        if quantifier.captured.iter().any(|slot| !self.is_bound(*slot)) {
            return Ok(Value::Unknown);
        }
        match head {
            Value::Forall => self.forall(quantifier),
            Value::Count { min, max } => self.count(quantifier, Bounds { min, max }),
            Value::Unknown => Ok(Value::Unknown),
            other => Err(error(
                format!("{} is no quantifier", other.kind_name()),
                span,
            )),
        }
    }

    fn forall(&mut self, quantifier: &Quantifier) -> Evaluated {
        if let Some(state) = self.closed(quantifier) {
            let any_false = self.tally(state)?.any_false;
            self.recorder.share_marks(&state.marks);
            let witness = state.latest.iter().flat_map(ModelRanges::witness);
            self.recorder.note_counted(witness.cloned());
            return Ok(Value::Bool(!any_false));
        }
        let mut any_false = false;
        let mut counted = Counted::default();
        let sources = self.world.when.sources();
        let walked = self.enumerate(quantifier.body, sources, None, &mut |_, model| {
            any_false |= !model.holds;
            if model.holds {
                counted.holding.extend(model.ranges.counted);
            } else {
                counted.failing.extend(model.ranges.witness().cloned());
            }
            Ok(ControlFlow::Continue(()))
        });
        self.recorder.note_counted(counted.of(!any_false));
        walked.map(|_| Value::Bool(!any_false))
    }

    fn count(&mut self, quantifier: &Quantifier, bounds: Bounds) -> Evaluated {
        let Some(state) = self.closed(quantifier) else {
            return self.count_models(quantifier, bounds);
        };
        let reached = bounds.reached(self.tally(state)?.true_count);
        self.recorder.share_marks(&state.marks);
        match &state.kept {
            Kept::Nothing => {}
            Kept::Every(objects) => self.recorder.share_objects(objects),
            Kept::First(first) => {
                let wanted = models_wanted(bounds.min, bounds.max);
                first
                    .up_to(wanted)
                    .for_each(|model| self.recorder.add_objects(model));
            }
        }
        if let (Reached::Many(_), Some(latest)) = (reached, &state.latest) {
            self.recorder.note_counted(latest.witness().cloned());
        }
        Ok(reached.value())
    }

    /// A `count` whose body uses variables from outside.
    fn count_models(&mut self, quantifier: &Quantifier, bounds: Bounds) -> Evaluated {
        let wanted = models_wanted(bounds.min, bounds.max);
        let mut first = FirstModels::new(wanted);
        let mut total: u64 = 0;
        let mut latest: Option<ModelRanges> = None;
        let mut counted = Counted::default();
        let may_stop = !self.recorder.is_on() && wanted < usize::MAX && self.is_quiet(quantifier);
        let sources = self.world.when.sources();
        let walked = self.enumerate(quantifier.body, sources, None, &mut |_, model| {
            if model.holds {
                total += 1;
                counted.holding.extend(model.ranges.counted.iter().cloned());
                let known = latest.as_ref();
                if known.is_none_or(|known| known.latest <= model.ranges.latest) {
                    latest = Some(model.ranges.clone());
                }
                first.insert(model.order, model.ranges);
            } else {
                counted.failing.extend(model.ranges.counted);
            }
            let enough = may_stop && total >= wanted as u64;
            Ok(if enough {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        });
        first
            .up_to(wanted)
            .for_each(|model| self.recorder.add_objects(model));
        let reached = bounds.reached(total);
        match reached {
            Reached::Many(_) => {
                counted
                    .holding
                    .extend(latest.iter().flat_map(ModelRanges::witness).cloned());
                self.recorder.note_counted(counted.holding);
            }
            Reached::Few(_) => self.recorder.note_counted(counted.failing),
        }
        walked.map(|_| reached.value())
    }

    /// Whether no evaluation of the body can fail, so that the rest of it need not be seen.
    fn is_quiet(&self, quantifier: &Quantifier) -> bool {
        let body = self.world.program.bodies.get(quantifier.body);
        body.is_some_and(|body| !body.lines.iter().any(|line| line.traits.fallible))
    }

    fn closed(&self, quantifier: &Quantifier) -> Option<&'a ClosedState> {
        let number = quantifier.closed?;
        self.world.closed.get(number)
    }

    fn tally(&self, state: &ClosedState) -> Evaluated<Tally> {
        let tally = state.tally(self.world.when);
        tally.map_err(|error| Interrupt::Error(Box::new(error.clone())))
    }
}

/// How many true models a `count` looks at before it knows its answer.
pub(crate) fn models_wanted(min: Option<i64>, max: Option<i64>) -> usize {
    match (min, max) {
        (_, Some(max)) => usize::try_from(max.saturating_add(1).max(0)).unwrap_or(usize::MAX),
        (Some(min), None) => usize::try_from(min.max(0)).unwrap_or(usize::MAX),
        (None, None) => usize::MAX,
    }
}

// === impl When ===

impl When {
    /// Everything that there was at that moment.
    fn sources(self) -> Sources {
        match self {
            When::Now => Sources::All,
            When::Before => Sources::Old,
        }
    }
}

// === impl Bounds ===

impl Bounds {
    /// `count(min=3)` and `not count(max=2)` say the same, and one model more matters to both.
    fn reached(self, total: u64) -> Reached {
        let total = i64::try_from(total).unwrap_or(i64::MAX);
        let too_many = self.max.is_some_and(|max| total > max);
        match self.min {
            _ if too_many => Reached::Many(false),
            Some(min) if total < min => Reached::Few(false),
            Some(_) => Reached::Many(true),
            None => Reached::Few(true),
        }
    }
}

// === impl Reached ===

impl Reached {
    fn value(self) -> Value {
        match self {
            Reached::Many(value) | Reached::Few(value) => Value::Bool(value),
        }
    }
}

// === impl Counted ===

impl Counted {
    fn of(self, holds: bool) -> Vec<Range> {
        if holds { self.holding } else { self.failing }
    }
}
