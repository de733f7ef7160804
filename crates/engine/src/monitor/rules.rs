//! The rules of a policy, evaluated for one push.

use super::{Monitor, Needs, Stopped};
use crate::detector::{Detectors, Oracle};
use crate::eval::{Evaluated, Evaluator, Interrupt, Sources, Verdict, World, failed};
use crate::finding::{FailureKind, Finding, Novelty, Ranges};
use crate::memory::When;
use crate::meter::Exceeded;
use crate::program::{Body, Rule, RuleError};
use crate::record::Recorder;
use crate::text_form;
use crate::value::{Value, Violation};
use portcullis_json::{Object, Value as Json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::mem;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The evaluation of one rule.
struct Check<'c> {
    rule: &'c Rule,
    number: usize,
    body: &'c Body,
    new_from: u64,
    said_before: &'c BTreeSet<String>,
}

/// A finding, and whether a variable holds an event or a part that knows its event.
struct Found {
    finding: Finding,
    holds_event: bool,
}

impl Monitor {
    pub(super) fn check_rules(
        &mut self,
        new_from: u64,
        detectors: &dyn Detectors,
    ) -> Result<Vec<Finding>, Stopped> {
        let program = self.program.clone();
        let oracle = Oracle::new(detectors, &self.memo);
        let world = World {
            program: &program,
            memories: &self.memories,
            closed: &self.closed,
            parameters: &self.parameters,
            oracle: &oracle,
            patterns: &self.patterns,
            meter: &self.meter,
            when: When::Now,
        };
        let mut evaluator = Evaluator::within(world, self.room.take());
        let mut findings: Vec<Found> = Vec::new();
        let mut needs = Needs::default();
        for (number, rule) in program.rules.iter().enumerate() {
            let Some(body) = program.bodies.get(rule.body) else {
                continue;
            };
            let memory = self.memories.get(rule.body);
            let is_idle = memory.is_some_and(crate::memory::BodyMemory::is_idle);
            if is_idle && body.steady && !body.unplaced {
                continue;
            }
            let said_before = &self.unpositioned;
            let check = Check {
                rule,
                number,
                body,
                new_from,
                said_before,
            };
            let room = self.meter.limits().findings.saturating_sub(findings.len());
            match check.findings(&mut evaluator, room) {
                Ok(found) => findings.extend(found),
                Err(stopped) => needs.note(Err::<(), _>(stopped), Some(number))?,
            }
        }
        self.room = Some(evaluator.into_room());
        needs.finish()?;
        if findings.is_empty() {
            return Ok(Vec::new());
        }
        let unpositioned = findings.iter().filter(|found| !found.holds_event);
        let unpositioned = unpositioned.map(|found| found.finding.said()).collect();
        if let Some(staged) = &mut self.staged {
            staged.unpositioned = unpositioned;
        }
        let findings = findings.into_iter().map(|found| found.finding);
        Ok(findings.collect())
    }
}

