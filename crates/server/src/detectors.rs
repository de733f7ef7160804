//! The detectors of a gateway: those that answer at once, and those that must be asked.
//!
//! Whoever evaluates a policy sees one [`Detectors`]. It answers what this process can tell by
//! itself, and what it was told before; of the rest it says [`Lookup::Later`], and
//! [`ConfiguredDetectors::ask`] finds out. A detector that nobody configured is an error, which
//! says what to configure.

mod backend;
mod cache;
mod chat;
mod classifier;
mod embeddings;
mod folder;
mod moderation;
mod ocr;
mod options;
mod presidio;
mod program;
mod prompts;
mod semgrep;
mod service;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use portcullis_engine::{
    Answer, Answers, DetectorCall, Detectors, Failure, Finding, Lookup, Monitor, Policy, Step,
};
use portcullis_session::{GuardrailAction, LocalDetectors};
use portcullis_syntax::Span;
use portcullis_trace::Event;
use portcullis_transport::http::endpoint::EndpointError;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

use self::backend::{Backends, Route};
use crate::config::DetectorsConfig;

/// See the module.
#[derive(Debug)]
pub struct ConfiguredDetectors {
    backends: RwLock<Arc<Backends>>,
}

/// A call in a policy that nobody answers as the detectors are configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// In the source of the policy.
    pub span: Span,
    /// What the failure will say, which is what to configure.
    pub reason: String,
}

/// LIMIT: reasons why calls of one policy are not answered that are told.
const UNANSWERED_MAX: usize = 20;
/// LIMIT: calls that are asked at once; further ones of the same message are errors.
const CALLS_MAX: usize = 1024;

/// What a detector says of one text, or why it says nothing.
pub(crate) type Answered = Result<Answer, String>;

// === impl Unanswered ===

impl Unanswered {
    /// What becomes of messages that such a call is about, where failures of the guardrail are
    /// treated so.
    pub fn consequence(on_failure: GuardrailAction) -> &'static str {
        match on_failure {
            GuardrailAction::Block => {
                "as it is, a message that this would be asked about is blocked"
            }
            GuardrailAction::Log => {
                "as it is, a message that this would be asked about passes unjudged"
            }
        }
    }
}

// === impl ConfiguredDetectors ===

impl ConfiguredDetectors {
    pub fn new(config: &DetectorsConfig) -> Result<Self, EndpointError> {
        Ok(Self {
            backends: RwLock::new(Arc::new(Backends::new(config)?)),
        })
    }

    /// Puts another configuration in force, for calls that come from now on.
    pub(crate) fn configure(&self, config: &DetectorsConfig) -> Result<(), EndpointError> {
        if self.backends().config == *config {
            return Ok(());
        }
        let backends = Arc::new(Backends::new(config)?);
        *self
            .backends
            .write()
            .unwrap_or_else(PoisonError::into_inner) = backends;
        Ok(())
    }

    /// The calls of a policy that cannot be answered, as far as that shows in how they are written.
    /// Of those that nobody answers for the same reason it is the first.
    pub fn unanswered(&self, policy: &Policy) -> Vec<Unanswered> {
        let backends = self.backends();
        let mut unanswered: Vec<Unanswered> = Vec::new();
        for written in policy.detector_calls() {
            let Route::Nobody(reason) = backends.route(&written.call) else {
                continue;
            };
            let is_known = unanswered.iter().any(|known| known.reason == reason);
            if !is_known && unanswered.len() < UNANSWERED_MAX {
                let span = written.span;
                unanswered.push(Unanswered { span, reason });
            }
        }
        unanswered
    }

    /// How long a message waits for all that must be asked about it.
    pub(crate) fn patience(&self) -> Duration {
        self.backends().config.patience
    }

    /// Asks all at once, and gives an outcome for each call, in their order.
    pub(crate) async fn ask(&self, calls: &[DetectorCall], until: Instant) -> Vec<Answered> {
        let backends = self.backends();
        let mut asked = JoinSet::new();
        let mut places = HashMap::new();
        for (place, call) in calls.iter().enumerate().take(CALLS_MAX) {
            let (backends, detector) = (Arc::clone(&backends), call.detector);
            let call = call.clone();
            let task = asked.spawn(async move { backends.answer(&call).await });
            places.insert(task.id(), (place, detector));
        }
        let unanswered = |call: &DetectorCall| {
            let patience = backends.config.patience.as_secs_f32();
            Err(format!(
                "`{}` was not answered in time, within {patience} s for all of a message \
                 (`detectors.patience`)",
                call.detector
            ))
        };
        let mut outcomes: Vec<Answered> = calls.iter().take(CALLS_MAX).map(unanswered).collect();
        let too_many = || {
            Err(format!(
                "more than {CALLS_MAX} texts are asked about at once"
            ))
        };
        outcomes.resize_with(calls.len(), too_many);
        while let Ok(Some(done)) = timeout_at(until, asked.join_next_with_id()).await {
            let task = done.as_ref().map_or_else(JoinError::id, |(task, _)| *task);
            let Some((place, detector)) = places.get(&task) else {
                continue;
            };
            if let Some(slot) = outcomes.get_mut(*place) {
                *slot = done.map_or_else(|_| Err(broke_off(detector)), |(_, outcome)| outcome);
            }
        }
        outcomes
    }

    /// All that a policy says of these events, or why it could not be evaluated.
    pub(crate) async fn evaluate(
        &self,
        monitor: &mut Monitor,
        events: &[Event],
    ) -> Result<Vec<Finding>, Failure> {
        let until = Instant::now() + self.patience();
        let mut answers = Answers::default();
        loop {
            match monitor.push(events, &answers.beside(self)) {
                Step::Findings(findings) => return Ok(findings),
                Step::Failed(failure) => return Err(failure),
                Step::Needs(calls) => {
                    let outcomes = self.ask(&calls, until).await;
                    answers.add(calls.into_iter().zip(outcomes));
                }
            }
        }
    }

    fn backends(&self) -> Arc<Backends> {
        let backends = self.backends.read();
        Arc::clone(&backends.unwrap_or_else(PoisonError::into_inner))
    }
}

impl Detectors for ConfiguredDetectors {
    fn answer(&self, call: &DetectorCall) -> Lookup {
        if backend::is_local(call.detector) {
            return LocalDetectors.answer(call);
        }
        let backends = self.backends();
        match backends.route(call) {
            Route::Local => LocalDetectors.answer(call),
            Route::Backend(_) => match backends.cache().find(call) {
                Some(answer) => Lookup::Ready(Ok(answer)),
                None => Lookup::Later,
            },
            Route::Nobody(reason) => Lookup::Ready(Err(reason)),
        }
    }
}

/// Of an answer that nobody gives any more. What went wrong is in the log.
fn broke_off(detector: &str) -> String {
    format!("`{detector}` broke off by an error of its own")
}

#[cfg(test)]
mod tests;
