use portcullis_json::Object;
use portcullis_trace::record::Timestamp;

use crate::ProjectId;

/// A named collection of traces with the guardrails that hold for them; the reference calls it a
/// dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    pub id: ProjectId,
    /// No two projects have the same, and it does not change.
    pub name: String,
    pub is_public: bool,
    pub metadata: Object,
    pub created_at: Timestamp,
}

/// A project with what the store counted about it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectSummary {
    pub project: Project,
    pub traces: u64,
    /// When its latest trace started.
    pub latest_trace_at: Option<Timestamp>,
}

/// What to change about a project; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectChange {
    pub is_public: Option<bool>,
    pub metadata: Option<Object>,
}

/// Which projects to list; the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFilter {
    /// Part of the name, in any case of ASCII letters.
    pub name_contains: Option<String>,
    pub is_public: Option<bool>,
    /// At most [`ProjectFilter::LIMIT_MAX`] are listed, whatever this says.
    pub limit: u32,
    pub offset: u32,
}

// === impl ProjectFilter ===

impl ProjectFilter {
    /// LIMIT: projects in one page.
    pub const LIMIT_MAX: u32 = 1000;

    /// The newest `limit` projects.
    pub fn newest(limit: u32) -> Self {
        Self {
            name_contains: None,
            is_public: None,
            limit,
            offset: 0,
        }
    }
}
