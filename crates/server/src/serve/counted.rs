use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many there are of something.
#[derive(Clone, Debug, Default)]
pub(super) struct Count(Arc<AtomicUsize>);

/// One more in a count, until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(Count);

// === impl Count ===

impl Count {
    pub(super) fn one_more(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

// === impl Counted ===

impl Drop for Counted {
    fn drop(&mut self) {
        let Count(count) = &self.0;
        count.fetch_sub(1, Ordering::Relaxed);
    }
}
