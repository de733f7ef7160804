//! Enumeration of the assignments of a body.

mod join;

use super::{Domain, Evaluated, Evaluator, Interrupt, Offer, Verdict};
use crate::memory::When;
use crate::program::{Body, BodyId, Expr, Lines, Opening, Origin, Slot};
use crate::record::{ModelRanges, Recorder};
use crate::value::Value;
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
    /// Its place in the product order, if it is one of a `count`.
    pub(crate) order: Vec<u64>,
    /// Whether a binder of the whole trace has a value.
    pub(crate) is_of_trace: bool,
}

/// How many expressions nested in each other need as much of the stack as one enumeration does,
/// its binders not counted.
const ENUMERATION_LEVELS: u32 = 8;

type Visit<'v, 'a> = dyn FnMut(&mut Evaluator<'a>, Model) -> Evaluated<ControlFlow<()>> + 'v;

/// One walk through the assignments of a body.
struct Walk<'w, 'a> {
    body: &'w Body,
    id: BodyId,
    sources: Sources,
    /// The error expression that must have a value before a model of a rule is complete.
    error: Option<&'w Expr>,
    /// The places of the values in their domains, where anybody asks for the product order.
    order: Vec<u64>,
    /// Where in `order` the places stand that come first in the product order; nothing if they
    /// stand first there as well.
    arrangement: Vec<usize>,
    /// Lines that hold with what is bound so far.
    settled: Lines,
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
        let offers = (!self.offers.is_empty()).then(|| mem::take(&mut self.offers));
        self.clear(body);
        let mut walk = Walk {
            body,
            id,
            sources,
            error,
            order: Vec::new(),
            arrangement: Vec::new(),
            settled: Lines::NONE,
            is_of_trace: false,
            visit,
        };
        let flow = walk.first_round(self);
        self.clear(body);
        self.offers.clear();
        if let Some(offers) = offers {
            self.offers = offers;
        }
        flow
    }

    /// All lines under the current assignment, recorded on their own if anything is. The offers are
    /// left in `self.offers`.
    fn settle(
        &mut self,
        body: &Body,
        settled: &mut Lines,
    ) -> Evaluated<(Verdict, Option<Box<ModelRanges>>)> {
        if !self.recorder.is_on() {
            let verdict = self.conjunction_after(body, settled)?;
            return Ok((verdict, None));
        }
        let child = self.recorder.child();
        let outer = mem::replace(&mut self.recorder, child);
        let verdict = self.conjunction_after(body, settled);
        let inner = mem::replace(&mut self.recorder, outer);
        let verdict = verdict?;
        let is_definite = matches!(verdict, Verdict::True | Verdict::False);
        let ranges = is_definite.then(|| Box::new(inner.model(&self.values(body))));
        self.recorder.adopt_marks(inner);
        Ok((verdict, ranges))
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

// === impl Walk ===

impl<'a> Walk<'_, 'a> {
    fn first_round(&mut self, evaluator: &mut Evaluator<'a>) -> Evaluated<ControlFlow<()>> {
        let memory = evaluator.world.memories.get(self.id);
        if memory.is_some_and(|memory| memory.waits.get()) {
            return self.join(evaluator, Vec::new());
        }
        match self.settle(evaluator)? {
            Settled::Done(flow) => Ok(flow),
            Settled::Offers(offers, _) if self.body.regular => {
                let waits = self.body.steady
                    && offers
                        .iter()
                        .all(|offer| matches!(offer.domain, Domain::Trace));
                if let (true, Some(memory)) = (waits, memory) {
                    memory.waits.set(true);
                }
                self.join(evaluator, offers)
            }
            Settled::Offers(offers, _) => self.round(evaluator, offers),
        }
    }

    /// Evaluates the body; a definite outcome is visited.
    fn settle(&mut self, evaluator: &mut Evaluator<'a>) -> Evaluated<Settled> {
        let mut settled = self.settled;
        let (verdict, ranges) = evaluator.settle(self.body, &mut settled)?;
        let holds = match verdict {
            Verdict::True if self.is_ready(evaluator)? => true,
            // A rule that does not hold says nothing.
            Verdict::False if self.body.origin == Origin::Rule => {
                return Ok(Settled::Done(ControlFlow::Continue(())));
            }
            Verdict::False => false,
            _ if evaluator.offers.is_empty() => {
                return Ok(Settled::Done(ControlFlow::Continue(())));
            }
            _ => return Ok(Settled::Offers(mem::take(&mut evaluator.offers), settled)),
        };
        let model = Model {
            holds,
            ranges: ranges.map(|ranges| *ranges).unwrap_or_default(),
            order: self.product_order(),
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
        mut offers: Vec<Offer>,
    ) -> Evaluated<ControlFlow<()>> {
        for offer in &mut offers {
            if let Domain::Trace = offer.domain {
                offer.domain = Domain::Values(self.whole_trace(evaluator, offer.slot));
            }
        }
        let flow = self.choose(evaluator, &offers)?;
        offers.clear();
        evaluator.offers = offers;
        Ok(flow)
    }

    /// Binds the offered values in turn; the domain of each offer is known.
    fn choose(
        &mut self,
        evaluator: &mut Evaluator<'a>,
        offers: &[Offer],
    ) -> Evaluated<ControlFlow<()>> {
        let Some((offer, rest)) = offers.split_first() else {
            return self.chosen(evaluator);
        };
        // An empty domain anywhere leaves nothing to evaluate.
        if rest.iter().any(|offer| offer.values().is_empty()) {
            return Ok(ControlFlow::Continue(()));
        }
        let mut flow = ControlFlow::Continue(());
        for (ordinal, value) in offer.values().iter().enumerate() {
            evaluator.set(offer.slot, value.clone());
            if self.wants_order() {
                self.order.push(ordinal as u64);
            }
            flow = if rest.is_empty() {
                self.chosen(evaluator)?
            } else {
                self.choose(evaluator, rest)?
            };
            self.order.pop();
            if flow.is_break() {
                break;
            }
        }
        evaluator.set(offer.slot, Value::Unknown);
        Ok(flow)
    }

    /// Evaluates the body with a value for each variable that was offered any.
    fn chosen(&mut self, evaluator: &mut Evaluator<'a>) -> Evaluated<ControlFlow<()>> {
        match self.settle(evaluator)? {
            Settled::Done(flow) => Ok(flow),
            Settled::Offers(offers, settled) => self.go_on(evaluator, offers, settled),
        }
    }

    /// As settling a body comes to of which all is known with the binders of the trace bound.
    fn open(
        &mut self,
        evaluator: &mut Evaluator<'a>,
        opening: &Opening,
        mut settled: Lines,
    ) -> Evaluated<ControlFlow<()>> {
        evaluator.offers.clear();
        for offer in &opening.offers {
            if let Some(line) = self.body.lines.get(offer.line) {
                evaluator.take_offer(line, offer.shared)?;
            }
        }
        let offers = mem::take(&mut evaluator.offers);
        if offers.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        settled.add_all(opening.settled);
        self.go_on(evaluator, offers, settled)
    }

    /// Goes on with the domains that an evaluation offered.
    fn go_on(
        &mut self,
        evaluator: &mut Evaluator<'a>,
        offers: Vec<Offer>,
        settled: Lines,
    ) -> Evaluated<ControlFlow<()>> {
        let meter = evaluator.world.meter;
        let _depth = meter.enter().map_err(Interrupt::Exceeded)?;
        let outer = mem::replace(&mut self.settled, settled);
        let flow = self.round(evaluator, offers);
        self.settled = outer;
        flow
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

    /// The places of the values, the first domain of the product first.
    fn product_order(&self) -> Vec<u64> {
        let first = self.arrangement.iter();
        let first = first.filter_map(|place| self.order.get(*place));
        let rest = self.order.iter().skip(self.arrangement.len());
        first.chain(rest).copied().collect()
    }

    fn wants_false(&self) -> bool {
        self.body.origin == Origin::Forall
    }

    /// Whether the first models are to be told from those behind.
    fn wants_order(&self) -> bool {
        self.body.origin == Origin::Count
    }
}

// === impl Offer ===

impl Offer {
    /// A domain of the trace has none here: its values are in the memory of its binder.
    fn values(&self) -> &[Value] {
        match &self.domain {
            Domain::Values(values) => values,
            Domain::Items(items) => items,
            Domain::Trace => &[],
        }
    }
}

enum Settled {
    Done(ControlFlow<()>),
    /// Domains for variables without a value, and the lines that hold whatever these will be.
    Offers(Vec<Offer>, Lines),
}
