use portcullis_json::Value;
use portcullis_trace::record::{Direction, EventRecord, Sequence, SessionId, Timestamp, Verdict};

use crate::Annotation;

/// Messages that somebody adds to a trace after the fact, and what they remark about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    pub messages: Vec<PushedMessage>,
    pub annotations: Vec<Annotation>,
    pub pushed_at: Timestamp,
}

/// One message of a trace that was not seen on the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct PushedMessage {
    /// When it was sent: its own time, or that of the push if it has none.
    pub at: Timestamp,
    pub message: Value,
}

// === impl PushedMessage ===

impl PushedMessage {
    /// The event that keeps this message at place `sequence` of `session`.
    pub fn event(&self, session: SessionId, sequence: Sequence) -> EventRecord {
        let role = self.message.get("role").and_then(Value::as_str);
        EventRecord {
            session,
            sequence,
            recorded_at: self.at,
            direction: match role {
                Some("tool") => Direction::ToClient,
                _ => Direction::ToServer,
            },
            method: None,
            message: None,
            events: format!("[{}]", self.message),
            verdict: Verdict::Allow,
            violations: Vec::new(),
            failure: None,
        }
    }
}
