use std::num::NonZeroUsize;
use std::sync::Arc;

use portcullis_store::{
    Durability, Entry, EventPage, Location, Pool, Queued, RecordError, Recorder, RecorderStatus,
    StoreError,
};
use portcullis_trace::record::{EventRecord, Sequence, SessionId};
use tokio::sync::Notify;
use tracing::{error, warn};

use crate::feed::Feed;

/// Entries that wait for the disk before traffic is held up: enough for a second in which it does
/// something else.
const QUEUE_ENTRIES: NonZeroUsize = match NonZeroUsize::new(1 << 15) {
    Some(entries) => entries,
    None => NonZeroUsize::MIN,
};

/// Why what happened before is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PastError {
    #[error(transparent)]
    Recorder(#[from] RecordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where sessions are recorded.
#[derive(Debug)]
pub(crate) struct Recording {
    recorder: Recorder,
    feed: Feed,
    pool: Pool,
    news: Notify,
}

// === impl Recording ===

impl Recording {
    /// Opens the store. Where durability is relaxed, one that cannot be opened costs what is recorded
    /// until it can, not the session.
    pub(crate) fn open(
        location: &Location,
        durability: Durability,
    ) -> Result<(Self, Option<StoreError>), StoreError> {
        let (recorder, failure) = Recorder::open(location, durability, QUEUE_ENTRIES)?;
        let recording = Self {
            recorder,
            feed: Feed::default(),
            pool: Pool::new(location.clone()),
            news: Notify::new(),
        };
        Ok((recording, failure))
    }

    /// Connections to the same store, for what is not recording.
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// All messages of a session so far, as they were recorded, from one after `after` on.
    pub(crate) async fn past(
        &self,
        session: SessionId,
        after: Option<Sequence>,
    ) -> Result<Vec<EventRecord>, PastError> {
        self.recorder.flush().await?;
        let read = self.pool.run(move |store| {
            let mut all = Vec::new();
            let mut page = EventPage {
                after,
                limit: EventPage::LIMIT_MAX,
            };
            loop {
                let events = store.events(&session, page)?;
                let Some(last) = events.last() else {
                    return Ok(all);
                };
                page = page.after(last.sequence);
                all.extend(events);
            }
        });
        Ok(read.await?)
    }

    /// For whoever watches what is recorded.
    pub(crate) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// After an error the message must not be forwarded.
    pub(crate) fn record(
        &self,
        entry: impl Into<Entry>,
    ) -> impl Future<Output = Result<(), RecordError>> + Send {
        let entry = entry.into();
        let told = self.feed.is_watched().then(|| Arc::new(entry.clone()));
        let recorded = self.recorder.record(entry);
        async move {
            let recorded = recorded.await;
            self.news.notify_one();
            if let Err(reason) = recorded {
                error!(%reason, "message not recorded");
                return Err(reason);
            }
            if let Some(told) = told {
                self.feed.tell(told);
            }
            Ok(())
        }
    }

    /// How recording fares, and what waits for it.
    pub(crate) fn status(&self) -> (RecorderStatus, Queued) {
        (self.recorder.status(), self.recorder.queued())
    }

    /// Waits until something is recorded that nobody waited for yet.
    pub(crate) async fn recorded(&self) {
        self.news.notified().await;
    }

    /// Waits, for a bounded time, until what was recorded can be read.
    pub(crate) async fn flush(&self) {
        if let Err(reason) = self.recorder.flush().await {
            warn!(%reason, "the recording is behind");
        }
    }

    /// Waits, for a bounded time, until everything is on disk, and says what never got there.
    pub(crate) async fn close(&self) -> RecorderStatus {
        let closed = self.recorder.close().await;
        let mut status = self.recorder.status();
        if let Err(reason) = closed {
            warn!(%reason, "recording not finished");
            status.failure = Some(reason);
        }
        if status.lost > 0 {
            error!(lost = status.lost, "records are lost");
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use portcullis_json::Object;
    use portcullis_trace::record::{Origin, SessionRecord, Timestamp};

    use super::*;

    #[tokio::test]
    async fn what_is_not_recorded_is_not_told() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(directory.path().join("traces.db"));
        let (recording, _) = Recording::open(&location, Durability::Strict).unwrap();
        let mut watch = recording.feed().watch();
        let session = |id: &str| SessionRecord {
            id: id.parse().unwrap(),
            project: None,
            name: None,
            server: "files".to_owned(),
            client: None,
            started_at: Timestamp::from_micros(1),
            metadata: Object::new(),
            origin: Origin::Live,
            index: None,
            hierarchy_path: Vec::new(),
        };
        let recorded = session("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b");
        recording.record(recorded.clone()).await.unwrap();
        recording.close().await;
        let refused = session("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2c");
        recording.record(refused).await.unwrap_err();
        recording.feed().end();

        let told = watch.next().await.unwrap().unwrap();
        assert!(matches!(&*told, Entry::Session(told) if *told == recorded));
        assert!(watch.next().await.is_none());
    }
}
