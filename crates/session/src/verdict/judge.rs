use std::collections::BTreeSet;
use std::iter;

use bytes::Bytes;
use portcullis_engine::{DetectorCall, Detectors, Failure, Finding, Monitor, Step};
use portcullis_json::{Object, Value};
use portcullis_trace::record::{GuardrailName, ViolationRecord};
use portcullis_trace::{Event, Range};

use super::Permit;
use crate::context::{Guardrail, GuardrailAction, SessionLimits};
use crate::inquiry::Asked;
use crate::passage::Passage;
use crate::route::Delivery;
use crate::session::PastMessage;
use crate::tools::{Report, ToolFinding};

/// LIMIT: findings of one guardrail on one message that are kept; the message is blocked anyway.
const FINDINGS_MAX: usize = 100;

/// The guardrails of a session, each with its memory of what happened.
#[derive(Debug)]
pub(crate) struct Judges {
    guardrails: Vec<Guardrail>,
    able: Vec<Judge>,
    /// What there is to say about every message, because a policy does not load.
    broken: Vec<Failed>,
    /// The index that policies will see on the next event.
    next_event: u64,
}

#[derive(Debug)]
struct Judge {
    name: GuardrailName,
    monitor: Monitor,
    /// Whether it has been shown an empty session.
    has_begun: bool,
    on_violation: GuardrailAction,
    on_failure: GuardrailAction,
}

/// What the guardrails say about one message.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) violations: Vec<Violation>,
    pub(crate) failures: Vec<Failed>,
    /// The index of the message's first event.
    first_event: u64,
}

/// A rule that the message satisfies.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) guardrail: GuardrailName,
    pub(crate) action: GuardrailAction,
    pub(crate) message: String,
    arguments: Vec<Value>,
    keywords: Object,
    ranges: Vec<Range>,
}

/// A guardrail that came to no result.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    pub(crate) guardrail: GuardrailName,
    pub(crate) action: GuardrailAction,
    pub(crate) reason: String,
}

fn built_in(name: String) -> GuardrailName {
    GuardrailName { id: None, name }
}

// === impl Judges ===

impl Judges {
    pub(crate) fn new(
        guardrails: Vec<Guardrail>,
        parameters: &Object,
        limits: &SessionLimits,
    ) -> Self {
        let mut able = Vec::with_capacity(guardrails.len());
        let mut broken = Vec::new();
        for guardrail in guardrails.iter().cloned() {
            match guardrail.policy {
                Ok(policy) => able.push(Judge {
                    monitor: Monitor::new(policy, parameters.clone(), limits.evaluation),
                    has_begun: false,
                    name: guardrail.name,
                    on_violation: guardrail.on_violation,
                    on_failure: guardrail.on_failure,
                }),
                Err(reason) => broken.push(Failed {
                    guardrail: guardrail.name,
                    action: guardrail.on_failure,
                    reason: format!("it does not load: {reason}"),
                }),
            }
        }
        Self {
            guardrails,
            able,
            broken,
            next_event: 0,
        }
    }

    /// Whether they are the same guardrails, whatever they have seen.
    pub(crate) fn are_same(&self, other: &Self) -> bool {
        self.guardrails == other.guardrails
    }

    /// Judges the events of one message at once. [`Self::settle`] must follow, unless there are
    /// questions: then it is as if the message had not come.
    pub(crate) fn judge(
        &mut self,
        events: &[Event],
        detectors: &dyn Detectors,
    ) -> Result<Judgement, Asked> {
        self.begin(detectors)?;
        let mut asked = Vec::new();
        let mut judgement = Judgement {
            violations: Vec::new(),
            failures: self.broken.clone(),
            first_event: self.next_event,
        };
        for judge in &mut self.able {
            match judge.monitor.push(events, detectors) {
                Step::Findings(findings) => judgement.violations.extend(
                    findings
                        .into_iter()
                        .filter(Finding::is_new)
                        .take(FINDINGS_MAX)
                        .map(|finding| judge.violation(finding)),
                ),
                Step::Failed(failure) => judgement.failures.push(judge.failed(&failure)),
                Step::Needs(calls) => note(&mut asked, calls),
            }
        }
        self.retract_if(asked)?;
        self.next_event += events.len() as u64;
        Ok(judgement)
    }

