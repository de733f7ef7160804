//! Joins the candidates of a body's binders, passing over combinations whose outcome is known.
//!
//! INVARIANT: a combination is passed over only if evaluating all lines in order would end at a
//! false line, with no error, no mark and (under `forall`) no line of another kind before it.
//! Everything else is evaluated in full, so pruning can never change a result.

use super::{Evaluated, Evaluator, Interrupt, Model, ModelRanges, Offer, Sources, Walk};
use crate::eval::Domain;
use crate::memory::{BinderMemory, Candidate, Cause, Stop};
use crate::program::{FlowLine, Lines, Origin};
use crate::value::Value;
use std::ops::{ControlFlow, Range};

/// One pass: which part of each binder's candidates it covers, and in which order to bind them.
struct Pass<'m> {
    memories: &'m [BinderMemory],
    ranges: Vec<Range<usize>>,
    sequence: Vec<usize>,
    /// Domains that do not depend on the trace.
    fixed: Vec<Offer>,
}

/// The binders bound so far.
#[derive(Clone, Default)]
struct Bound {
    binders: u64,
    /// The first line known to be false or to fail.
    stop: Option<Stop>,
    /// Lines known to hold.
    settled: Lines,
    /// Position in the trace of each bound binder, where it has one.
    positions: Vec<Option<u64>>,
}

