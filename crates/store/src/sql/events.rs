//! The messages of a session, read in pages.
use std::collections::BTreeMap;

use portcullis_trace::record::{EventRecord, GuardrailName, Sequence, SessionId, ViolationRecord};

use super::contents::{Found, Part};
use super::copies::copies_of;
use super::row::{Reader, integer};
use super::{Database, Row};
use crate::{EventPage, StoreError};

/// LIMIT: what the texts of one page of messages may take together, the last one apart.
const PAGE_BYTES_MAX: i64 = 16 << 20;

const PURPOSE: &str = "read the messages of the session";

const SIZES_OF_EVENTS: &str = "
    SELECT sequence, bytes
    FROM events
    WHERE session = (SELECT number FROM sessions WHERE id = $1) AND sequence > $2
    ORDER BY sequence LIMIT $3";

const EVENTS: &str = "
    SELECT sequence, recorded_at, direction, method, message, events, copies, verdict, failure
    FROM events
    WHERE session = (SELECT number FROM sessions WHERE id = $1)
        AND sequence >= $2 AND sequence <= $3
    ORDER BY sequence";

const VIOLATIONS: &str = "
    SELECT sequence, guardrail_id, guardrail_name, action, message, arguments, keywords, ranges
    FROM violations
    WHERE session = (SELECT number FROM sessions WHERE id = $1)
        AND sequence >= $2 AND sequence <= $3
    ORDER BY sequence, place";

type Violations = BTreeMap<i64, Vec<ViolationRecord>>;

/// Runs in a transaction, so that the parts of the answer belong together.
pub(super) fn events<D: Database + ?Sized>(
    database: &mut D,
    session: &SessionId,
    page: EventPage,
) -> Result<Vec<EventRecord>, StoreError> {
    let Some((first, last)) = places(database, session, page)? else {
        return Ok(Vec::new());
    };
    let parameters = [
        session.as_str().into(),
        integer(first.value())?,
        integer(last.value())?,
    ];
    let rows = database.query(PURPOSE, EVENTS, &parameters)?;
    let mut violations = Violations::new();
    for row in database.query(
        "read the violations of the session",
        VIOLATIONS,
        &parameters,
    )? {
        let (sequence, violation) = violation(session, row)?;
        violations.entry(sequence).or_default().push(violation);
    }
    let contents = Found::read(database, session, (first, last))?;
    rows.into_iter()
        .map(|row| event(session, row, &contents, &mut violations))
        .collect()
}

/// The first and the last message of the page.
fn places<D: Database + ?Sized>(
    database: &mut D,
    session: &SessionId,
    page: EventPage,
) -> Result<Option<(Sequence, Sequence)>, StoreError> {
    let parameters = [
        session.as_str().into(),
        integer(page.after.map_or(0, Sequence::value))?,
        page.limit.min(EventPage::LIMIT_MAX).into(),
    ];
    let mut places = None;
    let mut bytes: i64 = 0;
    for row in database.query(PURPOSE, SIZES_OF_EVENTS, &parameters)? {
        let mut row = Reader::of("session", session.as_str(), row);
        let place = Sequence::new(row.count("sequence")?).ok_or_else(|| row.damaged("sequence"))?;
        let (first, _) = places.unwrap_or((place, place));
        places = Some((first, place));
        bytes = bytes.saturating_add(row.integer("bytes")?);
        if bytes > PAGE_BYTES_MAX {
            break;
        }
    }
    Ok(places)
}

fn event(
    session: &SessionId,
    row: Row,
    contents: &Found,
    violations: &mut Violations,
) -> Result<EventRecord, StoreError> {
    let mut row = Reader::of("session", session.as_str(), row);
    let sequence = row.integer("sequence")?;
    let place = u64::try_from(sequence).ok().and_then(Sequence::new);
    let place = place.ok_or_else(|| row.damaged("sequence"))?;
    let recorded_at = row.time("recorded_at")?;
    let direction = row.parsed("direction")?;
    let method = row.optional_text("method")?;
    let message = match row.optional_text("message")? {
        Some(rest) => {
            let whole = contents.whole(sequence, Part::Message, rest, (&[], ""));
            Some(whole.ok_or_else(|| row.damaged("message"))?)
        }
        None => None,
    };
    let rest = row.text("events")?;
    let copies = match row.optional_text("copies")? {
        Some(text) => copies_of(&text).ok_or_else(|| row.damaged("copies"))?,
        None => Vec::new(),
    };
    let original = (copies.as_slice(), message.as_deref().unwrap_or_default());
    let events = contents.whole(sequence, Part::Events, rest, original);
    Ok(EventRecord {
        session: session.clone(),
        sequence: place,
        recorded_at,
        direction,
        method,
        events: events.ok_or_else(|| row.damaged("events"))?,
        message: message.map(Into::into),
        verdict: row.parsed("verdict")?,
        violations: violations.remove(&sequence).unwrap_or_default(),
        failure: row.optional_text("failure")?,
    })
}

fn violation(session: &SessionId, row: Row) -> Result<(i64, ViolationRecord), StoreError> {
    let mut row = Reader::of("session", session.as_str(), row);
    let sequence = row.integer("sequence")?;
    let violation = ViolationRecord {
        guardrail: GuardrailName {
            id: row.optional_text("guardrail_id")?,
            name: row.text("guardrail_name")?,
        },
        action: row.parsed("action")?,
        message: row.text("message")?,
        arguments: row.list("arguments")?,
        keywords: row.object("keywords")?,
        ranges: row.texts("ranges")?,
    };
    Ok((sequence, violation))
}

/// What the texts of an event take.
pub(super) fn texts_bytes(event: &EventRecord) -> u64 {
    let message = event.message.as_ref().map_or(0, |message| message.len());
    (event.events.len() + message) as u64
}
