use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use portcullis_syntax::{Code, Diagnostic, Label, Severity, Span};

use crate::text_file::line_and_column;

/// Something to tell who wrote a configuration. Data only, as a policy's [`Diagnostic`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// What `portcullis explain` knows it by, if it is about a policy.
    pub code: Option<Code>,
    /// One line, lowercase, no final period; input stands in backticks.
    pub message: String,
    /// The first label is the place of the problem.
    pub labels: Vec<Label>,
    pub help: Option<String>,
}

/// What there is to say about one file. Its text may hold secrets: `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq)]
pub struct FileProblems {
    pub path: PathBuf,
    pub text: String,
    pub problems: Vec<Problem>,
}

// === impl Problem ===

impl Problem {
    pub(super) fn error(span: Range<usize>, message: impl Into<String>) -> Self {
        let label = Label {
            span: Span::new(span.start, span.end),
            text: String::new(),
        };
        Self {
            severity: Severity::Error,
            code: None,
            message: message.into(),
            labels: vec![label],
            help: None,
        }
    }

    pub(super) fn warning(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(span, message)
        }
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub(super) fn label(mut self, span: Range<usize>, text: &str) -> Self {
        self.labels.push(Label {
            span: Span::new(span.start, span.end),
            text: text.to_owned(),
        });
        self
    }

    fn start(&self) -> usize {
        self.labels
            .first()
            .map_or(0, |label| label.span.range().start)
    }
}

impl From<Diagnostic> for Problem {
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            severity: diagnostic.severity,
            code: Some(diagnostic.code),
            message: diagnostic.message,
            labels: diagnostic.labels,
            help: diagnostic.help,
        }
    }
}

// === impl FileProblems ===

impl FileProblems {
    /// In the order of the text.
    pub(super) fn new(path: PathBuf, text: String, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(Problem::start);
        Self {
            path,
            text,
            problems,
        }
    }

    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    /// Each error on a line, as editors and logs have it: `file:line:column: message`.
    pub fn errors(&self) -> impl Iterator<Item = String> {
        self.lines(Severity::Error)
    }

    /// The same of warnings.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.lines(Severity::Warning)
    }

    fn lines(&self, severity: Severity) -> impl Iterator<Item = String> {
        let is_meant = move |problem: &&Problem| problem.severity == severity;
        self.problems.iter().filter(is_meant).map(|problem| {
            let (line, column) = line_and_column(&self.text, problem.start());
            let path = self.path.display();
            format!("{path}:{line}:{column}: {}", problem.message)
        })
    }
}

impl fmt::Debug for FileProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileProblems")
            .field("path", &self.path)
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}
