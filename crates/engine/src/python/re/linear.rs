//! The linear-time engine, for patterns and texts on which it agrees with Python.

use std::ops::Range;

use regex_automata::meta::Regex;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{self, Capture, Class, ClassUnicode, Hir, Look};

use super::charset::{range, word_is_disputed};
use super::node::{Assertion, Node, REPEAT_UNBOUNDED, Repeat, RepeatKind};

/// Largest automaton built for one pattern; a larger one runs on the machine instead.
const AUTOMATON_BYTES_MAX: usize = 2 << 20;

/// Most memory for the states one search discovers.
const CACHE_BYTES_MAX: usize = 2 << 20;

#[derive(Debug)]
pub(super) struct Linear {
    regex: Regex,
    /// How many `$` were translated to capture groups, see [`Translation::assertion`].
    final_newlines: usize,
    has_word_boundary: bool,
}

/// The translation of a tree for `regex-automata`.
#[derive(Debug, Default)]
struct Translation {
    final_newlines: u32,
    has_word_boundary: bool,
}

// === impl Linear ===

impl Linear {
    /// `None` if the tree needs the machine, or an automaton beyond the limits.
    pub(super) fn new(root: &Node) -> Option<Self> {
        let mut translation = Translation::default();
        let hir = translation.node(root, true)?;
        let config = Regex::config()
            .nfa_size_limit(Some(AUTOMATON_BYTES_MAX))
            .hybrid_cache_capacity(CACHE_BYTES_MAX);
        let regex = Regex::builder()
            .configure(config)
            .build_from_hir(&hir)
            .ok()?;
        Some(Self {
            regex,
            final_newlines: usize::try_from(translation.final_newlines).ok()?,
            has_word_boundary: translation.has_word_boundary,
        })
    }

    /// Python finds no word boundary, and no lack of one, in an empty text.
    pub(super) fn agrees_on(&self, text: &str) -> bool {
        !self.has_word_boundary || !(text.is_empty() || word_is_disputed(text))
    }

    pub(super) fn match_start(&self, text: &str) -> Option<usize> {
        self.run(&Input::new(text).anchored(Anchored::Yes))
            .map(|range| range.end)
    }

    pub(super) fn search(&self, text: &str, from: usize) -> Option<Range<usize>> {
        self.run(&Input::new(text).range(from..))
    }

    fn run(&self, input: &Input<'_>) -> Option<Range<usize>> {
        if self.final_newlines == 0 || input.haystack().last() != Some(&b'\n') {
            return self.regex.search(input).map(|found| found.range());
        }
        let mut slots: Vec<Option<NonMaxUsize>> = vec![None; 2 * (1 + self.final_newlines)];
        self.regex.search_slots(input, &mut slots)?;
        let mut offsets = slots.iter().copied().map(|slot| slot.map(NonMaxUsize::get));
        let start = offsets.next().flatten()?;
        let end = offsets.next().flatten()?;
        let final_newline = offsets.flatten().next();
        Some(start..final_newline.unwrap_or(end))
    }
}

// === impl Translation ===

impl Translation {
    /// `is_last`: nothing of the pattern comes after `node`.
    fn node(&mut self, node: &Node, is_last: bool) -> Option<Hir> {
        Some(match node {
            Node::Char(c) => Hir::literal(c.to_string().into_bytes()),
            Node::Set(set) => Hir::class(Class::Unicode(set.class().clone())),
            Node::Assert(assertion) => self.assertion(*assertion, is_last)?,
            Node::Concat(items) => {
                let last = items.len().saturating_sub(1);
                let items = items.iter().enumerate();
                let items = items.map(|(index, item)| self.node(item, is_last && index == last));
                Hir::concat(items.collect::<Option<_>>()?)
            }
            Node::Alternate(branches) => {
                let branches = branches.iter().map(|branch| self.node(branch, is_last));
                Hir::alternation(branches.collect::<Option<_>>()?)
            }
            Node::Group(_, body) => self.node(body, is_last)?,
            Node::Repeat(repeat) => self.repeat(repeat, is_last)?,
            Node::Atomic(_)
            | Node::Look { .. }
            | Node::Backref { .. }
            | Node::Conditional { .. } => return None,
        })
    }

    fn repeat(&mut self, repeat: &Repeat, is_last: bool) -> Option<Hir> {
        if repeat.kind == RepeatKind::Possessive {
            return None;
        }
        Some(Hir::repetition(hir::Repetition {
            min: repeat.min,
            max: Some(repeat.max).filter(|max| *max != REPEAT_UNBOUNDED),
            greedy: repeat.kind == RepeatKind::Greedy,
            sub: Box::new(self.node(&repeat.body, is_last && repeat.max == 1)?),
        }))
    }

    /// A `$` that ends the pattern becomes `(\n?\z)`: the match then ends where the group begins.
    /// Anywhere else the newline would be consumed before what follows could see it.
    fn assertion(&mut self, assertion: Assertion, is_last: bool) -> Option<Hir> {
        self.has_word_boundary |= matches!(assertion, Assertion::WordBoundary { .. });
        Some(Hir::look(match assertion {
            Assertion::TextStart => Look::Start,
            Assertion::TextEnd => Look::End,
            Assertion::LineStart => Look::StartLF,
            Assertion::LineEnd => Look::EndLF,
            Assertion::WordBoundary {
                negated: false,
                ascii: false,
            } => Look::WordUnicode,
            Assertion::WordBoundary {
                negated: true,
                ascii: false,
            } => Look::WordUnicodeNegate,
            Assertion::WordBoundary {
                negated: false,
                ascii: true,
            } => Look::WordAscii,
            Assertion::TextEndOrFinalNewline if is_last => {
                self.final_newlines += 1;
                return Some(final_newline_group(self.final_newlines));
            }
            // The negated ASCII boundary may split a character, which the engine refuses.
            Assertion::TextEndOrFinalNewline
            | Assertion::WordBoundary {
                negated: true,
                ascii: true,
            } => return None,
        }))
    }
}

fn final_newline_group(index: u32) -> Hir {
    let newline: ClassUnicode = range('\n', '\n');
    let optional = Hir::repetition(hir::Repetition {
        min: 0,
        max: Some(1),
        greedy: true,
        sub: Box::new(Hir::class(Class::Unicode(newline))),
    });
    let sub = Box::new(Hir::concat(vec![optional, Hir::look(Look::End)]));
    Hir::capture(Capture {
        index,
        name: None,
        sub,
    })
}
