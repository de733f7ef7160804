use std::ops::Range;
use std::sync::Arc;

use crate::spelling::Place;
use crate::{Error, ErrorKind, Limits, Value};

/// A place in a text that goes forward.
pub(super) struct Cursor<'t> {
    pub(super) text: &'t str,
    pub(super) offset: usize,
    pub(super) limits: &'t Limits,
    /// How many escapes named a character by its number.
    pub(super) numbered: usize,
    /// Long strings that can be written again as they are.
    pub(super) spelled: Vec<Place>,
}

// === impl Cursor ===

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str, range: Range<usize>, limits: &'t Limits) -> Self {
        Self {
            text: text.get(..range.end).unwrap_or(text),
            offset: range.start,
            limits,
            numbered: 0,
            spelled: Vec::new(),
        }
    }

    /// A value that is neither array nor object.
    pub(super) fn scalar(&mut self, expected: &'static str) -> Result<Value, Error> {
        let start = self.offset;
        match self.peek() {
            Some(b'"') => self.shared_string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b'n') if self.eat_word("null") => Ok(Value::Null),
            Some(b't') if self.eat_word("true") => Ok(Value::Bool(true)),
            Some(b'f') if self.eat_word("false") => Ok(Value::Bool(false)),
            Some(b'N') if self.eat_word("NaN") => self.not_finite(f64::NAN, start),
            Some(b'I') if self.eat_word("Infinity") => self.not_finite(f64::INFINITY, start),
            _ => Err(self.expected(expected)),
        }
    }

    fn shared_string(&mut self) -> Result<Arc<str>, Error> {
        let start = self.offset + 1;
        let numbered = self.numbered;
        let string = self.string(Arc::from, |text| Arc::from(text))?;
        // Half of a pair, which a lenient reader takes, is not to be written again.
        if self.numbered == numbered {
            let place = Place::new(&string, start..self.offset - 1);
            self.spelled.extend(place);
        }
        Ok(string)
    }

    /// Makes sure that nothing follows.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        self.skip_whitespace();
        match self.peek() {
            Some(_) => Err(self.error(ErrorKind::TextAfterValue)),
            None => Ok(()),
        }
    }

    pub(super) fn skip_comma(&mut self) {
        self.skip_byte();
        self.skip_whitespace();
    }

    /// The byte that was seen.
    pub(super) fn skip_byte(&mut self) {
        self.offset += 1;
    }

    pub(super) fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.offset += 1;
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.offset += usize::from(found);
        found
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word.as_bytes());
        if found {
            self.offset += word.len();
        }
        found
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.offset..).unwrap_or_default()
    }

    /// INVARIANT: callers cut beside ASCII bytes inside the text, where a slice always exists.
    pub(super) fn slice(&self, range: Range<usize>) -> &'t str {
        self.text.get(range).unwrap_or_default()
    }

    pub(super) fn expected(&self, what: &'static str) -> Error {
        self.error(ErrorKind::Expected(what))
    }

    pub(super) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.offset)
    }
}
