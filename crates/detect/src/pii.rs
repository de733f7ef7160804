//! Personal data that a pattern and a checksum can tell.
//!
//! The kinds bear the names of Presidio's entities. [`find`] reports what a form, a checksum or a
//! word beside it tells: [`SUPPORTED`] lists it. Names of persons and places are guesses, and
//! reported by [`guess`] alone.

mod account;
mod crypto;
mod national;
mod network;
mod person;
mod phone;

use crate::runs::LongRuns;
use crate::{Match, view};
use std::ops::Range;

/// Kinds that [`find`] can report.
pub const SUPPORTED: [&str; 17] = [
    "CREDIT_CARD",
    "CRYPTO",
    "DATE_OF_BIRTH",
    "EMAIL_ADDRESS",
    "ES_NIF",
    "IBAN_CODE",
    "IN_AADHAAR",
    "IP_ADDRESS",
    "MAC_ADDRESS",
    "PHONE_NUMBER",
    "PL_PESEL",
    "UK_NHS",
    "UK_NINO",
    "URL",
    "US_DRIVER_LICENSE",
    "US_PASSPORT",
    "US_SSN",
];

/// Kinds that [`guess`] can report.
pub const GUESSED: [&str; 2] = ["LOCATION", "PERSON"];

/// Finds the places of one kind.
type Detector = fn(&str) -> Vec<Range<usize>>;

/// LIMIT: bytes before a number in which a word may tell what it is.
const CONTEXT_BYTES_MAX: usize = 32;

/// LIMIT: findings of one kind in one text.
const MATCHES_MAX: usize = 10_000;

/// All findings in the order of the text, also those that escapes, encodings and look-alikes hide.
/// Findings of different kinds may overlap.
pub fn find(text: &str) -> Vec<Match> {
    let mut found = view::find(&LongRuns::of(text), in_plain_text);
    found.sort_by_key(|one| (one.span.start, one.span.end));
    found
}

fn in_plain_text(long: &LongRuns<'_>) -> Vec<Match> {
    let detectors: [(&'static str, Detector); SUPPORTED.len()] = [
        ("CREDIT_CARD", account::credit_cards),
        ("CRYPTO", crypto::wallets),
        ("DATE_OF_BIRTH", person::birth_dates),
        ("EMAIL_ADDRESS", network::email_addresses),
        ("ES_NIF", national::spanish),
        ("IBAN_CODE", account::ibans),
        ("IN_AADHAAR", national::indian),
        ("IP_ADDRESS", network::ip_addresses),
        ("MAC_ADDRESS", network::mac_addresses),
        ("PHONE_NUMBER", phone::numbers),
        ("PL_PESEL", national::polish),
        ("UK_NHS", national::british_health),
        ("UK_NINO", national::british_insurance),
        ("URL", network::urls),
        ("US_DRIVER_LICENSE", national::driver_licenses),
        ("US_PASSPORT", national::passports),
        ("US_SSN", account::social_security_numbers),
    ];
    all(long.text, &detectors)
}

/// All places of the kinds that are asked for, guesses and addresses of no one included.
pub fn asked(text: &str, kinds: &[&str]) -> Vec<Match> {
    let mut found = find(text);
    found.extend(guess(text));
    found.extend(all(text, &[("IP_ADDRESS", network::any_ip_addresses)]));
    found.retain(|one| kinds.contains(&one.kind));
    found.sort_by_key(|one| (one.span.start, one.span.end, one.kind));
    found.dedup();
    found
}

/// Names of persons and places as far as lists and the words around them tell.
pub fn guess(text: &str) -> Vec<Match> {
    all(
        text,
        &[("LOCATION", person::places), ("PERSON", person::names)],
    )
}

fn all(text: &str, detectors: &[(&'static str, Detector)]) -> Vec<Match> {
    let mut matches = Vec::new();
    for (kind, detector) in detectors {
        let found = detector(text).into_iter().take(MATCHES_MAX);
        matches.extend(found.map(|span| Match { kind, span }));
    }
    matches.sort_by_key(|found| (found.span.start, found.span.end));
    matches
}

/// Whether the span is not a part of a longer word, decimal number or version.
fn stands_alone(text: &str, span: &Range<usize>) -> bool {
    is_apart(text, span, &['.', '-'])
}

/// Whether neither a word goes on beside the span, nor a number behind one of the signs.
fn is_apart(text: &str, span: &Range<usize>, signs: &[char]) -> bool {
    let continues = |mut outward: Box<dyn Iterator<Item = char> + '_>| match outward.next() {
        Some(sign) if signs.contains(&sign) => {
            outward.next().is_some_and(|next| next.is_ascii_digit())
        }
        next => next.is_some_and(|next| is_of_spaced_word(next) || next == '_'),
    };
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    !continues(Box::new(before.chars().rev())) && !continues(Box::new(after.chars()))
}

/// Whether a word goes on with the character, in scripts that part words by blanks: in Chinese,
/// Japanese and Korean a number or an address ends where their characters begin.
fn is_of_spaced_word(character: char) -> bool {
    let is_cjk = matches!(character, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{9fff}'
        | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}');
    character.is_alphanumeric() && !is_cjk
}

/// What stands shortly before the place on the same line, in lower case.
fn line_before(text: &str, place: usize) -> String {
    let start = text.floor_char_boundary(place.saturating_sub(CONTEXT_BYTES_MAX));
    let before = text.get(start..place).unwrap_or_default();
    before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .to_lowercase()
}

/// Whether one of the words, in lower case, stands shortly before the place on the same line.
fn is_announced(text: &str, place: usize, words: &[&str]) -> bool {
    let line = line_before(text, place);
    words.iter().any(|word| line.contains(word))
}

#[cfg(test)]
mod tests;
