//! One recorded case: a policy, a trace, and what the original said of them.

use portcullis_engine::{FailureKind, Finding, Limits, Monitor, Novelty, Policy, Step};
use portcullis_json::{Object, Value};
use portcullis_session::LocalDetectors;
use portcullis_trace::{Event, wire};
use std::collections::{BTreeSet, HashSet};

/// A policy with a trace, parameters and perhaps a border between past and pending.
pub(crate) struct Case<'c> {
    policy: &'c str,
    trace: &'c [Value],
    pending: Option<&'c [Value]>,
    steps: Option<&'c [Value]>,
    parameters: Object,
}

/// What an engine says of a case.
pub(crate) enum Outcome {
    LoadError(String),
    RunError(String),
    Errors(Vec<Value>),
    Steps(Vec<Value>),
}

type Run<T> = Result<T, String>;

impl<'c> Case<'c> {
    pub(crate) fn read(case: &'c Value) -> Option<Self> {
        let list = |name| case.get(name).and_then(Value::as_array);
        Some(Self {
            policy: case.get("policy")?.as_str()?,
            trace: list("trace").unwrap_or_default(),
            pending: list("pending"),
            steps: list("steps"),
            parameters: case
                .get("params")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
        })
    }

    pub(crate) fn evaluate(&self) -> Outcome {
        let loaded = Policy::load(self.policy);
        let Some(policy) = loaded.policy else {
            let messages: Vec<_> = loaded.diagnostics.into_iter().map(|d| d.message).collect();
            return Outcome::LoadError(messages.join("; "));
        };
        let outcome = match (self.steps, self.pending) {
            (Some(steps), _) => self.stepwise(&policy, steps).map(Outcome::Steps),
            (None, Some(pending)) => self.pending(&policy, pending).map(Outcome::Errors),
            (None, None) => self
                .whole(&policy, self.trace)
                .map(|found| Outcome::Errors(found.iter().map(error).collect())),
        };
        outcome.unwrap_or_else(Outcome::RunError)
    }

    fn whole(&self, policy: &Policy, trace: &[Value]) -> Run<Vec<Finding>> {
        push(&mut self.monitor(policy), &events(trace)?)
    }

    fn pending(&self, policy: &Policy, pending: &[Value]) -> Run<Vec<Value>> {
        let mut monitor = self.monitor(policy);
        // What the past alone would say is not asked for, so it need not be sayable.
        match monitor.push(&events(self.trace)?, &LocalDetectors) {
            Step::Failed(failure) if failure.kind != FailureKind::Violation => {
                return Err(failure.to_string());
            }
            _ => monitor.commit(),
        }
        let found = push(&mut monitor, &events(pending)?)?;
        let reported = |finding: &&Finding| match finding.novelty {
            Novelty::Bound => true,
            Novelty::Unpositioned { seen_before } => !seen_before,
            Novelty::Past | Novelty::Turned => false,
        };
        Ok(found.iter().filter(reported).map(error).collect())
    }

    /// Evaluates the growing trace; an error is reported once for each set of positions.
    fn stepwise(&self, policy: &Policy, steps: &[Value]) -> Run<Vec<Value>> {
        let mut trace = self.trace.to_vec();
        let mut reported: HashSet<String> = HashSet::new();
        let mut results = Vec::new();
        for step in steps {
            trace.extend(step.as_array().unwrap_or_default().iter().cloned());
            let found = self.whole(policy, &trace)?;
            let new = found
                .iter()
                .filter(|finding| !reported.contains(&finding.key));
            results.push(Value::from(new.map(error).collect::<Vec<_>>()));
            reported.extend(found.into_iter().map(|finding| finding.key));
        }
        Ok(results)
    }

    fn monitor(&self, policy: &Policy) -> Monitor {
        Monitor::new(policy.clone(), self.parameters.clone(), Limits::default())
    }
}

fn events(trace: &[Value]) -> Run<Vec<Event>> {
    wire::trace(trace).map_err(|error| error.to_string())
}

fn push(monitor: &mut Monitor, events: &[Event]) -> Run<Vec<Finding>> {
    match monitor.push(events, &LocalDetectors) {
        Step::Findings(found) => Ok(found),
        Step::Needs(calls) => Err(format!("{} detector calls are not answered", calls.len())),
        Step::Failed(failure) => Err(failure.to_string()),
    }
}

fn error(finding: &Finding) -> Value {
    let ranges: BTreeSet<String> = finding.ranges.iter().map(ToString::to_string).collect();
    let ranges: Vec<Value> = ranges.into_iter().map(Value::from).collect();
    let mut error = Object::new();
    error.insert("args", finding.args.clone());
    error.insert("kwargs", finding.kwargs.clone());
    error.insert("ranges", ranges);
    error.insert("key", finding.key.as_str());
    Value::from(error)
}

impl Outcome {
    /// The result in the form in which the original's are recorded.
    pub(crate) fn to_json(&self, id: &Value) -> Value {
        let mut result = Object::new();
        result.insert("id", id.clone());
        let (mut load_error, mut run_error) = (Value::Null, Value::Null);
        let (mut errors, mut steps) = (Vec::new(), None);
        match self {
            Outcome::LoadError(message) => load_error = Value::from(message.as_str()),
            Outcome::RunError(message) => run_error = Value::from(message.as_str()),
            Outcome::Errors(found) => errors.clone_from(found),
            Outcome::Steps(found) => steps = Some(found.clone()),
        }
        result.insert("ok", load_error.is_null() && run_error.is_null());
        result.insert("load_error", load_error);
        result.insert("run_error", run_error);
        result.insert("errors", errors);
        if let Some(steps) = steps {
            result.insert("steps", steps);
        }
        Value::from(result)
    }
}
