//! What a configuration file means.

mod classifier;
mod detectors;
mod endpoint;
mod guardrail;
mod mcp_scan;
mod server;
mod store;
mod unanswered;
mod value;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use http::HeaderName;
use portcullis_json::Object;
use portcullis_mcp::UnknownMeta;
use portcullis_session::{GuardrailAction, RefusalStyle, SamplingContext, ToolCheck, ToolChecks};
use portcullis_store::Durability;
use portcullis_syntax::Severity;
use tracing::Level;
use url::{Origin, Url};

use super::gateway::{
    ApiConfig, ClientsConfig, ConversationKey, GatewayConfig, LimitsConfig, LogConfig, LogFormat,
    Login, PORT_DEFAULT, SessionsConfig, StreamsConfig,
};
use super::inputs::{Inputs, Models, is_irregular};
use super::problem::{FileProblems, Problem};
use super::read::Named;
use super::tree::{Entries, Json, Spot};
use super::upstream::AllowedUpstreams;
use super::written::{
    Written, WrittenAddress, WrittenApi, WrittenClients, WrittenDurability, WrittenDuration,
    WrittenGateway, WrittenKey, WrittenLevel, WrittenLimits, WrittenLog, WrittenLogFormat,
    WrittenLogin, WrittenRefusal, WrittenSamplingContext, WrittenSessions, WrittenStreams,
    WrittenToolAction, WrittenTools, WrittenUnknownMeta,
};
use crate::detectors::ConfiguredDetectors;

pub(super) use endpoint::{header_name, server_url};
pub(super) use value::{ExpandError, expand};

/// Makes a configuration of what is written in `text`, and collects what is wrong with it on the
/// way. What it makes of a file with errors is not to be used.
pub(super) struct Builder<'f> {
    pub(super) path: &'f Path,
    pub(super) text: &'f str,
    /// The gateway's own environment.
    pub(super) environment: &'f dyn Fn(&str) -> Option<String>,
    pub(super) problems: Vec<Problem>,
    /// How clients log in.
    pub(super) login: Login,
    /// What there is to say about the files that this one names.
    pub(super) of_named: Vec<FileProblems>,
    /// What was asked for on the way.
    pub(super) inputs: Inputs,
    /// Models that are loaded already.
    pub(super) known: &'f Models,
    pub(super) named: Named,
}

// === impl Builder ===

