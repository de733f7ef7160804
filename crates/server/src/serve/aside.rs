//! Work that takes long, where no connection waits for it.

use std::future::pending;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};

/// Longer texts are not worked on beside connections, which share their thread.
const SHORT_BYTES_MAX: usize = 64 << 10;

/// LIMIT: as many as there are processors do long work at a time. More would be no faster, and take
/// the memory of all at once.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, NonZeroUsize::get);
    Semaphore::new(processors)
});

pub(crate) fn is_long(bytes: &[u8]) -> bool {
    bytes.len() > SHORT_BYTES_MAX
}

/// Does work on another thread, to its end even if nobody waits for it any more.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    // It is never closed.
    let place = PLACES.acquire().await.ok();
    let done = spawn_blocking(move || {
        let done = work();
        drop(place);
        done
    });
    match done.await.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => resume_unwind(panic),
        // The process ends.
        Err(Err(_)) => pending().await,
    }
}

/// Reads a text, aside if it is long.
pub(crate) async fn read<T: Send + 'static>(
    text: Bytes,
    read: impl FnOnce(&Bytes) -> T + Send + 'static,
) -> T {
    if is_long(&text) {
        aside(move || read(&text)).await
    } else {
        read(&text)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn long_texts_are_read_on_another_thread() {
        let reader = async |bytes| {
            let text = Bytes::from(vec![b' '; bytes]);
            read(text, |_| thread::current().id()).await
        };
        let here = thread::current().id();
        assert_eq!(reader(SHORT_BYTES_MAX).await, here);
        assert_ne!(reader(SHORT_BYTES_MAX + 1).await, here);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_done_all_the_same() {
        let (go_on, may_go_on) = oneshot::channel();
        let (begin, begun) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let mut work = Box::pin(aside(move || {
            begin.send(()).unwrap();
            may_go_on.blocking_recv().unwrap();
            tell.send(()).unwrap();
        }));
        tokio::select! {
            () = &mut work => panic!("it cannot be done yet"),
            begun = begun => begun.unwrap(),
        }
        drop(work);
        go_on.send(()).unwrap();
        told.await.unwrap();
    }
}
