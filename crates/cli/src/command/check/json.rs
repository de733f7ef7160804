//! The outcome of a check for programs.
//!
//! `ok`, `load_error`, `load_errors`, `run_error` and `errors` are the corpus's form of a result;
//! what else is there is ours. A line counts from one, a column from nought, as there.

use portcullis_json::Value;
use portcullis_server::check::{Checked, EngineFinding, TraceFileError, Unevaluated};
use portcullis_server::policy::PolicyFile;
use portcullis_syntax::{Diagnostic, Label, Severity, Span};

use super::{BLOCKS, NO_RULE, trace_hint};

/// What there is to say; the default is that nothing was found.
#[derive(Debug, Default)]
struct Outcome {
    load_errors: Vec<Value>,
    run_error: Option<Value>,
    trace_error: Option<Value>,
    errors: Vec<Value>,
    warnings: Vec<Value>,
    messages: usize,
}

pub(super) fn report(file: &PolicyFile, messages: usize, checked: &Checked) -> Value {
    let mut outcome = Outcome {
        messages,
        warnings: warnings(file),
        ..Outcome::default()
    };
    let unanswered = checked.unanswered.iter().map(|unanswered| {
        let problem = ("unanswered-detector", &*unanswered.reason, Some(BLOCKS));
        self::problem(&file.source, problem, unanswered.span, &[])
    });
    outcome.warnings.extend(unanswered);
    match &checked.evaluated {
        Ok(findings) => {
            let errors = findings.iter().map(|finding| error(file, finding));
            outcome.errors = errors.collect();
        }
        Err(unevaluated) => outcome.run_error = Some(run_error(file, unevaluated)),
    }
    outcome.into()
}

pub(super) fn load_errors(file: &PolicyFile) -> Value {
    Outcome {
        load_errors: diagnostics(file, Severity::Error),
        warnings: diagnostics(file, Severity::Warning),
        ..Outcome::default()
    }
    .into()
}

/// The trace is not one, so that nothing was evaluated.
pub(super) fn trace_error(file: &PolicyFile, error: &TraceFileError) -> Value {
    let cause = std::error::Error::source(error);
    let place = match error {
        TraceFileError::Json { text, span, .. } | TraceFileError::Message { text, span, .. } => {
            Some(place(text, span.start))
        }
        TraceFileError::Read { .. }
        | TraceFileError::TooLong { .. }
        | TraceFileError::Empty { .. } => None,
    };
    Outcome {
        trace_error: Some(object([
            ("message", error.to_string().into()),
            ("cause", or_null(cause.map(ToString::to_string))),
            ("line", or_null(place.map(|(line, _)| number(line)))),
            ("column", or_null(place.map(|(_, column)| number(column)))),
            ("help", or_null(trace_hint(error))),
        ])),
        warnings: warnings(file),
        ..Outcome::default()
    }
    .into()
}

fn warnings(file: &PolicyFile) -> Vec<Value> {
    let mut warnings = diagnostics(file, Severity::Warning);
    if file
        .policy
        .as_ref()
        .is_some_and(|policy| policy.rules() == 0)
    {
        let problem = ("no-rule", NO_RULE, None);
        warnings.push(self::problem(&file.source, problem, Span::new(0, 0), &[]));
    }
    warnings
}

fn diagnostics(file: &PolicyFile, severity: Severity) -> Vec<Value> {
    let found = file.diagnostics.iter();
    let meant = found.filter(|found| found.severity == severity);
    let shown = meant.map(|found: &Diagnostic| {
        let problem = (found.code.0, &*found.message, found.help.as_deref());
        self::problem(&file.source, problem, found.span(), &found.labels)
    });
    shown.collect()
}

fn problem(
    source: &str,
    (kind, message, help): (&str, &str, Option<&str>),
    span: Span,
    labels: &[Label],
) -> Value {
    let (line, column) = place(source, span.range().start);
    let labels = labels.iter().map(|label| {
        let (line, column) = place(source, label.span.range().start);
        let (end_line, end_column) = place(source, label.span.range().end);
        object([
            ("line", number(line)),
            ("column", number(column)),
            ("end_line", number(end_line)),
            ("end_column", number(end_column)),
            ("text", label.text.as_str().into()),
        ])
    });
    object([
        ("kind", kind.into()),
        ("type", "PolicyError".into()),
        ("message", message.into()),
        ("line", number(line)),
        ("column", number(column)),
        ("help", or_null(help)),
        ("labels", labels.collect::<Vec<_>>().into()),
    ])
}

fn error(file: &PolicyFile, finding: &EngineFinding) -> Value {
    let ranges = finding
        .ranges
        .iter()
        .map(|range| Value::from(range.to_string()));
    let policy = file.policy.as_ref();
    let rule = policy.and_then(|policy| policy.rule_span(finding.rule));
    let line = rule.map(|span| number(place(&file.source, span.range().start).0));
    object([
        ("args", finding.args.clone().into()),
        ("kwargs", finding.kwargs.clone().into()),
        ("ranges", ranges.collect::<Vec<_>>().into()),
        ("key", finding.key.as_str().into()),
        ("message", finding.message().into()),
        ("rule", number(finding.rule)),
        ("line", or_null(line)),
    ])
}

fn run_error(file: &PolicyFile, unevaluated: &Unevaluated) -> Value {
    let Unevaluated { failure, message } = unevaluated;
    let rule_span = || file.policy.as_ref()?.rule_span(failure.rule?);
    let span = failure.span.or_else(rule_span);
    let place = span.map(|span| place(&file.source, span.range().start));
    object([
        ("type", "PolicyError".into()),
        ("message", failure.to_string().into()),
        ("rule", or_null(failure.rule.map(number))),
        ("line", or_null(place.map(|(line, _)| number(line)))),
        ("column", or_null(place.map(|(_, column)| number(column)))),
        (
            "at",
            or_null(message.map(|index| format!("messages.{index}"))),
        ),
        ("help", BLOCKS.into()),
    ])
}

/// The line, and how many characters of it are before.
fn place(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let within = before.rsplit('\n').next().unwrap_or_default();
    (line, within.chars().count())
}

// === impl Outcome ===

impl From<Outcome> for Value {
    fn from(outcome: Outcome) -> Self {
        let Outcome {
            load_errors,
            run_error,
            trace_error,
            errors,
            warnings,
            messages,
        } = outcome;
        let first = load_errors.first().and_then(|error| error.get("message"));
        let first = or_null(first.cloned());
        let ok = first.is_null() && run_error.is_none() && trace_error.is_none();
        object([
            ("ok", ok.into()),
            ("load_error", first),
            ("load_errors", load_errors.into()),
            ("run_error", or_null(run_error)),
            ("errors", errors.into()),
            ("warnings", warnings.into()),
            ("trace_error", or_null(trace_error)),
            ("messages", number(messages)),
        ])
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::from(members)
}

fn number(count: usize) -> Value {
    Value::from(i64::try_from(count).unwrap_or(i64::MAX))
}

fn or_null(value: Option<impl Into<Value>>) -> Value {
    value.map_or(Value::Null, Into::into)
}