    /// Shows what happened before, of which nothing is to be said. With questions that are open, it
    /// has not been shown yet.
    pub(crate) fn remember(
        &mut self,
        message: &PastMessage,
        detectors: &dyn Detectors,
    ) -> Result<(), Asked> {
        self.begin(detectors)?;
        let mut asked = Vec::new();
        for judge in &mut self.able {
            if let Step::Needs(calls) = judge.monitor.push(&message.events, detectors) {
                note(&mut asked, calls);
            }
        }
        self.retract_if(asked)?;
        for judge in &mut self.able {
            if message.has_happened {
                judge.monitor.commit();
            } else {
                judge.monitor.discard();
            }
        }
        self.next_event += message.events.len() as u64;
        Ok(())
    }

    /// Shows an empty session: what holds of it is no doing of its first message.
    fn begin(&mut self, detectors: &dyn Detectors) -> Result<(), Asked> {
        let mut asked = Vec::new();
        for judge in &mut self.able {
            if judge.has_begun {
                continue;
            }
            if let Step::Needs(calls) = judge.monitor.push(&[], detectors) {
                note(&mut asked, calls);
            } else {
                judge.monitor.commit();
                judge.has_begun = true;
            }
        }
        if asked.is_empty() {
            Ok(())
        } else {
            Err(Asked(asked))
        }
    }

    /// Takes everything back if something was asked.
    fn retract_if(&mut self, asked: Vec<DetectorCall>) -> Result<(), Asked> {
        if asked.is_empty() {
            return Ok(());
        }
        for judge in &mut self.able {
            judge.monitor.retract();
        }
        Err(Asked(asked))
    }

    /// A judgement on what no guardrail can speak about, because it could not be lowered.
    pub(crate) fn fail(&self, reason: &str) -> Judgement {
        Judgement {
            violations: Vec::new(),
            failures: vec![Failed {
                guardrail: built_in("inspection".to_owned()),
                action: GuardrailAction::Block,
                reason: reason.to_owned(),
            }],
            first_event: self.next_event,
        }
    }

    /// Lets the events of the last judgement have happened, or not. The permit to pass `bytes`,
    /// the message that was judged, comes with the former.
    pub(crate) fn settle(
        &mut self,
        judgement: &Judgement,
        bytes: Bytes,
        delivery: Delivery,
    ) -> Option<Permit> {
        let permit = Permit::pass(judgement, bytes, delivery);
        for judge in &mut self.able {
            if permit.is_some() {
                judge.monitor.commit();
            } else {
                judge.monitor.discard();
            }
        }
        permit
    }
}

/// Several guardrails may ask the same.
fn note(asked: &mut Vec<DetectorCall>, calls: Vec<DetectorCall>) {
    for call in calls {
        if !asked.contains(&call) {
            asked.push(call);
        }
    }
}

// === impl Judge ===

impl Judge {
    fn violation(&self, finding: Finding) -> Violation {
        Violation {
            guardrail: self.name.clone(),
            action: self.on_violation,
            message: finding.message(),
            ranges: finding.ranges.iter().cloned().collect(),
            arguments: finding.args,
            keywords: finding.kwargs,
        }
    }

    fn failed(&self, failure: &Failure) -> Failed {
        Failed {
            guardrail: self.name.clone(),
            action: self.on_failure,
            reason: failure.to_string(),
        }
    }
}

// === impl Judgement ===

