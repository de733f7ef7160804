//! A Streamable HTTP server that does what a test says, and keeps what it is told.

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use portcullis_json::{Limits, Value, parse};

use super::http::{Headers, PATIENCE, read_head};

/// Ends with the test's process.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: Box<Script>,
    /// Whether a connection serves for one request only, so that none is kept for later.
    is_closing: bool,
    heard: Mutex<Heard>,
    news: Condvar,
}

/// Gives the reply back where it has nothing to say: then what any server answers is answered.
type Script = dyn Fn(&Received, Reply) -> Option<Reply> + Send + Sync;

#[derive(Default)]
struct Heard {
    requests: Vec<Received>,
    sessions: BTreeSet<String>,
    opened: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) verb: String,
    pub(crate) headers: Headers,
    pub(crate) body: String,
    message: Value,
}

/// How a request is answered. Dropped, it is not, and its connection stays open.
pub(crate) struct Reply {
    stream: TcpStream,
    is_last: bool,
}

/// An answer of events.
pub(crate) struct Events {
    stream: TcpStream,
}

// === impl Upstream ===

impl Upstream {
    pub(crate) fn plain() -> Self {
        Self::scripted(|_, reply| Some(reply))
    }

    pub(crate) fn scripted(
        script: impl Fn(&Received, Reply) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self::start(Box::new(script), false)
    }

    /// A server that hands the streams of the requests that are wanted to the test, and of others
    /// does what the script says.
    pub(crate) fn handing_over(
        is_wanted: impl Fn(&Received) -> bool + Send + Sync + 'static,
        script: impl Fn(&Received, Reply) -> Option<Reply> + Send + Sync + 'static,
    ) -> (Self, Receiver<Events>) {
        let (give, taken): (SyncSender<Events>, _) = sync_channel(1);
        let upstream = Self::scripted(move |received, reply| {
            if !is_wanted(received) {
                return script(received, reply);
            }
            let mut events = reply.events();
            events.send(": begun");
            give.send(events).unwrap();
            // Its connection is the test's now.
            thread::sleep(PATIENCE);
            None
        });
        (upstream, taken)
    }

    /// A server that closes each connection after one answer.
    pub(crate) fn closing(
        script: impl Fn(&Received, Reply) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self::start(Box::new(script), true)
    }

    fn start(script: Box<Script>, is_closing: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script,
            is_closing,
            heard: Mutex::default(),
            news: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&accepting);
                thread::spawn(move || shared.converse(&stream).ok());
            }
        });
        Self { address, shared }
    }

    /// What was received so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.heard.lock().unwrap().requests.clone()
    }

    /// The first that is wanted, which may still have to come.
    #[track_caller]
    pub(crate) fn wait_for(&self, wanted: impl Fn(&Received) -> bool) -> Received {
        let heard = self.shared.heard.lock().unwrap();
        let is_missing = |heard: &mut Heard| !heard.requests.iter().any(&wanted);
        let (heard, _) = self
            .shared
            .news
            .wait_timeout_while(heard, PATIENCE, is_missing)
            .unwrap();
        let found = heard.requests.iter().find(|received| wanted(received));
        found.expect("the server did not hear of it").clone()
    }

    /// From here on all sessions are unknown.
    pub(crate) fn forget_sessions(&self) {
        self.shared.heard.lock().unwrap().sessions.clear();
    }
}

// === impl Shared ===

impl Shared {
    fn converse(&self, stream: &TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some((line, headers)) = read_head(&mut reader)? {
            let length = headers.get("Content-Length").unwrap_or("0");
            let mut body = vec![0; length.parse().unwrap()];
            reader.read_exact(&mut body)?;
            let body = String::from_utf8(body).unwrap();
            let received = Received {
                verb: line.split(' ').next().unwrap_or_default().to_owned(),
                headers,
                message: parse(&body, &Limits::lenient()).unwrap_or(Value::Null),
                body,
            };
            self.heard.lock().unwrap().requests.push(received.clone());
            self.news.notify_all();
            let reply = Reply {
                stream: stream.try_clone()?,
                is_last: self.is_closing,
            };
            self.answer(&received, reply);
            if self.is_closing {
                break;
            }
        }
        Ok(())
    }

