//! Text detectors: from a text to the places in it that match.
//!
//! A detector knows neither policy nor trace. It takes one text and answers with kinds and byte
//! ranges that always lie on character boundaries; the caller maps them to positions of its own.
//! Every detector is bounded and takes any text: the few that can refuse an input say so in their
//! result.
//!
//! The detectors of the policy language's standard library answer character for character as its
//! reference does: [`secrets`], [`unicode`], [`copyright`], [`fuzzy`], [`python`], [`html`] and
//! [`links`]. [`pii`] finds the entities that a pattern and a checksum can tell.
//! [`prompt_injection`] classifies; [`fold`] and [`decode`] undo what hides a text from a detector.

pub mod copyright;
pub mod decode;
pub mod fold;
pub mod fuzzy;
pub mod html;
pub mod links;
pub mod pii;
pub mod prompt_injection;
pub mod python;
pub mod secrets;
pub mod shell;
pub mod tool;
pub mod unicode;

mod pattern;
mod runs;
mod view;

use std::ops::Range;

/// One finding of a detector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Match {
    /// What was found, in the vocabulary of the detector.
    pub kind: &'static str,
    /// Bytes of the text, on character boundaries.
    pub span: Range<usize>,
}
