//! Streams towards the client.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use portcullis_mcp::Id;
use portcullis_mcp::frame::write_event;
use portcullis_session::Scope;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Messages that wait for a client that does not read, before its server is held up.
const OUTLET_MESSAGES: usize = 16;
/// LIMIT: how long a client may not read before its stream is closed.
const WRITE_WAIT_MAX: Duration = Duration::from_secs(10);
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
pub(crate) struct Outlet {
    sender: mpsc::Sender<Parcel>,
    /// The client did not read for too long: nothing is sent to it any more.
    given_up: CancellationToken,
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
        let (sender, parcels) = mpsc::channel(OUTLET_MESSAGES);
        let outlet = Self {
            sender,
            given_up: CancellationToken::new(),
        };
        (outlet, parcels)
    }

    /// Waits, for a bounded time, until the client has room for it.
    pub(crate) async fn send(&self, parcel: Parcel) -> Result<(), ClientGone> {
        if self.given_up.is_cancelled() {
            return Err(ClientGone);
        }
        match timeout(WRITE_WAIT_MAX, self.sender.send(parcel)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ClientGone),
            Err(_) => {
                self.given_up.cancel();
                Err(ClientGone)
            }
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed() && !self.given_up.is_cancelled()
    }

    /// Waits until nobody reads the stream any more.
    pub(crate) async fn closed(&self) {
        tokio::select! {
            () = self.sender.closed() => {}
            () = self.given_up.cancelled() => {}
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
        let is_same = reply.outlet.sender.same_channel(&outlet.sender);
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

    /// Gives what has waited for this stream.
    pub(crate) fn open_standalone(&mut self, outlet: Outlet) -> Vec<Bytes> {
        self.standalone = Some(outlet);
        self.waiting_bytes = 0;
        self.waiting.drain(..).collect()
    }

    /// Keeps a message for when there is a stream for it.
    pub(crate) fn wait(&mut self, bytes: Bytes) {
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
