use crate::record::{self, Collected, RangeSet};
use portcullis_json::{Object, Value};
use portcullis_syntax::Span;
use portcullis_trace::Range;
use std::iter::{self, Peekable};
use std::{fmt, slice};

/// One assignment of events to the variables of a rule that makes all its conditions true.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule's number in its policy, from 0.
    pub rule: usize,
    /// What the rule says about it, as `Violation(…)` was given it.
    pub args: Vec<Value>,
    pub kwargs: Object,
    /// The objects and stretches of text that satisfy the rule.
    pub ranges: Ranges,
    /// The rule and the positions of its variables, sorted by name, in Python's notation.
    pub key: String,
    pub novelty: Novelty,
    /// Whether an event of this push is among those that a `count` of the rule counted, or else
    /// decides what one of its quantifiers or predicates says.
    pub counted: bool,
}

/// Places in a trace, in trace order, each once.
///
/// What a rule counts can be as much as the whole session. A session keeps it once; findings share
/// it and cost no more than what is theirs alone, until somebody goes through it.
#[derive(Clone, Default)]
pub struct Ranges {
    /// In trace order, each once.
    own: Vec<Range>,
    kept: Vec<RangeSet>,
}

/// Goes through ranges in trace order.
#[derive(Clone)]
pub struct Iter<'r> {
    parts: Vec<Peekable<Part<'r>>>,
}

#[derive(Clone)]
enum Part<'r> {
    Own(slice::Iter<'r, Range>),
    Kept(record::Iter<'r>),
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
    /// Only events from before are bound, and it is only since this push that they satisfy the
    /// rule.
    Turned,
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
    /// A parameter that the policy reads was not given.
    MissingParameter,
    /// A value has no attribute of the name that the policy gives.
    MissingAttribute,
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
            Novelty::Bound | Novelty::Turned => true,
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

// === impl Ranges ===

impl Ranges {
    pub fn iter(&self) -> Iter<'_> {
        let own = Part::Own(self.own.iter());
        let kept = self.kept.iter().map(|set| Part::Kept(set.iter()));
        Iter {
            parts: iter::once(own).chain(kept).map(Part::peekable).collect(),
        }
    }
}

impl From<Collected> for Ranges {
    fn from(collected: Collected) -> Self {
        let Collected { own, kept } = collected;
        Self {
            kept,
            ..own.into_iter().collect()
        }
    }
}

impl FromIterator<Range> for Ranges {
    fn from_iter<I: IntoIterator<Item = Range>>(ranges: I) -> Self {
        let mut own: Vec<Range> = ranges.into_iter().collect();
        own.sort();
        own.dedup();
        Self {
            own,
            kept: Vec::new(),
        }
    }
}

impl<'r> IntoIterator for &'r Ranges {
    type Item = &'r Range;
    type IntoIter = Iter<'r>;

    fn into_iter(self) -> Iter<'r> {
        self.iter()
    }
}

impl PartialEq for Ranges {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl fmt::Debug for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(ToString::to_string))
            .finish()
    }
}

// === impl Iter ===

impl<'r> Iterator for Iter<'r> {
    type Item = &'r Range;

    fn next(&mut self) -> Option<&'r Range> {
        let heads = self
            .parts
            .iter_mut()
            .filter_map(|part| part.peek().copied());
        let next = heads.min()?;
        for part in &mut self.parts {
            part.next_if_eq(&next);
        }
        Some(next)
    }
}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

// === impl Part ===

impl<'r> Iterator for Part<'r> {
    type Item = &'r Range;

    fn next(&mut self) -> Option<&'r Range> {
        match self {
            Part::Own(ranges) => ranges.next(),
            Part::Kept(ranges) => ranges.next(),
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
