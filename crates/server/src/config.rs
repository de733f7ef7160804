//! What was configured, from the environment, the configuration file and what the user asked for.
//!
//! A file is read in three steps: [`tree`] has its text as located values, [`written`] has what may
//! be written in it, and [`build`] says what that means. Each step reports all it can.

mod build;
mod data_directory;
mod detectors;
mod embedded;
mod error;
mod explorer;
mod gateway;
mod inputs;
mod mcp_scan;
mod problem;
mod read;
mod remote;
mod schema;
mod server_name;
mod system_user;
#[cfg(test)]
mod tests;
mod tree;
mod upstream;
mod watch;
mod written;

pub use data_directory::DataDirectory;
pub use detectors::{
    ClassifierConfig, ClassifierFolder, ClassifierService, DetectorsConfig, ModelConfig,
    ModerationConfig, OcrConfig, PresidioConfig, ProgramConfig, SemgrepConfig, ServiceConfig,
};
pub use error::ConfigError;
pub use explorer::ExplorerConfig;
pub use gateway::{
    ApiConfig, ClientsConfig, ConversationKey, GatewayConfig, HttpServer, HttpTransport,
    LimitsConfig, LogConfig, LogFormat, Login, Only, RetentionConfig, ScopedGuardrail, Secret,
    ServerConfig, ServerName, SessionsConfig, StdioServer, StoreConfig, StreamsConfig,
};
pub use mcp_scan::McpScanFile;
pub use problem::{FileProblems, Problem};
pub use remote::RemoteError;
pub use schema::schema;
pub use server_name::server_name;
pub(crate) use system_user::system_user;
pub use upstream::{AllowedUpstreams, Authority, UpstreamError, UpstreamPattern};
pub use watch::Watcher;
