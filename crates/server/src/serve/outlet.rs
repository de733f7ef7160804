//! Streams towards the client.

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use portcullis_mcp::frame::write_event;
use portcullis_mcp::{Id, Revision};
use portcullis_session::Scope;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::conversation::Conversation;
use super::replay::{Replay, StreamNumber};

/// Messages that wait for a client that does not read, before its server is held up.
const OUTLET_MESSAGES: usize = 16;
/// LIMIT: how long a client may not read before its stream is closed.
const WRITE_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long an answer that takes its time may be one message. Then it is a stream, to which the
/// client can come back.
const PRIME_AFTER: Duration = Duration::from_secs(1);
/// LIMIT: messages that wait for a client to open the stream on which they are to be sent, and
/// their bytes. Older ones are dropped for newer ones.
const WAITING_MESSAGES_MAX: usize = 256;
const WAITING_BYTES_MAX: usize = 4 << 20;

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
    sender: Mutex<Option<mpsc::Sender<Parcel>>>,
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

/// The open streams of one conversation.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// By the request that is answered there.
    replies: HashMap<(Scope, Id), Reply>,
    opened: u64,
    /// For what belongs to no request.
    standalone: Option<Outlet>,
    /// The server's own stream of that kind, which it and its client end.
    passed: Option<WeakOutlet>,
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
}

/// The stream of a request, and the how manieth it is.
#[derive(Debug)]
struct Reply {
    outlet: Outlet,
    order: u64,
}

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
    pub(crate) fn new() -> (Self, mpsc::Receiver<Parcel>) {
        Self::with(OUTLET_MESSAGES, None)
    }

    /// One that the client can come back to.
    pub(crate) fn kept(keeping: Keeping) -> (Self, mpsc::Receiver<Parcel>) {
        // What is kept need not wait here as well.
        let messages = match keeping.begins {
            Begins::AsStream => 1,
            Begins::InSilence => OUTLET_MESSAGES,
        };
        Self::with(messages, Some(keeping))
    }

    fn with(messages: usize, keeping: Option<Keeping>) -> (Self, mpsc::Receiver<Parcel>) {
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
            return self.0.keep(parcel).await;
        };
        match timeout(WRITE_WAIT_MAX, sender.send(parcel)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ClientGone),
            Err(_) => {
                self.0.give_up();
                Err(ClientGone)
            }
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
                sender.try_send(Parcel::Begin).ok();
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

    async fn keep(&self, parcel: Parcel) -> Result<(), ClientGone> {
        let (replay, stream) = self.kept().ok_or(ClientGone)?;
        if let Parcel::Message(message) = parcel {
            replay.append(stream, message).await;
        }
        Ok(())
    }

    fn sender(&self) -> Option<mpsc::Sender<Parcel>> {
        self.lock_sender().clone()
    }

    fn lock_sender(&self) -> MutexGuard<'_, Option<mpsc::Sender<Parcel>>> {
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

// === impl Streams ===

impl Streams {
    pub(crate) fn open_reply(&mut self, scope: Scope, id: Id, outlet: Outlet) {
        self.opened += 1;
        let order = self.opened;
        self.replies.insert((scope, id), Reply { outlet, order });
    }

    pub(crate) fn reply(&self, scope: Scope, id: &Id) -> Option<Outlet> {
        let reply = self.replies.get(&(scope, id.clone()))?;
        Some(reply.outlet.clone())
    }

    pub(crate) fn has_reply(&self, scope: Scope, id: &Id) -> bool {
        self.replies.contains_key(&(scope, id.clone()))
    }

    /// The last that is to be sent on this stream is on its way.
    pub(crate) fn close_reply(&mut self, scope: Scope, id: &Id) -> Option<Outlet> {
        let reply = self.replies.remove(&(scope, id.clone()))?;
        Some(reply.outlet)
    }

    /// Like [`Self::close_reply`], if it is this stream that the request is answered on.
    pub(crate) fn close_reply_on(
        &mut self,
        scope: Scope,
        id: &Id,
        outlet: &Outlet,
    ) -> Option<Outlet> {
        let reply = self.replies.get(&(scope, id.clone()))?;
        let is_same = Arc::ptr_eq(&reply.outlet.0, &outlet.0);
        is_same.then(|| self.close_reply(scope, id)).flatten()
    }

