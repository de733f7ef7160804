//! Messages of a session are mostly like one of those just before, down to the names of members and
//! many of their values. What is the same in the same place says no new word, and to see that it is
//! the same is much faster than to take it apart.
use std::mem;
use std::ops::Range;

use super::repeats::alike;
use super::split::is_between_words;
use crate::sql::strings::{JsonText, Places};

/// LIMIT: messages that another is compared with. Requests and their answers take turns, and are
/// not alike.
const MESSAGES_MAX: usize = 4;
/// LIMIT: strings of a message with which others are compared.
const STRINGS_MAX: usize = 256;
/// Which message is most like another is decided by their beginnings.
const BEGINNING: usize = 128;
/// What is less alike at its beginning is not compared.
const ALIKE_MIN: usize = 16;

/// The latest messages all of whose words were added.
#[derive(Default)]
pub(super) struct Before<'m> {
    messages: Vec<Message<'m>>,
    /// Room for the strings of the next message.
    room: Vec<Range<usize>>,
}

/// A message, and where its strings are.
struct Message<'m> {
    text: &'m str,
    strings: Vec<Range<usize>>,
}

/// The parts of a message that are not the same as in one before.
pub(super) struct News<'j, 'm> {
    places: Places<'j>,
    message: Message<'m>,
    /// What is before was looked at; no string is open there.
    place: usize,
    before: Option<Message<'m>>,
    /// The place in the message before, and the first of its strings that begins there or later.
    place_before: usize,
    next_before: usize,
    /// How much of the next string was said there.
    said: usize,
}

/// A string of a message and what stands before it, behind the string that comes before.
pub(super) struct Part {
    pub(super) between: Range<usize>,
    /// What is between its quotes; `None` at the end of the message.
    pub(super) string: Option<Range<usize>>,
    /// How many of its first bytes say no new word, unless it has escapes.
    pub(super) said: usize,
}

// === impl Before ===

impl<'m> Before<'m> {
    pub(super) fn clear(&mut self) {
        self.messages.clear();
    }

    /// What is new in a message, which takes the place of the one that it is compared with.
    pub(super) fn news<'j>(&mut self, json: &'j JsonText<'m>) -> News<'j, 'm> {
        let likeness = |message: &Message<'_>| alike(beginning(message.text), beginning(json.text));
        let likest = self.messages.iter().enumerate();
        let likest = likest
            .map(|(place, message)| (likeness(message), place))
            .max();
        let likest = likest.filter(|(alike, _)| *alike >= ALIKE_MIN);
        let message = Message {
            text: json.text,
            strings: mem::take(&mut self.room),
        };
        News {
            places: json.places(),
            message,
            place: 0,
            before: likest.map(|(_, place)| self.messages.remove(place)),
            place_before: 0,
            next_before: 0,
            said: 0,
        }
    }

    /// Keeps the message whose words were all added.
    pub(super) fn keep(&mut self, news: News<'_, 'm>) {
        if let Some(mut before) = news.before {
            before.strings.clear();
            self.room = before.strings;
        }
        if news.message.strings.len() > STRINGS_MAX {
            return;
        }
        if self.messages.len() >= MESSAGES_MAX {
            self.messages.remove(0);
        }
        self.messages.push(news.message);
    }
}

fn beginning(text: &str) -> &[u8] {
    let bytes = text.as_bytes();
    bytes.get(..BEGINNING).unwrap_or(bytes)
}

// === impl Message ===

impl Message<'_> {
    /// How many bytes of a string say whole words, up to `end`; none if it is a name.
    fn said(&self, string: &Range<usize>, end: usize) -> usize {
        let bytes = self.text.as_bytes();
        let behind = bytes.get(string.end + 1..).unwrap_or_default();
        if behind.trim_ascii_start().first() == Some(&b':') {
            return 0;
        }
        if end > string.end {
            return string.len();
        }
        let same = bytes.get(string.start..end).unwrap_or_default();
        let last = same.iter().rposition(|byte| is_between_words(*byte));
        last.map_or(0, |last| last + 1)
    }
}

// === impl News ===

impl News<'_, '_> {
    /// Passes over strings that are the same, with what is before and behind each.
    ///
    /// In both texts no string is open at the present place. So what is the same from there on is
    /// taken apart in the same way, up to the last quote that opens a string.
    fn pass_same(&mut self) {
        self.said = 0;
        let Some(before) = &self.before else { return };
        let rest = self.message.text.as_bytes().get(self.place..);
        let rest_before = before.text.as_bytes().get(self.place_before..);
        let (Some(rest), Some(rest_before)) = (rest, rest_before) else {
            return;
        };
        let same = alike(rest_before, rest);
        let is_end = same == rest.len() && same == rest_before.len();
        let strings = before.strings.get(self.next_before..).unwrap_or_default();
        let end = self.place_before + same;
        let begun = strings.iter().take_while(|string| string.start <= end);
        let begun = begun.count();
        let passed = if is_end {
            begun
        } else {
            begun.saturating_sub(1)
        };
        let (passed, left) = strings.split_at(passed);
        let here = |place: usize| place - self.place_before + self.place;
        let known = passed.iter();
        let known = known.map(|string| here(string.start)..here(string.end));
        self.message.strings.extend(known);
        let opening = match left.first() {
            _ if is_end => end,
            Some(string) if begun > 0 => {
                self.said = before.said(string, end);
                string.start - 1
            }
            _ => return,
        };
        self.next_before += passed.len();
        self.place = here(opening);
        self.place_before = opening;
        self.places.skip_to(self.place);
    }

