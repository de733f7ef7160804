use std::path::Path;
use std::time::Duration;

use super::{BUSY_TIMEOUT, SqliteStore};
use crate::StoreError;
use crate::sql::{Access, Cell, Database, index_sessions, transaction};

/// The steps from an empty database to the present one. A step that was released never changes;
/// the schema version is the number of steps taken.
const MIGRATIONS: [&str; 8] = [
    include_str!("../../migrations/sqlite/0001_traces.sql"),
    include_str!("../../migrations/sqlite/0002_store.sql"),
    include_str!("../../migrations/sqlite/0003_continuation.sql"),
    include_str!("../../migrations/sqlite/0004_recording.sql"),
    include_str!("../../migrations/sqlite/0005_tool_pins.sql"),
    include_str!("../../migrations/sqlite/0006_recent_words.sql"),
    include_str!("../../migrations/sqlite/0007_packed_contents.sql"),
    include_str!("../../migrations/sqlite/0008_numbers.sql"),
];
/// The step that made sessions found by their words; older ones have none until they are read.
const SEARCH: usize = 2;

/// LIMIT: how long another process may take to do the same.
const MIGRATION_WAIT_MAX: Duration = Duration::from_mins(10);

const PURPOSE: &str = "bring the trace database up to date";

/// Brings the database to the newest schema, or refuses one that this program does not know.
///
/// Processes that meet here take turns: the version is read again under the write lock.
pub(super) fn run(store: &mut SqliteStore, path: &Path) -> Result<(), StoreError> {
    if version(store, path)? == MIGRATIONS.len() {
        return Ok(());
    }
    let wait = |store: &SqliteStore, longest| {
        let set = store.connection.busy_timeout(longest);
        set.map_err(super::failed(PURPOSE))
    };
    // Another process may be at it.
    wait(store, MIGRATION_WAIT_MAX)?;
    migrate(store, path)?;
    wait(store, BUSY_TIMEOUT)
}

fn migrate(store: &mut SqliteStore, path: &Path) -> Result<(), StoreError> {
    transaction(store, Access::Write, |store| {
        let taken = version(store, path)?;
        for (step, migration) in (1..).zip(MIGRATIONS).skip(taken) {
            let migrated = store.connection.execute_batch(migration);
            migrated.map_err(super::failed(PURPOSE))?;
            let note = format!("INSERT INTO schema_version (version) VALUES ({step})");
            store.execute(PURPOSE, &note, &[])?;
        }
        if (1..SEARCH).contains(&taken) {
            index_sessions(store)?;
        }
        Ok(())
    })
}

/// How many of the steps the database has taken.
fn version(store: &mut SqliteStore, path: &Path) -> Result<usize, StoreError> {
    let tables = number(
        store,
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table'",
    )?;
    let versioned = number(
        store,
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'",
    )?;
    let found = match (tables, versioned) {
        (0, _) => return Ok(0),
        (_, 0) => {
            return Err(StoreError::NotADatabase {
                path: path.to_owned(),
            });
        }
        _ => number(
            store,
            "SELECT coalesce(max(version), 0) FROM schema_version",
        )?,
    };
    usize::try_from(found)
        .ok()
        .filter(|steps| *steps <= MIGRATIONS.len())
        .ok_or_else(|| StoreError::NewerSchema {
            place: path.display().to_string(),
            found,
            known: MIGRATIONS.len() as u64,
        })
}

fn number(store: &mut SqliteStore, statement: &str) -> Result<u64, StoreError> {
    let rows = store.query("read the schema version", statement, &[])?;
    match rows.first().map(Vec::as_slice) {
        Some([Cell::Integer(number)]) => Ok(number.cast_unsigned()),
        _ => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc;
    use std::thread;

    use super::super::{FileId, open};
    use super::*;
    use crate::Durability;

    /// A connection that waits for others a little only, as long as nothing else is said.
    fn hasty(path: &Path) -> SqliteStore {
        let connection = open::connect(path, Durability::Relaxed).unwrap();
        connection.busy_timeout(Duration::from_millis(10)).unwrap();
        SqliteStore {
            connection,
            path: path.to_owned(),
            file: FileId::at(path).unwrap(),
        }
    }

    #[test]
    fn a_migration_is_waited_for_longer_than_a_write() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("traces.db");
        fs::write(&path, include_bytes!("../../tests/fixtures/version-7.db")).unwrap();
        let (mut first, mut second) = (hasty(&path), hasty(&path));
        first.begin(Access::Write).unwrap();
        let (begin, begun) = mpsc::sync_channel(1);
        thread::scope(|scope| {
            let opened = scope.spawn(|| {
                begin.send(()).unwrap();
                run(&mut second, &path)
            });
            begun.recv().unwrap();
            // What would not wait has failed by then.
            thread::sleep(Duration::from_millis(200));
            assert!(!opened.is_finished());
            // Taken twice, the step would fail.
            let step = MIGRATIONS[7];
            first.connection.execute_batch(step).unwrap();
            let note = "INSERT INTO schema_version (version) VALUES (8)";
            first.connection.execute_batch(note).unwrap();
            first.commit().unwrap();
            opened.join().unwrap().unwrap();
        });
        assert_eq!(version(&mut second, &path).unwrap(), MIGRATIONS.len());
        let waits = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let wait = second
            .connection
            .query_row("PRAGMA busy_timeout", [], waits);
        assert_eq!(u128::try_from(wait.unwrap()), Ok(BUSY_TIMEOUT.as_millis()));
    }
}
