//! The gateway for many: any number of servers behind HTTP, in one process.
//!
//! [`route`] says which URL is what and reads HTTP strictly; a [`conversation`] holds the session
//! of one client with one server; an [`upstream`] is the way to that server, whatever it speaks;
//! an [`outlet`] is a stream to the client, and [`replay`] what it can come back to. The
//! [`registry`] knows all conversations and ends those whose time is up.

mod admission;
mod answer;
mod aside;
mod belongings;
mod conversation;
mod counted;
mod errand;
mod gateway;
mod headers;
mod health;
mod hold;
mod holder;
mod hops;
mod judging;
pub(crate) mod local;
mod login;
mod mirror;
mod outlet;
mod place;
mod principal;
mod refusals;
mod registry;
mod reload;
mod replay;
mod retention;
mod route;
mod trace_context;
mod unicode_escape;
mod upstream;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::service::TowerToHyperService;
use portcullis_store::{Location, RecorderStatus, StoreError};
use portcullis_transport::http::endpoint::EndpointError;
use portcullis_transport::http::lanes::Lanes;
use portcullis_transport::http::listen;
use portcullis_transport::signal::EndSignals;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{Level, info, warn};

pub(crate) use self::admission::admit;
pub(crate) use self::answer::{Reason, body_status, json};
pub(crate) use self::gateway::Gateway;
use self::gateway::Surroundings;
use self::health::Health;
use self::holder::Holder;
use self::refusals::NotedRoutes;
pub(crate) use self::retention::active_since;
use crate::api::{self, Api};
use crate::config::{ConfigError, DataDirectory, ExplorerConfig, GatewayConfig, Watcher};
use crate::detectors::ConfiguredDetectors;
use crate::explorer::{RemoteExplorer, RemoteGuardrails, UploadTask};
use crate::guardrails::GuardrailSource;
use crate::log;
use crate::recording::Recording;

/// LIMIT: how long what is left in the background may take to end.
const END_WAIT_MAX: Duration = Duration::from_secs(5);

/// What to serve, and how.
#[derive(Debug)]
pub struct ServeOptions {
    pub config: GatewayConfig,
    /// What holds instead, after changes too.
    pub overrides: Overrides,
    /// The file whose changes are followed.
    pub config_file: Option<PathBuf>,
    /// The program to start stdio servers through, so that they cannot outlive a killed gateway.
    pub launcher: Option<PathBuf>,
    pub is_verbose: bool,
    /// Where further guardrails come from, and traces go to.
    pub explorer: Option<ExplorerConfig>,
}

/// What is said beside the configuration file, and holds instead of what it says.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub listen: Option<SocketAddr>,
    pub data_directory: Option<PathBuf>,
}

