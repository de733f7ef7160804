//! What happens now, for those who watch.

use std::sync::Arc;

use portcullis_store::Entry;
use tokio::sync::broadcast;

/// LIMIT: how far behind somebody who watches may be; what is older is lost to them.
const ENTRIES_MAX: usize = 1024;

/// Hands what is recorded on to whoever watches.
#[derive(Debug)]
pub(crate) struct Feed {
    entries: broadcast::Sender<Arc<Entry>>,
}

// === impl Feed ===

impl Feed {
    pub(crate) fn watch(&self) -> broadcast::Receiver<Arc<Entry>> {
        self.entries.subscribe()
    }

    /// Costs nothing while nobody watches.
    pub(crate) fn tell(&self, entry: &Entry) {
        if self.entries.receiver_count() > 0 {
            // Whoever watched may have gone just now.
            self.entries.send(Arc::new(entry.clone())).ok();
        }
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            entries: broadcast::Sender::new(ENTRIES_MAX),
        }
    }
}
