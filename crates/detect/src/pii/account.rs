//! Numbers of cards, bank accounts and the United States' social security.

use super::{is_announced, stands_alone};
use crate::pattern::{Pattern, compile, spans};
use std::ops::Range;
use std::sync::LazyLock;

static CARD: Pattern = LazyLock::new(|| {
    compile(concat!(
        r"[2-6][0-9]{3} [0-9]{4} [0-9]{4} [0-9]{1,7}\b|[2-6][0-9]{3}-[0-9]{4}-[0-9]{4}-[0-9]{1,7}\b|",
        r"3[0-9]{3} [0-9]{6} [0-9]{4,5}\b|3[0-9]{3}-[0-9]{6}-[0-9]{4,5}\b|[2-6][0-9]{12,18}\b"
    ))
});
static IBAN_START: Pattern = LazyLock::new(|| compile(r"\b[A-Z]{2}[ -]?[0-9]{2}"));
static SOCIAL_SECURITY: Pattern = LazyLock::new(|| {
    compile(concat!(
        r"\b[0-8][0-9]{2}(?:-[0-9]{2}-| [0-9]{2} |\.[0-9]{2}\.)[0-9]{4}\b"
    ))
});

/// Length of an IBAN by country.
const IBAN_LENGTHS: [(&str, usize); 79] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NL", 18),
    ("NO", 15),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
];

/// Card numbers of a known kind whose check digit is right.
pub(super) fn credit_cards(text: &str) -> Vec<Range<usize>> {
    spans(&CARD, text)
        .filter(|span| stands_alone(text, span))
        .filter(|span| {
            let digits: Vec<u32> = text
                .get(span.clone())
                .into_iter()
                .flat_map(str::chars)
                .filter_map(|c| c.to_digit(10))
                .collect();
            is_card_length(&digits) && has_luhn_checksum(&digits)
        })
        .collect()
}

/// Whether a card that starts with these digits has that many of them.
fn is_card_length(digits: &[u32]) -> bool {
    let prefix = digits
        .iter()
        .take(4)
        .fold(0, |number, digit| number * 10 + digit);
    match prefix {
        2221..=2720 | 5100..=5599 | 3528..=3589 => digits.len() == 16,
        3400..=3499 | 3700..=3799 => digits.len() == 15,
        3000..=3059 | 3600..=3699 | 3800..=3999 => (14..=19).contains(&digits.len()),
        4000..=4999 => matches!(digits.len(), 13 | 16 | 19),
        5000..=5099 | 5600..=5899 | 6000..=6999 => (13..=19).contains(&digits.len()),
        _ => false,
    }
}

fn has_luhn_checksum(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| match (index % 2, digit * 2) {
            (0, _) => *digit,
            (_, doubled) => doubled / 10 + doubled % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Account numbers of the right length for their country whose check digits are right.
pub(super) fn ibans(text: &str) -> Vec<Range<usize>> {
    spans(&IBAN_START, text)
        .filter_map(|start| iban_at(text, start.start))
        .collect()
}

fn iban_at(text: &str, start: usize) -> Option<Range<usize>> {
    let rest = text.get(start..)?;
    let country = rest.get(..2)?;
    let (_, length) = IBAN_LENGTHS.iter().find(|(known, _)| *known == country)?;
    let mut characters = Vec::new();
    let mut end = 0;
    for (offset, character) in rest.char_indices() {
        match character {
            'A'..='Z' | '0'..='9' => characters.push(character),
            ' ' | '-' if end == offset => continue,
            _ => return None,
        }
        end = offset + 1;
        if characters.len() == *length {
            break;
        }
    }
    let span = start..start + end;
    let is_whole = characters.len() == *length && stands_alone(text, &span);
    (is_whole && has_iban_checksum(&characters)).then_some(span)
}

fn has_iban_checksum(characters: &[char]) -> bool {
    let (head, tail) = characters.split_at(characters.len().min(4));
    let remainder = tail
        .iter()
        .chain(head)
        .filter_map(|c| c.to_digit(36))
        .fold(0, |sum, value| {
            let shift = if value < 10 { 10 } else { 100 };
            (sum * shift + value) % 97
        });
    remainder == 1
}

/// Social security numbers, with hyphens, or else announced as such.
pub(super) fn social_security_numbers(text: &str) -> Vec<Range<usize>> {
    spans(&SOCIAL_SECURITY, text)
        .filter(|span| stands_alone(text, span))
        .filter(|span| {
            let number = text.get(span.clone()).unwrap_or_default();
            let is_announced = || is_announced(text, span.start, &["social", "security", "ssn"]);
            is_assigned(number) && (number.contains('-') || is_announced())
        })
        .collect()
}

/// Whether the parts are in use, and the number is not one of those known from advertising.
fn is_assigned(number: &str) -> bool {
    let parts: Vec<&str> = number.split(['-', ' ', '.']).collect();
    match parts.as_slice() {
        ["000" | "666", ..] | [_, "00", _] | [_, _, "0000"] => false,
        ["078", "05", "1120"] | ["123", "45", "6789"] | ["219", "09", "9999"] => false,
        _ => true,
    }
}
