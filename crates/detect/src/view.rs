//! What a text says once its escapes are read and its characters made plain.
//!
//! Patterns of credentials and personal data are about plain characters. [`find`] searches the text
//! as it stands, the same text with percent, HTML and JSON escapes read, invisible characters taken
//! out and look-alikes made equal, and what its base64 and hexadecimal runs say. Each place is told
//! in the original.

mod escape;

use crate::fold;
use crate::runs::{LongRuns, RUN_MIN, is_of_run};
use crate::{Match, decode};
use memchr::{memchr, memchr3};
use std::collections::HashSet;
use std::ops::Range;

/// A text as it reads, and how its places map to what is written.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) text: String,
    /// From left to right; between two, both texts are the same.
    changes: Vec<Change>,
}

/// Bytes of the view that stand for other bytes of the original.
#[derive(Debug)]
struct Change {
    /// Empty where what is written cannot be seen.
    read: Range<usize>,
    written: Range<usize>,
}

/// The places of all changes in one of the two texts, from left to right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed<'v> {
    changes: &'v [Change],
    place: fn(&Change) -> &Range<usize>,
}

/// With fewer bytes to a change, looking for runs around each costs more than in the whole text.
const APART_MIN: usize = 32;

/// Finds places in one text.
type Search = fn(&LongRuns<'_>) -> Vec<Match>;

/// What the search finds in the text, and what it finds only once the text is read.
pub(crate) fn find(long: &LongRuns<'_>, search: Search) -> Vec<Match> {
    find_by(long, search, |view| {
        [search(long), search(&LongRuns::of(&view.text))]
    })
}

/// The same, of a search that has a way of its own to look at a text and its view: both answers
/// are those that the search gives for each.
pub(crate) fn find_by(
    long: &LongRuns<'_>,
    search: Search,
    search_both: impl FnOnce(&View) -> [Vec<Match>; 2],
) -> Vec<Match> {
    let mut found;
    let mut uncovered: Vec<Match> = Vec::new();
    if let Some(view) = View::of(long.text) {
        let [written, seen] = search_both(&view);
        found = written;
        uncovered.extend(seen.into_iter().map(|one| Match {
            span: view.written(&one.span),
            ..one
        }));
        // Half an escape is no beginning: in `\njane@acme.com` the `n` is of no address.
        let ends: HashSet<_> = uncovered
            .iter()
            .map(|one| (one.kind, one.span.end))
            .collect();
        found.retain(|one| {
            !view.is_inside(one.span.start) || !ends.contains(&(one.kind, one.span.end))
        });
    } else {
        found = search(long);
    }
    for decoded in decode::packed(long) {
        let seen = search(&LongRuns::of(&decoded.text)).into_iter();
        uncovered.extend(seen.map(|one| Match {
            kind: one.kind,
            span: decoded.span.clone(),
        }));
    }
    add_apart(&mut found, uncovered);
    found
}

/// Adds those that overlap nothing that was found in the text as it stands, each kind once.
fn add_apart(found: &mut Vec<Match>, mut uncovered: Vec<Match>) {
    if uncovered.is_empty() {
        return;
    }
    let mut known: Vec<Range<usize>> = found.iter().map(|one| one.span.clone()).collect();
    known.sort_by_key(|span| span.start);
    let mut reach = 0;
    let reaches: Vec<usize> = known
        .iter()
        .map(|span| {
            reach = reach.max(span.end);
            reach
        })
        .collect();
    uncovered.sort_by_key(|one| (one.span.start, one.span.end, one.kind));
    uncovered.dedup();
    uncovered.retain(|one| {
        let before = known.partition_point(|span| span.start < one.span.end);
        let reach = before.checked_sub(1).and_then(|last| reaches.get(last));
        reach.is_none_or(|end| *end <= one.span.start)
    });
    found.extend(uncovered);
}

// === impl View ===

impl View {
    /// `None` if the text reads as it is written.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let is_ascii = text.is_ascii();
        let next_special = |rest: &str| {
            if is_ascii {
                memchr3(b'%', b'&', b'\\', rest.as_bytes())
            } else {
                rest.bytes().position(is_special)
            }
        };
        let mut view = Self::default();
        let mut part = String::new();
        // What is before was read, and what is before the other stands in the view.
        let (mut at, mut kept) = (0, 0);
        while let Some(rest) = text.get(at..)
            && let Some(plain) = next_special(rest)
            && let Some(rest) = rest.get(plain..)
            && let Some(special) = rest.chars().next()
        {
            at += plain;
            let read = escape::read(rest);
            let (says, length) = read.unwrap_or((special, special.len_utf8()));
            part.clear();
            fold::each_cased(says, |says| part.push(says));
            let written = at..at + length;
            at = written.end;
            if text.get(written.clone()) != Some(&part) {
                if view.changes.is_empty() {
                    view.text.reserve(text.len());
                }
                view.add(
                    text.get(kept..written.start).unwrap_or_default(),
                    &part,
                    written,
                );
                kept = at;
            }
        }
        view.closed(text.get(kept..).unwrap_or_default())
    }

    /// The text with the escapes of JSON read and nothing else; `None` if it has none.
    pub(crate) fn unescaped(text: &str) -> Option<Self> {
        let mut view = Self::default();
        let (mut at, mut kept) = (0, 0);
        while let Some(rest) = text.get(at..)
            && let Some(plain) = memchr(b'\\', rest.as_bytes())
            && let Some(rest) = rest.get(plain..)
        {
            at += plain;
            let Some((says, length)) = escape::json(rest) else {
                at += 1;
                continue;
            };
            let plain = text.get(kept..at).unwrap_or_default();
            view.add(plain, says.encode_utf8(&mut [0; 4]), at..at + length);
            at += length;
            kept = at;
        }
        view.closed(text.get(kept..).unwrap_or_default())
    }

    /// The long runs of the view; `original` are those of the text that it is a view of.
    ///
    /// A run that no change is in or beside has the same bytes in both texts, and the same beside
    /// it, so it is a run of both. The others are looked for in the bytes of runs that a change
    /// has, or that stand before and behind it.
    pub(crate) fn long_runs(&self, original: &LongRuns<'_>) -> LongRuns<'_> {
        let text = &*self.text;
        if self.changes.len() > text.len() / APART_MIN {
            return LongRuns::of(text);
        }
        let length = |bytes: Option<&[u8]>| {
            let bytes = bytes.unwrap_or_default().iter();
            bytes.take_while(|byte| is_of_run(**byte)).count()
        };
        let bytes = text.as_bytes();
        let mut runs = Vec::new();
        let mut kept = original.runs.iter().peekable();
        let mut changes = self.changes.iter().peekable();
        let mut last: Option<&Change> = None;
        while let Some(change) = changes.next() {
            let mut add = |run| runs.extend(shifted(run, last));
            while let Some(run) = kept.next_if(|run| run.end < change.written.start) {
                add(run);
            }
            let before = bytes.get(..change.read.start).unwrap_or_default().iter();
            let before = before.rev().take_while(|byte| is_of_run(**byte)).count();
            let mut end = change.read.end + length(bytes.get(change.read.end..));
            last = Some(change);
            while let Some(change) = changes.next_if(|change| change.read.start <= end) {
                end = end.max(change.read.end);
                end += length(bytes.get(end..));
                last = Some(change);
            }
            // No run goes on before and behind it.
            let start = change.read.start - before;
            if end - start < RUN_MIN {
                continue;
            }
            let part = LongRuns::of(text.get(start..end).unwrap_or_default());
            runs.extend(
                part.runs
                    .iter()
                    .map(|run| start + run.start..start + run.end),
            );
        }
        runs.extend(kept.filter_map(|run| shifted(run, last)));
        LongRuns { text, runs }
    }

    /// With the rest, which reads as it is written; `None` if all of the text does.
    fn closed(mut self, plain: &str) -> Option<Self> {
        if self.changes.is_empty() {
            return None;
        }
        self.text.push_str(plain);
        Some(self)
    }

    /// Adds what reads as it is written, and a part that does not.
    fn add(&mut self, plain: &str, part: &str, written: Range<usize>) {
        self.text.push_str(plain);
        let start = self.text.len();
        self.text.push_str(part);
        let read = start..self.text.len();
        self.changes.push(Change { read, written });
    }

    /// Whether the byte of the original is of an escape that begins before it.
    fn is_inside(&self, written: usize) -> bool {
        let next = self
            .changes
            .partition_point(|change| change.written.end <= written);
        let change = self.changes.get(next);
        change.is_some_and(|change| change.written.start < written)
    }

    /// Where the view differs, in the original.
    pub(crate) fn changed_in_original(&self) -> Changed<'_> {
        Changed {
            changes: &self.changes,
            place: |change| &change.written,
        }
    }

    /// Where the view differs, in the view.
    pub(crate) fn changed(&self) -> Changed<'_> {
        Changed {
            changes: &self.changes,
            place: |change| &change.read,
        }
    }

    /// The bytes of the original that these bytes of the view stand for.
    pub(crate) fn written(&self, read: &Range<usize>) -> Range<usize> {
        let start = self.byte(read.start).start;
        let last = read.end.checked_sub(1).map(|last| self.byte(last).end);
        start..last.unwrap_or(start).max(start)
    }

    /// What one byte of the view stands for.
    fn byte(&self, at: usize) -> Range<usize> {
        let next = self.changes.partition_point(|change| change.read.end <= at);
        if let Some(change) = self.changes.get(next)
            && change.read.start <= at
        {
            return change.written.clone();
        }
        let last = next.checked_sub(1).and_then(|last| self.changes.get(last));
        let (read, written) = last.map_or((0, 0), |last| (last.read.end, last.written.end));
        let place = at - read + written;
        place..place + 1
    }
}

