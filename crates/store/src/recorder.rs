//! Recording of live traffic: a queue in front of a store, and one thread that empties it.
mod status;
#[cfg(test)]
mod tests;
mod writer;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::Thread;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

pub use self::status::RecorderStatus;
use self::status::{Losses, Lost};
use crate::{Durability, Entry, Location, StoreError};

/// LIMIT: entries that may wait, whatever capacity is configured.
const CAPACITY_MAX: usize = 1 << 16;
/// LIMIT: bytes of text that may wait. A larger entry passes when it is alone.
const QUEUE_BYTES_MAX: u32 = 64 << 20;

/// LIMIT: how long a message waits for a place in the queue before its recording is lost. A disk
/// that is slower than the traffic slows the traffic down; one that stands still does not stop it.
const RELAXED_WAIT_MAX: Duration = Duration::from_secs(1);
/// LIMIT: how long a strict message waits for its commit before it is refused.
const STRICT_WAIT_MAX: Duration = Duration::from_secs(30);
/// LIMIT: how long closing waits for what is queued.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(10);

/// Writes entries to a store behind the traffic, or before it where durability is strict.
///
/// Its methods need a tokio runtime with time enabled. Dropping it lets the thread finish what is
/// queued, but only [`Recorder::close`] waits for that.
#[derive(Debug)]
pub struct Recorder {
    queue: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    durability: Durability,
    losses: Arc<Losses>,
    /// The thread that writes. It sleeps while entries gather.
    writer: Thread,
}

/// What waits to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queued {
    pub entries: usize,
    /// Roughly how much memory they hold.
    pub bytes: usize,
}

/// Why an entry could not be recorded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RecordError {
    #[error("the recording was refused by the store")]
    Refused(#[source] Arc<StoreError>),
    #[error("the recording was not on disk in time")]
    TimedOut,
    #[error("the recorder is closed")]
    Closed,
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every job is of the largest kind"
)]
enum Job {
    Write(Entry, Receipt),
    /// Answer when what was queued before is written.
    Flush(oneshot::Sender<()>),
    /// Finish what is queued, then drop the sender.
    Close(oneshot::Sender<()>),
}

/// What an entry in the queue owes: room to the queue, and an answer to a strict caller.
#[derive(Debug)]
struct Receipt {
    answer: Option<oneshot::Sender<Result<(), RecordError>>>,
    _room: OwnedSemaphorePermit,
}

// === impl Recorder ===

impl Recorder {
    /// Starts a recorder into the store at `location` whose queue holds `capacity` entries.
    ///
    /// It returns when the store is open, or could not be opened; until then, it keeps the thread.
    /// Where durability is relaxed, a store that cannot be opened costs what is recorded until it
    /// can, and why is returned with the recorder: it is tried again with each batch.
    pub fn open(
        location: &Location,
        durability: Durability,
        capacity: NonZeroUsize,
    ) -> Result<(Self, Option<StoreError>), StoreError> {
        let location = location.clone();
        let (away, why_away) = sync_channel(1);
        let open = move || {
            let mut opened = match location.open(durability) {
                Ok(store) => Some(store),
                Err(error) if durability == Durability::Relaxed => {
                    // Who is to be told waits for this.
                    away.send(error).ok();
                    None
                }
                Err(error) => return Err(error),
            };
            Ok(move |entries: &[Entry]| {
                let store = match &mut opened {
                    Some(store) => store,
                    closed => closed.insert(location.open(durability)?),
                };
                store.write(entries)
            })
        };
        let recorder = Self::start(open, durability, capacity, writer::GATHERING)?;
        Ok((recorder, why_away.try_recv().ok()))
    }

    /// Starts a recorder that writes with what `open` returns. Both run on its thread. Entries
    /// gather for so long before they are written.
    fn start<W>(
        open: impl FnOnce() -> Result<W, StoreError> + Send + 'static,
        durability: Durability,
        capacity: NonZeroUsize,
        gathering: Duration,
    ) -> Result<Self, StoreError>
    where
        W: FnMut(&[Entry]) -> Result<(), StoreError>,
    {
        let (queue, jobs) = mpsc::channel(capacity.get().min(CAPACITY_MAX));
        let losses = Arc::new(Losses::default());
        let writer = writer::start(open, jobs, Arc::clone(&losses), gathering)?;
        let room = Arc::new(Semaphore::new(QUEUE_BYTES_MAX as usize));
        Ok(Self {
            queue,
            room,
            durability,
            losses,
            writer,
        })
    }

