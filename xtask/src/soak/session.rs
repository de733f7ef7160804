//! Sessions of clients over Streamable HTTP and HTTP+SSE.

use super::fault::Fault;
use super::message::{Heard, call, heard, initialize, initialized};
use crate::http::{Connection, Head};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// LIMIT: how long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Http,
    Sse,
}

/// A session with a server behind the gateway.
pub(crate) struct Session {
    address: SocketAddr,
    requests: Connection,
    way: Way,
    last_id: u64,
}

enum Way {
    Http {
        path: String,
        /// Fields of every request.
        fields: String,
    },
    Sse {
        /// Where messages go.
        path: String,
        stream: Events,
    },
}

/// The events of an open stream.
struct Events {
    connection: Connection,
    /// What has come of the next events.
    text: String,
}

// === impl Client ===

impl Client {
    pub(crate) const ALL: [Self; 2] = [Self::Http, Self::Sse];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Sse => "sse",
        }
    }
}

// === impl Session ===

impl Session {
    pub(crate) fn open(client: Client, address: SocketAddr, server: &str) -> Result<Self, String> {
        match client {
            Client::Http => Self::open_http(address, format!("/servers/{server}/mcp")),
            Client::Sse => Self::open_sse(address, &format!("/servers/{server}/sse")),
        }
    }

    fn open_http(address: SocketAddr, path: String) -> Result<Self, String> {
        let mut requests = Connection::open(address)?;
        let (head, body) = post(&mut requests, address, &path, "", &initialize("2025-11-25"))?;
        let Some(session) = head.field("mcp-session-id") else {
            let body = String::from_utf8_lossy(&body);
            return Err(format!("no session but {}: {body}", head.start));
        };
        let fields = format!("mcp-session-id: {session}\r\nmcp-protocol-version: 2025-11-25\r\n");
        post(&mut requests, address, &path, &fields, initialized())?;
        Ok(Self {
            address,
            requests,
            way: Way::Http { path, fields },
            last_id: 0,
        })
    }

    fn open_sse(address: SocketAddr, path: &str) -> Result<Self, String> {
        let mut stream = Connection::open(address)?;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\n");
        stream.send(&request, b"")?;
        let head = stream.head()?.ok_or("the connection was closed")?;
        if head.status() != "200" {
            return Err(format!("no stream but {}", head.start));
        }
        let mut stream = Events {
            connection: stream,
            text: String::new(),
        };
        let path = stream
            .next()?
            .ok_or("the stream ended before it said where to post")?;
        let mut requests = Connection::open(address)?;
        post(&mut requests, address, &path, "", &initialize("2024-11-05"))?;
        stream
            .next()?
            .ok_or("the stream ended before the session was open")?;
        post(&mut requests, address, &path, "", initialized())?;
        Ok(Self {
            address,
            requests,
            way: Way::Sse { path, stream },
            last_id: 0,
        })
    }

    pub(crate) fn call(&mut self, fault: Fault, text: &str) -> Result<Heard, String> {
        self.last_id += 1;
        let id = self.last_id;
        let message = call(id, fault, text);
        match &mut self.way {
            Way::Http { path, fields } => {
                let (head, body) = post(&mut self.requests, self.address, path, fields, &message)?;
                for message in messages(&head, &body) {
                    if let Some(heard) = heard(message.as_bytes(), id, text)? {
                        return Ok(heard);
                    }
                }
                let said = format!("{}: {}", head.start, String::from_utf8_lossy(&body));
                if head.status() == "404" {
                    Ok(Heard::End(said))
                } else {
                    Err(format!("call {id} was not answered but {said}"))
                }
            }
            Way::Sse { path, stream } => {
                let (head, _) = post(&mut self.requests, self.address, path, "", &message)?;
                if !head.status().starts_with('2') {
                    return Ok(Heard::End(head.start));
                }
                while let Some(message) = stream.next()? {
                    if let Some(heard) = heard(message.as_bytes(), id, text)? {
                        return Ok(heard);
                    }
                }
                Ok(Heard::End("the stream ended".to_owned()))
            }
        }
    }

    /// Ends the session as the protocol has it. Dropping it is the unkind way.
    pub(crate) fn close(mut self) -> Result<(), String> {
        let Way::Http { path, fields } = &self.way else {
            return Ok(());
        };
        let address = self.address;
        let request = format!("DELETE {path} HTTP/1.1\r\nhost: {address}\r\n{fields}");
        self.requests.send(&request, b"")?;
        let head = self.requests.head()?.ok_or("the connection was closed")?;
        self.requests.body(&head)?;
        match head.status() {
            "200" => Ok(()),
            _ => Err(format!("DELETE was answered {}", head.start)),
        }
    }
}

fn post(
    connection: &mut Connection,
    address: SocketAddr,
    path: &str,
    fields: &str,
    message: &str,
) -> Result<(Head, Vec<u8>), String> {
    let length = message.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: {length}\r\n{fields}"
    );
    connection.send(&head, message.as_bytes())?;
    let head = connection.head()?.ok_or("the connection was closed")?;
    let body = connection.body(&head)?;
    Ok((head, body))
}

/// The messages of an answer.
fn messages(head: &Head, body: &[u8]) -> Vec<String> {
    let body = String::from_utf8_lossy(body);
    let is_stream = head.field("content-type") == Some("text/event-stream");
    if is_stream {
        body.split("\n\n").filter_map(data).collect()
    } else if body.is_empty() {
        Vec::new()
    } else {
        vec![body.into_owned()]
    }
}

/// The data of an event, if it has some.
fn data(event: &str) -> Option<String> {
    let mut lines = event.lines();
    let data = lines
        .find_map(|line| line.strip_prefix("data:"))?
        .trim_start();
    (!data.is_empty()).then(|| data.to_owned())
}

// === impl Events ===

impl Events {
    /// The data of the next event that has some.
    fn next(&mut self) -> Result<Option<String>, String> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let found = data(event);
                self.text = rest.to_owned();
                if found.is_some() {
                    return Ok(found);
                }
            }
            match self.connection.chunk()? {
                Some(chunk) => self.text.push_str(&String::from_utf8_lossy(&chunk)),
                None => return Ok(None),
            }
        }
        Err(format!("nothing was said for {PATIENCE:?}"))
    }
}
