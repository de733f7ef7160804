//! What all conversations share, and how one is opened.

mod connect;
mod era;
mod openings;
mod resume;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::http::{HeaderMap, StatusCode};
use portcullis_json::{Object, Value};
use portcullis_mcp::{Message, Method, Revision, view};
use portcullis_session::{
    Guardrail, RefusalStyle, Session, SessionContext, SessionLimits, SharedDetectors, digest,
};
use portcullis_trace::record::{Origin, SessionId, SessionRecord};
use portcullis_transport::http::endpoint::{Connector, EndpointError};
use portcullis_transport::http::reach::Reach;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;
use url::Url;
use uuid::Uuid;

pub(crate) use self::connect::not_started;
use self::era::Eras;
pub(crate) use self::era::NotAsked;
use self::openings::Openings;
use super::answer::Refused;
use super::belongings::AllBelongings;
use super::conversation::{Conversation, Terms};
use super::holder::Holder;
use super::place::{ServerPlace, configured_as};
use super::principal::Principal;
use super::registry::{ConversationId, SessionRegistry};
use super::reload::{RenewalPlaces, renew};
use super::trace_context::TraceId;
use super::upstream::Upstream;
use crate::clock::now;
use crate::config::{GatewayConfig, HttpServer, ServerConfig, ServerName};
use crate::detectors::ConfiguredDetectors;
use crate::guardrails::{GuardrailSource, Kept, SourceState};
use crate::login::Keys;
use crate::metadata;
use crate::metrics::{Metrics, ServerMetrics};
use crate::recording::Recording;
use crate::tools::{self, ToolBook};

/// See the module.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// Tells it from any other gateway, of before too. `None`: sessions end with it.
    holder: Option<Holder>,
    config: RwLock<Arc<GatewayConfig>>,
    pub(crate) registry: Arc<SessionRegistry>,
    recording: Arc<Recording>,
    pub(crate) guardrails: Arc<GuardrailSource>,
    /// Where it listens, whatever is configured since.
    pub(crate) address: SocketAddr,
    pub(crate) keys: Keys,
    pub(crate) metrics: Metrics,
    /// Cancelled when it begins to end: nothing new begins then.
    pub(crate) ending: CancellationToken,
    pub(crate) detectors: Arc<ConfiguredDetectors>,
    /// Where traces are sent that a client wants to have there.
    explorer: Option<Url>,
    /// What running sessions know of `guardrails`.
    source_state: Mutex<SourceState>,
    pub(super) renewing: RenewalPlaces,
    belongings: AllBelongings,
    /// All that runs in the background.
    pub(crate) tasks: TaskTracker,
    openings: Openings,
    eras: Eras,
    configured: Connector,
    named: Connector,
    /// See [`ServerCommand::under`](portcullis_transport::child::ServerCommand::under).
    launcher: Option<PathBuf>,
}

/// What the gateway works with.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) recording: Arc<Recording>,
    pub(crate) guardrails: Arc<GuardrailSource>,
    pub(crate) address: SocketAddr,
    pub(crate) detectors: Arc<ConfiguredDetectors>,
    pub(crate) explorer: Option<Url>,
    pub(crate) launcher: Option<PathBuf>,
    pub(crate) holder: Option<Holder>,
}

/// A conversation that is to be opened.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) id: ConversationId,
    pub(crate) principal: Principal,
    pub(crate) target: Target,
    pub(crate) is_stateless: bool,
    /// The message it is opened with, if there is one already.
    pub(crate) first: Option<Message>,
    /// Of the client's, that the server is to see.
    pub(crate) headers: HeaderMap,
    /// By what the server's tasks and states are told from those of others.
    pub(crate) identity: Vec<u8>,
    pub(crate) profile: Profile,
}

/// What a route wants of its conversations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    /// `None`: as configured.
    pub(crate) refusal: Option<RefusalStyle>,
    pub(crate) project: Option<String>,
    /// Whether the trace goes to the Explorer that is elsewhere, if there is one.
    pub(crate) pushes_trace: bool,
    pub(crate) metadata: Object,
    /// Beside those that are configured.
    pub(crate) guardrails: Vec<Guardrail>,
    /// The text that `guardrails` was made of.
    pub(crate) guardrails_text: String,
}

