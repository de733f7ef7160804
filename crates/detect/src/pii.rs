//! Personal data that a pattern and a checksum can tell.
//!
//! The kinds bear the names of Presidio's entities. Names of persons and places need a model and
//! are not found here: [`SUPPORTED`] lists what is.

mod account;
mod crypto;
mod network;
mod phone;

use crate::Match;
use std::ops::Range;

/// Kinds that [`find`] can report.
pub const SUPPORTED: [&str; 8] = [
    "CREDIT_CARD",
    "CRYPTO",
    "EMAIL_ADDRESS",
    "IBAN_CODE",
    "IP_ADDRESS",
    "PHONE_NUMBER",
    "URL",
    "US_SSN",
];

/// Finds the places of one kind.
type Detector = fn(&str) -> Vec<Range<usize>>;

/// LIMIT: bytes before a number in which a word may tell what it is.
const CONTEXT_BYTES_MAX: usize = 32;

/// All findings in the order of the text. Findings of different kinds may overlap.
pub fn find(text: &str) -> Vec<Match> {
    let detectors: [(&'static str, Detector); SUPPORTED.len()] = [
        ("CREDIT_CARD", account::credit_cards),
        ("CRYPTO", crypto::wallets),
        ("EMAIL_ADDRESS", network::email_addresses),
        ("IBAN_CODE", account::ibans),
        ("IP_ADDRESS", network::ip_addresses),
        ("PHONE_NUMBER", phone::numbers),
        ("URL", network::urls),
        ("US_SSN", account::social_security_numbers),
    ];
    let mut matches = Vec::new();
    for (kind, detector) in detectors {
        matches.extend(detector(text).into_iter().map(|span| Match { kind, span }));
    }
    matches.sort_by_key(|found| (found.span.start, found.span.end));
    matches
}

/// Whether the span is not a part of a longer word, decimal number or version.
fn stands_alone(text: &str, span: &Range<usize>) -> bool {
    let continues = |mut outward: Box<dyn Iterator<Item = char> + '_>| match outward.next() {
        Some('.' | '-') => outward.next().is_some_and(|next| next.is_ascii_digit()),
        next => next.is_some_and(|next| next.is_alphanumeric() || next == '_'),
    };
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    !continues(Box::new(before.chars().rev())) && !continues(Box::new(after.chars()))
}

/// Whether one of the words, in lower case, stands shortly before the place on the same line.
fn is_announced(text: &str, place: usize, words: &[&str]) -> bool {
    let start = text.floor_char_boundary(place.saturating_sub(CONTEXT_BYTES_MAX));
    let before = text.get(start..place).unwrap_or_default().to_lowercase();
    let line = before.rsplit('\n').next().unwrap_or_default();
    words.iter().any(|word| line.contains(word))
}

#[cfg(test)]
mod tests;
