//! Streams to which a client can come back: what is sent on them has ids, and is kept for a while.

mod kept;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use self::kept::{Event, Kept, Next};
use super::outlet::{Outgoing, Parcel, ParcelSender, Parcels, Position};

pub(crate) use self::kept::StreamNumber;

/// LIMIT: how long an event is kept.
const AGE_MAX: Duration = Duration::from_mins(5);
/// LIMIT: how long clients that do not read may hold up their server once nothing more can be kept
/// for them. Then the stream that is furthest behind is closed.
const BEHIND_WAIT_MAX: Duration = Duration::from_secs(1);
/// LIMIT: how long a client may leave the rest of a stream unread that is over.
const REST_WAIT_MAX: Duration = Duration::from_secs(10);

/// The streams of one conversation whose events have ids of ours.
#[derive(Debug)]
pub(crate) struct Replay {
    /// Tells its events from those of other conversations.
    tag: u64,
    kept: Mutex<Kept>,
    /// Told when a client has read something.
    room: Notify,
    tasks: TaskTracker,
}

/// What is known of an event that a client says it had last.
#[derive(Debug)]
pub(crate) enum Found {
    /// What comes after it, and the stream.
    Rest(StreamNumber, Parcels),
    /// What came after it is not kept any more.
    Lost,
    /// It has no id of ours.
    Foreign,
}

// === impl Replay ===

impl Replay {
    pub(crate) fn new(tasks: TaskTracker) -> Self {
        Self {
            tag: Uuid::new_v4().as_u64_pair().1,
            kept: Mutex::default(),
            room: Notify::new(),
            tasks,
        }
    }

    /// Begins a stream that goes to `sender`, if `primes` with an event that is there for its id.
    pub(super) fn begin(self: &Arc<Self>, primes: bool, sender: ParcelSender) -> StreamNumber {
        let (stream, news) = {
            let mut kept = self.kept();
            let (stream, news) = kept.begin();
            if primes {
                kept.force_room(0);
                kept.push(stream, Bytes::new(), None, Instant::now());
            }
            (stream, news)
        };
        self.pump(stream, news, sender);
        stream
    }

    /// Adds a message to a stream. Waits, for a bounded time, for clients that are far behind.
    pub(super) async fn append(&self, stream: StreamNumber, message: Outgoing) {
        let Outgoing {
            bytes,
            position: Position { retry, .. },
            is_change,
            ..
        } = message;
        let deadline = Instant::now() + BEHIND_WAIT_MAX;
        let mut may_wait = true;
        loop {
            let has_read = self.room.notified();
            {
                let mut kept = self.kept();
                if is_change && kept.is_unread(stream, &bytes) {
                    return;
                }
                if !may_wait {
                    kept.force_room(bytes.len());
                }
                if kept.make_room(bytes.len()) {
                    kept.push(stream, bytes, retry, Instant::now());
                    return;
                }
            }
            may_wait = timeout_at(deadline, has_read).await.is_ok();
        }
    }

    /// Nothing more comes on this stream.
    pub(super) fn close(&self, stream: StreamNumber) {
        self.kept().close(stream);
    }

    /// Nothing more comes on this stream, and nobody need come back to it.
    pub(super) fn end(&self, stream: StreamNumber) {
        self.kept().end(stream);
    }

    /// Whether a client reads this stream.
    pub(super) fn is_read(&self, stream: StreamNumber) -> bool {
        self.kept().is_read(stream)
    }

    /// Goes on after an event, on its stream only. Whoever read the stream until now does not any
    /// more.
    pub(crate) fn find(self: &Arc<Self>, last_event: &str) -> Found {
        let Some((stream, sequence)) = self.read_id(last_event) else {
            return Found::Foreign;
        };
        let Some(news) = self.kept().attach(stream, sequence) else {
            return Found::Lost;
        };
        let (sender, parcels) = mpsc::channel(1);
        self.pump(stream, news, sender);
        Found::Rest(stream, parcels)
    }

    /// Forgets what is too old, read or not.
    pub(crate) fn expire(&self) {
        if let Some(oldest) = Instant::now().checked_sub(AGE_MAX) {
            self.kept().expire(oldest);
        }
    }

    /// Forgets what is on its way to nobody: nothing is sent again that was judged by other
    /// guardrails than those in force.
    pub(crate) fn forget(&self) {
        self.kept().forget();
    }

    /// Carries what comes on a stream to its client, as a task of its own.
    fn pump(self: &Arc<Self>, stream: StreamNumber, news: Arc<Notify>, sender: ParcelSender) {
        let replay = Arc::clone(self);
        self.tasks.spawn(async move {
            while let Some(permit) = replay.reserve(stream, &news, &sender).await {
                let Some(event) = replay.next(stream, &news, &sender).await else {
                    break;
                };
                replay.room.notify_waiters();
                permit.send(Box::new(replay.parcel(event)));
            }
            replay.kept().detach(stream, &news);
            replay.room.notify_waiters();
        });
    }

    /// Waits until the client has room; `None` if it is gone, or has had its time.
    async fn reserve<'s>(
        &self,
        stream: StreamNumber,
        news: &Arc<Notify>,
        sender: &'s ParcelSender,
    ) -> Option<mpsc::Permit<'s, Box<Parcel>>> {
        loop {
            tokio::select! {
                permit = timeout(REST_WAIT_MAX, sender.reserve()) => match permit {
                    Ok(permit) => return permit.ok(),
                    Err(_) if self.kept().is_over(stream) => return None,
                    Err(_) => {}
                },
                () = news.notified() => {
                    if !self.kept().is_reader(stream, news) {
                        return None;
                    }
                }
            }
        }
    }

    async fn next(
        &self,
        stream: StreamNumber,
        news: &Arc<Notify>,
        sender: &ParcelSender,
    ) -> Option<Event> {
        loop {
            match self.kept().take(stream, news) {
                Next::Event(event) => return Some(event),
                Next::Over => return None,
                Next::Later => {}
            }
            tokio::select! {
                () = news.notified() => {}
                () = sender.closed() => return None,
            }
        }
    }

    fn parcel(&self, event: Event) -> Parcel {
        let StreamNumber(stream) = event.stream;
        let position = Position {
            id: Some(format!("{:016x}-{stream}-{}", self.tag, event.sequence)),
            retry: event.retry,
        };
        if event.bytes.is_empty() {
            return Parcel::Position(position);
        }
        Parcel::Message(Outgoing {
            position,
            ..Outgoing::plain(event.bytes)
        })
    }

    fn read_id(&self, id: &str) -> Option<(StreamNumber, u64)> {
        let rest = id.strip_prefix(&format!("{:016x}-", self.tag))?;
        let (stream, sequence) = rest.split_once('-')?;
        Some((StreamNumber(stream.parse().ok()?), sequence.parse().ok()?))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
