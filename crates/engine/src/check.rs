//! What is suspicious about a policy that loads: warnings, each of them a true statement.
//!
//! [`form`] reads how the policy is written, [`values`] what its expressions can come to.

mod attribute;
mod body;
mod call;
mod form;
mod operation;
mod outcome;
mod regex;
mod values;
mod words;

use crate::codes;
use crate::detector::WrittenCall;
use crate::program::Program;
use portcullis_syntax::ast::Policy;
use portcullis_syntax::{Code, Diagnostic, MAX_DIAGNOSTICS, Span};

/// LIMIT: longer stretches of the source are not repeated in messages.
const QUOTE_CHARS_MAX: usize = 60;

/// What was read off a policy.
pub(crate) struct Checked {
    pub(crate) warnings: Vec<Diagnostic>,
    /// In the order of the source.
    pub(crate) detector_calls: Vec<WrittenCall>,
}

/// The warnings found so far, at most [`MAX_DIAGNOSTICS`] of them.
struct Warnings<'s> {
    source: &'s str,
    list: Vec<Diagnostic>,
}

/// Checks a policy that was resolved without an error.
pub(crate) fn check(source: &str, policy: &Policy, program: &Program) -> Checked {
    let mut warnings = Warnings {
        source,
        list: Vec::new(),
    };
    form::check(policy, &mut warnings);
    let mut detector_calls = values::check(policy, program, &mut warnings);
    warnings.list.sort_by_key(Diagnostic::span);
    detector_calls.sort_by_key(|written| written.span);
    // An operand may be read more than once.
    detector_calls.dedup_by_key(|written| written.span);
    Checked {
        warnings: warnings.list,
        detector_calls,
    }
}

// === impl Warnings ===

impl Warnings<'_> {
    /// Adds a warning, unless it is about the same place as an earlier one or a place around it:
    /// what is wrong inside is often the cause.
    fn add(&mut self, warning: Diagnostic) {
        let around = warning.span();
        let known = |earlier: &Diagnostic| {
            let inner = earlier.span();
            around.start <= inner.start && inner.end <= around.end
        };
        if self.list.len() < MAX_DIAGNOSTICS && !self.list.iter().any(known) {
            self.list.push(warning);
        }
    }

    fn warn(&mut self, code: Code, span: Span, message: String, help: String) {
        self.add(Diagnostic::warning(code, span, message).help(help));
    }

    /// Whether the place begins with a `not` that was probably meant for more.
    fn is_misread(&self, negation: Span) -> bool {
        let starts_there = |warning: &Diagnostic| {
            warning.code == codes::NOT_BINDS_TIGHTER && warning.span().start == negation.start
        };
        self.list.iter().any(starts_there)
    }

    /// What stands at a place, for a message of one line.
    fn quote(&self, span: Span) -> &str {
        match self.source.get(span.range()) {
            Some(text) if !text.contains('\n') && text.chars().nth(QUOTE_CHARS_MAX).is_none() => {
                text
            }
            _ => "…",
        }
    }
}
