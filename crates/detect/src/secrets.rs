//! Credentials that their form gives away.
//!
//! [`reference`] is the policy language's own list. [`find`] has a rule for each form that a
//! provider publishes, and one for values whose name says that they are secret. A rule is tried
//! only if one of its keywords occurs, and where [`gate`] says that it can match; what it matches must not be a placeholder, and must look as
//! random as the rule asks. `docs/detectors/secrets` has a page for each rule.

mod checksum;
mod filter;
mod gate;
mod keywords;
mod reference;
mod rules;
mod sieve;

use crate::Match;
use crate::runs::LongRuns;
use crate::view::{self, View};
use filter::{entropy_centibits, entropy_of_length, is_placeholder, is_public};
use gate::{Part, Runs};
use std::collections::BTreeSet;
use std::ops::Range;

pub use rules::{RULES, Rule};

/// LIMIT: credentials of one text.
const MATCHES_MAX: usize = 10_000;

/// What the policy language's `secrets` finds: pattern by pattern in its order, and for each
/// pattern from left to right. Matches of different patterns may overlap.
pub fn reference(text: &str) -> Vec<Match> {
    reference::find(&LongRuns::of(text))
}

/// What the rules find, from left to right and apart from each other, also what escapes, encodings
/// and look-alikes hide; where two overlap, the rule that stands first counts.
pub fn find(text: &str) -> Vec<Match> {
    in_all_writings(&LongRuns::of(text))
}

fn in_all_writings(long: &LongRuns<'_>) -> Vec<Match> {
    let mut found = view::find_by(long, in_plain_text, |view| in_text_and_view(long, view));
    found.sort_by_key(|one| one.span.start);
    found
}

fn in_plain_text(long: &LongRuns<'_>) -> Vec<Match> {
    let runs = Runs::of(long);
    matches(long.text, gate::called(long.text, &runs))
}

/// What [`in_plain_text`] finds in the text, and in what it reads as.
fn in_text_and_view(long: &LongRuns<'_>, view: &View) -> [Vec<Match>; 2] {
    let runs = Runs::of(long);
    let seen = Runs::of(&view.long_runs(long));
    let [called, called_in_view] = gate::called_in_both(long.text, &runs, view, &seen);
    [
        matches(long.text, called),
        matches(&view.text, called_in_view),
    ]
}

/// What these rules find, each in its part of the text.
fn matches(text: &str, called: Vec<(usize, Part<'_>)>) -> Vec<Match> {
    let mut found: Vec<Match> = Vec::new();
    let mut taken: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (number, part) in called {
        let Some(rule) = RULES.get(number) else {
            continue;
        };
        for span in rule.spans(text, part) {
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
    let long = LongRuns::of(text);
    let mut found = reference::find(&long);
    let known: BTreeSet<_> = found
        .iter()
        .map(|one| (one.span.start, one.span.end))
        .collect();
    found.extend(
        in_all_writings(&long)
            .into_iter()
            .filter(|one| is_free(&known, &one.span)),
    );
    found
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

    /// The credentials that this rule finds in a part of the text.
    fn spans(&self, text: &str, part: Part<'_>) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        match part {
            Part::Whole => self.find(text, 0..text.len(), &mut found),
            // The characters beside a run tell whether a word ends there.
            Part::Runs(runs) => {
                for run in runs {
                    let end = (run.end + 1).min(text.len());
                    self.find(text, run.start.saturating_sub(1)..end, &mut found);
                }
            }
        }
        found
    }

    fn find(&self, text: &str, part: Range<usize>, found: &mut Vec<Range<usize>>) {
        let base = part.start;
        for captures in self
            .pattern
            .captures_iter(text.get(part).unwrap_or_default())
        {
            let Some(whole) = captures.get(0) else {
                continue;
            };
            // A body is tested for the whole of what it belongs to.
            let body = captures.name("body").or(captures.name("beginning"));
            let value = captures.get(1).filter(|_| body.is_none());
            let secret = value.unwrap_or(whole);
            let start = base + secret.start();
            let is_public = value.is_some() && is_public(text, base + whole.start(), start);
            if !is_public && self.accepts(body.unwrap_or(secret).as_str()) {
                found.push(start..base + secret.end());
            }
        }
    }

    fn accepts(&self, secret: &str) -> bool {
        if self.checksum.is_some_and(|is_right| is_right(secret)) {
            return true;
        }
        !is_placeholder(secret)
            && entropy_centibits(secret) >= self.entropy_min.min(entropy_of_length(secret))
            && self.shape.is_none_or(|fits| fits(secret))
    }
}

#[cfg(test)]
mod tests;
