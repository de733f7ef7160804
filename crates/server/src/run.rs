//! One guarded server and its client on standard input and output, from the start to the end.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;

use portcullis_json::Object;
use portcullis_session::{
    Guardrail, GuardrailAction, RefusalStyle, Session, SessionContext, SessionLimits,
};
use portcullis_store::{Durability, StoreError};
use portcullis_trace::record::{SessionId, SessionIdError, SessionRecord};
use portcullis_transport::child::{ServerCommand, SpawnError, Started};
use portcullis_transport::lines::{LineReader, LineWriter};
use portcullis_transport::signal::EndSignals;
use portcullis_transport::stdio;
use tracing::{Level, info, warn};
use url::Url;
use uuid::Uuid;

use crate::config::{ConfigError, DataDirectory, HttpServer, server_name};
use crate::log;
use crate::policy::{PolicyError, PolicyFile};
use crate::recording::Recording;
use crate::relay::{Peers, now, relay};
use crate::serve::stdio::{self as local, ConnectError, End, LocalClient};

/// LIMIT: one line of a peer, unless configured otherwise.
pub const LINE_BYTES_DEFAULT: usize = 16 << 20;

/// What to guard, and how.
#[derive(Clone, Debug)]
pub struct RunOptions {
    pub server: GuardedServer,
    /// `None`: named after what is run, or where it is.
    pub name: Option<String>,
    /// Files whose policies block.
    pub policies: Vec<PathBuf>,
    pub parameters: Object,
    pub refusal: RefusalStyle,
    pub on_failure: GuardrailAction,
    pub extra_methods: Vec<String>,
    pub line_bytes: usize,
    pub durability: Durability,
    pub data_directory: Option<PathBuf>,
    pub project: Option<String>,
    pub metadata: Object,
    pub is_verbose: bool,
    /// Logged as soon as there is a log.
    pub notices: Vec<String>,
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
    NotRecorded(StoreError),
    NotLogged(io::Error),
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
    #[error("no session id could be made")]
    Id(#[source] SessionIdError),
    #[error("the server at `{url}` cannot be reached")]
    Connect {
        url: Url,
        #[source]
        source: ConnectError,
    },
}

/// Guards one server until the client, the server or a signal ends the session. Gives the exit code
/// of a server that was started, or as a shell does 128 and the signal that ended it; for a remote
/// one, 1 if it ended the session.
///
/// The server is not started before every policy has loaded.
pub fn run(options: RunOptions, warn: &mut dyn FnMut(Warning)) -> Result<u8, RunError> {
    let guardrails = load(&options, warn)?;
    let data_directory = DataDirectory::open(options.data_directory.clone())?;
    let level = if options.is_verbose {
        Level::DEBUG
    } else {
        Level::INFO
    };
    if let Err(error) = log::to_file(&data_directory.log(), level) {
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
    Ok(guardrails)
}

async fn guard(
    options: RunOptions,
    guardrails: Vec<Guardrail>,
    data_directory: &DataDirectory,
    warn: &mut dyn FnMut(Warning),
) -> Result<u8, RunError> {
    let signals = EndSignals::listen().map_err(RunError::Supervise)?;
    // The server starts up while the database is opened.
    let server = Opened::open(&options.server)?;
    let (recording, failure) = Recording::open(&data_directory.database(), options.durability)
        .map_err(RunError::Record)?;
    if let Some(failure) = failure {
        warn!(error = %failure, "traces are not recorded");
        warn(Warning::NotRecorded(failure));
    }
    for notice in &options.notices {
        info!("{notice}");
    }
    if guardrails.is_empty() {
        warn!("no policy is given: messages are recorded, nothing is blocked");
    }
    let recording = Arc::new(recording);
    let code = server
        .guard(options, guardrails, Arc::clone(&recording), signals)
        .await;
    recording.close().await;
    code
}

/// A server that is on its way up, or somewhere else.
enum Opened {
    Started(Started),
    Remote(HttpServer),
}

// === impl Opened ===

impl Opened {
    fn open(server: &GuardedServer) -> Result<Self, RunError> {
        Ok(match server {
            GuardedServer::Started { command, launcher } => Self::Started(match launcher {
                Some(launcher) => command.under(launcher.as_os_str()).spawn()?,
                None => command.spawn()?,
            }),
            GuardedServer::Remote(server) => Self::Remote(server.clone()),
        })
    }

    async fn guard(
        self,
        options: RunOptions,
        guardrails: Vec<Guardrail>,
        recording: Arc<Recording>,
        signals: EndSignals,
    ) -> Result<u8, RunError> {
        let (line_bytes, refusal) = (options.line_bytes, options.refusal);
        let (session, record) = open_session(options, guardrails)?;
        let from_client = LineReader::new(stdio::input().map_err(RunError::Streams)?, line_bytes);
        let to_client = LineWriter::new(stdio::output().map_err(RunError::Streams)?);
        match self {
            Self::Started(started) => {
                let peers = Peers {
                    from_client,
                    to_client,
                    from_server: LineReader::new(started.output, line_bytes),
                    to_server: LineWriter::new(started.input),
                    server: started.server,
                };
                let status = relay(peers, session, record, &recording, signals).await;
                status.map(exit_code).map_err(RunError::Supervise)
            }
            Self::Remote(server) => {
                let client = LocalClient {
                    from_client,
                    to_client,
                    session,
                    record,
                    refusal,
                };
                let url = server.url.clone();
                let end = local::guard(client, server, line_bytes, recording, signals).await;
                end.map(end_code)
                    .map_err(|source| RunError::Connect { url, source })
            }
        }
    }
}

fn open_session(
    options: RunOptions,
    guardrails: Vec<Guardrail>,
) -> Result<(Session, SessionRecord), RunError> {
    let id: SessionId = Uuid::now_v7().to_string().parse().map_err(RunError::Id)?;
    let server = options.name.unwrap_or_else(|| match &options.server {
        GuardedServer::Started { command, .. } => server_name(command),
        GuardedServer::Remote(server) => server.url.host_str().unwrap_or_default().to_owned(),
    });
    let record = SessionRecord {
        id: id.clone(),
        project: options.project,
        name: None,
        server: server.clone(),
        client: None,
        started_at: now(),
        metadata: options.metadata,
    };
    let session = Session::new(SessionContext {
        id,
        revision: None,
        server: Arc::from(server),
        guardrails,
        parameters: options.parameters,
        refusal: options.refusal,
        extra_methods: options.extra_methods,
        limits: SessionLimits::default(),
    });
    Ok((session, record))
}

/// What a shell adds to the number of a signal.
const SIGNALLED: i32 = 128;

fn end_code(end: End) -> u8 {
    match end {
        End::Client => 0,
        End::Server => 1,
        End::Signal(signal) => u8::try_from(SIGNALLED + signal).unwrap_or(u8::MAX),
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| SIGNALLED + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}
