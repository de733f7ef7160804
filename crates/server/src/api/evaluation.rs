//! Policies over traces, away from the threads that serve traffic.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use portcullis_engine::{Failure, FailureKind, Finding, Limits, Monitor, Policy};
use portcullis_json::{Object, Value};
use portcullis_syntax::{Diagnostic, Severity, Span};
use portcullis_trace::{Event, wire};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::answer::{Detail, object};
use crate::detectors::ConfiguredDetectors;
use crate::text_file::Walk;

/// LIMIT: evaluations at a time.
const EVALUATIONS_MAX: usize = 2;
/// LIMIT: how long a request waits for its turn.
const TURN_WAIT_MAX: Duration = Duration::from_secs(30);

/// Turns to evaluate, and the detectors for it.
#[derive(Debug)]
pub(super) struct Evaluations {
    turns: Arc<Semaphore>,
    detectors: Arc<ConfiguredDetectors>,
}

/// Why a policy says nothing about a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotEvaluated {
    /// It does not load.
    Load(String),
    /// The trace is none.
    Input(String),
    Failed(Failure),
}

/// A trace that policies can judge.
#[derive(Clone, Debug)]
pub(super) struct Judged(Arc<[Event]>);

// === impl Evaluations ===

impl Evaluations {
    pub(super) fn new(detectors: Arc<ConfiguredDetectors>) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(EVALUATIONS_MAX)),
            detectors,
        }
    }

    /// Runs `work` when it has its turn.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ConfiguredDetectors) -> T + Send + 'static,
    ) -> Result<T, Detail> {
        let turn = timeout(TURN_WAIT_MAX, Arc::clone(&self.turns).acquire_owned());
        let Ok(Ok(turn)) = turn.await else {
            return Err(Detail::busy("too many policies are being checked"));
        };
        let detectors = Arc::clone(&self.detectors);
        let done = spawn_blocking(move || {
            let done = work(&detectors);
            drop(turn);
            done
        });
        let failed = |_| Detail::new(StatusCode::INTERNAL_SERVER_ERROR, "the check broke off");
        done.await.map_err(failed)
    }
}

// === impl Judged ===

impl Judged {
    pub(super) fn read(messages: &[Value]) -> Result<Self, NotEvaluated> {
        let events = wire::trace(messages);
        let events = events.map_err(|error| NotEvaluated::Input(error.to_string()))?;
        Ok(Self(events.into()))
    }

    /// All that the policy finds in the trace. Runs on a thread that may wait.
    pub(super) fn check(
        &self,
        policy: Policy,
        parameters: Object,
        detectors: &ConfiguredDetectors,
    ) -> Result<Vec<Finding>, NotEvaluated> {
        let mut monitor = Monitor::new(policy, parameters, Limits::default());
        let evaluated = Handle::current().block_on(detectors.evaluate(&mut monitor, &self.0));
        evaluated.map_err(NotEvaluated::Failed)
    }
}

pub(super) fn load(source: &str) -> Result<Policy, NotEvaluated> {
    let loaded = Policy::load(source);
    loaded
        .policy
        .ok_or_else(|| NotEvaluated::Load(errors_text(source, &loaded.diagnostics)))
}

/// The errors in the order of their places, a line for each.
fn errors_text(source: &str, diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter();
    let errors = errors.filter(|found| found.severity == Severity::Error);
    let mut errors: Vec<_> = errors.collect();
    errors.sort_by_key(|error| error.span().range().start);
    // A policy may have as many errors as words, so it is gone through once.
    let mut walk = Walk::new(source);
    let written = errors.into_iter().map(|error| {
        let place = place(&mut walk, error.span());
        format!("{}: {} ({place})", error.code.0, error.message)
    });
    written.collect::<Vec<_>>().join("\n")
}

fn place(walk: &mut Walk<'_>, span: Span) -> String {
    let (line, column) = walk.to(span.range().start);
    format!("line {line}, column {column}")
}

/// Findings as the reference calls them.
pub(super) fn errors(findings: &[Finding]) -> Vec<Value> {
    findings.iter().map(error).collect()
}

