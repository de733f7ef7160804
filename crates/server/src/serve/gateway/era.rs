//! Whether servers speak a revision without sessions.
//!
//! Of a server on standard streams that is asked in a process of its own: some servers end when they
//! hear anything before `initialize`, and some speak for ever the era of what they hear first.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portcullis_json::{Object, Value};
use portcullis_mcp::{EnvelopeLimits, Id, Message, Method, Peer, Revision, meta_name, write};
use portcullis_transport::child::{Patience, SpawnError, Started};
use portcullis_transport::lines::{LineReader, LineWriter};
use tokio::net::unix::pipe;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::{Gateway, Target, TargetServer};
use crate::config::{HttpTransport, ServerConfig, ServerName, StdioServer};
use crate::serve::errand::Errand;

/// LIMIT: how long a server may take to answer. Those of before 2026-07-28 may leave unanswered what
/// they do not know.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);
/// The command may start another server by then.
const KNOWN_FOR: Duration = Duration::from_hours(1);
/// The same of one that did not say it: it may have been slow, or broken.
const UNSAID_FOR: Duration = Duration::from_mins(1);
/// The exit code of `portcullis exec-server`, and of shells, if there is no such program.
const NOT_STARTED: i32 = 127;
const QUESTION: Id = Id::Integer(1);

/// What is known of the servers on standard streams. Who asks about the same one waits for one answer.
#[derive(Debug, Default)]
pub(super) struct Eras(Mutex<HashMap<ServerName, Arc<AsyncMutex<Option<Known>>>>>);

#[derive(Debug)]
struct Known {
    of: StdioServer,
    is_stateless: bool,
    until: Instant,
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Answer { is_stateless: bool },
    End,
    Silence,
}

// === impl Eras ===

impl Eras {
    fn of(&self, name: &ServerName) -> Arc<AsyncMutex<Option<Known>>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(name.clone()).or_default())
    }
}

// === impl Gateway ===

impl Gateway {
    /// Whether the server speaks a revision without sessions. Of one with a URL that is left to the
    /// server to say.
    pub(crate) async fn speaks_stateless(
        self: &Arc<Self>,
        target: &Target,
    ) -> Result<bool, SpawnError> {
        match &target.server {
            TargetServer::Configured(name, ServerConfig::Stdio(server)) => {
                let (this, name, server) = (Arc::clone(self), name.clone(), server.clone());
                let asked = async move { this.ask_once(&name, &server).await };
                Errand::new(&self.tasks, asked).await
            }
            TargetServer::Configured(_, ServerConfig::Http(server))
            | TargetServer::Named(server) => Ok(server.transport == HttpTransport::StreamableHttp),
        }
    }

    async fn ask_once(&self, name: &ServerName, server: &StdioServer) -> Result<bool, SpawnError> {
        let known = self.eras.of(name);
        let mut known = known.lock().await;
        if let Some(known) = &*known
            && known.of == *server
            && Instant::now() < known.until
        {
            return Ok(known.is_stateless);
        }
        let heard = self.ask(server).await?;
        let is_stateless = heard == Heard::Answer { is_stateless: true };
        if heard == Heard::Silence {
            let waited = ANSWER_WAIT_MAX;
            warn!(
                server = name.as_str(),
                ?waited,
                "server did not say its era"
            );
        }
        info!(
            server = name.as_str(),
            is_stateless, "server asked for its era"
        );
        let known_for = match heard {
            Heard::Answer { .. } => KNOWN_FOR,
            Heard::End | Heard::Silence => UNSAID_FOR,
        };
        *known = Some(Known {
            of: server.clone(),
            is_stateless,
            until: Instant::now() + known_for,
        });
        Ok(is_stateless)
    }

    async fn ask(&self, server: &StdioServer) -> Result<Heard, SpawnError> {
        let (command, surroundings) = self.command(server, true);
        let Started {
            server: mut process,
            input,
            output,
        } = command.spawn_in(&surroundings)?;
        let line_bytes = self.config().limits.message_bytes.get();
        let mut input = LineWriter::new(input);
        let mut output = LineReader::new(output, line_bytes);
        let heard = tokio::select! {
            heard = timeout(ANSWER_WAIT_MAX, hear(&mut input, &mut output)) => {
                heard.unwrap_or(Heard::Silence)
            }
            () = self.ending.cancelled() => Heard::Silence,
        };
        // Two processes of one server at a time might be in each other's way.
        drop((input, output));
        match process.end(Patience::default()).await {
            Ok(status) if heard == Heard::End && status.code() == Some(NOT_STARTED) => {
                return Err(SpawnError::Start {
                    program: server.command.program.to_string_lossy().into_owned(),
                    source: io::Error::other(status.to_string()),
                });
            }
            Ok(_) => {}
            Err(error) => warn!(%error, "server not ended"),
        }
        Ok(heard)
    }
}

async fn hear(
    input: &mut LineWriter<pipe::Sender>,
    output: &mut LineReader<pipe::Receiver>,
) -> Heard {
    // One that does not take it has ended, which is seen below.
    input.send(&question()).await.ok();
    loop {
        match output.next().await {
            Ok(Some(Ok(line))) => {
                if let Some(is_stateless) = answer(&line) {
                    return Heard::Answer { is_stateless };
                }
            }
            Ok(Some(Err(_))) => {}
            Ok(None) | Err(_) => return Heard::End,
        }
    }
}

fn question() -> Vec<u8> {
    let mut client = Object::new();
    client.insert("name", "portcullis");
    client.insert("version", env!("CARGO_PKG_VERSION"));
    let mut meta = Object::new();
    meta.insert(meta_name::PROTOCOL_VERSION, Revision::V2026_07_28.as_str());
    meta.insert(meta_name::CLIENT_INFO, client);
    meta.insert(meta_name::CLIENT_CAPABILITIES, Object::new());
    let mut params = Object::new();
    params.insert("_meta", meta);
    write::request(
        &QUESTION,
        Method::ServerDiscover.as_str(),
        Some(&params.into()),
    )
}

/// Whether a line says that the server speaks a revision without sessions; `None` if it is no answer.
fn answer(line: &[u8]) -> Option<bool> {
    let message = Message::parse(line, &EnvelopeLimits::new(Peer::Server)).ok()?;
    // There is no other question that it could answer.
    if message.method().is_some() {
        return None;
    }
    let revisions = message
        .result()
        .and_then(|result| result.get("supportedVersions"));
    let revisions = revisions.and_then(Value::as_array).unwrap_or_default();
    let mut revisions = revisions.iter().filter_map(Value::as_str);
    Some(revisions.any(|revision| Revision::parse(revision).is_some_and(Revision::is_stateless)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_which_era_it_is() {
        let check = |line: &str, expected| assert_eq!(answer(line.as_bytes()), expected, "{line}");
        let found = |revisions: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"supportedVersions":{revisions}}}}}"#)
        };
        check(&found(r#"["2025-11-25","2026-07-28"]"#), Some(true));
        check(&found(r#"["2025-11-25"]"#), Some(false));
        check(&found(r#""2026-07-28""#), Some(false));
        check(
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#,
            Some(false),
        );
        check(
            r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"what?"}}"#,
            Some(false),
        );
        check(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, None);
        check("listening", None);
    }
}
