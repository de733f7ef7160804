//! Large texts and images are kept once, however many messages hold them.
//!
//! What is between the quotes of a JSON string is such a part if it is large, and so is what is
//! between two of them. A message and what policies see of it mostly hold the same strings, and
//! agents send the same file or image again and again.
//!
//! A part that nothing refers to any more is deleted in the transaction that took its last
//! reference.
use std::collections::BTreeMap;
use std::ops::Range;

use portcullis_trace::record::{EventRecord, Sequence, SessionId};
use sha2::{Digest, Sha256};

use super::row::{Parameter, Reader, integer};
use super::{Column, Database, Rows};
use crate::StoreError;
use crate::api_key::hexadecimal;

/// Smaller parts stay where they are.
const PART_BYTES_MIN: usize = 4096;

const PUT_CONTENTS: &str = "
    INSERT INTO contents (hash, text) SELECT r.hash, r.text FROM {rows} WHERE true
    ON CONFLICT (hash) DO NOTHING";

const PUT_EVENT_CONTENTS: &str = "
    INSERT INTO event_contents (session, sequence, part, position, hash)
    SELECT r.session, r.sequence, r.part, r.position, r.hash FROM {rows}";

const CONTENTS_OF_EVENTS: &str = "
    SELECT e.session, e.sequence, e.part, e.position, c.text
    FROM event_contents AS e JOIN contents AS c ON c.hash = e.hash
    WHERE e.session = $1 AND e.sequence >= $2 AND e.sequence <= $3
    ORDER BY e.sequence, e.part, e.position";

const HASHES_OF_EVENTS: &str = "
    SELECT DISTINCT hash FROM event_contents
    WHERE session = $1 AND sequence >= $2 AND sequence <= $3 ORDER BY hash";

const LOCK_CONTENTS: &str = "
    SELECT c.hash FROM contents AS c WHERE c.hash IN (SELECT r.hash FROM {rows}) ORDER BY c.hash";

const DELETE_UNUSED: &str = "
    DELETE FROM contents
    WHERE hash IN (SELECT r.hash FROM {rows})
        AND NOT EXISTS (SELECT 1 FROM event_contents AS e WHERE e.hash = contents.hash)";

/// Which text of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Message,
    Events,
}

/// A text without its large parts.
pub(super) struct Cut<'t> {
    pub(super) rest: String,
    parts: Vec<(usize, &'t str)>,
}

/// The large parts of the events of one batch.
#[derive(Default)]
pub(super) struct Contents<'t> {
    texts: BTreeMap<String, &'t str>,
    references: Vec<Reference<'t>>,
}

struct Reference<'t> {
    event: &'t EventRecord,
    part: Part,
    position: usize,
    hash: String,
}

/// The large parts of the events of one page, in the order of their places.
pub(super) struct Found(BTreeMap<(i64, Part), Vec<(usize, String)>>);

/// Takes the large parts out of a text.
pub(super) fn cut(text: &str) -> Cut<'_> {
    let mut rest = String::new();
    let mut parts = Vec::new();
    for range in segments(text.as_bytes()) {
        let position = range.start;
        let segment = text.get(range).unwrap_or_default();
        if segment.len() >= PART_BYTES_MIN {
            parts.push((position, segment));
        } else {
            rest.push_str(segment);
        }
    }
    Cut { rest, parts }
}

/// Cuts a text where large strings begin and end. If it is no JSON, somewhere.
fn segments(text: &[u8]) -> Vec<Range<usize>> {
    let mut segments = Vec::new();
    let mut segment = 0;
    let mut opened = None;
    let mut escaped = false;
    for (place, byte) in text.iter().enumerate() {
        match (byte, opened) {
            _ if escaped => escaped = false,
            (b'\\', Some(_)) => escaped = true,
            (b'"', None) => opened = Some(place + 1),
            (b'"', Some(start)) => {
                if place - start >= PART_BYTES_MIN {
                    segments.push(segment..start);
                    segments.push(start..place);
                    segment = place;
                }
                opened = None;
            }
            _ => {}
        }
    }
    segments.push(segment..text.len());
    segments
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Events => "events",
        }
    }
}

// === impl Contents ===

