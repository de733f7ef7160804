/// Bytes that are looked at together, one for each bit of a word.
const BLOCK: usize = u64::BITS as usize;
/// Of a block, bytes whose bits are gathered together.
const WORD: usize = size_of::<u64>();
/// A word of zeros and ones is multiplied with it, and has a bit for each of them at its top.
const GATHER: u64 = 0x0102_0408_1020_4080;

/// The places of the bytes of a text that do not stand in a JSON string as they are, from left to
/// right.
///
/// Long texts have many, near to each other: to look for each anew would cost more.
pub(crate) struct Specials<'t> {
    /// What is behind the block that was looked at last.
    rest: &'t [u8],
    /// Where the rest begins.
    end: usize,
    /// A bit for each special byte of that block that is still to be told.
    marks: u64,
}

// === impl Specials ===

impl<'t> Specials<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        Self {
            rest: text.as_bytes(),
            end: 0,
            marks: 0,
        }
    }

    /// Looks at the next block; `None` if there is none.
    fn mark(&mut self) -> Option<()> {
        if let Some((block, rest)) = self.rest.split_first_chunk() {
            self.marks = marks(block);
            self.rest = rest;
        } else if self.rest.is_empty() {
            return None;
        } else {
            // Blanks are not special.
            let mut last = [b' '; BLOCK];
            last.get_mut(..self.rest.len())?.copy_from_slice(self.rest);
            self.marks = marks(&last);
            self.rest = &[];
        }
        self.end += BLOCK;
        Some(())
    }
}

impl Iterator for Specials<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.marks == 0 {
            self.mark()?;
        }
        let place = self.end - BLOCK + self.marks.trailing_zeros() as usize;
        self.marks &= self.marks - 1;
        Some(place)
    }
}

fn marks(block: &[u8; BLOCK]) -> u64 {
    let mut ones = [0; BLOCK];
    for (one, byte) in ones.iter_mut().zip(block) {
        *one = u8::from(*byte < b' ') | u8::from(*byte == b'"') | u8::from(*byte == b'\\');
    }
    let (words, _) = ones.as_chunks::<WORD>();
    words.iter().rev().fold(0, |marks, word| {
        let gathered = u64::from_le_bytes(*word).wrapping_mul(GATHER);
        marks << WORD | gathered >> (u64::BITS as usize - WORD)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_bytes_are_told_wherever_they_stand() {
        for length in 0..3 * BLOCK {
            for step in 1..2 * WORD + 3 {
                for special in ('\0'..' ').chain(['"', '\\']) {
                    let character = |place: usize| {
                        if place.is_multiple_of(step) {
                            special
                        } else {
                            '~'
                        }
                    };
                    let text: String = (0..length).map(character).collect();
                    let expected: Vec<usize> = (0..length).step_by(step).collect();
                    assert_eq!(
                        Specials::of(&text).collect::<Vec<_>>(),
                        expected,
                        "{text:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn all_other_characters_are_plain() {
        let others = (' '..='\u{2fff}').filter(|character| !matches!(character, '"' | '\\'));
        let text: String = others.collect();
        assert_eq!(Specials::of(&text).next(), None);
    }
}
