//! Servers that fail when they are told to: over HTTP, HTTP+SSE and standard input and output.

use super::fault::Fault;
use super::message::{Asked, asked};
use crate::http::{Connection, Head};
use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a slow server takes.
const SLOW: Duration = Duration::from_millis(200);
const GARBAGE: &str = "this is no message";
const NOTHING: &str = "content-length: 0\r\n";

/// What the connections of one server share.
#[derive(Default)]
struct State {
    last_session: AtomicU64,
    /// Sessions of Streamable HTTP that are open.
    sessions: Mutex<HashSet<u64>>,
    /// The open streams of HTTP+SSE.
    streams: Mutex<HashMap<String, TcpStream>>,
}

/// Serves `/mcp` and `/sse` until the process ends.
pub(crate) fn start() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listener = listener.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let state = Arc::new(State::default());
    let accept = move || {
        for stream in listener.incoming().flatten() {
            let state = Arc::clone(&state);
            let serve = move || {
                let connection = Connection::new(stream);
                // A peer that breaks off has nothing to be told.
                let _broken = connection.and_then(|connection| state.serve(connection));
            };
            if thread::Builder::new().spawn(serve).is_err() {
                return;
            }
        }
    };
    let started = thread::Builder::new().spawn(accept);
    started.map(|_| address).map_err(|error| error.to_string())
}

// === impl State ===