// === impl Changed ===

impl<'v> Changed<'v> {
    pub(crate) fn places(self) -> impl Iterator<Item = &'v Range<usize>> {
        self.changes.iter().map(self.place)
    }

    /// Whether one of them has a byte of the stretch, or lies between two of its bytes.
    pub(crate) fn is_in(self, stretch: &Range<usize>) -> bool {
        let is_before = |change: &Change| (self.place)(change).end <= stretch.start;
        let next = self.changes.get(self.changes.partition_point(is_before));
        next.is_some_and(|change| (self.place)(change).start < stretch.end)
    }

    /// Whether one of them is in the stretch or beside it.
    pub(crate) fn is_at(self, stretch: &Range<usize>) -> bool {
        let is_before = |change: &Change| (self.place)(change).end < stretch.start;
        let next = self.changes.get(self.changes.partition_point(is_before));
        next.is_some_and(|change| (self.place)(change).start <= stretch.end)
    }
}

/// Where a run of the original stands in the view, unless it begins in or beside the last change
/// before its end.
fn shifted(run: &Range<usize>, last: Option<&Change>) -> Option<Range<usize>> {
    let Some(last) = last else {
        return Some(run.clone());
    };
    let apart = run
        .start
        .checked_sub(last.written.end)
        .filter(|it| *it > 0)?;
    let start = last.read.end + apart;
    Some(start..start + run.len())
}

