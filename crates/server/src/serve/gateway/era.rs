//! Whether servers speak a revision without sessions.
//!
//! Of a server on standard streams that is asked in a process of its own: some servers end when they
//! hear anything before `initialize`, and some speak for ever the era of what they hear first.

use std::collections::HashMap;
use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portcullis_json::{Object, Value};
use portcullis_mcp::{EnvelopeLimits, Id, Message, Method, Peer, Revision, meta_name, write};
use portcullis_transport::child::{Patience, SpawnError, Started, was_not_started};
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
/// The exit code of shells if there is no such program.
const NOT_FOUND: i32 = 127;
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

/// Why nothing came of one.
#[derive(Debug)]
pub(crate) enum NotAsked {
    NotStarted(SpawnError),
    GatewayEnds,
}

// === impl Eras ===

impl Eras {
    /// Whether a server is stateless. It is asked unless that is known.
    async fn is_stateless(
        &self,
        name: &ServerName,
        server: &StdioServer,
        asked: impl Future<Output = Result<Heard, NotAsked>>,
    ) -> Result<bool, NotAsked> {
        let known = self.of(name);
        let mut known = known.lock().await;
        if let Some(known) = &*known
            && known.of == *server
            && Instant::now() < known.until
        {
            return Ok(known.is_stateless);
        }
        let heard = asked.await?;
        let is_stateless = heard == Heard::Answer { is_stateless: true };
        *known = Some(Known {
            of: server.clone(),
            is_stateless,
            until: Instant::now() + heard.believed_for(),
        });
        Ok(is_stateless)
    }

    fn of(&self, name: &ServerName) -> Arc<AsyncMutex<Option<Known>>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(name.clone()).or_default())
    }
}

// === impl Heard ===

impl Heard {
    fn believed_for(self) -> Duration {
        match self {
            Self::Answer { .. } => KNOWN_FOR,
            Self::End | Self::Silence => UNSAID_FOR,
        }
    }

    fn log(self, server: &str) {
        match self {
            Self::Answer { is_stateless } => {
                info!(server, is_stateless, "server asked for its era");
            }
            Self::End => info!(server, "server ended when it was asked for its era"),
            Self::Silence => {
                let waited = ANSWER_WAIT_MAX;
                warn!(server, ?waited, "server did not say its era");
            }
        }
    }
}

// === impl Gateway ===

impl Gateway {
    /// Whether the server speaks a revision without sessions. Of one with a URL that is left to the
    /// server to say.
    pub(crate) async fn speaks_stateless(
        self: &Arc<Self>,
        target: &Target,
    ) -> Result<bool, NotAsked> {
        match &target.server {
            TargetServer::Configured(name, ServerConfig::Stdio(server)) => {
                let (this, name, server) = (Arc::clone(self), name.clone(), server.clone());
                let found = async move {
                    let asked = this.ask(&name, &server);
                    this.eras.is_stateless(&name, &server, asked).await
                };
                Errand::new(&self.tasks, found).await
            }
            TargetServer::Configured(_, ServerConfig::Http(server))
            | TargetServer::Named(server) => Ok(server.transport == HttpTransport::StreamableHttp),
        }
    }

    async fn ask(&self, name: &ServerName, server: &StdioServer) -> Result<Heard, NotAsked> {
        if self.ending.is_cancelled() {
            return Err(NotAsked::GatewayEnds);
        }
        let (command, surroundings) = self.command(name.as_str(), server, true);
        let Started {
            server: mut process,
            input,
            output,
        } = command
            .spawn_in(&surroundings)
            .map_err(NotAsked::NotStarted)?;
        let line_bytes = self.config().limits.message_bytes.get();
        let heard = hear(LineWriter::new(input), LineReader::new(output, line_bytes));
        let heard = self.ending.run_until_cancelled(heard).await;
        // Two processes of one server at a time might be in each other's way.
        match process.end(Patience::default()).await {
            Ok(status) if heard == Some(Heard::End) && ran_nothing(status) => {
                return Err(NotAsked::NotStarted(SpawnError::Start {
                    program: server.command.program.to_string_lossy().into_owned(),
                    source: io::Error::other("it is not there, or cannot be run"),
                }));
            }
            Ok(_) => {}
            Err(error) => warn!(%error, "server not ended"),
        }
        let heard = heard.ok_or(NotAsked::GatewayEnds)?;
        heard.log(name.as_str());
        Ok(heard)
    }
}

/// Whether a server ended because its program could not be run.
fn ran_nothing(status: ExitStatus) -> bool {
    was_not_started(status) || status.code() == Some(NOT_FOUND)
}

/// Asks, and closes the pipes behind it.
async fn hear(input: LineWriter<pipe::Sender>, output: LineReader<pipe::Receiver>) -> Heard {
    let heard = timeout(ANSWER_WAIT_MAX, answered(input, output)).await;
    heard.unwrap_or(Heard::Silence)
}

