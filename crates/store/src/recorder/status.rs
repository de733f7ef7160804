use std::sync::{Mutex, MutexGuard, PoisonError};

use super::RecordError;

/// How a recorder fares.
#[derive(Clone, Debug, Default)]
pub struct RecorderStatus {
    /// Entries that were not recorded since the recorder started.
    pub lost: u64,
    /// Why the latest entry could not be recorded; `None` once one was written again.
    pub failure: Option<RecordError>,
}

/// The count of lost entries, shared by those who lose them.
#[derive(Debug, Default)]
pub(super) struct Losses {
    status: Mutex<RecorderStatus>,
}

// === impl Losses ===

impl Losses {
    pub(super) fn status(&self) -> RecorderStatus {
        self.lock().clone()
    }

    /// Counts one loss, and logs it if recording worked until now: a full disk must not fill the
    /// log as well.
    pub(super) fn lost(&self, error: &RecordError) {
        let mut status = self.lock();
        status.lost = status.lost.saturating_add(1);
        if status.failure.replace(error.clone()).is_none() {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(%error, cause, lost = status.lost, "recording fails");
        }
    }

    /// Whether entries were lost, and none was written since.
    pub(super) fn is_losing(&self) -> bool {
        self.lock().failure.is_some()
    }

    pub(super) fn written(&self) {
        let mut status = self.lock();
        if status.failure.take().is_some() {
            tracing::info!(lost = status.lost, "recording works again");
        }
    }

    /// No holder of the lock can leave the status half changed, so that a poisoned one is good.
    fn lock(&self) -> MutexGuard<'_, RecorderStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
