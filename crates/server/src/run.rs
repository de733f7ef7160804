//! One guarded server and its client on standard input and output, from the start to the end.

use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;

use portcullis_json::Object;
use portcullis_session::{
    Guardrail, GuardrailAction, Party, RefusalStyle, Session, SessionContext, SessionLimits,
    SharedDetectors, ToolChecks,
};
use portcullis_store::{Durability, Location, RecorderStatus, StoreError, Upload};
use portcullis_trace::record::{Origin, SessionId, SessionRecord};
use portcullis_transport::child::{
    ServerCommand, SpawnError, Started, ended_as_told, was_not_started,
};
use portcullis_transport::http::endpoint::EndpointError;
use portcullis_transport::lines::{LineReader, LineWriter};
use portcullis_transport::signal::EndSignals;
use portcullis_transport::stdio;
use tracing::{Level, info, warn};
use url::Url;
use uuid::Uuid;

use crate::clock::now;
use crate::config::{
    ConfigError, DataDirectory, DetectorsConfig, ExplorerConfig, HttpServer, LogFormat, server_name,
};
use crate::detectors::{ConfiguredDetectors, Unanswered};
use crate::end::End;
use crate::explorer::{RemoteExplorer, RemoteGuardrails, UploadTask};
use crate::guardrails::GuardrailSource;
use crate::policy::{PolicyError, PolicyFile};
use crate::recording::Recording;
use crate::relay::{Ended, Peers, relay};
use crate::serve::local::{self, ConnectError, LocalClient};
use crate::text_file::line_and_column;
use crate::tools::{self, ToolBook};
use crate::{log, metadata};

/// What to guard, and how.
#[derive(Clone, Debug)]
pub struct RunOptions {
    pub server: GuardedServer,
    /// `None`: named after what is run, or where it is.
    pub name: Option<String>,
    /// Files whose policies block.
    pub policies: Vec<PathBuf>,
    /// Guardrails from elsewhere, in force after those of the policies.
    pub guardrails: Vec<Guardrail>,
    pub tool_checks: ToolChecks,
    pub parameters: Object,
    pub refusal: RefusalStyle,
    pub on_failure: GuardrailAction,
    pub extra_methods: Vec<String>,
    pub line_bytes: usize,
    pub durability: Durability,
    pub data_directory: Option<PathBuf>,
    pub project: Option<String>,
    pub metadata: Object,
    pub explorer: Option<Explorer>,
    pub detectors: DetectorsConfig,
    pub is_verbose: bool,
    /// Logged as soon as there is a log.
    pub notices: Vec<String>,
}

/// The Explorer that is elsewhere.
#[derive(Clone, Debug)]
pub struct Explorer {
    pub config: ExplorerConfig,
    /// Whether the trace goes there; its guardrails are in force in any case.
    pub takes_trace: bool,
}

/// Where the server is.
#[derive(Clone, Debug)]
pub enum GuardedServer {
    /// It is started, and speaks on its standard streams.
    Started {
        command: ServerCommand,
        /// The program to start it through, so that it cannot outlive a killed gateway; see
        /// [`ServerCommand::under`].
        launcher: Option<PathBuf>,
    },
    Remote(HttpServer),
}

