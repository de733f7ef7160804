use std::sync::Arc;

use portcullis_json::Object;
use portcullis_trace::Step;
use portcullis_trace::pin::ToolSighting;

use super::{ToolCheck, ToolWatch};
use crate::context::GuardrailAction;

/// LIMIT: findings of one check in one listing; with more, the check has failed.
const FINDINGS_MAX: usize = 500;

/// A part of a tool, and perhaps a stretch of its text in code points.
pub(super) type Place = (Vec<Step>, Option<(u64, u64)>);

/// What there is to say of the tools that a message lists or calls.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<ToolFinding>,
    pub(crate) failures: Vec<ToolFailure>,
    /// What is to be noted.
    pub(crate) sightings: Vec<ToolSighting>,
    /// Whether it calls one that was taken out of a listing.
    pub(crate) calls_withheld: bool,
}

#[derive(Debug)]
pub(crate) struct ToolFinding {
    pub(crate) check: ToolCheck,
    pub(crate) action: GuardrailAction,
    /// Which of the message's events it is about.
    pub(crate) event: usize,
    pub(crate) message: String,
    pub(crate) details: Object,
    pub(crate) places: Vec<Place>,
}

/// A check that came to no result.
#[derive(Debug)]
pub(crate) struct ToolFailure {
    pub(crate) check: ToolCheck,
    pub(crate) action: GuardrailAction,
    pub(crate) reason: Arc<str>,
}

// === impl Report ===

impl Report {
    pub(super) fn add(&mut self, finding: ToolFinding) {
        let same = |it: &&ToolFinding| it.check == finding.check;
        if self.findings.iter().filter(same).count() < FINDINGS_MAX {
            self.findings.push(finding);
            return;
        }
        let reason = format!("it has found more than {FINDINGS_MAX} tools");
        self.failed(finding.check, finding.action, &reason);
    }

    /// A check that cannot say anything does what it would do if it had found something.
    pub(super) fn fail(&mut self, check: ToolCheck, watch: &ToolWatch, reason: &str) {
        if let Some(action) = watch.checks.action(check) {
            self.failed(check, action, reason);
        }
    }

    fn failed(&mut self, check: ToolCheck, action: GuardrailAction, reason: &str) {
        if self.failures.iter().all(|failure| failure.check != check) {
            self.failures.push(ToolFailure {
                check,
                action,
                reason: Arc::from(reason),
            });
        }
    }
}

// === impl ToolFinding ===

impl ToolFinding {
    pub(super) fn new(
        check: ToolCheck,
        action: GuardrailAction,
        event: usize,
        message: String,
    ) -> Self {
        Self {
            check,
            action,
            event,
            message,
            details: Object::new(),
            places: Vec::new(),
        }
    }

    pub(super) fn detail(mut self, name: &str, text: &str) -> Self {
        self.details.insert(name, text);
        self
    }

    pub(super) fn at(mut self, member: &str, span: Option<(u64, u64)>) -> Self {
        self.places.push((vec![Step::Key(Arc::from(member))], span));
        self
    }

    pub(super) fn all_at(mut self, places: Vec<Place>) -> Self {
        self.places.extend(places);
        self
    }
}
