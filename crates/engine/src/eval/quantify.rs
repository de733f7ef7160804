//! Enumeration of the assignments of a body, and what is built on it: predicates and quantifiers.

mod join;

use super::{Domain, Evaluated, Evaluator, Interrupt, Offer, Verdict, error};
use crate::memory::{ClosedState, FirstModels, Kept, Tally, When};
use crate::modules::Function;
use crate::program::{Body, BodyId, Expr, Origin, Quantifier, Slot};
use crate::record::{ModelRanges, Recorder};
use crate::value::Value;
use portcullis_syntax::Span;
use portcullis_trace::Range;
use std::mem;
use std::ops::ControlFlow;

/// Which combinations of candidates to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sources {
    All,
    /// Those that hold at least one value of the current push.
    New,
    /// Those that hold none.
    Old,
}

/// A complete assignment; the values are in the frame.
pub(crate) struct Model {
    pub(crate) holds: bool,
    /// Empty unless the evaluation records.
    pub(crate) ranges: ModelRanges,
    /// Its place in the product order.
    pub(crate) order: Vec<u64>,
    /// Whether a binder of the whole trace has a value.
    pub(crate) is_of_trace: bool,
}

/// How many expressions nested in each other need as much of the stack as one enumeration does,
/// its binders not counted.
const ENUMERATION_LEVELS: u32 = 8;

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

