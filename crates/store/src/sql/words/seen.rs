//! The different words of messages that are written together.
use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::mem;
use std::ops::Range;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashSet, HashTable};
use memchr::memchr;
use portcullis_json::{Limits, Value, parse};

use super::before::Before;
use super::repeats::{self, Repeats};
use super::short::ShortWord;
use super::split::{Split, ascii_words, is_between_words, kept_form};
use crate::sql::strings::JsonText;

/// Room for the words of a few messages.
const WORDS_EXPECTED: usize = 512;
/// LIMIT: different words of one message that can be found.
const WORDS_OF_EVENT_MAX: usize = 2000;

/// Of strings that are said again, shorter ones are taken apart again.
const SAID_BYTES_MIN: usize = 64;

/// Longer ones are compared with each other rather than hashed.
const SHORT_BYTES_MAX: usize = 1024;

/// Strings all of whose words were added, as they stand in JSON: an answer often says what its call
/// said. And messages that others are like.
#[derive(Default)]
pub(super) struct Said<'m> {
    short: HashSet<&'m str>,
    /// Their lengths decide first, so that what differs is hardly ever compared.
    long: BTreeSet<(usize, &'m str)>,
    messages: Before<'m>,
}

/// Different words, in the form in which they are kept, each with a space before it.
pub(super) struct Seen {
    text: String,
    short: HashTable<(ShortWord, LastMessage)>,
    /// Those that are not short, by their places in the text.
    long: HashTable<(Range<usize>, LastMessage)>,
    hasher: DefaultHashBuilder,
    repeats: Repeats,
    /// The message whose words are being added, by its number among those that were.
    message: LastMessage,
    /// How many different words it has.
    of_message: usize,
    /// Room for one word, used again and again.
    kept: String,
}

/// The last message that holds a word.
type LastMessage = usize;

// === impl Seen ===

impl Default for Seen {
    fn default() -> Self {
        Self {
            text: String::with_capacity(WORDS_EXPECTED * 8),
            short: HashTable::with_capacity(WORDS_EXPECTED),
            long: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            repeats: Repeats::default(),
            message: 0,
            of_message: 0,
            kept: String::new(),
        }
    }
}

impl Seen {
    /// All words, each between spaces; empty if there are none. None is known afterwards.
    pub(super) fn take_text(&mut self) -> String {
        let mut text = self.text.clone();
        if !text.is_empty() {
            text.push(' ');
        }
        self.text.clear();
        self.short.clear();
        self.long.clear();
        text
    }

    /// Adds words that were kept before.
    pub(super) fn add_kept(&mut self, text: &str) {
        for word in text.split_ascii_whitespace() {
            self.note(word);
        }
    }

