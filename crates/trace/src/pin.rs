//! What is known of the tools of servers: the definitions that were seen first or approved, and
//! those that were seen since. A server's instructions are known in the same way, under a name that
//! no tool has.

use std::sync::Arc;

use crate::record::Timestamp;

/// The name under which a server's instructions to the model are known. A tool of this name is known
/// by another one.
pub const INSTRUCTIONS: &str = "@instructions";

/// A server, told from others by its name and by what it runs, so that another server under the
/// same name does not inherit what is known of this one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToolServer {
    /// The name under which it is configured.
    pub name: Arc<str>,
    /// A digest of what is run, or of where it is.
    pub target: Arc<str>,
    /// What is run or where it is, as far as it may be shown.
    pub shown_as: Arc<str>,
}

/// What a server says of a tool, as far as a change of it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolDefinition {
    /// Two definitions with the same digest are the same.
    pub digest: Arc<str>,
    /// As JSON, its members in order. `None`: it is longer than is kept.
    pub text: Option<Arc<str>>,
}

/// What is known of one tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolPin {
    pub tool: Arc<str>,
    /// As it was seen first, or approved since. `None`: it waits for its first approval.
    pub pinned: Option<ToolDefinition>,
    /// As it was seen last, if that is something else.
    pub seen: Option<ToolDefinition>,
    /// Since when it is as it is.
    pub since: Timestamp,
}

/// A tool in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolSighting {
    pub tool: Arc<str>,
    pub definition: ToolDefinition,
    /// Whether it is pinned if nothing is known of it, or else waits for approval.
    pub is_trusted: bool,
}

/// A tool that another server is known to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignTool {
    pub server: ToolServer,
    pub tool: Arc<str>,
}

// === impl ToolPin ===

impl ToolPin {
    pub fn state(&self) -> PinState {
        match (&self.pinned, &self.seen) {
            (Some(_), None) => PinState::Pinned,
            (Some(_), Some(_)) => PinState::Changed,
            (None, _) => PinState::New,
        }
    }
}

/// How what is known of a tool stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinState {
    /// It is as it was.
    Pinned,
    /// Something else was seen since, and not approved.
    Changed,
    /// It was never approved.
    New,
}

// === impl PinState ===

impl PinState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Changed => "changed",
            Self::New => "new",
        }
    }
}
