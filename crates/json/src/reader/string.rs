use std::borrow::Cow;

use super::Reader;
use crate::plain::{copy_plain, plain_length, string_length};
use crate::{Error, ErrorKind, Surrogates};

impl<'t> Reader<'t> {
    /// The string whose opening quote is next, unescaped; borrowed where nothing was escaped.
    pub(super) fn string(&mut self) -> Result<Cow<'t, str>, Error> {
        self.offset += 1;
        let start = self.offset;
        self.skip_plain();
        let plain = self.slice(start..self.offset);
        if plain.len() <= self.limits.string_bytes && self.eat(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = Vec::new();
        if self.peek() == Some(b'\\') {
            let rest = self.slice(self.offset..self.end);
            text.reserve(plain.len() + string_length(rest).unwrap_or_default());
            text.extend_from_slice(plain.as_bytes());
        }
        loop {
            let limit = self.limits.string_bytes;
            if self.offset - start > limit {
                return Err(Error::new(ErrorKind::StringTooLong { limit }, start - 1));
            }
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let character = self.escape()?;
                    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(_) => return Err(self.error(ErrorKind::ControlCharacter)),
                None => {
                    return Err(self.expected("`\"` at the end of the string"));
                }
            }
            self.offset += copy_plain(self.rest(), &mut text);
        }
        self.offset += 1;
        // Nothing was copied but whole characters.
        let text = String::from_utf8(text).map_err(|_| self.expected("UTF-8"))?;
        Ok(Cow::Owned(text))
    }

    fn skip_plain(&mut self) {
        self.offset += plain_length(self.rest());
    }

    fn rest(&self) -> &'t [u8] {
        let bytes = self.text.as_bytes();
        bytes.get(self.offset..self.end).unwrap_or_default()
    }

    fn escape(&mut self) -> Result<char, Error> {
        let start = self.offset;
        self.offset += 1;
        let letter = self.peek();
        self.offset += 1;
        let character = match letter {
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(start),
            _ => return Err(Error::new(ErrorKind::InvalidEscape, start)),
        };
        Ok(character)
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

fn is_high_surrogate(unit: u32) -> bool {
    (0xD800..0xDC00).contains(&unit)
}

fn is_low_surrogate(unit: u32) -> bool {
    (0xDC00..0xE000).contains(&unit)
}
