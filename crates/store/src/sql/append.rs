//! Messages that are pushed to a trace after its beginning.
use portcullis_trace::record::{EventRecord, Origin, Sequence, SessionId, SessionRecord};

use super::row::{Reader, integer};
use super::{Database, annotations, contents, events, sessions, write};
use crate::{EventPage, Push, StoreError};

const PURPOSE: &str = "append to the session";

const LOCK: &str = "SELECT origin, last_sequence FROM sessions WHERE id = $1";

const FIRST_NOT_OLDER: &str = "
    SELECT sequence FROM events
    WHERE session = (SELECT number FROM sessions WHERE id = $1) AND recorded_at >= $2
    ORDER BY sequence LIMIT 1";

const FORGET_TAIL: &str = "
    DELETE FROM events
    WHERE session = (SELECT number FROM sessions WHERE id = $1) AND sequence >= $2";

const COUNT_AGAIN: &str = "
    UPDATE sessions SET
        last_sequence = $2,
        event_count = event_count - $3,
        violation_count = violation_count - $4,
        bytes = bytes - $5
    WHERE id = $1";

const PUSHED: &str = "
    UPDATE sessions SET
        last_pushed_at = $2, active_at = CASE WHEN $2 > active_at THEN $2 ELSE active_at END
    WHERE id = $1";

/// A new session with its messages.
pub(super) fn push<D: Database + ?Sized>(
    database: &mut D,
    session: &SessionRecord,
    push: &Push,
) -> Result<(), StoreError> {
    sessions::put(database, session)?;
    append(database, &session.id, push)
}

pub(super) fn append<D: Database + ?Sized>(
    database: &mut D,
    session: &SessionId,
    push: &Push,
) -> Result<(), StoreError> {
    let last = lock(database, session)?;
    if let Some(earliest) = push.messages.iter().map(|message| message.at).min() {
        let parameters = [session.as_str().into(), earliest.into()];
        let rows = database.query(PURPOSE, FIRST_NOT_OLDER, &parameters)?;
        let place = match rows.into_iter().next() {
            Some(row) => {
                let mut row = Reader::of("session", session.as_str(), row);
                Sequence::new(row.count("sequence")?)
            }
            None => None,
        };
        // What stands before stays where it is; in most cases, that is everything.
        let first = place.unwrap_or_else(|| last.map_or(Sequence::FIRST, Sequence::next));
        let tail = take_tail(database, session, first)?;
        let merged = merge(session, first, tail, push);
        write::put_events(database, &merged.iter().collect::<Vec<_>>())?;
    }
    let parameters = [session.as_str().into(), push.pushed_at.into()];
    database.execute(PURPOSE, PUSHED, &parameters)?;
    annotations::put(database, &push.annotations)
}

/// Keeps other pushes to the session waiting until this one is done; returns its last place.
fn lock<D: Database + ?Sized>(
    database: &mut D,
    session: &SessionId,
) -> Result<Option<Sequence>, StoreError> {
    let statement = format!("{LOCK} {}", D::FOR_UPDATE);
    let rows = database.query(PURPOSE, &statement, &[session.as_str().into()])?;
    let Some(row) = rows.into_iter().next() else {
        return Err(StoreError::UnknownSession {
            session: session.clone(),
        });
    };
    let mut row = Reader::of("session", session.as_str(), row);
    match row.parsed("origin")? {
        Origin::Pushed => Ok(Sequence::new(row.count("last_sequence")?)),
        Origin::Live => Err(StoreError::NotPushed {
            session: session.clone(),
        }),
    }
}

/// Removes the messages from `first` on, to be written again behind others.
fn take_tail<D: Database + ?Sized>(
    database: &mut D,
    session: &SessionId,
    first: Sequence,
) -> Result<Vec<EventRecord>, StoreError> {
    let mut tail = Vec::new();
    let mut page = EventPage {
        after: Sequence::new(first.value() - 1),
        limit: EventPage::LIMIT_MAX,
    };
    loop {
        let events = events::events(database, session, page)?;
        let Some(last) = events.last() else { break };
        page = page.after(last.sequence);
        tail.extend(events);
    }
    if tail.is_empty() {
        return Ok(tail);
    }
    let contents = contents::of_events(database, session, (first, Sequence::LAST))?;
    let first_place = integer(first.value())?;
    let tail_places = [session.as_str().into(), first_place];
    database.execute(PURPOSE, FORGET_TAIL, &tail_places)?;
    contents::delete_unused(database, &contents)?;
    let violations: usize = tail.iter().map(EventRecord::violation_count).sum();
    let parameters = [
        session.as_str().into(),
        integer(first.value() - 1)?,
        integer(tail.len() as u64)?,
        integer(violations as u64)?,
        integer(tail.iter().map(events::texts_bytes).sum())?,
    ];
    database.execute(PURPOSE, COUNT_AGAIN, &parameters)?;
    Ok(tail)
}

/// As the reference merges: of two that are next, the one that was there goes first only if it is
/// strictly older.
fn merge(
    session: &SessionId,
    first: Sequence,
    tail: Vec<EventRecord>,
    push: &Push,
) -> Vec<EventRecord> {
    let mut merged = Vec::with_capacity(tail.len() + push.messages.len());
    let mut sequence = first;
    let mut put = |event: EventRecord| {
        merged.push(EventRecord { sequence, ..event });
        sequence = sequence.next();
    };
    let mut tail = tail.into_iter().peekable();
    for message in &push.messages {
        while let Some(older) = tail.next_if(|event| event.recorded_at < message.at) {
            put(older);
        }
        put(message.event(session.clone(), first));
    }
    tail.for_each(put);
    merged
}
