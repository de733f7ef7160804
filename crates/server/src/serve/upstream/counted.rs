use std::sync::atomic::{AtomicUsize, Ordering};

/// One more in a count, until it is dropped.
#[derive(Debug)]
pub(super) struct Counted<'c>(&'c AtomicUsize);

// === impl Counted ===

impl<'c> Counted<'c> {
    pub(super) fn new(count: &'c AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
