use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use portcullis_json::Object;
use portcullis_mcp::{MESSAGE_BYTES_DEFAULT, UnknownMeta};
use portcullis_session::{Guardrail, RefusalStyle, SamplingContext, ToolChecks};
use portcullis_store::{Durability, Location};
use portcullis_transport::child::ServerCommand;
use tracing::Level;
use url::{Origin, Url};

use super::detectors::DetectorsConfig;
use super::inputs::Inputs;
use super::problem::FileProblems;
use super::upstream::{AllowedUpstreams, Authority};

pub(super) const PORT_DEFAULT: u16 = 8787;
const SESSIONS_DEFAULT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);
const SESSIONS_PER_PRINCIPAL_DEFAULT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99);

/// All that `portcullis serve` runs with. The default is what an empty file says.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    pub listen: SocketAddr,
    /// Beside the names of this machine to itself.
    pub allowed_hosts: Vec<Authority>,
    pub allowed_origins: Vec<Origin>,
    /// `None`: the default of [`DataDirectory::open`](super::DataDirectory::open).
    pub data_directory: Option<PathBuf>,
    pub durability: Durability,
    pub store: StoreConfig,
    pub refusal: RefusalStyle,
    pub servers: BTreeMap<ServerName, ServerConfig>,
    /// Methods that may pass at a server beside those of the specification, where there are any.
    pub allow_methods: BTreeMap<ServerName, Vec<String>>,
    /// In the order in which they judge; only those that are in force.
    pub guardrails: Vec<ScopedGuardrail>,
    /// What is done about definitions of tools.
    pub tool_checks: ToolChecks,
    pub sessions: SessionsConfig,
    pub streams: StreamsConfig,
    pub limits: LimitsConfig,
    pub log: LogConfig,
    /// What the routes of Invariant Gateway may lead to; `None`: they are not there.
    pub invariant_routes: Option<AllowedUpstreams>,
    pub clients: ClientsConfig,
    pub api: ApiConfig,
    /// Whom to ask what this process cannot tell at once.
    pub detectors: DetectorsConfig,
    /// What policies read as `input.…`.
    pub parameters: Object,
    /// What the user should be shown, though it keeps nothing from running.
    pub warnings: Vec<FileProblems>,
    /// What it was made of; nothing if it is the default.
    pub(super) inputs: Inputs,
}

/// The name of a configured server, which is a part of its URLs: `[A-Za-z0-9_-]{1,64}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName(String);

/// Where a server is and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerConfig {
    Stdio(StdioServer),
    Http(HttpServer),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StdioServer {
    pub command: ServerCommand,
    /// The whole environment: the server inherits nothing.
    pub environment: BTreeMap<String, Secret>,
    /// `None`: the gateway's own.
    pub directory: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpServer {
    /// Has scheme `http` or `https`, and neither credentials nor a fragment.
    pub url: Url,
    pub transport: HttpTransport,
    /// For every request; marked as sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What is passed on of a client's request.
    pub forward_headers: Vec<HeaderName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpTransport {
    StreamableHttp,
    Sse,
}

/// A text that `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A guardrail and whom it is for.
#[derive(Clone, Debug)]
pub struct ScopedGuardrail {
    pub guardrail: Guardrail,
    pub servers: Only<ServerName>,
    /// Names that clients give themselves.
    pub clients: Only<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Only<T> {
    All,
    These(BTreeSet<T>),
    AllBut(BTreeSet<T>),
}

/// Where traces are kept, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreConfig {
    /// `None`: a SQLite file in the data directory.
    pub location: Option<Location>,
    pub retention: RetentionConfig,
}

/// What becomes of old traces; without a bound all are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionConfig {
    /// Since the last message of a session.
    pub max_age: Option<Duration>,
    /// Of the texts of all messages.
    pub max_bytes: Option<NonZeroU64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionsConfig {
    pub idle_timeout: Duration,
    pub max_age: Duration,
    pub max_sessions: NonZeroUsize,
    pub max_sessions_per_principal: NonZeroUsize,
    pub key: ConversationKey,
}

/// What tells conversations apart where the protocol has no sessions (revision 2026-07-28).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConversationKey {
    /// The credential and the client's name.
    Client,
    Header(HeaderName),
    /// A member of a request's `_meta`.
    Meta(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamsConfig {
    pub keep_alive: Duration,
    /// How long an upstream may take to answer.
    pub request_timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsConfig {
    pub message_bytes: NonZeroUsize,
    pub unknown_meta: UnknownMeta,
    pub sampling_context: SamplingContext,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    pub format: LogFormat,
    pub level: Level,
}

/// How one thing that happened is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    /// An object on a line of its own.
    Json,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientsConfig {
    /// `None`: as is safe where the gateway listens.
    pub login: Option<Login>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiConfig {
    /// `None`: as is safe where the gateway listens.
    pub login: Option<Login>,
}

/// Who may use a server, or ask what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Whoever can connect, which is this machine alone.
    None,
    /// Whoever has an API key.
    Keys,
}

// === impl GatewayConfig ===

impl GatewayConfig {
    /// Takes from what runs the keys of which only a restart puts a change in force, and names those
    /// that have changed.
    pub(crate) fn keep_fixed(&mut self, running: &Self) -> Vec<&'static str> {
        let mut changed = Vec::new();
        if keep(&mut self.listen, &running.listen) {
            changed.push("listen");
        }
        if keep(&mut self.data_directory, &running.data_directory) {
            changed.push("data_directory");
        }
        if keep(&mut self.durability, &running.durability) {
            changed.push("durability");
        }
        if keep(&mut self.store.location, &running.store.location) {
            changed.push("store.url");
        }
        if keep(&mut self.log, &running.log) {
            changed.push("log");
        }
        changed
    }

    /// Who may ask what is kept, at this address: never more than may use the servers, since keys
    /// are made there.
    pub fn api_login_at(&self, address: SocketAddr) -> Login {
        match self.clients.login_at(address) {
            Login::Keys => Login::Keys,
            Login::None => Login::at(address, self.api.login),
        }
    }
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, PORT_DEFAULT).into(),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            data_directory: None,
            durability: Durability::Relaxed,
            store: StoreConfig::default(),
            refusal: RefusalStyle::Result,
            servers: BTreeMap::new(),
            allow_methods: BTreeMap::new(),
            guardrails: Vec::new(),
            tool_checks: ToolChecks::default(),
            sessions: SessionsConfig::default(),
            streams: StreamsConfig::default(),
            limits: LimitsConfig::default(),
            log: LogConfig::default(),
            invariant_routes: Some(AllowedUpstreams::default()),
            clients: ClientsConfig::default(),
            api: ApiConfig::default(),
            detectors: DetectorsConfig::default(),
            parameters: Object::new(),
            warnings: Vec::new(),
            inputs: Inputs::default(),
        }
    }
}

