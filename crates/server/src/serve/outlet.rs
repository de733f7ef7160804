//! Streams towards the client.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use axum::http::StatusCode;
use portcullis_mcp::Id;
use portcullis_mcp::frame::write_event;
use portcullis_session::Scope;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Messages that wait for a client that does not read, before its server is held up.
const OUTLET_MESSAGES: usize = 16;
/// LIMIT: how long a client may not read before its stream is closed.
const WRITE_WAIT_MAX: Duration = Duration::from_secs(30);
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
    pub(crate) bytes: Vec<u8>,
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
}

/// Nobody reads the stream any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientGone;

/// The open streams of one conversation.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// By the request that is answered there.
    replies: HashMap<(Scope, Id), Outlet>,
    /// For what belongs to no request.
    standalone: Option<Outlet>,
    waiting: VecDeque<Vec<u8>>,
    waiting_bytes: usize,
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
    pub(crate) fn plain(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            position: Position::default(),
            status: StatusCode::OK,
            is_last: false,
        }
    }
}

// === impl Outlet ===

impl Outlet {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Parcel>) {
        let (sender, parcels) = mpsc::channel(OUTLET_MESSAGES);
        (Self { sender }, parcels)
    }

    /// Waits, for a bounded time, until the client has room for it.
    pub(crate) async fn send(&self, parcel: Parcel) -> Result<(), ClientGone> {
        match timeout(WRITE_WAIT_MAX, self.sender.send(parcel)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(ClientGone),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Waits until nobody reads the stream any more.
    pub(crate) async fn closed(&self) {
        self.sender.closed().await;
    }
}

// === impl Streams ===

impl Streams {
    pub(crate) fn open_reply(&mut self, scope: Scope, id: Id, outlet: Outlet) {
        self.replies.insert((scope, id), outlet);
    }

    pub(crate) fn reply(&self, scope: Scope, id: &Id) -> Option<Outlet> {
        self.replies.get(&(scope, id.clone())).cloned()
    }

    /// The last that is to be sent on this stream is on its way.
    pub(crate) fn close_reply(&mut self, scope: Scope, id: &Id) -> Option<Outlet> {
        self.replies.remove(&(scope, id.clone()))
    }

    /// The stream for what belongs to no request, or that of the only request there is.
    pub(crate) fn any(&self) -> Option<Outlet> {
        let standalone = self.standalone.as_ref().filter(|outlet| outlet.is_open());
        if let Some(outlet) = standalone {
            return Some(outlet.clone());
        }
        let mut open = self.replies.values().filter(|outlet| outlet.is_open());
        match (open.next(), open.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    }

    pub(crate) fn has_standalone(&self) -> bool {
        self.standalone.as_ref().is_some_and(Outlet::is_open)
    }

    /// Gives what has waited for this stream.
    pub(crate) fn open_standalone(&mut self, outlet: Outlet) -> Vec<Vec<u8>> {
        self.standalone = Some(outlet);
        self.waiting_bytes = 0;
        self.waiting.drain(..).collect()
    }

    /// Keeps a message for when there is a stream for it.
    pub(crate) fn wait(&mut self, bytes: Vec<u8>) {
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes.len());
        self.waiting.push_back(bytes);
        while self.waiting.len() > WAITING_MESSAGES_MAX || self.waiting_bytes > WAITING_BYTES_MAX {
            let Some(oldest) = self.waiting.pop_front() else {
                break;
            };
            self.waiting_bytes = self.waiting_bytes.saturating_sub(oldest.len());
        }
    }

    pub(crate) fn close_all(&mut self) {
        self.replies.clear();
        self.standalone = None;
        self.waiting.clear();
        self.waiting_bytes = 0;
    }
}
