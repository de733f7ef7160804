//! The words of traces, so that a search is a look into an index.
//!
//! A word is a run of letters and digits, in lower case. Those of every text and number in what
//! policies see of a message count; names of members do not. A session has a word once, however
//! often it occurs.
//!
//! Where the index is slow to take many small rows, words wait in a table of their own, which every
//! search reads, until there are enough of them: see [`Database::put_words`].
mod before;
mod repeats;
mod seen;
mod short;
mod split;

use std::collections::BTreeMap;

use portcullis_json::{Object, Value};
use portcullis_trace::record::SessionId;

use self::seen::{Said, Seen};
pub(super) use self::split::{cut, words_of};
use super::row::{Parameter, Reader};
use super::strings::JsonText;
use super::{Column, Database, Row, Rows, events};
use crate::{EventPage, StoreError};

/// LIMIT: values of one session's metadata that can be found.
const PROPERTIES_MAX: usize = 256;

const ADD_ROW: &str = "
    UPDATE sessions SET word_rows = word_rows + 1 WHERE number = $1 RETURNING word_rows";

/// LIMIT: rows of words of one session; what is said after them is not found. It is their share of
/// the numbers of rows.
const ROWS_MAX: i64 = (1 << ROW_BITS) - 1;
const ROW_BITS: u32 = 24;

const DELETE_PROPERTIES: &str = "DELETE FROM session_properties WHERE session = $1";

const PUT_PROPERTIES: &str = "
    INSERT INTO session_properties (session, key, value, number)
    SELECT r.session, r.key, r.value, r.number FROM {rows} WHERE true
    ON CONFLICT (session, key) DO NOTHING";

/// What policies saw of messages that are written together, by the number of the row that their
/// words get.
#[derive(Default)]
pub(super) struct WordRows<'t>(BTreeMap<i64, Vec<&'t JsonText<'t>>>);

/// The number of the row with the latest words of a session that has so many rows.
pub(super) fn row_number(session: i64, word_rows: i64) -> Option<i64> {
    (word_rows <= ROWS_MAX).then_some((session << ROW_BITS) | word_rows)
}

/// Makes a session, which is deleted, found no more.
pub(super) fn delete<D: Database + ?Sized>(
    database: &mut D,
    session: i64,
    word_rows: i64,
) -> Result<(), StoreError> {
    let rows = (1..=word_rows).filter_map(|row| row_number(session, row));
    let rows = Rows {
        columns: &[Column::Integer("id")],
        rows: rows.map(|row| vec![Parameter::Integer(row)]).collect(),
    };
    database.delete_words(session, &rows)?;
    let purpose = "delete the metadata of the session";
    database.execute(purpose, DELETE_PROPERTIES, &[Parameter::Integer(session)])?;
    Ok(())
}

/// Makes the values of a session's metadata, as they are now, those that are found.
pub(super) fn put_properties<D: Database + ?Sized>(
    database: &mut D,
    session: i64,
    metadata: &Object,
) -> Result<(), StoreError> {
    let purpose = "record the metadata of the session";
    let session = Parameter::Integer(session);
    database.execute(purpose, DELETE_PROPERTIES, &[session])?;
    let values: Vec<_> = metadata
        .iter()
        .filter_map(|(key, value)| Some((cut(key), property(value)?)))
        .take(PROPERTIES_MAX)
        .collect();
    let rows = values.iter().map(|(key, value)| {
        let number = value
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite());
        let number = number.map_or(Parameter::Null, Parameter::Real);
        vec![session, (*key).into(), cut(value).into(), number]
    });
    let rows = Rows {
        columns: &[
            Column::Integer("session"),
            Column::Text("key"),
            Column::Text("value"),
            Column::Real("number"),
        ],
        rows: rows.collect(),
    };
    database.with_rows(purpose, PUT_PROPERTIES, &rows)?;
    Ok(())
}

/// The text that a condition compares; nested values have none.
fn property(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Makes sessions found that were written by a version that knew no search.
pub(crate) fn index_sessions<D: Database + ?Sized>(database: &mut D) -> Result<(), StoreError> {
    let purpose = "make the sessions found";
    let sessions = "SELECT id, number, metadata FROM sessions ORDER BY number";
    for row in database.query(purpose, sessions, &[])? {
        let mut row = Reader::new("session", row);
        let id: SessionId = row.parsed("id")?;
        let number = row.integer("number")?;
        put_properties(database, number, &row.object("metadata")?)?;
        let mut words = Seen::default();
        let mut page = EventPage::first(EventPage::LIMIT_MAX);
        loop {
            let events = events::events(database, &id, page)?;
            let Some(last) = events.last() else { break };
            page = page.after(last.sequence);
            for event in &events {
                let events = JsonText::new(&event.events);
                words.add_message(&events, &mut Said::default());
            }
        }
        for row in database.query(purpose, ADD_ROW, &[Parameter::Integer(number)])? {
            let word_rows = Reader::of("session", id.as_str(), row).integer("word_rows")?;
            if let Some(row) = row_number(number, word_rows) {
                database.put_words(&[(row, words.take_text())])?;
                break;
            }
        }
    }
    Ok(())
}

/// What a statement is given of rows of words.
pub(crate) fn word_rows(rows: &[(i64, String)]) -> Rows<'_> {
    let rows = rows.iter();
    Rows {
        columns: &[Column::Integer("id"), Column::Text("words")],
        rows: rows
            .map(|(id, words)| vec![Parameter::Integer(*id), words.into()])
            .collect(),
    }
}

/// Joins rows of one session into its latest, one session after the other. The rows come in the
/// order of their numbers.
pub(crate) fn joined(rows: Vec<Row>) -> Result<Vec<(i64, String)>, StoreError> {
    let mut joined = Vec::new();
    let mut latest: Option<(i64, Seen)> = None;
    for row in rows {
        let mut row = Reader::new("words", row);
        let id = row.integer("id")?;
        let mut words = match latest.take() {
            Some((before, words)) if before >> ROW_BITS == id >> ROW_BITS => words,
            Some((before, mut words)) => {
                joined.push((before, words.take_text()));
                Seen::default()
            }
            None => Seen::default(),
        };
        words.add_kept(&row.text("words")?);
        latest = Some((id, words));
    }
    joined.extend(latest.map(|(id, mut words)| (id, words.take_text())));
    Ok(joined)
}

// === impl WordRows ===

impl<'t> WordRows<'t> {
    /// Adds what policies saw of a message.
    pub(super) fn add(&mut self, row: i64, events: &'t JsonText<'t>) {
        self.0.entry(row).or_default().push(events);
    }

    pub(super) fn put<D: Database + ?Sized>(self, database: &mut D) -> Result<(), StoreError> {
        let mut words = Seen::default();
        let mut said = Said::default();
        let rows = self.0.into_iter().map(|(row, messages)| {
            said.clear();
            for events in messages {
                words.add_message(events, &mut said);
            }
            (row, words.take_text())
        });
        let rows: Vec<_> = rows.filter(|(_, words)| !words.is_empty()).collect();
        database.put_words(&rows)
    }
}
