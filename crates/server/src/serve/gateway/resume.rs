//! Sessions that go on after the gateway was killed.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use bytes::Bytes;
use portcullis_session::{Guardrail, PastMessage, Session};
use portcullis_store::{Pool, Resumption, StoreError};
use portcullis_trace::record::{Direction, EventRecord, SessionSummary, Timestamp};
use tokio::time::Instant;
use tracing::{info, warn};

use super::connect::endpoint;
use super::{Connector, Gateway, NewSession, Opening, TargetServer};
use crate::clock::now;
use crate::config::{HttpServer, HttpTransport, ServerConfig, SessionsConfig};
use crate::guardrails::SourceError;
use crate::recording::PastError;
use crate::serve::conversation::Conversation;
use crate::serve::holder::Holder;
use crate::serve::upstream::{HttpUpstream, Upstream};
use crate::turns::rehearse;

/// A session that was left, as it is known from its record.
struct Left {
    resumption: Resumption,
    summary: SessionSummary,
    log: Vec<EventRecord>,
}

/// Why a session that was left does not go on.
#[derive(Debug, thiserror::Error)]
enum ResumeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Past(#[from] PastError),
    #[error(transparent)]
    Guardrails(#[from] SourceError),
    #[error("too many sessions are open")]
    TooMany,
}

// === impl Gateway ===

impl Gateway {
    /// Goes on with a conversation that an earlier gateway had to leave. Its door must be kept.
    pub(super) async fn resume(&self, opening: &Opening) -> Option<Arc<Conversation>> {
        let resumed = tokio::select! {
            resumed = self.try_to_resume(opening) => resumed,
            // The next gateway can.
            () = self.ending.cancelled() => Ok(None),
        };
        resumed.unwrap_or_else(|error| {
            warn!(%error, "a session that was left does not go on");
            None
        })
    }

    async fn try_to_resume(
        &self,
        opening: &Opening,
    ) -> Result<Option<Arc<Conversation>>, ResumeError> {
        let config = self.config();
        // The connection to any other server ended with the gateway that was killed.
        let (Some((server, connector)), Some(holder)) = (self.http_server(opening), &self.holder)
        else {
            return Ok(None);
        };
        let store = self.recording.pool();
        let Some(left) = self.left(store, opening, &config.sessions).await? else {
            return Ok(None);
        };
        let place = self
            .registry
            .reserve(opening.id.clone(), opening.principal, &config.sessions)
            .map_err(|_| ResumeError::TooMany)?;
        let record = left.summary.session.clone();
        let kept = self.guardrails.read(record.project.as_deref()).await?;
        let state = kept.state;
        let client = record.client.as_ref().map(|client| client.name.clone());
        let own = &opening.profile.guardrails;
        let guardrails = Self::guardrails(&config, &opening.target, client.as_deref(), &kept, own);
        let session = self.session(&config, opening, guardrails.clone(), &record);
        let session = self.told_its_log(session, guardrails, &left.log).await;
        if !opening.is_stateless && !session.is_initialized() {
            // Its client could not go on; told that the session is gone, it begins another.
            return Ok(None);
        }
        let endpoint = endpoint(connector, &config, &server);
        let silence_max = config.streams.request_timeout;
        let upstream = if opening.is_stateless {
            HttpUpstream::stateless(endpoint, silence_max)
        } else {
            HttpUpstream::resumed(
                endpoint,
                silence_max,
                left.upstream_session(),
                left.initialize(),
                opening.headers.clone(),
            )
        };
        // Last of what may fail: until then another gateway may still go on with it.
        if !take_over(store, &left, holder).await? {
            return Ok(None);
        }
        info!(session = %record.id, "a session that was left goes on");
        let new = NewSession {
            session,
            began: began(&left.summary),
            record,
            kept,
            client,
        };
        let conversation = self.conversation(&config, opening, new, Upstream::Http(upstream));
        conversation.hold_tools_back().await;
        place.fill(Arc::clone(&conversation));
        self.catch_up(&conversation, &config, state).await;
        Ok(Some(conversation))
    }

    async fn told_its_log(
        &self,
        mut session: Session,
        guardrails: Vec<Guardrail>,
        log: &[EventRecord],
    ) -> Session {
        let mut rehearsal = session.rehearse(guardrails);
        rehearsal.show(log.iter().flat_map(PastMessage::of));
        rehearse(&mut rehearsal, &self.detectors).await;
        session.resume(log, rehearsal);
        session
    }

    async fn left(
        &self,
        store: &Pool,
        opening: &Opening,
        limits: &SessionsConfig,
    ) -> Result<Option<Left>, ResumeError> {
        let key = opening.resumption_key();
        let found = store.run(move |store| {
            let Some(resumption) = store.resumption(&key)? else {
                return Ok(None);
            };
            let summary = store.session(resumption.session.as_str())?;
            Ok(Some((resumption, summary)))
        });
        let Some((resumption, summary)) = found.await? else {
            return Ok(None);
        };
        // What a gateway that is alive had, this one too, is over or still there.
        let has_ended = |holder: &Holder| holder.has_ended(&resumption.holder);
        if !self.holder.as_ref().is_some_and(has_ended) {
            return Ok(None);
        }
        let log = self
            .recording
            .past(resumption.session.clone(), None)
            .await?;
        let left = Left {
            resumption,
            summary,
            log,
        };
        if !left.is_whole() {
            warn!(session = %left.summary.session.id, "not all of a session was recorded, it does not go on");
            return Ok(None);
        }
        Ok((!left.is_over(limits)).then_some(left))
    }

    fn http_server(&self, opening: &Opening) -> Option<(HttpServer, &Connector)> {
        let (server, connector) = match &opening.target.server {
            TargetServer::Configured(_, ServerConfig::Http(server)) => (server, &self.configured),
            TargetServer::Named(server) => (server, &self.named),
            TargetServer::Configured(_, ServerConfig::Stdio(_)) => return None,
        };
        let is_streamable = server.transport == HttpTransport::StreamableHttp;
        is_streamable.then(|| (server.clone(), connector))
    }
}

/// Notes who has the session now. Whether that is this gateway, and none that was faster.
async fn take_over(store: &Pool, left: &Left, holder: &Holder) -> Result<bool, StoreError> {
    let before = left.resumption.holder.clone();
    let taken = Resumption {
        holder: holder.id.to_string(),
        ..left.resumption.clone()
    };
    let taken = store.run(move |store| {
        let now = store.resumption(&taken.key)?;
        let is_left = now.is_some_and(|now| now.holder == before);
        if is_left {
            store.write(&[taken.into()])?;
        }
        Ok(is_left)
    });
    taken.await
}

// === impl Left ===

impl Left {
    /// Whether its time was up meanwhile.
    fn is_over(&self, limits: &SessionsConfig) -> bool {
        let last = self.log.last().map(|record| record.recorded_at);
        let started_at = self.summary.session.started_at;
        let since = |time| Duration::from_micros(elapsed_micros(time));
        self.summary.ended_at.is_some()
            || since(started_at) > limits.max_age
            || since(last.unwrap_or(started_at)) > limits.idle_timeout
    }

    /// Whether every message is there: with less, guardrails would know less than they did.
    fn is_whole(&self) -> bool {
        let places = self.log.iter().map(|record| record.sequence.value());
        self.summary.events_lost == 0
            && u64::try_from(self.log.len()) == Ok(self.summary.events)
            && places.eq(1..=self.summary.events)
    }

    fn upstream_session(&self) -> Option<HeaderValue> {
        let id = self.resumption.upstream_session.as_deref()?;
        HeaderValue::from_str(id).ok()
    }

    /// What the client opened the session with.
    fn initialize(&self) -> Option<Bytes> {
        let mut log = self.log.iter();
        let initialize = log.find(|record| {
            record.direction == Direction::ToServer
                && record.method.as_deref() == Some("initialize")
        });
        Some(initialize?.message.clone()?.into_bytes())
    }
}

/// When the session began, on the clock that its age is read from.
fn began(summary: &SessionSummary) -> Instant {
    let age = Duration::from_micros(elapsed_micros(summary.session.started_at));
    let now = Instant::now();
    now.checked_sub(age).unwrap_or(now)
}

fn elapsed_micros(since: Timestamp) -> u64 {
    let micros = now().as_micros().saturating_sub(since.as_micros());
    u64::try_from(micros).unwrap_or_default()
}
