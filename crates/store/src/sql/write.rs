//! Writing what live traffic leaves behind, a batch at a time.
//!
//! Sessions first, then their messages, then their ends: what one batch says is one state, however
//! it is ordered. All writers go through projects, sessions and contents in this order, each by
//! name, so that none of them waits for another that waits for it.
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use portcullis_json::write as json_text;
use portcullis_trace::record::{EventRecord, Sequence, SessionEnd, SessionId, SessionRecord};

use super::contents::{Contents, Part};
use super::copies::{Original, copies_text, is_long};
use super::row::{Parameter, Reader, integer, object_text, texts_text};
use super::strings::JsonText;
use super::words::{self, WordRows};
use super::{Change, Column, Database, Rows, Table, events, resumptions, sessions, uploads};
use crate::{Entry, StoreError};

const COUNT_EVENTS: Change = Change {
    table: "sessions",
    set: "
        last_sequence = CASE WHEN {last} > last_sequence THEN {last} ELSE last_sequence END,
        event_count = event_count + {events},
        violation_count = violation_count + {violations},
        bytes = sessions.bytes + {bytes},
        word_rows = word_rows + 1,
        active_at = CASE WHEN {latest} > active_at THEN {latest} ELSE active_at END",
    returning: "id, number, word_rows",
};

const EVENTS: Table = Table {
    name: "events",
    key: "session, sequence",
};

const PUT_VIOLATIONS: &str = "
    INSERT INTO violations
        (session, sequence, place, guardrail_id, guardrail_name, action, message, arguments,
         keywords, ranges)
    SELECT r.session, r.sequence, r.place, r.guardrail_id, r.guardrail_name, r.action, r.message,
        r.arguments, r.keywords, r.ranges
    FROM {rows}";

const END_SESSIONS: Change = Change {
    table: "sessions",
    set: "
        ended_at = {ended_at},
        last_sequence = CASE WHEN {last} > last_sequence THEN {last} ELSE last_sequence END,
        active_at = CASE WHEN {ended_at} > active_at THEN {ended_at} ELSE active_at END",
    returning: "id",
};

/// A message, and where it goes.
#[derive(Clone, Copy)]
struct Placed<'t> {
    event: &'t EventRecord,
    /// The number of its session.
    session: i64,
    /// The row for its words.
    words: Option<i64>,
}

/// What a batch adds to a session.
#[derive(Clone, Copy)]
struct Sum {
    last: Sequence,
    events: u64,
    violations: u64,
    bytes: u64,
    latest: i64,
}

pub(super) fn entries<D: Database + ?Sized>(
    database: &mut D,
    entries: &[Entry],
) -> Result<(), StoreError> {
    let mut records: BTreeMap<(Option<&String>, &SessionId), SessionRecord> = BTreeMap::new();
    let mut messages = Vec::new();
    let mut ends: BTreeMap<&SessionId, &SessionEnd> = BTreeMap::new();
    for entry in entries {
        match entry {
            Entry::Session(record) => {
                // The last says what is known now, the first when it started.
                let known = (record.project.as_ref(), &record.id);
                let started_at = records
                    .get(&known)
                    .map_or(record.started_at, |first| first.started_at);
                let record = SessionRecord {
                    started_at,
                    ..record.clone()
                };
                records.insert(known, record);
            }
            Entry::Event(record) => messages.push(record),
            Entry::End(end) => {
                ends.insert(&end.session, end);
            }
            Entry::Upload(_) | Entry::Resumption(_) => {}
        }
    }
    for record in records.values() {
        sessions::put(database, record)?;
    }
    put_events(database, &messages)?;
    for entry in entries {
        match entry {
            Entry::Upload(upload) => uploads::put(database, upload)?,
            Entry::Resumption(resumption) => resumptions::put(database, resumption)?,
            Entry::Session(_) | Entry::Event(_) | Entry::End(_) => {}
        }
    }
    end_sessions(database, &ends)
}

/// Adds messages to sessions that exist.
pub(super) fn put_events<D: Database + ?Sized>(
    database: &mut D,
    messages: &[&EventRecord],
) -> Result<(), StoreError> {
    if messages.is_empty() {
        return Ok(());
    }
    let messages = count_events(database, messages)?;
    let mut contents = Contents::default();
    let mut latest = BTreeMap::new();
    let rests: Vec<Rests<'_>> = messages
        .iter()
        .map(|message| Rests::of(*message, &mut contents, &mut latest))
        .collect();
    put_rows(database, &messages, &rests)?;
    put_violations(database, &messages)?;
    contents.put(database)?;
    let mut words = WordRows::default();
    for (message, rests) in messages.iter().zip(&rests) {
        if let Some(row) = message.words {
            words.add(row, &rests.seen);
        }
    }
    words.put(database)
}

