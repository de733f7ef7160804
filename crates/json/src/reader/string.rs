use std::borrow::Cow;

use super::cursor::Cursor;
use crate::plain::plain_length;
use crate::specials::Specials;
use crate::{Error, ErrorKind, Surrogates};

/// Room for most strings with an escape, which are longer than names.
const ESCAPED_BYTES_EXPECTED: usize = 128;
/// By how much the room for a longer one grows: each time, all that is there is copied.
const GROWTH: usize = 16;

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
        let rest = self.text.get(start..)?;
        let mut text = String::with_capacity(ESCAPED_BYTES_EXPECTED);
        let mut read = 0;
        for place in Specials::of(rest) {
            // The second byte of an escape may be special too.
            if place < read {
                continue;
            }
            let (plain, special) = rest.get(read..)?.split_at_checked(place - read)?;
            make_room(&mut text, plain.len(), rest.len() - read);
            text.push_str(plain);
            read = place;
            match special.as_bytes() {
                [b'"', ..] => {
                    self.offset = start + read + 1;
                    return (read <= self.limits.string_bytes).then_some(text);
                }
                [b'\\', letter, ..] if let Some(plain) = meaning_of(*letter) => {
                    text.push(plain);
                    read += 2;
                }
                [b'\\', ..] => {
                    self.offset = start + read;
                    text.push(self.escape().ok()?);
                    read = self.offset - start;
                }
                _ => return None,
            }
        }
        None
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
        self.numbered += 1;
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

/// Room for a piece of a string of which at most so many bytes are left, itself among them.
fn make_room(text: &mut String, piece: usize, left: usize) {
    if text.capacity() - text.len() < piece {
        let room = (text.len() + piece).saturating_mul(GROWTH);
        text.reserve_exact(room.min(left));
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
