//! Large texts and images are kept once, however many messages hold them.
//!
//! What is between the quotes of a JSON string is such a part if it is large, and so is what is
//! between two of them. A message and what policies see of it mostly hold the same strings, and
//! agents send the same file or image again and again.
//!
//! A part that nothing refers to any more is deleted in the transaction that took its last
//! reference.
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use portcullis_trace::hexadecimal;
use portcullis_trace::record::{Sequence, SessionId};

use super::copies::Copied;
use super::packed::{Kept, Packer, is_of_hash, unpacked};
use super::row::{Parameter, Reader, integer};
use super::strings::{JsonString, JsonText};
use super::{Column, Database, Rows, Table};
use crate::StoreError;

/// Smaller parts stay where they are.
const PART_BYTES_MIN: usize = 4096;

const CONTENTS: Table = Table {
    name: "contents",
    key: "hash",
};

const EVENT_CONTENTS: Table = Table {
    name: "event_contents",
    key: "session, sequence, part, position",
};

const CONTENTS_OF_EVENTS: &str = "
    SELECT e.sequence, e.part, e.position, c.text, c.packed
    FROM event_contents AS e JOIN contents AS c ON c.id = e.content
    WHERE e.session = (SELECT number FROM sessions WHERE id = $1)
        AND e.sequence >= $2 AND e.sequence <= $3
    ORDER BY e.sequence, e.part, e.position";

const NUMBERS_OF_EVENTS: &str = "
    SELECT DISTINCT content FROM event_contents
    WHERE session = (SELECT number FROM sessions WHERE id = $1)
        AND sequence >= $2 AND sequence <= $3
    ORDER BY content";

/// The oldest versions kept none packed, so that these have hashes that are known.
const PACKED_AFTER: &str = "
    SELECT hash, packed FROM contents WHERE packed IS NOT NULL AND hash > $1 ORDER BY hash LIMIT $2";
/// Texts that are looked at together.
const CHECKED_AT_ONCE: u32 = 16;

const UNUSED: &str = "
    SELECT c.hash FROM contents AS c WHERE NOT EXISTS
        (SELECT 1 FROM event_contents AS e WHERE e.content = c.id) ORDER BY c.hash LIMIT $1";

/// In the order in which they are written.
const LOCK_CONTENTS: &str = "
    SELECT c.id FROM contents AS c WHERE c.id IN (SELECT r.id FROM {rows}) ORDER BY c.hash";

const DELETE_UNUSED: &str = "
    DELETE FROM contents
    WHERE id IN (SELECT r.id FROM {rows})
        AND NOT EXISTS (SELECT 1 FROM event_contents AS e WHERE e.content = contents.id)";

/// Which text of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Message,
    Events,
}

/// A text without its large parts and without what it has from elsewhere.
#[derive(Default)]
pub(super) struct Cut<'t> {
    pub(super) rest: Cow<'t, str>,
    pub(super) copies: Vec<Copied>,
    parts: Vec<(usize, &'t str)>,
}

/// The large parts of the events of one batch.
#[derive(Default)]
pub(super) struct Contents<'t> {
    /// Where each stands. Its length decides first, so that what differs is hardly ever compared,
    /// and what is said again is not packed and hashed again.
    texts: BTreeMap<(usize, &'t str), Vec<Reference>>,
}

struct Reference {
    session: i64,
    sequence: Sequence,
    part: Part,
    position: usize,
}

/// The large parts of the events of one page, in the order of their places.
pub(super) struct Found(BTreeMap<(i64, Part), Vec<(usize, String)>>);

/// Takes out of a text what stands in the original, and what is large.
fn cut<'t>(json: &JsonText<'t>) -> Cut<'t> {
    let text = json.text;
    let strings = if text.len() < PART_BYTES_MIN {
        // Nothing in it is large.
        json.strings_if_known()
    } else {
        json.strings()
    };
    let mut cut = Cut::default();
    let mut segment = 0;
    // A text that is no JSON is cut somewhere.
    for JsonString { place, copied_from } in strings {
        if copied_from.is_none() && place.len() < PART_BYTES_MIN {
            continue;
        }
        cut.keep(text, segment..place.start);
        segment = place.end;
        match copied_from {
            Some(from) => cut.copies.push(Copied {
                position: place.start,
                from: *from,
                length: place.len(),
            }),
            None => cut.keep(text, place.clone()),
        }
    }
    cut.keep(text, segment..text.len());
    cut
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Events => "events",
        }
    }
}

