use std::ops::Range;

use portcullis_engine::Policy;
use portcullis_syntax::{Diagnostic, Span};

use super::problem::Problem;
use crate::text_file::line_and_column;

/// Where the lines of a text stand in a file that holds the text indented.
#[derive(Debug)]
struct Embedded {
    /// In the text and in the file, where each line starts.
    lines: Vec<(usize, usize)>,
}

/// Loads a policy that is the value at `span` of a file. What there is to say about it is reported
/// at its place in the file.
pub(super) fn load_policy(
    file: &str,
    span: &Range<usize>,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Option<Policy> {
    let loaded = Policy::load(text);
    let embedded = Embedded::find(file, span.clone(), text);
    for diagnostic in loaded.diagnostics {
        problems.push(match &embedded {
            Some(embedded) => embedded.place(diagnostic),
            None => unplaced(diagnostic, span.clone(), text),
        });
    }
    loaded.policy
}

/// Where a part of a policy stands in the file that has the policy at `span`.
pub(super) fn place_of(
    file: &str,
    span: &Range<usize>,
    policy: &Policy,
    part: Span,
) -> Range<usize> {
    let part = part.range();
    match Embedded::find(file, span.clone(), policy.source()) {
        Some(embedded) => embedded.offset(part.start)..embedded.offset(part.end),
        None => span.clone(),
    }
}

/// A diagnostic of a text that does not stand in the file as it is, because of escapes or folding.
fn unplaced(diagnostic: Diagnostic, span: Range<usize>, text: &str) -> Problem {
    let start = diagnostic.span().range().start;
    let (line, _) = line_and_column(text, start);
    let problem = Problem::error(
        span,
        format!("line {line} of the policy: {}", diagnostic.message),
    );
    Problem {
        severity: diagnostic.severity,
        code: Some(diagnostic.code),
        help: diagnostic.help,
        ..problem
    }
}

// === impl Embedded ===

impl Embedded {
    /// `None` if the stretch `span` of the file is something else than the text and indentation.
    fn find(file: &str, span: Range<usize>, text: &str) -> Option<Self> {
        let mut rest = file.get(span.clone())?.trim_start_matches(['\'', '"']);
        let mut in_file = span.end - rest.len();
        // What YAML counts to a block begins at its first line that is not empty.
        let content = text.trim_start_matches('\n');
        let mut in_text = text.len() - content.len();
        let mut lines = vec![(0, in_file)];
        for line in content.split_inclusive('\n') {
            let words = line.trim_end_matches('\n');
            let written = rest.split_inclusive('\n').next().unwrap_or_default();
            let indentation = written.find(words)?;
            let is_indented = written.get(..indentation)?.bytes().all(|byte| byte == b' ');
            if !is_indented {
                return None;
            }
            lines.push((in_text, in_file + indentation));
            in_text += line.len();
            in_file += written.len();
            rest = rest.get(written.len()..)?;
        }
        Some(Self { lines })
    }

    /// The diagnostic, about the file.
    fn place(&self, mut diagnostic: Diagnostic) -> Problem {
        for label in &mut diagnostic.labels {
            let range = label.span.range();
            label.span = Span::new(self.offset(range.start), self.offset(range.end));
        }
        Problem::from(diagnostic)
    }

    fn offset(&self, in_text: usize) -> usize {
        let later = self.lines.partition_point(|(start, _)| *start <= in_text);
        let line = later.checked_sub(1).and_then(|line| self.lines.get(line));
        let (start, in_file) = line.copied().unwrap_or_default();
        in_file + (in_text - start)
    }
}
