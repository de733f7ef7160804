//! Where the strings of a JSON text are.
use std::cell::OnceCell;
use std::ops::Range;

use memchr::{memchr, memchr2};

/// A JSON text. Several look for its strings, which are found once.
pub(super) struct JsonText<'j> {
    pub(super) text: &'j str,
    strings: OnceCell<Vec<Range<usize>>>,
}

struct Strings<'j> {
    json: &'j str,
    /// What is before was looked at.
    place: usize,
}

// === impl JsonText ===

impl<'j> JsonText<'j> {
    pub(super) fn new(text: &'j str) -> Self {
        Self {
            text,
            strings: OnceCell::new(),
        }
    }

    /// What is between the quotes of each string, names of members included; of a text that is no
    /// JSON, something.
    pub(super) fn strings(&self) -> &[Range<usize>] {
        self.strings.get_or_init(|| strings(self.text).collect())
    }
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

fn strings(json: &str) -> Strings<'_> {
    Strings { json, place: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_what_is_between_quotes() {
        let check = |json: &str, expected: &[&str]| {
            let text = JsonText::new(json);
            let found = text.strings().iter().cloned();
            let found: Vec<_> = found.map(|range| json.get(range).unwrap()).collect();
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
