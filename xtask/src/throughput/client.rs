//! A client of Streamable HTTP that makes one call at a time, and checks every answer.

use super::upstream::echoed;
use crate::http::{Connection, Head};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What the texts of calls are made of, as it stands in JSON: with a backslash of its own, so that a
/// detector looks at it as it is written and as it reads.
const PROSE: &str = r#"the report says that order 4711 went to the \"north\" depot on monday;\nno further action is needed until the next review of path C:\\tmp\\a.txt, "#;

/// Where a server is reached.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
}

/// A session over one connection.
pub(crate) struct Client {
    connection: Connection,
    place: Place,
    session: String,
    last_id: u64,
    prose: String,
}

// === impl Client ===

impl Client {
    /// Opens a session in which calls carry about `bytes` bytes each way.
    pub(crate) fn open(place: &Place, bytes: usize) -> Result<Self, String> {
        let mut client = Self {
            connection: Connection::open(place.address)?,
            place: place.clone(),
            session: String::new(),
            last_id: 0,
            prose: PROSE.repeat(bytes / PROSE.len()) + &"x".repeat(bytes % PROSE.len()),
        };
        client.begin()?;
        Ok(client)
    }

    /// Goes on over the same connection in a session that has just begun.
    pub(crate) fn begin_anew(&mut self) -> Result<(), String> {
        self.end()?;
        self.session.clear();
        self.begin()
    }

    fn begin(&mut self) -> Result<(), String> {
        let initialize = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"throughput","version":"1"}}}"#;
        let (head, _) = self.post(initialize)?;
        let session = head
            .field("mcp-session-id")
            .ok_or("no session was opened")?;
        self.session = format!("mcp-session-id: {session}\r\nmcp-protocol-version: 2025-11-25\r\n");
        self.post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)?;
        Ok(())
    }

    /// How long a call took. Its answer is checked off the clock.
    pub(crate) fn call(&mut self) -> Result<Duration, String> {
        self.last_id += 1;
        let (id, prose) = (self.last_id, &self.prose);
        let text = format!(r#""{id} {prose}""#);
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"echo","arguments":{{"text":{text}}}}}}}"#
        );
        let begin = Instant::now();
        let (_, answer) = self.post(&request)?;
        let time = begin.elapsed();
        if message(&answer) == Some(echoed(id, &text).as_bytes()) {
            Ok(time)
        } else {
            let start: String = String::from_utf8_lossy(&answer).chars().take(200).collect();
            Err(format!("call {id} was answered with {start:?}"))
        }
    }

    pub(crate) fn close(mut self) -> Result<(), String> {
        self.end()
    }

    fn end(&mut self) -> Result<(), String> {
        let head = self.head("DELETE", 0);
        self.exchange(&head, b"").map(drop)
    }

    fn post(&mut self, message: &str) -> Result<(Head, Vec<u8>), String> {
        let head = self.head("POST", message.len());
        self.exchange(&head, message.as_bytes())
    }

    fn head(&self, method: &str, length: usize) -> String {
        let Place { address, path } = &self.place;
        let session = &self.session;
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\ncontent-length: {length}\r\n{session}"
        )
    }

    fn exchange(&mut self, head: &str, body: &[u8]) -> Result<(Head, Vec<u8>), String> {
        self.connection.send(head, body)?;
        let head = self.connection.head()?.ok_or("the connection was closed")?;
        let body = self.connection.body(&head)?;
        if head.status().starts_with('2') {
            Ok((head, body))
        } else {
            Err(format!(
                "{}: {}",
                head.start,
                String::from_utf8_lossy(&body)
            ))
        }
    }
}

/// The message that a body is, or that its only event with data holds.
fn message(body: &[u8]) -> Option<&[u8]> {
    if body.starts_with(b"{") {
        return Some(body);
    }
    let mut data = body
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_prefix(b"data: "));
    let first = data.next()?;
    data.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stands_alone_or_in_the_only_event() {
        let check = |body: &str, expected: Option<&str>| {
            assert_eq!(
                message(body.as_bytes()),
                expected.map(str::as_bytes),
                "{body:?}"
            );
        };
        check("{}", Some("{}"));
        check("event: message\ndata: {}\n\n", Some("{}"));
        check(":\n\ndata: {}\n\n", Some("{}"));
        check("data: {}\n\ndata: {}\n\n", None);
        check("", None);
    }
}
