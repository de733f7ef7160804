//! Which rules a text calls for by its words.

use super::rules::{RULES, Rule};
use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
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
        match searcher.start_state(Anchored::No) {
            Ok(start) if text.len() < LONG => {
                self.add_from(searcher, start, text.as_bytes(), called);
            }
            Ok(start) => self.add_side_by_side(searcher, start, text.as_bytes(), called),
            // It has such a state. Without it every rule has to look for itself.
            Err(_) => called.extend(&self.owners),
        }
    }

    /// Takes a step for each byte, one after the other.
    fn add_from(
        &self,
        searcher: &DFA,
        mut state: StateID,
        bytes: &[u8],
        called: &mut BTreeSet<usize>,
    ) {
        for byte in bytes {
            state = searcher.next_state(Anchored::No, state, *byte);
            if searcher.is_match(state) {
                let hits = (0..searcher.match_len(state))
                    .map(|hit| searcher.match_pattern(state, hit).as_usize());
                called.extend(hits.filter_map(|hit| self.owners.get(hit)));
            }
        }
    }

    fn add_side_by_side(
        &self,
        searcher: &DFA,
        start: StateID,
        text: &[u8],
        called: &mut BTreeSet<usize>,
    ) {
        let length = text.len() / PARTS;
        let parts: [&[u8]; PARTS] =
            array::from_fn(|part| text.get(part * length..).unwrap_or_default());
        let mut states = [start; PARTS];
        // Each part goes on into the next, and the last to the end of the text, so that a keyword
        // between two is in one.
        let end = length + self.longest.max(PARTS);
        for begin in (0..end).step_by(STEPS) {
            let before = states;
            let until = (begin + STEPS).min(end);
            let mut is_found = false;
            for place in begin..until {
                for (state, part) in states.iter_mut().zip(parts) {
                    let byte = part.get(place).copied().unwrap_or_default();
                    *state = searcher.next_state(Anchored::No, *state, byte);
                    is_found |= searcher.is_match(*state);
                }
            }
            // Most texts have few. Then these steps are taken again, to see which.
            if is_found {
                for (state, part) in before.into_iter().zip(parts) {
                    let rest = part.get(begin..).unwrap_or_default();
                    let steps = rest.get(..until - begin).unwrap_or(rest);
                    self.add_from(searcher, state, steps, called);
                }
            }
        }
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
    fn texts_with_several_keywords_call_for_all_their_rules_and_no_other() {
        let all = Keywords::of(|_| true);
        let keywords = || RULES.iter().flat_map(|rule| rule.keywords);
        for (step, blanks) in [(3, 1), (5, 40), (11, 300), (23, 3)] {
            let some = keywords().skip(step).step_by(step).copied();
            let text = some.collect::<Vec<_>>().join(&" ".repeat(blanks));
            let text = " ".repeat(LONG) + &text;
            let lower = text.to_lowercase();
            let occurs = |keyword: &&str| lower.contains(&keyword.to_lowercase());
            let expected = RULES.iter().enumerate();
            let expected = expected.filter(|(_, rule)| rule.keywords.iter().any(occurs));
            let mut called = BTreeSet::new();
            all.add_called(&text, &mut called);
            let expected: BTreeSet<usize> = expected.map(|(number, _)| number).collect();
            assert!(!expected.is_empty());
            assert_eq!(called, expected, "{step} {blanks}");
        }
    }

    #[test]
    fn a_text_without_keywords_calls_for_nothing() {
        let mut called = BTreeSet::new();
        Keywords::of(|_| true).add_called(&"1 + 1 = 2; ".repeat(LONG), &mut called);
        assert_eq!(called.len(), 0);
    }
}