/// Something the user should see that does not keep the server from being guarded.
#[derive(Debug)]
pub enum Warning {
    Policy(PolicyFile),
    /// A guardrail calls a detector that nobody answers for.
    Unanswered {
        guardrail: String,
        /// Of its policy.
        line: usize,
        reason: String,
        on_failure: GuardrailAction,
    },
    NotRecorded(StoreError),
    NotLogged(io::Error),
    /// The server ended before it was told to, or by a signal that nobody sent it.
    ServerEnded {
        server: String,
        program: OsString,
        status: ExitStatus,
        /// Whether it did so by itself, and had written nothing to its standard output.
        said_nothing: bool,
    },
    /// Not all was recorded.
    Lost(RecorderStatus),
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    #[error("traces cannot be recorded, as strict durability demands")]
    Record(#[source] StoreError),
    #[error("standard input and output cannot be used")]
    Streams(#[source] io::Error),
    #[error("the session could not be supervised")]
    Supervise(#[source] io::Error),
    #[error("the server is not started without its guardrails")]
    Guardrails(#[source] Box<dyn Error + Send + Sync>),
    #[error("the Explorer cannot be connected to")]
    Explorer(#[source] EndpointError),
    #[error("detectors cannot be connected to")]
    Detectors(#[source] EndpointError),
    #[error("the server at `{url}` cannot be reached")]
    Connect {
        url: Url,
        #[source]
        source: ConnectError,
    },
}

// === impl RunOptions ===

impl RunOptions {
    /// What the server is called: as it is told, or after what is run.
    pub fn server_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| match &self.server {
            GuardedServer::Started { command, .. } => server_name(command),
            GuardedServer::Remote(server) => server.url.host_str().unwrap_or_default().to_owned(),
        })
    }
}

/// Guards one server until the client, the server or a signal ends the session. Gives the exit code
/// of a server that was started, or as a shell does 128 and the signal that ended it; for a remote
/// one, 1 if it ended the session.
///
/// The server is not started before every policy has loaded, and all else has been got ready.
pub fn run(options: RunOptions, warn: &mut dyn FnMut(Warning)) -> Result<u8, RunError> {
    let guardrails = load(&options, warn)?;
    let data_directory = DataDirectory::open(options.data_directory.clone())?;
    let level = if options.is_verbose {
        Level::DEBUG
    } else {
        Level::INFO
    };
    if let Err(error) = log::to_file(&data_directory.log(), level, LogFormat::Text) {
        warn(Warning::NotLogged(error));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunError::Supervise)?;
    let code = runtime.block_on(guard(options, guardrails, &data_directory, warn));
    // A read of a terminal cannot be called off, and must not hold up the end.
    runtime.shutdown_background();
    code
}

fn load(
    options: &RunOptions,
    warn: &mut dyn FnMut(Warning),
) -> Result<Vec<Guardrail>, PolicyError> {
    let mut guardrails = Vec::with_capacity(options.policies.len());
    for path in &options.policies {
        let (guardrail, file) = PolicyFile::read(path)?.guardrail(options.on_failure)?;
        guardrails.push(guardrail);
        if file.warnings().next().is_some() {
            warn(Warning::Policy(file));
        }
    }
    guardrails.extend(options.guardrails.iter().cloned());
    Ok(guardrails)
}

async fn guard(
    options: RunOptions,
    guardrails: Vec<Guardrail>,
    data_directory: &DataDirectory,
    warn: &mut dyn FnMut(Warning),
) -> Result<u8, RunError> {
    let signals = EndSignals::listen().map_err(RunError::Supervise)?;
    let (server, line_bytes) = (options.server.clone(), options.line_bytes);
    let Prepared {
        client,
        recording,
        spool,
    } = prepare(options, guardrails, data_directory, warn).await?;
    let record = client.record.clone();
    let server = Opened::open(server, &record.server)?;
    info!(session = %record.id, server = record.server, "session begins");
    let session = record.id.clone();
    if let Err(error) = recording.record(record).await {
        warn!(%error, "session not recorded");
    }
    let upload = match spool {
        Some((explorer, source)) => {
            let upload = Upload::new(session, explorer.url().as_str());
            recording.record(upload).await.ok();
            Some(UploadTask::start(explorer, &recording, source))
        }
        None => None,
    };
    let code = server
        .guard(client, line_bytes, Arc::clone(&recording), signals, warn)
        .await;
    recording.flush().await;
    if let Some(upload) = upload {
        upload.end().await;
    }
    let status = recording.close().await;
    if status.has_losses() {
        warn(Warning::Lost(status));
    }
    code
}

/// What a server is guarded with. All that can fail has been done before the server is started.
struct Prepared {
    client: LocalClient,
    recording: Arc<Recording>,
    /// Where the trace is sent, if anywhere, and what hears of an Explorer that cannot be reached.
    spool: Option<(Arc<RemoteExplorer>, Arc<GuardrailSource>)>,
}

async fn prepare(
    options: RunOptions,
    mut guardrails: Vec<Guardrail>,
    data_directory: &DataDirectory,
    warn: &mut dyn FnMut(Warning),
) -> Result<Prepared, RunError> {
    let location = Location::Sqlite(data_directory.database());
    let (recording, failure) =
        Recording::open(&location, options.durability).map_err(RunError::Record)?;
    let is_recorded = failure.is_none();
    if let Some(failure) = failure {
        warn!(error = %failure, "traces are not recorded");
        warn(Warning::NotRecorded(failure));
    }
    for notice in &options.notices {
        info!("{notice}");
    }
    let explorer = explorer(&options)?;
    let remote = explorer
        .clone()
        .map(|explorer| RemoteGuardrails::new(explorer, data_directory.remote_guardrails()));
    let source = Arc::new(GuardrailSource::new(recording.pool().clone(), remote));
    guardrails.extend(kept(&options, &source).await?);
    if guardrails.is_empty() {
        if is_recorded {
            warn!("no policy is given: messages are recorded, nothing is blocked");
        } else {
            warn!("no policy is given: nothing is blocked");
        }
    }
    let asked = options.explorer.as_ref();
    let takes_trace = asked.is_some_and(|explorer| explorer.takes_trace);
    let (line_bytes, refusal) = (options.line_bytes, options.refusal);
    let identity = tools::guarded(&options.server_name(), &options.server);
    let tools = ToolBook::new(identity, recording.pool().clone(), None);
    let detectors = ConfiguredDetectors::new(&options.detectors).map_err(RunError::Detectors)?;
    for guardrail in &guardrails {
        unanswered(guardrail, &detectors, warn);
    }
    let detectors = Arc::new(detectors);
    let (session, record) = open_session(options, guardrails, Arc::clone(&detectors) as _);
    let client = LocalClient {
        from_client: LineReader::new(stdio::input().map_err(RunError::Streams)?, line_bytes),
        to_client: LineWriter::new(stdio::output().map_err(RunError::Streams)?),
        session,
        record,
        refusal,
        tools,
        detectors,
    };
    Ok(Prepared {
        client,
        recording: Arc::new(recording),
        spool: explorer
            .filter(|_| takes_trace)
            .map(|explorer| (explorer, source)),
    })
}

/// Warns of calls of detectors that will fail.
fn unanswered(
    guardrail: &Guardrail,
    detectors: &ConfiguredDetectors,
    warn: &mut dyn FnMut(Warning),
) {
    let Ok(policy) = &guardrail.policy else {
        return;
    };
    for Unanswered { span, reason } in detectors.unanswered(policy) {
        let guardrail_name = guardrail.name.name.as_str();
        let (line, _) = line_and_column(policy.source(), span.range().start);
        warn!(guardrail = guardrail_name, line, %reason, "a detector cannot be asked");
        warn(Warning::Unanswered {
            guardrail: guardrail_name.to_owned(),
            line,
            reason,
            on_failure: guardrail.on_failure,
        });
    }
}

/// A server that is on its way up, or somewhere else.
enum Opened {
    Started { program: OsString, started: Started },
    Remote(HttpServer),
}

// === impl Opened ===

impl Opened {
    fn open(server: GuardedServer, name: &str) -> Result<Self, RunError> {
        Ok(match server {
            GuardedServer::Started { command, launcher } => Self::Started {
                started: match launcher {
                    Some(launcher) => command.under(launcher.as_os_str(), name).spawn()?,
                    None => command.spawn()?,
                },
                program: command.program,
            },
            GuardedServer::Remote(server) => Self::Remote(server),
        })
    }

    async fn guard(
        self,
        client: LocalClient,
        line_bytes: usize,
        recording: Arc<Recording>,
        signals: EndSignals,
        warn: &mut dyn FnMut(Warning),
    ) -> Result<u8, RunError> {
        match self {
            Self::Started { program, started } => {
                let LocalClient {
                    from_client,
                    to_client,
                    mut session,
                    record,
                    tools,
                    detectors,
                    ..
                } = client;
                let peers = Peers {
                    from_client,
                    to_client,
                    from_server: LineReader::new(started.output, line_bytes),
                    to_server: LineWriter::new(started.input),
                    server: started.server,
                };
                if session.holds_tools_back() {
                    session.on_known_tools(tools.known().await);
                }
                let server = record.server.clone();
                let kept = (&*recording, &tools);
                let ended = relay(peers, session, record, kept, &detectors, signals);
                let Ended {
                    by,
                    status,
                    has_spoken,
                } = ended.await.map_err(RunError::Supervise)?;
                if is_news(by, status) {
                    warn(Warning::ServerEnded {
                        server,
                        program,
                        status,
                        said_nothing: by == End::Server && !has_spoken,
                    });
                }
                Ok(exit_code(status))
            }
            Self::Remote(server) => {
                let url = server.url.clone();
                let end = local::guard(client, server, line_bytes, recording, signals).await;
                end.map(end_code)
                    .map_err(|source| RunError::Connect { url, source })
            }
        }
    }
}

fn explorer(options: &RunOptions) -> Result<Option<Arc<RemoteExplorer>>, RunError> {
    let explorer = options.explorer.as_ref();
    let explorer = explorer.map(|explorer| RemoteExplorer::new(&explorer.config));
    let explorer = explorer.transpose().map_err(RunError::Explorer)?;
    Ok(explorer.map(Arc::new))
}

/// The guardrails that are kept for this server. Which client will speak is not known yet: those
/// for one client are for all.
async fn kept(options: &RunOptions, source: &GuardrailSource) -> Result<Vec<Guardrail>, RunError> {
    let server = options.server_name();
    match source.read(options.project.as_deref()).await {
        Ok(kept) => Ok(kept.for_server(&server)),
        Err(error) if options.on_failure == GuardrailAction::Log => {
            warn!(%error, "only the policies of the command line are in force");
            Ok(Vec::new())
        }
        Err(error) => Err(RunError::Guardrails(error.into())),
    }
}

fn open_session(
    options: RunOptions,
    guardrails: Vec<Guardrail>,
    detectors: SharedDetectors,
) -> (Session, SessionRecord) {
    let id = SessionId::from_uuid(Uuid::now_v7().into_bytes());
    let server = options.server_name();
    let metadata = metadata::of_session(&id, &options.metadata);
    let record = SessionRecord {
        id: id.clone(),
        project: options.project,
        name: None,
        server: server.clone(),
        client: None,
        started_at: now(),
        metadata: metadata.clone(),
        origin: Origin::Live,
        index: None,
        hierarchy_path: Vec::new(),
    };
    let session = Session::new(SessionContext {
        id,
        revision: None,
        has_argument_headers: matches!(options.server, GuardedServer::Remote(_)),
        server: Arc::from(server),
        party: Party::default(),
        guardrails,
        tool_checks: options.tool_checks,
        parameters: metadata::parameters(&options.parameters, &metadata),
        refusal: options.refusal,
        extra_methods: options.extra_methods,
        limits: SessionLimits {
            message_bytes: options.line_bytes,
            ..SessionLimits::default()
        },
        detectors,
    });
    (session, record)
}

/// What a shell adds to the number of a signal.
const SIGNALLED: i32 = 128;
/// What a shell answers for a program that it cannot start.
const NOT_STARTED: u8 = 127;

/// Whether the user should be told of the server's end. One that was not started has been told of.
fn is_news(end: End, status: ExitStatus) -> bool {
    !was_not_started(status)
        && match end {
            End::Server => true,
            End::Client | End::Signal(_) => !ended_as_told(status),
        }
}

fn end_code(end: End) -> u8 {
    match end {
        End::Client => 0,
        End::Server => 1,
        End::Signal(signal) => u8::try_from(SIGNALLED + signal).unwrap_or(u8::MAX),
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    if was_not_started(status) {
        return NOT_STARTED;
    }
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| SIGNALLED + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}
