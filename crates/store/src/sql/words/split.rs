//! What a word is: a run of letters and digits, in lower case.
use std::iter;

/// LIMIT: of a longer word, and of a longer value in metadata, only the beginning counts.
const TEXT_CHARACTERS_MAX: usize = 64;

/// What a byte of a text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An ASCII letter or digit.
    OfWord,
    /// A part of a character that may be a letter.
    Other,
    Between,
}

/// A table, because every byte of every text is looked up.
const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Other; 256];
    let mut rest: &mut [Kind] = &mut kinds;
    let mut byte: u8 = 0;
    while let Some((first, others)) = rest.split_first_mut() {
        if byte.is_ascii_alphanumeric() {
            *first = Kind::OfWord;
        } else if byte.is_ascii() {
            *first = Kind::Between;
        }
        byte = byte.wrapping_add(1);
        rest = others;
    }
    kinds
};

/// The words of a text, as they stand there.
#[derive(Clone)]
pub(super) struct Split<'t> {
    text: &'t str,
    /// The first byte that was not looked at.
    place: usize,
}

/// The words of a text in ASCII, each with its first byte.
pub(super) fn ascii_words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut place = 0;
    iter::from_fn(move || {
        let rest = text.as_bytes().get(place..)?;
        let start = rest.iter().position(|byte| is_of_word(*byte))?;
        let word = rest.get(start..)?;
        let length = word.iter().position(|byte| !is_of_word(*byte));
        let start = place + start;
        place = start + length.unwrap_or(word.len());
        Some((start, text.get(start..place)?))
    })
}

/// No letter and no part of one.
pub(super) fn is_between_words(byte: u8) -> bool {
    KINDS.get(usize::from(byte)) == Some(&Kind::Between)
}

fn is_of_word(byte: u8) -> bool {
    KINDS.get(usize::from(byte)) == Some(&Kind::OfWord)
}

/// The words of a text that people wrote, as they are kept.
pub(in crate::sql) fn words_of(text: &str) -> impl Iterator<Item = String> {
    Split::new(text).map(|(_, word)| kept_form(word, &mut String::new()).to_owned())
}

/// As much of a value as is compared.
pub(in crate::sql) fn cut(value: &str) -> &str {
    if value.len() <= TEXT_CHARACTERS_MAX {
        return value;
    }
    let end = value.char_indices().nth(TEXT_CHARACTERS_MAX);
    end.and_then(|(end, _)| value.get(..end)).unwrap_or(value)
}

/// What is kept of a word; `room` is for it.
pub(super) fn kept_form<'w>(word: &str, room: &'w mut String) -> &'w str {
    room.clear();
    if word.is_ascii() {
        room.push_str(cut(word));
        room.make_ascii_lowercase();
    } else {
        let lower = word.chars().flat_map(char::to_lowercase);
        room.extend(lower.take(TEXT_CHARACTERS_MAX));
    }
    room
}

// === impl Split ===

impl<'t> Split<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, place: 0 }
    }

    /// Looks at nothing before `place`.
    pub(super) fn skip_to(&mut self, place: usize) {
        self.place = self.place.max(place);
    }
}

/// A word, and its first byte.
impl<'t> Iterator for Split<'t> {
    type Item = (usize, &'t str);

    fn next(&mut self) -> Option<(usize, &'t str)> {
        let bytes = self.text.as_bytes().get(self.place..)?;
        let of_word = |byte: &u8| is_of_word(*byte);
        let mut start = bytes
            .iter()
            .position(|byte| of_word(byte) || !byte.is_ascii())?;
        let run = bytes.get(start..)?;
        let mut length = run.iter().position(|byte| !of_word(byte));
        if run
            .get(length.unwrap_or(0))
            .is_some_and(|byte| !byte.is_ascii())
        {
            let run = self.text.get(self.place + start..)?;
            start += run.find(char::is_alphanumeric)?;
            let run = self.text.get(self.place + start..)?;
            length = run.find(|c: char| !c.is_alphanumeric());
        }
        let start = self.place + start;
        let end = length.map_or(self.text.len(), |length| start + length);
        self.place = end;
        Some((start, self.text.get(start..end)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(words_of(text).collect::<Vec<_>>(), expected, "{text:?}");
        };
        check(
            "read_file(\"/etc/Passwd\")",
            &["read", "file", "etc", "passwd"],
        );
        check("Äpfel, 3.14 – ΣΊΣΥΦΟΣ", &["äpfel", "3", "14", "σίσυφοσ"]);
        check("caféA b–c – é", &["caféa", "b", "c", "é"]);
        check(" .!\u{0}–", &[]);
        check(&"x".repeat(200), &[&"x".repeat(TEXT_CHARACTERS_MAX)]);
        check(&"É".repeat(200), &[&"é".repeat(TEXT_CHARACTERS_MAX)]);
    }

    #[test]
    fn ascii_is_split_as_everything_is() {
        let text: String = (0..3000_u32)
            .map(|n| char::from_u32(n.wrapping_mul(0x9E37_79B9) >> 23).unwrap_or(' '))
            .collect();
        let expected: Vec<&str> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        assert!(expected.len() > 100);
        let found: Vec<&str> = Split::new(&text).map(|(_, word)| word).collect();
        assert_eq!(found, expected);

        let ascii: String = text.chars().filter(char::is_ascii).collect();
        let expected: Vec<_> = Split::new(&ascii).collect();
        assert!(expected.len() > 50);
        assert_eq!(ascii_words(&ascii).collect::<Vec<_>>(), expected);
    }
}
