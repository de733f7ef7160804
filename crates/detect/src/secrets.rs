//! Credentials that their form gives away.
//!
//! [`reference`] is the policy language's own list. [`find`] has a rule for each form that a
//! provider publishes, and one for values whose name says that they are secret. A rule is tried
//! only if one of its keywords occurs; what it matches must not be a placeholder, and must look as
//! random as the rule asks. `docs/detectors/secrets` has a page for each rule.

mod checksum;
mod filter;
mod reference;
mod rules;

use crate::{Match, view};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use filter::{entropy_centibits, is_placeholder, is_public};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

pub use rules::{RULES, Rule};

/// LIMIT: credentials of one text.
const MATCHES_MAX: usize = 10_000;

/// All keywords, and for each the rule that it belongs to.
static KEYWORDS: LazyLock<(Option<AhoCorasick>, Vec<usize>)> = LazyLock::new(|| {
    let mut keywords: Vec<&str> = Vec::new();
    let mut owners = Vec::new();
    for (number, rule) in RULES.iter().enumerate() {
        keywords.extend(rule.keywords);
        owners.extend(rule.keywords.iter().map(|_| number));
    }
    let searcher = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .ascii_case_insensitive(true)
        .build(keywords);
    (searcher.ok(), owners)
});

/// What the policy language's `secrets` finds: pattern by pattern in its order, and for each
/// pattern from left to right. Matches of different patterns may overlap.
pub fn reference(text: &str) -> Vec<Match> {
    reference::find(text)
}

/// What the rules find, from left to right and apart from each other, also what escapes, encodings
/// and look-alikes hide; where two overlap, the rule that stands first counts.
pub fn find(text: &str) -> Vec<Match> {
    let mut found = view::find(text, in_plain_text);
    found.sort_by_key(|one| one.span.start);
    found
}

fn in_plain_text(text: &str) -> Vec<Match> {
    let mut found: Vec<Match> = Vec::new();
    let mut taken: BTreeSet<(usize, usize)> = BTreeSet::new();
    for number in candidates(text) {
        let Some(rule) = RULES.get(number) else {
            continue;
        };
        for span in rule.spans(text) {
            if found.len() >= MATCHES_MAX {
                break;
            }
            if is_free(&taken, &span) {
                taken.insert((span.start, span.end));
                found.push(Match {
                    kind: rule.kind,
                    span,
                });
            }
        }
    }
    found
}

/// The reference's kinds, then what only the rules find.
pub fn all(text: &str) -> Vec<Match> {
    let mut found = reference(text);
    let known: BTreeSet<_> = found
        .iter()
        .map(|one| (one.span.start, one.span.end))
        .collect();
    found.extend(
        find(text)
            .into_iter()
            .filter(|one| is_free(&known, &one.span)),
    );
    found
}

/// The rules that one of their keywords calls for, in their order.
fn candidates(text: &str) -> impl Iterator<Item = usize> {
    let (searcher, owners) = &*KEYWORDS;
    let mut called = vec![false; RULES.len()];
    for hit in searcher
        .iter()
        .flat_map(|it| it.find_overlapping_iter(text))
    {
        let owner = owners.get(hit.pattern().as_usize());
        if let Some(called) = owner.and_then(|owner| called.get_mut(*owner)) {
            *called = true;
        }
    }
    let numbered = called.into_iter().enumerate();
    numbered.filter_map(|(number, is_called)| is_called.then_some(number))
}

/// Whether no taken span overlaps. Taken spans of one origin lie apart from each other.
fn is_free(taken: &BTreeSet<(usize, usize)>, span: &Range<usize>) -> bool {
    let before = taken.range(..(span.end, 0)).next_back();
    before.is_none_or(|(_, end)| *end <= span.start)
}

// === impl Rule ===

impl Rule {
    /// Whether the form has check digits.
    pub fn has_checksum(&self) -> bool {
        self.checksum.is_some()
    }

    /// Whether more is asked than the pattern and entropy.
    pub fn has_shape(&self) -> bool {
        self.shape.is_some()
    }

    /// The credentials in the text that this rule finds.
    fn spans<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
        let captures = self.pattern.captures_iter(text);
        captures.filter_map(move |captures| {
            let whole = captures.get(0)?;
            let secret = captures.get(1).unwrap_or(whole);
            let is_public =
                captures.get(1).is_some() && is_public(text, whole.start(), secret.start());
            (!is_public && self.accepts(secret.as_str())).then(|| secret.range())
        })
    }

    fn accepts(&self, secret: &str) -> bool {
        if self.checksum.is_some_and(|is_right| is_right(secret)) {
            return true;
        }
        !is_placeholder(secret)
            && entropy_centibits(secret) >= self.entropy_min
            && self.shape.is_none_or(|fits| fits(secret))
    }
}

#[cfg(test)]
mod tests;
