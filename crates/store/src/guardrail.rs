use portcullis_json::Object;
use portcullis_trace::record::Timestamp;

use crate::{GuardrailId, ProjectId};

/// A guardrail that the store keeps: the source of a policy, and where it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardrailRecord {
    pub id: GuardrailId,
    /// `None`: for every session, whatever project it is filed under.
    pub project: Option<ProjectId>,
    pub name: String,
    /// The source of the policy. The store does not compile it.
    pub content: String,
    pub enabled: bool,
    /// What is done when a rule fires. Not a closed vocabulary here: the reference stores any text.
    pub action: String,
    pub scope: GuardrailScope,
    pub metadata: Object,
    /// Counts the changes, from 1. The store counts; what a caller writes here is not looked at.
    pub version: u32,
    pub updated_at: Timestamp,
}

/// Whose traffic a guardrail is for; what is absent means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardrailScope {
    pub client: Option<String>,
    pub server: Option<String>,
}

/// What to change about a guardrail; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GuardrailChange {
    pub name: Option<String>,
    pub content: Option<String>,
    pub enabled: Option<bool>,
    pub action: Option<String>,
    pub scope: Option<GuardrailScope>,
    pub metadata: Option<Object>,
}

/// A guardrail as it was from one change to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardrailVersion {
    pub record: GuardrailRecord,
    /// This is the state in which the guardrail was deleted.
    pub deleted: bool,
}

/// Which guardrails or versions of a list to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardrailPage {
    /// At most [`GuardrailPage::LIMIT_MAX`] are read, whatever this says.
    pub limit: u32,
    pub offset: u32,
}

/// A part of a list. It may be shorter than asked for, because it is bounded in bytes too.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardrailPart<T> {
    pub items: Vec<T>,
    /// There may be more behind them.
    pub more: bool,
}

// === impl GuardrailPage ===

impl GuardrailPage {
    /// LIMIT: guardrails or versions of one page.
    pub const LIMIT_MAX: u32 = 1000;

    pub fn first() -> Self {
        Self {
            limit: Self::LIMIT_MAX,
            offset: 0,
        }
    }

    /// The page behind so many more.
    #[must_use]
    pub fn after(self, read: usize) -> Self {
        let read = u32::try_from(read).unwrap_or(u32::MAX);
        Self {
            offset: self.offset.saturating_add(read),
            ..self
        }
    }
}

// === impl GuardrailChange ===

impl GuardrailChange {
    /// What the guardrail is then, as the same version.
    pub(crate) fn of(&self, found: &GuardrailRecord) -> GuardrailRecord {
        let mut wanted = found.clone();
        let change = self.clone();
        wanted.name = change.name.unwrap_or(wanted.name);
        wanted.content = change.content.unwrap_or(wanted.content);
        wanted.enabled = change.enabled.unwrap_or(wanted.enabled);
        wanted.action = change.action.unwrap_or(wanted.action);
        wanted.scope = change.scope.unwrap_or(wanted.scope);
        wanted.metadata = change.metadata.unwrap_or(wanted.metadata);
        wanted
    }
}