/// Whether it was another.
fn keep<T: Clone + PartialEq>(new: &mut T, running: &T) -> bool {
    let is_changed = new != running;
    new.clone_from(running);
    is_changed
}

// === impl ServerName ===

impl ServerName {
    const CHARACTERS_MAX: usize = 64;

    pub fn new(name: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let is_name =
            (1..=Self::CHARACTERS_MAX).contains(&name.len()) && name.bytes().all(is_allowed);
        is_name.then(|| Self(name.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for ServerName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

// === impl Secret ===

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

// === impl ScopedGuardrail ===

impl ScopedGuardrail {
    /// Whether it judges what this client and this server say.
    pub fn guards(&self, server: Option<&ServerName>, client: Option<&str>) -> bool {
        self.servers.includes(server) && self.clients.includes(client)
    }
}

// === impl Only ===

impl<T: Ord> Only<T> {
    /// What has no name is none of those that have one.
    fn includes<Q: Ord + ?Sized>(&self, name: Option<&Q>) -> bool
    where
        T: Borrow<Q>,
    {
        let is_in = |names: &BTreeSet<T>| name.is_some_and(|name| names.contains(name));
        match self {
            Self::All => true,
            Self::These(names) => is_in(names),
            Self::AllBut(names) => !is_in(names),
        }
    }
}

// === impl SessionsConfig ===

impl Default for SessionsConfig {
    fn default() -> Self {
        Self {
            idle_timeout: Duration::from_mins(30),
            max_age: Duration::from_hours(24),
            max_sessions: SESSIONS_DEFAULT,
            max_sessions_per_principal: SESSIONS_PER_PRINCIPAL_DEFAULT,
            key: ConversationKey::Client,
        }
    }
}

// === impl StreamsConfig ===

impl Default for StreamsConfig {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(15),
            request_timeout: Duration::from_mins(10),
        }
    }
}

// === impl LogConfig ===

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: Level::INFO,
        }
    }
}

// === impl ClientsConfig ===

impl ClientsConfig {
    /// Who may use the servers at this address.
    pub fn login_at(&self, address: SocketAddr) -> Login {
        Login::at(address, self.login)
    }
}

// === impl Login ===

impl Login {
    /// What others than this machine can reach is for those who have a key, whatever is configured.
    fn at(address: SocketAddr, configured: Option<Self>) -> Self {
        match configured {
            Some(login) if address.ip().is_loopback() => login,
            None if address.ip().is_loopback() => Self::None,
            Some(_) | None => Self::Keys,
        }
    }
}

// === impl LimitsConfig ===

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            message_bytes: NonZeroUsize::MIN.saturating_add(MESSAGE_BYTES_DEFAULT - 1),
            unknown_meta: UnknownMeta::default(),
            sampling_context: SamplingContext::default(),
        }
    }
}
