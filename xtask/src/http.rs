//! As much of HTTP/1.1 as chores need at either end of a connection.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// LIMIT: how long a peer may be silent, and how long a stream may take.
const SILENCE_MAX: Duration = Duration::from_mins(1);
const BUFFER_BYTES: usize = 64 << 10;
/// LIMIT: bytes of a body, or of one chunk of it.
const BODY_BYTES_MAX: usize = 64 << 20;

pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

/// The first line of a request or of an answer, and its fields.
pub(crate) struct Head {
    pub(crate) start: String,
    /// The names in small letters.
    fields: Vec<(String, String)>,
}

// === impl Connection ===

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect_timeout(&address, SILENCE_MAX);
        Self::new(stream.map_err(|error| format!("{address}: {error}"))?)
    }

    pub(crate) fn new(stream: TcpStream) -> Result<Self, String> {
        let prepared = stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(SILENCE_MAX)))
            .and_then(|()| stream.set_write_timeout(Some(SILENCE_MAX)));
        prepared.map_err(|error| error.to_string())?;
        Ok(Self {
            stream: BufReader::with_capacity(BUFFER_BYTES, stream),
        })
    }

    /// Writes it in one piece: `head` are whole lines, without the empty one.
    pub(crate) fn send(&mut self, head: &str, body: &[u8]) -> Result<(), String> {
        let mut bytes = Vec::with_capacity(head.len() + body.len() + 2);
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        self.write(&bytes)
    }

    /// Another end that writes to the same peer.
    pub(crate) fn writer(&self) -> Result<TcpStream, String> {
        let writer = self.stream.get_ref().try_clone();
        writer.map_err(|error| error.to_string())
    }

    /// Waits until the peer has closed the connection.
    pub(crate) fn wait(&mut self) -> Result<(), String> {
        loop {
            match self.stream.fill_buf() {
                Ok([]) => return Ok(()),
                Ok(bytes) => {
                    let length = bytes.len();
                    self.stream.consume(length);
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let written = self.stream.get_mut().write_all(bytes);
        written.map_err(|error| format!("writing: {error}"))
    }

    /// `None` if the peer has closed the connection instead.
    pub(crate) fn head(&mut self) -> Result<Option<Head>, String> {
        let Some(start) = self.line()? else {
            return Ok(None);
        };
        let mut fields = Vec::new();
        loop {
            let line = self.line()?.ok_or("the head ended early")?;
            if line.is_empty() {
                return Ok(Some(Head { start, fields }));
            }
            let (name, value) = line.split_once(':').ok_or("a field without a colon")?;
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// The whole body that follows this head.
    pub(crate) fn body(&mut self, head: &Head) -> Result<Vec<u8>, String> {
        if head.is_chunked() {
            let mut body = Vec::new();
            let deadline = Instant::now() + SILENCE_MAX;
            while let Some(chunk) = self.chunk()? {
                body.extend_from_slice(&chunk);
                if Instant::now() > deadline {
                    return Err(format!("a body took longer than {SILENCE_MAX:?}"));
                }
            }
            return Ok(body);
        }
        match head.field("content-length") {
            Some(length) => {
                let length = length.parse().map_err(|_| "a length that is no number")?;
                self.exactly(length)
            }
            None => Ok(Vec::new()),
        }
    }

    /// The next chunk of a body; `None` after the last.
    pub(crate) fn chunk(&mut self) -> Result<Option<Vec<u8>>, String> {
        let size = self.line()?.ok_or("the body ended early")?;
        let size = usize::from_str_radix(&size, 16).map_err(|_| "a chunk without a size")?;
        let chunk = self.exactly(size)?;
        self.line()?.ok_or("the body ended early")?;
        Ok((size > 0).then_some(chunk))
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>, String> {
        if length > BODY_BYTES_MAX {
            return Err(format!("a body of {length} bytes"));
        }
        let mut bytes = vec![0; length];
        let read = self.stream.read_exact(&mut bytes);
        read.map_err(|error| format!("reading: {error}"))?;
        Ok(bytes)
    }

    fn line(&mut self) -> Result<Option<String>, String> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line);
        match read.map_err(|error| format!("reading: {error}"))? {
            0 => Ok(None),
            _ => Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned())),
        }
    }
}

// === impl Head ===

impl Head {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let (_, value) = fields.find(|(field, _)| field == name)?;
        Some(value)
    }

    /// Of a request.
    pub(crate) fn target(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// Of an answer.
    pub(crate) fn status(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    fn is_chunked(&self) -> bool {
        self.field("transfer-encoding") == Some("chunked")
    }
}