/// Adds up, and returns where the messages go.
fn count_events<'t, D: Database + ?Sized>(
    database: &mut D,
    messages: &[&'t EventRecord],
) -> Result<Vec<Placed<'t>>, StoreError> {
    let mut sums: BTreeMap<&SessionId, Sum> = BTreeMap::new();
    for event in messages {
        let sum = sums.entry(&event.session).or_insert(Sum {
            last: event.sequence,
            events: 0,
            violations: 0,
            bytes: 0,
            latest: event.recorded_at.as_micros(),
        });
        sum.last = sum.last.max(event.sequence);
        sum.events += 1;
        sum.violations += event.violation_count() as u64;
        sum.bytes += events::texts_bytes(event);
        sum.latest = sum.latest.max(event.recorded_at.as_micros());
    }
    let rows = sums.iter().map(|(session, sum)| {
        Ok(vec![
            session.as_str().into(),
            integer(sum.last.value())?,
            integer(sum.events)?,
            integer(sum.violations)?,
            integer(sum.bytes)?,
            Parameter::Integer(sum.latest),
        ])
    });
    let rows = Rows {
        columns: &[
            Column::Text("session"),
            Column::Integer("last"),
            Column::Integer("events"),
            Column::Integer("violations"),
            Column::Integer("bytes"),
            Column::Integer("latest"),
        ],
        rows: rows.collect::<Result<_, StoreError>>()?,
    };
    let mut places = BTreeMap::new();
    for row in database.change("record the message", COUNT_EVENTS, &rows)? {
        let mut row = Reader::new("session", row);
        let id = row.text("id")?;
        let number = row.integer("number")?;
        let words = words::row_number(number, row.integer("word_rows")?);
        places.insert(id, (number, words));
    }
    let placed = messages.iter().map(|event| {
        let place = places.get(event.session.as_str());
        let &(session, words) = place.ok_or_else(|| StoreError::UnknownSession {
            session: event.session.clone(),
        })?;
        Ok(Placed {
            event,
            session,
            words,
        })
    });
    placed.collect()
}

/// The latest long message of each session of a batch: an answer often says what its call said.
type Latest<'t> = BTreeMap<&'t SessionId, JsonText<'t>>;

/// What is in the row of an event: its texts without their large parts, and without what both have.
struct Rests<'t> {
    seen: JsonText<'t>,
    message: Option<Cow<'t, str>>,
    events: Cow<'t, str>,
    copies: Option<String>,
}

impl<'t> Rests<'t> {
    fn of(message: Placed<'t>, contents: &mut Contents<'t>, latest: &mut Latest<'t>) -> Self {
        let Placed { event, session, .. } = message;
        let place = (session, event.sequence);
        let message = event.message.as_deref().map(|text| {
            let earlier = if is_long(text) {
                latest.get(&event.session)
            } else {
                None
            };
            JsonText::after(text, earlier.map_or_else(Original::none, Original::earlier))
        });
        let of_message = |text| contents.take(place, Part::Message, text);
        let rest_of_message = message.as_ref().map(of_message).map(|cut| cut.rest);
        let original = Original::of(message.as_ref(), &event.events);
        let mut seen = JsonText::with_copies(&event.events, original);
        let of_events = contents.take(place, Part::Events, &seen);
        // It is kept until the words of the whole batch are known.
        seen.forget_many_strings();
        if let Some(mut message) = message.filter(|message| is_long(message.text)) {
            message.forget_many_strings();
            latest.insert(&event.session, message);
        }
        Self {
            seen,
            message: rest_of_message,
            events: of_events.rest,
            copies: copies_text(&of_events.copies),
        }
    }
}

