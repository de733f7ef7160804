//! Large texts often say the same again: lines of a log, rows of a table. What was said says no new
//! word, and to see that it is the same is much faster than to take it apart.
use super::split;

/// Shorter texts are taken apart.
pub(super) const TEXT_BYTES_MIN: usize = 1024;
/// What is compared first, and the least that is passed over.
const WINDOW: usize = 32;
/// One of four words is looked at: those where the first bytes, mixed by this, begin with two zeros.
/// They are the same in a repetition.
const MIX: u32 = 0x9e37_79b1;
/// LIMIT: places that are remembered.
const PLACES: usize = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 12;
/// Bytes that are compared at once: most texts soon differ, and some repeat themselves for long.
const LONG: usize = 512;
const SHORT: usize = 64;

/// Where in a text its latest words began, by what is there.
#[derive(Default)]
pub(super) struct Repeats {
    /// Empty until there is a large text. A place may be one of another text: nothing is believed
    /// that is not looked at.
    places: Vec<usize>,
}

// === impl Repeats ===

impl Repeats {
    /// If the text from `start` on, where a word begins and which was not looked at, repeats what
    /// comes before it: a place up to which all words are repeated. The text may be one that stands
    /// in JSON and escapes no characters of words; that place is then in no escape.
    pub(super) fn end(&mut self, text: &str, start: usize) -> Option<usize> {
        if text.len() < TEXT_BYTES_MIN {
            return None;
        }
        let bytes = text.as_bytes();
        // Most words are passed by: what is said again has others.
        let first = u32::from_le_bytes(*bytes.get(start..)?.first_chunk()?);
        if first.wrapping_mul(MIX).leading_zeros() < 2 {
            return None;
        }
        let window = bytes.get(start..)?.first_chunk::<WINDOW>()?;
        if self.places.is_empty() {
            self.places.resize(PLACES, 0);
        }
        let before = std::mem::replace(self.places.get_mut(place_of(window))?, start);
        let begins_word = before
            .checked_sub(1)
            .is_none_or(|last| bytes.get(last).is_some_and(|byte| is_between_words(*byte)));
        if before >= start || !begins_word {
            return None;
        }
        let length = alike(bytes.get(before..)?, bytes.get(start..)?);
        if length < WINDOW {
            return None;
        }
        // The word that it ends in may go on differently.
        let repeated = bytes.get(start..start + length)?;
        let last = repeated.iter().rposition(|byte| is_between_words(*byte))?;
        Some(start + last)
    }
}

/// Behind a backslash may be the rest of an escape.
fn is_between_words(byte: u8) -> bool {
    split::is_between_words(byte) && byte != b'\\'
}

fn place_of(window: &[u8; WINDOW]) -> usize {
    let (words, _) = window.as_chunks::<8>();
    let mixed = words.iter().fold(0, |mixed: u64, word| {
        // Knuth's generator; its high bits are the good ones.
        (mixed ^ u64::from_ne_bytes(*word)).wrapping_mul(6_364_136_223_846_793_005)
    });
    usize::try_from(mixed >> (u64::BITS - PLACE_BITS)).unwrap_or(0)
}

/// How many bytes are the same at the beginning of both.
pub(super) fn alike(one: &[u8], other: &[u8]) -> usize {
    let mut same = alike_chunks::<LONG>(one, other);
    let rest = |bytes| <[u8]>::get(bytes, same..).unwrap_or_default();
    same += alike_chunks::<SHORT>(rest(one), rest(other));
    while let (Some(word), Some(other)) = (word_at(one, same), word_at(other, same)) {
        if word != other {
            // The first of its bytes is the lowest.
            return same + ((word ^ other).trailing_zeros() / u8::BITS) as usize;
        }
        same += size_of_val(&word);
    }
    let rest = one.iter().skip(same).zip(other.iter().skip(same));
    same + rest.take_while(|(one, other)| one == other).count()
}

/// How many bytes are the same at the beginning of both, of whole chunks of so many.
fn alike_chunks<const CHUNK: usize>(one: &[u8], other: &[u8]) -> usize {
    let (chunks, others) = (one.as_chunks::<CHUNK>().0, other.as_chunks::<CHUNK>().0);
    let both = chunks.iter().zip(others);
    CHUNK * both.take_while(|(one, other)| one == other).count()
}

fn word_at(bytes: &[u8], place: usize) -> Option<u64> {
    let word = bytes.get(place..)?.first_chunk()?;
    Some(u64::from_le_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_said_as_whole_words_is_a_repetition() {
        let said = "They were the best of times, they were the worst of times; ";
        let check = |before: &str, after: &str, expected: Option<&str>| {
            let text = format!("{before}{after}{}", "-".repeat(TEXT_BYTES_MIN));
            let mut repeats = Repeats::default();
            for (start, _) in before.match_indices(said) {
                assert_eq!(repeats.end(&text, start), None);
            }
            let end = repeats.end(&text, before.len());
            let found = end.map(|end| text.get(before.len()..end).unwrap());
            assert_eq!(found, expected, "{after:?}");
        };
        check(said, said, Some(said.trim_end()));
        check(
            said,
            &format!("{}ing", said.trim_end()),
            Some("They were the best of times, they were the worst of times"),
        );
        check(
            said,
            &said.replace("worst", "worse"),
            Some("They were the best of times, they were the"),
        );
        check(said, &said.replace("best", "rest"), None);
        // There it began within a word.
        check(&format!("b{said}"), said, None);
        check(&format!("é{said}"), said, None);
        check(&format!("({said}"), said, Some(said.trim_end()));
    }

    #[test]
    fn what_follows_a_backslash_is_no_beginning_and_no_end() {
        let said = "So it was, and no word was true that was believed; ";
        let text =
            |between: &str| format!("\\{said}{between}{said}\\{}", "-".repeat(TEXT_BYTES_MIN));
        let mut repeats = Repeats::default();
        assert_eq!(repeats.end(&text("\\t"), 1), None);
        // The first is `\n` and a word, the second a word.
        assert_eq!(repeats.end(&text(""), 1 + said.len()), None);
        let text = format!("({said}\\({said}\\{}", "-".repeat(TEXT_BYTES_MIN));
        let mut repeats = Repeats::default();
        assert_eq!(repeats.end(&text, 1), None);
        let end = repeats.end(&text, said.len() + 3);
        assert_eq!(end, Some(2 * said.len() + 2));
    }

    #[test]
    fn so_many_bytes_are_alike_as_come_before_the_first_that_differs() {
        let one: Vec<u8> = (0..150).cycle().take(2 * LONG + 150).collect();
        for length in 0..one.len() {
            let mut other = one.clone();
            if let Some(byte) = other.get_mut(length) {
                *byte ^= 0x81;
            }
            assert_eq!(alike(&one, &other), length);
            other.truncate(length);
            assert_eq!(alike(&one, &other), length);
            assert_eq!(alike(&other, &one), length);
        }
        assert_eq!(alike(&one, &one), one.len());
    }

    #[test]
    fn what_another_text_said_is_no_repetition() {
        let mut repeats = Repeats::default();
        let said = "one two three four five six seven eight nine ten ".repeat(50);
        assert_eq!(repeats.end(&said, 4), None);
        let other = format!("xxx {}", said.replace("one", "two"));
        for start in [4, 8] {
            assert_eq!(repeats.end(&other, start), None);
        }
    }
}
