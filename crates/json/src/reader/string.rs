use std::cell::Cell;

use super::cursor::Cursor;
use crate::plain::plain_length;
use crate::specials::Specials;
use crate::{Error, ErrorKind, Surrogates};

/// By how much the room for a string grows: each time, all that is there is copied.
const GROWTH: usize = 16;
/// LIMIT: how long a string may be for whose like a thread keeps room.
const ROOM_BYTES_MAX: usize = 2 << 20;

thread_local! {
    /// Room for what a string says until it is taken: it would be made for a moment only, and fresh
    /// memory costs more than reading the string.
    static ROOM: Cell<String> = const { Cell::new(String::new()) };
}

impl<'t> Cursor<'t> {
    /// The string whose opening quote is next: `plain` takes it as it stands where nothing is
    /// escaped, else `unescaped` takes what it says.
    #[inline]
    pub(super) fn string<T>(
        &mut self,
        plain: impl FnOnce(&'t str) -> T,
        unescaped: impl FnOnce(&str) -> T,
    ) -> Result<T, Error> {
        if let Some(text) = self.plain_string() {
            return Ok(plain(text));
        }
        let mut room = ROOM.take();
        let string = self.escaped_string(&mut room).map(|()| unescaped(&room));
        if room.capacity() <= ROOM_BYTES_MAX {
            ROOM.set(room);
        }
        string
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
    fn escaped_string(&mut self, text: &mut String) -> Result<(), Error> {
        self.skip_byte();
        let start = self.offset;
        self.unescape(text).ok_or_else(|| {
            self.offset = start;
            self.fault()
        })
    }

    /// Makes the text what the string says that begins here, if nothing in it is a fault.
    fn unescape(&mut self, text: &mut String) -> Option<()> {
        let start = self.offset;
        let rest = self.text.get(start..)?;
        text.clear();
        let mut read = 0;
        for place in Specials::of(rest) {
            // The second byte of an escape may be special too.
            if place < read {
                continue;
            }
            let (plain, special) = rest.get(read..)?.split_at_checked(place - read)?;
            make_room(text, plain.len(), rest.len() - read);
            text.push_str(plain);
            read = place;
            match special.as_bytes() {
                [b'"', ..] => {
                    self.offset = start + read + 1;
                    return (read <= self.limits.string_bytes).then_some(());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, parse};

    #[test]
    fn a_thread_keeps_room_for_strings_up_to_a_bound() {
        let room_after = |bytes: usize| {
            let text = format!("\"\\n{}\"", "x".repeat(bytes));
            parse(&text, &Limits::lenient()).unwrap();
            let room = ROOM.take();
            let capacity = room.capacity();
            ROOM.set(room);
            capacity
        };
        assert!(room_after(1000) > 1000);
        assert!(room_after(ROOM_BYTES_MAX / 2) > ROOM_BYTES_MAX / 2);
        assert_eq!(room_after(2 * ROOM_BYTES_MAX), 0);
    }
}
