//! A server that is a child process of its conversation.

mod numbered;

use std::future::pending;
use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portcullis_mcp::frame::LineError;
use portcullis_trace::record::Direction;
use portcullis_transport::child::{
    ChildServer, Patience, ServerCommand, SpawnError, Started, Surroundings, ended_as_told,
};
use portcullis_transport::lines::{LineReader, LineWriter};
use tokio::net::unix::pipe;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use self::numbered::Numbered;
use super::TellError;
use crate::serve::conversation::Conversation;

/// LIMIT: how long a server may leave its input unread.
const WRITE_WAIT_MAX: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct StdioUpstream {
    /// `None` once the session has ended: that closes the server's input.
    input: Mutex<Option<LineWriter<pipe::Sender>>>,
    server: Mutex<ChildServer>,
    /// Whether a message could not be written: none can follow it.
    takes_nothing: AtomicBool,
    /// Whether the output has ended before the conversation.
    says_nothing: Arc<AtomicBool>,
    /// `None` if there is a session.
    numbered: Option<Numbered>,
}

/// What a server writes, to be read by [`read_all`].
#[derive(Debug)]
pub(crate) struct ServerOutput {
    lines: LineReader<pipe::Receiver>,
    says_nothing: Arc<AtomicBool>,
}

/// How a server came to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerEnd {
    pub(super) status: ExitStatus,
    /// Whether the conversation was over before it was.
    was_told: bool,
}

// === impl StdioUpstream ===

impl StdioUpstream {
    pub(crate) fn spawn(
        command: &ServerCommand,
        surroundings: &Surroundings,
        line_bytes: usize,
        is_stateless: bool,
    ) -> Result<(Self, ServerOutput), SpawnError> {
        let Started {
            server,
            input,
            output,
        } = command.spawn_in(surroundings)?;
        let says_nothing: Arc<AtomicBool> = Arc::default();
        let upstream = Self {
            input: Mutex::new(Some(LineWriter::new(input))),
            server: Mutex::new(server),
            takes_nothing: AtomicBool::new(false),
            says_nothing: Arc::clone(&says_nothing),
            numbered: is_stateless.then(Numbered::default),
        };
        let output = ServerOutput {
            lines: LineReader::new(output, line_bytes),
            says_nothing,
        };
        Ok((upstream, output))
    }

    pub(super) fn is_stateless(&self) -> bool {
        self.numbered.is_some()
    }

    pub(super) fn numbered(&self) -> Option<&Numbered> {
        self.numbered.as_ref()
    }

    /// Until the conversation has `ended`.
    pub(super) async fn send(
        &self,
        line: &[u8],
        ended: &CancellationToken,
    ) -> Result<(), TellError> {
        self.send_unless(line, ended, pending()).await.map(|_| ())
    }

    /// Whether it was sent: not if it was `abandoned` before its turn came.
    async fn send_unless(
        &self,
        line: &[u8],
        ended: &CancellationToken,
        abandoned: impl Future<Output = ()>,
    ) -> Result<bool, TellError> {
        let mut input = tokio::select! {
            biased;
            () = abandoned => return Ok(false),
            input = self.input.lock() => input,
        };
        let Some(writer) = &mut *input else {
            return Err(TellError::Ended);
        };
        let error = tokio::select! {
            sent = timeout(WRITE_WAIT_MAX, writer.send(line)) => match sent {
                Ok(Ok(())) => return Ok(true),
                Ok(Err(error)) => error.into(),
                Err(_) => TellError::Unread,
            },
            () = ended.cancelled() => TellError::Ended,
        };
        // Half a line may be in the pipe: nothing can follow it.
        *input = None;
        let is_over = matches!(error, TellError::Ended);
        self.takes_nothing.store(!is_over, Ordering::Relaxed);
        Err(error)
    }

    /// Whether no message reaches the server any more. It may answer those that did.
    pub(crate) fn takes_nothing(&self) -> bool {
        self.takes_nothing.load(Ordering::Relaxed)
    }

    /// Of a conversation that has ended, so that nobody keeps the input for long.
    pub(super) async fn end(&self) -> io::Result<ServerEnd> {
        self.input.lock().await.take();
        let status = self.server.lock().await.end(Patience::default()).await?;
        Ok(ServerEnd {
            status,
            was_told: !self.takes_nothing() && !self.says_nothing.load(Ordering::Relaxed),
        })
    }
}

// === impl ServerEnd ===

impl ServerEnd {
    /// Whether an operator should see it.
    pub(super) fn is_news(self) -> bool {
        !self.was_told || !ended_as_told(self.status)
    }
}

