//! A policy over a trace that is already complete.

use std::fs::File;
use std::io::{self, Read};
use std::iter;
use std::ops::Range;
use std::path::{Path, PathBuf};

pub use portcullis_engine::{Failure as EngineFailure, Finding as EngineFinding};

use portcullis_engine::{Failure, Finding, Limits, Monitor, Policy};
use portcullis_json::{self as json, Object, Shape, Value, parse, scan};
use portcullis_trace::Event;
use portcullis_trace::wire::{self, TraceError};
use portcullis_transport::http::endpoint::EndpointError;

use crate::config::DetectorsConfig;
use crate::detectors::{ConfiguredDetectors, Unanswered};
use crate::text_file::{line_and_column, read_bounded};

/// LIMIT: a trace file may be this long.
pub const TRACE_BYTES_MAX: u64 = 256 << 20;

/// How the standard input is called where a file is expected.
pub const STANDARD_INPUT: &str = "-";

/// A trace as it stands in a file: a JSON list of messages, or one message per line.
#[derive(Clone, Debug)]
pub struct TraceFile {
    pub path: PathBuf,
    pub source: String,
    pub messages: Vec<Value>,
    events: Vec<Event>,
}

#[derive(Debug, thiserror::Error)]
pub enum TraceFileError {
    #[error("the trace `{}` cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the trace `{}` is longer than {TRACE_BYTES_MAX} bytes", path.display())]
    TooLong { path: PathBuf },
    /// A trace without messages is written as an empty list; this is a file that was not written.
    #[error("the trace `{}` holds no JSON value", path.display())]
    Empty { path: PathBuf },
    #[error(
        "the trace `{}` is neither a JSON list nor lines of JSON, {}",
        path.display(), place(text, span)
    )]
    Json {
        path: PathBuf,
        text: String,
        span: Range<usize>,
        #[source]
        error: json::Error,
    },
    #[error(
        "message {index} of the trace `{}` is not valid, {}",
        path.display(), place(text, span)
    )]
    Message {
        path: PathBuf,
        text: String,
        span: Range<usize>,
        index: usize,
        #[source]
        error: TraceError,
    },
}

/// Why nothing can be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error("detectors cannot be connected to")]
    Connect(#[source] EndpointError),
    #[error("the check could not be started")]
    Start(#[source] io::Error),
}

/// What came of a check.
#[derive(Debug)]
pub struct Checked {
    /// All that the policy finds, or why it could not be evaluated.
    pub evaluated: Result<Vec<Finding>, Unevaluated>,
    /// Whatever the trace is.
    pub unanswered: Vec<Unanswered>,
}

/// Why nothing is known of a trace.
#[derive(Debug)]
pub struct Unevaluated {
    pub failure: EngineFailure,
    /// At which message, counted as the addresses of findings are, if a gateway would fail there in
    /// the same way.
    pub message: Option<usize>,
}

/// A place in a text where it is not JSON.
struct NotJson {
    at: usize,
    error: json::Error,
}

/// Evaluates a policy over a trace.
pub fn check(
    policy: Policy,
    trace: &TraceFile,
    parameters: Object,
    detectors: &DetectorsConfig,
) -> Result<Checked, CheckError> {
    let detectors = ConfiguredDetectors::new(detectors).map_err(CheckError::Connect)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CheckError::Start)?;
    let mut monitor = Monitor::new(policy.clone(), parameters.clone(), Limits::default());
    let unanswered = detectors.unanswered(&policy);
    let evaluated = runtime.block_on(async {
        let evaluated = detectors.evaluate(&mut monitor, &trace.events).await;
        match evaluated {
            Ok(findings) => Ok(findings),
            Err(failure) => {
                let monitor = Monitor::new(policy, parameters, Limits::default());
                let message = failing_message(monitor, trace, &failure, &detectors).await;
                Err(Unevaluated { failure, message })
            }
        }
    });
    Ok(Checked {
        evaluated,
        unanswered,
    })
}

