//! The syntax tree of a regular expression, with case folding and flags already applied.

use super::Flags;
use super::charset::CharSet;

/// A whole pattern.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) root: Node,
    /// How many capture groups there are, without the whole match.
    pub(super) group_count: usize,
    pub(super) width: Width,
}

#[derive(Debug)]
pub(super) enum Node {
    Char(char),
    Set(CharSet),
    Assert(Assertion),
    Concat(Vec<Self>),
    Alternate(Vec<Self>),
    /// A capture group and its number, from 1.
    Group(usize, Box<Self>),
    Repeat(Repeat),
    Atomic(Box<Self>),
    Look {
        behind: Option<u32>,
        negated: bool,
        body: Box<Self>,
    },
    Backref {
        group: usize,
        flags: Flags,
    },
    Conditional {
        group: usize,
        yes: Box<Self>,
        no: Box<Self>,
    },
}

#[derive(Debug)]
pub(super) struct Repeat {
    pub(super) body: Box<Node>,
    pub(super) min: u32,
    /// `u32::MAX` stands for no bound, as in Python.
    pub(super) max: u32,
    pub(super) kind: RepeatKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RepeatKind {
    Greedy,
    Lazy,
    Possessive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assertion {
    TextStart,
    TextEnd,
    TextEndOrFinalNewline,
    LineStart,
    LineEnd,
    WordBoundary { negated: bool, ascii: bool },
}

/// How many characters a node matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Width {
    pub(super) min: u64,
    /// `None`: no bound.
    pub(super) max: Option<u64>,
}

/// [`Repeat::max`] of a repetition without a bound.
pub(super) const REPEAT_UNBOUNDED: u32 = u32::MAX;

// === impl Node ===

impl Node {
    pub(super) fn empty() -> Self {
        Self::Concat(Vec::new())
    }

    /// The width, given those of the closed groups (index 0 is not used).
    pub(super) fn width(&self, groups: &[Option<Width>]) -> Width {
        match self {
            Self::Char(_) | Self::Set(_) => Width::ONE,
            Self::Assert(_) | Self::Look { .. } => Width::ZERO,
            Self::Concat(items) => items
                .iter()
                .fold(Width::ZERO, |sum, item| sum.plus(item.width(groups))),
            Self::Alternate(branches) => branches
                .iter()
                .map(|branch| branch.width(groups))
                .reduce(Width::or)
                .unwrap_or(Width::ZERO),
            Self::Group(_, body) | Self::Atomic(body) => body.width(groups),
            Self::Repeat(repeat) => repeat.body.width(groups).times(repeat.min, repeat.max),
            Self::Backref { group, .. } => {
                groups.get(*group).copied().flatten().unwrap_or(Width::ZERO)
            }
            Self::Conditional { yes, no, .. } => yes.width(groups).or(no.width(groups)),
        }
    }
}

// === impl Width ===

impl Width {
    pub(super) const ZERO: Self = Self {
        min: 0,
        max: Some(0),
    };
    const ONE: Self = Self {
        min: 1,
        max: Some(1),
    };

    fn plus(self, other: Self) -> Self {
        Self {
            min: self.min.saturating_add(other.min),
            max: self.max.zip(other.max).and_then(|(a, b)| a.checked_add(b)),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.zip(other.max).map(|(a, b)| a.max(b)),
        }
    }

    fn times(self, min: u32, max: u32) -> Self {
        let unbounded = max == REPEAT_UNBOUNDED && self.max != Some(0);
        Self {
            min: self.min.saturating_mul(u64::from(min)),
            max: self
                .max
                .filter(|_| !unbounded)
                .and_then(|width| width.checked_mul(u64::from(max))),
        }
    }
}
