//! Streams towards the client.

mod streams;

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use portcullis_mcp::Revision;
use portcullis_mcp::frame::write_event;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub(crate) use self::streams::Streams;
use super::conversation::Conversation;
use super::replay::{Replay, StreamNumber};

/// Messages that wait for a client that does not read, before its server is held up.
const OUTLET_MESSAGES: usize = 16;
/// LIMIT: how long a client may not read before its stream is closed.
const WRITE_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long an answer that takes its time may be one message. Then it is a stream, to which the
/// client can come back.
const PRIME_AFTER: Duration = Duration::from_secs(1);

/// What is sent to a client, in its order. In boxes: a channel sets aside room for many at once, and
/// mostly one comes.
pub(crate) type Parcels = mpsc::Receiver<Box<Parcel>>;
pub(super) type ParcelSender = mpsc::Sender<Box<Parcel>>;

/// One thing to send to a client.
#[derive(Debug)]
pub(crate) enum Parcel {
    /// There will be a stream of events, even if the first takes long.
    Begin,
    /// A position in the stream without a message.
    Position(Position),
    Message(Outgoing),
    /// The first event of a stream of revision 2024-11-05: where the client sends its messages.
    Endpoint(String),
}

#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) bytes: Bytes,
    pub(crate) position: Position,
    /// If it is the whole answer to a request.
    pub(crate) status: StatusCode,
    /// Whether it answers the request whose stream this is.
    pub(crate) is_last: bool,
    /// Whether it need not be sent again while the client has yet to read the same.
    pub(crate) is_change: bool,
}

/// What a server says about where its stream stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Position {
    pub(crate) id: Option<String>,
    /// Milliseconds.
    pub(crate) retry: Option<u64>,
}

/// The sending end of a stream to a client.
#[derive(Clone, Debug)]
pub(crate) struct Outlet(Arc<Sending>);

/// An outlet, if anybody may still send something.
#[derive(Debug)]
pub(crate) struct WeakOutlet(Weak<Sending>);

#[derive(Debug)]
struct Sending {
    /// `None` as soon as it is a stream that is kept, which then ends when that does, or is given up.
    sender: Mutex<Option<ParcelSender>>,
    /// The client did not read for too long: nothing is sent to it any more.
    given_up: CancellationToken,
    /// If the client can come back to the stream.
    keeping: Option<Keeping>,
    /// As soon as it is a stream that is kept.
    kept: OnceLock<StreamNumber>,
}

/// How a stream is kept for a client that comes back.
#[derive(Clone, Debug)]
pub(crate) struct Keeping {
    pub(crate) replay: Arc<Replay>,
    pub(crate) primes: bool,
    pub(crate) begins: Begins,
}

/// When a stream is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begins {
    /// If it is one of more than one message, or of one that takes its time.
    AsStream,
    /// If the server says nothing for a while, so that no id of its events can have passed.
    InSilence,
}

/// Nobody reads the stream any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientGone;

// === impl Parcel ===

impl Parcel {
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Begin => {}
            Self::Position(Position { id, retry }) => {
                write_event(out, "message", id.as_deref(), retry, Some(b""));
            }
            Self::Message(Outgoing {
                bytes, position, ..
            }) => {
                let Position { id, retry } = position;
                write_event(out, "message", id.as_deref(), retry, Some(&bytes));
            }
            Self::Endpoint(path) => {
                write_event(out, "endpoint", None, None, Some(path.as_bytes()));
            }
        }
    }
}

// === impl Outgoing ===

impl Outgoing {
    pub(crate) fn plain(bytes: Bytes) -> Self {
        Self {
            bytes,
            position: Position::default(),
            status: StatusCode::OK,
            is_last: false,
            is_change: false,
        }
    }
}

// === impl Position ===

impl Position {
    /// Goes on to where another event stands.
    pub(crate) fn note(&mut self, next: &Self) {
        if next.id.is_some() {
            self.id.clone_from(&next.id);
        }
        self.retry = next.retry.or(self.retry);
    }
}

// === impl Outlet ===