fn error(finding: &Finding) -> Value {
    let ranges = finding.ranges.iter().map(|range| range.to_string().into());
    object([
        ("key", finding.key.as_str().into()),
        ("args", finding.args.clone().into()),
        ("kwargs", finding.kwargs.clone().into()),
        ("ranges", ranges.collect::<Vec<Value>>().into()),
    ])
}

// === impl NotEvaluated ===

impl NotEvaluated {
    /// What went wrong, and where in the policy's `source` that is known.
    pub(super) fn text_in(&self, source: &str) -> String {
        let text = self.text();
        match self {
            Self::Failed(Failure {
                span: Some(span), ..
            }) => format!("{text} ({})", place(&mut Walk::new(source), *span)),
            // An error of loading has its place.
            Self::Failed(_) | Self::Load(_) | Self::Input(_) => text,
        }
    }

    /// The words by which clients of the reference know what went wrong.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Load(text) => text.clone(),
            Self::Input(text) => format!("Input Validation Error: {text}"),
            Self::Failed(failure) => {
                let catchphrase = match failure.kind {
                    FailureKind::Limit => "Excessive Policy: ",
                    FailureKind::MissingParameter => "Missing Policy Parameter: ",
                    FailureKind::MissingAttribute => "Invariant Attribute Error: ",
                    FailureKind::RuntimeError | FailureKind::Violation => "Error during analysis: ",
                };
                format!("{catchphrase}{}", failure.message)
            }
        }
    }
}

/// Clients look for catchphrases in answers of status 400, and for a failed analysis in others.
impl From<NotEvaluated> for Detail {
    fn from(error: NotEvaluated) -> Self {
        let text = error.text();
        match error {
            NotEvaluated::Failed(Failure {
                kind: FailureKind::RuntimeError | FailureKind::Violation,
                ..
            }) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, text),
            NotEvaluated::Load(_) | NotEvaluated::Input(_) | NotEvaluated::Failed(_) => {
                Self::bad_request(text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DetectorsConfig;

    #[test]
    fn what_goes_wrong_is_said_in_the_words_of_the_reference() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let _entered = runtime.enter();
        let detectors = ConfiguredDetectors::new(&DetectorsConfig::default()).unwrap();
        let check = |policy: &str, message: &str, expected: &str| {
            let message = crate::api::body::parse_json(message).unwrap();
            let checked = load(policy).and_then(|policy| {
                Judged::read(&[message])?.check(policy, Object::new(), &detectors)
            });
            let text = checked.unwrap_err().text();
            assert!(text.starts_with(expected), "{text}");
        };
        let user = r#"{"role":"user","content":"hi"}"#;
        let rule = |line: &str| format!("raise \"x\" if:\n    (m: Message)\n    {line}\n");
        check(&rule("input.limit > 1"), user, "Missing Policy Parameter: ");
        check(
            &rule("m.content.surprise == 1"),
            user,
            "Invariant Attribute Error: ",
        );
        check(&rule("m.content < 1"), user, "Error during analysis: ");
        check(
            &rule("{\"a\": 1}[\"it has no attribute b\"] == 1"),
            user,
            "Error during analysis: ",
        );
        check(&rule("True"), r#"{"role":1}"#, "Input Validation Error: ");
        check("raise if", user, "missing-if: ");
        let excessive =
            "f(n: int) :=\n    f(n + 1)\n\nraise \"x\" if:\n    (a: Message)\n    f(1)\n";
        check(excessive, user, "Excessive Policy: ");
    }

    #[test]
    fn errors_of_a_policy_are_told_in_the_order_of_their_places() {
        let source = "raise \"x\" if:\n    (m: Message)\n    nope(m)\n    also(m)\n";
        let mut diagnostics = Policy::load(source).diagnostics;
        let told = errors_text(source, &diagnostics);
        let lines: Vec<&str> = told.lines().collect();
        let [first, second] = lines[..] else {
            panic!("{told}");
        };
        assert!(first.ends_with(" (line 3, column 5)"), "{told}");
        assert!(second.ends_with(" (line 4, column 5)"), "{told}");
        diagnostics.reverse();
        assert_eq!(errors_text(source, &diagnostics), told);
    }
}
