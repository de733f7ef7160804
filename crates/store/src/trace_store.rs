use portcullis_trace::record::{
    EventRecord, Sequence, SessionEnd, SessionId, SessionRecord, SessionSummary,
};

use crate::StoreError;

/// A place that keeps traces.
///
/// A back end may be shared: other processes write to it between any two calls.
pub trait TraceStore {
    /// Writes all entries, or none of them if one is refused. When it returns they are as safe as
    /// the store was opened to make them.
    fn write(&mut self, entries: &[Entry]) -> Result<(), StoreError>;

    /// The sessions that pass `filter`, newest first.
    fn sessions(&self, filter: &SessionFilter) -> Result<Vec<SessionSummary>, StoreError>;

    /// The one session whose id is `prefix` or begins with it.
    fn session(&self, prefix: &str) -> Result<SessionSummary, StoreError>;

    /// Messages of a session in their order. A page may be shorter than asked for, because it is
    /// bounded in bytes too; only an empty page is the end.
    fn events(&self, session: &SessionId, page: EventPage) -> Result<Vec<EventRecord>, StoreError>;
}

/// One thing to write down.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A new session, or what became known of one since; when it started does not change.
    Session(SessionRecord),
    /// A message of a session that was written before. Messages may arrive out of order, but no
    /// place in a session is written twice.
    Event(EventRecord),
    End(SessionEnd),
}

/// Which sessions to list; the absent conditions hold for every session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFilter {
    pub project: Option<String>,
    pub name: Option<String>,
    pub server: Option<String>,
    pub with_violations_only: bool,
    /// At most [`SessionFilter::LIMIT_MAX`] are listed, whatever this says.
    pub limit: u32,
    pub offset: u32,
}

/// Which messages of a session to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// The last message of the page before; `None` for the first page.
    pub after: Option<Sequence>,
    /// At most [`EventPage::LIMIT_MAX`] are read, whatever this says.
    pub limit: u32,
}

// === impl Entry ===

impl Entry {
    /// Roughly how much memory the entry holds while it waits.
    pub(crate) fn size(&self) -> usize {
        const FIXED_PARTS: usize = 1024;
        let texts = match self {
            Entry::Session(_) | Entry::End(_) => 0,
            Entry::Event(event) => {
                event.events.len() + event.message.as_ref().map_or(0, |message| message.len())
            }
        };
        FIXED_PARTS + texts
    }
}

impl From<SessionRecord> for Entry {
    fn from(session: SessionRecord) -> Self {
        Entry::Session(session)
    }
}

impl From<EventRecord> for Entry {
    fn from(event: EventRecord) -> Self {
        Entry::Event(event)
    }
}

impl From<SessionEnd> for Entry {
    fn from(end: SessionEnd) -> Self {
        Entry::End(end)
    }
}

// === impl SessionFilter ===

impl SessionFilter {
    pub const LIMIT_MAX: u32 = 1000;

    /// The newest `limit` sessions.
    pub fn newest(limit: u32) -> Self {
        Self {
            project: None,
            name: None,
            server: None,
            with_violations_only: false,
            limit,
            offset: 0,
        }
    }
}

// === impl EventPage ===

impl EventPage {
    pub const LIMIT_MAX: u32 = 1000;

    pub fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    /// The page that follows one that ended with `last`.
    #[must_use]
    pub fn after(self, last: Sequence) -> Self {
        Self {
            after: Some(last),
            ..self
        }
    }
}