    /// The stream for what belongs to no request, or that of the newest request.
    pub(crate) fn any(&self) -> Option<Outlet> {
        let standalone = self.standalone.as_ref().filter(|outlet| outlet.is_open());
        if let Some(outlet) = standalone {
            return Some(outlet.clone());
        }
        let open = self.replies.values().filter(|reply| reply.outlet.is_open());
        let newest = open.max_by_key(|reply| reply.order)?;
        Some(newest.outlet.clone())
    }

    pub(crate) fn has_standalone(&self) -> bool {
        self.standalone.as_ref().is_some_and(Outlet::is_open)
    }

    /// The stream for what belongs to no request, if it is passed on from the server.
    pub(crate) fn passed(&self) -> Option<Outlet> {
        let outlet = self.passed.as_ref()?.0.upgrade().map(Outlet)?;
        outlet.is_open().then_some(outlet)
    }

    /// Gives what has waited for this stream, which is passed on from the server.
    pub(crate) fn open_passed(&mut self, outlet: &Outlet) -> Vec<Bytes> {
        self.passed = Some(outlet.downgrade());
        self.take_waiting()
    }

    /// Gives what has waited for this stream.
    pub(crate) fn open_standalone(&mut self, outlet: Outlet) -> Vec<Bytes> {
        self.standalone = Some(outlet);
        self.take_waiting()
    }

    /// The stream for what belongs to no request, if it is this one, with what has waited for it.
    pub(crate) fn reopen_standalone(
        &mut self,
        stream: StreamNumber,
    ) -> Option<(Outlet, Vec<Bytes>)> {
        let is_same = |outlet: &&Outlet| outlet.0.kept.get() == Some(&stream);
        let outlet = self.standalone.as_ref().filter(is_same)?.clone();
        Some((outlet, self.take_waiting()))
    }

    fn take_waiting(&mut self) -> Vec<Bytes> {
        self.waiting_bytes = 0;
        self.waiting.drain(..).collect()
    }

    /// The stream for a message that has none of its own. If there is none, the message waits for one
    /// to be opened.
    pub(crate) fn any_or_wait(&mut self, bytes: Bytes, is_change: bool) -> Option<(Outlet, Bytes)> {
        let listened = self.passed().filter(|_| is_change);
        let found = listened.or_else(|| self.any());
        if found.is_none() {
            self.wait(bytes.clone(), is_change);
        }
        found.map(|outlet| (outlet, bytes))
    }

    fn wait(&mut self, bytes: Bytes, is_change: bool) {
        if is_change && self.waiting.contains(&bytes) {
            return;
        }
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes.len());
        self.waiting.push_back(bytes);
        while self.waiting.len() > WAITING_MESSAGES_MAX || self.waiting_bytes > WAITING_BYTES_MAX {
            let Some(oldest) = self.waiting.pop_front() else {
                break;
            };
            self.waiting_bytes = self.waiting_bytes.saturating_sub(oldest.len());
        }
    }

    /// How many messages wait for a stream.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn close_all(&mut self) {
        self.replies.clear();
        self.standalone = None;
        self.waiting.clear();
        self.waiting_bytes = 0;
    }
}

// === impl Conversation ===

impl Conversation {
    /// A stream to a client of Streamable HTTP.
    pub(crate) fn outlet(&self) -> (Outlet, mpsc::Receiver<Parcel>) {
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
    use super::*;

    fn message() -> Parcel {
        Parcel::Message(Outgoing::plain(Bytes::from_static(b"{}")))
    }

    #[tokio::test]
    async fn what_finds_no_stream_waits_for_the_next() {
        let mut streams = Streams::default();
        let text = Bytes::from_static(b"{}");
        assert!(streams.any_or_wait(text.clone(), false).is_none());
        let (outlet, _parcels) = Outlet::new();
        assert_eq!(streams.open_standalone(outlet).len(), 1);
        assert!(streams.any_or_wait(text, false).is_some());
        assert_eq!(streams.waiting(), 0);
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
}
