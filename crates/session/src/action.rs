use std::fmt;

use portcullis_mcp::frame::LineError;
use portcullis_mcp::{Id, Malformed};
use portcullis_trace::pin::ToolSighting;
use portcullis_trace::record::{Direction, EventRecord, Implementation};

use crate::Permit;
use crate::route::Scope;

/// What the caller of a session has to do, in the order given.
#[derive(Debug)]
pub enum Action {
    /// Where durability is strict: before any later [`Action::Send`], and instead of those whose
    /// recording failed.
    Record {
        event: EventRecord,
        /// Whom [`Session::on_unrecorded`](crate::Session::on_unrecorded) tells of a failure.
        waiting: Option<Waiting>,
    },
    /// The peers said what they are.
    Introduce(Introduction),
    /// The client asks for tools or instructions: what is known of them is to be told to
    /// [`Session::on_known_tools`](crate::Session::on_known_tools) before the request is sent.
    ReadTools,
    /// What an answer shows is to be noted, and what came of it told to
    /// [`Session::on_noted_tools`](crate::Session::on_noted_tools). If that has something to send,
    /// it goes instead of any later [`Action::Send`].
    NoteTools(Sightings),
    Send(Permit),
    /// For the log. Bounded in number for each session.
    Note(Note),
}

/// What the peers call themselves in the handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Introduction {
    pub client: Option<Implementation>,
    pub server: Option<Implementation>,
}

/// What an answer shows that was not known, or not so.
#[derive(Clone, Debug)]
pub struct Sightings {
    pub tools: Vec<ToolSighting>,
    pub(crate) waiting: Waiting,
}

/// A peer that waits for an answer.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub(crate) scope: Scope,
    pub(crate) id: Id,
    /// Of the answer.
    pub(crate) direction: Direction,
}

/// Something that happened to a message, or to what was none.
#[derive(Debug)]
pub enum Note {
    /// A line of the server that is no JSON-RPC at all, such as a banner.
    Noise {
        bytes: usize,
        /// Its beginning, as the server wrote it.
        text: String,
    },
    Malformed {
        direction: Direction,
        error: Malformed,
    },
    LostLine {
        direction: Direction,
        error: LineError,
    },
    Dropped {
        direction: Direction,
        reason: DropReason,
    },
    /// What is known of tools is not what was seen of them.
    ToolsNotNoted { reason: String },
    /// Only counted from here on.
    TooManyNotes,
}

/// Why a well-formed message was neither forwarded nor answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    UnknownResponse,
    ResponseOnOtherStream,
    ResponseOfOtherIdType,
    UnattributedError,
    CancelsNothing,
    CancelsInitialize,
    ProgressOfNothing,
    TooMuchProgress,
    NoProgress,
    UnknownNotification,
    OtherSubscription,
    OthersTask,
    /// A log that no request has asked for.
    LogForNobody,
    /// A request of a server's in a revision where servers have none.
    ServerRequest,
    Blocked,
    /// Its turn never came.
    NotJudged,
}

// === impl Note ===

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Noise { bytes, text } => {
                write!(
                    f,
                    "server wrote a line that is no message ({bytes} bytes): {text:?}"
                )
            }
            Self::Malformed { direction, error } => {
                write!(
                    f,
                    "malformed message from the {} refused: {error}",
                    sender(*direction)
                )
            }
            Self::LostLine { direction, error } => {
                write!(f, "line from the {} discarded: {error}", sender(*direction))
            }
            Self::Dropped { direction, reason } => {
                write!(
                    f,
                    "message from the {} dropped: {reason}",
                    sender(*direction)
                )
            }
            Self::ToolsNotNoted { reason } => write!(f, "tools are not noted: {reason}"),
            Self::TooManyNotes => f.write_str("further notes of this session are only counted"),
        }
    }
}

fn sender(direction: Direction) -> &'static str {
    match direction {
        Direction::ToServer => "client",
        Direction::ToClient => "server",
    }
}

// === impl DropReason ===

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownResponse => "response to no open request",
            Self::ResponseOnOtherStream => "response on the stream of another request",
            Self::ResponseOfOtherIdType => "response whose id has another type than the request's",
            Self::UnattributedError => "error without an id while not exactly one request is open",
            Self::CancelsNothing => "cancellation of no open request",
            Self::CancelsInitialize => "`initialize` cannot be cancelled",
            Self::ProgressOfNothing => "progress of no open request",
            Self::TooMuchProgress => "progress told too often",
            Self::NoProgress => "progress that does not increase",
            Self::UnknownNotification => "notification of an unknown kind",
            Self::OtherSubscription => "message of a subscription that its stream is not of",
            Self::OthersTask => "about a task of somebody else's",
            Self::LogForNobody => "log that no request has asked for",
            Self::ServerRequest => "request, which servers do not have in this revision",
            Self::Blocked => "blocked by a guardrail",
            Self::NotJudged => "not judged in time",
        })
    }
}
