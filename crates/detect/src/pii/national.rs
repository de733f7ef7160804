//! Numbers by which states know people.
//!
//! Where a number has a check digit, it is right. One that is digits alone must be announced by
//! its name as well: too many other numbers would pass the check.

use super::{is_announced, stands_alone};
use crate::pattern::{Pattern, compile_ascii, spans};
use std::ops::Range;
use std::sync::LazyLock;

static NIF: Pattern = LazyLock::new(|| {
    compile_ascii(r"\b(?:[0-9]{8}|[0-9]{2}(?:\.[0-9]{3}){2}|[XYZ]-?[0-9]{7})-?[A-Z]\b")
});
static NINO: Pattern = LazyLock::new(|| {
    compile_ascii(r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?[0-9]{2}){3} ?[A-D]\b")
});
static PESEL: Pattern = LazyLock::new(|| compile_ascii(r"\b[0-9]{11}\b"));
static AADHAAR: Pattern =
    LazyLock::new(|| compile_ascii(r"\b[2-9][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}\b"));
static NHS: Pattern = LazyLock::new(|| compile_ascii(r"\b[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}\b"));
static PASSPORT: Pattern = LazyLock::new(|| compile_ascii(r"\b(?:[A-Z][0-9]{8}|[0-9]{9})\b"));
static LICENSE: Pattern = LazyLock::new(|| {
    compile_ascii(r"\b[A-Za-z]{0,2}[0-9]{6,12}[A-Za-z]?\b|\b[A-Z][0-9]{3}-[0-9]{4}-[0-9]{4}\b")
});

/// Spain's tax numbers, with the letter that checks them.
pub(super) fn spanish(text: &str) -> Vec<Range<usize>> {
    const LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    of_form(text, &NIF, |number| {
        let digits = number
            .replacen('X', "0", 1)
            .replacen('Y', "1", 1)
            .replacen('Z', "2", 1);
        let digits: String = digits
            .chars()
            .filter(char::is_ascii_digit)
            .take(8)
            .collect();
        let letter = number.bytes().next_back();
        let index = digits.parse::<usize>().map(|it| it % LETTERS.len());
        index.is_ok_and(|index| LETTERS.get(index).copied() == letter)
    })
}

/// National insurance numbers of the United Kingdom; one without spaces must be announced.
pub(super) fn british_insurance(text: &str) -> Vec<Range<usize>> {
    const UNUSED: [&str; 6] = ["BG", "GB", "NK", "KN", "TN", "ZZ"];
    let words = [
        "ni number",
        "ni no",
        "nino",
        "national insurance",
        "ni:",
        "ni=",
    ];
    of_form(text, &NINO, |number| {
        UNUSED.iter().all(|prefix| !number.starts_with(prefix))
    })
    .into_iter()
    .filter(|span| {
        let is_spaced = text.get(span.clone()).is_some_and(|it| it.contains(' '));
        is_spaced || is_announced(text, span.start, &words)
    })
    .collect()
}

pub(super) fn polish(text: &str) -> Vec<Range<usize>> {
    announced(text, &PESEL, &["pesel"], |digits| {
        let weights = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1];
        let sum: u32 = digits
            .iter()
            .zip(weights)
            .map(|(digit, weight)| digit * weight)
            .sum();
        sum.is_multiple_of(10)
    })
}

pub(super) fn indian(text: &str) -> Vec<Range<usize>> {
    announced(
        text,
        &AADHAAR,
        &["aadhaar", "aadhar", "uidai", "uid"],
        has_verhoeff_checksum,
    )
}

pub(super) fn british_health(text: &str) -> Vec<Range<usize>> {
    announced(text, &NHS, &["nhs"], |digits| {
        let weights = (1..=10).rev();
        let sum: u32 = digits
            .iter()
            .zip(weights)
            .map(|(digit, weight)| digit * weight)
            .sum();
        sum.is_multiple_of(11)
    })
}

/// Passports of the United States have no check digit on their front.
pub(super) fn passports(text: &str) -> Vec<Range<usize>> {
    announced(text, &PASSPORT, &["passport"], |_| true)
}

/// Each state has a form of its own, so that only the announcement tells.
pub(super) fn driver_licenses(text: &str) -> Vec<Range<usize>> {
    let words = [
        "driver's licen",
        "driver licen",
        "drivers licen",
        "driving licen",
    ];
    announced(text, &LICENSE, &words, |_| true)
}

fn of_form(text: &str, form: &Pattern, is_right: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    spans(form, text)
        .filter(|span| stands_alone(text, span))
        .filter(|span| text.get(span.clone()).is_some_and(&is_right))
        .collect()
}

fn announced(
    text: &str,
    form: &Pattern,
    words: &[&str],
    is_right: impl Fn(&[u32]) -> bool,
) -> Vec<Range<usize>> {
    let checks = |number: &str| {
        let digits: Vec<u32> = number.chars().filter_map(|it| it.to_digit(10)).collect();
        is_right(&digits)
    };
    let mut found = of_form(text, form, checks);
    found.retain(|span| is_announced(text, span.start, words));
    found
}

/// The sum in the dihedral group of order ten that Verhoeff chose.
fn has_verhoeff_checksum(digits: &[u32]) -> bool {
    const PERMUTATION: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let permuted = |digit: u32, times: usize| {
        (0..times % 8).fold(digit, |digit, _| {
            PERMUTATION.get(digit as usize).copied().unwrap_or_default()
        })
    };
    let product = |left: u32, right: u32| match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => 5 + (left + right) % 5,
        (false, true) => 5 + (left + 5 - right) % 5,
        (false, false) => (left + 5 - right) % 5,
    };
    let places = digits.iter().rev().enumerate();
    places.fold(0, |sum, (place, digit)| {
        product(sum, permuted(*digit, place))
    }) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verhoeffs_own_example_checks() {
        assert!(has_verhoeff_checksum(&[2, 3, 6, 3]));
        assert!(!has_verhoeff_checksum(&[2, 3, 6, 4]));
        assert!(!has_verhoeff_checksum(&[2, 6, 3, 3]));
    }

    #[track_caller]
    fn check(find: fn(&str) -> Vec<Range<usize>>, text: &str, expected: &[&str]) {
        let found: Vec<_> = find(text)
            .into_iter()
            .filter_map(|span| text.get(span))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn check_digits_decide() {
        check(spanish, "DNI 12345678Z", &["12345678Z"]);
        check(spanish, "DNI 12345678A", &[]);
        check(spanish, "NIE X1234567L", &["X1234567L"]);
        check(british_health, "NHS no. 943 476 5919", &["943 476 5919"]);
        check(british_health, "NHS no. 943 476 5918", &[]);
        check(british_health, "order 943 476 5919", &[]);
        check(polish, "PESEL 44051401359", &["44051401359"]);
        check(polish, "PESEL 44051401358", &[]);
    }

    #[test]
    fn forms_without_check_digits_are_announced() {
        check(british_insurance, "see AB 12 34 56 C", &["AB 12 34 56 C"]);
        check(british_insurance, "see AB123456C", &[]);
        check(
            british_insurance,
            "national insurance AB123456C",
            &["AB123456C"],
        );
        check(british_insurance, "see GB 12 34 56 C", &[]);
        check(passports, "passport: C03005988", &["C03005988"]);
        check(passports, "part C03005988", &[]);
        check(
            driver_licenses,
            "my driver's license number is A56319335",
            &["A56319335"],
        );
    }
}
