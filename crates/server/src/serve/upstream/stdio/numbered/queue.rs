//! What the server has said about one request, until its client is told.
//!
//! A server has one stream for all requests: whoever reads it must not wait for a client.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::requests::Said;
use crate::serve::counted::Counted;

/// LIMIT: messages that wait for one client, and their KiB, of which each takes at least one. A
/// message that is longer waits alone.
const MESSAGES_MAX: usize = 1024;
const KIB_MAX: usize = 4 << 10;
/// LIMIT: how long a client that does not read may hold up its server then.
const BEHIND_WAIT_MAX: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Queue {
    said: Sender<Queued>,
    room: Arc<Semaphore>,
    given_up: CancellationToken,
}

/// The other end.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) said: Receiver<Queued>,
    /// Nobody waits for the request any more.
    pub(super) given_up: CancellationToken,
}

#[derive(Debug)]
pub(super) struct Queued {
    pub(super) said: Said,
    _arriving: Counted,
    _room: Option<OwnedSemaphorePermit>,
}

pub(super) fn queue() -> (Queue, Listening) {
    let (sender, receiver) = mpsc::channel(MESSAGES_MAX);
    let given_up = CancellationToken::new();
    let queue = Queue {
        said: sender,
        room: Arc::new(Semaphore::new(KIB_MAX)),
        given_up: given_up.clone(),
    };
    let listening = Listening {
        said: receiver,
        given_up,
    };
    (queue, listening)
}

// === impl Queue ===

impl Queue {
    /// Has the client told, unless it is too far behind: then the request is given up.
    pub(super) async fn push(&self, said: Said, arriving: Counted) {
        if self.given_up.is_cancelled() {
            return;
        }
        let kib = (said.bytes() / 1024 + 1).min(KIB_MAX);
        let kib = u32::try_from(kib).unwrap_or(u32::MAX);
        let push = async {
            let room = Arc::clone(&self.room).acquire_many_owned(kib).await.ok();
            let queued = Queued {
                said,
                _arriving: arriving,
                _room: room,
            };
            // Whoever does not listen any more has ended the request.
            self.said.send(queued).await.ok();
        };
        if timeout(BEHIND_WAIT_MAX, push).await.is_err() {
            warn!("a client does not read: its request is given up");
            self.give_up();
        }
    }

    pub(super) fn give_up(&self) {
        self.given_up.cancel();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::serve::counted::Count;

    const KIB: usize = 1024;

    /// Pushes so many messages of this length that nobody reads, and says of the next one whether
    /// the client is given up for it, and when.
    async fn next_after(messages: usize, kib: usize) -> (bool, Duration) {
        let (queue, _listening) = queue();
        let push = || {
            queue.push(
                Said::News("x".repeat(kib * KIB - 1)),
                Count::default().one_more(),
            )
        };
        let began = Instant::now();
        for _ in 0..messages {
            push().await;
        }
        assert!(!queue.given_up.is_cancelled());
        assert_eq!(began.elapsed(), Duration::ZERO);
        push().await;
        (queue.given_up.is_cancelled(), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn so_much_waits_for_a_client_that_does_not_read() {
        let second = Duration::from_secs(1);
        assert_eq!(next_after(1023, 1).await, (false, Duration::ZERO));
        assert_eq!(next_after(1024, 1).await, (true, second));
        assert_eq!(next_after(3, 1024).await, (false, Duration::ZERO));
        assert_eq!(next_after(4, 1024).await, (true, second));
        // A longer one waits alone.
        assert_eq!(next_after(0, 8 * 1024).await, (false, Duration::ZERO));
        assert_eq!(next_after(1, 8 * 1024).await, (true, second));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_in_time_is_not_given_up() {
        let (queue, mut listening) = queue();
        let whole = || Said::News("x".repeat(4 * 1024 * KIB));
        queue.push(whole(), Count::default().one_more()).await;
        let late = queue.push(whole(), Count::default().one_more());
        let reads = async {
            tokio::time::sleep(Duration::from_millis(999)).await;
            drop(listening.said.recv().await);
        };
        tokio::join!(late, reads);
        assert!(!queue.given_up.is_cancelled());
        assert!(listening.said.recv().await.is_some());
    }
}
