use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::failed;
use crate::StoreError;

/// The steps from an empty database to the present one. A step that was released never changes;
/// the schema version is the number of steps taken.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/0001_traces.sql")];

/// Brings the database to the newest schema, or refuses one that this program does not know.
///
/// Processes that meet here take turns: the version is read again under the write lock.
pub(super) fn run(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    if version(connection, path)? == MIGRATIONS.len() {
        return Ok(());
    }
    let refused = failed("bring the trace database up to date");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&refused)?;
    let taken = version(&transaction, path)?;
    for (place, migration) in MIGRATIONS.iter().enumerate().skip(taken) {
        transaction.execute_batch(migration).map_err(&refused)?;
        transaction
            .execute(
                "INSERT INTO schema_version (version) VALUES (?1)",
                [place + 1],
            )
            .map_err(&refused)?;
    }
    transaction.commit().map_err(&refused)
}

/// How many of the steps the database has taken.
fn version(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    let unread = failed("read the schema version");
    let tables = connection
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table'",
            [],
            |row| row.get(0),
        )
        .map_err(&unread)?;
    let versioned = connection
        .table_exists(None, "schema_version")
        .map_err(&unread)?;
    let found: u64 = match (tables, versioned) {
        (0_u64, _) => return Ok(0),
        (_, false) => {
            return Err(StoreError::NotADatabase {
                path: path.to_owned(),
            });
        }
        (_, true) => connection
            .query_row(
                "SELECT coalesce(max(version), 0) FROM schema_version",
                [],
                |row| row.get(0),
            )
            .map_err(&unread)?,
    };
    usize::try_from(found)
        .ok()
        .filter(|steps| *steps <= MIGRATIONS.len())
        .ok_or_else(|| StoreError::NewerSchema {
            path: path.to_owned(),
            found,
            known: MIGRATIONS.len() as u64,
        })
}