impl Builder<'_> {
    pub(super) fn config(&mut self, written: Written) -> GatewayConfig {
        let default = GatewayConfig::default();
        let listen = self.listen(written.listen).unwrap_or(default.listen);
        let clients = self.clients(value(written.clients).unwrap_or_default(), listen);
        self.login = clients.login_at(listen);
        let (servers, allow_methods) = self.servers(value(written.servers));
        let detectors = self.detectors(value(written.detectors).unwrap_or_default());
        // As long as there are errors it may not be known who is asked. Whether those who are known
        // can be connected to at all shows when the gateway starts.
        let is_error = |problem: &Problem| problem.severity == Severity::Error;
        let is_sound = !self.problems.iter().any(is_error);
        let asked = is_sound.then(|| ConfiguredDetectors::new(&detectors).ok());
        let asked = asked.flatten();
        let guardrails = value(written.guardrails);
        let mut guardrails = self.guardrails(guardrails, &servers, asked.as_ref());
        guardrails.extend(self.mcp_scan_guardrails(written.mcp_scan_guardrails, &servers));
        GatewayConfig {
            listen,
            allowed_hosts: self.parse_all(written.allowed_hosts),
            allowed_origins: self.origins(written.allowed_origins),
            data_directory: value(written.data_directory).map(|path| self.beside(&path)),
            durability: value(written.durability).map_or(default.durability, durability),
            store: self.store(value(written.store).unwrap_or_default()),
            refusal: value(written.refusal).map_or(default.refusal, refusal),
            guardrails,
            tool_checks: tool_checks(value(written.tools).unwrap_or_default()),
            servers,
            allow_methods,
            sessions: self.sessions(value(written.sessions).unwrap_or_default()),
            streams: self.streams(value(written.streams).unwrap_or_default()),
            limits: self.limits(value(written.limits).unwrap_or_default()),
            log: log(value(written.log).unwrap_or_default()),
            invariant_routes: self.invariant_routes(value(written.gateway).unwrap_or_default()),
            clients,
            api: self.api(value(written.api).unwrap_or_default(), listen),
            detectors,
            parameters: parameters(value(written.parameters)),
            warnings: Vec::new(),
            inputs: Inputs::default(),
        }
    }

    fn error(&mut self, span: &Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem::error(span.clone(), message));
    }

    /// A path as it is meant: relative to the configuration file.
    fn beside(&self, path: &str) -> PathBuf {
        let directory = self.path.parent().unwrap_or(Path::new(""));
        directory.join(path)
    }

    /// Whether a file may be read that stands here; if not, that is reported.
    fn may_name(&mut self, span: &Range<usize>, path: &Path) -> bool {
        let may = self.named == Named::Any || !is_irregular(path);
        if !may {
            self.error(span, format!("`{}` is no regular file", path.display()));
            self.inputs.texts.insert(path.to_owned(), None);
        }
        may
    }

    /// `None` if it is absent, or wrong and reported.
    fn parse<T: FromStr<Err: std::fmt::Display>>(&mut self, text: Spot<String>) -> Option<T> {
        let written = text.value?;
        match written.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(&text.span, format!("`{written}`: {error}"));
                None
            }
        }
    }

    fn parse_all<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        texts: Option<Spot<Vec<Spot<String>>>>,
    ) -> Vec<T> {
        let texts = value(texts).unwrap_or_default().into_iter();
        texts.filter_map(|text| self.parse(text)).collect()
    }

    fn listen(&mut self, listen: Option<Spot<WrittenAddress>>) -> Option<SocketAddr> {
        let listen = listen?;
        let WrittenAddress(written) = listen.value?;
        let address = written.parse().ok();
        if address.is_none() {
            let port = written.split_once(':').map_or(&*written, |(_, port)| port);
            let port: u16 = port.parse().unwrap_or(PORT_DEFAULT);
            self.problems.push(
                Problem::error(
                    listen.span,
                    format!("`{written}` is not an IP address and a port"),
                )
                .help(format!("write it as `127.0.0.1:{port}` or `[::1]:{port}`")),
            );
        }
        address
    }

    fn origins(&mut self, texts: Option<Spot<Vec<Spot<String>>>>) -> Vec<Origin> {
        let mut origins = Vec::new();
        for text in value(texts).unwrap_or_default() {
            let Some(written) = text.value else {
                continue;
            };
            let url = Url::parse(&written).ok();
            // `null` and the like are no tuples, and nobody could tell them apart.
            let origin = url.map(|url| url.origin()).filter(Origin::is_tuple);
            match origin.filter(|origin| origin.ascii_serialization() == written) {
                Some(origin) => origins.push(origin),
                None => self.problems.push(
                    Problem::error(text.span, format!("`{written}` is not an origin"))
                        .help("write it as browsers do: `https://app.example`, without a path"),
                ),
            }
        }
        origins
    }

    fn sessions(&mut self, written: WrittenSessions) -> SessionsConfig {
        let default = SessionsConfig::default();
        SessionsConfig {
            idle_timeout: self.duration(written.idle_timeout, default.idle_timeout),
            max_age: self.duration(written.max_age, default.max_age),
            max_sessions: self.count(written.max_sessions, default.max_sessions),
            max_sessions_per_principal: self.count(
                written.max_sessions_per_principal,
                default.max_sessions_per_principal,
            ),
            key: self.key(written.key).unwrap_or(default.key),
        }
    }

    fn key(&mut self, key: Option<Spot<WrittenKey>>) -> Option<ConversationKey> {
        let key = key?;
        let WrittenKey { header, meta } = key.value?;
        match (header, meta) {
            (Some(header), None) => self
                .parse::<HeaderName>(header)
                .map(ConversationKey::Header),
            (None, Some(meta)) => meta.value.map(ConversationKey::Meta),
            (Some(_), Some(_)) | (None, None) => {
                self.error(&key.span, "expected either `header` or `meta`");
                None
            }
        }
    }

    fn streams(&mut self, written: WrittenStreams) -> StreamsConfig {
        let default = StreamsConfig::default();
        StreamsConfig {
            keep_alive: self.duration(written.keep_alive, default.keep_alive),
            request_timeout: self.duration(written.request_timeout, default.request_timeout),
        }
    }

    fn limits(&mut self, written: WrittenLimits) -> LimitsConfig {
        let default = LimitsConfig::default();
        LimitsConfig {
            message_bytes: self.count(written.message_bytes, default.message_bytes),
            unknown_meta: match value(written.unknown_meta) {
                Some(WrittenUnknownMeta::Pass) => UnknownMeta::Pass,
                Some(WrittenUnknownMeta::Refuse) => UnknownMeta::Refuse,
                None => default.unknown_meta,
            },
            sampling_context: match value(written.sampling_context) {
                Some(WrittenSamplingContext::Pass) => SamplingContext::Pass,
                Some(WrittenSamplingContext::Withhold) => SamplingContext::Withhold,
                None => default.sampling_context,
            },
        }
    }

    fn invariant_routes(&mut self, written: WrittenGateway) -> Option<AllowedUpstreams> {
        let is_given = written.allowed_upstreams.is_some();
        let patterns = self.parse_all(written.allowed_upstreams);
        let upstreams = if is_given {
            AllowedUpstreams::Listed(patterns)
        } else {
            AllowedUpstreams::default()
        };
        value(written.enabled).unwrap_or(true).then_some(upstreams)
    }

    fn clients(&mut self, written: WrittenClients, listen: SocketAddr) -> ClientsConfig {
        let login = self.login(written.login, listen, "use all servers");
        ClientsConfig { login }
    }

    fn api(&mut self, written: WrittenApi, listen: SocketAddr) -> ApiConfig {
        let span = written.login.as_ref().map(|login| login.span.clone());
        let login = self.login(written.login, listen, "read all traces");
        let makes_keys = login == Some(Login::None) && self.login == Login::Keys;
        if let Some(span) = span.filter(|_| makes_keys && listen.ip().is_loopback()) {
            self.problems.push(
                Problem::error(
                    span,
                    "whoever reaches this machine could make the key that `clients.login` asks for",
                )
                .help("write `keys` or leave it out, or write `clients: { login: none }`"),
            );
        }
        ApiConfig { login }
    }

    /// `opened` is what anybody could do without a login.
    fn login(
        &mut self,
        written: Option<Spot<WrittenLogin>>,
        listen: SocketAddr,
        opened: &str,
    ) -> Option<Login> {
        let written = written?;
        let login = written.value.map(login);
        if login == Some(Login::None) && !listen.ip().is_loopback() {
            self.problems.push(
                Problem::error(
                    written.span,
                    format!("whoever reaches {listen} could {opened}"),
                )
                .help("write `keys`, or listen on `127.0.0.1`"),
            );
        }
        login
    }

    fn duration(&mut self, text: Option<Spot<WrittenDuration>>, default: Duration) -> Duration {
        let Some(Spot {
            span,
            value: Some(WrittenDuration(written)),
        }) = text
        else {
            return default;
        };
        value::duration(&written).unwrap_or_else(|error| {
            self.error(&span, format!("`{written}`: {error}"));
            default
        })
    }

    fn count(&mut self, number: Option<Spot<u64>>, default: NonZeroUsize) -> NonZeroUsize {
        let Some(Spot {
            span,
            value: Some(written),
        }) = number
        else {
            return default;
        };
        let count = usize::try_from(written).ok().and_then(NonZeroUsize::new);
        count.unwrap_or_else(|| {
            let problem = Problem::error(span, format!("`{written}` is out of range"));
            self.problems
                .push(problem.help("it is 1 at least; without the key there is a default"));
            default
        })
    }
}

