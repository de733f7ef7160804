use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::iter::successors;
use std::sync::{Mutex, MutexGuard, PoisonError};

use portcullis_trace::record::{SessionId, SessionRecord};

use super::RecordError;
use crate::Entry;

/// LIMIT: sessions that are known though their beginning was lost. What follows of others is lost.
const BEGINNINGS_MAX: usize = 4096;

/// How a recorder fares.
#[derive(Clone, Debug, Default)]
pub struct RecorderStatus {
    /// Entries that were not recorded since the recorder started.
    pub lost: u64,
    /// Why the latest entry could not be recorded; `None` once one was written again.
    pub failure: Option<RecordError>,
}

/// What was lost, shared by those who lose it.
#[derive(Debug, Default)]
pub(super) struct Losses {
    status: Mutex<RecorderStatus>,
    /// Sessions whose beginning was lost: without it nothing of them can be recorded.
    beginnings: Mutex<HashMap<SessionId, SessionRecord>>,
}

/// What an entry is to the session that it is of, once it is lost.
#[derive(Debug)]
pub(super) enum Lost {
    Beginning(SessionRecord),
    End(SessionId),
    Between,
}

// === impl RecorderStatus ===

impl RecorderStatus {
    /// Whether anything was lost, or is by now.
    pub fn has_losses(&self) -> bool {
        self.lost > 0 || self.failure.is_some()
    }
}

/// What of it an operator has to know.
impl fmt::Display for RecorderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lost {
            0 if self.failure.is_none() => return f.write_str("nothing was lost"),
            0 => f.write_str("the last records may be lost")?,
            1 => f.write_str("1 record was lost")?,
            lost => write!(f, "{lost} records were lost")?,
        }
        if self.failure.is_none() {
            f.write_str("; the log says why")?;
        }
        let failure = self.failure.as_ref().map(|failure| failure as &dyn Error);
        for cause in successors(failure, |cause: &&dyn Error| (*cause).source()) {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

// === impl Lost ===

impl Lost {
    pub(super) fn of(entry: &Entry) -> Self {
        match entry {
            Entry::Session(record) => Self::Beginning(record.clone()),
            Entry::End(end) => Self::End(end.session.clone()),
            Entry::Event(_) | Entry::Upload(_) | Entry::Resumption(_) => Self::Between,
        }
    }
}

// === impl Losses ===

impl Losses {
    pub(super) fn status(&self) -> RecorderStatus {
        lock(&self.status).clone()
    }

    /// Counts one loss, and logs it if recording worked until now: a full disk must not fill the
    /// log as well. The beginning of a session is kept until its end.
    pub(super) fn lost(&self, lost: Lost, error: &RecordError) {
        match lost {
            Lost::Beginning(record) => {
                let mut beginnings = lock(&self.beginnings);
                if beginnings.len() < BEGINNINGS_MAX {
                    beginnings.insert(record.id.clone(), record);
                }
            }
            Lost::End(session) => self.begun(&session),
            Lost::Between => {}
        }
        let mut status = lock(&self.status);
        status.lost = status.lost.saturating_add(1);
        if status.failure.replace(error.clone()).is_none() {
            let cause = error.source().map(ToString::to_string);
            tracing::error!(%error, cause, lost = status.lost, "recording fails");
        }
    }

    /// Whether entries were lost, and none was written since.
    pub(super) fn is_losing(&self) -> bool {
        lock(&self.status).failure.is_some()
    }

    pub(super) fn written(&self) {
        let mut status = lock(&self.status);
        if status.failure.take().is_some() {
            tracing::info!(lost = status.lost, "recording works again");
        }
    }

    /// A beginning that was lost.
    pub(super) fn beginning(&self, session: &SessionId) -> Option<SessionRecord> {
        lock(&self.beginnings).get(session).cloned()
    }

    /// The session is recorded now, or nothing of it will be.
    pub(super) fn begun(&self, session: &SessionId) {
        lock(&self.beginnings).remove(session);
    }
}

/// No holder of the lock can leave what it guards half changed, so that a poisoned one is good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
