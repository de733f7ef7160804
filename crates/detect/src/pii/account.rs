//! Numbers of cards, bank accounts and the United States' social security.

use super::{is_announced, stands_alone};
use crate::pattern::{Pattern, compile_ascii, spans};
use std::ops::Range;
use std::sync::LazyLock;

static CARD: Pattern = LazyLock::new(|| {
    compile_ascii(concat!(
        r"[2-6][0-9]{3} [0-9]{4} [0-9]{4} [0-9]{1,7}\b|[2-6][0-9]{3}-[0-9]{4}-[0-9]{4}-[0-9]{1,7}\b|",
        r"3[0-9]{3} [0-9]{6} [0-9]{4,5}\b|3[0-9]{3}-[0-9]{6}-[0-9]{4,5}\b|[2-6][0-9]{12,18}\b"
    ))
});
static IBAN_START: Pattern = LazyLock::new(|| compile_ascii(r"\b[A-Z]{2}[ -]?[0-9]{2}"));
static SOCIAL_SECURITY: Pattern = LazyLock::new(|| {
    compile_ascii(r"\b[0-8][0-9]{2}(?:-[0-9]{2}-| [0-9]{2} |\.[0-9]{2}\.|[0-9]{2})[0-9]{4}\b")
});

/// The lengths of IBANs, each with the countries that use it.
const IBAN_LENGTHS: [(usize, &str); 17] = [
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HU LB PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU"),
    (31, "MT SC"),
    (32, "LC"),
];

/// Numbers that these announce are no cards, although one in ten has the check digit.
const OTHER_NUMBERS: [&str; 9] = [
    "order id",
    "order_id",
    "orderid",
    "timestamp",
    "epoch",
    "tracking",
    "imei",
    "isbn",
    "serial",
];

/// Card numbers of a known kind whose check digit is right.
pub(super) fn credit_cards(text: &str) -> Vec<Range<usize>> {
    spans(&CARD, text)
        .filter(|span| stands_alone(text, span))
        .filter(|span| !is_announced(text, span.start, &OTHER_NUMBERS))
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
        3000..=3099 | 3600..=3699 | 3800..=3999 => (14..=19).contains(&digits.len()),
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
    let uses = |countries: &str| countries.split(' ').any(|known| known == country);
    let (length, _) = IBAN_LENGTHS.iter().find(|(_, countries)| uses(countries))?;
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
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let parts = digits.split_at_checked(3).and_then(|(area, rest)| {
        let (group, serial) = rest.split_at_checked(2)?;
        Some((area, group, serial))
    });
    !matches!(
        parts,
        None | Some(
            ("000" | "666", _, _)
                | (_, "00", _)
                | (_, _, "0000")
                | ("078", "05", "1120")
                | ("123", "45", "6789")
                | ("219", "09", "9999")
        )
    )
}
