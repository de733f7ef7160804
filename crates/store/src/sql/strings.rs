//! Where the strings of a JSON text are.
use std::cell::OnceCell;
use std::ops::Range;

use memchr::memchr;
use portcullis_json::string_length;

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
        let rest = self.json.get(self.place..)?;
        let start = self.place + memchr(b'"', rest.as_bytes())? + 1;
        let end = start + string_length(self.json.get(start..)?)?;
        self.place = end + 1;
        Some(start..end)
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
