//! One client's conversation with one server: the session between the streams of both.
//!
//! The session is behind a lock that is held while it judges and never while something is waited
//! for, and messages take turns ([`super::judging`]): two in flight are judged one after the other,
//! and a peer that does not read holds up only its own stream. No thread waits for the lock but
//! those that do long work.

mod announcement;
mod delivery;
mod ending;
mod gate;
mod guarded;
mod status;
mod taken;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use portcullis_json::{Object, Value};
use portcullis_mcp::{EnvelopeLimits, Id, Message, MessageKind, Revision};
use portcullis_session::{
    Action, Guardrail, Introduction, RefusalStyle, Scope, Session, SessionSettings, Source, Stream,
};
use portcullis_store::{Entry, Resumption, Upload};
use portcullis_trace::record::{Direction, SessionId, SessionRecord};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use url::Url;
use uuid::Uuid;

use self::announcement::Unannounced;
use self::gate::Gate;
use self::guarded::GuardedSession;
pub(crate) use self::guarded::SessionGuard;
pub(crate) use self::taken::{NotTaken, Taken};
use super::counted::{Count, Counted};
use super::errand::Errand;
use super::gateway::Target;
use super::outlet::{ClientGone, Outlet, Position, Streams};
use super::reload::Renewals;
use super::replay::Replay;
use super::trace_context::TraceId;
use super::upstream::{Call, Upstream};
use crate::config::GatewayConfig;
use crate::detectors::ConfiguredDetectors;
use crate::guardrails::Kept;
use crate::log;
use crate::metadata::{self, TRACE_ID, extend, introduce};
use crate::metrics::ServerMetrics;
use crate::recording::Recording;
use crate::tools::{ToolBook, stops};
use crate::turns::Turns;

/// See the module.
#[derive(Debug)]
pub(crate) struct Conversation {
    terms: Terms,
    session: GuardedSession,
    record: Mutex<SessionRecord>,
    recording: Arc<Recording>,
    turns: Turns,
    /// What the server says, until it has been passed on.
    arriving: Count,
    gate: Gate,
    /// Held while clients are told that the server is gone.
    telling: AsyncMutex<()>,
    streams: Mutex<Streams>,
    replay: Arc<Replay>,
    unannounced: Unannounced,
    renewals: Renewals,
    upstream: Upstream,
    tasks: TaskTracker,
    /// When the client last said something, or got an answer.
    touched: Mutex<Instant>,
    began: Instant,
    last_scope: AtomicU64,
    /// Cancelled when the conversation ends, whoever ends it.
    ended: CancellationToken,
}

/// What a conversation is begun with.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) target: Target,
    /// `None`: as configured.
    pub(crate) own_refusal: Option<RefusalStyle>,
    /// What was known of the session before anything was said.
    pub(crate) metadata: Object,
    /// Guardrails that came with it, beside those that are configured.
    pub(crate) own_guardrails: Vec<Guardrail>,
    /// Guardrails of the store, for the project that it is filed under.
    pub(crate) kept: Mutex<Kept>,
    /// By what it is found again after the gateway was killed, and the gateway that has it. `None`
    /// if its client could not come back.
    pub(crate) resumption: Option<(String, Uuid)>,
    pub(crate) began: Instant,
    /// The Explorer that gets its trace.
    pub(crate) upload_to: Option<Url>,
    /// What is known of the server's tools.
    pub(crate) tools: ToolBook,
    /// What the client calls itself, as soon as it said so.
    pub(crate) client: Mutex<Option<String>>,
    pub(crate) detectors: Arc<ConfiguredDetectors>,
}

/// What came with a message of the server's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried {
    /// The stream that it is to go on with, if its sender's stream is tied to one.
    pub(crate) outlet: Option<Outlet>,
    pub(crate) position: Position,
    /// Of the HTTP answer that it was the whole of.
    pub(crate) status: Option<StatusCode>,
}

// === impl Conversation ===

impl Conversation {
    pub(crate) fn new(
        terms: Terms,
        session: Session,
        record: SessionRecord,
        recording: Arc<Recording>,
        upstream: Upstream,
        tasks: TaskTracker,
    ) -> Self {
        let (began, touched) = (terms.began, Instant::now());
        terms.target.meter.begin();
        Self {
            terms,
            session: GuardedSession::new(session),
            record: Mutex::new(record),
            recording,
            turns: Turns::default(),
            arriving: Count::default(),
            gate: Gate::default(),
            telling: AsyncMutex::default(),
            streams: Mutex::default(),
            replay: Arc::new(Replay::new(tasks.clone())),
            unannounced: Unannounced::default(),
            renewals: Renewals::default(),
            upstream,
            tasks,
            touched: Mutex::new(touched),
            began,
            last_scope: AtomicU64::new(Scope::SESSION.0),
            ended: CancellationToken::new(),
        }
    }

