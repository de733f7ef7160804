//! Where the strings of a JSON text are.
use std::cell::OnceCell;
use std::ops::Range;
use std::slice;

use memchr::memchr;
use portcullis_json::string_length;

use super::copies::Original;

/// Most quotes are so near to the one before that to prepare a search costs more than to look.
const NEAR: usize = 16;

/// Room for those of most messages.
const STRINGS_EXPECTED: usize = 32;

/// A JSON text. Several look for its strings, which are found once.
pub(super) struct JsonText<'j> {
    pub(super) text: &'j str,
    strings: OnceCell<Vec<JsonString>>,
}

/// A string of a JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JsonString {
    /// What is between its quotes.
    pub(super) place: Range<usize>,
    /// Its first byte in the original, if it is a copy.
    pub(super) copied_from: Option<usize>,
}

/// Where the strings of a JSON text are, one after the other.
pub(super) enum Places<'j> {
    Known(slice::Iter<'j, JsonString>),
    Unknown(Strings<'j>),
}

/// The strings of a JSON text, one after the other.
pub(super) struct Strings<'j> {
    json: &'j str,
    /// Its copies are noted.
    original: Original<'j>,
    /// Strings of this only tell where the same strings end.
    earlier: Original<'j>,
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

    /// A text some of whose strings may be those of `original`.
    pub(super) fn with_copies(text: &'j str, original: Original<'_>) -> Self {
        Self::with_known(text, original, Original::none())
    }

    /// A text some of whose strings may be the same as those of `earlier`, of which it is no copy.
    pub(super) fn after(text: &'j str, earlier: Original<'_>) -> Self {
        Self::with_known(text, Original::none(), earlier)
    }

    fn with_known(text: &'j str, original: Original<'_>, earlier: Original<'_>) -> Self {
        let json = Self::new(text);
        if !(original.is_empty() && earlier.is_empty()) {
            let strings = Strings {
                original,
                earlier,
                ..Strings::new(text)
            };
            json.strings.get_or_init(|| gathered(strings));
        }
        json
    }

    /// Its strings, names of members included; of a text that is no JSON, something.
    pub(super) fn strings(&self) -> &[JsonString] {
        self.strings
            .get_or_init(|| gathered(Strings::new(self.text)))
    }

    /// Its strings if somebody looked for them.
    pub(super) fn strings_if_known(&self) -> &[JsonString] {
        self.strings.get().map_or(&[], Vec::as_slice)
    }

    /// Forgets where its strings are, if to know it takes more memory than the text.
    pub(super) fn forget_many_strings(&mut self) {
        if size_of_val(self.strings_if_known()) > self.text.len() {
            self.strings.take();
        }
    }

    /// Where its strings are, for who needs them once.
    pub(super) fn places(&self) -> Places<'_> {
        match self.strings.get() {
            Some(strings) => Places::Known(strings.iter()),
            None => Places::Unknown(Strings::new(self.text)),
        }
    }
}

// === impl Places ===

impl Places<'_> {
    /// Passes over all strings that begin before `place`, where none is open.
    pub(super) fn skip_to(&mut self, place: usize) {
        match self {
            Self::Known(strings) => {
                let is_before = |string: &JsonString| string.place.start <= place;
                while strings.as_slice().first().is_some_and(is_before) {
                    strings.next();
                }
            }
            Self::Unknown(strings) => strings.place = place,
        }
    }
}

impl Iterator for Places<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        match self {
            Self::Known(strings) => strings.next().map(|string| string.place.clone()),
            Self::Unknown(strings) => strings.next().map(|string| string.place),
        }
    }
}

// === impl Strings ===

impl<'j> Strings<'j> {
    fn new(json: &'j str) -> Self {
        Self {
            json,
            original: Original::none(),
            earlier: Original::none(),
            place: 0,
        }
    }

    /// The length of the string that begins at `start`. The end of one that is known is not looked
    /// for.
    fn length(&mut self, start: usize) -> Option<usize> {
        let rest = self.json.get(start..)?;
        let known = self.earlier.find(rest.as_bytes());
        known
            .map(|place| place.len())
            .or_else(|| string_length(rest))
    }
}

impl Iterator for Strings<'_> {
    type Item = JsonString;

    fn next(&mut self) -> Option<JsonString> {
        let bytes = self.json.as_bytes();
        let start = self.place + quote(bytes.get(self.place..)?)? + 1;
        let rest = bytes.get(start..)?;
        let short = short_length(rest);
        let copied = match short {
            Some(_) => None,
            None => self.original.find(rest),
        };
        let length = short.or(copied.as_ref().map(Range::len));
        let end = start + length.or_else(|| self.length(start))?;
        self.place = end + 1;
        Some(JsonString {
            place: start..end,
            copied_from: copied.map(|place| place.start),
        })
    }
}

fn gathered(strings: Strings<'_>) -> Vec<JsonString> {
    let mut gathered = Vec::with_capacity(STRINGS_EXPECTED);
    gathered.extend(strings);
    gathered
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
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// Texts with much in common, JSON or not; some of their strings are long enough to be known.
    fn texts() -> impl Strategy<Value = (String, String)> {
        let long = "a\\\"b\\\\".repeat(12);
        let longer = format!("{long}\\\"x");
        let pieces = vec![
            format!("\"{long}\""),
            format!("\"{longer}\""),
            format!("\"{}\"", "é".repeat(40)),
            "\"short\"".to_owned(),
            long,
            "\"".to_owned(),
            "\\".to_owned(),
            ",".to_owned(),
        ];
        let text = vec(select(pieces), 0..12).prop_map(|pieces| pieces.concat());
        (text.clone(), text)
    }

    proptest! {
        #[test]
        fn strings_are_the_same_whatever_was_before((earlier, text) in texts()) {
            let earlier = JsonText::new(&earlier);
            earlier.strings();
            let after = JsonText::after(&text, Original::earlier(&earlier));
            let alone = JsonText::new(&text);
            prop_assert_eq!(after.strings(), alone.strings());
        }
    }

    fn check(json: &str, expected: &[&str]) {
        let text = JsonText::new(json);
        let places: Vec<_> = text.places().collect();
        let found: Vec<_> = places
            .iter()
            .map(|place| json.get(place.clone()).unwrap())
            .collect();
        assert_eq!(found, expected, "{json:?}");
        let strings = text.strings().iter();
        assert!(strings.map(|string| &string.place).eq(&places));
        assert!(text.places().eq(places));
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