impl State {
    fn serve(&self, mut connection: Connection) -> Result<(), String> {
        while let Some(head) = connection.head()? {
            let body = connection.body(&head)?;
            let goes_on = match head.target() {
                "/sse" => return self.open_stream(connection),
                target => match target.strip_prefix("/messages?") {
                    Some(stream) => self.take(&mut connection, stream, &body)?,
                    None => self.answer(&mut connection, &head, &body)?,
                },
            };
            if !goes_on {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Answers a request of Streamable HTTP. Whether the connection goes on.
    fn answer(
        &self,
        connection: &mut Connection,
        head: &Head,
        body: &[u8],
    ) -> Result<bool, String> {
        let session = head.field("mcp-session-id").and_then(|id| id.parse().ok());
        let session = session.filter(|id| self.sessions().contains(id));
        if !head.start.starts_with("POST") {
            let status = match session {
                Some(session) if head.start.starts_with("DELETE") => {
                    self.sessions().remove(&session);
                    "200 OK"
                }
                Some(_) | None => "405 Method Not Allowed",
            };
            connection.send(&format!("HTTP/1.1 {status}\r\n{NOTHING}"), b"")?;
            return Ok(true);
        }
        let asked = asked(body)?;
        if session.is_none() && !matches!(asked, Asked::Initialize(_)) {
            connection.send(&format!("HTTP/1.1 404 Not Found\r\n{NOTHING}"), b"")?;
            return Ok(true);
        }
        match asked {
            Asked::Told => connection.send(&format!("HTTP/1.1 202 Accepted\r\n{NOTHING}"), b"")?,
            Asked::Initialize(answer) => {
                let session = self.last_session.fetch_add(1, Ordering::Relaxed);
                self.sessions().insert(session);
                json(
                    connection,
                    &answer,
                    &format!("mcp-session-id: {session}\r\n"),
                )?;
            }
            Asked::Call { fault, answer } => {
                if let (Fault::Lost, Some(session)) = (fault, session) {
                    self.sessions().remove(&session);
                }
                return fail(connection, fault, &answer);
            }
        }
        Ok(true)
    }

    /// Keeps a stream of HTTP+SSE open for as long as its client does.
    fn open_stream(&self, mut connection: Connection) -> Result<(), String> {
        let id = self
            .last_session
            .fetch_add(1, Ordering::Relaxed)
            .to_string();
        // Who learns where to post may be answered at once.
        let writer = connection.writer()?;
        let mut streams = self.streams();
        streams.insert(id.clone(), writer);
        connection.write(EVENTS.as_bytes())?;
        connection.write(&chunk(&event("endpoint", &format!("/messages?{id}"))))?;
        drop(streams);
        // The client says nothing more here but that it is gone.
        let _gone = connection.wait();
        self.streams().remove(&id);
        Ok(())
    }

    /// Takes a message of HTTP+SSE. Whether the connection goes on.
    fn take(&self, connection: &mut Connection, id: &str, body: &[u8]) -> Result<bool, String> {
        let asked = asked(body)?;
        if let Asked::Call {
            fault: Fault::Unavailable,
            ..
        } = asked
        {
            connection.send(
                &format!("HTTP/1.1 503 Service Unavailable\r\n{NOTHING}"),
                b"",
            )?;
            return Ok(true);
        }
        connection.send(&format!("HTTP/1.1 202 Accepted\r\n{NOTHING}"), b"")?;
        match asked {
            Asked::Told => {}
            Asked::Initialize(answer) => self.say(id, &event("message", &answer)),
            Asked::Call { fault, answer } => {
                match fault {
                    Fault::Slow => thread::sleep(SLOW),
                    Fault::Garbage => self.say(id, &event("message", GARBAGE)),
                    Fault::Cut => {
                        if let Some(stream) = self.streams().remove(id) {
                            let _closed = stream.shutdown(std::net::Shutdown::Both);
                        }
                    }
                    Fault::None | Fault::Unavailable | Fault::Lost | Fault::Death => {}
                }
                self.say(id, &event("message", &answer));
            }
        }
        Ok(true)
    }

    fn say(&self, id: &str, event: &[u8]) {
        let stream = self
            .streams()
            .get(id)
            .and_then(|stream| stream.try_clone().ok());
        if let Some(mut stream) = stream {
            // Who has left does not hear it.
            let _gone = stream.write_all(&chunk(event));
        }
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<String, TcpStream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                      transfer-encoding: chunked\r\n\r\n";

/// Answers a call of Streamable HTTP, or does not. Whether the connection goes on.
fn fail(connection: &mut Connection, fault: Fault, answer: &str) -> Result<bool, String> {
    match fault {
        Fault::None | Fault::Lost | Fault::Death => json(connection, answer, "")?,
        Fault::Slow => {
            connection.write(EVENTS.as_bytes())?;
            connection.write(&chunk(b":\n\n"))?;
            thread::sleep(SLOW);
            connection.write(&chunk(&event("message", answer)))?;
            connection.write(b"0\r\n\r\n")?;
        }
        Fault::Garbage => json(connection, GARBAGE, "")?,
        Fault::Cut => {
            let (half, _) = answer
                .split_at_checked(answer.len() / 2)
                .unwrap_or_default();
            connection.write(EVENTS.as_bytes())?;
            connection.write(&chunk(format!("data: {half}").as_bytes()))?;
            return Ok(false);
        }
        Fault::Unavailable => {
            let refused = format!("HTTP/1.1 503 Service Unavailable\r\n{NOTHING}");
            connection.send(&refused, b"")?;
        }
    }
    Ok(true)
}

fn json(connection: &mut Connection, body: &str, fields: &str) -> Result<(), String> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{fields}"
    );
    connection.send(&head, body.as_bytes())
}

fn event(kind: &str, data: &str) -> Vec<u8> {
    format!("event: {kind}\ndata: {data}\n\n").into_bytes()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// Serves standard input and output until it ends, or is told to.
pub(crate) fn serve_stdio() -> Result<(), String> {
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let mut say = |text: &str| {
            let written = output
                .write_all(text.as_bytes())
                .and_then(|()| output.flush());
            written.map_err(|error| error.to_string())
        };
        match asked(line.as_bytes())? {
            Asked::Told => {}
            Asked::Initialize(answer) => say(&format!("{answer}\n"))?,
            Asked::Call { fault, answer } => match fault {
                Fault::Slow => {
                    thread::sleep(SLOW);
                    say(&format!("{answer}\n"))?;
                }
                Fault::Garbage => say(&format!("{GARBAGE}\n{answer}\n"))?,
                Fault::Cut => {
                    let (half, _) = answer
                        .split_at_checked(answer.len() / 2)
                        .unwrap_or_default();
                    return say(half);
                }
                Fault::Death => return Ok(()),
                Fault::None | Fault::Unavailable | Fault::Lost => say(&format!("{answer}\n"))?,
            },
        }
    }
    Ok(())
}
