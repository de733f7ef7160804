//! The ways to the servers.

use std::error::Error;
use std::ffi::OsString;
use std::sync::Arc;

use portcullis_mcp::{Id, Message};
use portcullis_transport::child::{ServerCommand, SpawnError, Surroundings};
use portcullis_transport::http::endpoint::{Bounds, Connector, Endpoint};
use tracing::warn;

use super::{Gateway, NewSession, Opening, TargetServer};
use crate::config::{GatewayConfig, HttpServer, HttpTransport, ServerConfig, StdioServer};
use crate::serve::answer::Refused;
use crate::serve::conversation::Conversation;
use crate::serve::upstream::{
    HttpUpstream, SseUpstream, StdioUpstream, Upstream, read_all, read_stream,
};

impl Gateway {
    /// Makes the session a conversation with its server.
    pub(super) async fn connect(
        &self,
        config: &GatewayConfig,
        opening: &Opening,
        session: NewSession,
    ) -> Result<Arc<Conversation>, Refused> {
        let (server, connector) = match &opening.target.server {
            TargetServer::Configured(_, ServerConfig::Stdio(server)) => {
                return self.open_stdio(config, opening, session, server);
            }
            TargetServer::Configured(_, ServerConfig::Http(server)) => (server, &self.configured),
            TargetServer::Named(server) => (server, &self.named),
        };
        let endpoint = endpoint(connector, config, server);
        self.open_http(config, opening, session, server, endpoint)
            .await
    }

    /// How a server is started; `is_quiet` if nobody is to read what it writes beside its answers.
    pub(super) fn command(
        &self,
        name: &str,
        server: &StdioServer,
        is_quiet: bool,
    ) -> (ServerCommand, Surroundings) {
        let command = match &self.launcher {
            Some(launcher) => server.command.under(launcher.as_os_str(), name),
            None => server.command.clone(),
        };
        let environment = server.environment.iter();
        let environment = environment
            .map(|(name, value)| (OsString::from(name), OsString::from(value.expose())))
            .collect();
        let surroundings = Surroundings {
            environment: Some(environment),
            directory: server.directory.clone(),
            is_quiet,
        };
        (command, surroundings)
    }

    fn open_stdio(
        &self,
        config: &GatewayConfig,
        opening: &Opening,
        session: NewSession,
        server: &StdioServer,
    ) -> Result<Arc<Conversation>, Refused> {
        let (command, surroundings) = self.command(&opening.target.name, server, false);
        let line_bytes = config.limits.message_bytes.get();
        let is_stateless = opening.is_stateless;
        let spawned = StdioUpstream::spawn(&command, &surroundings, line_bytes, is_stateless);
        let (upstream, output) = spawned.map_err(|error| {
            let request = opening.first.as_ref().and_then(Message::id);
            not_started(&error, request, &opening.target.name)
        })?;
        let conversation = self.conversation(config, opening, session, Upstream::Stdio(upstream));
        self.tasks
            .spawn(read_all(Arc::clone(&conversation), output));
        Ok(conversation)
    }

    async fn open_http(
        &self,
        config: &GatewayConfig,
        opening: &Opening,
        session: NewSession,
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
                Ok(self.conversation(config, opening, session, Upstream::Http(upstream)))
            }
            HttpTransport::Sse => {
                let connected = SseUpstream::connect(&endpoint, opening.headers.clone()).await;
                let (upstream, events) = connected.map_err(|error| {
                    let server = &*opening.target.name;
                    warn!(server, error = &error as &dyn Error, "server not reached");
                    let request = opening.first.as_ref().and_then(Message::id);
                    let name = &opening.target.name;
                    Refused::bad_gateway(request, format!("the server `{name}`: {error}"))
                })?;
                let conversation =
                    self.conversation(config, opening, session, Upstream::Sse(upstream));
                self.tasks
                    .spawn(read_stream(Arc::clone(&conversation), events));
                Ok(conversation)
            }
        }
    }
}

pub(crate) fn not_started(error: &SpawnError, request: Option<&Id>, server: &str) -> Refused {
    warn!(server, error = error as &dyn Error, "server not started");
    Refused::bad_gateway(
        request,
        format!("the server `{server}` could not be started"),
    )
}

pub(super) fn endpoint(
    connector: &Connector,
    config: &GatewayConfig,
    server: &HttpServer,
) -> Endpoint {
    let bounds = Bounds {
        message_bytes: config.limits.message_bytes.get(),
        wait: config.streams.request_timeout,
    };
    connector.endpoint(
        server.url.clone(),
        server.headers.iter().cloned().collect(),
        bounds,
    )
}
