use portcullis_trace::record::{EventRecord, SessionEnd, SessionRecord};

use crate::{Resumption, Upload};

/// One thing to write down.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A new session, or what became known of one since. When it started, its project, its index
    /// there and its origin do not change.
    Session(SessionRecord),
    /// A message of a session that was written before. Messages may arrive out of order, but no
    /// place in a session is written twice.
    Event(EventRecord),
    End(SessionEnd),
    /// The trace of a session that was written before is to go to an Explorer.
    Upload(Upload),
    /// How a session that was written before goes on if the gateway is killed.
    Resumption(Resumption),
}

// === impl Entry ===

impl Entry {
    /// Roughly how much memory the entry holds while it waits.
    pub(crate) fn size(&self) -> usize {
        const FIXED_PARTS: usize = 1024;
        let texts = match self {
            Entry::Session(_) | Entry::End(_) | Entry::Upload(_) | Entry::Resumption(_) => 0,
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

impl From<Upload> for Entry {
    fn from(upload: Upload) -> Self {
        Entry::Upload(upload)
    }
}

impl From<Resumption> for Entry {
    fn from(resumption: Resumption) -> Self {
        Entry::Resumption(resumption)
    }
}

impl From<SessionEnd> for Entry {
    fn from(end: SessionEnd) -> Self {
        Entry::End(end)
    }
}