/// Whether a character that begins with this byte may read as something else.
fn is_special(byte: u8) -> bool {
    !byte.is_ascii() || matches!(byte, b'%' | b'&' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digits(long: &LongRuns<'_>) -> Vec<Match> {
        let mut found = Vec::new();
        for (start, _) in long.text.match_indices("4711") {
            let span = start..start + 4;
            found.push(Match { kind: "N", span });
        }
        found
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found = find(&LongRuns::of(text), digits);
        let found: Vec<_> = found
            .iter()
            .map(|one| text.get(one.span.clone()).unwrap())
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn what_hides_characters_is_undone_and_the_place_is_told() {
        check("a 4711 b", &["4711"]);
        check("a 471%31 b", &["471%31"]);
        check("ä &#52;7&#x31;1;", &["&#52;7&#x31;1"]);
        check(r"ä 471\u0031", &[r"471\u0031"]);
        check("47\u{200b}11 ４７１１", &["47\u{200b}11", "４７１１"]);
        check("NDcxMSBpcyBpdC4gNDcxMS4=", &["NDcxMSBpcyBpdC4gNDcxMS4="]);
        check(
            "343731312069732069742e20343731312e",
            &["343731312069732069742e20343731312e"],
        );
    }

    #[test]
    fn what_stands_in_the_text_is_found_once() {
        check("ä%20 4711 %20 4711", &["4711", "4711"]);
        check("4711 471%31", &["4711", "471%31"]);
    }

    #[test]
    fn escapes_of_json_part_words() {
        let found = |text: &str| -> Vec<String> {
            let found = crate::pii::find(text)
                .into_iter()
                .chain(crate::secrets::find(text));
            let spans = found.filter_map(|one| text.get(one.span));
            spans.map(str::to_owned).collect()
        };
        for (text, expected) in [
            (r#""contact:\njane@acme.com""#, &["jane@acme.com"][..]),
            (
                r#""card:\n4111111111111111\nssn\t457-55-5462""#,
                &["4111111111111111", "457-55-5462"],
            ),
            (
                r#""note\nglpat-Ab3dE5fG7hI9jK1lM3nO\n""#,
                &["glpat-Ab3dE5fG7hI9jK1lM3nO"],
            ),
            (r#""{\"password\": \"Tr0ub4dor&3x\"}""#, &["Tr0ub4dor&3x"]),
            (r"C:\new\table\4111\build.txt", &[]),
            (r#"Regex::new("^\d{3}-\d{2}\b|\n\r\t[0-9]{16}")"#, &[]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn nothing_is_lost_at_the_edges() {
        for text in [
            "",
            "%",
            "&",
            "\\",
            "%4",
            "&;",
            "\\u",
            "\u{200b}",
            "%e2%80%8b",
            "&#0;",
        ] {
            check(text, &[]);
        }
    }

    proptest! {
        #[test]
        fn long_runs_of_a_view_are_those_of_its_text(
            text in r"([ a.<\n]|[a-z]{1,20}|[ a-z]{40}|[.a-z]{60}|\\n|\\\\|\u{200b}|%20|%61|&lt;|４){0,20}"
        ) {
            if let Some(view) = View::of(&text) {
                let runs = view.long_runs(&LongRuns::of(&text)).runs;
                prop_assert_eq!(runs, LongRuns::of(&view.text).runs, "{}", text);
            }
        }

        #[test]
        fn places_lie_on_characters_of_the_original(text in r"([a4%é&\\;\u{200b}]|4711|%34|%c3%a9|&#52;|&eacute;|４){0,20}") {
            for one in find(&LongRuns::of(&text), digits) {
                prop_assert!(text.get(one.span).is_some_and(|it| !it.is_empty()), "{}", text);
            }
        }
    }
}
