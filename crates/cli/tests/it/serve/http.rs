//! HTTP/1.1 byte by byte: what is said is said exactly so, and what is heard is heard as it comes.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// LIMIT: nothing that a test waits for takes so long, however busy the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub(crate) struct Request {
    verb: &'static str,
    path: String,
    headers: Headers,
    body: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Headers(Vec<(String, String)>);

/// An answer whose body is still on its way. Dropped, its connection is closed.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    connection: BufReader<TcpStream>,
    framing: Framing,
    text: String,
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    Length(usize),
    Chunked,
    Over,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Unless it is one that MCP knows.
    pub(crate) name: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) retry: Option<String>,
    pub(crate) data: String,
}

// === impl Request ===

impl Request {
    pub(crate) fn new(verb: &'static str, path: &str) -> Self {
        let request = Self {
            verb,
            path: path.to_owned(),
            headers: Headers::default(),
            body: Vec::new(),
        };
        request.with("Accept", "application/json, text/event-stream")
    }

    pub(crate) fn post(path: &str, body: &str) -> Self {
        Self::new("POST", path).saying(body)
    }

    /// The same with this body.
    pub(crate) fn saying(&self, body: &str) -> Self {
        let mut request = self.by("POST").but("Content-Type", "application/json");
        body.as_bytes().clone_into(&mut request.body);
        request
    }

    /// The same with another method.
    pub(crate) fn by(&self, verb: &'static str) -> Self {
        Self {
            verb,
            ..self.clone()
        }
    }

    /// The same to another path.
    pub(crate) fn at(&self, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..self.clone()
        }
    }

    /// Adds a header, even if there is one of that name.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.0.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn but(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    /// Says it all and waits for the head of the answer.
    pub(crate) fn send(&self, to: SocketAddr) -> Answer {
        let sent = self.say(to);
        Answer::read(sent, self.verb).unwrap()
    }

    /// Says it all and waits for nothing.
    pub(crate) fn say(&self, to: SocketAddr) -> TcpStream {
        self.say_some(to, usize::MAX).unwrap()
    }

    /// Says the first `bytes` of it.
    pub(crate) fn say_some(&self, to: SocketAddr, bytes: usize) -> io::Result<TcpStream> {
        let mut connection = TcpStream::connect(to)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        let mut said = Vec::new();
        write!(said, "{} {} HTTP/1.1\r\n", self.verb, self.path)?;
        let own = [("Host", to.to_string()), ("Connection", "close".to_owned())];
        for (name, value) in own {
            if self.headers.get(name).is_none() {
                write!(said, "{name}: {value}\r\n")?;
            }
        }
        for (name, value) in &self.headers.0 {
            write!(said, "{name}: {value}\r\n")?;
        }
        if !self.body.is_empty() && self.headers.get("Transfer-Encoding").is_none() {
            write!(said, "Content-Length: {}\r\n", self.body.len())?;
        }
        said.extend_from_slice(b"\r\n");
        said.extend_from_slice(&self.body);
        connection.write_all(&said[..bytes.min(said.len())])?;
        Ok(connection)
    }
}

// === impl Headers ===

impl Headers {
    pub(crate) fn get(&self, wanted: &str) -> Option<&str> {
        self.all(wanted).next()
    }

    /// The value of each header of this name.
    pub(crate) fn all<'h>(&'h self, wanted: &str) -> impl Iterator<Item = &'h str> {
        let headers = self.0.iter();
        let found = headers.filter(move |(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.as_str())
    }
}

/// The first line of a head and its headers; `None` at the end of the connection.
pub(crate) fn read_head(from: &mut impl BufRead) -> io::Result<Option<(String, Headers)>> {
    let Some(first) = read_line(from)? else {
        return Ok(None);
    };
    let mut headers = Headers::default();
    while let Some(line) = read_line(from)?.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        headers.0.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(Some((first, headers)))
}

fn read_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = from.read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end().to_owned()))
}

// === impl Answer ===

impl Answer {
    /// Of a request that was said before.
    pub(crate) fn read(connection: TcpStream, verb: &str) -> io::Result<Self> {
        let mut connection = BufReader::new(connection);
        let ended = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let (line, headers) = read_head(&mut connection)?.ok_or_else(ended)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let length = headers
            .get("Content-Length")
            .and_then(|length| length.parse().ok());
        let framing = match length {
            _ if verb == "HEAD" => Framing::Over,
            Some(length) => Framing::Length(length),
            None if headers.get("Transfer-Encoding").is_some() => Framing::Chunked,
            None => Framing::Over,
        };
        Ok(Self {
            status: status.ok_or_else(ended)?,
            headers,
            connection,
            framing,
            text: String::new(),
        })
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.headers.get("Content-Type") == Some("text/event-stream")
    }

    /// All of the body.
    pub(crate) fn body(mut self) -> String {
        while self.read_part() {}
        self.text
    }

    /// The next event of a stream, comments left out; `None` at its end.
    pub(crate) fn event(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                if let Some(event) = Event::parse(&block) {
                    return Some(event);
                }
            } else if !self.read_part() {
                assert_eq!(self.text, "", "{}: no whole event", self.status);
                return None;
            }
        }
    }

    /// The last message that the answer brings, as JSON or on a stream.
    pub(crate) fn message(mut self) -> String {
        if !self.is_stream() {
            return self.body();
        }
        let mut last = String::new();
        while let Some(event) = self.event() {
            last = event.data;
        }
        last
    }

    /// Whether there was another part.
    fn read_part(&mut self) -> bool {
        let length = match self.framing {
            Framing::Over => return false,
            Framing::Length(length) => length,
            Framing::Chunked => {
                let line = read_line(&mut self.connection).unwrap().unwrap();
                usize::from_str_radix(&line, 16).unwrap()
            }
        };
        let mut part = vec![0; length];
        self.connection.read_exact(&mut part).unwrap();
        self.text += std::str::from_utf8(&part).unwrap();
        match self.framing {
            Framing::Chunked => {
                read_line(&mut self.connection).unwrap();
                if length == 0 {
                    self.framing = Framing::Over;
                }
            }
            Framing::Length(_) | Framing::Over => self.framing = Framing::Over,
        }
        length > 0
    }
}

// === impl Event ===

impl Event {
    fn parse(block: &str) -> Option<Self> {
        let mut event = Self::default();
        let mut is_comment = true;
        for line in block.lines().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "id" => event.id = Some(value.to_owned()),
                "retry" => event.retry = Some(value.to_owned()),
                "data" => event.data += value,
                "event" if matches!(value, "message" | "endpoint") => {}
                "event" => event.name = Some(value.to_owned()),
                _ => assert_eq!(name, "", "{block}"),
            }
            is_comment &= name.is_empty();
        }
        (!is_comment).then_some(event)
    }
}
