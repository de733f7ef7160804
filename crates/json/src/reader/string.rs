use std::borrow::Cow;

use memchr::memchr2;

use super::cursor::Cursor;
use crate::plain::{is_without_controls, plain_length};
use crate::{Error, ErrorKind, Surrogates};

/// Room for most strings with an escape, which are longer than names.
const ESCAPED_BYTES_EXPECTED: usize = 128;

impl<'t> Cursor<'t> {
    /// The string whose opening quote is next, unescaped; borrowed where nothing was escaped.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Cow<'t, str>, Error> {
        match self.plain_string() {
            Some(plain) => Ok(Cow::Borrowed(plain)),
            None => self.escaped_string().map(Cow::Owned),
        }
    }

    /// The string if nothing in it is escaped, and nothing is wrong with it.
    #[inline]
    fn plain_string(&mut self) -> Option<&'t str> {
        let rest = self.text.get(self.offset + 1..)?;
        let plain = rest.get(..plain_length(rest.as_bytes()))?;
        let ends = rest.as_bytes().get(plain.len()) == Some(&b'"');
        if !ends || plain.len() > self.limits.string_bytes {
            return None;
        }
        self.offset += plain.len() + 2;
        Some(plain)
    }

    /// Kept out of the way of those that are plain.
    #[inline(never)]
    fn escaped_string(&mut self) -> Result<String, Error> {
        self.skip_byte();
        let start = self.offset;
        self.unescaped().ok_or_else(|| {
            self.offset = start;
            self.fault()
        })
    }

    /// What the string says that begins here, if nothing in it is a fault.
    fn unescaped(&mut self) -> Option<String> {
        let start = self.offset;
        let mut text = String::with_capacity(ESCAPED_BYTES_EXPECTED);
        loop {
            let rest = self.text.get(self.offset..)?;
            let plain = memchr2(b'"', b'\\', rest.as_bytes())?;
            let (plain, special) = rest.split_at_checked(plain)?;
            text.push_str(plain);
            self.offset += plain.len();
            match special.as_bytes() {
                [b'"', ..] => break,
                [_, letter, ..] if let Some(plain) = meaning_of(*letter) => {
                    text.push(plain);
                    self.offset += 2;
                }
                _ => text.push(self.escape().ok()?),
            }
        }
        let written = self.text.as_bytes().get(start..self.offset)?;
        self.skip_byte();
        let is_fit = written.len() <= self.limits.string_bytes && is_without_controls(written);
        is_fit.then_some(text)
    }

    /// What is wrong with the string that begins here.
    fn fault(&mut self) -> Error {
        let start = self.offset;
        loop {
            self.skip_plain();
            let limit = self.limits.string_bytes;
            if self.offset - start > limit {
                return Error::new(ErrorKind::StringTooLong { limit }, start - 1);
            }
            match self.peek() {
                Some(b'\\') => {
                    if let Err(error) = self.escape() {
                        return error;
                    }
                }
                Some(0..b' ') => return self.error(ErrorKind::ControlCharacter),
                Some(_) | None => return self.expected("`\"` at the end of the string"),
            }
        }
    }

    fn skip_plain(&mut self) {
        self.offset += plain_length(self.rest());
    }

    fn escape(&mut self) -> Result<char, Error> {
        let start = self.offset;
        self.offset += 1;
        let letter = self.peek();
        self.offset += 1;
        match letter {
            Some(b'u') => self.unicode_escape(start),
            letter => letter
                .and_then(meaning_of)
                .ok_or(Error::new(ErrorKind::InvalidEscape, start)),
        }
    }

    /// The escape that began at `start`, of which `\u` was read.
    fn unicode_escape(&mut self, start: usize) -> Result<char, Error> {
        let first = self.code_unit(start)?;
        if let Some(character) = char::from_u32(first) {
            return Ok(character);
        }
        let after_first = self.offset;
        if is_high_surrogate(first) && self.eat_word("\\u") {
            let second = self.code_unit(after_first)?;
            if is_low_surrogate(second) {
                let code_point = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(code_point).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            // The second escape may itself be the first half of a pair.
            self.offset = after_first;
        }
        match self.limits.surrogates {
            Surrogates::Reject => Err(Error::new(ErrorKind::LoneSurrogate, start)),
            Surrogates::Replace => Ok(char::REPLACEMENT_CHARACTER),
        }
    }

    fn code_unit(&mut self, start: usize) -> Result<u32, Error> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(Error::new(ErrorKind::InvalidEscape, start));
            };
            unit = unit * 16 + digit;
            self.offset += 1;
        }
        Ok(unit)
    }
}

/// What a letter behind a backslash stands for.
fn meaning_of(letter: u8) -> Option<char> {
    match letter {
        b'"' | b'\\' | b'/' => Some(char::from(letter)),
        b'b' => Some('\u{8}'),
        b'f' => Some('\u{c}'),
        b'n' => Some('\n'),
        b'r' => Some('\r'),
        b't' => Some('\t'),
        _ => None,
    }
}

fn is_high_surrogate(unit: u32) -> bool {
    (0xD800..0xDC00).contains(&unit)
}

fn is_low_surrogate(unit: u32) -> bool {
    (0xDC00..0xE000).contains(&unit)
}
