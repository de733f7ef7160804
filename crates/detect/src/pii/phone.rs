//! Telephone numbers.
//!
//! A number with a country's calling code or in North American form is taken for one where it
//! stands; another only if a word announces it.

use super::{line_before, stands_alone};
use crate::pattern::{Pattern, compile, compile_ascii, spans};
use std::cmp::Reverse;
use std::ops::{Range, RangeInclusive};
use std::sync::LazyLock;

static INTERNATIONAL: Pattern = LazyLock::new(|| {
    compile_ascii(concat!(
        r"\+(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|",
        r"2[1-69][0-9]|3[578][0-9]|42[0-9]|5[09][0-9]|6[789][0-9]|8[058][0-9]|9[679][0-9])",
        r"(?:(?:[ .-]| ?/ ?)?\([0-9]{1,4}\)|(?:[ .-]| ?/ ?)?[0-9]){4,14}(?:(?:x| ?ext\.? ?)[0-9]{1,5})?"
    ))
});
static NORTH_AMERICAN: Pattern = LazyLock::new(|| {
    compile_ascii(concat!(
        r"(?:(?:1|001)[ .-])?(?:\([2-9][0-9]{2}\)[ -]?[2-9][0-9]{2}[ .-]|[2-9][0-9]{2}[-.][2-9][0-9]{2}[-.])",
        r"[0-9]{4}(?:(?:x| ?ext\.? ?)[0-9]{1,5})?\b"
    ))
});
static NATIONAL: Pattern = LazyLock::new(|| {
    compile_ascii(
        r"\(?[0-9]{1,5}[0-9-]{0,3}\)?(?:[ ./-]{0,2}\(?[0-9]{1,8}\)?){1,5}(?:x[0-9]{1,5})?\b",
    )
});

/// Digits of a national number behind a word that announces one, and behind a word that names one:
/// small countries have numbers of six digits.
const ANNOUNCED_DIGITS: RangeInclusive<usize> = 8..=15;
const NAMED_DIGITS: RangeInclusive<usize> = 6..=15;

/// What names a telephone number, in lower case, up to the number.
static NAMING: Pattern = LazyLock::new(|| {
    compile(concat!(
        r"(?:(?:^|[^\p{L}]|cell|mobile|home|work|tele|user|customer|client|contact|primary|secondary|office|business|",
        r"private|personal|billing|shipping|emergency|company|support|guest|day|evening)phone|t[eé]l[eé]fon|tel[:.=]|t[eé]l ?:|",
        r"(?:mobile|cell|fax|handy)[:.]|(?:^|[^\p{L}])(?:mob|ph|whatsapp|portable|m[oó]vil|celular|tlf|puhelin|contact)[:.]|",
        r"(?:handy|ruf)nummer|тел(?:ефон)?[.: ]|",
        r"电话|電話|手机|手機|전화|휴대폰)"
    ))
});

/// What may announce one.
static ANNOUNCING: Pattern = LazyLock::new(|| {
    compile(
        r"(?:^|[^\p{L}])(?:t[eé]l[:.= ]|mobile|cell|call[ =]|fax|reach |answering at|my number is|portable|m[oó]vil|celular|tlf)",
    )
});

/// What tells a number from behind, on the same line.
const FOLLOWING: [&str; 6] = ["office", "mobile", "fax", "home", "cell", "phone"];

pub(super) fn numbers(text: &str) -> Vec<Range<usize>> {
    let is_announced = |span: &Range<usize>| {
        let after = text.get(span.end..).unwrap_or_default();
        let after = after.trim_start_matches([' ', '-', '\\', ',', '(']);
        let follows = |word: &str| {
            let start = after.get(..word.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        ANNOUNCING.is_match(&line_before(text, span.start))
            || FOLLOWING.iter().any(|word| follows(word))
    };
    let is_named = |span: &Range<usize>| NAMING.is_match(&line_before(text, span.start));
    let mut numbers: Vec<Range<usize>> = spans(&INTERNATIONAL, text)
        .filter_map(|span| without_next_number(text, span))
        .filter(|span| !is_decimal(text.get(span.clone()).unwrap_or_default()))
        .collect();
    numbers.extend(of_form(text, &NORTH_AMERICAN, 10..=15));
    let announced = of_form(text, &NATIONAL, ANNOUNCED_DIGITS).into_iter();
    let named = of_form(text, &NATIONAL, NAMED_DIGITS).into_iter();
    let national = announced
        .filter(|span| is_announced(span) || is_named(span))
        .chain(named.filter(is_named));
    numbers.extend(national.filter(|span| !is_date(text.get(span.clone()).unwrap_or_default())));
    apart(numbers)
}

/// A number with a sign and decimals, or with a year of five digits.
fn is_decimal(number: &str) -> bool {
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let digits = number.trim_start_matches('+');
    let is_fraction = digits.split_once('.').is_some_and(|(whole, fraction)| {
        is_digits(whole) && is_digits(fraction) && (whole.len() > 3 || fraction.len() < 7)
    });
    let lengths: Vec<usize> = digits.split('-').map(str::len).collect();
    is_fraction || matches!(lengths.as_slice(), [5 | 6, 2, 2])
}

fn of_form(text: &str, form: &Pattern, digits: RangeInclusive<usize>) -> Vec<Range<usize>> {
    spans(form, text)
        .filter(|span| is_whole(text, span, &digits))
        .collect()
}

/// A number behind the last blank may be another one.
fn without_next_number(text: &str, mut span: Range<usize>) -> Option<Range<usize>> {
    while !is_whole(text, &span, &(8..=15)) {
        let blank = text.get(span.clone())?.rfind(' ')?;
        span.end = span.start + blank;
    }
    Some(span)
}

/// Whether so many digits, without those of an extension, stand alone.
fn is_whole(text: &str, span: &Range<usize>, digits: &RangeInclusive<usize>) -> bool {
    let number = text.get(span.clone()).unwrap_or_default();
    let line = number.split('x').next().unwrap_or_default();
    let count = line.bytes().filter(u8::is_ascii_digit).count();
    digits.contains(&count) && stands_alone(text, span)
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