/// Something the user should see as it happens.
#[derive(Debug)]
pub enum Notice {
    Listening {
        address: SocketAddr,
        servers: Vec<String>,
    },
    NotRecorded(StoreError),
    NotLogged(io::Error),
    /// Not all was recorded.
    Lost(RecorderStatus),
}

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("`{address}` cannot be listened on")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("traces cannot be recorded")]
    Record(#[source] StoreError),
    #[error("servers cannot be connected to")]
    Connect(#[source] EndpointError),
    #[error("the gateway could not be started")]
    Start(#[source] io::Error),
}

// === impl Overrides ===

impl Overrides {
    fn apply(&self, config: &mut GatewayConfig) {
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if let Some(data_directory) = &self.data_directory {
            config.data_directory = Some(data_directory.clone());
        }
    }
}

/// Serves until a signal ends it; then sessions are ended, their servers too.
pub fn serve(mut options: ServeOptions, notify: &mut dyn FnMut(Notice)) -> Result<(), ServeError> {
    options.overrides.apply(&mut options.config);
    let data_directory = DataDirectory::open(options.config.data_directory.clone())?;
    let level = if options.is_verbose {
        Level::DEBUG
    } else {
        options.config.log.level
    };
    let format = options.config.log.format;
    if let Err(error) = log::to_file(&data_directory.log(), level, format) {
        notify(Notice::NotLogged(error));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(ServeError::Start)?;
    let served = runtime.block_on(serve_until_signal(options, &data_directory, notify));
    // A file that a mount does not give cannot be let go of, and must not hold up the end.
    runtime.shutdown_timeout(END_WAIT_MAX);
    served
}

async fn serve_until_signal(
    options: ServeOptions,
    data_directory: &DataDirectory,
    notify: &mut dyn FnMut(Notice),
) -> Result<(), ServeError> {
    let signals = EndSignals::listen_but_for_hang_up().map_err(ServeError::Start)?;
    let config = options.config;
    let location = config.store.location.clone();
    let location = location.unwrap_or_else(|| Location::Sqlite(data_directory.database()));
    let (recording, failure) =
        Recording::open(&location, config.durability).map_err(ServeError::Record)?;
    if let Some(failure) = failure {
        if !failure.may_pass() {
            return Err(ServeError::Record(failure));
        }
        warn!(error = %failure, "traces are not recorded until the store can be opened");
        notify(Notice::NotRecorded(failure));
    }
    let recording = Arc::new(recording);
    let watcher = options.config_file.map(|path| Watcher::new(path, &config));
    let watcher = watcher.transpose().map_err(ServeError::Start)?;
    let listen_on = config.listen;
    let listening = |source| ServeError::Listen {
        address: listen_on,
        source,
    };
    let listener = TcpListener::bind(listen_on).await.map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    let servers = config.servers.keys().map(ToString::to_string).collect();
    let explorer = options.explorer.as_ref().map(RemoteExplorer::new);
    let explorer = explorer.transpose().map_err(ServeError::Connect)?;
    let explorer = explorer.map(Arc::new);
    let remote = explorer
        .clone()
        .map(|explorer| RemoteGuardrails::new(explorer, data_directory.remote_guardrails()));
    let guardrails = Arc::new(GuardrailSource::new(recording.pool().clone(), remote));
    let detectors = ConfiguredDetectors::new(&config.detectors).map_err(ServeError::Connect)?;
    let surroundings = Surroundings {
        detectors: Arc::new(detectors),
        recording: Arc::clone(&recording),
        guardrails: Arc::clone(&guardrails),
        address,
        explorer: explorer.as_ref().map(|explorer| explorer.url().clone()),
        launcher: options.launcher,
        holder: holder(data_directory),
    };
    let gateway = Arc::new(Gateway::new(config, surroundings).map_err(ServeError::Connect)?);
    let upload = explorer.map(|explorer| UploadTask::start(explorer, &recording, guardrails));
    info!(%address, "listening");
    notify(Notice::Listening { address, servers });
    let overrides = options.overrides;
    converse(listener, &gateway, &recording, watcher, overrides, signals).await;
    recording.flush().await;
    if let Some(upload) = upload {
        upload.end().await;
    }
    let status = recording.close().await;
    if status.has_losses() {
        notify(Notice::Lost(status));
    }
    Ok(())
}

/// Serves whoever connects, until a signal comes and all that is open has ended.
async fn converse(
    listener: TcpListener,
    gateway: &Arc<Gateway>,
    recording: &Arc<Recording>,
    watcher: Option<Watcher>,
    overrides: Overrides,
    mut signals: EndSignals,
) {
    let tasks = gateway.tasks.clone();
    let endless = attend(gateway, recording, watcher, overrides);
    let routes = NotedRoutes::new(routes(gateway, recording), Arc::clone(gateway));
    let service = TowerToHyperService::new(routes);
    // Until the end of this: conversations have work on them that is waited for below.
    let lanes = Lanes::start();
    let stop = async {
        let signal = signals.next().await;
        info!(signal, "ends");
        gateway.ending.cancel();
        // What is waited for gets its answer while there is a connection for it.
        gateway.registry.end_all().await;
        recording.feed().end();
    };
    listen::serve(listener, service, &lanes, stop).await;
    for task in endless {
        task.abort();
    }
    gateway.registry.end_all().await;
    tasks.close();
    if timeout(END_WAIT_MAX, tasks.wait()).await.is_err() {
        warn!("some work in the background was cut");
    }
}

/// All that there is under the gateway's address.
fn routes(gateway: &Arc<Gateway>, recording: &Arc<Recording>) -> Router {
    let api = Api::new(Arc::clone(gateway), Arc::clone(recording));
    let health = Health::new(Arc::clone(gateway), Arc::clone(recording));
    route::router(Arc::clone(gateway))
        .merge(route::operation::router(health))
        .merge(api::router(api))
}

/// Without it, sessions end with the gateway.
fn holder(data_directory: &DataDirectory) -> Option<Holder> {
    let holder = Holder::new(data_directory.gateways());
    holder
        .inspect_err(|error| warn!(%error, "sessions will not outlive the gateway"))
        .ok()
}

/// Starts what never ends by itself.
fn attend(
    gateway: &Arc<Gateway>,
    recording: &Recording,
    watcher: Option<Watcher>,
    overrides: Overrides,
) -> Vec<JoinHandle<()>> {
    let tasks = &gateway.tasks;
    let sweep = tasks.spawn({
        let gateway = Arc::clone(gateway);
        let registry = Arc::clone(&gateway.registry);
        registry.sweep(gateway.tasks.clone(), move || gateway.config())
    });
    let follow_source = tasks.spawn(reload::follow_source(Arc::clone(gateway)));
    let follow =
        watcher.map(|watcher| tasks.spawn(reload::follow(Arc::clone(gateway), watcher, overrides)));
    let forget = retention::follow(Arc::clone(gateway), recording.pool().clone());
    let forget = tasks.spawn(forget);
    let follow_remote = tasks.spawn(Arc::clone(&gateway.guardrails).follow_remote());
    let endless = [sweep, follow_source, follow_remote, forget].into_iter();
    endless.chain(follow).collect()
}
