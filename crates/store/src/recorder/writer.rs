use std::slice;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::status::{Losses, Lost};
use super::{Job, Receipt, RecordError};
use crate::{Entry, StoreError};

/// LIMIT: entries in one transaction. Larger ones would hold up the other processes that write.
const BATCH_MAX: usize = 1024;
/// How long entries that nobody waits for gather before the next transaction. The traffic shares
/// the machine, and would pay for a wake-up and for pages that are written again with each message.
pub(super) const GATHERING: Duration = Duration::from_millis(25);
/// LIMIT: entries that gather, if the queue has room for twice as many, and what they hold.
pub(super) const GATHERED_MAX: usize = BATCH_MAX;
pub(super) const GATHERED_BYTES_MAX: usize = 8 << 20;

/// Writes what is queued, as much as there is at a time.
struct Writer<W> {
    write: W,
    jobs: mpsc::Receiver<Job>,
    losses: Arc<Losses>,
    closing: Vec<oneshot::Sender<()>>,
    gathering: Duration,
}

/// Starts the thread that owns the store, and waits until `open` has opened it. To unpark it ends
/// its waiting for more.
///
/// The thread ends when the queue is closed, or when nobody is left who could fill it.
pub(super) fn start<W>(
    open: impl FnOnce() -> Result<W, StoreError> + Send + 'static,
    jobs: mpsc::Receiver<Job>,
    losses: Arc<Losses>,
    gathering: Duration,
) -> Result<Thread, StoreError>
where
    W: FnMut(&[Entry]) -> Result<(), StoreError>,
{
    let (opened, is_open) = sync_channel(1);
    let run = move || match open() {
        Ok(write) => {
            // Who started the thread waits for this.
            opened.send(Ok(())).ok();
            let writer = Writer {
                write,
                jobs,
                losses,
                closing: Vec::new(),
                gathering,
            };
            writer.run();
        }
        Err(error) => {
            opened.send(Err(error)).ok();
        }
    };
    let thread = thread::Builder::new()
        .name("portcullis-recorder".to_owned())
        .spawn(run)
        .map_err(StoreError::NoThread)?;
    match is_open.recv() {
        Ok(opened) => opened.map(|()| thread.thread().clone()),
        Err(_) => Err(StoreError::Panicked),
    }
}

// === impl Writer ===

impl<W: FnMut(&[Entry]) -> Result<(), StoreError>> Writer<W> {
    fn run(mut self) {
        let mut jobs = Vec::with_capacity(BATCH_MAX);
        while self.jobs.blocking_recv_many(&mut jobs, BATCH_MAX) > 0 {
            let (entries, receipts, flushed) = self.sort(&mut jobs);
            let hurries = !self.closing.is_empty()
                || entries.len() >= BATCH_MAX
                || !flushed.is_empty()
                || receipts.iter().any(|receipt| receipt.answer.is_some());
            if !entries.is_empty() {
                self.write_batch(&entries, receipts);
            }
            for flushed in flushed {
                // Who asked may have stopped waiting.
                flushed.send(()).ok();
            }
            if !hurries {
                thread::park_timeout(self.gathering);
            }
        }
        let Self { write, closing, .. } = self;
        // To close the file is part of closing.
        drop(write);
        for closing in closing {
            if closing.send(()).is_err() {
                tracing::warn!("the recorder finished after its owner stopped waiting");
            }
        }
    }

    fn sort(
        &mut self,
        jobs: &mut Vec<Job>,
    ) -> (Vec<Entry>, Vec<Receipt>, Vec<oneshot::Sender<()>>) {
        let mut flushed = Vec::new();
        let mut entries = Vec::with_capacity(jobs.len());
        let mut receipts = Vec::with_capacity(jobs.len());
        for job in jobs.drain(..) {
            match job {
                Job::Write(entry, receipt) => {
                    entries.push(entry);
                    receipts.push(receipt);
                }
                Job::Flush(sender) => flushed.push(sender),
                Job::Close(closing) => {
                    self.jobs.close();
                    self.closing.push(closing);
                }
            }
        }
        (entries, receipts, flushed)
    }

    /// Writes the entries in one transaction. If one of them is at fault, each gets its own, so
    /// that a session cannot spoil the recording of another.
    fn write_batch(&mut self, entries: &[Entry], receipts: Vec<Receipt>) {
        match (self.write)(entries) {
            Err(error) if error.blames_entry() => {
                for (entry, receipt) in entries.iter().zip(receipts) {
                    let written = self.write_alone(entry);
                    self.settle(entry, receipt, written.map_err(refused));
                }
            }
            written => {
                let written = written.map_err(refused);
                for (entry, receipt) in entries.iter().zip(receipts) {
                    self.settle(entry, receipt, written.clone());
                }
            }
        }
    }

    /// Writes one entry; if its session's beginning was lost, with that.
    fn write_alone(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let written = (self.write)(slice::from_ref(entry));
        let Err(StoreError::UnknownSession { session }) = &written else {
            return written;
        };
        let Some(beginning) = self.losses.beginning(session) else {
            return written;
        };
        (self.write)(&[beginning.into(), entry.clone()])?;
        self.losses.begun(session);
        Ok(())
    }

    fn settle(&self, entry: &Entry, receipt: Receipt, written: Result<(), RecordError>) {
        match &written {
            Ok(()) => {
                if let Entry::Session(record) = entry {
                    self.losses.begun(&record.id);
                }
                self.losses.written();
            }
            Err(error) => self.losses.lost(Lost::of(entry), error),
        }
        if let Some(answer) = receipt.answer {
            // A caller that stopped waiting has refused its message already.
            drop(answer.send(written));
        }
    }
}

fn refused(error: StoreError) -> RecordError {
    RecordError::Refused(Arc::new(error))
}