    /// Adds the words of what policies saw of a message, which is JSON: those of every text and
    /// number, but not of the names of members.
    pub(super) fn add_message<'m>(&mut self, events: &JsonText<'m>, said: &mut Said<'m>) {
        self.message += 1;
        self.of_message = 0;
        let text = events.text;
        let mut news = said.messages.news(events);
        for part in news.by_ref() {
            self.add_scalars(text.get(part.between).unwrap_or_default());
            let Some(string) = part.string else { continue };
            let rest = text.as_bytes().get(string.end + 1..).unwrap_or_default();
            let is_name = rest.trim_ascii_start().first() == Some(&b':');
            let says = text.get(string.clone()).unwrap_or_default();
            let is_long = says.len() >= SAID_BYTES_MIN;
            if is_name || is_long && said.contains(says) {
                continue;
            }
            let is_escaped = || memchr(b'\\', says.as_bytes()).is_some();
            if part.said > 0 && !is_escaped() {
                self.add_string(text, string.start + part.said..string.end);
            } else {
                self.add_string(text, string);
            }
            if is_long && self.of_message < WORDS_OF_EVENT_MAX {
                said.insert(says);
            }
        }
        if self.of_message < WORDS_OF_EVENT_MAX {
            said.messages.keep(news);
        }
    }

    /// Of what stands between strings.
    fn add_scalars(&mut self, between: &str) {
        if between.bytes().all(is_between_words) {
            return;
        }
        for (start, word) in Split::new(between) {
            if !matches!(word, "true" | "false" | "null") {
                self.add(between, start, word);
            }
        }
    }

    /// Adds what a string says; what is between its quotes is at `string`.
    fn add_string(&mut self, json: &str, string: Range<usize>) {
        let says = json.get(string.clone()).unwrap_or_default();
        if !self.add_unread(says) {
            let quoted = json.get(string.start - 1..string.end + 1);
            self.add_text(&read(quoted.unwrap_or_default()));
        }
    }

    /// Adds what a string says as it stands in JSON. If characters of words may be escaped, it has
    /// to be read first; words that were added until then are right.
    fn add_unread(&mut self, says: &str) -> bool {
        if memchr(b'\\', says.as_bytes()).is_none() {
            self.add_text(says);
            return true;
        }
        let mut words = Split::new(says);
        while self.of_message < WORDS_OF_EVENT_MAX
            && let Some((start, word)) = words.next()
        {
            let Some((start, word)) = without_escaped(says, start, word) else {
                return false;
            };
            if word.is_empty() {
                continue;
            }
            match self.repeats.end(says, start) {
                Some(end) => words.skip_to(end),
                None => self.add(says, start, word),
            }
        }
        true
    }

    fn add_text(&mut self, text: &str) {
        if text.len() < repeats::TEXT_BYTES_MIN && text.is_ascii() {
            for (start, word) in ascii_words(text) {
                self.add(text, start, word);
            }
            return;
        }
        let mut words = Split::new(text);
        while self.of_message < WORDS_OF_EVENT_MAX
            && let Some((start, word)) = words.next()
        {
            match self.repeats.end(text, start) {
                Some(end) => words.skip_to(end),
                None => self.add(text, start, word),
            }
        }
    }

    /// Adds a word of a text, which begins at `start`.
    fn add(&mut self, text: &str, start: usize, word: &str) {
        if self.of_message >= WORDS_OF_EVENT_MAX {
            return;
        }
        if let Some(short) = ShortWord::at(text, start, word) {
            self.note_short(short, word);
            return;
        }
        let mut kept = mem::take(&mut self.kept);
        self.note(kept_form(word, &mut kept));
        self.kept = kept;
    }

    /// Keeps a word, which is in the form in which it is kept, if it is new.
    fn note(&mut self, word: &str) {
        if let Some(short) = ShortWord::of(word) {
            self.note_short(short, word);
            return;
        }
        let Self { text, hasher, .. } = self;
        let bytes = |place: &Range<usize>| text.as_bytes().get(place.clone()).unwrap_or_default();
        let hash = hasher.hash_one(word.as_bytes());
        let entry = self.long.entry(
            hash,
            |(place, _)| bytes(place) == word.as_bytes(),
            |(place, _)| hasher.hash_one(bytes(place)),
        );
        match entry {
            Entry::Occupied(mut known) => {
                let (_, message) = known.get_mut();
                self.of_message += usize::from(*message != self.message);
                *message = self.message;
            }
            Entry::Vacant(new) => {
                let start = text.len() + 1;
                new.insert((start..start + word.len(), self.message));
                self.of_message += 1;
                text.push(' ');
                text.push_str(word);
            }
        }
    }

    /// Keeps a short word, which is `word` but for the case of its letters, if it is new.
    fn note_short(&mut self, short: ShortWord, word: &str) {
        let Self {
            text,
            hasher,
            message,
            ..
        } = self;
        let hash = hasher.hash_one(short);
        if let Some((_, known)) = self.short.find_mut(hash, |(known, _)| *known == short) {
            self.of_message += usize::from(*known != *message);
            *known = *message;
            return;
        }
        let hash_of = |(known, _): &(ShortWord, LastMessage)| hasher.hash_one(known);
        self.short.insert_unique(hash, (short, *message), hash_of);
        self.of_message += 1;
        text.push(' ');
        let start = text.len();
        text.push_str(word);
        let kept = text.get_mut(start..);
        kept.unwrap_or_default().make_ascii_lowercase();
    }
}

