//! One guarded stdio server, from its start to its end.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;

use portcullis_json::Object;
use portcullis_session::{
    Guardrail, GuardrailAction, RefusalStyle, Session, SessionContext, SessionLimits,
};
use portcullis_store::{Durability, Location, StoreError};
use portcullis_trace::record::{Origin, SessionId, SessionIdError, SessionRecord};
use portcullis_transport::child::{ServerCommand, SpawnError};
use portcullis_transport::lines::{LineReader, LineWriter};
use portcullis_transport::signal::EndSignals;
use portcullis_transport::stdio;
use tracing::{Level, info, warn};
use uuid::Uuid;

use crate::config::{ConfigError, DataDirectory, server_name};
use crate::log;
use crate::policy::{PolicyError, PolicyFile};
use crate::recording::Recording;
use crate::relay::{Peers, now, relay};

/// LIMIT: one line of a peer, unless configured otherwise.
pub const LINE_BYTES_DEFAULT: usize = 16 << 20;

/// What to guard, and how.
#[derive(Clone, Debug)]
pub struct RunOptions {
    pub server: ServerCommand,
    /// The program to start it through, so that it cannot outlive a killed gateway; see
    /// [`ServerCommand::under`].
    pub launcher: Option<PathBuf>,
    /// `None`: named after what is run.
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
}

/// Guards one server until the client, the server or a signal ends the session. Gives the server's
/// exit code, or as a shell does 128 and the signal that ended it.
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
    let status = runtime.block_on(guard(options, guardrails, &data_directory, warn));
    // A read of a terminal cannot be called off, and must not hold up the end.
    runtime.shutdown_background();
    status.map(exit_code)
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
) -> Result<ExitStatus, RunError> {
    let signals = EndSignals::listen().map_err(RunError::Supervise)?;
    // The server starts up while the database is opened.
    let started = match &options.launcher {
        Some(launcher) => options.server.under(launcher.as_os_str()).spawn()?,
        None => options.server.spawn()?,
    };
    let location = Location::Sqlite(data_directory.database());
    let (recording, failure) =
        Recording::open(&location, options.durability).map_err(RunError::Record)?;
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
    let line_bytes = options.line_bytes;
    let (session, record) = open_session(options, guardrails)?;
    let peers = Peers {
        from_client: LineReader::new(stdio::input().map_err(RunError::Streams)?, line_bytes),
        to_client: LineWriter::new(stdio::output().map_err(RunError::Streams)?),
        from_server: LineReader::new(started.output, line_bytes),
        to_server: LineWriter::new(started.input),
        server: started.server,
    };
    let status = relay(peers, session, record, &recording, signals).await;
    recording.close().await;
    status.map_err(RunError::Supervise)
}

fn open_session(
    options: RunOptions,
    guardrails: Vec<Guardrail>,
) -> Result<(Session, SessionRecord), RunError> {
    let id: SessionId = Uuid::now_v7().to_string().parse().map_err(RunError::Id)?;
    let server = options.name.unwrap_or_else(|| server_name(&options.server));
    let record = SessionRecord {
        id: id.clone(),
        project: options.project,
        name: None,
        server: server.clone(),
        client: None,
        started_at: now(),
        metadata: options.metadata,
        origin: Origin::Live,
        index: None,
        hierarchy_path: Vec::new(),
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

fn exit_code(status: ExitStatus) -> u8 {
    const SIGNALLED: i32 = 128;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| SIGNALLED + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}