fn put_rows<D: Database + ?Sized>(
    database: &mut D,
    messages: &[Placed<'_>],
    rests: &[Rests<'_>],
) -> Result<(), StoreError> {
    let rows = messages.iter().zip(rests).map(|(message, rests)| {
        let Placed { event, session, .. } = message;
        Ok(vec![
            (*session).into(),
            integer(event.sequence.value())?,
            event.recorded_at.into(),
            event.direction.name().into(),
            event.method.as_ref().into(),
            rests.message.as_deref().into(),
            rests.events.as_ref().into(),
            rests.copies.as_ref().into(),
            event.verdict.name().into(),
            event.failure.as_ref().into(),
            integer(events::texts_bytes(event))?,
        ])
    });
    let rows = Rows {
        columns: &[
            Column::Integer("session"),
            Column::Integer("sequence"),
            Column::Integer("recorded_at"),
            Column::Text("direction"),
            Column::Text("method"),
            Column::Text("message"),
            Column::Text("events"),
            Column::Text("copies"),
            Column::Text("verdict"),
            Column::Text("failure"),
            Column::Integer("bytes"),
        ],
        rows: rows.collect::<Result<_, StoreError>>()?,
    };
    let taken = database.insert_new("record the message", EVENTS, &rows)?;
    let taken = taken.and_then(|place| messages.get(place));
    taken.map_or(Ok(()), |Placed { event, .. }| {
        Err(StoreError::SequenceTaken {
            session: event.session.clone(),
            sequence: event.sequence,
        })
    })
}

fn put_violations<D: Database + ?Sized>(
    database: &mut D,
    messages: &[Placed<'_>],
) -> Result<(), StoreError> {
    let mut texts = Vec::new();
    for message in messages {
        for (place, violation) in message.event.violations.iter().enumerate() {
            texts.push((
                message,
                place as u64,
                violation,
                json_text(&violation.arguments.clone().into()),
                object_text(&violation.keywords),
                texts_text(&violation.ranges),
            ));
        }
    }
    if texts.is_empty() {
        return Ok(());
    }
    let rows = texts
        .iter()
        .map(|(message, place, violation, arguments, keywords, ranges)| {
            Ok(vec![
                message.session.into(),
                integer(message.event.sequence.value())?,
                integer(*place)?,
                violation.guardrail.id.as_ref().into(),
                (&violation.guardrail.name).into(),
                violation.action.name().into(),
                (&violation.message).into(),
                arguments.into(),
                keywords.into(),
                ranges.into(),
            ])
        });
    let rows = Rows {
        columns: &[
            Column::Integer("session"),
            Column::Integer("sequence"),
            Column::Integer("place"),
            Column::Text("guardrail_id"),
            Column::Text("guardrail_name"),
            Column::Text("action"),
            Column::Text("message"),
            Column::Text("arguments"),
            Column::Text("keywords"),
            Column::Text("ranges"),
        ],
        rows: rows.collect::<Result<_, StoreError>>()?,
    };
    database.with_rows("record the violation", PUT_VIOLATIONS, &rows)?;
    Ok(())
}

fn end_sessions<D: Database + ?Sized>(
    database: &mut D,
    ends: &BTreeMap<&SessionId, &SessionEnd>,
) -> Result<(), StoreError> {
    if ends.is_empty() {
        return Ok(());
    }
    let rows = ends.values().map(|end| {
        Ok(vec![
            end.session.as_str().into(),
            end.ended_at.into(),
            integer(end.last_sequence.map_or(0, Sequence::value))?,
        ])
    });
    let rows = Rows {
        columns: &[
            Column::Text("session"),
            Column::Integer("ended_at"),
            Column::Integer("last"),
        ],
        rows: rows.collect::<Result<_, StoreError>>()?,
    };
    let purpose = "record the end of the session";
    let mut ended = BTreeSet::new();
    for row in database.change(purpose, END_SESSIONS, &rows)? {
        ended.insert(Reader::new("session", row).text("id")?);
    }
    match ends.keys().find(|id| !ended.contains(id.as_str())) {
        None => Ok(()),
        Some(session) => Err(StoreError::UnknownSession {
            session: SessionId::clone(session),
        }),
    }
}

#[cfg(test)]
mod tests {
    use portcullis_trace::record::{Direction, Timestamp, Verdict};

    use super::*;

    fn event(text: &str) -> EventRecord {
        EventRecord {
            session: SessionId::from_uuid([0; 16]),
            sequence: Sequence::FIRST,
            recorded_at: Timestamp::from_micros(0),
            direction: Direction::ToServer,
            method: None,
            message: Some(text.into()),
            events: text.to_owned(),
            verdict: Verdict::Allow,
            violations: Vec::new(),
            failure: None,
        }
    }

    fn placed(event: &EventRecord) -> Placed<'_> {
        Placed {
            event,
            session: 1,
            words: None,
        }
    }

    #[test]
    fn places_of_many_short_strings_are_not_kept_with_a_batch() {
        let strings_kept = |text: &str| {
            let event = event(text);
            let mut latest = Latest::new();
            let rests = Rests::of(placed(&event), &mut Contents::default(), &mut latest);
            let message = latest.get(&event.session).unwrap();
            let kept = rests.seen.strings_if_known().len();
            assert_eq!(message.strings_if_known().len(), kept);
            kept
        };
        let long = "x".repeat(8192);
        assert_eq!(strings_kept(&format!("[\"{long}\"]")), 1);
        let many = ",\"\"".repeat(8192);
        assert_eq!(strings_kept(&format!("[\"{long}\"{many}]")), 0);
    }

    #[test]
    fn short_messages_are_compared_with_none() {
        let event = event("[\"short\"]");
        let mut latest = Latest::new();
        Rests::of(placed(&event), &mut Contents::default(), &mut latest);
        assert!(latest.is_empty());
    }
}