/// What is there and could be read.
fn value<T>(spot: Option<Spot<T>>) -> Option<T> {
    spot?.value
}

fn durability(written: WrittenDurability) -> Durability {
    match written {
        WrittenDurability::Relaxed => Durability::Relaxed,
        WrittenDurability::Strict => Durability::Strict,
    }
}

fn refusal(written: WrittenRefusal) -> RefusalStyle {
    match written {
        WrittenRefusal::Result => RefusalStyle::Result,
        WrittenRefusal::Error => RefusalStyle::Error,
    }
}

fn tool_checks(written: WrittenTools) -> ToolChecks {
    let mut checks = ToolChecks::default();
    for (check, action) in [
        (ToolCheck::Poisoned, written.poisoned),
        (ToolCheck::Changed, written.changed),
        (ToolCheck::New, written.new),
        (ToolCheck::Shadowed, written.shadowed),
        (ToolCheck::Ambiguous, written.ambiguous),
        (ToolCheck::Headers, written.headers),
    ] {
        match value(action) {
            None => {}
            Some(WrittenToolAction::Block) => checks.set(check, Some(GuardrailAction::Block)),
            Some(WrittenToolAction::Log) => checks.set(check, Some(GuardrailAction::Log)),
            Some(WrittenToolAction::Off) => checks.set(check, None),
        }
    }
    checks
}

fn login(written: WrittenLogin) -> Login {
    match written {
        WrittenLogin::None => Login::None,
        WrittenLogin::Keys => Login::Keys,
    }
}

fn log(written: WrittenLog) -> LogConfig {
    let default = LogConfig::default();
    LogConfig {
        format: value(written.format).map_or(default.format, |format| match format {
            WrittenLogFormat::Text => LogFormat::Text,
            WrittenLogFormat::Json => LogFormat::Json,
        }),
        level: value(written.level).map_or(default.level, |level| match level {
            WrittenLevel::Error => Level::ERROR,
            WrittenLevel::Warn => Level::WARN,
            WrittenLevel::Info => Level::INFO,
            WrittenLevel::Debug => Level::DEBUG,
        }),
    }
}

fn parameters(entries: Option<Entries<Json>>) -> Object {
    let mut parameters = Object::new();
    for (name, parameter) in entries.map(|Entries(entries)| entries).unwrap_or_default() {
        if let (Some(name), Some(Json(parameter))) = (name.value, parameter.value) {
            parameters.insert(name, parameter);
        }
    }
    parameters
}
