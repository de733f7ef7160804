//! Long stretches of digits of an encoding, which prose hardly ever has.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::runs::{LongRuns, RUN_MIN};

/// Which bytes belong to a class. A look into a table costs the same for all.
type Bytes = [bool; 256];

static BASE64_DIGITS: LazyLock<Bytes> = LazyLock::new(|| {
    bytes(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-'))
});
static HEXADECIMAL_PARTS: LazyLock<Bytes> =
    LazyLock::new(|| bytes(|byte| byte.is_ascii_hexdigit() || byte == b' '));

/// The class of the bytes that a test holds for.
fn bytes(is_in: impl Fn(u8) -> bool) -> Bytes {
    let mut class = [false; 256];
    for (byte, place) in (0..=u8::MAX).zip(&mut class) {
        *place = is_in(byte);
    }
    class
}

/// What `[A-Za-z0-9+/_-]{16,}={0,2}` matches.
pub(super) fn base64(long: &LongRuns<'_>) -> Vec<Range<usize>> {
    // So many of these digits are part of a long run.
    const LEAST: usize = RUN_MIN;
    let bytes = long.text.as_bytes();
    let mut found = Vec::new();
    for run in &long.runs {
        let digits = bytes.get(run.clone()).unwrap_or_default();
        for stretch in stretches(digits, LEAST, &BASE64_DIGITS) {
            let end = run.start + stretch.end;
            let behind = bytes.get(end..).unwrap_or_default();
            let padding = behind.iter().take(2).take_while(|it| **it == b'=').count();
            found.push(run.start + stretch.start..end + padding);
        }
    }
    found
}

/// What `pattern` matches, of which a match has at least 24 bytes, all hexadecimal digits or
/// blanks, and which looks at nothing around it.
pub(super) fn hexadecimal(text: &str, pattern: &Regex) -> Vec<Range<usize>> {
    const LEAST: usize = 24;
    let mut found = Vec::new();
    for stretch in stretches(text.as_bytes(), LEAST, &HEXADECIMAL_PARTS) {
        let part = text.get(stretch.clone()).unwrap_or_default();
        let runs = pattern.find_iter(part);
        found.extend(runs.map(|run| stretch.start + run.start()..stretch.start + run.end()));
    }
    found
}

/// The stretches of at least `least` such bytes, each as long as it can be. Of bytes that are in
/// none, most are not looked at.
fn stretches(bytes: &[u8], least: usize, parts: &Bytes) -> Vec<Range<usize>> {
    let is_part = |byte: u8| parts.get(usize::from(byte)) == Some(&true);
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(window) = bytes.get(start..start + least) {
        if let Some(last_other) = window.iter().rposition(|byte| !is_part(*byte)) {
            start += last_other + 1;
            continue;
        }
        let behind = bytes.get(start + least..).unwrap_or_default();
        let more = behind.iter().take_while(|byte| is_part(**byte)).count();
        let end = start + least + more;
        found.push(start..end);
        start = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::HEX;
    use super::*;

    fn by(pattern: &Regex, text: &str) -> Vec<Range<usize>> {
        pattern.find_iter(text).map(|run| run.range()).collect()
    }

    proptest! {
        #[test]
        fn stretches_are_what_the_patterns_match(
            text in r"([a-f0-9]{1,40}|[0-9a-f]{2} |([0-9a-f]{2} ){10,14}|[A-Za-z+/_-]{14,18}=?|={1,3}|[ é.g]){0,12}"
        ) {
            let pattern = Regex::new(r"[A-Za-z0-9+/_-]{16,}={0,2}").unwrap();
            prop_assert_eq!(base64(&LongRuns::of(&text)), by(&pattern, &text));
            prop_assert_eq!(hexadecimal(&text, &HEX), by(&HEX, &text));
        }
    }
}
