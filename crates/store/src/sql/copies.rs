//! What policies see of a message mostly consists of strings of the message. Where these are the
//! same byte by byte, they are kept once.
use std::fmt::Write as _;
use std::ops::Range;

use super::strings::{JsonString, JsonText};

/// In shorter texts nothing is looked for: it would cost more than to write them.
const TEXT_BYTES_MIN: usize = 1024;
/// Shorter strings stay where they are.
const COPY_BYTES_MIN: usize = 64;
/// LIMIT: strings of the message that one string is compared with.
const AHEAD_MAX: usize = 16;

/// A part of a text that is also a part of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copied {
    /// Its first byte in the text.
    pub(super) position: usize,
    /// Its first byte in the message.
    pub(super) from: usize,
    pub(super) length: usize,
}

/// The strings of a message, in whose order those of a text are looked for.
pub(super) struct Original<'m> {
    message: &'m str,
    strings: Vec<Range<usize>>,
    /// The first string that may be the next.
    next: usize,
}

/// Whether something is looked for in the text.
pub(super) fn is_long(text: &str) -> bool {
    text.len() >= TEXT_BYTES_MIN
}

/// The text under which copies are kept; `None` if there are none.
pub(super) fn copies_text(copies: &[Copied]) -> Option<String> {
    let mut text = String::new();
    for copy in copies {
        let Copied {
            position,
            from,
            length,
        } = copy;
        let comma = if text.is_empty() { "" } else { "," };
        // Writing to a `String` does not fail.
        write!(text, "{comma}{position} {from} {length}").ok();
    }
    (!text.is_empty()).then_some(text)
}

/// What [`copies_text`] wrote; `None` if it did not.
pub(super) fn copies_of(text: &str) -> Option<Vec<Copied>> {
    let copied = |copy: &str| {
        let mut numbers = copy.splitn(3, ' ').map(|number| number.parse().ok());
        Some(Copied {
            position: numbers.next()??,
            from: numbers.next()??,
            length: numbers.next()??,
        })
    };
    text.split(',').map(copied).collect()
}

// === impl Copied ===

impl Copied {
    pub(super) fn text<'m>(&self, message: &'m str) -> Option<&'m str> {
        message.get(self.from..self.from.checked_add(self.length)?)
    }
}

// === impl Original ===

impl<'m> Original<'m> {
    /// What the message offers to `text`.
    pub(super) fn of(message: Option<&JsonText<'m>>, text: &str) -> Self {
        let message = message.filter(|_| is_long(text));
        message.map_or_else(Self::none, |message| {
            Self::strings_of(message.text, message.strings())
        })
    }

    /// What a message offers that was looked at before.
    pub(super) fn earlier(message: &JsonText<'m>) -> Self {
        Self::strings_of(message.text, message.strings_if_known())
    }

    fn strings_of(message: &'m str, strings: &[JsonString]) -> Self {
        let strings = strings.iter().map(|string| string.place.clone());
        Self {
            message,
            strings: strings
                .filter(|string| string.len() >= COPY_BYTES_MIN)
                .collect(),
            next: 0,
        }
    }

    pub(super) fn none() -> Self {
        Self {
            message: "",
            strings: Vec::new(),
            next: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.strings.is_empty()
    }

    /// Where in the message the string stands that ends somewhere in `rest`, which begins behind
    /// its first quote; `None` if it stands nowhere.
    ///
    /// What is between the quotes of a string has no end of a string in it: if it is the same up to
    /// a quote, it is the whole string.
    pub(super) fn find(&mut self, rest: &[u8]) -> Option<Range<usize>> {
        let message = self.message.as_bytes();
        let is_there = |string: &Range<usize>| {
            rest.get(string.len()) == Some(&b'"')
                && rest.get(..string.len()) == message.get(string.clone())
        };
        let ahead = self.strings.iter().enumerate().skip(self.next);
        let (place, string) = ahead.take(AHEAD_MAX).find(|(_, string)| is_there(string))?;
        self.next = place + 1;
        Some(string.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_read_as_they_were_written() {
        let copied = |position, from, length| Copied {
            position,
            from,
            length,
        };
        for copies in [
            vec![copied(1, 2, 3)],
            vec![copied(0, usize::MAX, 64), copied(70, 0, 100)],
        ] {
            assert_eq!(copies_of(&copies_text(&copies).unwrap()), Some(copies));
        }
        assert_eq!(copies_text(&[]), None);
        for damaged in ["", "1 2", "1 2 3,", "1 2 3 4", "1 2 -3", "a b c"] {
            assert_eq!(copies_of(damaged), None, "{damaged:?}");
        }
    }

    #[test]
    fn copy_beyond_the_message_is_none() {
        let copied = |from, length| Copied {
            position: 0,
            from,
            length,
        };
        assert_eq!(copied(1, 2).text("abcd"), Some("bc"));
        assert_eq!(copied(3, 2).text("abcd"), None);
        assert_eq!(copied(usize::MAX, 2).text("abcd"), None);
        assert_eq!(copied(1, 1).text("é"), None);
    }
}
