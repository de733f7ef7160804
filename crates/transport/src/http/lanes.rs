//! The threads that connections are served on.
//!
//! A request mostly wakes its connection, the one to its server, and these each other. Were they
//! spread over threads, each step would wake another one, and find its caches cold. So a connection
//! stays on one thread, and its requests are passed on over connections of the same.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use tokio::task::spawn_local;
use tokio::time::interval;
use tokio_util::task::LocalPoolHandle;

thread_local! {
    /// Which lane a thread is; none is the first of them.
    static LANE: Cell<usize> = const { Cell::new(0) };
}

/// Sooner than any wait of a request ends. To set a timer that is the next to end, a thread has to
/// wake itself, and each request sets some: see [`tick`].
const TICK: Duration = Duration::from_secs(4);

/// Threads with a runtime each, on which connections are served. What is spawned while one of them
/// is served is on its thread as well, and ends with the last clone of this.
#[derive(Clone, Debug)]
pub struct Lanes(LocalPoolHandle);

// === impl Lanes ===

impl Lanes {
    /// Starts a thread for each processor.
    pub fn start() -> Self {
        let count = count();
        let pool = LocalPoolHandle::new(count);
        for lane in 0..count {
            let begin = move || async move {
                LANE.set(lane + 1);
                spawn_local(tick());
            };
            // It is the first that the thread does.
            pool.spawn_pinned_by_idx(begin, lane);
        }
        Self(pool)
    }

    /// Does work on the thread that has the least to do.
    pub(super) fn spawn<F, W>(&self, work: F)
    where
        F: FnOnce() -> W + Send + 'static,
        W: Future<Output = ()> + 'static,
    {
        self.0.spawn_pinned(work);
    }
}

/// Keeps a timer that ends before those of requests.
async fn tick() {
    let mut ticks = interval(TICK);
    loop {
        ticks.tick().await;
    }
}

/// How many lanes a process has at most.
fn count() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Something for each lane, and for all other threads.
#[derive(Clone, Debug)]
pub(super) struct ForEachLane<T> {
    elsewhere: T,
    lanes: Vec<T>,
}

// === impl ForEachLane ===

impl<T> ForEachLane<T> {
    pub(super) fn new(make: impl Fn() -> T) -> Self {
        Self {
            elsewhere: make(),
            lanes: (0..count()).map(|_| make()).collect(),
        }
    }

    /// That of the thread that asks.
    pub(super) fn here(&self) -> &T {
        let lane = LANE.get().checked_sub(1);
        let lane = lane.and_then(|lane| self.lanes.get(lane));
        lane.unwrap_or(&self.elsewhere)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::mpsc;
    use tokio::task::yield_now;
    use tokio_util::task::TaskTracker;

    use super::*;

    #[tokio::test]
    async fn each_lane_has_its_own() {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        static EACH: Mutex<Option<ForEachLane<usize>>> = Mutex::new(None);
        let make = || MADE.fetch_add(1, Ordering::Relaxed);
        *EACH.lock().unwrap() = Some(ForEachLane::new(make));
        let here = || *EACH.lock().unwrap().as_ref().unwrap().here();
        let lanes = Lanes::start();
        // A lane that has not begun yet counts as busy, and would be passed over.
        while lanes.0.get_task_loads_for_each_worker() != vec![0; count()] {
            yield_now().await;
        }
        let (told, mut seen) = mpsc::channel(count());
        let tasks = TaskTracker::new();
        for _ in 0..count() {
            let (told, tasks) = (told.clone(), tasks.clone());
            lanes.spawn(move || async move {
                let before = here();
                // What it spawns is on the same thread.
                let spawned = tasks.spawn(async move { here() }).await.unwrap();
                told.send((before, spawned)).await.unwrap();
                // Until all have begun, so that each is given another thread.
                told.closed().await;
            });
        }
        let mut found = BTreeSet::from([here()]);
        for _ in 0..count() {
            let (before, spawned) = seen.recv().await.unwrap();
            assert_eq!(before, spawned);
            found.insert(before);
        }
        assert_eq!(found, (0..=count()).collect());
    }
}