impl Check<'_> {
    fn findings(&self, evaluator: &mut Evaluator<'_>, room: usize) -> Evaluated<Vec<Found>> {
        let mut found = Vec::new();
        if self.body.unplaced {
            self.walk(evaluator, Sources::All, room, &mut found)?;
            return Ok(found);
        }
        self.walk(evaluator, Sources::New, room, &mut found)?;
        if self.inner_grew(evaluator.world) && !self.body.binders.is_empty() && self.body.regular {
            // A new event may complete what events say that are bound since long.
            self.walk(evaluator, Sources::Old, room, &mut found)?;
        }
        Ok(found)
    }

    /// Whether a quantifier or a predicate may say something else than before.
    fn inner_grew(&self, world: World<'_>) -> bool {
        self.rule.inner.iter().any(|id| {
            let memory = world.memories.get(*id);
            let body = world.program.bodies.get(*id);
            memory
                .zip(body)
                .is_some_and(|(memory, body)| memory.has_new(body.origin))
        })
    }

    fn walk(
        &self,
        evaluator: &mut Evaluator<'_>,
        sources: Sources,
        room: usize,
        found: &mut Vec<Found>,
    ) -> Evaluated<()> {
        let error = match &self.rule.error {
            RuleError::Text(_) => None,
            RuleError::Expression(error) => Some(error),
        };
        let flow = evaluator.enumerate(self.rule.body, sources, error, &mut |evaluator, model| {
            if model.holds {
                let holding = self.finding(evaluator)?;
                // Without a value for any variable, the rule was looked at among the new ones.
                found.extend(holding.filter(|found| sources != Sources::Old || found.is_past()));
            }
            if found.len() > room {
                return Err(Interrupt::Exceeded(Exceeded::Findings));
            }
            Ok(ControlFlow::Continue(()))
        });
        flow.map(|_| ())
    }

    /// Evaluates the satisfied body once more, for the ranges. Nothing comes of what only events
    /// of the past satisfy, and did before.
    fn finding(&self, evaluator: &mut Evaluator<'_>) -> Evaluated<Option<Found>> {
        let outer = mem::replace(&mut evaluator.recorder, Recorder::new(self.new_from));
        let verdict = evaluator.conjunction(self.body);
        let recorder = mem::replace(&mut evaluator.recorder, outer);
        if verdict? != Verdict::True {
            return Ok(None);
        }
        let (mut ranges, counted) = recorder.finish();
        let values = evaluator.values(self.body);
        let is_counted = !counted.is_empty();
        let mut novelty = self.novelty(&values);
        if novelty == Novelty::Past && !is_counted {
            if self.held_before(evaluator)? {
                return Ok(None);
            }
            novelty = Novelty::Turned;
        }
        let own = values.iter().flat_map(|value| value.place().ranges(None));
        ranges.own.extend(own);
        let violation = self.violation(evaluator)?;
        let mut finding = Finding {
            rule: self.number,
            args: violation
                .args
                .iter()
                .map(|value| self.argument(value))
                .collect::<Evaluated<_>>()?,
            kwargs: self.keywords(&violation)?,
            ranges: Ranges::default(),
            key: self.key(evaluator),
            novelty,
            counted: is_counted,
        };
        if let Novelty::Unpositioned { .. } = finding.novelty {
            let seen_before = self.said_before.contains(&finding.said());
            finding.novelty = Novelty::Unpositioned { seen_before };
        }
        let only_counted = match finding.novelty {
            Novelty::Bound => false,
            Novelty::Unpositioned { seen_before } => seen_before,
            Novelty::Past | Novelty::Turned => true,
        };
        if only_counted {
            // The events that make it new may stand behind the first ones counted.
            ranges.own.extend(counted);
        }
        finding.ranges = Ranges::from(ranges);
        let holds_event = values.iter().any(|value| index_of(value).is_some());
        Ok(Some(Found {
            finding,
            holds_event,
        }))
    }

    /// Whether the values at hand satisfied the rule before this push.
    fn held_before(&self, evaluator: &Evaluator<'_>) -> Evaluated<bool> {
        let world = World {
            when: When::Before,
            ..evaluator.world
        };
        let mut before = Evaluator::new(world, 0, Recorder::OFF);
        before.frame.clone_from(&evaluator.frame);
        match before.conjunction(self.body) {
            Ok(verdict) => Ok(verdict == Verdict::True),
            Err(Interrupt::Error(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }

    fn novelty(&self, values: &[Value]) -> Novelty {
        let events = values.iter().filter_map(index_of);
        let inside = values.iter().filter_map(|value| value.place().event());
        if events
            .clone()
            .chain(inside.clone())
            .any(|event| event >= self.new_from)
        {
            return Novelty::Bound;
        }
        // Where only new combinations are looked at, nobody knows all that was said before.
        let is_whole = self.body.unplaced || !self.body.regular;
        if events.count() > 0 || (inside.count() > 0 && !is_whole) {
            return Novelty::Past;
        }
        Novelty::Unpositioned { seen_before: false }
    }

    fn violation(&self, evaluator: &mut Evaluator<'_>) -> Evaluated<Arc<Violation>> {
        let error = match &self.rule.error {
            RuleError::Text(text) => {
                let args = vec![Value::text(text.clone())];
                return Ok(Arc::new(Violation {
                    args,
                    kwargs: Vec::new(),
                }));
            }
            RuleError::Expression(error) => error,
        };
        match evaluator.evaluate(error)? {
            Value::Violation(violation) => Ok(violation),
            other => {
                let args = vec![Value::text(text_form::text(&other))];
                Ok(Arc::new(Violation {
                    args,
                    kwargs: Vec::new(),
                }))
            }
        }
    }

    fn argument(&self, value: &Value) -> Evaluated<Json> {
        text_form::violation_argument(value)
            .map_err(|message| failed(FailureKind::Violation, message, self.rule.span))
    }

    fn keywords(&self, violation: &Violation) -> Evaluated<Object> {
        let keyword = |(name, value): &(Arc<str>, Value)| {
            self.argument(value).map(|value| (name.clone(), value))
        };
        violation.kwargs.iter().map(keyword).collect()
    }

    /// The positions of the variables, sorted by name; -1 for those without one.
    fn key(&self, evaluator: &Evaluator<'_>) -> String {
        let slots = self.body.variables.iter();
        let bound = slots
            .filter(|slot| self.body.lets.contains(slot) || !evaluator.local(**slot).is_unknown());
        let mut entries: Vec<(&str, i64)> = bound
            .map(|slot| {
                let name = self.rule.frame.names.get(*slot).map(|name| &**name);
                let value = evaluator.local(*slot);
                let index = index_of(&value)
                    .and_then(|index| i64::try_from(index).ok())
                    .unwrap_or(-1);
                (name.unwrap_or_default(), index)
            })
            .collect();
        entries.sort_by_key(|(name, _)| *name);
        let mut key = format!("({}, (", self.number);
        for (place, (_, index)) in entries.iter().enumerate() {
            // Writing to a String cannot fail.
            let written = write!(key, "{}{index}", if place > 0 { ", " } else { "" });
            debug_assert!(written.is_ok());
        }
        key.push_str(if entries.len() == 1 { ",))" } else { "))" });
        key
    }
}

impl Found {
    fn is_past(&self) -> bool {
        matches!(self.finding.novelty, Novelty::Past | Novelty::Turned)
    }
}

impl Finding {
    /// What identifies a finding that has no place in the trace.
    fn said(&self) -> String {
        let args = Json::from(self.args.clone());
        format!("{} {args} {}", self.rule, Json::from(self.kwargs.clone()))
    }
}

/// The index of the event that a value is or is a chunk of.
fn index_of(value: &Value) -> Option<u64> {
    value.object()?.data.index
}
