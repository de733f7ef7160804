use portcullis_json::{Object, Value};
use portcullis_syntax::Span;
use portcullis_trace::Range;
use std::fmt;

/// One assignment of events to the variables of a rule that makes all its conditions true.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule's number in its policy, from 0.
    pub rule: usize,
    /// What the rule says about it, as `Violation(…)` was given it.
    pub args: Vec<Value>,
    pub kwargs: Object,
    /// The objects and stretches of text that satisfy the rule, in trace order, each once.
    pub ranges: Vec<Range>,
    /// The rule and the positions of its variables, sorted by name, in Python's notation.
    pub key: String,
    pub novelty: Novelty,
    /// Whether an event of this push is among those that a `count` of the rule counted.
    pub counted: bool,
}

/// How the events of this push take part in a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// One of them, or a part of one, is bound to a variable.
    Bound,
    /// No variable holds anything from the trace. `seen_before` says whether the rule said the
    /// same before this push.
    Unpositioned { seen_before: bool },
    /// Only events from before are bound.
    Past,
}

/// Why a push could not be judged. The caller must not take it for "nothing found".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule that failed, from 0; nothing if no single one did.
    pub rule: Option<usize>,
    pub kind: FailureKind,
    /// What went wrong, for the policy's author.
    pub message: String,
    /// The expression of the policy that has no value, if it is a matter of one.
    pub span: Option<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// An expression of the policy has no value for this trace.
    RuntimeError,
    /// A rule is satisfied, and what it wants to say about it cannot be said.
    Violation,
    /// A bound of [`crate::Limits`] was reached.
    Limit,
}

// === impl Finding ===

impl Finding {
    /// Whether the events of this push are part of what satisfies the rule: what a session acts on.
    pub fn is_new(&self) -> bool {
        match self.novelty {
            Novelty::Bound => true,
            Novelty::Unpositioned { seen_before } => !seen_before || self.counted,
            Novelty::Past => self.counted,
        }
    }

    /// What the rule says, as one text.
    pub fn message(&self) -> String {
        match self.args.first() {
            Some(Value::String(text)) => text.to_string(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }
}

// === impl Failure ===

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            Some(rule) => write!(f, "rule {}: {}", rule + 1, self.message),
            None => f.write_str(&self.message),
        }
    }
}
