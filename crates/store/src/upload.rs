use portcullis_trace::record::{SessionId, Timestamp};

/// A session whose trace is to go to an Explorer elsewhere, and how far it has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    pub session: SessionId,
    /// The URL of the Explorer.
    pub destination: String,
    /// What the trace is called there; `None` while nothing of it is there.
    pub trace: Option<String>,
    /// The sequence of the last message that is there, 0 for none.
    pub pushed: u64,
}

/// Which uploads somebody takes on, alone for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim<'c> {
    pub destination: &'c str,
    /// Differs from everybody else's.
    pub claimant: &'c str,
    pub now: Timestamp,
    /// Until then nobody else takes them on.
    pub until: Timestamp,
    /// At most so many at a time.
    pub limit: u32,
}

// === impl Upload ===

impl Upload {
    /// Nothing of it is there yet.
    pub fn new(session: SessionId, destination: impl Into<String>) -> Self {
        Self {
            session,
            destination: destination.into(),
            trace: None,
            pushed: 0,
        }
    }
}
