//! Work that takes long, where no connection waits for it.

use std::future::pending;
use std::panic::resume_unwind;

use tokio::task::{JoinError, spawn_blocking};

/// Longer texts are not worked on beside connections, which share their thread.
const SHORT_BYTES_MAX: usize = 64 << 10;

pub(crate) fn is_long(bytes: &[u8]) -> bool {
    bytes.len() > SHORT_BYTES_MAX
}

/// Does it on another thread.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = spawn_blocking(work).await;
    match done.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => resume_unwind(panic),
        // The process ends.
        Err(Err(_)) => pending().await,
    }
}