// === impl Cut ===

impl<'t> Cut<'t> {
    fn keep(&mut self, text: &'t str, range: Range<usize>) {
        let position = range.start;
        let segment = text.get(range).unwrap_or_default();
        if segment.len() >= PART_BYTES_MIN {
            self.parts.push((position, segment));
        } else {
            self.rest += segment;
        }
    }
}

// === impl Contents ===

impl<'t> Contents<'t> {
    /// Notes the large parts of a text of an event of the session with this number, and returns the
    /// text without them.
    pub(super) fn take(
        &mut self,
        (session, sequence): (i64, Sequence),
        part: Part,
        text: &JsonText<'t>,
    ) -> Cut<'t> {
        let mut cut = cut(text);
        for (position, text) in cut.parts.drain(..) {
            let references = self.texts.entry((text.len(), text)).or_default();
            references.push(Reference {
                session,
                sequence,
                part,
                position,
            });
        }
        cut
    }

    /// Writes them; the events are there already.
    pub(super) fn put<D: Database + ?Sized>(&self, database: &mut D) -> Result<(), StoreError> {
        if self.texts.is_empty() {
            return Ok(());
        }
        let purpose = "record a large text";
        let mut packer = Packer::default();
        let texts = self.texts.iter();
        let texts = texts.map(|((_, text), references)| (packer.kept(text), references));
        let mut texts: Vec<_> = texts.collect();
        texts.sort_unstable_by_key(|(kept, _)| kept.hash);
        let rows = texts.iter().map(|(Kept { hash, text, packed }, _)| {
            let text = if packed.is_some() { "" } else { text };
            vec![
                hash.as_slice().into(),
                text.into(),
                packed.as_deref().into(),
            ]
        });
        let contents = Rows {
            columns: &[
                Column::Bytes("hash"),
                Column::Text("text"),
                Column::Bytes("packed"),
            ],
            rows: rows.collect(),
        };
        let numbers = database.insert_numbered(purpose, CONTENTS, &contents)?;
        let references = texts.iter().zip(numbers);
        let references = references.flat_map(|((_, references), number)| {
            let references = references.iter();
            references.map(move |reference| reference.row(number))
        });
        let references = Rows {
            columns: &[
                Column::Integer("session"),
                Column::Integer("sequence"),
                Column::Text("part"),
                Column::Integer("position"),
                Column::Integer("content"),
            ],
            rows: references.collect::<Result<_, _>>()?,
        };
        database.insert_new(purpose, EVENT_CONTENTS, &references)?;
        Ok(())
    }
}

impl Reference {
    fn row(&self, content: i64) -> Result<Vec<Parameter<'_>>, StoreError> {
        Ok(vec![
            self.session.into(),
            integer(self.sequence.value())?,
            self.part.name().into(),
            integer(self.position as u64)?,
            content.into(),
        ])
    }
}

// === impl Found ===

impl Found {
    /// What events from `first` to `last` of a session have out of line.
    pub(super) fn read<D: Database + ?Sized>(
        database: &mut D,
        session: &SessionId,
        (first, last): (Sequence, Sequence),
    ) -> Result<Self, StoreError> {
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in database.query(
            "read the large texts of the session",
            CONTENTS_OF_EVENTS,
            &places(session, (first, last))?,
        )? {
            let mut row = Reader::of("session", session.as_str(), row);
            let sequence = row.integer("sequence")?;
            let part = match row.text("part")?.as_str() {
                "message" => Part::Message,
                "events" => Part::Events,
                _ => return Err(row.damaged("part")),
            };
            let position = usize::try_from(row.integer("position")?);
            let position = position.map_err(|_| row.damaged("position"))?;
            let mut text = row.text("text")?;
            if let Some(packed) = row.optional_bytes("packed")? {
                text = unpacked(&packed).ok_or_else(|| row.damaged("packed"))?;
            }
            let parts = found.entry((sequence, part)).or_default();
            parts.push((position, text));
        }
        Ok(Self(found))
    }

