//! Retention: the longest idle sessions go first, a bounded number of messages at a time.
use portcullis_trace::record::{Sequence, SessionId};

use super::row::{Parameter, Reader, integer};
use super::{Database, contents, sessions};
use crate::{Forgotten, Retention, StoreError};

const PURPOSE: &str = "forget old sessions";

/// LIMIT: messages that one step forgets, so that no writer waits long for it.
const EVENTS_MAX: u64 = 2000;
/// LIMIT: sessions that one step forgets.
const SESSIONS_MAX: u32 = 200;

const LONGEST_IDLE: &str = "
    SELECT id, active_at, event_count, bytes FROM sessions
    WHERE active_at < $1 ORDER BY active_at, id LIMIT $2";

const BYTES: &str = "SELECT CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM sessions";

const LAST_OF_FIRST: &str = "
    SELECT sequence FROM events
    WHERE session = (SELECT number FROM sessions WHERE id = $1)
    ORDER BY sequence LIMIT 1 OFFSET $2";

const SUMS: &str = "
    SELECT count(*), CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM events
    WHERE session = (SELECT number FROM sessions WHERE id = $1) AND sequence <= $2";

const DELETE_FIRST: &str = "
    DELETE FROM events
    WHERE session = (SELECT number FROM sessions WHERE id = $1) AND sequence <= $2";

const COUNT_AGAIN: &str = "
    UPDATE sessions SET event_count = event_count - $2, bytes = bytes - $3 WHERE id = $1";

/// A session that nobody has used for long.
struct Idle {
    session: SessionId,
    active_at: i64,
    events: u64,
    bytes: u64,
}

pub(super) fn forget<D: Database + ?Sized>(
    database: &mut D,
    retention: &Retention,
) -> Result<Forgotten, StoreError> {
    let mut excess = match retention.bytes_max {
        Some(bytes_max) => bytes(database)?.saturating_sub(bytes_max),
        None => 0,
    };
    let is_old = |idle: &Idle| {
        retention
            .idle_since
            .is_some_and(|since| idle.active_at < since.as_micros())
    };
    let mut forgotten = Forgotten::default();
    let candidates = longest_idle(database, retention)?;
    for idle in &candidates {
        if !is_old(idle) && excess == 0 {
            return Ok(forgotten);
        }
        if forgotten.events + idle.events > EVENTS_MAX {
            if forgotten.events == 0 {
                forgotten.events = forget_first(database, &idle.session)?;
            }
            forgotten.more = true;
            return Ok(forgotten);
        }
        sessions::delete(database, &idle.session)?;
        forgotten.sessions += 1;
        forgotten.events += idle.events;
        excess = excess.saturating_sub(idle.bytes);
    }
    forgotten.more = candidates.len() >= SESSIONS_MAX as usize;
    Ok(forgotten)
}

fn bytes<D: Database + ?Sized>(database: &mut D) -> Result<u64, StoreError> {
    match database.query(PURPOSE, BYTES, &[])?.into_iter().next() {
        Some(row) => Reader::new("size of all sessions", row).count("bytes"),
        None => Ok(0),
    }
}

fn longest_idle<D: Database + ?Sized>(
    database: &mut D,
    retention: &Retention,
) -> Result<Vec<Idle>, StoreError> {
    let parameters = [retention.active_since.into(), SESSIONS_MAX.into()];
    database
        .query(PURPOSE, LONGEST_IDLE, &parameters)?
        .into_iter()
        .map(|row| {
            let mut row = Reader::new("session", row);
            Ok(Idle {
                session: row.parsed("id")?,
                active_at: row.integer("active_at")?,
                events: row.count("event_count")?,
                bytes: row.count("bytes")?,
            })
        })
        .collect()
}

/// Takes the first messages of a session that is too long to be deleted at once.
fn forget_first<D: Database + ?Sized>(
    database: &mut D,
    session: &SessionId,
) -> Result<u64, StoreError> {
    let parameters = [session.as_str().into(), integer(EVENTS_MAX - 1)?];
    let Some(row) = database
        .query(PURPOSE, LAST_OF_FIRST, &parameters)?
        .into_iter()
        .next()
    else {
        return Ok(0);
    };
    let mut row = Reader::of("session", session.as_str(), row);
    let last = Sequence::new(row.count("sequence")?).ok_or_else(|| row.damaged("sequence"))?;
    let first = [session.as_str().into(), integer(last.value())?];
    let Some(row) = database.query(PURPOSE, SUMS, &first)?.into_iter().next() else {
        return Ok(0);
    };
    let mut row = Reader::of("session", session.as_str(), row);
    let (events, bytes) = (row.count("count")?, row.count("sum")?);
    let contents = contents::of_events(database, session, (Sequence::FIRST, last))?;
    database.execute(PURPOSE, DELETE_FIRST, &first)?;
    contents::delete_unused(database, &contents)?;
    let parameters: [Parameter<'_>; 3] =
        [session.as_str().into(), integer(events)?, integer(bytes)?];
    database.execute(PURPOSE, COUNT_AGAIN, &parameters)?;
    Ok(events)
}
