use std::num::NonZeroUsize;
use std::path::Path;

use portcullis_store::{Durability, Entry, RecordError, Recorder, StoreError};
use tracing::{error, warn};

/// Entries that wait for the disk before traffic is held up.
const QUEUE_ENTRIES: NonZeroUsize = match NonZeroUsize::new(4096) {
    Some(entries) => entries,
    None => NonZeroUsize::MIN,
};

/// Where a session is recorded, if it is.
#[derive(Debug)]
pub(crate) struct Recording(Option<Recorder>);

// === impl Recording ===

impl Recording {
    /// Opens the database. Where durability is relaxed, one that cannot be opened costs the
    /// recording, not the session.
    pub(crate) fn open(
        database: &Path,
        durability: Durability,
    ) -> Result<(Self, Option<StoreError>), StoreError> {
        match (
            Recorder::open(database, durability, QUEUE_ENTRIES),
            durability,
        ) {
            (Ok(recorder), _) => Ok((Self(Some(recorder)), None)),
            (Err(error), Durability::Relaxed) => Ok((Self(None), Some(error))),
            (Err(error), Durability::Strict) => Err(error),
        }
    }

    /// After an error the message must not be forwarded.
    pub(crate) async fn record(&self, entry: impl Into<Entry>) -> Result<(), RecordError> {
        let Self(Some(recorder)) = self else {
            return Ok(());
        };
        let recorded = recorder.record(entry).await;
        if let Err(reason) = &recorded {
            error!(%reason, "message not recorded");
        }
        recorded
    }

    /// Waits, for a bounded time, until everything is on disk.
    pub(crate) async fn close(&self) {
        if let Self(Some(recorder)) = self
            && let Err(reason) = recorder.close().await
        {
            warn!(%reason, "recording not finished");
        }
    }
}