    /// Passes over the next string in the message before.
    fn pass_before(&mut self) {
        let next = |before: &Message<'_>| before.strings.get(self.next_before).cloned();
        match self.before.as_ref().and_then(next) {
            Some(string) => {
                self.place_before = string.end + 1;
                self.next_before += 1;
            }
            None => self.place_before = usize::MAX,
        }
    }
}

impl Iterator for News<'_, '_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        if self.place > self.message.text.len() {
            return None;
        }
        self.pass_same();
        let start = self.place;
        let string = self.places.next();
        match &string {
            Some(string) => {
                self.pass_before();
                self.place = string.end + 1;
                if self.message.strings.len() <= STRINGS_MAX {
                    self.message.strings.push(string.clone());
                }
            }
            None => self.place = usize::MAX,
        }
        let end = string
            .as_ref()
            .map_or(self.message.text.len(), |string| string.start);
        Some(Part {
            between: start..end,
            string,
            said: self.said,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of the last message is new, as far as strings go.
    fn check(messages: &[&str], expected: &[&str]) {
        let mut before = Before::default();
        let mut found = Vec::new();
        for message in messages {
            let json = JsonText::new(message);
            let mut news = before.news(&json);
            let strings = news.by_ref().filter_map(|part| part.string);
            let strings = strings.map(|string| message.get(string).unwrap());
            found = strings.collect();
            assert_eq!(news.message.strings, json.places().collect::<Vec<_>>());
            before.keep(news);
        }
        assert_eq!(found, expected, "{messages:?}");
    }

    #[test]
    fn only_what_differs_is_looked_at_again() {
        let one = r#"[{"role":"tool","id":"1","content":[{"text":"a"}],"at":"T1"}]"#;
        check(
            &[one],
            &[
                "role", "tool", "id", "1", "content", "text", "a", "at", "T1",
            ],
        );
        check(&[one, one], &[]);
        let other = one.replace("\"1\"", "\"12\"").replace("T1", "T");
        check(&[one, &other], &["12", "T"]);
        check(&[&other, one], &["1", "T1"]);
        let longer = one.replace("}],", "}],\"more\":[\"b\"],");
        check(&[one, &longer], &["more", "b", "at", "T1"]);
        let nothing = one.replace("[{\"text\":\"a\"}]", "null");
        check(&[one, &nothing], &["content", "at", "T1"]);
        check(&[&nothing, one], &["content", "text", "a", "at", "T1"]);
    }

    #[test]
    fn beginning_of_a_string_that_was_said_is_told() {
        let said = |before: &str, message: &str| {
            let mut all = Before::default();
            let (before, message) = (JsonText::new(before), JsonText::new(message));
            let mut news = all.news(&before);
            news.by_ref().for_each(drop);
            all.keep(news);
            let mut said = all.news(&message).map(|part| part.said);
            said.next().unwrap()
        };
        let text = |end: &str| format!("[0000000000000000,\"one two{end}");
        let before = text(" three\",4]");
        assert_eq!(said(&before, &text(" then\"]")), "one two ".len());
        assert_eq!(said(&before, &text("fold\"]")), "one ".len());
        assert_eq!(said(&before, &text(" three\",5]")), "one two three".len());
        // Names say nothing.
        assert_eq!(said(&before.replace(',', ":"), &text(" then\"]")), 0);
        assert_eq!(said(&text(" three\" :4]"), &text(" three\",5]")), 0);
    }

    #[test]
    fn likest_message_is_the_one_that_is_compared() {
        let call = r#"[{"role":"assistant","tool_calls":[{"id":"1"}]}]"#;
        let answer = r#"[{"role":"tool","tool_call_id":"1"}]"#;
        check(&[call, answer, call], &[]);
        check(&[call, answer, call, &answer.replace('1', "2")], &["2"]);
        check(&[call, call, call, call, call, answer, call], &[]);
    }

    #[test]
    fn message_of_many_strings_is_not_kept() {
        let many = |count| format!("[0,0,0,0,0,0,0,0,0{}]", ",\"a\"".repeat(count));
        let check = |count, kept| {
            let text = many(count);
            let mut before = Before::default();
            let json = JsonText::new(&text);
            let mut news = before.news(&json);
            news.by_ref().for_each(drop);
            before.keep(news);
            assert_eq!(before.messages.len(), kept);
        };
        check(STRINGS_MAX, 1);
        check(STRINGS_MAX + 1, 0);
        check(4 * STRINGS_MAX, 0);
    }
}
