//! Work that is done to its end, whoever waits for it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// Work that does not stop when nobody waits for it any more: dropped, it goes on as a task of its
/// own. As long as somebody waits it needs none.
#[must_use = "nobody waits for it"]
pub(crate) struct Errand<T: Send + 'static> {
    /// `None` once it is done.
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    tasks: TaskTracker,
}

// === impl Errand ===

impl<T: Send + 'static> Errand<T> {
    pub(crate) fn new(tasks: &TaskTracker, work: impl Future<Output = T> + Send + 'static) -> Self {
        Self {
            work: Some(Box::pin(work)),
            tasks: tasks.clone(),
        }
    }
}

impl<T: Send + 'static> Future for Errand<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        let Some(work) = &mut this.work else {
            return Poll::Pending;
        };
        let polled = work.as_mut().poll(context);
        if polled.is_ready() {
            this.work = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Errand<T> {
    fn drop(&mut self) {
        let work = self.work.take();
        // Without a runtime the process is at its end, and so is the work.
        if let (Some(work), Ok(runtime)) = (work, Handle::try_current()) {
            self.tasks.spawn_on(work, &runtime);
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Errand<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand")
            .field("is_done", &self.work.is_none())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_is_done_all_the_same() {
        let tasks = TaskTracker::new();
        let (begin, begun) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        let mut errand = Errand::new(&tasks, async move {
            begun.await.ok();
            end.send(()).ok();
        });
        assert!(poll_once(&mut errand).await.is_pending());
        assert!(tasks.is_empty());
        drop(errand);
        begin.send(()).unwrap();
        ended.await.unwrap();
    }

    #[tokio::test]
    async fn what_is_done_is_not_done_again() {
        let tasks = TaskTracker::new();
        let mut errand = Errand::new(&tasks, async { 1 });
        assert_eq!(poll_once(&mut errand).await, Poll::Ready(1));
        drop(errand);
        assert!(tasks.is_empty());
    }

    async fn poll_once<T: Send>(errand: &mut Errand<T>) -> Poll<T> {
        std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut *errand).poll(context))).await
    }
}