/// A session that is not part of a conversation yet.
#[derive(Debug)]
struct NewSession {
    session: Session,
    record: SessionRecord,
    kept: Kept,
    /// What the client calls itself, if it has said so.
    client: Option<String>,
    began: Instant,
}

/// The server that a conversation is with.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// In policies, traces and for telling sessions apart.
    pub(crate) name: Arc<str>,
    pub(crate) server: TargetServer,
    pub(crate) meter: Arc<ServerMetrics>,
}

#[derive(Clone, Debug)]
pub(crate) enum TargetServer {
    Configured(ServerName, ServerConfig),
    /// Named by the client, and allowed.
    Named(HttpServer),
}

// === impl Opening ===

impl Opening {
    /// By what the conversation is found again. A client that comes back without the guardrails
    /// that it brought does not find it.
    fn resumption_key(&self) -> String {
        // A session of the server that was there before is none of this one's.
        let place = self.target.url().map_or("", Url::as_str);
        self.id
            .digest(self.principal, place, &self.profile.guardrails_text)
    }

    fn refusal(&self, config: &GatewayConfig) -> RefusalStyle {
        self.profile.refusal.unwrap_or(config.refusal)
    }
}

// === impl Profile ===

impl Profile {
    /// Differs from that of any other by which a message would be judged or recorded otherwise.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let refusal = self.refusal.map(|style| format!("{style:?}"));
        let project = self.project.as_ref().map(|name| format!("project {name}"));
        digest(&[
            refusal.unwrap_or_default().as_bytes(),
            project.unwrap_or_default().as_bytes(),
            &[u8::from(self.pushes_trace)],
            self.guardrails_text.as_bytes(),
        ])
    }
}

// === impl Gateway ===

impl Gateway {
    pub(crate) fn new(
        config: GatewayConfig,
        surroundings: Surroundings,
    ) -> Result<Self, EndpointError> {
        Ok(Self {
            holder: surroundings.holder,
            config: RwLock::new(Arc::new(config)),
            registry: Arc::default(),
            address: surroundings.address,
            metrics: Metrics::default(),
            ending: CancellationToken::new(),
            keys: Keys::new(surroundings.recording.pool().clone()),
            recording: surroundings.recording,
            guardrails: surroundings.guardrails,
            detectors: surroundings.detectors,
            explorer: surroundings.explorer,
            source_state: Mutex::default(),
            renewing: RenewalPlaces::default(),
            belongings: AllBelongings::default(),
            tasks: TaskTracker::new(),
            openings: Openings::default(),
            eras: Eras::default(),
            configured: Connector::new(Reach::Configured)?,
            named: Connector::new(Reach::Named)?,
            launcher: surroundings.launcher,
        })
    }