type Visit<'v, 'a> = dyn FnMut(&mut Evaluator<'a>, Model) -> Evaluated<ControlFlow<()>> + 'v;

/// One walk through the assignments of a body.
struct Walk<'w, 'a> {
    body: &'w Body,
    id: BodyId,
    sources: Sources,
    /// The error expression that must have a value before a model of a rule is complete.
    error: Option<&'w Expr>,
    order: Vec<u64>,
    /// Whether the binders of the whole trace are bound.
    is_of_trace: bool,
    visit: &'w mut Visit<'w, 'a>,
}

impl<'a> Evaluator<'a> {
    /// Visits every assignment of a body that makes it true or false.
    pub(crate) fn enumerate(
        &mut self,
        id: BodyId,
        sources: Sources,
        error: Option<&Expr>,
        visit: &mut Visit<'_, 'a>,
    ) -> Evaluated<ControlFlow<()>> {
        let program = self.world.program;
        let Some(body) = program.bodies.get(id) else {
            return Ok(ControlFlow::Continue(()));
        };
        let binders = u32::try_from(body.binders.len()).unwrap_or(u32::MAX);
        let levels = ENUMERATION_LEVELS.saturating_add(binders);
        let depth = self.world.meter.deepen(levels);
        let _depth = depth.map_err(Interrupt::Exceeded)?;
        let outer = mem::take(&mut self.offers);
        for slot in &body.variables {
            self.set(*slot, Value::Unknown);
        }
        let mut walk = Walk {
            body,
            id,
            sources,
            error,
            order: Vec::new(),
            is_of_trace: false,
            visit,
        };
        let flow = walk.first_round(self);
        for slot in &body.variables {
            self.set(*slot, Value::Unknown);
        }
        self.offers = outer;
        flow
    }

    pub(super) fn predicate(
        &mut self,
        number: usize,
        arguments: Vec<Value>,
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
        for (slot, argument) in arguments.into_iter().take(predicate.parameters).enumerate() {
            inner.set(slot, argument);
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
                    .iter()
                    .take(wanted)
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
            .iter()
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
        tally.map_err(|error| Interrupt::Error(error.clone()))
    }

    /// All lines under the current assignment, recorded on their own.
    fn settle(&mut self, body: &Body) -> Evaluated<(Verdict, ModelRanges, Vec<Offer>)> {
        let child = self.recorder.child();
        let outer = mem::replace(&mut self.recorder, child);
        let verdict = self.conjunction(body);
        let inner = mem::replace(&mut self.recorder, outer);
        let verdict = verdict?;
        let ranges = if inner.is_on() && matches!(verdict, Verdict::True | Verdict::False) {
            inner.model(&self.values(body))
        } else {
            ModelRanges::default()
        };
        self.recorder.adopt_marks(inner);
        Ok((verdict, ranges, mem::take(&mut self.offers)))
    }

    /// The values of the body's variables that have one.
    pub(crate) fn values(&self, body: &Body) -> Vec<Value> {
        let values = body.variables.iter().map(|slot| self.local(*slot));
        values.filter(|value| !value.is_unknown()).collect()
    }

    /// Runs an evaluation whose marks nobody wants.
    fn unrecorded<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let outer = mem::replace(&mut self.recorder, Recorder::OFF);
        let result = run(self);
        self.recorder = outer;
        result
    }
}

/// How many true models a `count` looks at before it knows its answer.
pub(crate) fn models_wanted(min: Option<i64>, max: Option<i64>) -> usize {
    match (min, max) {
        (_, Some(max)) => usize::try_from(max.saturating_add(1).max(1)).unwrap_or(usize::MAX),
        (Some(min), None) => usize::try_from(min.max(1)).unwrap_or(usize::MAX),
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

// === impl Walk ===

impl<'a> Walk<'_, 'a> {
    fn first_round(&mut self, evaluator: &mut Evaluator<'a>) -> Evaluated<ControlFlow<()>> {
        let memory = evaluator.world.memories.get(self.id);
        if memory.is_some_and(|memory| memory.waits.get()) {
            return self.join(evaluator, Vec::new());
        }
        match self.settle(evaluator)? {
            Settled::Done(flow) => Ok(flow),
            Settled::Offers(offers) if self.body.regular => {
                let waits = self.body.steady
                    && offers
                        .iter()
                        .all(|offer| matches!(offer.domain, Domain::Trace));
                if let (true, Some(memory)) = (waits, memory) {
                    memory.waits.set(true);
                }
                self.join(evaluator, offers)
            }
            Settled::Offers(offers) => self.round(evaluator, offers),
        }
    }

    /// Evaluates the body; a definite outcome is visited.
    fn settle(&mut self, evaluator: &mut Evaluator<'a>) -> Evaluated<Settled> {
        let (verdict, ranges, offers) = evaluator.settle(self.body)?;
        let holds = match verdict {
            Verdict::True if self.is_ready(evaluator)? => true,
            Verdict::False => false,
            _ if offers.is_empty() => return Ok(Settled::Done(ControlFlow::Continue(()))),
            _ => return Ok(Settled::Offers(offers)),
        };
        let model = Model {
            holds,
            ranges,
            order: self.order.clone(),
            is_of_trace: self.is_of_trace,
        };
        (self.visit)(evaluator, model).map(Settled::Done)
    }

    fn is_ready(&self, evaluator: &mut Evaluator<'a>) -> Evaluated<bool> {
        match self.error {
            None => Ok(true),
            Some(error) => {
                let value = evaluator.unrecorded(|evaluator| evaluator.evaluate(error))?;
                Ok(!value.is_unknown())
            }
        }
    }

    /// Goes through the product of the offered domains.
    fn round(
        &mut self,
        evaluator: &mut Evaluator<'a>,
        offers: Vec<Offer>,
    ) -> Evaluated<ControlFlow<()>> {
        let domains = offers.into_iter().map(|offer| {
            let values = match offer.domain {
                Domain::Values(values) => values,
                Domain::Trace => self.whole_trace(evaluator, offer.slot),
            };
            (offer.slot, values)
        });
        let domains: Vec<_> = domains.collect();
        self.choose(evaluator, &domains)
    }

    fn choose(
        &mut self,
        evaluator: &mut Evaluator<'a>,
        domains: &[(Slot, Vec<Value>)],
    ) -> Evaluated<ControlFlow<()>> {
        let Some(((slot, values), rest)) = domains.split_first() else {
            return match self.settle(evaluator)? {
                Settled::Done(flow) => Ok(flow),
                Settled::Offers(offers) => {
                    let meter = evaluator.world.meter;
                    let _depth = meter.enter().map_err(Interrupt::Exceeded)?;
                    self.round(evaluator, offers)
                }
            };
        };
        // An empty domain anywhere leaves nothing to evaluate.
        if rest.iter().any(|(_, values)| values.is_empty()) {
            return Ok(ControlFlow::Continue(()));
        }
        let mut flow = ControlFlow::Continue(());
        for (ordinal, value) in values.iter().enumerate() {
            evaluator.set(*slot, value.clone());
            self.order.push(ordinal as u64);
            flow = self.choose(evaluator, rest)?;
            self.order.pop();
            if flow.is_break() {
                break;
            }
        }
        evaluator.set(*slot, Value::Unknown);
        Ok(flow)
    }

    /// Everything a binder of an irregular body ranges over.
    fn whole_trace(&self, evaluator: &Evaluator<'a>, slot: Slot) -> Vec<Value> {
        let binder = self
            .body
            .binders
            .iter()
            .position(|binder| binder.slot == slot);
        let memory = evaluator.world.memories.get(self.id);
        let memory = memory
            .zip(binder)
            .and_then(|(memory, binder)| memory.binders.get(binder));
        let Some(memory) = memory else {
            return Vec::new();
        };
        let candidates = match evaluator.world.when {
            When::Now => memory.candidates.len(),
            When::Before => memory.old,
        };
        let candidates = memory.candidates.iter().take(candidates);
        candidates
            .map(|candidate| candidate.value.clone())
            .collect()
    }

    fn wants_false(&self) -> bool {
        self.body.origin == Origin::Forall
    }
}

enum Settled {
    Done(ControlFlow<()>),
    Offers(Vec<Offer>),
}