    /// The whole text of which `rest` is in the event's row and `copies` in its message; `None` if
    /// the parts do not fit.
    pub(super) fn whole(
        &self,
        sequence: i64,
        part: Part,
        rest: String,
        (copies, message): (&[Copied], &str),
    ) -> Option<String> {
        let kept = self.0.get(&(sequence, part));
        if copies.is_empty() && kept.is_none() {
            return Some(rest);
        }
        let kept = kept.into_iter().flatten();
        let mut parts: Vec<(usize, &str)> = kept.map(|(at, text)| (*at, text.as_str())).collect();
        for copy in copies {
            parts.push((copy.position, copy.text(message)?));
        }
        parts.sort_unstable_by_key(|(position, _)| *position);
        let mut whole = String::new();
        let mut rest = rest.as_str();
        for (position, text) in parts {
            let (before, after) = rest.split_at_checked(position.checked_sub(whole.len())?)?;
            whole.push_str(before);
            whole.push_str(text);
            rest = after;
        }
        whole.push_str(rest);
        Some(whole)
    }
}

/// The hashes of packed texts that are not what they were, as many as are asked for.
pub(super) fn damaged<D: Database + ?Sized>(
    database: &mut D,
    most: usize,
) -> Result<Vec<String>, StoreError> {
    let mut damaged = Vec::new();
    let mut last = Vec::new();
    loop {
        let place = [last.as_slice().into(), CHECKED_AT_ONCE.into()];
        let rows = database.query("check the large texts", PACKED_AFTER, &place)?;
        if rows.is_empty() || damaged.len() >= most {
            return Ok(damaged);
        }
        for row in rows {
            let mut row = Reader::new("large text", row);
            last = row.bytes("hash")?;
            let packed = row.optional_bytes("packed")?.unwrap_or_default();
            if !is_of_hash(&packed, &last) {
                damaged.push(hexadecimal(&last));
            }
        }
    }
}

/// The hashes of texts that nothing refers to, as many as are asked for.
pub(super) fn unused<D: Database + ?Sized>(
    database: &mut D,
    most: u32,
) -> Result<Vec<String>, StoreError> {
    let rows = database.query("check the store", UNUSED, &[most.into()])?;
    let rows = rows.into_iter().map(|row| {
        let hash = Reader::new("large text", row).bytes("hash")?;
        Ok(hexadecimal(&hash))
    });
    rows.collect()
}

fn places(
    session: &SessionId,
    (first, last): (Sequence, Sequence),
) -> Result<[Parameter<'_>; 3], StoreError> {
    Ok([
        session.as_str().into(),
        integer(first.value())?,
        integer(last.value())?,
    ])
}

/// The numbers of what events from `first` to `last` refer to.
pub(super) fn of_events<D: Database + ?Sized>(
    database: &mut D,
    session: &SessionId,
    places_of_events: (Sequence, Sequence),
) -> Result<Vec<i64>, StoreError> {
    database
        .query(
            "find the large texts of the session",
            NUMBERS_OF_EVENTS,
            &places(session, places_of_events)?,
        )?
        .into_iter()
        .map(|row| Reader::new("large text", row).integer("content"))
        .collect()
}