/// Takes what the server writes until it, or the conversation, ends.
pub(crate) async fn read_all(conversation: Arc<Conversation>, output: ServerOutput) {
    let ServerOutput {
        mut lines,
        says_nothing,
    } = output;
    let ended = conversation.ended().clone();
    loop {
        let line = tokio::select! {
            biased;
            // A server that ends after that does as it is told.
            () = ended.cancelled() => return,
            line = lines.next() => line,
        };
        match line {
            Ok(Some(Ok(line))) => take(&conversation, line).await,
            Ok(Some(Err(error))) => lose(&conversation, error).await,
            Ok(None) => break,
            Err(error) => {
                warn!(%error, "reading from the server failed");
                break;
            }
        }
    }
    says_nothing.store(true, Ordering::Relaxed);
    if conversation.upstream().numbered().is_some() {
        // What it has answered is on its way.
        tokio::select! {
            () = conversation.arrived() => {}
            () = ended.cancelled() => {}
        }
    }
    conversation.on_server_end().await;
}

async fn take(conversation: &Arc<Conversation>, line: Vec<u8>) {
    match conversation.upstream().numbered() {
        Some(numbered) => Box::pin(numbered.take(conversation, line)).await,
        None => conversation.on_server_line(&line).await,
    }
}

/// Takes note of a line that cannot be read.
async fn lose(conversation: &Arc<Conversation>, error: LineError) {
    let mut session = conversation.session().await;
    let actions = session.on_lost_line(Direction::ToClient, error);
    drop(session);
    conversation.on_line(actions).await;
    if let Some(numbered) = conversation.upstream().numbered() {
        numbered.lose(conversation, error).await;
    }
}

impl super::Upstream {
    pub(super) fn numbered(&self) -> Option<&Numbered> {
        match self {
            Self::Stdio(stdio) => stdio.numbered(),
            Self::Http(_) | Self::Sse(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_does_not_read_holds_up_no_end() {
        let command = ServerCommand {
            program: "sleep".into(),
            arguments: vec!["60".into()],
        };
        let surroundings = Surroundings::default();
        let (server, _output) =
            StdioUpstream::spawn(&command, &surroundings, 1 << 20, false).unwrap();
        let ended = CancellationToken::new();
        // More than a pipe holds.
        let line = vec![b' '; 1 << 20];
        let end = async {
            ended.cancel();
            assert!(!server.end().await.unwrap().is_news());
        };
        let work =
            async { tokio::join!(server.send(&line, &ended), server.send(b"{}", &ended), end) };
        let (first, second, ()) = timeout(WRITE_WAIT_MAX / 2, work).await.unwrap();
        assert!(matches!(first, Err(TellError::Ended)), "{first:?}");
        assert!(matches!(second, Err(TellError::Ended)), "{second:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_session_ends_with_a_server_that_does_not_read() {
        let (first, second) = sent_twice("exec sleep 60").await;
        assert!(matches!(first, Err(TellError::Unread)), "{first:?}");
        assert!(matches!(second, Err(TellError::Ended)), "{second:?}");
    }

    #[tokio::test]
    async fn the_session_ends_with_a_server_that_has_closed_its_input() {
        let (first, second) = sent_twice("exec <&-; exec sleep 60").await;
        assert!(matches!(first, Err(TellError::Io(_))), "{first:?}");
        assert!(matches!(second, Err(TellError::Ended)), "{second:?}");
    }

    #[tokio::test]
    async fn what_was_given_up_before_its_turn_is_not_sent() {
        let command = ServerCommand {
            program: "cat".into(),
            arguments: Vec::new(),
        };
        let surroundings = Surroundings::default();
        let (server, mut output) =
            StdioUpstream::spawn(&command, &surroundings, 1 << 20, false).unwrap();
        let ended = CancellationToken::new();
        let (client_gone, other_waits) = (CancellationToken::new(), pending());
        let another_is_written = server.input.lock().await;
        let given_up = server.send_unless(b"given up", &ended, client_gone.cancelled());
        let waited_for = server.send_unless(b"waited for", &ended, other_waits);
        let turns = async {
            tokio::task::yield_now().await;
            client_gone.cancel();
            tokio::task::yield_now().await;
            drop(another_is_written);
        };
        let (given_up, waited_for, ()) = tokio::join!(given_up, waited_for, turns);
        assert_eq!((given_up.unwrap(), waited_for.unwrap()), (false, true));
        let line = output.lines.next().await.unwrap().unwrap();
        assert_eq!(line.unwrap(), b"waited for");
    }

    /// What becomes of two messages for this script.
    async fn sent_twice(script: &str) -> (Result<(), TellError>, Result<(), TellError>) {
        let command = ServerCommand {
            program: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
        };
        let surroundings = Surroundings::default();
        let (server, _output) =
            StdioUpstream::spawn(&command, &surroundings, 1 << 20, false).unwrap();
        let ended = CancellationToken::new();
        // More than a pipe holds.
        let first = server.send(&vec![b' '; 1 << 20], &ended).await;
        assert!(server.takes_nothing() && !ended.is_cancelled());
        (first, server.send(b"{}", &ended).await)
    }
}