/// The message at which a gateway would fail, unless it fails otherwise.
async fn failing_message(
    mut monitor: Monitor,
    trace: &TraceFile,
    failure: &Failure,
    detectors: &ConfiguredDetectors,
) -> Option<usize> {
    let is_same = |other: &Failure| (other.rule, other.span) == (failure.rule, failure.span);
    let mut index = 0;
    for message in &trace.messages {
        let events = wire::events(message).unwrap_or_default();
        match detectors.evaluate(&mut monitor, &events).await {
            Ok(_) => monitor.commit(),
            Err(other) => return is_same(&other).then_some(index),
        }
        index += events.len();
    }
    None
}

// === impl TraceFile ===

impl TraceFile {
    pub fn read(path: &Path) -> Result<Self, TraceFileError> {
        Self::read_source(path, File::open(path))
    }

    fn read_source(path: &Path, input: io::Result<impl Read>) -> Result<Self, TraceFileError> {
        match input.and_then(|input| read_bounded(input, TRACE_BYTES_MAX)) {
            Ok(Some(source)) => Self::parse(path.to_owned(), source),
            Ok(None) => Err(TraceFileError::TooLong {
                path: path.to_owned(),
            }),
            Err(error) => Err(TraceFileError::Read {
                path: path.to_owned(),
                source: error,
            }),
        }
    }

    /// What stands on the standard input.
    pub fn read_from(input: impl Read) -> Result<Self, TraceFileError> {
        Self::read_source(Path::new(STANDARD_INPUT), Ok(input))
    }

    /// Reads a trace; `path` is only what errors call it.
    pub fn parse(path: PathBuf, source: String) -> Result<Self, TraceFileError> {
        if source.trim().is_empty() {
            return Err(TraceFileError::Empty { path });
        }
        let spans = match message_spans(&source) {
            Ok(spans) => spans,
            Err(NotJson { at, error }) => {
                return Err(TraceFileError::Json {
                    span: at..source.ceil_char_boundary(at + 1),
                    path,
                    text: source,
                    error,
                });
            }
        };
        let (mut messages, mut events) = (Vec::with_capacity(spans.len()), Vec::new());
        for (index, span) in spans.into_iter().enumerate() {
            let written = source.get(span.clone()).unwrap_or_default();
            let read = parse(written, &json::Limits::lenient());
            let message = read.unwrap_or(Value::Null);
            match wire::events(&message) {
                Ok(found) => events.extend(found),
                Err(error) => {
                    return Err(TraceFileError::Message {
                        path,
                        text: source,
                        span,
                        index,
                        error,
                    });
                }
            }
            messages.push(message);
        }
        Ok(Self {
            path,
            source,
            messages,
            events,
        })
    }
}

/// Where a part of a text begins.
fn place(text: &str, span: &Range<usize>) -> String {
    let (line, column) = line_and_column(text, span.start);
    format!("line {line}, column {column}")
}

/// Where the messages are written.
fn message_spans(source: &str) -> Result<Vec<Range<usize>>, NotJson> {
    let limits = json::Limits::lenient();
    match scan(source, &limits) {
        Ok(Shape::Array(spans)) => Ok(spans),
        Ok(Shape::Object(_) | Shape::Scalar) => Ok(iter::once(0..source.len()).collect()),
        Err(error) => line_spans(source, &limits).map_err(|in_line| {
            // Which of the two forms was meant shows in how the text begins.
            if source.trim_start().starts_with('[') {
                NotJson {
                    at: error.offset(),
                    error,
                }
            } else {
                in_line
            }
        }),
    }
}

fn line_spans(source: &str, limits: &json::Limits) -> Result<Vec<Range<usize>>, NotJson> {
    let mut spans = Vec::new();
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        if !line.trim().is_empty() {
            scan(line, limits).map_err(|error| NotJson {
                at: start + error.offset(),
                error,
            })?;
            spans.push(start..start + line.trim_end().len());
        }
        start += line.len();
    }
    Ok(spans)
}
