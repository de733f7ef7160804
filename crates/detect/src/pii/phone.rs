//! Telephone numbers.
//!
//! A number with a country's calling code or in North American form is taken for one where it
//! stands; another only if a word announces it.

use super::{is_announced, stands_alone};
use crate::pattern::{Pattern, compile_ascii, spans};
use std::cmp::Reverse;
use std::ops::{Range, RangeInclusive};
use std::sync::LazyLock;

static INTERNATIONAL: Pattern = LazyLock::new(|| {
    compile_ascii(concat!(
        r"\+(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|",
        r"2[1-69][0-9]|3[578][0-9]|42[0-9]|5[09][0-9]|6[789][0-9]|8[058][0-9]|9[679][0-9])",
        r"(?:[ .-]?\([0-9]{1,4}\)|[ .-]?[0-9]){4,14}"
    ))
});
static NORTH_AMERICAN: Pattern = LazyLock::new(|| {
    compile_ascii(
        r"(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[-.])[2-9][0-9]{2}[-.][0-9]{4}(?:x[0-9]{1,5})?\b",
    )
});
static NATIONAL: Pattern = LazyLock::new(|| {
    compile_ascii(r"\(?[0-9]{2,5}\)?(?:[ ./-]?[0-9]{2,8}){1,4}(?:x[0-9]{1,5})?\b")
});

const ANNOUNCING: [&str; 14] = [
    "phone",
    "telefon",
    "tel:",
    "tel.",
    "tel=",
    "tel ",
    "mobile",
    "cell",
    "call ",
    "call=",
    "call me at",
    "fax",
    "reach ",
    "answering at",
];

/// What tells a number from behind, on the same line.
const FOLLOWING: [&str; 6] = ["office", "mobile", "fax", "home", "cell", "phone"];

pub(super) fn numbers(text: &str) -> Vec<Range<usize>> {
    let is_announced = |span: &Range<usize>| {
        let after = text.get(span.end..).unwrap_or_default();
        let after = after.trim_start_matches([' ', '-', '\\', ',', '(']);
        is_announced(text, span.start, &ANNOUNCING)
            || FOLLOWING.iter().any(|word| after.starts_with(word))
    };
    let mut numbers = of_form(text, &INTERNATIONAL, 8..=15);
    numbers.extend(of_form(text, &NORTH_AMERICAN, 10..=15));
    let national = of_form(text, &NATIONAL, 8..=15)
        .into_iter()
        .filter(|span| !is_date(text.get(span.clone()).unwrap_or_default()))
        .filter(is_announced);
    numbers.extend(national);
    apart(numbers)
}

fn of_form(text: &str, form: &Pattern, digits: RangeInclusive<usize>) -> Vec<Range<usize>> {
    let count = |number: &str| number.bytes().filter(u8::is_ascii_digit).count();
    spans(form, text)
        .filter(|span| {
            text.get(span.clone())
                .is_some_and(|it| digits.contains(&count(it)))
        })
        .filter(|span| stands_alone(text, span))
        .collect()
}

/// Whether the digits stand as those of a date do.
fn is_date(number: &str) -> bool {
    let lengths: Vec<usize> = number.split(['-', '/', '.']).map(str::len).collect();
    matches!(
        lengths.as_slice(),
        [4, 2, 2] | [2, 2, 4] | [1 | 2, 1 | 2, 4]
    )
}

/// Of spans that overlap, the one that starts first, and of these the longest.
fn apart(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_by_key(|span| (span.start, Reverse(span.end)));
    let mut end = 0;
    spans.retain(|span| {
        let is_apart = span.start >= end;
        end = end.max(span.end);
        is_apart
    });
    spans
}
