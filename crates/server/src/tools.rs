//! What the store knows of the tools of a session's server.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use portcullis_session::{Action, KnownTools, Sightings, digest};
use portcullis_store::Pool;
use portcullis_trace::hexadecimal;
use portcullis_trace::pin::{ToolPin, ToolServer, ToolSighting};
use portcullis_transport::child::ServerCommand;
use url::Url;

use crate::clock::now;
use crate::config::{HttpServer, ServerConfig, StdioServer, server_name};
use crate::run::GuardedServer;

/// The part of the store that is about one server's tools.
#[derive(Clone, Debug)]
pub(crate) struct ToolBook {
    server: ToolServer,
    pool: Pool,
    /// With whose tools those of the server are compared. `None`: with those of any other server
    /// that the store knows.
    neighbours: Option<Arc<[ToolServer]>>,
}

// === impl ToolBook ===

impl ToolBook {
    pub(crate) fn new(
        server: ToolServer,
        pool: Pool,
        neighbours: Option<Arc<[ToolServer]>>,
    ) -> Self {
        Self {
            server,
            pool,
            neighbours,
        }
    }

    pub(crate) async fn known(&self) -> Result<KnownTools, String> {
        let server = self.server.clone();
        let read = self.pool.run(move |store| {
            Ok(KnownTools {
                pins: store.tool_pins(&server)?,
                foreign: store.foreign_tools(&server)?,
            })
        });
        let mut known = read.await.map_err(|error| error.to_string())?;
        if let Some(neighbours) = &self.neighbours {
            known
                .foreign
                .retain(|foreign| neighbours.contains(&foreign.server));
        }
        Ok(known)
    }

    pub(crate) async fn note(&self, seen: &Sightings) -> Result<Vec<ToolPin>, String> {
        let server = self.server.clone();
        let seen: Vec<ToolSighting> = seen.tools.clone();
        let noted = self
            .pool
            .run(move |store| store.note_tools(&server, &seen, now()));
        noted.await.map_err(|error| error.to_string())
    }
}

/// Whether the session has something to send instead of what it would have sent.
pub(crate) fn stops(actions: &[Action]) -> bool {
    actions
        .iter()
        .any(|action| matches!(action, Action::Send(_)))
}

/// The server that is configured under this name.
pub(crate) fn configured(name: &str, server: &ServerConfig) -> ToolServer {
    match server {
        ServerConfig::Stdio(server) => started(name, &server.command, directory(server)),
        ServerConfig::Http(server) => remote(name, server),
    }
}

/// The server of `run`. The directory in which it is started says nothing of it: clients start it
/// wherever they are.
pub(crate) fn guarded(name: &str, server: &GuardedServer) -> ToolServer {
    match server {
        GuardedServer::Started { command, .. } => started(name, command, None),
        GuardedServer::Remote(server) => remote(name, server),
    }
}

pub(crate) fn remote(name: &str, server: &HttpServer) -> ToolServer {
    let mut shown_as: Url = server.url.clone();
    shown_as.set_query(None);
    tool_server(
        name,
        &[b"url", server.url.as_str().as_bytes()],
        shown_as.as_str(),
    )
}

fn directory(server: &StdioServer) -> Option<&Path> {
    server.directory.as_deref()
}

fn started(name: &str, command: &ServerCommand, directory: Option<&Path>) -> ToolServer {
    let directory = directory.map_or(&b""[..], |path| path.as_os_str().as_bytes());
    let mut parts: Vec<&[u8]> = vec![b"command", directory, command.program.as_bytes()];
    parts.extend(command.arguments.iter().map(|argument| argument.as_bytes()));
    // Arguments may hold secrets.
    tool_server(name, &parts, &server_name(command))
}

fn tool_server(name: &str, target: &[&[u8]], shown_as: &str) -> ToolServer {
    ToolServer {
        name: Arc::from(name),
        target: hexadecimal(&digest(target)).into(),
        shown_as: Arc::from(shown_as),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> ServerCommand {
        let mut words = words.iter().map(Into::into);
        ServerCommand {
            program: words.next().unwrap(),
            arguments: words.collect(),
        }
    }

    #[test]
    fn a_server_is_what_it_runs() {
        let one = started("s", &command(&["npx", "-y", "mailer", "--token=T0P"]), None);
        let same = started("s", &command(&["npx", "-y", "mailer", "--token=T0P"]), None);
        assert_eq!(one, same);
        assert_eq!(&*one.shown_as, "mailer");
        let others = [
            started(
                "s",
                &command(&["npx", "-y", "mailer", "--token=", "T0P"]),
                None,
            ),
            started("s", &command(&["npx", "-y", "mailer"]), None),
            started(
                "s",
                &command(&["npx", "-y", "mailer", "--token=T0P"]),
                Some(Path::new("/")),
            ),
        ];
        for other in others {
            assert_ne!(one.target, other.target);
        }
    }
}
