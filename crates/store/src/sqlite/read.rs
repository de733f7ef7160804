use std::str::FromStr;

use portcullis_json::{Limits, Object, Value, parse};
use portcullis_trace::record::{
    EventRecord, GuardrailName, Implementation, Origin, Sequence, SessionId, SessionRecord,
    SessionSummary, Timestamp, ViolationRecord,
};
use rusqlite::{Connection, Row, named_params, params};

use super::failed;
use crate::{EventPage, SessionFilter, StoreError};

/// What the texts of one page of messages may take together, the last one apart.
const PAGE_BYTES_MAX: usize = 16 << 20;

const SESSION_COLUMNS: &str = "
    SELECT id, project, name, server, client_name, client_version, started_at, ended_at, metadata,
        last_sequence, event_count, violation_count
    FROM sessions";

const LISTED_SESSIONS: &str = "
    WHERE (:project IS NULL OR project = :project)
        AND (:name IS NULL OR name = :name)
        AND (:server IS NULL OR server = :server)
        AND (NOT :with_violations_only OR violation_count > 0)
    ORDER BY started_at DESC, id DESC
    LIMIT :limit OFFSET :offset";

/// `g` comes after every character of an id, so that the range holds exactly what begins alike.
const SESSIONS_WITH_PREFIX: &str = "WHERE id >= ?1 AND id < ?1 || 'g' ORDER BY id LIMIT 2";

const EVENTS_OF_SESSION: &str = "
    SELECT session, sequence, recorded_at, direction, method, message, events, verdict, failure
    FROM events WHERE session = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3";

const VIOLATIONS_OF_EVENT: &str = "
    SELECT session, guardrail_id, guardrail_name, action, message, arguments, keywords, ranges
    FROM violations WHERE session = ?1 AND sequence = ?2 ORDER BY place";

pub(super) fn sessions(
    connection: &Connection,
    filter: &SessionFilter,
) -> Result<Vec<SessionSummary>, StoreError> {
    let unread = failed("list the sessions");
    let statement = format!("{SESSION_COLUMNS} {LISTED_SESSIONS}");
    let mut statement = connection.prepare_cached(&statement).map_err(&unread)?;
    let mut rows = statement
        .query(named_params! {
            ":project": filter.project,
            ":name": filter.name,
            ":server": filter.server,
            ":with_violations_only": filter.with_violations_only,
            ":limit": filter.limit.min(SessionFilter::LIMIT_MAX),
            ":offset": filter.offset,
        })
        .map_err(&unread)?;
    let mut sessions = Vec::new();
    while let Some(row) = rows.next().map_err(&unread)? {
        sessions.push(summary(row)?);
    }
    Ok(sessions)
}

pub(super) fn session(connection: &Connection, prefix: &str) -> Result<SessionSummary, StoreError> {
    let of_an_id = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    if prefix.is_empty() || !prefix.bytes().all(of_an_id) {
        return Err(StoreError::InvalidPrefix {
            prefix: prefix.to_owned(),
        });
    }
    let unread = failed("find the session");
    let statement = format!("{SESSION_COLUMNS} {SESSIONS_WITH_PREFIX}");
    let mut statement = connection.prepare_cached(&statement).map_err(&unread)?;
    let mut rows = statement.query([prefix]).map_err(&unread)?;
    let Some(row) = rows.next().map_err(&unread)? else {
        return Err(StoreError::NoSession {
            prefix: prefix.to_owned(),
        });
    };
    let found = summary(row)?;
    match rows.next().map_err(&unread)? {
        None => Ok(found),
        Some(_) => Err(StoreError::AmbiguousPrefix {
            prefix: prefix.to_owned(),
        }),
    }
}

pub(super) fn events(
    connection: &Connection,
    session: &SessionId,
    page: EventPage,
) -> Result<Vec<EventRecord>, StoreError> {
    let unread = failed("read the messages of the session");
    // One snapshot for the messages and their violations.
    let snapshot = connection.unchecked_transaction().map_err(&unread)?;
    let mut statement = snapshot
        .prepare_cached(EVENTS_OF_SESSION)
        .map_err(&unread)?;
    let after = page.after.map_or(0, Sequence::value);
    let limit = page.limit.min(EventPage::LIMIT_MAX);
    let mut rows = statement
        .query(params![session.as_str(), after, limit])
        .map_err(&unread)?;
    let mut events = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next().map_err(&unread)? {
        let event = event(&snapshot, row)?;
        bytes += event.events.len() + event.message.as_ref().map_or(0, |message| message.len());
        events.push(event);
        if bytes > PAGE_BYTES_MAX {
            break;
        }
    }
    Ok(events)
}

