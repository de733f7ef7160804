//! Traces in one SQLite file that several processes share.
//!
//! The file is in write-ahead-log mode: readers never wait for the writer, and writers, of which
//! there is one at a time, wait for each other at most [`BUSY_TIMEOUT`]. Every write is one
//! `BEGIN IMMEDIATE` transaction, which takes the write lock at its start, so that no transaction
//! fails half-way because somebody else wrote first.
mod migrations;
mod open;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;
use std::time::Duration;

use portcullis_trace::record::{EventRecord, SessionId, SessionSummary};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::{Entry, EventPage, FailureReason, SessionFilter, StoreError, TraceStore};

/// How long a write waits for another process to finish its own.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// One connection to a trace database.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
}

/// What a written entry survives.
///
/// Neither can leave a corrupt or half-written database behind. What differs is the newest
/// transactions: SQLite in WAL mode syncs its log on every commit only with `synchronous=FULL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A written entry survives the end of the process, `kill -9` included, because the log was
    /// handed to the operating system (`synchronous=NORMAL`). A power loss or a crash of the
    /// operating system may take the newest entries back.
    Relaxed,
    /// A written entry survives a power loss as well, on a disk that does not lie about syncing
    /// (`synchronous=FULL`).
    Strict,
}

// === impl SqliteStore ===

impl SqliteStore {
    /// Opens the database at `path`. What is missing is created for the owner alone: directories
    /// with mode 0700, the file with 0600. An older schema is brought up to date.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        open::create_missing(path)?;
        let connection = open::connect(path, durability)?;
        Ok(Self { connection })
    }

    /// Opens the database at `path` to look at it; unlike [`Self::open`] it creates nothing.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing {
                path: path.to_owned(),
            });
        }
        let connection = open::connect(path, Durability::Relaxed)?;
        Ok(Self { connection })
    }
}

impl TraceStore for SqliteStore {
    fn write(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed("begin to write"))?;
        for entry in entries {
            write::entry(&transaction, entry)?;
        }
        transaction
            .commit()
            .map_err(failed("commit to the trace database"))
    }

    fn sessions(&self, filter: &SessionFilter) -> Result<Vec<SessionSummary>, StoreError> {
        read::sessions(&self.connection, filter)
    }

    fn session(&self, prefix: &str) -> Result<SessionSummary, StoreError> {
        read::session(&self.connection, prefix)
    }

    fn events(&self, session: &SessionId, page: EventPage) -> Result<Vec<EventRecord>, StoreError> {
        read::events(&self.connection, session, page)
    }
}

/// Turns an error of SQLite into ours; `operation` completes "cannot …".
fn failed(operation: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| StoreError::Failed {
        operation,
        reason: failure_reason(&source),
        source: Box::new(source),
    }
}

fn failure_reason(error: &rusqlite::Error) -> FailureReason {
    if matches!(error, rusqlite::Error::ToSqlConversionFailure(_)) {
        return FailureReason::Unfit;
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => FailureReason::Busy,
        Some(ErrorCode::DiskFull) => FailureReason::DiskFull,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => FailureReason::ReadOnly,
        Some(ErrorCode::CannotOpen) => FailureReason::CannotOpen,
        Some(ErrorCode::DatabaseCorrupt) => FailureReason::Corrupt,
        Some(ErrorCode::TooBig) => FailureReason::Unfit,
        _ => FailureReason::Other,
    }
}
