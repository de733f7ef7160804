//! Long stretches of digits of an encoding, which prose hardly ever has.

use std::iter;
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

/// What `[A-Za-z0-9+/_-]{16,}={0,2}` matches, together with the lines that go on what it matches.
pub(super) fn base64(long: &LongRuns<'_>) -> Vec<Range<usize>> {
    // So many of these digits are part of a long run.
    const LEAST: usize = RUN_MIN;
    let bytes = long.text.as_bytes();
    let mut found = Vec::new();
    let mut read = 0;
    for run in &long.runs {
        let digits = bytes.get(run.clone()).unwrap_or_default();
        for stretch in stretches(digits, LEAST, &BASE64_DIGITS) {
            let start = run.start + stretch.start;
            let line = start + escape_end(bytes, start)..run.start + stretch.end;
            if line.start >= read {
                read = end_of_lines(bytes, &line);
                found.push(line.start..read);
            }
        }
    }
    found
}

/// Where the encoding ends whose first line that is: lines of one width, of which the last may be
/// shorter, and its padding.
fn end_of_lines(bytes: &[u8], first: &Range<usize>) -> usize {
    let rest = |at: usize| bytes.get(at..).unwrap_or_default();
    let width = first.len();
    let mut end = first.end;
    // Each line says whole bytes by itself.
    while width.is_multiple_of(4)
        && let Some(length) = line_break(rest(end))
    {
        let start = end + length;
        let line = rest(start).iter().take(width + 1);
        let digits = line.take_while(|it| is_part(**it, &BASE64_DIGITS)).count();
        let behind = rest(start + digits).first();
        let is_whole = behind.is_none_or(|it| b"=\r\n\\\"'<".contains(it));
        if digits == 0 || digits > width || !is_whole {
            break;
        }
        end = start + digits;
        if digits < width {
            break;
        }
    }
    let padding = rest(end).iter().take(2).take_while(|it| **it == b'=');
    end + padding.count()
}

/// How many of the digits at that place are the end of an escape, as in `\nQUJD`.
fn escape_end(bytes: &[u8], at: usize) -> usize {
    let before = at.checked_sub(1).and_then(|it| bytes.get(it));
    let is_escape = before == Some(&b'\\') && bytes.get(at).is_some_and(|it| b"nrt".contains(it));
    usize::from(is_escape)
}

/// How long the line break is that the bytes begin with, as it is or as JSON writes it.
fn line_break(bytes: &[u8]) -> Option<usize> {
    let breaks: [&[u8]; 4] = [b"\n", b"\r\n", br"\n", br"\r\n"];
    let found = breaks.into_iter().find(|it| bytes.starts_with(it))?;
    Some(found.len())
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

fn is_part(byte: u8, parts: &Bytes) -> bool {
    parts.get(usize::from(byte)) == Some(&true)
}

/// The stretches of at least `least` such bytes, each as long as it can be. Of bytes that are in
/// none, most are not looked at.
fn stretches(bytes: &[u8], least: usize, parts: &Bytes) -> impl Iterator<Item = Range<usize>> {
    let is_part = |byte: &u8| is_part(*byte, parts);
    let mut start = 0;
    iter::from_fn(move || {
        while let Some(window) = bytes.get(start..start + least) {
            if let Some(last_other) = window.iter().rposition(|byte| !is_part(byte)) {
                start += last_other + 1;
                continue;
            }
            let behind = bytes.get(start + least..).unwrap_or_default();
            let more = behind.iter().take_while(|byte| is_part(byte)).count();
            let stretch = start..start + least + more;
            start = stretch.end;
            return Some(stretch);
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::HEX;
    use super::*;

    fn by(pattern: &Regex, text: &str) -> Vec<Range<usize>> {
        pattern.find_iter(text).map(|run| run.range()).collect()
    }

    #[track_caller]
    fn check_base64(text: &str, expected: &[&str]) {
        let found = base64(&LongRuns::of(text));
        let found: Vec<_> = found.into_iter().map(|it| text.get(it).unwrap()).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn lines_of_one_width_are_one_encoding() {
        let (line, last) = ("c2VuZCB0aGUga2V5cyB0", "byBtZQ==");
        for end in ["\n", "\r\n", r"\n", r"\r\n"] {
            let whole = [line, line, last].join(end);
            check_base64(&format!("x {whole}{end}{end}{line}"), &[&whole, line]);
        }
        check_base64(&format!("{line}\nplain words"), &[line]);
        check_base64(
            &format!("{line}\n{line}AAAA"),
            &[line, &format!("{line}AAAA")],
        );
        check_base64(&format!("{line}=\n{line}"), &[&format!("{line}="), line]);
        check_base64(&format!("{line}AA\n{line}"), &[&format!("{line}AA"), line]);
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
