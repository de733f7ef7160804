use std::io::{self, Write};
use std::path::Path;

use portcullis_json::Value;
use portcullis_server::check::{
    EngineFinding, STANDARD_INPUT, TraceFile, TraceFileError, Unevaluated, check as evaluate,
};
use portcullis_server::policy::PolicyFile;
use portcullis_syntax::{Diagnostic, Severity, Span};

use super::config::detectors;
use super::{Failure, Outcome, parameters};
use crate::args::{CheckArguments, Format};
use crate::render::excerpt::excerpt;
use crate::render::trace::Events;
use crate::render::{self, GOOD, plain, policy_diagnostics};

type Evaluated = Result<Vec<EngineFinding>, Unevaluated>;

pub(crate) fn check(arguments: &CheckArguments) -> Result<Outcome, Failure> {
    let parameters = parameters(&arguments.param)?;
    let file = PolicyFile::read(&arguments.policy).map_err(|error| Failure::of(&error))?;
    let Some(policy) = file.policy.clone() else {
        if arguments.format == Format::Json {
            write_json(&load_errors(&file))?;
        }
        return Err(Failure::rendered(policy_diagnostics(&file)));
    };
    let trace = if arguments.trace == Path::new(STANDARD_INPUT) {
        TraceFile::read_from(io::stdin())
    } else {
        TraceFile::read(&arguments.trace)
    };
    let trace = trace.map_err(|error| trace_failure(&error))?;
    let detectors = detectors(arguments.detectors.as_deref())?;
    let evaluated = evaluate(policy, &trace, parameters, &detectors);
    let evaluated = evaluated.map_err(|error| Failure::internal(&error))?;
    match arguments.format {
        Format::Json => write_json(&report(&evaluated))?,
        Format::Text => {
            if !file.diagnostics.is_empty() {
                write!(anstream::stderr().lock(), "{}", policy_diagnostics(&file))?;
            }
            if let Ok(findings) = &evaluated {
                write_text(findings, &file, &trace)?;
            }
        }
    }
    match evaluated {
        Ok(findings) if findings.is_empty() => Ok(Outcome::Ok),
        Ok(_) => Ok(Outcome::Findings),
        Err(unevaluated) => Err(unevaluated_failure(&unevaluated, &file)),
    }
}

fn unevaluated_failure(unevaluated: &Unevaluated, file: &PolicyFile) -> Failure {
    let Unevaluated { failure, message } = unevaluated;
    let rule = || file.policy.as_ref()?.rule_span(failure.rule?);
    let place = span_place(file, failure.span.or_else(rule));
    let at = message.map(|index| format!(" at messages.{index}"));
    Failure::usage(format!(
        "the policy could not be evaluated{}: {failure} ({place})",
        at.unwrap_or_default()
    ))
    .hint("a gateway would block the message at which this happens")
}

fn write_text(findings: &[EngineFinding], file: &PolicyFile, trace: &TraceFile) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    if findings.is_empty() {
        return writeln!(
            out,
            "{}: nothing found in {} messages",
            GOOD.paint("ok"),
            trace.messages.len()
        );
    }
    let mut events = Events::default();
    for message in &trace.messages {
        events.push(message);
    }
    for finding in findings {
        let violation = render::ERROR.paint("violation");
        writeln!(out, "{violation}: {}", plain(&finding.message()))?;
        writeln!(out, "  rule at {}", rule_place(file, finding.rule))?;
        for range in &finding.ranges {
            write!(out, "{}", events.show(range))?;
        }
        writeln!(out)?;
    }
    let plural = if findings.len() == 1 { "" } else { "s" };
    writeln!(out, "{} violation{plural}", findings.len())
}

fn rule_place(file: &PolicyFile, rule: usize) -> String {
    let policy = file.policy.as_ref();
    span_place(file, policy.and_then(|policy| policy.rule_span(rule)))
}

/// As editors read it: `file:line`.
fn span_place(file: &PolicyFile, span: Option<Span>) -> String {
    let before = span.and_then(|span| file.source.get(..span.range().start));
    let path = plain(&file.path.display().to_string());
    match before {
        Some(before) => format!("{path}:{}", before.matches('\n').count() + 1),
        None => path,
    }
}

fn trace_failure(error: &TraceFileError) -> Failure {
    match error {
        TraceFileError::Read { .. } | TraceFileError::TooLong { .. } => Failure::of(error),
        TraceFileError::Empty { .. } => {
            Failure::of(error).hint("write a trace without messages as `[]`")
        }
        TraceFileError::Json { text, span, .. } | TraceFileError::Message { text, span, .. } => {
            Failure::located(error, &excerpt(text, span))
        }
    }
}

/// The corpus's form of a result: `ok`, `load_error`, `load_errors`, `run_error`, `errors`.
fn report(evaluated: &Evaluated) -> Value {
    let (run_error, errors) = match evaluated {
        Ok(findings) => (Value::Null, findings.iter().map(error).collect()),
        Err(Unevaluated { failure, .. }) => {
            let kind = ("type", Value::from("PolicyError"));
            let message = ("message", Value::from(failure.to_string()));
            (object([kind, message]), Vec::new())
        }
    };
    outcome(Value::Null, Vec::new(), run_error, errors)
}

fn load_errors(file: &PolicyFile) -> Value {
    let is_error = |found: &&Diagnostic| found.severity == Severity::Error;
    let errors: Vec<&Diagnostic> = file.diagnostics.iter().filter(is_error).collect();
    let first = errors
        .first()
        .map(|error| Value::from(error.message.as_str()));
    let all = errors.iter().map(|error| load_error(&file.source, error));
    let all = all.collect();
    outcome(first.unwrap_or(Value::Null), all, Value::Null, Vec::new())
}

fn load_error(source: &str, error: &Diagnostic) -> Value {
    let before = source.get(..error.span().range().start).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |line| line.chars().count());
    object([
        ("kind", error.code.0.into()),
        ("type", "PolicyError".into()),
        ("message", error.message.as_str().into()),
        ("line", number(line)),
        ("column", number(column)),
    ])
}

fn error(finding: &EngineFinding) -> Value {
    let ranges = finding
        .ranges
        .iter()
        .map(|range| Value::from(range.to_string()));
    object([
        ("args", finding.args.clone().into()),
        ("kwargs", finding.kwargs.clone().into()),
        ("ranges", ranges.collect::<Vec<_>>().into()),
        ("key", finding.key.as_str().into()),
    ])
}

fn outcome(
    load_error: Value,
    load_errors: Vec<Value>,
    run_error: Value,
    errors: Vec<Value>,
) -> Value {
    object([
        ("ok", (load_error.is_null() && run_error.is_null()).into()),
        ("load_error", load_error),
        ("load_errors", load_errors.into()),
        ("run_error", run_error),
        ("errors", errors.into()),
    ])
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::from(members)
}

fn number(count: usize) -> Value {
    Value::from(i64::try_from(count).unwrap_or(i64::MAX))
}

fn write_json(value: &Value) -> Result<(), Failure> {
    Ok(writeln!(anstream::stdout().lock(), "{value}")?)
}