    pub(crate) async fn begin(&self) {
        let record = lock(&self.record).clone();
        let trace = record.metadata.get(TRACE_ID).and_then(Value::as_str);
        info!(session = %record.id, server = record.server, trace, "session begins");
        let upload_to = self.terms.upload_to.as_ref();
        let upload = upload_to.map(|url| Upload::new(record.id.clone(), url.as_str()));
        self.record_or_log(record).await;
        if let Some(upload) = upload {
            self.record_or_log(upload).await;
        }
        if self.upstream.is_stateless() {
            self.note_resumption().await;
        }
        self.hold_tools_back().await;
    }

    /// A tool that waits for its approval is not called, even by a client that never lists tools.
    pub(crate) async fn hold_tools_back(&self) {
        let holds_back = self.session().await.holds_tools_back();
        if holds_back {
            self.read_tools().await;
        }
    }

    /// Notes how the session goes on if the gateway is killed: with a server whose session does not
    /// end with the connection.
    pub(crate) async fn note_resumption(&self) {
        let (Some(http), Some((key, holder))) = (self.upstream.http(), &self.terms.resumption)
        else {
            return;
        };
        self.record_or_log(Resumption {
            key: key.clone(),
            session: self.id(),
            holder: holder.to_string(),
            upstream_session: http.session_id(),
        })
        .await;
    }

    /// How the store knows it.
    pub(crate) fn id(&self) -> SessionId {
        lock(&self.record).id.clone()
    }

    pub(crate) fn own_guardrails(&self) -> &[Guardrail] {
        &self.terms.own_guardrails
    }

    /// What a configuration says of it, beside guardrails.
    pub(crate) fn settings(&self, config: &GatewayConfig) -> SessionSettings {
        SessionSettings {
            tool_checks: config.tool_checks.clone(),
            parameters: metadata::parameters(&config.parameters, &self.terms.metadata),
            refusal: self.terms.own_refusal.unwrap_or(config.refusal),
            unknown_meta: config.limits.unknown_meta,
            sampling_context: config.limits.sampling_context,
        }
    }

