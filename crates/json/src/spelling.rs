use std::ops::Range;
use std::sync::Arc;

/// Shorter strings are escaped as fast as they are found.
const LONG: usize = 256;

/// Where the long strings of a value are written, in the text that it was read from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spellings {
    /// In the order of their addresses.
    places: Arc<[Place]>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// It is kept, so that no other string gets its address.
    string: Arc<str>,
    /// Between the quotes.
    range: Range<usize>,
}

/// The text that a value was read from, for who writes its strings again: what has been written once
/// need not be escaped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written<'t> {
    text: &'t str,
    places: &'t [Place],
}

// === impl Spellings ===

impl Spellings {
    pub(crate) fn new(mut places: Vec<Place>) -> Self {
        if places.is_empty() {
            return Self::default();
        }
        places.sort_unstable_by_key(Place::address);
        Self {
            places: places.into(),
        }
    }

    /// In the text that was read.
    pub fn within<'t>(&'t self, text: &'t str) -> Written<'t> {
        Written {
            text,
            places: &self.places,
        }
    }
}

// === impl Place ===

impl Place {
    /// `None` if the string is not worth it.
    pub(crate) fn new(string: &Arc<str>, range: Range<usize>) -> Option<Self> {
        let string = (string.len() >= LONG).then(|| Arc::clone(string))?;
        Some(Self { string, range })
    }

    fn address(&self) -> usize {
        address(&self.string)
    }
}

// === impl Written ===

impl<'t> Written<'t> {
    /// How this string, and no other that is equal, is written between its quotes; `None` if that
    /// is not known.
    pub(crate) fn spelling(self, string: &Arc<str>) -> Option<&'t str> {
        if string.len() < LONG {
            return None;
        }
        let wanted = address(string);
        let found = self.places.binary_search_by_key(&wanted, Place::address);
        let place = self.places.get(found.ok()?)?;
        self.text.get(place.range.clone())
    }
}

fn address(string: &Arc<str>) -> usize {
    Arc::as_ptr(string).addr()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use crate::{Limits, Shape, Value, parse, rewrite_to, scan_spellings};

    const UNITS: [&str; 7] = [r"\n", r"\/", r#"\""#, r"\\", r"\u0075", "u", "ü"];

    /// The value as it is written again.
    fn again(text: &str, limits: &Limits) -> (String, Value) {
        let (shape, spellings) = scan_spellings(text, 0..text.len(), limits).unwrap();
        let Shape::Object(members) = shape else {
            panic!("an object was written");
        };
        let value = members[0].content.clone();
        let mut written = String::new();
        rewrite_to(&mut written, &value, spellings.within(text));
        (written, value)
    }

    #[test]
    fn long_strings_are_written_as_they_were() {
        let check = |unit: &str, expected: &str| {
            let text = format!(r#"{{"a":[{{"b":"{}"}}]}}"#, unit.repeat(256));
            let (written, _) = again(&text, &Limits::lenient());
            assert_eq!(written, format!(r#"[{{"b":"{}"}}]"#, expected.repeat(256)));
        };
        check("é", "é");
        check(r"\n\/", r"\n\/");
        // Who reads it strictly takes no half of a pair.
        check(r"\/\ud800", "/\u{fffd}");
        check(r"\/\u0041", "/A");
    }

    #[test]
    fn others_are_escaped_anew() {
        let text = format!(r#"{{"a":["\/","{}"]}}"#, r"\/".repeat(300));
        let limits = Limits::strict();
        let (written, value) = again(&text, &limits);
        assert_eq!(written, format!(r#"["/","{}"]"#, r"\/".repeat(300)));
        // It is equal, and stands nowhere.
        let copy = Value::from(value.as_array().unwrap()[1].as_str().unwrap());
        let (_, spellings) = scan_spellings(&text, 0..text.len(), &limits).unwrap();
        let mut written = String::new();
        rewrite_to(&mut written, &copy, spellings.within(&text));
        assert_eq!(written, format!("\"{}\"", "/".repeat(300)));
    }

    proptest! {
        #[test]
        fn what_is_written_again_is_the_same_value(
            strings in vec(vec(select(&UNITS), 0..400), 0..20)
        ) {
            let strings = strings.iter().map(|units| format!("\"{}\"", units.concat()));
            let strings: Vec<String> = strings.collect();
            let text = format!(r#"{{"a":[[{}]]}}"#, strings.join(","));
            let limits = Limits::strict();
            let (written, value) = again(&text, &limits);
            prop_assert_eq!(parse(&written, &limits), Ok(value));
        }
    }
}
