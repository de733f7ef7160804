//! Keeps a policy's view of one session, and evaluates what each new event can change.
//!
//! A push stages its events: they are judged together with everything committed before, and then
//! either committed or discarded. What a discarded event did leaves no trace in later verdicts.

mod rules;

use crate::detector::{DetectorCall, Detectors, Memo, Oracle};
use crate::eval::{Evaluated, Evaluator, Interrupt, Room, RuntimeError, Sources, World};
use crate::event::{Checkpoint, Reader};
use crate::finding::{Failure, FailureKind, Finding};
use crate::kind::BinderKind;
use crate::memory::{BinderMemory, BodyMemory, ClosedState, When};
use crate::meter::{Exceeded, Limits, Meter};
use crate::patterns::Patterns;
use crate::policy::Policy;
use crate::program::Program;
use crate::record::Recorder;
use crate::value::Value;
use portcullis_json::Object;
use portcullis_trace::Event;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// One policy watching one session.
#[derive(Debug)]
pub struct Monitor {
    program: Arc<Program>,
    parameters: Object,
    meter: Meter,
    reader: Reader,
    memories: Vec<BodyMemory>,
    closed: Vec<ClosedState>,
    /// What rules without a place in the trace said when the last push was committed.
    unpositioned: BTreeSet<String>,
    memo: RefCell<Memo>,
    patterns: Patterns,
    /// Nothing before the first evaluation.
    room: Option<Room>,
    staged: Option<Staged>,
    /// Set once more was committed than may be kept: nothing is kept since, so nothing can be said.
    overflowed: bool,
}

/// What a push changed, so that it can be undone.
#[derive(Debug)]
struct Staged {
    reader: Checkpoint,
    /// What they say with the staged events.
    unpositioned: BTreeSet<String>,
    /// Whether the staged events are more than may be kept.
    overflows: bool,
}

/// The outcome of a push.
#[derive(Clone, Debug)]
pub enum Step {
    /// Everything that holds now and in which new events may take part: see
    /// [`Finding::is_new`].
    Findings(Vec<Finding>),
    /// Detectors must answer these first; then push the same events again.
    Needs(Vec<DetectorCall>),
    /// The check is indeterminate.
    Failed(Failure),
}

/// What stopped a push.
enum Stopped {
    Needs(Vec<DetectorCall>),
    Failed(Failure),
}

// === impl Monitor ===

impl Monitor {
    pub fn new(policy: Policy, parameters: Object, limits: Limits) -> Self {
        let program = policy.into_program();
        Self {
            memories: program.bodies.iter().map(BodyMemory::new).collect(),
            closed: program.closed.iter().map(ClosedState::new).collect(),
            reader: Reader::new(&program),
            unpositioned: BTreeSet::new(),
            memo: RefCell::default(),
            patterns: Patterns::default(),
            meter: Meter::new(limits),
            room: None,
            staged: None,
            overflowed: false,
            parameters,
            program,
        }
    }

    /// Judges new events together with the session so far.
    ///
    /// What was staged and not committed is discarded first.
    pub fn push(&mut self, events: &[Event], detectors: &dyn Detectors) -> Step {
        self.discard();
        self.meter.refill();
        if self.parameters.contains("data") {
            return Step::Failed(Failure {
                rule: None,
                kind: FailureKind::RuntimeError,
                message: "the policy parameter `data` is reserved".to_owned(),
                span: None,
            });
        }
        self.closed.iter_mut().for_each(ClosedState::begin);
        let reader = self.reader.checkpoint();
        self.staged = Some(Staged {
            reader,
            unpositioned: BTreeSet::new(),
            overflows: false,
        });
        let evaluated = self.evaluate(events, detectors);
        self.memo.get_mut().end_push();
        match evaluated {
            Ok(findings) => Step::Findings(findings),
            Err(Stopped::Needs(calls)) => {
                self.undo();
                Step::Needs(calls)
            }
            Err(Stopped::Failed(failure)) => Step::Failed(failure),
        }
    }