    fn answer(&self, received: &Received, reply: Reply) {
        let session = received.headers.get("Mcp-Session-Id");
        let is_lost = session.is_some_and(|id| !self.heard.lock().unwrap().sessions.contains(id));
        if is_lost {
            return reply.plain("404 Not Found", &[], "");
        }
        let Some(reply) = (self.script)(received, reply) else {
            return;
        };
        match (received.verb.as_str(), received.method()) {
            ("POST", Some("initialize")) => self.initialize(received, reply),
            ("POST", Some(_)) if received.message.get("id").is_some() => {
                reply.result(received, r#"{"content":[{"type":"text","text":"plain"}]}"#);
            }
            ("POST", _) => reply.plain("202 Accepted", &[], ""),
            ("DELETE", _) => {
                let id = session.unwrap_or_default();
                self.heard.lock().unwrap().sessions.remove(id);
                reply.plain("200 OK", &[], "");
            }
            _ => reply.plain("405 Method Not Allowed", &[], ""),
        }
    }

    fn initialize(&self, received: &Received, reply: Reply) {
        let id = {
            let mut heard = self.heard.lock().unwrap();
            heard.opened += 1;
            let id = format!("upstream-{}", heard.opened);
            heard.sessions.insert(id.clone());
            id
        };
        let revision = received.param("protocolVersion");
        let result = format!(
            r#"{{"protocolVersion":{revision},"capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"scripted","version":"1"}}}}"#
        );
        let body = received.answered(&result);
        reply.json(&[("Mcp-Session-Id", &id)], &body);
    }
}

// === impl Received ===

impl Received {
    pub(crate) fn method(&self) -> Option<&str> {
        self.message.get("method").and_then(Value::as_str)
    }

    /// The tool that is called.
    pub(crate) fn tool(&self) -> Option<&str> {
        self.message.get("params")?.get("name")?.as_str()
    }

    pub(crate) fn is_get(&self) -> bool {
        self.verb == "GET"
    }

    /// A member of the parameters, as JSON.
    pub(crate) fn param(&self, name: &str) -> String {
        let params = self.message.get("params").unwrap_or(&Value::Null);
        params.get(name).unwrap_or(&Value::Null).to_string()
    }

    /// The response with this result.
    pub(crate) fn answered(&self, result: &str) -> String {
        let id = self.message.get("id").unwrap_or(&Value::Null);
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
    }
}

// === impl Reply ===

impl Reply {
    pub(crate) fn result(self, to: &Received, result: &str) {
        self.json(&[], &to.answered(result));
    }

    pub(crate) fn json(self, headers: &[(&str, &str)], body: &str) {
        let mut headers = headers.to_vec();
        headers.push(("Content-Type", "application/json"));
        self.plain("200 OK", &headers, body);
    }

    pub(crate) fn plain(mut self, status: &str, headers: &[(&str, &str)], body: &str) {
        let length = body.len();
        let head = self.head(status, headers);
        write!(self.stream, "{head}Content-Length: {length}\r\n\r\n{body}").ok();
    }

    pub(crate) fn events(mut self) -> Events {
        let head = self.head(
            "200 OK",
            &[
                ("Content-Type", "text/event-stream"),
                ("Transfer-Encoding", "chunked"),
            ],
        );
        write!(self.stream, "{head}\r\n").ok();
        Events {
            stream: self.stream,
        }
    }

    /// Closes the connection without a word.
    pub(crate) fn cut(self) {
        self.stream.shutdown(Shutdown::Both).ok();
    }

    fn head(&self, status: &str, headers: &[(&str, &str)]) -> String {
        let lines = headers.iter();
        let lines = lines.map(|(name, value)| format!("{name}: {value}\r\n"));
        let lines: String = lines.collect();
        let close = if self.is_last {
            "Connection: close\r\n"
        } else {
            ""
        };
        format!("HTTP/1.1 {status}\r\n{close}{lines}")
    }
}

// === impl Events ===

impl Events {
    /// Sends the lines of an event; whether there was somebody to send it to.
    pub(crate) fn send(&mut self, lines: &str) -> bool {
        let length = lines.len() + 2;
        write!(self.stream, "{length:x}\r\n{lines}\n\n\r\n").is_ok()
    }

    pub(crate) fn message(&mut self, message: &str) -> bool {
        self.send(&format!("data: {message}"))
    }

    pub(crate) fn end(mut self) {
        write!(self.stream, "0\r\n\r\n").ok();
    }

    pub(crate) fn cut(self) {
        self.stream.shutdown(Shutdown::Both).ok();
    }

    /// Whether the other side closes the connection within `wait`.
    pub(crate) fn is_closed_within(&mut self, wait: Duration) -> bool {
        self.stream.set_read_timeout(Some(wait)).unwrap();
        match self.stream.read(&mut [0]) {
            Ok(bytes) => bytes == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}

/// A notification of 10 kB, many of which are more than sockets and queues hold.
pub(crate) fn long_log() -> String {
    let text = "x".repeat(10_000);
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"info","data":"{text}"}}}}"#
    )
}
