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

use crate::*;
use portcullis_trace::record::Timestamp;

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

impl Store for SqliteStore {
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

    fn sessions(&mut self, filter: &SessionFilter) -> Result<Vec<SessionSummary>, StoreError> {
        read::sessions(&self.connection, filter)
    }

    fn session(&mut self, prefix: &str) -> Result<SessionSummary, StoreError> {
        read::session(&self.connection, prefix)
    }

    fn events(
        &mut self,
        session: &SessionId,
        page: EventPage,
    ) -> Result<Vec<EventRecord>, StoreError> {
        read::events(&self.connection, session, page)
    }

    fn append_messages(&mut self, _session: &SessionId, _push: &Push) -> Result<(), StoreError> {
        Err(StoreError::NotYet)
    }

    fn share_session(&mut self, _session: &SessionId, _is_shared: bool) -> Result<(), StoreError> {
        Err(StoreError::NotYet)
    }

    fn delete_session(&mut self, _session: &SessionId) -> Result<bool, StoreError> {
        Err(StoreError::NotYet)
    }

    fn forget(&mut self, _retention: &Retention) -> Result<Forgotten, StoreError> {
        Err(StoreError::NotYet)
    }

    fn create_project(&mut self, _project: &Project) -> Result<(), StoreError> {
        Err(StoreError::NotYet)
    }

    fn ensure_project(&mut self, _project: &Project) -> Result<Project, StoreError> {
        Err(StoreError::NotYet)
    }

    fn project(&mut self, _id: &ProjectId) -> Result<Option<ProjectSummary>, StoreError> {
        Err(StoreError::NotYet)
    }

    fn project_named(&mut self, _name: &str) -> Result<Option<ProjectSummary>, StoreError> {
        Err(StoreError::NotYet)
    }

    fn projects(&mut self, _filter: &ProjectFilter) -> Result<Vec<ProjectSummary>, StoreError> {
        Err(StoreError::NotYet)
    }

    fn update_project(
        &mut self,
        _id: &ProjectId,
        _change: &ProjectChange,
    ) -> Result<bool, StoreError> {
        Err(StoreError::NotYet)
    }

    fn delete_project(&mut self, _id: &ProjectId) -> Result<bool, StoreError> {
        Err(StoreError::NotYet)
    }

    fn create_guardrail(&mut self, _guardrail: &GuardrailRecord) -> Result<(), StoreError> {
        Err(StoreError::NotYet)
    }

    fn update_guardrail(
        &mut self,
        _id: &GuardrailId,
        _change: &GuardrailChange,
        _at: Timestamp,
    ) -> Result<Option<GuardrailRecord>, StoreError> {
        Err(StoreError::NotYet)
    }

    fn delete_guardrail(&mut self, _id: &GuardrailId, _at: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::NotYet)
    }

    fn guardrails(
        &mut self,
        _project: Option<&ProjectId>,
    ) -> Result<Vec<GuardrailRecord>, StoreError> {
        Err(StoreError::NotYet)
    }

    fn guardrail(&mut self, _id: &GuardrailId) -> Result<Option<GuardrailRecord>, StoreError> {
        Err(StoreError::NotYet)
    }

    fn guardrail_history(
        &mut self,
        _id: &GuardrailId,
    ) -> Result<Vec<GuardrailVersion>, StoreError> {
        Err(StoreError::NotYet)
    }

    fn guardrails_changed(&mut self) -> Result<u64, StoreError> {
        Err(StoreError::NotYet)
    }

    fn annotate(&mut self, _annotations: &[Annotation]) -> Result<(), StoreError> {
        Err(StoreError::NotYet)
    }

    fn annotations(&mut self, _session: &SessionId) -> Result<Vec<Annotation>, StoreError> {
        Err(StoreError::NotYet)
    }

    fn annotation_counts(
        &mut self,
        _sessions: &[SessionId],
    ) -> Result<Vec<AnnotationCount>, StoreError> {
        Err(StoreError::NotYet)
    }

    fn update_annotation(
        &mut self,
        _id: &AnnotationId,
        _change: &AnnotationChange,
    ) -> Result<Option<Annotation>, StoreError> {
        Err(StoreError::NotYet)
    }

    fn delete_annotation(&mut self, _id: &AnnotationId) -> Result<bool, StoreError> {
        Err(StoreError::NotYet)
    }

    fn replace_annotations(
        &mut self,
        _session: &SessionId,
        _source: &str,
        _annotations: &[Annotation],
    ) -> Result<Replaced, StoreError> {
        Err(StoreError::NotYet)
    }

    fn create_api_key(&mut self, _key: &ApiKey) -> Result<(), StoreError> {
        Err(StoreError::NotYet)
    }

    fn api_keys(&mut self) -> Result<Vec<ApiKey>, StoreError> {
        Err(StoreError::NotYet)
    }

    fn api_key(&mut self, _hash: &ApiKeyHash) -> Result<Option<ApiKey>, StoreError> {
        Err(StoreError::NotYet)
    }

    fn revoke_api_key(&mut self, _id: &ApiKeyId, _at: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::NotYet)
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
