//! What was configured, from the environment, the configuration file and what the user asked for.
//!
//! A file is read in three steps: [`tree`] has its text as located values, [`written`] has what may
//! be written in it, and [`build`] says what that means. Each step reports all it can.

mod build;
mod data_directory;
mod embedded;
mod error;
mod gateway;
mod problem;
mod read;
mod schema;
mod server_name;
#[cfg(test)]
mod tests;
mod tree;
mod upstream;
mod watch;
mod written;

pub use data_directory::DataDirectory;
pub use error::ConfigError;
pub use gateway::{
    ApiConfig, ConversationKey, GatewayConfig, HttpServer, HttpTransport, LimitsConfig, Login,
    Only, RetentionConfig, ScopedGuardrail, Secret, ServerConfig, ServerName, SessionsConfig,
    StdioServer, StoreConfig, StreamsConfig,
};
pub use problem::{FileProblems, Problem};
pub use schema::schema;
pub use server_name::server_name;
pub use upstream::{AllowedUpstreams, Authority, UpstreamError, UpstreamPattern};
pub use watch::Watcher;