fn summary(row: &Row<'_>) -> Result<SessionSummary, StoreError> {
    let columns = Columns::of(row)?;
    let last_sequence: u64 = columns.value("last_sequence")?;
    let events: u64 = columns.value("event_count")?;
    let client_version = columns.value("client_version")?;
    let client: Option<String> = columns.value("client_name")?;
    Ok(SessionSummary {
        session: SessionRecord {
            id: columns.parsed("id")?,
            project: columns.value("project")?,
            name: columns.value("name")?,
            server: columns.value("server")?,
            client: client.map(|name| Implementation {
                name,
                version: client_version,
            }),
            started_at: Timestamp::from_micros(columns.value("started_at")?),
            metadata: columns.object("metadata")?,
            origin: Origin::Live,
            index: None,
            hierarchy_path: Vec::new(),
        },
        ended_at: columns
            .value::<Option<i64>>("ended_at")?
            .map(Timestamp::from_micros),
        events,
        events_lost: last_sequence.saturating_sub(events),
        violations: columns.value("violation_count")?,
        last_pushed_at: None,
        is_shared: false,
    })
}

fn event(connection: &Connection, row: &Row<'_>) -> Result<EventRecord, StoreError> {
    let columns = Columns::of(row)?;
    let sequence = columns.value("sequence")?;
    Ok(EventRecord {
        session: columns.parsed("session")?,
        sequence: Sequence::new(sequence).ok_or_else(|| columns.damaged("sequence"))?,
        recorded_at: Timestamp::from_micros(columns.value("recorded_at")?),
        direction: columns.parsed("direction")?,
        method: columns.value("method")?,
        message: columns.value("message")?,
        events: columns.value("events")?,
        verdict: columns.parsed("verdict")?,
        violations: violations(connection, &columns.session, sequence)?,
        failure: columns.value("failure")?,
    })
}

fn violations(
    connection: &Connection,
    session: &str,
    sequence: u64,
) -> Result<Vec<ViolationRecord>, StoreError> {
    let unread = failed("read the violations of the session");
    let mut statement = connection
        .prepare_cached(VIOLATIONS_OF_EVENT)
        .map_err(&unread)?;
    let mut rows = statement
        .query(params![session, sequence])
        .map_err(&unread)?;
    let mut violations = Vec::new();
    while let Some(row) = rows.next().map_err(&unread)? {
        violations.push(violation(&Columns::of(row)?)?);
    }
    Ok(violations)
}

fn violation(columns: &Columns<'_>) -> Result<ViolationRecord, StoreError> {
    let ranges = columns.list("ranges")?;
    let ranges = ranges.iter().map(|range| range.as_str().map(str::to_owned));
    Ok(ViolationRecord {
        guardrail: GuardrailName {
            id: columns.value("guardrail_id")?,
            name: columns.value("guardrail_name")?,
        },
        action: columns.parsed("action")?,
        message: columns.value("message")?,
        arguments: columns.list("arguments")?,
        keywords: columns.object("keywords")?,
        ranges: ranges
            .collect::<Option<_>>()
            .ok_or_else(|| columns.damaged("ranges"))?,
    })
}

/// The columns of a row that belongs to a session, read by name into our types.
struct Columns<'r> {
    row: &'r Row<'r>,
    session: String,
}

// === impl Columns ===

impl<'r> Columns<'r> {
    /// INVARIANT: the first column of every statement above is the session's id.
    fn of(row: &'r Row<'r>) -> Result<Self, StoreError> {
        let session = row.get(0).map_err(failed("read a session id"))?;
        Ok(Self { row, session })
    }

    fn value<T: rusqlite::types::FromSql>(&self, column: &str) -> Result<T, StoreError> {
        self.row
            .get(column)
            .map_err(failed("read a recorded column"))
    }

    fn parsed<T: FromStr>(&self, column: &str) -> Result<T, StoreError> {
        self.value::<String>(column)?
            .parse()
            .map_err(|_| self.damaged(column))
    }

    fn list(&self, column: &str) -> Result<Vec<Value>, StoreError> {
        match self.json(column)? {
            Value::Array(items) => Ok(items.to_vec()),
            _ => Err(self.damaged(column)),
        }
    }

    fn object(&self, column: &str) -> Result<Object, StoreError> {
        match self.json(column)? {
            Value::Object(object) => Ok(Object::clone(&object)),
            _ => Err(self.damaged(column)),
        }
    }

    fn json(&self, column: &str) -> Result<Value, StoreError> {
        let text: String = self.value(column)?;
        parse(&text, &Limits::lenient()).map_err(|_| self.damaged(column))
    }

    fn damaged(&self, column: &str) -> StoreError {
        StoreError::Damaged {
            session: self.session.clone(),
            what: format!("`{column}` holds what no version of this program wrote"),
        }
    }
}
