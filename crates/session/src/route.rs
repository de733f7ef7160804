//! Where messages come from, and where permitted ones go.

use portcullis_mcp::Id;
use portcullis_trace::record::Direction;

/// Where a message came from, and so whom its answer belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub direction: Direction,
    pub scope: Scope,
    pub stream: Stream,
}

/// What the stream that brought a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stream {
    /// For everything, or for what is not known: one that goes on with another.
    Any,
    /// To answer this request of the client's, where each has a stream of its own: over HTTP.
    Of(Id),
    /// For what belongs to no request (SPEC: MCP 2025-11-25, Streamable HTTP: it brings no
    /// responses).
    OfNone,
}

/// Within which the ids of open requests are distinct: a session, or over HTTP without sessions
/// one exchange of a request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scope(pub u64);

/// What a permitted message is to whoever delivers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub direction: Direction,
    pub kind: DeliveryKind,
    pub scope: Scope,
    /// The request that the message is about: the one that it answers or cancels, whose progress it
    /// tells, or whose stream brought it. A request does not concern itself.
    pub concerns: Option<Id>,
    /// Whether it stands in the place of a message that was blocked.
    pub is_refusal: bool,
    /// The error that it is, if it is one.
    pub error: Option<ErrorCode>,
}

/// The code of an error, and who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The gateway itself.
    Own(i64),
    Peers(i64),
}

/// The kinds of JSON-RPC messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryKind {
    Request,
    Notification,
    /// A notification that a list has changed. One that is yet to be read says as much as many.
    Change,
    Response,
}

// === impl Source ===

impl Source {
    /// A peer whose messages all come on one stream.
    pub fn whole(direction: Direction) -> Self {
        Self {
            direction,
            scope: Scope::SESSION,
            stream: Stream::Any,
        }
    }
}

// === impl Stream ===

impl Stream {
    /// The request that it answers, as far as that is known.
    pub fn request(&self) -> Option<&Id> {
        match self {
            Self::Of(id) => Some(id),
            Self::Any | Self::OfNone => None,
        }
    }
}

// === impl Scope ===

impl Scope {
    pub const SESSION: Self = Self(0);

    /// Whether it is one exchange, without a session.
    pub fn is_exchange(self) -> bool {
        self != Self::SESSION
    }
}

// === impl Delivery ===

impl Delivery {
    pub(crate) fn response(direction: Direction, scope: Scope, to: Option<&Id>) -> Self {
        Self {
            direction,
            kind: DeliveryKind::Response,
            scope,
            concerns: to.cloned(),
            is_refusal: false,
            error: None,
        }
    }

    pub(crate) fn refusal(direction: Direction, scope: Scope, to: &Id) -> Self {
        Self {
            is_refusal: true,
            ..Self::response(direction, scope, Some(to))
        }
    }
}