/// Deletes those of the contents that nothing refers to any more.
pub(super) fn delete_unused<D: Database + ?Sized>(
    database: &mut D,
    contents: &[i64],
) -> Result<(), StoreError> {
    if contents.is_empty() {
        return Ok(());
    }
    let purpose = "delete a large text";
    let rows = Rows {
        columns: &[Column::Integer("id")],
        rows: contents.iter().map(|id| vec![(*id).into()]).collect(),
    };
    // Whoever refers to one of them at this moment must finish first, or wait until it is gone.
    if !D::FOR_UPDATE.is_empty() {
        let lock = format!("{LOCK_CONTENTS} {}", D::FOR_UPDATE);
        database.with_rows(purpose, &lock, &rows)?;
    }
    database.with_rows(purpose, DELETE_UNUSED, &rows)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::copies::{Original, copies_of, copies_text};
    use super::*;

    /// Pieces of JSON and of what is none; those with more than 64 bytes can be copies.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = (0..12_usize, 1..200_usize).prop_map(|(kind, times)| {
            let unit = match kind {
                0 => return "\"".to_owned(),
                1 => return "\\".to_owned(),
                2 => return ",".to_owned(),
                3 => return format!("\"{}\"", "é".repeat(times % 3 * 40)),
                4 => return format!("\"{}\"", "\\\"".repeat(times % 3 * 50)),
                5 => return format!("\"{}\"", "z".repeat(times % 3 * PART_BYTES_MIN)),
                6 => return format!("\"{}\"", "y".repeat(70 + times % 3)),
                7 => "ü",
                8 => "[1,2]",
                9 => "{\"a\":\"b\"}",
                10 => "\\\\",
                _ => "x",
            };
            unit.repeat(times)
        });
        vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_text_comes_back_whatever_the_message(text in pieces(), message in pieces()) {
            for message in [&message, &text] {
                let original = Original::of(Some(&JsonText::new(message)), &text);
                let cut = cut(&JsonText::with_copies(&text, original));
                prop_assert_eq!(&joined(&cut, message), &Some(text.clone()));
            }
        }
    }

    fn joined(cut: &Cut<'_>, message: &str) -> Option<String> {
        let parts = cut.parts.iter();
        let parts = parts.map(|(place, text)| (*place, (*text).to_owned()));
        let found = Found(BTreeMap::from([((1, Part::Events), parts.collect())]));
        let copies = copies_text(&cut.copies);
        let copies = copies.map_or(Some(Vec::new()), |text| copies_of(&text))?;
        let rest = cut.rest.clone().into_owned();
        found.whole(1, Part::Events, rest, (&copies, message))
    }

    /// Cuts a text of an event, and puts it together again.
    fn check(text: &str, message: &str, (parts, copies): (usize, usize)) {
        // Short texts are kept whole.
        let text = &format!("{text}{}", "-".repeat(1024));
        let original = Original::of(Some(&JsonText::new(message)), text);
        let cut = cut(&JsonText::with_copies(text, original));
        assert_eq!((cut.parts.len(), cut.copies.len()), (parts, copies));
        assert_eq!(joined(&cut, message).as_ref(), Some(text));
    }

    #[test]
    fn large_strings_are_cut_out_and_come_back() {
        let large = "x".repeat(PART_BYTES_MIN);
        let check = |text: &str, parts| check(text, "", (parts, 0));
        check("", 0);
        check("{\"a\":\"b\"}", 0);
        check(&format!("{{\"a\":\"{large}\"}}"), 1);
        check(&format!("[\"{large}\\\"{large}\",1,\"{large}\",\"é\"]"), 2);
        // A large text of many small strings is one part.
        check(&format!("[{}]", "\"é\",".repeat(PART_BYTES_MIN)), 1);
        // No JSON.
        check(&format!("\\\"{large}"), 1);
        check(&format!("\"{large}\\"), 1);
    }

    #[test]
    fn strings_of_the_message_are_left_out_and_come_back() {
        let large = "x".repeat(PART_BYTES_MIN);
        let (one, other) = ("é".repeat(40), "0123456789\\\"".repeat(10));
        let message = format!(r#"{{"a":"{one}","{large}":["{other}","short"]}}"#);
        let check = |text: &str, expected| check(text, &message, expected);
        check(&message, (0, 3));
        check(&format!(r#"["short","{one}","{other}"]"#), (0, 2));
        check(&format!(r#"["{one}"]"#), (0, 1));
        check(&format!(r#"["{other}","{large}y","{large}"]"#), (2, 1));
        check(&format!(r#"["{large}y","{large}"]"#), (1, 1));
        check(&format!(r#"["{one}{one}"]"#), (0, 0));
        check(&format!("\\\"{one}\"{large}\"\\"), (1, 1));
    }

    #[test]
    fn strings_far_ahead_in_the_message_are_not_looked_for() {
        let string = |n: usize| format!("\"{}\"", n.to_string().repeat(100));
        let message = (10..90).map(string).collect::<Vec<_>>().join(",");
        check(&string(25), &message, (0, 1));
        check(&string(26), &message, (0, 0));
        check(&format!("{},{}", string(20), string(36)), &message, (0, 2));
        check(&format!("{},{}", string(20), string(19)), &message, (0, 1));
    }

    #[test]
    fn parts_that_do_not_fit_are_noticed() {
        let found = |position, copy: Option<(usize, usize)>| {
            let parts = vec![(position, "x".to_owned()), (1, "y".to_owned())];
            let found = Found(BTreeMap::from([((1, Part::Message), parts)]));
            let copied = |(position, from)| Copied {
                position,
                from,
                length: 1,
            };
            let copies: Vec<_> = copy.map(copied).into_iter().collect();
            found.whole(1, Part::Message, "a".to_owned(), (&copies, "z"))
        };
        assert_eq!(found(0, None).as_deref(), Some("xya"));
        assert_eq!(found(5, None), None);
        assert_eq!(found(0, Some((3, 0))).as_deref(), Some("xyaz"));
        assert_eq!(found(0, Some((4, 0))), None);
        assert_eq!(found(0, Some((3, 1))), None);
    }
}
