//! Which rules a text calls for by its words.

use super::rules::{RULES, Rule};
use super::sieve::{STEPS, Sieve};
use crate::view::Changed;
use aho_corasick::Anchored;
use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use std::collections::BTreeSet;
use std::ops::Range;

/// From so many bytes on a text goes through the sieve in parts.
const LONG: usize = 256;

/// Keywords, and for each the rule that it belongs to.
pub(super) struct Keywords {
    searcher: Option<DFA>,
    sieve: Option<Sieve>,
    owners: Vec<usize>,
    /// Bytes of the longest one.
    longest: usize,
    /// The bytes that occur in them.
    bytes: [bool; 256],
}

// === impl Keywords ===

impl Keywords {
    /// Those that are wanted, by the number of the rule and the keyword.
    pub(super) fn of(is_wanted: impl Fn(usize, &str) -> bool) -> Self {
        let mut words: Vec<&str> = Vec::new();
        let mut owners = Vec::new();
        for (number, Rule { keywords, .. }) in RULES.iter().enumerate() {
            for keyword in keywords.iter().filter(|word| is_wanted(number, word)) {
                words.push(keyword);
                owners.push(number);
            }
        }
        let longest = words.iter().map(|word| word.len()).max();
        let mut bytes = [false; 256];
        for byte in words.iter().flat_map(|word| word.bytes()) {
            for case in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
                bytes
                    .get_mut(usize::from(case))
                    .into_iter()
                    .for_each(|it| *it = true);
            }
        }
        let sieve = Sieve::of(&words);
        let searcher = DFA::builder().ascii_case_insensitive(true).build(words);
        Self {
            searcher: searcher.ok(),
            sieve,
            owners,
            longest: longest.unwrap_or_default(),
            bytes,
        }
    }

    /// Adds the rules of which a keyword occurs.
    pub(super) fn add_called(&self, text: &str, called: &mut BTreeSet<usize>) {
        self.each(text.as_bytes(), |owner, _| {
            called.insert(owner);
        });
    }

    /// Adds the rules of which a keyword occurs, and to `apart` those of which one occurs without a
    /// byte of the changed places.
    pub(super) fn add_called_apart(
        &self,
        text: &str,
        changed: Changed<'_>,
        called: &mut BTreeSet<usize>,
        apart: &mut BTreeSet<usize>,
    ) {
        self.each(text.as_bytes(), |owner, place| {
            called.insert(owner);
            if !apart.contains(&owner) && !changed.is_in(&place) {
                apart.insert(owner);
            }
        });
    }

    /// Adds the rules of which a keyword occurs with a byte of a changed place, or around one of
    /// which nothing is left to see. Others are added only if a keyword of theirs occurs too.
    ///
    /// Such a keyword begins less than the longest one's bytes before the place, ends as few bytes
    /// behind it, and has one of the place's own bytes unless the place is empty.
    pub(super) fn add_called_at(
        &self,
        text: &str,
        changed: Changed<'_>,
        called: &mut BTreeSet<usize>,
    ) {
        let text = text.as_bytes();
        let may_be_in = |place: &Range<usize>| {
            let mut bytes = text.get(place.clone()).unwrap_or_default().iter();
            place.is_empty() || bytes.any(|byte| self.bytes.get(usize::from(*byte)) == Some(&true))
        };
        let beside = self.longest.saturating_sub(1);
        let mut parts: Vec<Range<usize>> = Vec::new();
        for place in changed.places().filter(|place| may_be_in(place)) {
            let part = place.start.saturating_sub(beside)..place.end + beside;
            match parts.last_mut() {
                Some(last) if part.start <= last.end => last.end = part.end,
                _ => parts.push(part),
            }
        }
        let mut add = |owner, _| {
            called.insert(owner);
        };
        // A long part costs more than it does in the whole text, where there is a sieve.
        if parts.iter().map(Range::len).sum::<usize>() > text.len() / 2 {
            return self.each(text, add);
        }
        for part in parts {
            self.each_in(text, part, &mut add);
        }
    }

    /// Calls `take` with the rule and the place of each keyword that occurs, perhaps more than once.
    fn each(&self, text: &[u8], mut take: impl FnMut(usize, Range<usize>)) {
        match &self.sieve {
            Some(sieve) if text.len() >= LONG => {
                sieve.each_kept(text, self.longest, |place| {
                    let begin = place.saturating_sub(self.longest);
                    self.each_in(text, begin..place + STEPS + self.longest, &mut take);
                });
            }
            Some(sieve) => {
                if let Some(end) = sieve.first_kept(text) {
                    let begin = end.saturating_sub(self.longest);
                    self.each_in(text, begin..text.len(), &mut take);
                }
            }
            None => self.each_in(text, 0..text.len(), &mut take),
        }
    }

    /// Whether long texts are not looked through a byte at a time.
    #[cfg(test)]
    pub(super) fn has_sieve(&self) -> bool {
        self.sieve.is_some()
    }

    /// Looks through a part of the text, as far as there is text.
    fn each_in(&self, text: &[u8], part: Range<usize>, take: &mut impl FnMut(usize, Range<usize>)) {
        let end = part.end.min(text.len());
        let mut rest = text.get(part.start..end).unwrap_or_default().iter();
        let searcher = self.searcher.as_ref();
        let start = searcher.and_then(|searcher| searcher.start_state(Anchored::No).ok());
        let (Some(searcher), Some(mut state)) = (searcher, start) else {
            // There is such a state. Without it every rule has to look for itself.
            return self.owners.iter().for_each(|owner| take(*owner, 0..0));
        };
        while let Some(byte) = rest.next() {
            state = searcher.next_state(Anchored::No, state, *byte);
            // Few states are special, and nearly all of these are matches.
            if searcher.is_special(state) && searcher.is_match(state) {
                let end = end - rest.len();
                for hit in 0..searcher.match_len(state) {
                    let word = searcher.match_pattern(state, hit);
                    if let Some(owner) = self.owners.get(word.as_usize()) {
                        take(*owner, end - searcher.pattern_len(word)..end);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Is a part of no keyword, which a sign or a blank is to the sieve.
    const FILL: &str = "z";

    /// What the keywords of all rules call for, half of the rules at a time: a sieve has no room
    /// for all.
    struct All([Keywords; 2]);

    impl All {
        fn new() -> Self {
            let halves = [0, 1].map(|half| Keywords::of(|number, _| number % 2 == half));
            assert!(halves.iter().all(|keywords| keywords.sieve.is_some()));
            Self(halves)
        }

        fn called(&self, text: &str) -> BTreeSet<usize> {
            let mut called = BTreeSet::new();
            for keywords in &self.0 {
                keywords.add_called(text, &mut called);
            }
            called
        }
    }

    #[test]
    fn a_keyword_is_found_wherever_it_stands() {
        let all = All::new();
        for length in [LONG - 1, LONG, LONG + 3, 2 * LONG + 1] {
            for (number, rule) in RULES.iter().enumerate().step_by(7) {
                for keyword in rule.keywords {
                    for place in 0..length {
                        let mut text = FILL.repeat(length);
                        let end = (place + keyword.len()).min(length);
                        text.replace_range(place..end, &keyword.to_ascii_uppercase());
                        let called = all.called(&text);
                        assert!(called.contains(&number), "{keyword} at {place} of {length}");
                    }
                }
            }
        }
    }

    #[test]
    fn texts_with_several_keywords_call_for_all_their_rules_and_no_other() {
        let all = All::new();
        let keywords = || RULES.iter().flat_map(|rule| rule.keywords);
        for (step, blanks) in [(3, 1), (5, 40), (11, 300), (23, 3)] {
            let some = keywords().skip(step).step_by(step).copied();
            let text = some.collect::<Vec<_>>().join(&" ".repeat(blanks));
            let text = " ".repeat(LONG) + &text;
            let lower = text.to_lowercase();
            let occurs = |keyword: &&str| lower.contains(&keyword.to_lowercase());
            let expected = RULES.iter().enumerate();
            let expected = expected.filter(|(_, rule)| rule.keywords.iter().any(occurs));
            let expected: BTreeSet<usize> = expected.map(|(number, _)| number).collect();
            assert!(!expected.is_empty());
            assert_eq!(all.called(&text), expected, "{step} {blanks}");
        }
    }

    #[test]
    fn a_keyword_behind_another_is_found_where_a_stretch_ends_between_them() {
        let all = All::new();
        let before = RULES[1].keywords[0];
        let others = RULES.iter().enumerate().skip(3).step_by(10);
        for (number, keyword) in others.map(|(number, rule)| (number, rule.keywords[0])) {
            for place in 1024..1024 + STEPS {
                // Long enough for the parts that are looked through side by side to be far apart.
                let mut text = FILL.repeat(4 * 1024);
                let both = format!("{before}{FILL}{keyword}");
                text.replace_range(place..place + both.len(), &both);
                assert!(all.called(&text).contains(&number), "{both} at {place}");
            }
        }
    }

    #[test]
    fn what_looks_like_a_keyword_to_the_sieve_alone_calls_for_nothing() {
        let all = All::new();
        let blanks = " ".repeat(LONG);
        assert_eq!(all.called(&format!("{blanks}sq4")), BTreeSet::new());
        assert_eq!(all.called(&format!("{blanks}sq0")).len(), 1);
    }

    #[test]
    fn a_text_without_keywords_calls_for_nothing() {
        let text = "1 + 1 = 2; ".repeat(LONG);
        assert_eq!(All::new().called(&text), BTreeSet::new());
    }
}
