mod json;

use std::io::{self, Write};
use std::path::Path;

use portcullis_json::Value;
use portcullis_server::check::{
    Checked, EngineFinding, STANDARD_INPUT, TraceFile, TraceFileError, Unevaluated,
    check as evaluate,
};
use portcullis_server::policy::PolicyFile;
use portcullis_syntax::Span;

use super::config::detectors;
use super::{Failure, Outcome, parameters, show_warning};
use crate::args::{CheckArguments, Format};
use crate::render::excerpt::excerpt;
use crate::render::trace::{Events, PLACES_MAX, more_places};
use crate::render::{self, GOOD, plain, policy_diagnostics};

/// What becomes of what a policy does not judge.
const BLOCKS: &str = "a gateway would block the message at which this happens";
const NO_RULE: &str = "the policy has no rule, so that it finds nothing; no gateway takes it";

pub(crate) fn check(arguments: &CheckArguments) -> Result<Outcome, Failure> {
    let parameters = parameters(&arguments.param)?;
    let file = PolicyFile::read(&arguments.policy).map_err(|error| Failure::of(&error))?;
    let Some(policy) = file.policy.clone() else {
        if arguments.format == Format::Json {
            write_json(&json::load_errors(&file))?;
        }
        return Err(Failure::rendered(policy_diagnostics(&file)));
    };
    let trace = if arguments.trace == Path::new(STANDARD_INPUT) {
        TraceFile::read_from(io::stdin())
    } else {
        TraceFile::read(&arguments.trace)
    };
    let trace = match trace {
        Ok(trace) => trace,
        Err(error) => {
            if arguments.format == Format::Json {
                write_json(&json::trace_error(&file, &error))?;
            }
            return Err(trace_failure(&error));
        }
    };
    let detectors = detectors(arguments.detectors.as_deref())?;
    let checked = evaluate(policy, &trace, parameters, &detectors);
    let checked = checked.map_err(|error| Failure::internal(&error))?;
    match arguments.format {
        Format::Json => write_json(&json::report(&file, trace.messages.len(), &checked))?,
        Format::Text => {
            write_warnings(&file, &checked)?;
            if let Ok(findings) = &checked.evaluated {
                write_text(findings, &file, &trace)?;
            }
        }
    }
    match checked.evaluated {
        Ok(findings) if findings.is_empty() => Ok(Outcome::Ok),
        Ok(_) => Ok(Outcome::Findings),
        Err(unevaluated) => Err(unevaluated_failure(&unevaluated, &file)),
    }
}

fn write_warnings(file: &PolicyFile, checked: &Checked) -> io::Result<()> {
    if !file.diagnostics.is_empty() {
        write!(anstream::stderr().lock(), "{}", policy_diagnostics(file))?;
    }
    if file
        .policy
        .as_ref()
        .is_some_and(|policy| policy.rules() == 0)
    {
        show_warning(&format!("{NO_RULE} ({})", span_place(file, None)));
    }
    for unanswered in &checked.unanswered {
        let place = span_place(file, Some(unanswered.span));
        show_warning(&format!(
            "{} ({place}); `--detectors FILE` names the configuration",
            unanswered.reason
        ));
    }
    Ok(())
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
    .hint(BLOCKS)
}

fn write_text(findings: &[EngineFinding], file: &PolicyFile, trace: &TraceFile) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    if findings.is_empty() {
        let count = trace.messages.len();
        let plural = if count == 1 { "" } else { "s" };
        return writeln!(
            out,
            "{}: nothing found in {count} message{plural}",
            GOOD.paint("ok"),
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
        for range in finding.ranges.iter().take(PLACES_MAX) {
            write!(out, "{}", events.show(range))?;
        }
        if let Some(more) = more_places(finding.ranges.iter().count()) {
            writeln!(out, "{more}; `--format json` has all")?;
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
pub(super) fn span_place(file: &PolicyFile, span: Option<Span>) -> String {
    let before = span.and_then(|span| file.source.get(..span.range().start));
    let path = plain(&file.path.display().to_string());
    match before {
        Some(before) => format!("{path}:{}", before.matches('\n').count() + 1),
        None => path,
    }
}

fn trace_failure(error: &TraceFileError) -> Failure {
    let failure = match error {
        TraceFileError::Read { .. }
        | TraceFileError::TooLong { .. }
        | TraceFileError::Empty { .. } => Failure::of(error),
        TraceFileError::Json { text, span, .. } | TraceFileError::Message { text, span, .. } => {
            Failure::located(error, &excerpt(text, span))
        }
    };
    match trace_hint(error) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn trace_hint(error: &TraceFileError) -> Option<&'static str> {
    let is_empty = matches!(error, TraceFileError::Empty { .. });
    is_empty.then_some("write a trace without messages as `[]`")
}

fn write_json(value: &Value) -> Result<(), Failure> {
    Ok(writeln!(anstream::stdout().lock(), "{value}")?)
}
