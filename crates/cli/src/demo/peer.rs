use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use portcullis_json::{Object, Value};
use portcullis_mcp::view::ViewError;
use portcullis_mcp::{EnvelopeLimits, Id, IdError, Malformed, Message, Peer as Side, write};

use super::lines::Lines;

/// The processes are our own and on this machine: whatever takes longer is stuck.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(20);
/// LIMIT: lines that wait to be read; a request is answered before the next one is sent.
const LINES_MAX: usize = 8;

/// A server, or a gateway before it, as a child process that an MCP client talks to.
#[derive(Debug)]
pub(crate) struct Peer {
    process: Child,
    /// `None` once the client has nothing more to say.
    input: Option<ChildStdin>,
    lines: Receiver<io::Result<Vec<u8>>>,
    requests: i64,
}

/// What a tool gave back.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) text: String,
    pub(super) is_error: bool,
}

/// Why the script could not be played to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("a process could not be started")]
    Start(#[source] io::Error),
    #[error("`{method}` could not be sent")]
    Send {
        method: String,
        #[source]
        source: io::Error,
    },
    #[error("`{method}` was not answered within {} seconds", ANSWER_WAIT_MAX.as_secs())]
    NoAnswer { method: String },
    #[error("the server ended before it answered `{method}`")]
    Ended { method: String },
    #[error("the answer to `{method}` cannot be read")]
    Read {
        method: String,
        #[source]
        source: io::Error,
    },
    #[error("the answer to `{method}` is not in the protocol's form")]
    Malformed {
        method: String,
        #[source]
        source: Malformed,
    },
    #[error("the answer to `{method}` is incomplete")]
    Incomplete {
        method: String,
        #[source]
        source: ViewError,
    },
    #[error("`{method}` was answered with an error: {error}")]
    Refused { method: String, error: String },
    #[error("no request id is left")]
    Id(#[from] IdError),
    #[error("the output of `{tool}` has no {what} in it")]
    Missing {
        tool: &'static str,
        what: &'static str,
    },
    #[error("the process did not end within {} seconds", ANSWER_WAIT_MAX.as_secs())]
    NoEnd,
    #[error("the process could not be waited for")]
    Wait(#[source] io::Error),
    #[error("the attack was not blocked; the mailbox has sent: {sent}")]
    NotBlocked { sent: String },
    #[error("the attack fails without the gateway too, so the demo shows nothing")]
    Harmless,
    #[error("the session was not recorded")]
    NotRecorded,
    /// The terminal is gone.
    #[error(transparent)]
    Show(#[from] io::Error),
}

// === impl Peer ===

impl Peer {
    pub(crate) fn start(command: &mut Command) -> Result<Self, DemoError> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(DemoError::Start)?;
        let input = process.stdin.take();
        let output = process.stdout.take();
        let (sender, lines) = sync_channel(LINES_MAX);
        let peer = Self {
            process,
            input,
            lines,
            requests: 0,
        };
        let read = move || {
            for line in output.into_iter().flat_map(Lines::new) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        };
        // The thread ends with the process, whose end every way out of here waits for.
        let reader = thread::Builder::new().name("demo-reader".to_owned());
        reader.spawn(read).map_err(DemoError::Start)?;
        Ok(peer)
    }

    pub(super) fn request(&mut self, method: &str, params: Object) -> Result<Value, DemoError> {
        self.requests += 1;
        let id = Id::Integer(self.requests);
        let line = write::request(&id, method, Some(&params.into()));
        self.send(method, line)?;
        let message = self.receive(method)?;
        match (message.result(), message.error()) {
            (Some(result), _) if message.id() == Some(&id) => Ok(result.clone()),
            (_, error) => Err(DemoError::Refused {
                method: method.to_owned(),
                error: error.map(Value::to_string).unwrap_or_default(),
            }),
        }
    }

    pub(super) fn notify(&mut self, method: &str) -> Result<(), DemoError> {
        self.send(method, write::notification(method, None))
    }

    pub(super) fn call<const N: usize>(
        &mut self,
        tool: &str,
        arguments: [(&str, Value); N],
    ) -> Result<Output, DemoError> {
        let arguments = arguments
            .into_iter()
            .map(|(name, value)| (Arc::from(name), value));
        let mut params = Object::new();
        params.insert("name", tool);
        params.insert("arguments", arguments.collect::<Object>());
        let result = self.request("tools/call", params)?;
        let blocks = result.get("content").and_then(Value::as_array);
        let texts = blocks.unwrap_or_default().iter();
        let texts: Vec<&str> = texts
            .filter_map(|block| block.get("text")?.as_str())
            .collect();
        Ok(Output {
            text: texts.join("\n"),
            is_error: result.get("isError").and_then(Value::as_bool) == Some(true),
        })
    }

    /// Says goodbye as stdio has it, by closing the server's input, and waits for the end.
    pub(crate) fn end(mut self) -> Result<(), DemoError> {
        self.input = None;
        loop {
            match self.lines.recv_timeout(ANSWER_WAIT_MAX) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Err(DemoError::NoEnd),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.process.wait().map_err(DemoError::Wait)?;
        Ok(())
    }

    fn send(&mut self, method: &str, mut line: Vec<u8>) -> Result<(), DemoError> {
        line.push(b'\n');
        let sent = match &mut self.input {
            Some(input) => input.write_all(&line),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        sent.map_err(|source| DemoError::Send {
            method: method.to_owned(),
            source,
        })
    }

    fn receive(&mut self, method: &str) -> Result<Message, DemoError> {
        let method = || method.to_owned();
        let line = match self.lines.recv_timeout(ANSWER_WAIT_MAX) {
            Ok(line) => line.map_err(|source| DemoError::Read {
                method: method(),
                source,
            })?,
            Err(RecvTimeoutError::Timeout) => {
                return Err(DemoError::NoAnswer { method: method() });
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(DemoError::Ended { method: method() });
            }
        };
        Message::parse(&line, &EnvelopeLimits::new(Side::Server)).map_err(|source| {
            DemoError::Malformed {
                method: method(),
                source,
            }
        })
    }
}

/// A gateway that is killed takes its server with it.
impl Drop for Peer {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) && self.process.kill().is_ok() {
            self.process.wait().ok();
        }
    }
}