impl<'t> Contents<'t> {
    /// Notes the large parts of a text of an event, and returns what is left of it.
    pub(super) fn take(&mut self, event: &'t EventRecord, part: Part, text: &'t str) -> String {
        let Cut { rest, parts } = cut(text);
        for (position, text) in parts {
            let hash = hexadecimal(&Sha256::digest(text));
            self.texts.insert(hash.clone(), text);
            self.references.push(Reference {
                event,
                part,
                position,
                hash,
            });
        }
        rest
    }

    /// Writes them; the events are there already.
    pub(super) fn put<D: Database + ?Sized>(&self, database: &mut D) -> Result<(), StoreError> {
        if self.references.is_empty() {
            return Ok(());
        }
        let purpose = "record a large text";
        let texts = self.texts.iter();
        let contents = Rows {
            columns: &[Column::Text("hash"), Column::Text("text")],
            rows: texts
                .map(|(hash, text)| vec![hash.into(), (*text).into()])
                .collect(),
        };
        database.with_rows(purpose, PUT_CONTENTS, &contents)?;
        let references = self.references.iter().map(Reference::row);
        let references = Rows {
            columns: &[
                Column::Text("session"),
                Column::Integer("sequence"),
                Column::Text("part"),
                Column::Integer("position"),
                Column::Text("hash"),
            ],
            rows: references.collect::<Result<_, _>>()?,
        };
        database.with_rows(purpose, PUT_EVENT_CONTENTS, &references)?;
        Ok(())
    }
}

impl Reference<'_> {
    fn row(&self) -> Result<Vec<Parameter<'_>>, StoreError> {
        Ok(vec![
            self.event.session.as_str().into(),
            integer(self.event.sequence.value())?,
            self.part.name().into(),
            integer(self.position as u64)?,
            (&self.hash).into(),
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
            let mut row = Reader::new("session", row);
            row.text("session")?;
            let sequence = row.integer("sequence")?;
            let part = match row.text("part")?.as_str() {
                "message" => Part::Message,
                "events" => Part::Events,
                _ => return Err(row.damaged("part")),
            };
            let position = usize::try_from(row.integer("position")?);
            let position = position.map_err(|_| row.damaged("position"))?;
            let parts = found.entry((sequence, part)).or_default();
            parts.push((position, row.text("text")?));
        }
        Ok(Self(found))
    }

    /// The whole text of which `rest` is in the event's row; `None` if the parts do not fit.
    pub(super) fn whole(&self, sequence: i64, part: Part, rest: String) -> Option<String> {
        let Some(parts) = self.0.get(&(sequence, part)) else {
            return Some(rest);
        };
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

/// The hashes of what events from `first` to `last` refer to.
pub(super) fn hashes<D: Database + ?Sized>(
    database: &mut D,
    session: &SessionId,
    places_of_events: (Sequence, Sequence),
) -> Result<Vec<String>, StoreError> {
    database
        .query(
            "find the large texts of the session",
            HASHES_OF_EVENTS,
            &places(session, places_of_events)?,
        )?
        .into_iter()
        .map(|row| Reader::new("large text", row).text("hash"))
        .collect()
}

/// Deletes those of the contents that nothing refers to any more.
pub(super) fn delete_unused<D: Database + ?Sized>(
    database: &mut D,
    hashes: &[String],
) -> Result<(), StoreError> {
    if hashes.is_empty() {
        return Ok(());
    }
    let purpose = "delete a large text";
    let rows = Rows {
        columns: &[Column::Text("hash")],
        rows: hashes.iter().map(|hash| vec![hash.into()]).collect(),
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
    use super::*;

    fn check(text: &str, parts: usize) {
        let Cut { rest, parts: found } = cut(text);
        assert_eq!(found.len(), parts);
        let found = found
            .iter()
            .map(|(place, text)| (*place, (*text).to_owned()));
        let found = Found(BTreeMap::from([((1, Part::Events), found.collect())]));
        assert_eq!(found.whole(1, Part::Events, rest).unwrap(), text);
    }

    #[test]
    fn large_strings_are_cut_out_and_come_back() {
        let large = "x".repeat(PART_BYTES_MIN);
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
    fn parts_that_do_not_fit_are_noticed() {
        let found = |position| {
            let parts = vec![(position, "x".to_owned()), (1, "y".to_owned())];
            Found(BTreeMap::from([((1, Part::Message), parts)]))
        };
        assert_eq!(
            found(0).whole(1, Part::Message, "a".to_owned()).as_deref(),
            Some("xya")
        );
        assert_eq!(found(5).whole(1, Part::Message, "a".to_owned()), None);
    }
}