    /// Records one entry. An error means that the message it describes must not be forwarded.
    ///
    /// Relaxed: returns as soon as the entry is queued, and always well. If the queue stays full
    /// for [a second](RELAXED_WAIT_MAX) or the disk refuses, traffic goes on, and waits no more
    /// until something is written; the loss is logged, counted in [`Self::status`], and visible in
    /// the session as a gap. A beginning of a session that was lost is recorded with what follows it.
    ///
    /// Strict: returns when the entry is on disk. After an error it may still get there, as the
    /// record of a message that was refused.
    ///
    /// Mostly there is room at once, and a message's future need not have any for the wait.
    pub fn record(
        &self,
        entry: impl Into<Entry>,
    ) -> impl Future<Output = Result<(), RecordError>> + Send {
        let entry = entry.into();
        let waits = match self.durability {
            Durability::Relaxed => self.try_enqueue(entry),
            Durability::Strict => Some(entry),
        };
        let recorded = waits.map(|entry| Box::pin(self.record_waiting(entry)));
        async move {
            match recorded {
                Some(recorded) => recorded.await,
                None => Ok(()),
            }
        }
    }

    /// Waits until what is queued is written, at most ten seconds.
    pub async fn flush(&self) -> Result<(), RecordError> {
        self.finish(Job::Flush).await
    }

    /// Accepts nothing more and waits until what is queued is written, at most ten seconds.
    pub async fn close(&self) -> Result<(), RecordError> {
        self.finish(Job::Close).await
    }

    /// How recording fares: what was lost since the start, and what stands in its way now.
    pub fn status(&self) -> RecorderStatus {
        self.losses.status()
    }

    pub fn queued(&self) -> Queued {
        Queued {
            entries: self.queue.max_capacity() - self.queue.capacity(),
            bytes: (QUEUE_BYTES_MAX as usize).saturating_sub(self.room.available_permits()),
        }
    }

    async fn finish(&self, job: fn(oneshot::Sender<()>) -> Job) -> Result<(), RecordError> {
        let finished = async {
            let (sender, finished) = oneshot::channel();
            self.queue
                .send(job(sender))
                .await
                .map_err(|_| RecordError::Closed)?;
            self.writer.unpark();
            finished.await.map_err(|_| RecordError::Closed)
        };
        timeout(CLOSE_WAIT_MAX, finished)
            .await
            .unwrap_or(Err(RecordError::TimedOut))
    }

    /// Queues an entry that nobody waits for. Gives it back if there is no room for it now.
    fn try_enqueue(&self, entry: Entry) -> Option<Entry> {
        let room = Arc::clone(&self.room).try_acquire_many_owned(room_for(&entry));
        let (Ok(room), Ok(place)) = (room, self.queue.try_reserve()) else {
            return Some(entry);
        };
        place.send(Job::Write(
            entry,
            Receipt {
                answer: None,
                _room: room,
            },
        ));
        if self.is_filled_by(0) {
            self.writer.unpark();
        }
        None
    }

    async fn record_waiting(&self, entry: Entry) -> Result<(), RecordError> {
        match self.durability {
            Durability::Relaxed => {
                self.record_behind(entry).await;
                Ok(())
            }
            Durability::Strict => timeout(STRICT_WAIT_MAX, self.record_before(entry))
                .await
                .unwrap_or(Err(RecordError::TimedOut)),
        }
    }

    async fn record_behind(&self, entry: Entry) {
        let wait = match entry {
            Entry::Event(_) if self.losses.is_losing() => Duration::ZERO,
            _ => RELAXED_WAIT_MAX,
        };
        let lost = Lost::of(&entry);
        let queued = timeout(wait, self.enqueue(entry, None)).await;
        if let Err(error) = queued.unwrap_or(Err(RecordError::TimedOut)) {
            self.losses.lost(lost, &error);
        }
    }

    async fn record_before(&self, entry: Entry) -> Result<(), RecordError> {
        let (sender, answer) = oneshot::channel();
        self.enqueue(entry, Some(sender)).await?;
        answer.await.unwrap_or(Err(RecordError::Closed))
    }

    async fn enqueue(
        &self,
        entry: Entry,
        answer: Option<oneshot::Sender<Result<(), RecordError>>>,
    ) -> Result<(), RecordError> {
        let size = room_for(&entry);
        let hurries = answer.is_some();
        if self.is_filled_by(size as usize) {
            // Otherwise nobody would make the room that the entry waits for.
            self.writer.unpark();
        }
        let room = Arc::clone(&self.room).acquire_many_owned(size).await;
        let room = room.map_err(|_| RecordError::Closed)?;
        let job = Job::Write(
            entry,
            Receipt {
                answer,
                _room: room,
            },
        );
        let sent = self.queue.send(job).await;
        if hurries || self.is_filled_by(0) {
            self.writer.unpark();
        }
        sent.map_err(|_| RecordError::Closed)
    }

    /// Whether so many bytes more make it time to write, however short entries have gathered.
    fn is_filled_by(&self, bytes: usize) -> bool {
        let gathered = self.queued();
        gathered.entries >= writer::GATHERED_MAX.min(self.queue.max_capacity() / 2)
            || gathered.bytes + bytes >= writer::GATHERED_BYTES_MAX
    }
}

/// How much of the queue's room an entry takes.
fn room_for(entry: &Entry) -> u32 {
    u32::try_from(entry.size()).map_or(QUEUE_BYTES_MAX, |bytes| bytes.min(QUEUE_BYTES_MAX))
}
