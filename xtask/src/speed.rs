//! Times the engine on one recorded workload, and weighs the session that it leaves.
//!
//! The answer is one line of JSON, so that a driver can compare engines on the same file in the
//! same run. A workload with a `pending` part is judged as a gateway judges a message: the past is
//! committed beforehand, and what is timed is the pending part alone, pushed and discarded again
//! and again. Without one, the trace is pushed to a new session, element by element. Both times
//! include turning JSON values into events and the answers of detectors. Answers are remembered
//! within a session, so a pending tool output that repeats costs less than a new one.

use crate::growth::memory;
use portcullis_engine::{Finding, Limits, Monitor, Policy, Step};
use portcullis_json::{self as json, Number, Object, Value};
use portcullis_session::LocalDetectors;
use portcullis_trace::wire;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// LIMIT: timings of one run.
const RUNS_MAX: usize = 10_000;
const RUNS_MIN: usize = 3;
/// Sessions are weighed by the dozen until they hold so many elements together.
const WEIGHED_ELEMENTS: usize = 20_000;

struct Workload {
    policy: Policy,
    load: Duration,
    trace: Vec<Value>,
    pending: Option<Vec<Value>>,
}

/// Measures for about so many seconds, after one warm-up.
pub(crate) fn run(case: &Path, seconds: f64) -> Result<(String, bool), String> {
    let patience = Duration::try_from_secs_f64(seconds)
        .map_err(|error| format!("`{seconds}` is no number of seconds: {error}"))?;
    let text = fs::read_to_string(case).map_err(|error| format!("{}: {error}", case.display()))?;
    let workload = Workload::read(&text).map_err(|why| format!("{}: {why}", case.display()))?;
    let weight = workload.weight_per_1000()?;
    let mut steps = None;
    let (times, errors) = if let Some(pending) = &workload.pending {
        workload.time_pending(pending, patience)?
    } else {
        let (times, _) = repeat(patience / 2, || workload.stepwise())?;
        steps = Some(times);
        repeat(patience / 2, || workload.whole())?
    };
    let mut report = Object::new();
    report.insert("load_s", float(workload.load.as_secs_f64()));
    report.insert("times_s", times.into_iter().map(float).collect::<Vec<_>>());
    if let Some(steps) = steps {
        let steps: Vec<_> = steps.into_iter().map(float).collect();
        report.insert("event_by_event_s", steps);
    }
    report.insert("errors", integer(errors));
    report.insert("max_rss_mb", integer(memory::peak_bytes()? / (1024 * 1024)));
    report.insert("bytes_per_1000_elements", integer(weight));
    Ok((Value::from(report).to_string(), true))
}

// === impl Workload ===

impl Workload {
    fn read(text: &str) -> Result<Self, String> {
        let case = json::parse(text, &json::Limits::lenient()).map_err(|e| e.to_string())?;
        let source = case.get("policy").and_then(Value::as_str);
        let source = source.ok_or("a workload has a `policy`")?;
        let list = |name| {
            case.get(name)
                .and_then(Value::as_array)
                .map(<[Value]>::to_vec)
        };
        let start = Instant::now();
        let loaded = Policy::load(source);
        let load = start.elapsed();
        let problems = || loaded.diagnostics.iter().map(|d| d.message.as_str());
        let policy = loaded.policy.clone();
        Ok(Self {
            policy: policy.ok_or_else(|| problems().collect::<Vec<_>>().join("; "))?,
            load,
            trace: list("trace").ok_or("a workload has a `trace`")?,
            pending: list("pending"),
        })
    }

    fn monitor(&self) -> Monitor {
        Monitor::new(self.policy.clone(), Object::new(), Limits::default())
    }

    fn whole(&self) -> Result<usize, String> {
        let found = push(&mut self.monitor(), &self.trace)?;
        Ok(found.iter().filter(|finding| finding.is_new()).count())
    }

    fn stepwise(&self) -> Result<usize, String> {
        let mut monitor = self.monitor();
        let mut errors = 0;
        for element in &self.trace {
            let found = push(&mut monitor, std::slice::from_ref(element))?;
            errors += found.iter().filter(|finding| finding.is_new()).count();
            monitor.commit();
        }
        Ok(errors)
    }

    fn time_pending(
        &self,
        pending: &[Value],
        patience: Duration,
    ) -> Result<(Vec<f64>, usize), String> {
        let mut monitor = self.monitor();
        push(&mut monitor, &self.trace)?;
        monitor.commit();
        repeat(patience, || {
            let found = push(&mut monitor, pending)?;
            monitor.discard();
            Ok(found.iter().filter(|finding| finding.is_new()).count())
        })
    }

    /// Bytes that a session keeps for each 1,000 elements of the trace. Every element is read from
    /// its text and dropped once it is pushed, as a gateway does, so that what is kept is the
    /// session's own.
    fn weight_per_1000(&self) -> Result<usize, String> {
        let written: Vec<String> = self.trace.iter().map(ToString::to_string).collect();
        let copies = WEIGHED_ELEMENTS.div_ceil(written.len().max(1));
        let before = memory::resident_bytes()?;
        let mut sessions = Vec::with_capacity(copies);
        for _ in 0..copies {
            let mut monitor = self.monitor();
            for element in &written {
                let element = json::parse(element, &json::Limits::lenient());
                push(&mut monitor, &[element.map_err(|error| error.to_string())?])?;
                monitor.commit();
            }
            sessions.push(monitor);
        }
        let kept = memory::resident_bytes()?.saturating_sub(before);
        drop(sessions);
        Ok(kept * 1000 / (copies * written.len()).max(1))
    }
}

/// Times something after one warm-up. The last answer is handed on.
fn repeat(
    patience: Duration,
    mut once: impl FnMut() -> Result<usize, String>,
) -> Result<(Vec<f64>, usize), String> {
    once()?;
    let mut times = Vec::new();
    let mut errors = 0;
    let begin = Instant::now();
    while times.len() < RUNS_MIN || (begin.elapsed() < patience && times.len() < RUNS_MAX) {
        let start = Instant::now();
        errors = once()?;
        times.push(start.elapsed().as_secs_f64());
    }
    Ok((times, errors))
}

fn push(monitor: &mut Monitor, elements: &[Value]) -> Result<Vec<Finding>, String> {
    let events = wire::trace(elements).map_err(|error| error.to_string())?;
    match monitor.push(&events, &LocalDetectors) {
        Step::Findings(found) => Ok(found),
        Step::Needs(calls) => Err(format!("{} detector calls are not answered", calls.len())),
        Step::Failed(failure) => Err(failure.to_string()),
    }
}

fn float(value: f64) -> Value {
    Value::Number(Number::Float(value))
}

fn integer(value: usize) -> Value {
    Value::Number(Number::Integer(i64::try_from(value).unwrap_or(i64::MAX)))
}
