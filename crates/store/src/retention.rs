use portcullis_trace::record::Timestamp;

/// What to forget; without a condition nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Sessions in which nothing happened since then are forgotten.
    pub idle_since: Option<Timestamp>,
    /// When the texts of all sessions take more bytes than this, the longest idle are forgotten.
    pub bytes_max: Option<u64>,
    /// Sessions in which something happened since then are spared, whatever room they take: they
    /// may still be going on.
    pub active_since: Timestamp,
}

/// What one step of forgetting did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    pub sessions: u64,
    pub events: u64,
    /// There is more to forget: call again, after others had their turn.
    pub more: bool,
}