impl Outlet {
    pub(crate) fn new() -> (Self, Parcels) {
        Self::with(OUTLET_MESSAGES, None)
    }

    /// One that the client can come back to.
    pub(crate) fn kept(keeping: Keeping) -> (Self, Parcels) {
        // What is kept need not wait here as well.
        let messages = match keeping.begins {
            Begins::AsStream => 1,
            Begins::InSilence => OUTLET_MESSAGES,
        };
        Self::with(messages, Some(keeping))
    }

    fn with(messages: usize, keeping: Option<Keeping>) -> (Self, Parcels) {
        let (sender, parcels) = mpsc::channel(messages);
        let outlet = Self(Arc::new(Sending {
            sender: Mutex::new(Some(sender)),
            given_up: CancellationToken::new(),
            keeping,
            kept: OnceLock::new(),
        }));
        (outlet, parcels)
    }

    pub(crate) fn downgrade(&self) -> WeakOutlet {
        WeakOutlet(Arc::downgrade(&self.0))
    }

    /// Waits, for a bounded time, until the client has room for it, or it is kept.
    pub(crate) async fn send(&self, parcel: Parcel) -> Result<(), ClientGone> {
        if self.0.given_up.is_cancelled() {
            return Err(ClientGone);
        }
        self.0.begin_with(&parcel);
        let Some(sender) = self.0.sender() else {
            return Box::pin(self.0.keep(parcel)).await;
        };
        // Mostly there is room, and a message's future need not have any for the wait.
        match sender.try_send(Box::new(parcel)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(ClientGone),
            Err(TrySendError::Full(parcel)) => Box::pin(self.0.wait(sender, parcel)).await,
        }
    }

    /// Cancelled when the client has left the stream unread for too long.
    pub(crate) fn given_up(&self) -> &CancellationToken {
        &self.0.given_up
    }

    /// Makes it a stream that is kept, if it can be one.
    pub(crate) fn begin(&self) {
        self.0.begin();
    }

    /// Ends it without an answer, once nobody else sends anything: a stream of nothing, if nothing
    /// was sent, and one that nobody comes back to.
    pub(crate) fn end(self) {
        match (self.0.kept(), self.0.sender()) {
            (Some((replay, stream)), _) => replay.end(stream),
            // Without room for it something was sent.
            (None, Some(sender)) => {
                sender.try_send(Box::new(Parcel::Begin)).ok();
            }
            (None, None) => {}
        }
    }

    /// Whether a client reads it, or may.
    pub(crate) fn is_open(&self) -> bool {
        match (self.0.kept(), self.0.sender()) {
            (Some((replay, stream)), _) => replay.is_read(stream),
            (None, Some(sender)) => !sender.is_closed(),
            (None, None) => !self.0.given_up.is_cancelled(),
        }
    }

    /// Whether it is a stream that is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.kept.get().is_some()
    }

    /// Waits until nobody reads the stream any more, or will.
    pub(crate) async fn closed(&self) {
        let left = async {
            match self.0.sender() {
                Some(sender) => sender.closed().await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = left => {}
            () = self.0.given_up.cancelled() => {}
        }
    }
}

// === impl WeakOutlet ===

impl WeakOutlet {
    /// How long its client waits for a message before it is told that there is a stream.
    pub(crate) fn patience(&self, keep_alive: Duration) -> Duration {
        let sending = self.0.upgrade();
        let keeping = sending
            .as_ref()
            .and_then(|sending| sending.keeping.as_ref());
        let primes =
            keeping.is_some_and(|keeping| keeping.primes && keeping.begins == Begins::AsStream);
        if primes {
            keep_alive.min(PRIME_AFTER)
        } else {
            keep_alive
        }
    }

    /// See [`Outlet::begin`].
    pub(crate) fn begin(&self) {
        if let Some(sending) = self.0.upgrade() {
            sending.begin();
        }
    }
}

// === impl Sending ===

