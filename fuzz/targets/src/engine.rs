use crate::text::assert_within;
use portcullis_engine::{
    Answer, DetectorCall, Detectors, FailureKind, Limits, Lookup, Monitor, Policy, Step,
};
use portcullis_json::{self as json, Object, Value};
use portcullis_syntax::Severity;
use portcullis_trace::{Event, wire};

/// LIMIT: what one input may cost, so that the fuzzer tries many.
const LIMITS: Limits = Limits {
    fuel: 200_000,
    depth: 200,
    candidates: 5_000,
    findings: 1_000,
};

/// Finds the same in every text.
#[derive(Debug)]
struct Everywhere;

impl Detectors for Everywhere {
    fn answer(&self, call: &DetectorCall) -> Lookup {
        let whole = 0..call.text.len();
        Lookup::Ready(Ok(Answer {
            value: Value::from(vec![Value::from("found")]),
            marks: vec![whole],
        }))
    }
}

/// A policy loads exactly if nothing is wrong with it.
pub fn check_policy(data: &[u8]) {
    let source = String::from_utf8_lossy(data);
    let loaded = Policy::load(&source);
    assert_within(&loaded.diagnostics, &source);
    let mut severities = loaded.diagnostics.iter().map(|found| found.severity);
    let is_wrong = severities.any(|severity| severity == Severity::Error);
    assert_eq!(loaded.policy.is_none(), is_wrong);
}

/// A policy and, behind a NUL, a trace: pushed whole, and element by element with an element
/// discarded before each.
pub fn evaluate(data: &[u8]) {
    let source = String::from_utf8_lossy(data);
    let (source, trace) = source.split_once('\0').unwrap_or((&source, "[]"));
    let Ok(trace) = json::parse(trace, &json::Limits::lenient()) else {
        return;
    };
    let Some(policy) = Policy::load(source).policy else {
        return;
    };
    let elements = trace.as_array().unwrap_or_default();
    if let Ok(whole) = wire::trace(elements) {
        push(&mut monitor(&policy, Object::new()), &whole, source);
    }
    let mut monitor = monitor(&policy, Object::new());
    for element in elements {
        let Ok(events) = wire::events(element) else {
            continue;
        };
        push(&mut monitor, &events, source);
        monitor.discard();
        push(&mut monitor, &events, source);
        monitor.commit();
    }
}

/// A regular expression, a newline, and the text it searches.
pub fn python_re(data: &[u8]) {
    const SOURCE: &str = "raise \"found\" if:\n    (m: Message)\n    match(input.pattern, m.content) or any(find(input.pattern, m.content))\n";
    let data = String::from_utf8_lossy(data);
    let (pattern, text) = data.split_once('\n').unwrap_or((&data, ""));
    let Some(policy) = Policy::load(SOURCE).policy else {
        return;
    };
    let mut parameters = Object::new();
    parameters.insert("pattern", pattern);
    let mut message = Object::new();
    message.insert("role", "user");
    message.insert("content", text);
    if let Ok(events) = wire::events(&Value::from(message)) {
        push(&mut monitor(&policy, parameters), &events, SOURCE);
    }
}

/// The pattern of a tool and, behind a NUL, the arguments of a call.
pub fn tool_pattern(data: &[u8]) {
    let data = String::from_utf8_lossy(data);
    let (pattern, arguments) = data.split_once('\0').unwrap_or((&data, "{}"));
    let source = format!("raise \"found\" if:\n    (c: ToolCall)\n    c is tool:t({pattern})\n");
    let Ok(arguments) = json::parse(arguments, &json::Limits::lenient()) else {
        return;
    };
    let Some(policy) = Policy::load(&source).policy else {
        return;
    };
    let mut function = Object::new();
    function.insert("name", "t");
    function.insert("arguments", arguments);
    let mut call = Object::new();
    call.insert("type", "function");
    call.insert("function", function);
    if let Ok(events) = wire::events(&Value::from(call)) {
        push(&mut monitor(&policy, Object::new()), &events, &source);
    }
}

fn monitor(policy: &Policy, parameters: Object) -> Monitor {
    Monitor::new(policy.clone(), parameters, LIMITS)
}

/// A push ends with findings or with a failure that tells where it was.
fn push(monitor: &mut Monitor, events: &[Event], source: &str) {
    let step = monitor.push(events, &Everywhere);
    assert!(
        !matches!(step, Step::Needs(_)),
        "every question was answered"
    );
    let Step::Failed(failure) = step else {
        return;
    };
    match failure.span {
        Some(span) => assert!(source.get(span.range()).is_some(), "{failure:?}"),
        None => assert_eq!(failure.kind, FailureKind::Limit, "{failure:?}"),
    }
}
