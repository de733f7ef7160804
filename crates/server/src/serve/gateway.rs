//! What all conversations share, and how one is opened.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::http::{HeaderMap, StatusCode};
use portcullis_json::{Object, Value};
use portcullis_mcp::{Id, Message, Method, Revision};
use portcullis_session::{Guardrail, RefusalStyle, Session, SessionContext, SessionLimits};
use portcullis_trace::record::{Origin, SessionId, SessionRecord};
use portcullis_transport::child::Surroundings;
use portcullis_transport::http::endpoint::{Bounds, Connector, Endpoint, EndpointError};
use portcullis_transport::http::reach::Reach;
use tokio_util::task::TaskTracker;
use tracing::warn;
use url::Url;
use uuid::Uuid;

use super::answer::Refused;
use super::conversation::{Conversation, Terms};
use super::principal::Principal;
use super::registry::{ConversationId, SessionRegistry};
use super::reload::renew;
use super::upstream::{HttpUpstream, SseUpstream, StdioUpstream, Upstream, read_all, read_stream};
use crate::config::{
    GatewayConfig, HttpServer, HttpTransport, ServerConfig, ServerName, StdioServer,
};
use crate::recording::Recording;
use crate::relay::now;

/// See the module.
#[derive(Debug)]
pub(crate) struct Gateway {
    config: RwLock<Arc<GatewayConfig>>,
    pub(crate) registry: Arc<SessionRegistry>,
    recording: Arc<Recording>,
    /// All that runs in the background.
    pub(crate) tasks: TaskTracker,
    /// Held while it is looked whether a conversation without a session is open, and opened.
    pub(crate) opening: tokio::sync::Mutex<()>,
    configured: Connector,
    named: Connector,
    /// See [`ServerCommand::under`](portcullis_transport::child::ServerCommand::under).
    launcher: Option<PathBuf>,
}

/// A conversation that is to be opened.
#[derive(Debug)]
pub(crate) struct Opening<'o> {
    pub(crate) id: ConversationId,
    pub(crate) principal: Principal,
    pub(crate) target: &'o Target,
    pub(crate) is_stateless: bool,
    /// The message it is opened with, if there is one already.
    pub(crate) first: Option<&'o Message>,
    /// Of the client's, that the server is to see.
    pub(crate) headers: HeaderMap,
    pub(crate) profile: Profile,
}

/// What a route wants of its conversations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    /// `None`: as configured.
    pub(crate) refusal: Option<RefusalStyle>,
    pub(crate) project: Option<String>,
    pub(crate) metadata: Object,
    /// Beside those that are configured.
    pub(crate) guardrails: Vec<Guardrail>,
}

/// The server that a conversation is with.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// In policies, traces and for telling sessions apart.
    pub(crate) name: Arc<str>,
    pub(crate) server: TargetServer,
}

#[derive(Clone, Debug)]
pub(crate) enum TargetServer {
    Configured(ServerName, ServerConfig),
    /// Named by the client, and allowed.
    Named(HttpServer),
}

// === impl Gateway ===

impl Gateway {
    pub(crate) fn new(
        config: GatewayConfig,
        recording: Arc<Recording>,
        launcher: Option<PathBuf>,
    ) -> Result<Self, EndpointError> {
        Ok(Self {
            config: RwLock::new(Arc::new(config)),
            registry: Arc::default(),
            recording,
            tasks: TaskTracker::new(),
            opening: tokio::sync::Mutex::default(),
            configured: Connector::new(Reach::Configured)?,
            named: Connector::new(Reach::Named)?,
            launcher,
        })
    }

