//! The long runs of a text: stretches of characters other than blanks, quotes and brackets.
//!
//! Nearly every credential is one or stands in one, as do base64 digits; prose has hardly any. Who
//! looks for such things starts from here, and leaves most of a text alone.

use std::ops::Range;

/// How many bytes a run has at least.
pub(crate) const RUN_MIN: usize = 16;

/// Bytes that are told apart together: so many that the compiler uses vectors.
const BLOCK: usize = 64;
/// Of a block, bytes that are looked at together. A word is shorter than a run, so none is inside.
const WORD: usize = size_of::<u64>();

/// A text with its long runs, from left to right.
#[derive(Debug)]
pub(crate) struct LongRuns<'t> {
    pub(crate) text: &'t str,
    pub(crate) runs: Vec<Range<usize>>,
}

/// The runs of what was looked at, and where the last one begins.
#[derive(Default)]
struct Search {
    runs: Vec<Range<usize>>,
    start: usize,
}

// === impl LongRuns ===

impl<'t> LongRuns<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        let mut search = Search::default();
        let (blocks, rest) = text.as_bytes().as_chunks::<BLOCK>();
        // The rest is less than a block, so at least one blank stands behind it and ends its run.
        let mut last = [b' '; BLOCK];
        for (byte, place) in rest.iter().zip(&mut last) {
            *place = *byte;
        }
        let mut place = 0;
        for block in blocks.iter().chain([&last]) {
            let mut marks = [0; BLOCK];
            for (mark, byte) in marks.iter_mut().zip(block) {
                *mark = ends_run(*byte);
            }
            search.pass_block(place, marks.as_chunks().0);
            place += BLOCK;
        }
        Self {
            text,
            runs: search.runs,
        }
    }
}

// === impl Search ===

impl Search {
    /// Passes the bytes from `place` on, of which the marked ones end runs.
    fn pass_block(&mut self, place: usize, words: &[[u8; WORD]]) {
        match words {
            // A run is so long that one of these words would be inside: none lies in this block.
            [first, between @ .., last]
                if !between.contains(&[0; WORD]) && *first != [0; WORD] && *last != [0; WORD] =>
            {
                self.pass(place, u64::from_le_bytes(*first));
                self.start = place + BLOCK - u64::from_le_bytes(*last).leading_zeros() as usize / 8;
            }
            _ => {
                for (word, place) in words.iter().zip((place..).step_by(WORD)) {
                    self.pass(place, u64::from_le_bytes(*word));
                }
            }
        }
    }

    /// The same, of one word.
    fn pass(&mut self, place: usize, marks: u64) {
        if marks == 0 {
            return;
        }
        self.end(place + marks.trailing_zeros() as usize / 8);
        self.start = place + WORD - marks.leading_zeros() as usize / 8;
    }

    fn end(&mut self, end: usize) {
        if end - self.start >= RUN_MIN {
            self.runs.push(self.start..end);
        }
    }
}

/// Whether the byte may stand in a run. Characters beyond ASCII all may.
pub(crate) fn is_of_run(byte: u8) -> bool {
    ends_run(byte) == 0
}

/// Whether no run goes on at this byte. As a number, since marks are looked at together, and without
/// a branch: where the compiler thinks that one pays, it looks at each byte alone.
fn ends_run(byte: u8) -> u8 {
    let is = |other: u8| u8::from(byte == other);
    u8::from(byte.wrapping_sub(b'\t') <= b'\r' - b'\t')
        | is(b' ')
        | is(b'"')
        | is(b'\'')
        | is(b'<')
        | is(b'>')
        | is(b'{')
        | is(b'}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    proptest! {
        #[test]
        fn runs_are_what_the_pattern_matches(
            text in "([ \t\n\u{b}\r\"'<>{}]|[\u{8}\u{e}!=|~\u{7f}]|é|[a-z]{1,24}|[a-z]{60,70}){0,30}"
        ) {
            let pattern = Regex::new("[^\t-\r \"'<>{}]+").unwrap();
            let long = |run: &Range<usize>| run.len() >= RUN_MIN;
            let expected: Vec<_> = pattern.find_iter(&text).map(|run| run.range()).filter(long).collect();
            prop_assert_eq!(LongRuns::of(&text).runs, expected);
        }
    }
}