impl Judgement {
    /// Adds what is said of what a server tells the model.
    pub(crate) fn add(&mut self, report: Report) {
        let findings = report.findings.into_iter();
        self.violations
            .extend(findings.map(|finding| Violation::of_tool(finding, self.first_event)));
        if report.calls_withheld {
            let message = "the tool was taken out of a listing".to_owned();
            let violation = Violation::own("tools.withheld", GuardrailAction::Block, message);
            self.violations.push(violation);
        }
        self.failures
            .extend(report.failures.into_iter().map(|failure| Failed {
                guardrail: built_in(failure.check.guardrail()),
                action: failure.action,
                reason: failure.reason.to_string(),
            }));
    }

    /// Adds what is said of what the message is to give to a client.
    pub(crate) fn add_passage(&mut self, passage: &Passage) {
        if let Some(refusal) = passage.refusal {
            let refusal = refusal.to_owned();
            let violation = Violation::own("links", GuardrailAction::Block, refusal);
            self.violations.push(violation);
        }
        if passage.taken_out > 0 {
            let message = format!(
                "{} icons and websites with unsafe addresses were taken out",
                passage.taken_out
            );
            let violation = Violation::own("links", GuardrailAction::Log, message);
            self.violations.push(violation);
        }
        if passage.contexts > 0 {
            let message = "`includeContext` was passed on as `none`".to_owned();
            let violation = Violation::own("context", GuardrailAction::Log, message);
            self.violations.push(violation);
        }
    }

    pub(crate) fn allows(&self) -> bool {
        self.blocking().next().is_none() && self.blocking_failure().is_none()
    }

    pub(crate) fn blocking(&self) -> impl Iterator<Item = &Violation> {
        self.violations
            .iter()
            .filter(|violation| violation.action == GuardrailAction::Block)
    }

    pub(crate) fn blocking_failure(&self) -> Option<&Failed> {
        self.failures
            .iter()
            .find(|failure| failure.action == GuardrailAction::Block)
    }

    /// Which of the message's events the blocking violations point at, counted from its first.
    ///
    /// `None` if that does not explain the block: a guardrail failed, or a violation points at
    /// nothing in this message.
    pub(crate) fn blamed_events(&self) -> Option<BTreeSet<u64>> {
        if self.blocking_failure().is_some() {
            return None;
        }
        let mut blamed = BTreeSet::new();
        for violation in self.blocking() {
            let places = violation.ranges.iter();
            let own: Vec<u64> = places
                .filter_map(|range| range.event.checked_sub(self.first_event))
                .collect();
            if own.is_empty() {
                return None;
            }
            blamed.extend(own);
        }
        Some(blamed)
    }
}

// === impl Violation ===

impl Violation {
    fn of_tool(finding: ToolFinding, first_event: u64) -> Self {
        let event = first_event + finding.event as u64;
        let range = |path, span| Range { event, path, span };
        let places = finding.places.into_iter();
        let parts = places.map(|(path, span)| range(path, span));
        Self {
            guardrail: built_in(finding.check.guardrail()),
            action: finding.action,
            arguments: vec![finding.message.as_str().into()],
            message: finding.message,
            keywords: finding.details,
            ranges: iter::once(range(Vec::new(), None)).chain(parts).collect(),
        }
    }

    /// What no guardrail of anybody's says.
    fn own(guardrail: &str, action: GuardrailAction, message: String) -> Self {
        Self {
            guardrail: built_in(guardrail.to_owned()),
            action,
            arguments: vec![message.as_str().into()],
            message,
            keywords: Object::new(),
            ranges: Vec::new(),
        }
    }

    pub(crate) fn record(&self) -> ViolationRecord {
        ViolationRecord {
            guardrail: self.guardrail.clone(),
            action: self.action.record(),
            message: self.message.clone(),
            arguments: self.arguments.clone(),
            keywords: self.keywords.clone(),
            ranges: self.ranges.iter().map(Range::to_string).collect(),
        }
    }
}