// === impl Said ===

impl<'m> Said<'m> {
    pub(super) fn clear(&mut self) {
        self.short.clear();
        self.long.clear();
        self.messages.clear();
    }

    fn contains(&self, string: &'m str) -> bool {
        if string.len() <= SHORT_BYTES_MAX {
            self.short.contains(string)
        } else {
            self.long.contains(&(string.len(), string))
        }
    }

    fn insert(&mut self, string: &'m str) {
        if string.len() <= SHORT_BYTES_MAX {
            self.short.insert(string);
        } else {
            self.long.insert((string.len(), string));
        }
    }
}

/// A word of a string as it stands in JSON, without the letter of an escape that seems to be its
/// first; `None` if it has escaped characters.
fn without_escaped<'s>(says: &'s str, start: usize, word: &'s str) -> Option<(usize, &'s str)> {
    let (before, rest) = says.as_bytes().split_at_checked(start)?;
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\');
    let is_escape = backslashes.count() % 2 == 1;
    if rest.get(word.len()..)?.starts_with(br"\u") || is_escape && word.starts_with('u') {
        return None;
    }
    if is_escape {
        // What is no letter of ASCII is not escaped like this.
        return word.split_at_checked(1).map(|(_, word)| (start + 1, word));
    }
    Some((start, word))
}