    /// The staged events happened.
    pub fn commit(&mut self) {
        if let Some(staged) = self.staged.take() {
            if staged.overflows {
                self.forget();
                return;
            }
            self.unpositioned = staged.unpositioned;
            for memory in &mut self.memories {
                memory.binders.iter_mut().for_each(BinderMemory::commit);
            }
        }
    }

    /// The staged events did not happen. Their indices stay used, so that addresses keep fitting
    /// a trace in which they are recorded.
    pub fn discard(&mut self) {
        let next = self.reader.next_index();
        self.undo();
        self.reader.skip_to(next);
    }

    /// Takes the staged events back, to be pushed again: as if they had never been.
    pub fn retract(&mut self) {
        self.undo();
    }

    /// Lets go of everything kept; no later push can be judged.
    fn forget(&mut self) {
        self.overflowed = true;
        self.unpositioned.clear();
        self.memories.clear();
        self.closed.clear();
        self.reader.forget();
    }

    fn undo(&mut self) {
        if let Some(staged) = self.staged.take() {
            self.reader.rewind(staged.reader);
            self.closed.iter_mut().for_each(ClosedState::discard);
            for memory in &mut self.memories {
                memory.binders.iter_mut().for_each(BinderMemory::discard);
            }
        }
    }

    fn evaluate(
        &mut self,
        events: &[Event],
        detectors: &dyn Detectors,
    ) -> Result<Vec<Finding>, Stopped> {
        let new_from = self.reader.next_index();
        if self.overflowed {
            self.reader.skip_to(new_from + events.len() as u64);
            return Err(Stopped::limit(Exceeded::Candidates, None));
        }
        let values: Vec<Value> = events.iter().map(|event| self.reader.read(event)).collect();
        self.stage(&values, detectors)?;
        self.count_closed(new_from, detectors)?;
        self.check_rules(new_from, detectors)
    }

    fn overflows(&mut self) -> bool {
        let overflows = self.kept() > self.meter.limits().candidates;
        if let Some(staged) = &mut self.staged {
            staged.overflows |= overflows;
        }
        overflows
    }

    /// How much of the session is kept, as [`Limits::candidates`] bounds it.
    fn kept(&self) -> usize {
        let mut kept = self.reader.size();
        let memories = self.memories.iter().zip(&self.program.bodies);
        for (memory, _) in memories.filter(|(_, body)| body.retains) {
            for binder in &memory.binders {
                kept = kept.saturating_add(binder.size());
            }
        }
        for closed in &self.closed {
            kept = kept.saturating_add(closed.size());
        }
        kept
    }

    /// Offers the new values to every binder.
    fn stage(&mut self, events: &[Value], detectors: &dyn Detectors) -> Result<(), Stopped> {
        let program = self.program.clone();
        let oracle = Oracle::new(detectors, &self.memo);
        let mut needs = Needs::default();
        let mut exceeded = None;
        // Alpha lines look at one value only, never at what is kept of the past.
        let world = World {
            program: &program,
            memories: &[],
            closed: &[],
            parameters: &self.parameters,
            oracle: &oracle,
            patterns: &self.patterns,
            meter: &self.meter,
            when: When::Now,
        };
        let mut evaluator = Evaluator::within(world, self.room.take());
        let mut values = Vec::new();
        for source in &program.sources {
            select(events, source.kind, &mut values);
            if values.is_empty() {
                continue;
            }
            for (id, index) in source.binders.iter().copied() {
                let memory = self.memories.get_mut(id);
                let memory = memory.and_then(|memory| memory.binders.get_mut(index));
                let (Some(body), Some(memory)) = (program.bodies.get(id), memory) else {
                    continue;
                };
                // There is one input, however many events come.
                if source.kind == BinderKind::Input && memory.seen(When::Now) > 0 {
                    continue;
                }
                for value in values.iter().copied() {
                    match memory.stage(&mut evaluator, body, index, value) {
                        Ok(()) => {}
                        // The rest is staged all the same, for a caller who commits in spite of it.
                        Err(Interrupt::Exceeded(limit)) => exceeded = Some(limit),
                        Err(stopped) => needs.note(Err::<(), _>(stopped), None)?,
                    }
                }
            }
        }
        self.room = Some(evaluator.into_room());
        if self.overflows() {
            exceeded = Some(Exceeded::Candidates);
        }
        if let Some(exceeded) = exceeded {
            self.closed.iter_mut().for_each(ClosedState::give_up);
            return Err(Stopped::limit(exceeded, None));
        }
        needs.finish()
    }

