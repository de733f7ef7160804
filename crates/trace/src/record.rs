//! What is kept of a session after its traffic has passed.
//!
//! These are plain values: who writes them down, and where, is the store's business, and what they
//! looked like on the wire is nobody's here except for the texts that are kept as they came.
//! Ids and times are inputs; nothing in this module makes one.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::Arc;

use bytestring::ByteString;
use portcullis_json::{Object, Value};

use crate::uuid_text;

/// Names a session: a UUID of version 7 in lower-case text, so that ids sort by time of creation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Arc<str>);

/// The text is not a session id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionIdError(());

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// The place of a message in its session: the session counts every message it judged, in both
/// directions, from 1 and without a gap.
///
/// A gap among *recorded* messages is therefore the exact place of a lost recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(NonZeroU64);

/// One client's conversation with one server.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRecord {
    pub id: SessionId,
    /// The project (the reference's dataset) that the trace is filed under.
    pub project: Option<String>,
    /// A name people gave this trace.
    pub name: Option<String>,
    /// The name under which the server is configured.
    pub server: String,
    /// Absent until the client introduced itself.
    pub client: Option<Implementation>,
    pub started_at: Timestamp,
    pub metadata: Object,
    pub origin: Origin,
    /// Its place among the traces of its project, from 0; `None` lets the store give the next one.
    pub index: Option<u64>,
    /// Where the trace stands among nested groups of traces, the outermost first.
    pub hierarchy_path: Vec<String>,
}

/// How a trace came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Its messages passed through the gateway.
    Live,
    /// Somebody handed it over as a whole, message by message or from a file.
    Pushed,
}

/// What a peer calls itself (MCP 2025-11-25, Lifecycle, `Implementation`); not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Implementation {
    pub name: String,
    pub version: Option<String>,
}

/// The end of a session, with the count that tells how many recordings were lost at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    pub session: SessionId,
    pub ended_at: Timestamp,
    /// The last message the session judged; `None` if there was none.
    pub last_sequence: Option<Sequence>,
}

/// One message of a session and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRecord {
    pub session: SessionId,
    pub sequence: Sequence,
    pub recorded_at: Timestamp,
    pub direction: Direction,
    /// For a response, the method of the request that it answers; `None` if that is unknown.
    pub method: Option<String>,
    /// The message as received, byte for byte; `None` if it was too large to keep.
    pub message: Option<ByteString>,
    /// What policies saw of the message: a JSON list of trace messages, empty if nothing.
    pub events: String,
    pub verdict: Verdict,
    pub violations: Vec<ViolationRecord>,
    /// Why the message could not be judged, if it could not.
    pub failure: Option<String>,
}

/// The side a message travels to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    ToServer,
    ToClient,
}

/// What was done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Forwarded as it came.
    Allow,
    /// Forwarded after an edit.
    Redact,
    /// Not forwarded.
    Block,
    /// Held until a person decided; what they decided is an event of its own.
    Ask,
}

/// What a guardrail wants done when one of its rules is satisfied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Block,
    Redact,
    Ask,
    Log,
}

/// One satisfied rule, reduced to what explains it later.
#[derive(Clone, Debug, PartialEq)]
pub struct ViolationRecord {
    pub guardrail: GuardrailName,
    pub action: Action,
    /// The text after `raise`, as the person who is stopped reads it.
    pub message: String,
    /// The positional arguments of the rule's error.
    pub arguments: Vec<Value>,
    /// The named arguments of the rule's error.
    pub keywords: Object,
    /// Addresses of what satisfied the rule, such as `messages.3.content:22-26`.
    pub ranges: Vec<String>,
}

/// A guardrail as it was called when it fired; it may have been renamed or deleted since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardrailName {
    /// `None` for a policy that comes from a file.
    pub id: Option<String>,
    pub name: String,
}

/// A session with what the store counted about it.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionSummary {
    pub session: SessionRecord,
    /// `None` while the session lives, and for ever if the gateway was killed.
    pub ended_at: Option<Timestamp>,
    /// When something last happened in it.
    pub active_at: Timestamp,
    pub events: u64,
    /// Messages that the session judged and whose recording was lost, as far as the store can know.
    pub events_lost: u64,
    /// Messages that could not be judged count too: a reader must not miss that they were blocked.
    pub violations: u64,
    /// When messages were last pushed to it; `None` for a live one.
    pub last_pushed_at: Option<Timestamp>,
    /// People without a key may read it.
    pub is_shared: bool,
}

/// A name from a closed vocabulary was not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownNameError {
    vocabulary: &'static str,
    name: String,
}

// === impl SessionId ===

