//! Sends the traces of sessions to an Explorer that is elsewhere, behind the traffic.
//!
//! What is sent is read from the store, so that nothing is lost while the Explorer is away or when
//! the gateway ends: whoever comes next with the same destination goes on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use portcullis_json::Value;
use portcullis_store::{Claim, EventPage, Pool, Store, StoreError, Upload};
use portcullis_trace::record::{EventRecord, Sequence, SessionId, SessionSummary, Timestamp};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use super::{Projected, Projection, ProjectionError, RemoteError, RemoteExplorer};
use crate::clock::now;
use crate::guardrails::GuardrailSource;
use crate::recording::Recording;

/// How long messages gather before they are sent together.
const GATHERING: Duration = Duration::from_millis(100);
/// How soon what somebody else left over is taken on.
const LEFT_OVER_EVERY: Duration = Duration::from_secs(5);
/// How long others leave alone what was taken on.
const CLAIMED_FOR: Duration = Duration::from_secs(30);
/// What is waited after the Explorer failed, doubled each time.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_mins(1);
/// LIMIT: sessions in one round.
const SESSIONS_MAX: u32 = 100;
/// LIMIT: messages in one request.
const MESSAGES_MAX: u32 = 200;
/// LIMIT: sessions whose projection is kept; the others are read again.
const PROJECTIONS_MAX: usize = 1000;

/// See the module.
#[derive(Debug)]
pub(crate) struct Uploader {
    explorer: Arc<RemoteExplorer>,
    store: Pool,
    guardrails: Arc<GuardrailSource>,
    claimant: String,
    /// Where the projections of sessions stand, each after the message that was pushed last.
    projections: HashMap<SessionId, Projection>,
    retry: Duration,
}

/// Why a session's trace did not get further.
#[derive(Debug, thiserror::Error)]
enum UploadError {
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
}

// === impl Uploader ===

impl Uploader {
    pub(crate) fn new(
        explorer: Arc<RemoteExplorer>,
        store: Pool,
        guardrails: Arc<GuardrailSource>,
    ) -> Self {
        Self {
            explorer,
            store,
            guardrails,
            claimant: Uuid::new_v4().to_string(),
            projections: HashMap::new(),
            retry: RETRY_MIN,
        }
    }

    /// Sends what is recorded until `ended`, and then what is left.
    pub(crate) async fn run(mut self, recording: Arc<Recording>, ended: CancellationToken) {
        let mut is_last = false;
        while !is_last {
            is_last = ended.is_cancelled();
            let pause = match self.advance().await {
                Ok(()) => {
                    self.retry = RETRY_MIN;
                    GATHERING
                }
                Err(error) => {
                    warn!(%error, "traces wait for the Explorer");
                    let pause = self.retry;
                    self.retry = (self.retry * 2).min(RETRY_MAX);
                    pause
                }
            };
            let news = async {
                sleep(pause).await;
                timeout(LEFT_OVER_EVERY, recording.recorded()).await.ok();
            };
            tokio::select! {
                () = news => {}
                () = ended.cancelled() => {}
            }
        }
    }

    /// Sends what there is.
    async fn advance(&mut self) -> Result<(), UploadError> {
        let uploads = self.claim().await?;
        let mut failed = Ok(());
        for upload in uploads {
            let session = upload.session.clone();
            match self.push(upload).await {
                Ok(()) => {}
                Err(UploadError::Remote(error)) if error.is_temporary() => {
                    self.projections.remove(&session);
                    let is_about_request = error.is_about_request();
                    failed = Err(UploadError::Remote(error));
                    if !is_about_request {
                        break;
                    }
                }
                Err(UploadError::Store(error)) => {
                    self.projections.remove(&session);
                    return Err(error.into());
                }
                Err(error) => {
                    error!(%session, %error, "the trace cannot be sent to the Explorer, it stays here");
                    self.forget(session).await?;
                }
            }
        }
        failed
    }