    /// Updates the models of quantifiers that use nothing from outside.
    fn count_closed(&mut self, new_from: u64, detectors: &dyn Detectors) -> Result<(), Stopped> {
        let program = self.program.clone();
        let oracle = Oracle::new(detectors, &self.memo);
        let mut needs = Needs::default();
        let mut exceeded = None;
        let world = World {
            program: &program,
            memories: &self.memories,
            closed: &[],
            parameters: &self.parameters,
            oracle: &oracle,
            patterns: &self.patterns,
            meter: &self.meter,
            when: When::Now,
        };
        for (closed, state) in program.closed.iter().zip(&mut self.closed) {
            let first = !state.is_started();
            let memory = self.memories.get(closed.body);
            if !first && memory.is_some_and(BodyMemory::is_idle) {
                continue;
            }
            let mut evaluator = Evaluator::new(world, program.frame_size, Recorder::new(new_from));
            let walked = evaluator.enumerate(closed.body, Sources::New, None, &mut |_, model| {
                // What is true or false without any value of the trace stays so.
                let repeated = !first && !model.is_of_trace;
                match (repeated, model.holds) {
                    (true, _) => {}
                    (false, true) => state.add_true(model.order, model.ranges),
                    (false, false) => state.add_false(&model.ranges),
                }
                Ok(ControlFlow::Continue(()))
            });
            match walked {
                Err(Interrupt::Error(error)) => state.fail(*error),
                Err(Interrupt::Exceeded(limit)) => {
                    state.give_up();
                    exceeded = Some(limit);
                }
                walked => needs.note(walked, None)?,
            }
            state.end(evaluator.recorder.finish().0);
        }
        if !self.closed.is_empty() && self.overflows() {
            self.closed.iter_mut().for_each(ClosedState::give_up);
            exceeded = Some(Exceeded::Candidates);
        }
        if let Some(exceeded) = exceeded {
            return Err(Stopped::limit(exceeded, None));
        }
        needs.finish()
    }
}

/// Finds the values of a kind in the new events, in trace order.
fn select<'v>(events: &'v [Value], kind: BinderKind, found: &mut Vec<&'v Value>) {
    found.clear();
    if kind == BinderKind::Input {
        found.push(&Value::Session);
    }
    for event in events {
        event.select(kind, &mut |value| found.push(value));
    }
}

/// Detector calls that several evaluations wait for, so that they can be resolved together.
#[derive(Default)]
struct Needs(Vec<DetectorCall>);

impl Needs {
    /// Notes what an evaluation waits for; whatever else stopped it stops the push.
    fn note<T>(&mut self, evaluated: Evaluated<T>, rule: Option<usize>) -> Result<(), Stopped> {
        match evaluated {
            Ok(_) => Ok(()),
            Err(Interrupt::Needs(call)) => {
                if !self.0.contains(&call) {
                    self.0.push(*call);
                }
                Ok(())
            }
            Err(Interrupt::Exceeded(exceeded)) => Err(Stopped::limit(exceeded, rule)),
            Err(Interrupt::Error(error)) => Err(Stopped::error(*error, rule)),
        }
    }

    fn finish(self) -> Result<(), Stopped> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Stopped::Needs(self.0))
        }
    }
}

impl Stopped {
    fn error(error: RuntimeError, rule: Option<usize>) -> Self {
        Stopped::Failed(Failure {
            rule,
            kind: error.kind,
            message: error.message,
            span: Some(error.span),
        })
    }

    fn limit(exceeded: Exceeded, rule: Option<usize>) -> Self {
        let message = exceeded.to_string();
        Stopped::Failed(Failure {
            rule,
            kind: FailureKind::Limit,
            message,
            span: None,
        })
    }
}

#[cfg(test)]
mod tests;