impl SessionId {
    /// The id of a UUID of version 7: what says another version or variant is overwritten.
    pub fn from_uuid(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x70;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(uuid_text(bytes).into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SessionId {
    type Err = SessionIdError;

    fn from_str(text: &str) -> Result<Self, SessionIdError> {
        const HYPHENS: [usize; 4] = [8, 13, 18, 23];
        let well_placed = |(place, byte): (usize, u8)| match byte {
            b'-' => HYPHENS.contains(&place),
            // RFC 9562, section 5.7: the version is 7 and the variant 0b10.
            b'0'..=b'9' | b'a'..=b'f' if place == 14 => byte == b'7',
            b'0'..=b'9' | b'a'..=b'f' if place == 19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            b'0'..=b'9' | b'a'..=b'f' => !HYPHENS.contains(&place),
            _ => false,
        };
        if text.len() == 36 && text.bytes().enumerate().all(well_placed) {
            Ok(Self(text.into()))
        } else {
            Err(SessionIdError(()))
        }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl EventRecord ===

impl EventRecord {
    /// What the message adds to [`SessionSummary::violations`].
    pub fn violation_count(&self) -> usize {
        self.violations.len() + usize::from(self.failure.is_some())
    }
}

// === impl SessionSummary ===

impl SessionSummary {
    /// Whether it may be going on, somewhere: a gateway records it, it has not ended, and something
    /// has happened since then. One whose gateway was killed looks the same.
    pub fn may_go_on(&self, since: Timestamp) -> bool {
        self.session.origin == Origin::Live && self.ended_at.is_none() && self.active_at >= since
    }
}

// === impl SessionIdError ===

impl fmt::Display for SessionIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session id is a lower-case UUID of version 7")
    }
}

impl std::error::Error for SessionIdError {}

// === impl Timestamp ===

impl Timestamp {
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

// === impl Sequence ===

impl Sequence {
    pub const FIRST: Self = Self(NonZeroU64::MIN);
    /// The last place that a store can write down.
    pub const LAST: Self = match NonZeroU64::new(i64::MAX.cast_unsigned()) {
        Some(place) => Self(place),
        None => Self::FIRST,
    };

    /// `None` for 0, which is no message's place.
    pub const fn new(place: u64) -> Option<Self> {
        match NonZeroU64::new(place) {
            Some(place) => Some(Self(place)),
            None => None,
        }
    }

    pub const fn value(self) -> u64 {
        self.0.get()
    }

    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl Direction, Origin, Verdict, Action ===

/// Gives a closed enum its stable names, used in the database, in exports and on screens.
macro_rules! stable_names {
    ($vocabulary:ident, $what:literal, $($variant:ident => $name:literal),+ $(,)?) => {
        impl $vocabulary {
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl FromStr for $vocabulary {
            type Err = UnknownNameError;

            fn from_str(name: &str) -> Result<Self, UnknownNameError> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(UnknownNameError { vocabulary: $what, name: name.to_owned() }),
                }
            }
        }

        impl fmt::Display for $vocabulary {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

stable_names!(Direction, "direction", ToServer => "to-server", ToClient => "to-client");
stable_names!(Origin, "origin", Live => "live", Pushed => "pushed");
stable_names!(
    Verdict, "verdict",
    Allow => "allow", Redact => "redact", Block => "block", Ask => "ask",
);
stable_names!(
    Action, "action",
    Block => "block", Redact => "redact", Ask => "ask", Log => "log",
);

// === impl UnknownNameError ===

impl fmt::Display for UnknownNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a {}", self.name, self.vocabulary)
    }
}

impl std::error::Error for UnknownNameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_id_is_a_lower_case_uuid_of_version_7() {
        let check = |text: &str, accepted: bool| {
            assert_eq!(text.parse::<SessionId>().is_ok(), accepted, "{text:?}");
        };
        check("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", true);
        check("0199a1b2-c3d4-7e5f-ba6b-7c8d9e0f1a2b", true);
        check("0199a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2b", false);
        check("0199a1b2-c3d4-7e5f-ca6b-7c8d9e0f1a2b", false);
        check("0199A1B2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", false);
        check("0199a1b2cc3d4-7e5f-8a6b-7c8d9e0f1a2b", false);
        check("0199a1b-2c3d4-7e5f-8a6b-7c8d9e0f1a2b", false);
        check("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2", false);
        check("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b0", false);
        check("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1aé", false);
        check("", false);
    }

    #[test]
    fn session_id_of_any_bytes_is_one() {
        for byte in [0, 0xff] {
            let id = SessionId::from_uuid([byte; 16]);
            assert_eq!(id.as_str().parse(), Ok(id.clone()));
        }
    }

    #[test]
    fn names_read_back_and_unknown_names_are_refused() {
        for verdict in [
            Verdict::Allow,
            Verdict::Redact,
            Verdict::Block,
            Verdict::Ask,
        ] {
            assert_eq!(verdict.name().parse(), Ok(verdict));
        }
        for action in [Action::Block, Action::Redact, Action::Ask, Action::Log] {
            assert_eq!(action.name().parse(), Ok(action));
        }
        for direction in [Direction::ToServer, Direction::ToClient] {
            assert_eq!(direction.name().parse(), Ok(direction));
        }
        let error = "Allow".parse::<Verdict>().unwrap_err();
        assert_eq!(error.to_string(), "`Allow` is not a verdict");
    }

    #[test]
    fn sequence_counts_from_one() {
        assert_eq!(Sequence::new(0), None);
        assert_eq!(Sequence::new(1), Some(Sequence::FIRST));
        assert_eq!(Sequence::FIRST.next().value(), 2);
    }
}