    pub(crate) fn config(&self) -> Arc<GatewayConfig> {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&config)
    }

    pub(crate) fn source_state(&self) -> MutexGuard<'_, SourceState> {
        let state = self.source_state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_config(&self, config: GatewayConfig) {
        let mut current = self.config.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(config);
    }

    pub(crate) fn target(&self, name: &str) -> Option<Target> {
        let config = self.config();
        let (name, server) = config.servers.get_key_value(name)?;
        Some(Target {
            name: Arc::from(name.as_str()),
            server: TargetServer::Configured(name.clone(), server.clone()),
            meter: self.metrics.of(name),
        })
    }

    /// Opens a conversation, and the way to its server.
    pub(crate) async fn open(&self, opening: Opening) -> Result<Arc<Conversation>, Refused> {
        if self.ending.is_cancelled() {
            return Err(Refused::gateway_ends());
        }
        let config = self.config();
        let place = self
            .registry
            .reserve(opening.id.clone(), opening.principal, &config.sessions)
            .map_err(|_| Refused::too_many_sessions())?;
        let kept = self
            .guardrails
            .read(opening.profile.project.as_deref())
            .await;
        let kept = kept.map_err(|error| {
            warn!(%error, "no session without its guardrails");
            Refused::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the guardrails for this session cannot be had, try again later",
            )
        })?;
        let state = kept.state;
        let session = self.new_session(&config, &opening, kept);
        let conversation = self.connect(&config, &opening, session).await?;
        // Whoever waits may be gone before the record is written; the conversation is known by then,
        // and ends like any other.
        place.fill(Arc::clone(&conversation));
        let begun = Arc::clone(&conversation);
        self.tasks
            .spawn(async move { begun.begin().await })
            .await
            .ok();
        self.catch_up(&conversation, &config, state).await;
        Ok(conversation)
    }

    /// Gives a conversation what has changed since its guardrails were read. It is known by then, so
    /// that no later change passes it by.
    async fn catch_up(
        &self,
        conversation: &Arc<Conversation>,
        config: &Arc<GatewayConfig>,
        state: SourceState,
    ) {
        let now = self.config();
        if conversation.target().is_gone_from(&now) {
            conversation.ended().cancel();
        } else if *self.source_state() != state || !Arc::ptr_eq(config, &now) {
            renew(self, conversation).await;
        }
    }

    /// The guardrails for what this client says to this server.
    pub(crate) fn guardrails(
        config: &GatewayConfig,
        target: &Target,
        client: Option<&str>,
        kept: &Kept,
        own: &[Guardrail],
    ) -> Vec<Guardrail> {
        let configured_as = target.configured_as(config);
        let configured = config.guardrails.iter();
        let configured = configured.filter(|scoped| scoped.guards(configured_as, client));
        let mut names = vec![&*target.name];
        names.extend(configured_as.map(ServerName::as_str));
        configured
            .map(|scoped| scoped.guardrail.clone())
            .chain(kept.for_peers(client, &names))
            .chain(own.iter().cloned())
            .collect()
    }

    /// The guardrails of now for a conversation that runs.
    pub(crate) fn guardrails_for(&self, conversation: &Conversation) -> Vec<Guardrail> {
        let client = conversation.client();
        Self::guardrails(
            &self.config(),
            conversation.target(),
            client.as_deref(),
            &conversation.kept_guardrails(),
            conversation.own_guardrails(),
        )
    }

    /// A client that says who it is only after its session began gets the guardrails for it then.
    pub(crate) async fn note_client(&self, conversation: &Conversation, message: &Message) {
        let Some(client) = client_name(message) else {
            return;
        };
        let mut session = conversation.session().await;
        if message.method() == Some(&Method::Initialize) && session.last_sequence().is_none() {
            conversation.note_client(client);
            let rehearsal = session.rehearse(self.guardrails_for(conversation));
            session.replace_guardrails(rehearsal);
        }
    }

    fn new_session(&self, config: &GatewayConfig, opening: &Opening, kept: Kept) -> NewSession {
        let id = SessionId::from_uuid(Uuid::now_v7().into_bytes());
        let mut metadata = metadata::of_session(&id, &opening.profile.metadata);
        let trace = TraceId::of_headers(&opening.headers)
            .or_else(|| opening.first.as_ref().and_then(TraceId::of_message));
        if let Some(trace) = trace {
            metadata.insert(metadata::TRACE_ID, trace.as_str());
        }
        let record = SessionRecord {
            metadata,
            id,
            project: opening.profile.project.clone(),
            name: None,
            server: opening.target.name.to_string(),
            client: None,
            started_at: now(),
            origin: Origin::Live,
            index: None,
            hierarchy_path: Vec::new(),
        };
        let client = opening.first.as_ref().and_then(client_name);
        let own = &opening.profile.guardrails;
        let guardrails = Self::guardrails(config, &opening.target, client, &kept, own);
        NewSession {
            session: self.session(config, opening, guardrails, &record),
            began: Instant::now(),
            record,
            kept,
            client: client.map(str::to_owned),
        }
    }

    fn session(
        &self,
        config: &GatewayConfig,
        opening: &Opening,
        guardrails: Vec<Guardrail>,
        record: &SessionRecord,
    ) -> Session {
        Session::new(SessionContext {
            id: record.id.clone(),
            revision: opening.is_stateless.then_some(Revision::V2026_07_28),
            has_argument_headers: opening.is_stateless,
            server: Arc::clone(&opening.target.name),
            party: self.belongings.party(
                opening.target.place(config),
                &opening.target.name,
                &opening.identity,
            ),
            guardrails,
            tool_checks: config.tool_checks.clone(),
            parameters: metadata::parameters(&config.parameters, &record.metadata),
            refusal: opening.refusal(config),
            extra_methods: opening.target.allow_methods(config).to_vec(),
            limits: SessionLimits {
                message_bytes: config.limits.message_bytes.get(),
                unknown_meta: config.limits.unknown_meta,
                sampling_context: config.limits.sampling_context,
                ..SessionLimits::default()
            },
            detectors: Arc::clone(&self.detectors) as SharedDetectors,
        })
    }

    fn conversation(
        &self,
        config: &GatewayConfig,
        opening: &Opening,
        new: NewSession,
        upstream: Upstream,
    ) -> Arc<Conversation> {
        Arc::new(Conversation::new(
            Terms {
                target: opening.target.clone(),
                own_refusal: opening.profile.refusal,
                metadata: new.record.metadata.clone(),
                own_guardrails: opening.profile.guardrails.clone(),
                tools: self.tool_book(config, &opening.target),
                kept: Mutex::new(new.kept),
                upload_to: self
                    .explorer
                    .clone()
                    .filter(|_| opening.profile.pushes_trace),
                client: Mutex::new(new.client),
                resumption: self
                    .holder
                    .as_ref()
                    .map(|holder| (opening.resumption_key(), holder.id)),
                began: new.began,
                detectors: Arc::clone(&self.detectors),
            },
            new.session,
            new.record,
            Arc::clone(&self.recording),
            upstream,
            self.tasks.clone(),
        ))
    }

    /// The tools of other configured servers are those that a client may have beside these.
    fn tool_book(&self, config: &GatewayConfig, target: &Target) -> ToolBook {
        let servers = config.servers.iter();
        let neighbours = servers.map(|(name, server)| tools::configured(name.as_str(), server));
        let server = match &target.server {
            TargetServer::Configured(name, server) => tools::configured(name.as_str(), server),
            TargetServer::Named(server) => tools::remote(&target.name, server),
        };
        ToolBook::new(
            server,
            self.recording.pool().clone(),
            Some(neighbours.collect()),
        )
    }
}

