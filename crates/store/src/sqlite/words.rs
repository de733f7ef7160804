//! Words on their way into the index.
//!
//! The full-text index of SQLite costs the more, the fewer words come at once. So new words are
//! appended to a small table, and go into the index when that is full: in the transaction that fills
//! it, so that its size is bounded. What has a word in both is one session, and a search reads both.
use super::SqliteStore;
use crate::StoreError;
use crate::sql::{Cell, Database, Rows, joined};

/// LIMIT: what the words that are not in the index may take. Every search reads them, and the index
/// sorts them, which takes less where they fit into the caches of a processor.
const RECENT_BYTES_MAX: i64 = 256 << 10;

const PURPOSE: &str = "record the words of the session";

const PUT_RECENT: &str = "INSERT INTO recent_words (id, words) VALUES ($1, $2)";

const COUNT_RECENT: &str = "
    UPDATE counters SET value = value + $1 WHERE name = 'recent-words-bytes' RETURNING value";

const RECENT: &str = "SELECT id, words FROM recent_words ORDER BY id";

/// From values, not from a query, after each of which the index would be written.
const PUT_INDEX: &str = "INSERT INTO session_words (rowid, words) VALUES ($1, $2)";

/// All of a session's: the table is small, and has no index.
const DELETE_RECENT: &str = "DELETE FROM recent_words WHERE id >> 24 = $1";

const DELETE_INDEX: &str = "DELETE FROM session_words WHERE rowid IN (SELECT r.id FROM {rows})";

pub(super) fn put(store: &mut SqliteStore, rows: &[(i64, String)]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    for (id, words) in rows {
        store.execute(PURPOSE, PUT_RECENT, &[(*id).into(), words.into()])?;
    }
    let bytes: usize = rows.iter().map(|(_, words)| words.len()).sum();
    let bytes = i64::try_from(bytes).unwrap_or(RECENT_BYTES_MAX);
    let counted = store.query(PURPOSE, COUNT_RECENT, &[bytes.into()])?;
    match counted.first().map(Vec::as_slice) {
        Some([Cell::Integer(bytes)]) if *bytes < RECENT_BYTES_MAX => Ok(()),
        _ => index(store),
    }
}

/// Moves all words into the index.
fn index(store: &mut SqliteStore) -> Result<(), StoreError> {
    for (id, words) in joined(store.query(PURPOSE, RECENT, &[])?)? {
        store.execute(PURPOSE, PUT_INDEX, &[id.into(), (&words).into()])?;
    }
    store.execute(PURPOSE, "DELETE FROM recent_words", &[])?;
    let none = "UPDATE counters SET value = 0 WHERE name = 'recent-words-bytes'";
    store.execute(PURPOSE, none, &[])?;
    Ok(())
}

pub(super) fn delete(
    store: &mut SqliteStore,
    session: i64,
    rows: &Rows<'_>,
) -> Result<(), StoreError> {
    let purpose = "delete the words of the session";
    store.execute(purpose, DELETE_RECENT, &[session.into()])?;
    store.with_rows(purpose, DELETE_INDEX, rows)?;
    Ok(())
}