fn read(quoted: &str) -> String {
    match parse(quoted, &Limits::lenient()) {
        Ok(Value::String(text)) => text.to_string(),
        // What cannot be read is reported when it is exported; to find it is not owed.
        Ok(_) | Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn of(events: &str) -> Vec<String> {
        let mut seen = Seen::default();
        seen.add_message(&JsonText::new(events), &mut Said::default());
        let text = seen.take_text();
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn values_are_found_and_names_are_not() {
        let check = |events: &str, expected: &[&str]| assert_eq!(of(events), expected, "{events}");
        check(
            r#"[{"role":"tool","content":[{"text" : "A\nb"}],"n":12,"yes":true,"x":null}]"#,
            &["tool", "a", "b", "12"],
        );
        check(
            r#"[-3.25,1e+30,false,"true"]"#,
            &["3", "25", "1e", "30", "true"],
        );
        check(
            r#"["caf\u00e9 \"a\" \ud83d\ude00","É"]"#,
            &["café", "a", "é"],
        );
        check("[]", &[]);
        check("", &[]);
        check(r#"["open"#, &["open"]);
    }

    #[test]
    fn words_of_one_message_are_bounded() {
        let words: Vec<String> = (0..3 * WORDS_OF_EVENT_MAX).map(|n| n.to_string()).collect();
        let events = format!("[{{\"content\":\"{}\"}}]", words.join(" "));
        let mut seen = Seen::default();
        let mut said = Said::default();
        seen.add_message(&JsonText::new(r#"["kept 0 1"]"#), &mut said);
        seen.add_message(&JsonText::new(&events), &mut said);
        seen.add_message(&JsonText::new(r#"["more"]"#), &mut said);
        let text = seen.take_text();
        assert_eq!(text.split_whitespace().count(), 2 + WORDS_OF_EVENT_MAX);
        assert!(text.ends_with(" 1999 more "), "{text}");
    }

    #[test]
    fn string_that_was_no_value_or_not_read_to_its_end_is_read() {
        let long = "the lazy dog sleeps ".repeat(4);
        let many: Vec<String> = (0..2 * WORDS_OF_EVENT_MAX).map(|n| n.to_string()).collect();
        let before = [
            format!(r#"[{{"{long}":1}}]"#),
            format!(r#"["{}","{long}"]"#, many.join(" ")),
        ];
        let again = format!(r#"["{long}"]"#);
        for before in &before {
            let (mut seen, mut said) = (Seen::default(), Said::default());
            seen.add_message(&JsonText::new(before), &mut said);
            assert!(!seen.take_text().contains("lazy"));
            seen.add_message(&JsonText::new(&again), &mut said);
            seen.add_message(&JsonText::new(&again), &mut said);
            assert_eq!(seen.take_text(), " the lazy dog sleeps ");
        }
    }

    /// Words and escapes, and what could be taken for either.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = select(vec![
            "\\n",
            "\\t",
            "\\\\",
            "\\\"",
            "\\/",
            "\\u00e9",
            "u0041",
            "n",
            "no",
            "É",
            "é",
            "Σ",
            " ",
            "-",
            "–",
            "Beta",
            "GAMMA",
            "the quick brown fox jumps over the lazy dog ",
            "nothing NEW is said here, nor there; ",
        ]);
        vec((piece, 1..4_usize), 1..60).prop_map(|pieces| {
            pieces
                .iter()
                .map(|(piece, times)| piece.repeat(*times))
                .collect()
        })
    }

    /// Parts of messages that are like each other, and of what is no JSON.
    fn messages() -> impl Strategy<Value = Vec<String>> {
        let part = select(vec![
            r#"{"role":"tool","id":"#,
            r#""content":["#,
            r#""1""#,
            r#""12""#,
            r#""a b""#,
            r#""a c""#,
            r#""a b\n\u00e9 c""#,
            r#""a""#,
            "\"the quick brown fox jumps over the lazy dog, and the lazy dog over the quick brown fox\"",
            "1",
            "12",
            "null",
            ",",
            ":",
            " ",
            "]",
            "\"",
            "\\",
            "x",
            "\"é\\n\"",
        ]);
        let parts = || vec(part.clone(), 0..12);
        let message = (parts(), 0..3_usize).prop_map(|(parts, kind)| {
            let beginning = [
                "[{\"role\":\"assistant\",",
                "[{\"role\":\"tool\",\"id\":",
                "[",
            ];
            beginning.get(kind).unwrap_or(&"").to_string() + &parts.concat()
        });
        vec(message, 1..8)
    }

    proptest! {
        #[test]
        fn messages_together_have_the_words_of_each(messages in messages(), known: bool) {
            let mut expected: Vec<_> = messages.iter().flat_map(|message| of(message)).collect();
            expected.sort_unstable();
            expected.dedup();
            let (mut seen, mut said) = (Seen::default(), Said::default());
            let messages: Vec<_> = messages.iter().map(|text| JsonText::new(text)).collect();
            for message in &messages {
                if known {
                    message.strings();
                }
                seen.add_message(message, &mut said);
            }
            let words = seen.take_text();
            let mut found: Vec<_> = words.split_whitespace().collect();
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn long_string_has_the_words_of_its_text(unit in pieces(), end in pieces()) {
            let long = unit.repeat(repeats::TEXT_BYTES_MIN / unit.len() + 2) + &end;
            let text = read(&format!("\"{long}\""));
            let mut expected: Vec<String> = super::super::split::words_of(&text).collect();
            expected.sort_unstable();
            expected.dedup();
            let mut seen = Seen::default();
            // Places that another text left behind.
            seen.add_unread(&long.to_ascii_uppercase().replace("\\U", "\\u"));
            seen.take_text();
            seen.add_message(&JsonText::new(&format!("[\"{long}\"]")), &mut Said::default());
            let words = seen.take_text();
            let mut found: Vec<_> = words.split_whitespace().collect();
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn repeated_text_has_the_same_words_as_text_read_in_full() {
        let unit = "The quick brown fox, Ünder the tree; 3.14 alpha-beta_gamma É ";
        for (rest, size) in [("", 3000), ("needle", 70_000), (" the_end", 5000)] {
            let text = format!("{}{rest}", unit.repeat(size / unit.len()));
            let mut expected: Vec<String> = super::super::split::words_of(&text).collect();
            expected.sort_unstable();
            expected.dedup();
            let mut found = of(&format!("[\"{text}\"]"));
            found.sort_unstable();
            assert_eq!(found, expected);
        }
    }
}