// === impl Target ===

impl Target {
    /// The configured server that it is, however the client came to it.
    fn configured_as<'t>(&'t self, config: &'t GatewayConfig) -> Option<&'t ServerName> {
        match &self.server {
            TargetServer::Configured(name, _) => Some(name),
            TargetServer::Named(server) => Some(configured_as(config, server)?.0),
        }
    }

    /// What may pass there beside the methods of the specification.
    fn allow_methods<'c>(&self, config: &'c GatewayConfig) -> &'c [String] {
        let name = self.configured_as(config);
        let methods = name.and_then(|name| config.allow_methods.get(name));
        methods.map_or(&[], Vec::as_slice)
    }

    /// Whether it is configured no more, or otherwise: then what runs is another server.
    pub(crate) fn is_gone_from(&self, config: &GatewayConfig) -> bool {
        match &self.server {
            TargetServer::Configured(name, server) => config.servers.get(name) != Some(server),
            TargetServer::Named(_) => false,
        }
    }

    /// `None` if it is started here.
    fn url(&self) -> Option<&Url> {
        match &self.server {
            TargetServer::Configured(_, ServerConfig::Http(server))
            | TargetServer::Named(server) => Some(&server.url),
            TargetServer::Configured(_, ServerConfig::Stdio(_)) => None,
        }
    }

    /// Where the configured server is that it is.
    fn place(&self, config: &GatewayConfig) -> Option<ServerPlace> {
        let server = match &self.server {
            TargetServer::Configured(_, server) => server,
            TargetServer::Named(server) => configured_as(config, server)?.1,
        };
        Some(ServerPlace::of(server))
    }
}

/// What the client calls itself, in `initialize` or with every request.
fn client_name(message: &Message) -> Option<&str> {
    let info = view::client_info(message.params()?)?;
    info.get("name").and_then(Value::as_str)
}
