//! What happens now, for those who watch.

use std::sync::Arc;

use portcullis_store::Entry;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

/// LIMIT: how far behind somebody who watches may be; what is older is lost to them.
const ENTRIES_MAX: usize = 1024;

/// Hands what is recorded on to whoever watches.
#[derive(Debug)]
pub(crate) struct Feed {
    entries: broadcast::Sender<Arc<Entry>>,
    ended: CancellationToken,
}

/// What one who watches is told.
#[derive(Debug)]
pub(crate) struct Watch {
    entries: broadcast::Receiver<Arc<Entry>>,
    ended: CancellationToken,
}

// === impl Feed ===

impl Feed {
    pub(crate) fn watch(&self) -> Watch {
        Watch {
            entries: self.entries.subscribe(),
            ended: self.ended.clone(),
        }
    }

    /// Nobody is told anything any more.
    pub(crate) fn end(&self) {
        self.ended.cancel();
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.entries.receiver_count() > 0
    }

    pub(crate) fn tell(&self, entry: Arc<Entry>) {
        // Whoever watched may have gone just now.
        self.entries.send(entry).ok();
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            entries: broadcast::Sender::new(ENTRIES_MAX),
            ended: CancellationToken::new(),
        }
    }
}

// === impl Watch ===

impl Watch {
    /// The next entry, or how many were lost to who is too slow; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Arc<Entry>, u64>> {
        let next = tokio::select! {
            // What was told before the end is told.
            biased;
            next = self.entries.recv() => next,
            () = self.ended.cancelled() => return None,
        };
        match next {
            Ok(entry) => Some(Ok(entry)),
            Err(RecvError::Lagged(lost)) => Some(Err(lost)),
            Err(RecvError::Closed) => None,
        }
    }
}
