//! Telephone numbers.
//!
//! A number with a country's calling code or in North American form is taken for one where it
//! stands; another only if a word announces it.

use super::{is_announced, stands_alone};
use crate::pattern::{Pattern, compile, spans};
use std::ops::Range;
use std::sync::LazyLock;

static INTERNATIONAL: Pattern = LazyLock::new(|| {
    compile(concat!(
        r"\+(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|",
        r"2[1-69][0-9]|3[578][0-9]|42[0-9]|5[09][0-9]|6[789][0-9]|8[058][0-9]|9[679][0-9])",
        r"(?:[ .-]?\([0-9]{1,4}\)|[ .-]?[0-9]){4,14}"
    ))
});
static NORTH_AMERICAN: Pattern = LazyLock::new(|| {
    compile(concat!(
        r"(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[-.])[2-9][0-9]{2}[-.][0-9]{4}(?:x[0-9]{1,5})?\b"
    ))
});
static NATIONAL: Pattern =
    LazyLock::new(|| compile(r"\(?[0-9]{2,5}\)?(?:[ ./-]?[0-9]{2,8}){1,4}(?:x[0-9]{1,5})?\b"));

const ANNOUNCING: [&str; 8] = [
    "phone", "telefon", "tel:", "tel.", "tel=", "mobile", "cell", "call ",
];

pub(super) fn numbers(text: &str) -> Vec<Range<usize>> {
    let mut numbers = Vec::new();
    let mut add = |pattern: &Pattern, digits: Range<usize>, needs_word: bool| {
        for span in spans(pattern, text) {
            let count = text.get(span.clone()).map_or(0, |number| {
                number.chars().filter(char::is_ascii_digit).count()
            });
            let is_new = numbers
                .iter()
                .all(|known: &Range<usize>| known.end <= span.start || span.end <= known.start);
            let is_told = !needs_word || is_announced(text, span.start, &ANNOUNCING);
            if digits.contains(&count) && is_new && is_told && stands_alone(text, &span) {
                numbers.push(span);
            }
        }
    };
    add(&INTERNATIONAL, 8..16, false);
    add(&NORTH_AMERICAN, 10..16, false);
    add(&NATIONAL, 8..13, true);
    numbers
}