    pub(crate) fn config(&self) -> Arc<GatewayConfig> {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&config)
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
        })
    }

    /// Opens a conversation, and the way to its server.
    pub(crate) async fn open(&self, opening: Opening<'_>) -> Result<Arc<Conversation>, Refused> {
        let config = self.config();
        let place = self
            .registry
            .reserve(opening.id.clone(), opening.principal, &config.sessions)
            .map_err(|_| Refused::too_many_sessions())?;
        let request = opening.first.and_then(Message::id).cloned();
        let session = Self::session(&config, &opening)?;
        let conversation = match opening.target.server.clone() {
            TargetServer::Configured(_, ServerConfig::Stdio(server)) => {
                self.open_stdio(&config, &opening, session, &server, request.as_ref())?
            }
            TargetServer::Configured(_, ServerConfig::Http(server)) => {
                let endpoint = endpoint(&self.configured, &config, &server);
                self.open_http(&config, &opening, session, &server, endpoint)
                    .await?
            }
            TargetServer::Named(server) => {
                let endpoint = endpoint(&self.named, &config, &server);
                self.open_http(&config, &opening, session, &server, endpoint)
                    .await?
            }
        };
        // Whoever waits may be gone before the record is written; the conversation is known by then,
        // and ends like any other.
        place.fill(Arc::clone(&conversation));
        let begun = Arc::clone(&conversation);
        self.tasks
            .spawn(async move { begun.begin().await })
            .await
            .ok();
        if !Arc::ptr_eq(&config, &self.config()) {
            renew(self, &conversation).await;
        }
        Ok(conversation)
    }

    /// The guardrails for what this client says to this server.
    pub(crate) fn guardrails(
        config: &GatewayConfig,
        target: &TargetServer,
        client: Option<&str>,
        own: Vec<Guardrail>,
    ) -> Vec<Guardrail> {
        let guards = config.guardrails.iter().filter(|scoped| match target {
            TargetServer::Configured(name, _) => scoped.guards(Some(name), client),
            TargetServer::Named(server) => scoped.guards(configured_as(config, server), client),
        });
        let configured = guards.map(|scoped| scoped.guardrail.clone());
        configured.chain(own).collect()
    }

    /// The guardrails of now for a conversation that runs.
    pub(crate) fn guardrails_for(&self, conversation: &Conversation) -> Vec<Guardrail> {
        let client = conversation.client();
        let target = &conversation.target().server;
        let own = conversation.own_guardrails().to_vec();
        Self::guardrails(&self.config(), target, client.as_deref(), own)
    }

    /// A client that says who it is only after its session began gets the guardrails for it then.
    pub(crate) fn note_client(
        &self,
        target: &Target,
        conversation: &Conversation,
        message: &Message,
    ) {
        let Some(client) = client_name(message) else {
            return;
        };
        let mut session = conversation.session();
        if message.method() == Some(&Method::Initialize) && session.last_sequence().is_none() {
            conversation.note_client(client);
            let config = self.config();
            let own = conversation.own_guardrails().to_vec();
            let guardrails = Self::guardrails(&config, &target.server, Some(client), own);
            session.replace_guardrails(guardrails, []);
        }
    }

    fn session(
        config: &GatewayConfig,
        opening: &Opening<'_>,
    ) -> Result<(Session, SessionRecord), Refused> {
        let id: SessionId = Uuid::now_v7()
            .to_string()
            .parse()
            .map_err(|_| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "no id for a session"))?;
        let client = opening.first.and_then(client_name);
        let session = Session::new(SessionContext {
            id: id.clone(),
            revision: opening.is_stateless.then_some(Revision::V2026_07_28),
            server: Arc::clone(&opening.target.name),
            guardrails: Self::guardrails(
                config,
                &opening.target.server,
                client,
                opening.profile.guardrails.clone(),
            ),
            parameters: config.parameters.clone(),
            refusal: opening.profile.refusal.unwrap_or(config.refusal),
            extra_methods: Vec::new(),
            limits: SessionLimits {
                message_bytes: config.limits.message_bytes.get(),
                ..SessionLimits::default()
            },
        });
        let record = SessionRecord {
            id,
            project: opening.profile.project.clone(),
            name: None,
            server: opening.target.name.to_string(),
            client: None,
            started_at: now(),
            metadata: opening.profile.metadata.clone(),
            origin: Origin::Live,
            index: None,
            hierarchy_path: Vec::new(),
        };
        Ok((session, record))
    }

    fn conversation(
        &self,
        opening: &Opening<'_>,
        (session, record): (Session, SessionRecord),
        upstream: Upstream,
    ) -> Arc<Conversation> {
        Arc::new(Conversation::new(
            Terms {
                target: opening.target.clone(),
                refusal: opening.profile.refusal.unwrap_or(self.config().refusal),
                own_guardrails: opening.profile.guardrails.clone(),
                client: Mutex::new(opening.first.and_then(client_name).map(str::to_owned)),
            },
            session,
            record,
            Arc::clone(&self.recording),
            upstream,
            self.tasks.clone(),
        ))
    }

    fn open_stdio(
        &self,
        config: &GatewayConfig,
        opening: &Opening<'_>,
        session: (Session, SessionRecord),
        server: &StdioServer,
        request: Option<&Id>,
    ) -> Result<Arc<Conversation>, Refused> {
        let command = match &self.launcher {
            Some(launcher) => server.command.under(launcher.as_os_str()),
            None => server.command.clone(),
        };
        let environment = server.environment.iter();
        let surroundings = Surroundings {
            environment: Some(
                environment
                    .map(|(name, value)| (OsString::from(name), OsString::from(value.expose())))
                    .collect(),
            ),
            directory: server.directory.clone(),
        };
        let line_bytes = config.limits.message_bytes.get();
        let (upstream, output) = StdioUpstream::spawn(&command, &surroundings, line_bytes)
            .map_err(|error| {
                warn!(%error, "server not started");
                Refused::bad_gateway(
                    request,
                    format!("the server `{}` could not be started", opening.target.name),
                )
            })?;
        let conversation = self.conversation(opening, session, Upstream::Stdio(upstream));
        self.tasks
            .spawn(read_all(Arc::clone(&conversation), output));
        Ok(conversation)
    }

    async fn open_http(
        &self,
        config: &GatewayConfig,
        opening: &Opening<'_>,
        session: (Session, SessionRecord),
        server: &HttpServer,
        endpoint: Endpoint,
    ) -> Result<Arc<Conversation>, Refused> {
        let silence_max = config.streams.request_timeout;
        match server.transport {
            HttpTransport::StreamableHttp => {
                let upstream = if opening.is_stateless {
                    HttpUpstream::stateless(endpoint, silence_max)
                } else {
                    HttpUpstream::stateful(endpoint, silence_max)
                };
                Ok(self.conversation(opening, session, Upstream::Http(upstream)))
            }
            HttpTransport::Sse => {
                let connected = SseUpstream::connect(&endpoint, opening.headers.clone()).await;
                let (upstream, events) = connected.map_err(|error| {
                    warn!(%error, server = %opening.target.name, "server not reached");
                    let request = opening.first.and_then(Message::id);
                    let name = &opening.target.name;
                    Refused::bad_gateway(request, format!("the server `{name}`: {error}"))
                })?;
                let conversation = self.conversation(opening, session, Upstream::Sse(upstream));
                self.tasks
                    .spawn(read_stream(Arc::clone(&conversation), events));
                Ok(conversation)
            }
        }
    }
}

/// A client that names the URL of a configured server means that server.
fn configured_as<'c>(config: &'c GatewayConfig, named: &HttpServer) -> Option<&'c ServerName> {
    let is_same = |url: &Url| {
        let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
        url.origin() == named.url.origin() && path(url) == path(&named.url)
    };
    let mut servers = config.servers.iter();
    let found = servers
        .find(|(_, server)| matches!(server, ServerConfig::Http(server) if is_same(&server.url)));
    found.map(|(name, _)| name)
}

fn endpoint(connector: &Connector, config: &GatewayConfig, server: &HttpServer) -> Endpoint {
    let bounds = Bounds {
        message_bytes: config.limits.message_bytes.get(),
        wait: config.streams.request_timeout,
    };
    let url: Url = server.url.clone();
    connector.endpoint(url, server.headers.iter().cloned().collect(), bounds)
}

/// What the client calls itself, in `initialize` or with every request.
fn client_name(message: &Message) -> Option<&str> {
    const CLIENT_INFO_META: &str = "io.modelcontextprotocol/clientInfo";
    let params = message.params()?;
    let info = params
        .get("clientInfo")
        .or_else(|| params.get("_meta")?.get(CLIENT_INFO_META))?;
    info.get("name").and_then(Value::as_str)
}