    pub(crate) fn kept_guardrails(&self) -> MutexGuard<'_, Kept> {
        lock(&self.terms.kept)
    }

    /// What the trace is filed under.
    pub(crate) fn project(&self) -> Option<String> {
        lock(&self.record).project.clone()
    }

    pub(crate) fn target(&self) -> &Target {
        &self.terms.target
    }

    /// What is counted.
    pub(crate) fn meter(&self) -> &ServerMetrics {
        &self.terms.target.meter
    }

    /// What the client called itself.
    pub(crate) fn client(&self) -> Option<String> {
        lock(&self.terms.client).clone()
    }

    pub(crate) fn note_client(&self, name: &str) {
        *lock(&self.terms.client) = Some(name.to_owned());
    }

    pub(crate) fn recording(&self) -> &Recording {
        &self.recording
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    pub(crate) fn detectors(&self) -> &ConfiguredDetectors {
        &self.terms.detectors
    }

    /// In which order its messages are judged.
    pub(super) fn turns(&self) -> &Turns {
        &self.turns
    }

    pub(super) fn renewals(&self) -> &Renewals {
        &self.renewals
    }

    /// Where its background work is spawned.
    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    pub(crate) fn streams(&self) -> MutexGuard<'_, Streams> {
        lock(&self.streams)
    }

    /// What was said on streams whose events have ids of ours.
    pub(crate) fn replay(&self) -> &Arc<Replay> {
        &self.replay
    }

    /// Waits until nobody else has it: where a message that takes long is judged, until then.
    pub(crate) async fn session(&self) -> SessionGuard<'_> {
        self.session.lock().await
    }

    /// The session, for work that is done aside.
    pub(super) fn session_aside(&self) -> SessionGuard<'_> {
        self.session.lock_aside()
    }

    /// How a message in this direction is to be read.
    pub(crate) fn envelope(&self, direction: Direction) -> EnvelopeLimits {
        self.session.envelope(direction)
    }

    pub(crate) fn revision(&self) -> Option<Revision> {
        self.session.seen().revision
    }

    /// Whether the client has said that the handshake is over.
    pub(crate) fn is_initialized(&self) -> bool {
        self.session.seen().is_initialized
    }

    /// Whether no request of the client's waits for an answer.
    pub(crate) fn is_quiet(&self) -> bool {
        self.session.seen().is_quiet
    }

    /// Waits until none does, and what answered the last has been passed on.
    pub(crate) async fn quiet(&self) {
        self.session.quiet().await;
        self.arrived().await;
    }

    /// Waits until everything of the server's has been passed on.
    pub(super) async fn arrived(&self) {
        self.arriving.zero().await;
    }

    /// Something of the server's is to be judged and passed on, for as long as this is kept.
    pub(super) fn arriving(&self) -> Counted {
        self.arriving.one_more()
    }

    pub(crate) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    pub(crate) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether the server is gone, or takes no messages any more and has answered all that it took.
    pub(crate) fn is_over(&self) -> bool {
        self.gate.is_shut() || self.upstream.takes_nothing() && self.is_quiet()
    }

    /// For how long the client said nothing and waited for nothing. What a server says by itself
    /// does not count: it could keep a session that nobody listens to for ever.
    pub(crate) fn idle(&self) -> Option<Duration> {
        let has_open_requests = self.turns.are_taken() || !self.is_quiet();
        let is_waited_for = match self.upstream.http() {
            _ if !self.gate.is_free() => true,
            Some(http) => http.is_waited_for(has_open_requests),
            None => has_open_requests,
        };
        (!is_waited_for).then(|| lock(&self.touched).elapsed())
    }

    /// Ids of different scopes are different requests.
    pub(crate) fn next_scope(&self) -> Scope {
        Scope(self.last_scope.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Takes a message of the client's, to its end even if whoever waits for it is gone meanwhile:
    /// a message that has been judged must not stop half way. What answers a request goes to
    /// `outlet`, unless the conversation has one stream for everything.
    ///
    /// What it comes to is the way to the server and back, where there is one for each request.
    pub(crate) fn take(
        self: &Arc<Self>,
        message: &Message,
        scope: Scope,
        headers: &Arc<HeaderMap>,
        outlet: Option<&Outlet>,
    ) -> Errand<Result<Option<Errand<()>>, NotTaken>> {
        let conversation = Arc::clone(self);
        let message = message.clone();
        let headers = Arc::clone(headers);
        let outlet = outlet.cloned();
        Errand::new(&self.tasks, async move {
            conversation
                .on_client(&message, scope, headers, outlet)
                .await
        })
    }

    async fn on_client(
        self: &Arc<Self>,
        message: &Message,
        scope: Scope,
        headers: Arc<HeaderMap>,
        outlet: Option<Outlet>,
    ) -> Result<Option<Errand<()>>, NotTaken> {
        let passing = self.gate.enter().filter(|_| !self.ended.is_cancelled());
        let Some(_passing) = passing else {
            return Err(NotTaken::Over);
        };
        self.touch();
        let request = match (message.kind(), message.id()) {
            (MessageKind::Request { .. }, Some(id)) => Some(id),
            _ => None,
        };
        // What is said of the second request with an id goes to this outlet.
        let opened = match (request, &outlet) {
            (Some(id), Some(outlet)) => {
                let mut streams = self.streams();
                streams.open_reply(scope, id.clone(), outlet.clone())
            }
            _ => false,
        };
        let source = Source {
            direction: Direction::ToServer,
            scope,
            stream: Stream::Any,
        };
        let carried = Carried {
            outlet: outlet.clone().filter(|_| !opened),
            ..Carried::default()
        };
        let actions = self.judge(&source, message, outlet.as_ref()).await;
        let trace = TraceId::of_headers(&headers).or_else(|| TraceId::of_message(message));
        let call = Call {
            trace: trace.map(|trace| trace.as_str().to_owned()),
            scope,
            id: request.cloned(),
            method: message.method().cloned(),
            headers,
            outlet,
        };
        Ok(self.carry_out(actions, &carried, Some(&call)).await?)
    }

    /// The server will not answer this request.
    pub(crate) async fn on_no_answer(
        self: &Arc<Self>,
        scope: Scope,
        id: &Id,
        reason: &str,
        outlet: Option<Outlet>,
    ) {
        let _arriving = self.arriving();
        let actions = self.session().await.on_no_answer(scope, id, reason);
        let own = outlet.clone();
        let carried = Carried {
            outlet,
            ..Carried::default()
        };
        for action in actions {
            if let Action::Send(permit) = action {
                let (bytes, delivery) = permit.into_parts();
                self.to_client(bytes, &delivery, &carried).await.ok();
            }
        }
        // Nothing is said of a request that the server has ended without an answer.
        if let Some(own) = own {
            self.streams().close_reply_on(scope, id, &own);
        }
    }

    /// The client gave up this request and will not read its answer.
    pub(crate) async fn on_abandoned(&self, scope: Scope, id: &Id) {
        self.session().await.on_abandoned(scope, id);
        self.streams().close_reply(scope, id);
    }

    /// What came of a line of a server whose messages come on one stream.
    pub(crate) async fn on_line(self: &Arc<Self>, actions: Vec<Action>) {
        self.carry_out(actions, &Carried::default(), None)
            .await
            .ok();
    }

    /// Does what the session decided, in its order: nothing is sent before it is recorded.
    async fn carry_out(
        self: &Arc<Self>,
        actions: Vec<Action>,
        carried: &Carried,
        call: Option<&Call>,
    ) -> Result<Option<Errand<()>>, ClientGone> {
        let mut is_recorded = true;
        let mut outcome = Ok(None);
        for action in actions {
            match action {
                Action::Record { event, waiting } => {
                    log::event(&event, call.and_then(|call| call.trace.as_deref()));
                    self.meter().message(&event);
                    let timed = self.meter().recording.time();
                    is_recorded = self.recording.record(event).await.is_ok();
                    drop(timed);
                    if !is_recorded && let Some(waiting) = waiting {
                        let answers = self.session().await.on_unrecorded(&waiting);
                        let delivered = Box::pin(self.deliver_all(answers, carried, call)).await;
                        outcome = both(outcome, delivered);
                    }
                }
                Action::Introduce(peers) => Box::pin(self.introduce(peers)).await,
                Action::ReadTools => Box::pin(self.read_tools()).await,
                Action::NoteTools(seen) if is_recorded => {
                    let noted = Box::pin(self.terms.tools.note(&seen)).await;
                    let answers = self.session().await.on_noted_tools(&seen, noted);
                    is_recorded = !stops(&answers);
                    let delivered = Box::pin(self.deliver_all(answers, carried, call)).await;
                    outcome = both(outcome, delivered);
                }
                Action::Send(permit) if is_recorded => {
                    let delivered = self.deliver(permit, carried, call).await;
                    outcome = both(outcome, delivered);
                }
                Action::NoteTools(_) | Action::Send(_) => {}
                Action::Note(note) => warn!(session = %self.id(), %note, "noted"),
            }
        }
        outcome
    }

    /// Sends what is said in the place of a message.
    async fn deliver_all(
        self: &Arc<Self>,
        actions: Vec<Action>,
        carried: &Carried,
        call: Option<&Call>,
    ) -> Result<Option<Errand<()>>, ClientGone> {
        let mut outcome = Ok(None);
        for action in actions {
            match action {
                Action::Send(permit) => {
                    let delivered = self.deliver(permit, carried, call).await;
                    outcome = both(outcome, delivered);
                }
                Action::Note(note) => warn!(session = %self.id(), %note, "noted"),
                _ => {}
            }
        }
        outcome
    }

    async fn read_tools(&self) {
        let known = self.terms.tools.known().await;
        self.session().await.on_known_tools(known);
    }

    async fn introduce(&self, peers: Introduction) {
        let record = {
            let mut record = lock(&self.record);
            introduce(&mut record, peers);
            if let Some(http) = self.upstream.http() {
                extend(&mut record.metadata, &http.metadata());
            }
            record.clone()
        };
        self.record_or_log(record).await;
        self.note_resumption().await;
    }

    /// Records what no message depends on.
    async fn record_or_log(&self, entry: impl Into<Entry>) {
        if let Err(error) = self.recording.record(entry).await {
            warn!(%error, "session not recorded");
        }
    }

    pub(crate) fn touch(&self) {
        *lock(&self.touched) = Instant::now();
    }
}

/// Only a request of the client's has a way to the server and back, and it is delivered once.
fn both(
    first: Result<Option<Errand<()>>, ClientGone>,
    second: Result<Option<Errand<()>>, ClientGone>,
) -> Result<Option<Errand<()>>, ClientGone> {
    Ok(first?.or(second?))
}

/// A panic while the lock was held has left nothing half done that the next could trip over.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
