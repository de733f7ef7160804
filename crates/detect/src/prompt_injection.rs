//! Instructions to a model where data were expected.
//!
//! A linear classifier over words, their stems and their classes, and over pairs of classes that
//! stand near each other. It is summed over windows of fixed numbers of tokens, so that a long text
//! hides nothing, and the span of the worst window says where. All arithmetic is on integers:
//! the same text has the same score on any machine. The weights are trained by the project's
//! `training` from public data; `docs/DETECTORS.md` says how well it does and what it misses.
//!
//! Beside the text as it stands, the classifier reads what [`decode`] makes of it, and it is
//! stricter where a person would not look: in decoded texts, in HTML comments and in hidden
//! elements.

pub mod feature;
pub mod lexicon;
mod model;
mod place;
pub mod token;

use crate::decode::{self, Decoded, Writing};
use crate::view::View;
use std::ops::Range;
use token::Token;

pub use model::{Margin, Model, WINDOW_LENGTHS};
pub use place::Place;

/// The worst window of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    pub score: Score,
    /// Bytes of the text; empty if it has no words.
    pub span: Range<usize>,
    pub place: Place,
    pub writing: Option<Writing>,
}

/// How sure the classifier is, in thousandths.
///
/// 900 is passed by about two in a thousand benign texts of the calibration set, 990 by four in ten
/// thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score(u16);

/// What is added to the margin of a window that a person could not see or could not read.
const HIDDEN_BONUS: Margin = 1500;

/// The same for comments, with which forms and templates instruct those who fill them in.
const COMMENT_BONUS: Margin = 500;

/// So many tokens that cannot be seen have the whole bonus, fewer a part of it: short ones are labels and
/// names more often than orders.
const BONUS_TOKENS: usize = 20;

/// Fewer decoded words are no instruction.
const DECODED_TOKENS_MIN: usize = 4;

/// The worst window of the text and of what is encoded in it.
pub fn assess(text: &str) -> Assessment {
    assess_by(Model::embedded(), text)
}

/// The same with other weights.
pub fn assess_by(model: &Model, text: &str) -> Assessment {
    assess_all(model, text).1
}

/// The highest margin of the text and of what is encoded in it, for the trainer's calibration.
pub fn margin(model: &Model, text: &str) -> Margin {
    assess_all(model, text).0
}

fn assess_all(model: &Model, text: &str) -> (Margin, Assessment) {
    let mut worst = assess_plain(model, text);
    // Nobody means to hide what JSON writes with escapes.
    if let Some(view) = View::unescaped(text) {
        let (margin, read) = assess_plain(model, &view.text);
        if margin > worst.0 {
            let span = view.written(&read.span);
            worst = (margin, Assessment { span, ..read });
        }
    }
    for decoded in decode::decode(text) {
        let margin = margin_of_decoded(model, &decoded);
        if margin > worst.0 {
            let assessment = Assessment {
                score: model.score(margin),
                span: decoded.span,
                place: Place::Open,
                writing: Some(decoded.writing),
            };
            worst = (margin, assessment);
        }
    }
    worst
}

fn margin_of_decoded(model: &Model, decoded: &Decoded) -> Margin {
    let tokens = token::tokens(&decoded.text);
    if tokens.len() < DECODED_TOKENS_MIN {
        return Margin::MIN;
    }
    let bonus = match decoded.writing {
        // Addresses are written so, and nobody means to hide anything.
        Writing::Percent => 0,
        Writing::Base64
        | Writing::Hex
        | Writing::Entities
        | Writing::Escapes
        | Writing::Spaced
        | Writing::Rot13
        | Writing::Reversed
        | Writing::Selectors => HIDDEN_BONUS,
    };
    let bonus = bonus_of(bonus, tokens.len());
    worst_window(model, &tokens).0.saturating_add(bonus)
}

/// The part of a bonus that so many tokens have.
fn bonus_of(whole: Margin, tokens: usize) -> Margin {
    let of = |tokens| Margin::try_from(tokens).unwrap_or(Margin::MAX);
    whole * of(tokens.min(BONUS_TOKENS)) / of(BONUS_TOKENS)
}

fn assess_plain(model: &Model, text: &str) -> (Margin, Assessment) {
    let tokens = token::tokens(text);
    let (mut margin, mut window) = worst_window(model, &tokens);
    let mut place = Place::Open;
    for (hidden, kind) in place::hidden(text) {
        let start = tokens.partition_point(|token| token.span.end <= hidden.start);
        let end = tokens.partition_point(|token| token.span.start < hidden.end);
        let inside = tokens.get(start..end).unwrap_or_default();
        let (inner, inner_window) = worst_window(model, inside);
        let bonus = match kind {
            Place::Open => 0,
            Place::Comment => COMMENT_BONUS,
            Place::HiddenElement => HIDDEN_BONUS,
        };
        let inner = inner.saturating_add(bonus_of(bonus, inside.len()));
        if !inside.is_empty() && inner > margin {
            margin = inner;
            window = start + inner_window.start..start + inner_window.end;
            place = kind;
        } else if 2 * shared(&window, &(start..end)) > window.len() {
            place = kind;
        }
    }
    let of = |index: usize| tokens.get(index).map(|token| token.span.clone());
    let span = match (of(window.start), window.end.checked_sub(1).and_then(of)) {
        (Some(first), Some(last)) => first.start..last.end,
        _ => 0..0,
    };
    let assessment = Assessment {
        score: model.score(margin),
        span,
        place,
        writing: None,
    };
    (margin, assessment)
}

/// How many tokens both hold.
fn shared(one: &Range<usize>, other: &Range<usize>) -> usize {
    let start = one.start.max(other.start);
    one.end.min(other.end).saturating_sub(start)
}

/// The window with the highest margin, in tokens.
fn worst_window(model: &Model, tokens: &[Token]) -> (Margin, Range<usize>) {
    let mut sums: Vec<i32> = vec![0; tokens.len() + 1];
    feature::features(tokens, |place, bucket| {
        if let Some(sum) = sums.get_mut(place + 1) {
            *sum += i32::from(model.weight(bucket));
        }
    });
    let mut total: i32 = 0;
    for sum in &mut sums {
        total = total.saturating_add(*sum);
        *sum = total;
    }
    let cost = model::cost_of_length(tokens.len());
    let mut worst = (Margin::MIN, 0..0);
    for length in lengths(tokens.len()) {
        for (start, (before, after)) in sums.iter().zip(sums.iter().skip(length)).enumerate() {
            let margin = model.margin(after.saturating_sub(*before), length) - cost;
            if margin > worst.0 {
                worst = (margin, start..start + length);
            }
        }
    }
    worst
}

/// The lengths of the windows of a text with so many tokens: the longest that it has, and the shorter
/// ones.
pub fn lengths(tokens: usize) -> impl Iterator<Item = usize> {
    let is_new = move |(place, length): &(usize, usize)| *place == 0 || *length < tokens;
    let numbered = WINDOW_LENGTHS.into_iter().enumerate().filter(is_new);
    numbered.map(move |(_, length)| length.min(tokens))
}

// === impl Score ===

impl Score {
    pub const MAX: Self = Self(1000);

    pub(crate) const fn from_thousandths(thousandths: u16) -> Self {
        if thousandths > Self::MAX.0 {
            Self::MAX
        } else {
            Self(thousandths)
        }
    }

    pub fn thousandths(self) -> u16 {
        self.0
    }

    /// From 0 to 1.
    pub fn value(self) -> f64 {
        f64::from(self.0) / f64::from(Self::MAX.0)
    }
}

#[cfg(test)]
mod tests;
