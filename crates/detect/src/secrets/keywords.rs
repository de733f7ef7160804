//! Which rules a text calls for by its words.

use super::rules::{RULES, Rule};
use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, Input};
use std::array;
use std::collections::BTreeSet;

/// Parts of a text that are searched side by side: in one part each step waits for the one before.
const PARTS: usize = 4;
/// Steps between two looks at whether something was found.
const STEPS: usize = 64;
/// From so many bytes on parts of a text are searched side by side.
const LONG: usize = 256;

/// Keywords, and for each the rule that it belongs to.
pub(super) struct Keywords {
    searcher: Option<DFA>,
    owners: Vec<usize>,
    /// Bytes of the longest one.
    longest: usize,
}

// === impl Keywords ===

impl Keywords {
    /// Those of the wanted rules.
    pub(super) fn of(is_wanted: impl Fn(usize) -> bool) -> Self {
        let mut words: Vec<&str> = Vec::new();
        let mut owners = Vec::new();
        for (number, Rule { keywords, .. }) in RULES.iter().enumerate() {
            if is_wanted(number) {
                words.extend(*keywords);
                owners.extend(keywords.iter().map(|_| number));
            }
        }
        let longest = words.iter().map(|word| word.len()).max();
        let searcher = DFA::builder().ascii_case_insensitive(true).build(words);
        Self {
            searcher: searcher.ok(),
            owners,
            longest: longest.unwrap_or_default(),
        }
    }

    /// Adds the rules of which a keyword occurs.
    pub(super) fn add_called(&self, text: &str, called: &mut BTreeSet<usize>) {
        let Some(searcher) = &self.searcher else {
            return;
        };
        // Most texts have none.
        if !self.is_any_in(searcher, text.as_bytes()) {
            return;
        }
        let hits = searcher.try_find_overlapping_iter(Input::new(text));
        for hit in hits.into_iter().flatten() {
            called.extend(self.owners.get(hit.pattern().as_usize()));
        }
    }

    fn is_any_in(&self, searcher: &DFA, text: &[u8]) -> bool {
        let Ok(start) = searcher.start_state(Anchored::No) else {
            return true;
        };
        if text.len() < LONG {
            let mut state = start;
            return text.iter().any(|byte| {
                state = searcher.next_state(Anchored::No, state, *byte);
                searcher.is_match(state)
            });
        }
        let length = text.len() / PARTS;
        let parts: [&[u8]; PARTS] =
            array::from_fn(|part| text.get(part * length..).unwrap_or_default());
        let mut states = [start; PARTS];
        // Each part goes on into the next, and the last to the end of the text, so that a keyword
        // between two is in one.
        let end = length + self.longest.max(PARTS);
        for begin in (0..end).step_by(STEPS) {
            let mut is_found = false;
            for place in begin..(begin + STEPS).min(end) {
                for (state, part) in states.iter_mut().zip(parts) {
                    let byte = part.get(place).copied().unwrap_or_default();
                    *state = searcher.next_state(Anchored::No, *state, byte);
                    is_found |= searcher.is_match(*state);
                }
            }
            if is_found {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_found_wherever_it_stands() {
        let all = Keywords::of(|_| true);
        for length in [LONG - 1, LONG, LONG + 3, 2 * LONG + 1] {
            for (number, rule) in RULES.iter().enumerate().step_by(7) {
                for keyword in rule.keywords {
                    for place in 0..length {
                        let mut text = ".".repeat(length);
                        let end = (place + keyword.len()).min(length);
                        text.replace_range(place..end, &keyword.to_ascii_uppercase());
                        let mut called = BTreeSet::new();
                        all.add_called(&text, &mut called);
                        assert!(called.contains(&number), "{keyword} at {place} of {length}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_text_without_keywords_calls_for_nothing() {
        let mut called = BTreeSet::new();
        Keywords::of(|_| true).add_called(&"1 + 1 = 2; ".repeat(LONG), &mut called);
        assert_eq!(called.len(), 0);
    }
}
