//! Where the strings of a JSON text are.
use std::cell::OnceCell;
use std::ops::Range;

use memchr::memchr;
use portcullis_json::string_length;

/// Most quotes are so near to the one before that to prepare a search costs more than to look.
const NEAR: usize = 16;

/// A JSON text. Several look for its strings, which are found once.
pub(super) struct JsonText<'j> {
    pub(super) text: &'j str,
    strings: OnceCell<Vec<Range<usize>>>,
}

/// The strings of a JSON text, one after the other.
pub(super) struct Strings<'j> {
    json: &'j str,
    /// What is before was looked at.
    place: usize,
}

/// What is between the quotes of each string; see [`JsonText::strings`].
pub(super) fn strings(json: &str) -> Strings<'_> {
    Strings { json, place: 0 }
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
        let start = self.place + quote(bytes.get(self.place..)?)? + 1;
        let short = short_length(bytes.get(start..)?);
        let length = short.or_else(|| string_length(self.json.get(start..)?))?;
        let end = start + length;
        self.place = end + 1;
        Some(start..end)
    }
}

/// The place of the next quote.
fn quote(bytes: &[u8]) -> Option<usize> {
    let near = near(bytes).iter().position(|byte| *byte == b'"');
    near.or_else(|| memchr(b'"', bytes))
}

/// The length of a string that is short and has no escapes, of what is behind its first quote.
fn short_length(bytes: &[u8]) -> Option<usize> {
    let near = near(bytes);
    let end = near.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    (near.get(end) == Some(&b'"')).then_some(end)
}

fn near(bytes: &[u8]) -> &[u8] {
    bytes.get(..NEAR).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &[&str]) {
        let text = JsonText::new(json);
        let found = text.strings().iter().cloned();
        let found: Vec<_> = found.map(|range| json.get(range).unwrap()).collect();
        assert_eq!(found, expected, "{json:?}");
    }

    #[test]
    fn strings_are_what_is_between_quotes() {
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

    #[test]
    fn strings_near_and_far_are_found() {
        for length in 0..3 * NEAR {
            let (far, string) = (" ".repeat(length), "x".repeat(length));
            for end in ["", "é", "\\\\", "\\\"", "\\\"\\\\"] {
                let string = format!("{string}{end}");
                let twice = format!("{far}\"{string}\"{far}\"{string}\"");
                check(&twice, &[&string, &string]);
                check(&format!("\"{string}\"{far}\"{string}"), &[&string]);
            }
        }
    }
}
