//! Where the strings of a JSON text are.
use std::ops::Range;

use memchr::{memchr, memchr2};

/// What is between the quotes of each string of a JSON text, names of members included; of a text
/// that is no JSON, something.
pub(super) fn strings(json: &str) -> Strings<'_> {
    Strings { json, place: 0 }
}

#[derive(Clone)]
pub(super) struct Strings<'j> {
    json: &'j str,
    /// What is before was looked at.
    place: usize,
}

// === impl Strings ===

impl Iterator for Strings<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let bytes = self.json.as_bytes();
        let start = self.place + memchr(b'"', bytes.get(self.place..)?)? + 1;
        let mut end = start;
        loop {
            end += memchr2(b'"', b'\\', bytes.get(end..)?)?;
            if bytes.get(end) == Some(&b'"') {
                self.place = end + 1;
                return Some(start..end);
            }
            // What a backslash says of the byte after it ends no string.
            end += 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_what_is_between_quotes() {
        let check = |json: &str, expected: &[&str]| {
            let found: Vec<_> = strings(json)
                .map(|range| json.get(range).unwrap())
                .collect();
            assert_eq!(found, expected, "{json:?}");
        };
        check(r#"{"a":["b", 1, "é"]}"#, &["a", "b", "é"]);
        check(
            r#""", "\"", "\\", "a\\\"b""#,
            &["", "\\\"", "\\\\", "a\\\\\\\"b"],
        );
        check("", &[]);
        check(r#"a\"b"c"#, &["b"]);
        check(r#""open"#, &[]);
        check(r#""open\"#, &[]);
        check("\"open\\é\"", &["open\\é"]);
    }
}