    async fn claim(&self) -> Result<Vec<Upload>, UploadError> {
        let claimant = self.claimant.clone();
        let destination = self.explorer.url().to_string();
        let claim = move |store: &mut dyn Store| {
            let now = now();
            store.claim_uploads(Claim {
                destination: &destination,
                claimant: &claimant,
                now,
                until: after(now, CLAIMED_FOR),
                limit: SESSIONS_MAX,
            })
        };
        Ok(self.store.run(claim).await?)
    }

    async fn push(&mut self, mut upload: Upload) -> Result<(), UploadError> {
        let mut projection = match self.projections.remove(&upload.session) {
            Some(projection) => projection,
            None => self.projected_so_far(&upload).await?,
        };
        loop {
            let (summary, records) = self.read(&upload, upload.pushed).await?;
            let Some(last) = records.last().map(|record| record.sequence.value()) else {
                if summary.ended_at.is_some() {
                    info!(session = %upload.session, "the trace is at the Explorer");
                    self.forget(upload.session).await?;
                } else if self.projections.len() < PROJECTIONS_MAX {
                    self.projections.insert(upload.session, projection);
                }
                return Ok(());
            };
            let news = self.project(&mut projection, &records)?;
            if !news.messages.is_empty() {
                self.send(&mut upload, &summary, news).await?;
            } else if !news.annotations.is_empty() && summary.ended_at.is_none() {
                // They go with the next message: the API takes none without one.
                return Ok(());
            }
            upload.pushed = last;
            let upload = upload.clone();
            self.store
                .run(move |store| store.put_upload(&upload))
                .await?;
        }
    }

    /// The projection of what the Explorer has already.
    async fn projected_so_far(&self, upload: &Upload) -> Result<Projection, UploadError> {
        let mut projection = Projection::new();
        let mut read = 0;
        while read < upload.pushed {
            let (_, records) = self.read(upload, read).await?;
            let had = |record: &&EventRecord| record.sequence.value() <= upload.pushed;
            let records: Vec<EventRecord> = records.iter().filter(had).cloned().collect();
            let Some(last) = records.last() else { break };
            read = last.sequence.value();
            self.project(&mut projection, &records)?;
        }
        Ok(projection)
    }

    async fn read(
        &self,
        upload: &Upload,
        after: u64,
    ) -> Result<(SessionSummary, Vec<EventRecord>), StoreError> {
        let session = upload.session.clone();
        let page = EventPage {
            after: Sequence::new(after),
            limit: MESSAGES_MAX,
        };
        let read = move |store: &mut dyn Store| {
            let summary = store.session(session.as_str())?;
            let records = store.events(&session, page)?;
            Ok((summary, records))
        };
        self.store.run(read).await
    }

    fn project(
        &self,
        projection: &mut Projection,
        records: &[EventRecord],
    ) -> Result<Projected, ProjectionError> {
        let policy_of = |name: &_| self.guardrails.content(name);
        let mut all = Projected::default();
        for record in records {
            let projected = projection.push(record, &policy_of)?;
            all.messages.extend(projected.messages);
            all.annotations.extend(projected.annotations);
        }
        Ok(all)
    }

    async fn send(
        &self,
        upload: &mut Upload,
        summary: &SessionSummary,
        news: Projected,
    ) -> Result<(), RemoteError> {
        let messages: Vec<Value> = news.messages;
        if let Some(trace) = &upload.trace {
            return self
                .explorer
                .append(trace, messages, &news.annotations)
                .await;
        }
        let record = &summary.session;
        let project = record.project.as_deref();
        let trace = self
            .explorer
            .push(project, &record.metadata, messages, &news.annotations)
            .await?;
        upload.trace = Some(trace);
        Ok(())
    }

    async fn forget(&mut self, session: SessionId) -> Result<(), StoreError> {
        self.projections.remove(&session);
        self.store
            .run(move |store| store.delete_upload(&session))
            .await
    }
}

fn after(time: Timestamp, wait: Duration) -> Timestamp {
    let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(time.as_micros().saturating_add(wait))
}
