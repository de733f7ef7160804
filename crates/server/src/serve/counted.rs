use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// How many there are of something.
#[derive(Clone, Debug, Default)]
pub(super) struct Count(Arc<Counting>);

#[derive(Debug, Default)]
struct Counting {
    count: AtomicUsize,
    none_left: Notify,
}

/// One more in a count, until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(Count);

// === impl Count ===

impl Count {
    pub(super) fn one_more(&self) -> Counted {
        self.0.count.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.count.load(Ordering::Relaxed) == 0
    }

    /// Waits until there is none.
    pub(super) async fn zero(&self) {
        loop {
            let none_left = self.0.none_left.notified();
            if self.is_zero() {
                return;
            }
            none_left.await;
        }
    }
}

// === impl Counted ===

impl Drop for Counted {
    fn drop(&mut self) {
        let Count(counting) = &self.0;
        if counting.count.fetch_sub(1, Ordering::Relaxed) == 1 {
            counting.none_left.notify_waiters();
        }
    }
}
