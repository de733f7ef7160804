//! How a session on standard input and output ends.

use portcullis_trace::record::Direction;

use crate::metrics::EndReason;

/// Who ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Client,
    Server,
    Signal(i32),
}

// === impl End ===

impl End {
    pub(crate) fn of_sender(direction: Direction) -> Self {
        match direction {
            Direction::ToServer => Self::Client,
            Direction::ToClient => Self::Server,
        }
    }

    pub(crate) fn of_receiver(direction: Direction) -> Self {
        match direction {
            Direction::ToServer => Self::Server,
            Direction::ToClient => Self::Client,
        }
    }

    /// As it is counted.
    pub(crate) fn reason(self) -> EndReason {
        match self {
            Self::Client => EndReason::Client,
            Self::Server => EndReason::Server,
            Self::Signal(_) => EndReason::Gateway,
        }
    }
}
