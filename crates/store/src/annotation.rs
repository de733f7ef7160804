use portcullis_json::{Object, Value};
use portcullis_trace::record::{SessionId, Timestamp};

use crate::AnnotationId;

/// A remark about a part of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    pub id: AnnotationId,
    pub session: SessionId,
    pub content: String,
    /// Such as `messages.3.content:22-26`. Kept as it came: older forms are in use, too.
    pub address: String,
    pub metadata: Object,
    pub created_at: Timestamp,
}

/// What to change about an annotation; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnnotationChange {
    pub content: Option<String>,
    pub address: Option<String>,
    pub metadata: Option<Object>,
}

/// How many annotations a session has from one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationCount {
    pub session: SessionId,
    /// `None` for annotations whose metadata names no source.
    pub source: Option<String>,
    pub annotations: u64,
}

/// What became of the annotations of one source when they were replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    pub deleted: u64,
    pub inserted: u64,
}

// === impl Annotation ===

impl Annotation {
    /// Who made it, as its metadata says.
    pub fn source(&self) -> Option<&str> {
        self.metadata.get("source").and_then(Value::as_str)
    }

    /// Whether a person decided about it; then nothing replaces it.
    pub(crate) fn is_reviewed(&self) -> bool {
        let status = self.metadata.get("status").and_then(Value::as_str);
        matches!(status, Some("accepted" | "rejected"))
    }
}