async fn answered(
    mut input: LineWriter<pipe::Sender>,
    mut output: LineReader<pipe::Receiver>,
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
    use std::collections::BTreeMap;
    use std::io::ErrorKind;

    use portcullis_transport::child::ServerCommand;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::{advance, sleep};

    use super::*;

    const FOUND: &[u8] =
        br#"{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2026-07-28"]}}"#;
    const TICK: Duration = Duration::from_millis(1);

    fn server(program: &str) -> StdioServer {
        StdioServer {
            command: ServerCommand {
                program: program.into(),
                arguments: Vec::new(),
            },
            environment: BTreeMap::new(),
            directory: None,
        }
    }

    /// What is said of a server if `heard` is what comes of a question, and whether one was asked.
    async fn look(eras: &Eras, server: &StdioServer, heard: Heard) -> (bool, bool) {
        let mut is_asked = false;
        let asked = async {
            is_asked = true;
            Ok(heard)
        };
        let name = ServerName::new("s").unwrap();
        let is_stateless = eras.is_stateless(&name, server, asked).await;
        (is_stateless.unwrap(), is_asked)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_believed_for_an_hour_and_none_for_a_minute() {
        let [yes, no] = [true, false].map(|is_stateless| Heard::Answer { is_stateless });
        let check = async |heard: Heard, other: Heard, is_stateless: bool, seconds: u64| {
            let (eras, server) = (Eras::default(), server("program"));
            let first = look(&eras, &server, heard).await;
            assert_eq!(first, (is_stateless, true), "{heard:?}");
            advance(Duration::from_millis(seconds * 1000 - 1)).await;
            let remembered = look(&eras, &server, other).await;
            assert_eq!(remembered, (is_stateless, false), "{heard:?}");
            advance(TICK).await;
            let second = look(&eras, &server, other).await;
            assert_eq!(second, (!is_stateless, true), "{heard:?}");
        };
        check(yes, no, true, 60 * 60).await;
        check(no, yes, false, 60 * 60).await;
        check(Heard::Silence, yes, false, 60).await;
        check(Heard::End, yes, false, 60).await;
    }

    #[tokio::test]
    async fn a_server_that_is_configured_otherwise_is_asked_again() {
        let eras = Eras::default();
        let answer = Heard::Answer { is_stateless: true };
        look(&eras, &server("program"), answer).await;
        let other = look(&eras, &server("other"), Heard::End).await;
        assert_eq!(other, (false, true));
    }

    #[tokio::test]
    async fn a_question_that_was_not_asked_is_not_remembered() {
        let eras = Eras::default();
        let (name, server) = (ServerName::new("s").unwrap(), server("program"));
        let not_asked = async { Err(NotAsked::GatewayEnds) };
        let found = eras.is_stateless(&name, &server, not_asked).await;
        assert!(matches!(found, Err(NotAsked::GatewayEnds)), "{found:?}");
        let answer = Heard::Answer { is_stateless: true };
        assert_eq!(look(&eras, &server, answer).await, (true, true));
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_meanwhile_waits_for_the_same_answer() {
        let (eras, server) = (Eras::default(), server("program"));
        let name = ServerName::new("s").unwrap();
        let slow = async {
            sleep(Duration::from_secs(1)).await;
            Ok(Heard::Answer { is_stateless: true })
        };
        let first = eras.is_stateless(&name, &server, slow);
        let (first, second) = tokio::join!(first, look(&eras, &server, Heard::End));
        assert!(first.unwrap());
        assert_eq!(second, (true, false));
    }

    /// What comes of a server that says this after a time, and how long was waited.
    async fn heard_after(wait: Duration, line: &[u8]) -> (Heard, Duration) {
        let (to_server, mut question) = pipe::pipe().unwrap();
        let (mut said, from_server) = pipe::pipe().unwrap();
        let began = Instant::now();
        let server = async {
            sleep(wait).await;
            let mut line = line.to_vec();
            line.push(b'\n');
            match said.write_all(&line).await {
                // It is not waited for any more.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
                written => written.unwrap(),
            }
            // It stays, whether it has answered or not.
            question.read_to_end(&mut Vec::new()).await.unwrap();
        };
        let heard = async {
            let lines = LineReader::new(from_server, 1 << 10);
            let heard = hear(LineWriter::new(to_server), lines).await;
            (heard, began.elapsed())
        };
        let ((), heard) = tokio::join!(server, heard);
        heard
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_waited_for_ten_seconds() {
        let max = Duration::from_secs(10);
        let in_the_end = Duration::from_millis(9_999);
        let answer = Heard::Answer { is_stateless: true };
        let in_time = heard_after(in_the_end, FOUND).await;
        assert_eq!(in_time, (answer, in_the_end));
        let too_late = heard_after(max + TICK, FOUND).await;
        assert_eq!(too_late, (Heard::Silence, max));
        let no_answer = heard_after(TICK, b"listening").await;
        assert_eq!(no_answer, (Heard::Silence, max));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_its_output_is_not_waited_behind() {
        let (to_server, _question) = pipe::pipe().unwrap();
        let (said, from_server) = pipe::pipe().unwrap();
        drop(said);
        let lines = LineReader::new(from_server, 1 << 10);
        let began = Instant::now();
        let heard = hear(LineWriter::new(to_server), lines).await;
        assert_eq!((heard, began.elapsed()), (Heard::End, Duration::ZERO));
    }

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