impl Sending {
    /// Makes it a stream that is kept if what is to be sent is not the whole answer.
    fn begin_with(&self, parcel: &Parcel) {
        let is_whole_answer = matches!(parcel, Parcel::Message(message) if message.is_last);
        let begins = |keeping: &Keeping| keeping.begins == Begins::AsStream && !is_whole_answer;
        if self.keeping.as_ref().is_some_and(begins)
            && self.sender().is_some_and(|sender| !sender.is_closed())
        {
            self.begin();
        }
    }

    fn begin(&self) {
        let Some(Keeping { replay, primes, .. }) = &self.keeping else {
            return;
        };
        // Held until it is known where it goes now.
        let mut sender = self.lock_sender();
        if let Some(sender) = sender.take() {
            self.kept.set(replay.begin(*primes, sender)).ok();
        }
    }

    /// Nothing more is sent. What the client has yet to read is followed by the end of the stream.
    fn give_up(&self) {
        self.given_up.cancel();
        self.lock_sender().take();
    }

    /// Waits until the client has room.
    async fn wait(&self, sender: ParcelSender, parcel: Box<Parcel>) -> Result<(), ClientGone> {
        match timeout(WRITE_WAIT_MAX, sender.send(parcel)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ClientGone),
            Err(_) => {
                self.give_up();
                Err(ClientGone)
            }
        }
    }

    async fn keep(&self, parcel: Parcel) -> Result<(), ClientGone> {
        let (replay, stream) = self.kept().ok_or(ClientGone)?;
        if let Parcel::Message(message) = parcel {
            replay.append(stream, message).await;
        }
        Ok(())
    }

    fn sender(&self) -> Option<ParcelSender> {
        self.lock_sender().clone()
    }

    fn lock_sender(&self) -> MutexGuard<'_, Option<ParcelSender>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> Option<(&Arc<Replay>, StreamNumber)> {
        let keeping = self.keeping.as_ref()?;
        Some((&keeping.replay, *self.kept.get()?))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some((replay, stream)) = self.kept() {
            replay.close(stream);
        }
    }
}

// === impl Conversation ===

impl Conversation {
    /// A stream to a client of Streamable HTTP.
    pub(crate) fn outlet(&self) -> (Outlet, Parcels) {
        let revision = self.revision().filter(|revision| !revision.is_stateless());
        let Some(revision) = revision else {
            return Outlet::new();
        };
        Outlet::kept(Keeping {
            replay: Arc::clone(self.replay()),
            // SPEC: MCP 2025-11-25, Streamable HTTP. Older clients take each event for a message.
            primes: revision >= Revision::V2025_11_25,
            begins: match self.upstream().http() {
                Some(_) => Begins::InSilence,
                None => Begins::AsStream,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    fn message() -> Parcel {
        Parcel::Message(Outgoing::plain(Bytes::from_static(b"{}")))
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_nobody_reads_ends() {
        let (outlet, mut parcels) = Outlet::new();
        for _ in 0..OUTLET_MESSAGES {
            outlet.send(message()).await.unwrap();
        }
        assert!(outlet.is_open());
        let (closed, sent) = tokio::join!(outlet.closed(), outlet.send(message()));
        let ((), Err(ClientGone)) = (closed, sent) else {
            panic!("there was room for it");
        };
        assert!(!outlet.is_open() && outlet.given_up().is_cancelled());
        outlet.closed().await;
        assert!(outlet.send(message()).await.is_err());
        // The sender is there still, and what was sent before comes before the end.
        for _ in 0..OUTLET_MESSAGES {
            assert!(parcels.recv().await.is_some());
        }
        assert!(parcels.recv().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_waited_for_ten_seconds() {
        let max = Duration::from_secs(10);
        let (outlet, mut parcels) = Outlet::new();
        let began = Instant::now();
        for _ in 0..OUTLET_MESSAGES {
            outlet.send(message()).await.unwrap();
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        let reads = async {
            sleep(Duration::from_millis(9_999)).await;
            assert!(parcels.recv().await.is_some());
        };
        let (sent, ()) = tokio::join!(outlet.send(message()), reads);
        sent.unwrap();

        let began = Instant::now();
        outlet.send(message()).await.unwrap_err();
        assert_eq!(began.elapsed(), max);
    }
}
