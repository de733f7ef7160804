//! Most words are short, and a number is compared and hashed faster than a text.

/// Longer words are compared as texts.
const BYTES_MAX: usize = size_of::<u128>();

/// What makes a small letter of ASCII of a large one, and leaves small ones and digits as they are.
const SMALL: u128 = u128::from_ne_bytes([0x20; BYTES_MAX]);
/// What no byte of ASCII has.
const HIGH: u128 = u128::from_ne_bytes([0x80; BYTES_MAX]);

/// A short word of ASCII in lower case: its bytes, the first one the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ShortWord(u128);

// === impl ShortWord ===

impl ShortWord {
    /// The word in lower case, if it is such a one. It is what stands in the text at `start`.
    pub(super) fn at(text: &str, start: usize, word: &str) -> Option<Self> {
        let behind = BYTES_MAX.checked_sub(word.len())?;
        let of_word = u128::MAX.checked_shr(u8::BITS * u32::try_from(behind).ok()?)?;
        let number = match text.as_bytes().get(start..)?.first_chunk() {
            // What comes behind the word is taken off again: a copy of so few bytes costs more.
            Some(bytes) => u128::from_le_bytes(*bytes) & of_word,
            None => number(word)?,
        };
        let is_ascii = number & HIGH == 0;
        is_ascii.then_some(Self((number | SMALL) & of_word))
    }

    /// The word, which is in lower case, if it is such a one.
    pub(super) fn of(word: &str) -> Option<Self> {
        let number = number(word)?;
        (number & HIGH == 0).then_some(Self(number))
    }
}

fn number(word: &str) -> Option<u128> {
    let mut bytes = [0; BYTES_MAX];
    bytes
        .get_mut(..word.len())?
        .copy_from_slice(word.as_bytes());
    Some(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_words_are_the_same_wherever_they_stand() {
        for word in ["a", "Passwd", "0123456789abcdeF"] {
            let kept = word.to_ascii_lowercase();
            let expected = ShortWord::of(&kept).unwrap();
            for text in [
                word.to_owned(),
                format!("{word}, and ÜBER what comes behind"),
            ] {
                assert_eq!(ShortWord::at(&text, 0, word), Some(expected), "{text:?}");
                let text = format!("é {text}");
                assert_eq!(ShortWord::at(&text, 3, word), Some(expected), "{text:?}");
            }
            let other = ShortWord::of(&kept.replace('a', "e").replace('f', "g"));
            assert_ne!(other, Some(expected));
        }
    }

    #[test]
    fn long_words_and_others_are_none() {
        for word in ["0123456789abcdefg", "é", "abcé"] {
            assert_eq!(ShortWord::of(word), None);
            assert_eq!(ShortWord::at(word, 0, word), None);
            let text = format!("{word}, and what comes behind");
            assert_eq!(ShortWord::at(&text, 0, word), None);
        }
    }
}