impl<'a> Walk<'_, 'a> {
    pub(super) fn join(
        &mut self,
        evaluator: &mut Evaluator<'a>,
        mut offers: Vec<Offer>,
    ) -> Evaluated<ControlFlow<()>> {
        let memories = evaluator.world.memories.get(self.id);
        let memories = memories
            .map(|memory| memory.binders.as_slice())
            .unwrap_or_default();
        if !offers.is_empty() {
            self.arrangement = self.arrange(&offers, memories.len());
            offers.retain(|offer| !matches!(offer.domain, Domain::Trace));
        }
        let fixed = offers;
        let empty = fixed.iter().any(|offer| offer.values().is_empty());
        if empty
            || memories
                .iter()
                .any(|memory| memory.seen(evaluator.world.when) == 0)
        {
            return Ok(ControlFlow::Continue(()));
        }
        if memories.is_empty() {
            return self.choose(evaluator, &fixed);
        }
        if self.wants_false()
            && memories.iter().any(|memory| memory.dropped_false)
            && self.visit_false(evaluator)?.is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
        if let [memory] = memories {
            return self.pass(evaluator, memories, |walk, evaluator| {
                walk.try_each_alone(evaluator, memory, &fixed)
            });
        }
        let mut pass = Pass {
            memories,
            ranges: Vec::new(),
            sequence: Vec::new(),
            fixed,
        };
        for ranges in self.passes(memories) {
            pass.ranges = ranges;
            pass.sequence = (0..memories.len()).collect();
            pass.sequence
                .sort_by_key(|binder| pass.ranges.get(*binder).map(ExactSizeIterator::len));
            let bound = Bound {
                positions: vec![None; memories.len()],
                ..Bound::default()
            };
            let flow = self.pass(evaluator, memories, |walk, evaluator| {
                walk.descend(evaluator, &pass, 0, &bound)
            })?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        self.arrangement.clear();
        Ok(ControlFlow::Continue(()))
    }

    /// Goes through combinations of values of the trace.
    fn pass(
        &mut self,
        evaluator: &mut Evaluator<'a>,
        memories: &[BinderMemory],
        run: impl FnOnce(&mut Self, &mut Evaluator<'a>) -> Evaluated<ControlFlow<()>>,
    ) -> Evaluated<ControlFlow<()>> {
        if self.wants_order() {
            self.order = vec![0; memories.len()];
        }
        self.is_of_trace = true;
        let flow = run(self, evaluator)?;
        self.is_of_trace = false;
        self.order.clear();
        Ok(flow)
    }

    /// The candidates of the only binder.
    fn part(&self, memory: &BinderMemory) -> Range<usize> {
        match self.sources {
            Sources::All => 0..memory.candidates.len(),
            Sources::Old => 0..memory.old,
            Sources::New => memory.old..memory.candidates.len(),
        }
    }

    /// Binders of the trace are bound before those of other domains, whatever comes first.
    fn arrange(&self, offers: &[Offer], binders: usize) -> Vec<usize> {
        if binders == 0 {
            return Vec::new();
        }
        let mut fixed = binders..;
        let place = |offer: &Offer| match offer.domain {
            Domain::Trace => {
                let mut binders = self.body.binders.iter();
                binders.position(|binder| binder.slot == offer.slot)
            }
            Domain::Items(_) | Domain::Values(_) => fixed.next(),
        };
        offers.iter().filter_map(place).collect()
    }

    /// The parts of the candidates to combine, each combination in exactly one of them.
    fn passes(&self, memories: &[BinderMemory]) -> Vec<Vec<Range<usize>>> {
        let all = |memory: &BinderMemory| 0..memory.candidates.len();
        let old = |memory: &BinderMemory| 0..memory.old;
        let new = |memory: &BinderMemory| memory.old..memory.candidates.len();
        match self.sources {
            Sources::All => vec![memories.iter().map(all).collect()],
            Sources::Old => vec![memories.iter().map(old).collect()],
            Sources::New => (0..memories.len())
                .map(|pivot| {
                    let part = |(index, memory)| match index {
                        index if index < pivot => old(memory),
                        index if index == pivot => new(memory),
                        _ => all(memory),
                    };
                    memories.iter().enumerate().map(part).collect::<Vec<_>>()
                })
                .filter(|ranges| ranges.iter().all(|range| !range.is_empty()))
                .collect(),
        }
    }

    fn descend(
        &mut self,
        evaluator: &mut Evaluator<'a>,
        pass: &Pass<'_>,
        depth: usize,
        bound: &Bound,
    ) -> Evaluated<ControlFlow<()>> {
        let Some(binder) = pass.sequence.get(depth).copied() else {
            return self.complete(evaluator, bound.settled, &pass.fixed);
        };
        let range = self.narrow(evaluator, pass, binder, bound);
        self.try_each(evaluator, pass, depth, (binder, range), bound)
    }

    /// Binds the only binder to each of its candidates in turn: no line relates it to others, and
    /// no other can fail.
    fn try_each_alone(
        &mut self,
        evaluator: &mut Evaluator<'a>,
        memory: &BinderMemory,
        fixed: &[Offer],
    ) -> Evaluated<ControlFlow<()>> {
        let mut flow = ControlFlow::Continue(());
        let Some(slot) = self.body.binders.first().map(|binder| binder.slot) else {
            return Ok(flow);
        };
        let range = self.part(memory);
        for candidate in memory.candidates.get(range).unwrap_or_default() {
            evaluator.world.meter.burn(1).map_err(Interrupt::Exceeded)?;
            evaluator.set(slot, candidate.value.clone());
            if let Some(order) = self.order.first_mut() {
                *order = candidate.ordinal;
            }
            flow = match candidate.stop {
                Some(stop) if self.ends_unseen(evaluator, stop) => self.pass_over(evaluator)?,
                _ => self.complete(evaluator, candidate.settled, fixed)?,
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(flow)
    }

    /// Goes on with all binders of the trace bound.
    fn complete(
        &mut self,
        evaluator: &mut Evaluator<'a>,
        settled: Lines,
        fixed: &[Offer],
    ) -> Evaluated<ControlFlow<()>> {
        if let Some(opening) = &self.body.opening
            && settled.has_all(opening.given)
            && fixed.is_empty()
            && !evaluator.marks()
        {
            return self.open(evaluator, opening, settled);
        }
        self.settled = settled;
        let flow = self.choose(evaluator, fixed);
        self.settled = Lines::NONE;
        flow
    }

    /// Binds the binder to each candidate of the range in turn.
    fn try_each(
        &mut self,
        evaluator: &mut Evaluator<'a>,
        pass: &Pass<'_>,
        depth: usize,
        (binder, range): (usize, Range<usize>),
        bound: &Bound,
    ) -> Evaluated<ControlFlow<()>> {
        let Some(memory) = pass.memories.get(binder) else {
            return Ok(ControlFlow::Continue(()));
        };
        let Some(slot) = self.body.binders.get(binder).map(|binder| binder.slot) else {
            return Ok(ControlFlow::Continue(()));
        };
        let mut flow = ControlFlow::Continue(());
        for candidate in memory.candidates.get(range).unwrap_or_default() {
            evaluator.world.meter.burn(1).map_err(Interrupt::Exceeded)?;
            evaluator.set(slot, candidate.value.clone());
            if let Some(order) = self.order.get_mut(binder) {
                *order = candidate.ordinal;
            }
            let next = self.bind(evaluator, binder, candidate, bound)?;
            flow = if self.is_decided(evaluator, pass, &next) {
                self.pass_over(evaluator)?
            } else {
                self.descend(evaluator, pass, depth + 1, &next)?
            };
            if flow.is_break() {
                break;
            }
        }
        evaluator.set(slot, Value::Unknown);
        Ok(flow)
    }

    /// Binds a candidate and evaluates the lines that relate it to those bound before.
    fn bind(
        &self,
        evaluator: &mut Evaluator<'a>,
        binder: usize,
        candidate: &Candidate,
        bound: &Bound,
    ) -> Evaluated<Bound> {
        let mut next = bound.clone();
        next.binders |= 1 << binder;
        next.note(candidate.stop);
        next.settled.add_all(candidate.settled);
        if let Some(position) = next.positions.get_mut(binder) {
            *position = position_of(candidate);
        }
        for join in &self.body.joins {
            let complete = join.binders & !next.binders == 0;
            let was_complete = join.binders & !bound.binders == 0;
            let matters = next.stop.is_none_or(|stop| join.line < stop.line);
            if !complete || was_complete || !matters {
                continue;
            }
            let value = evaluator.unrecorded(|evaluator| evaluator.line(self.body, join.line));
            let cause = match value {
                Ok(Value::Bool(false)) => Cause::False,
                Ok(_) => continue,
                Err(Interrupt::Error(_)) => Cause::Error,
                Err(other) => return Err(other),
            };
            next.note(Some(Stop {
                line: join.line,
                cause,
            }));
        }
        Ok(next)
    }

    /// Whether every completion of a partial combination ends at a false line unobserved.
    fn is_decided(&self, evaluator: &Evaluator<'a>, pass: &Pass<'_>, bound: &Bound) -> bool {
        let Some(stop) = bound.stop else {
            return false;
        };
        let line = stop.line;
        let joins =
            self.body.joins.iter().any(|join| {
                join.observable && join.line < line && join.binders & !bound.binders != 0
            });
        self.ends_unseen(evaluator, stop) && !joins && !pass.fails_before(line, bound)
    }

    /// Whether it is a false line with nothing observable before it, joins and the errors of other
    /// binders apart.
    fn ends_unseen(&self, evaluator: &Evaluator<'a>, stop: Stop) -> bool {
        let Stop {
            line,
            cause: Cause::False,
        } = stop
        else {
            return false;
        };
        let marks = self.body.origin != Origin::Rule && evaluator.marks();
        let marked = marks && self.body.first_marking.is_some_and(|first| first <= line);
        let watched = self.body.watched.iter().any(|watched| *watched < line);
        let not_boolean = self.wants_false()
            && self
                .body
                .lines
                .iter()
                .take(line)
                .any(|line| line.traits.not_boolean);
        !(marked || watched || not_boolean)
    }

    /// The candidates that flows to what is bound leave over. Candidates are in trace order.
    fn narrow(
        &self,
        evaluator: &Evaluator<'a>,
        pass: &Pass<'_>,
        binder: usize,
        bound: &Bound,
    ) -> Range<usize> {
        let (Some(memory), Some(range)) = (pass.memories.get(binder), pass.ranges.get(binder))
        else {
            return 0..0;
        };
        let mut range = range.clone();
        let exact = evaluator.marks() && self.body.origin != Origin::Rule;
        if exact || self.wants_false() || bound.stop.is_some() {
            return range;
        }
        let before = |limit: u64| {
            memory.candidates.partition_point(|candidate| {
                position_of(candidate).is_none_or(|position| position < limit)
            })
        };
        let position = |binder: usize| bound.positions.get(binder).copied().flatten();
        let flows = self.body.joins.iter().filter_map(|join| {
            let flow = join.flow.filter(|flow| flow.leads)?;
            (!pass.fails_before(join.line, bound)).then_some(flow)
        });
        for FlowLine { from, to, .. } in flows {
            if to == binder
                && let Some(position) = position(from)
            {
                range.start = range.start.max(before(position.saturating_add(1)));
            } else if from == binder
                && let Some(position) = position(to)
            {
                range.end = range.end.min(before(position));
            }
        }
        if range.start > range.end {
            range.start..range.start
        } else {
            range
        }
    }

    fn pass_over(&mut self, evaluator: &mut Evaluator<'a>) -> Evaluated<ControlFlow<()>> {
        if self.wants_false() {
            return self.visit_false(evaluator);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn visit_false(&mut self, evaluator: &mut Evaluator<'a>) -> Evaluated<ControlFlow<()>> {
        let ranges = if evaluator.marks() {
            let values = evaluator.values(self.body);
            evaluator.recorder.child().model(&values)
        } else {
            ModelRanges::default()
        };
        let model = Model {
            holds: false,
            ranges,
            order: self.order.clone(),
            is_of_trace: true,
        };
        (self.visit)(evaluator, model)
    }
}

impl Pass<'_> {
    /// Whether some candidate of a binder without a value yet fails at an earlier line.
    fn fails_before(&self, line: usize, bound: &Bound) -> bool {
        let memories = self.memories.iter().enumerate();
        let mut unbound = memories.filter(|(index, _)| bound.binders & (1 << index) == 0);
        unbound.any(|(_, memory)| memory.first_error.is_some_and(|first| first < line))
    }
}

impl Bound {
    fn note(&mut self, stop: Option<Stop>) {
        let Some(stop) = stop else { return };
        if self.stop.is_none_or(|first| stop.line < first.line) {
            self.stop = Some(stop);
        }
    }
}

fn position_of(candidate: &Candidate) -> Option<u64> {
    candidate
        .value
        .object()
        .and_then(|object| object.data.position)
}
