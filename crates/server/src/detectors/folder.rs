//! `prompt_injection(model=…)`, by a text classifier that this process runs.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use portcullis_engine::{Answer, DetectorCall};
use portcullis_json::Value;
use portcullis_model::{Classifier, ClassifyError};
use portcullis_session::{INJECTION_THRESHOLD, threshold};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::Answered;
use crate::config::ClassifierFolder;

/// See the module.
#[derive(Debug)]
pub(super) struct Folder {
    classifier: Arc<Classifier>,
    labels: Vec<usize>,
    /// For the wait for a turn and the run.
    timeout: Duration,
    /// LIMIT: runs at a time.
    turns: Arc<Semaphore>,
    /// The key of the configuration that names it.
    key: String,
}

// === impl Folder ===

impl Folder {
    pub(super) fn new(name: &str, config: &ClassifierFolder) -> Self {
        Self {
            classifier: Arc::clone(&config.classifier),
            labels: config.labels.clone(),
            timeout: config.timeout,
            turns: Arc::new(Semaphore::new(config.concurrency.get())),
            key: format!("detectors.prompt_injection.{name}"),
        }
    }

    /// Whether the worst window reaches the threshold; it is the mark.
    pub(super) async fn answer(&self, call: &DetectorCall) -> Answered {
        let threshold = threshold(&call.options, "threshold")?.unwrap_or(INJECTION_THRESHOLD);
        let until = Instant::now() + self.timeout;
        let turn = timeout_at(until, Arc::clone(&self.turns).acquire_owned());
        let Ok(Ok(turn)) = turn.await else {
            return Err(self.failure(format!(
                "it had no turn within {} ms, for other texts",
                self.timeout.as_millis()
            )));
        };
        let (classifier, text) = (Arc::clone(&self.classifier), Arc::clone(&call.text));
        // Nobody can interrupt it but itself: the turn ends with it, not with whoever waits.
        let run = spawn_blocking(move || {
            let assessment = classifier.classify(&text, until.into_std());
            drop(turn);
            assessment
        });
        let assessment = match timeout_at(until, run).await {
            Ok(Ok(assessment)) => assessment,
            Ok(Err(broken)) => return Err(self.failure(broken)),
            Err(_) => Err(ClassifyError::OutOfTime),
        };
        let assessment = assessment.map_err(|error| match error {
            ClassifyError::OutOfTime => self.failure(format!(
                "it was not done within {} ms",
                self.timeout.as_millis()
            )),
            error => self.failure(error),
        })?;
        let worst = assessment.worst(&self.labels);
        let found = worst.filter(|(score, _)| *score >= threshold);
        Ok(Answer {
            value: Value::Bool(found.is_some()),
            marks: found.into_iter().map(|(_, window)| window).collect(),
        })
    }

    /// An error of this classifier's, for whoever reads what a guardrail failed of.
    fn failure(&self, what: impl Display) -> String {
        format!("`{}`: {what}", self.key)
    }
}
