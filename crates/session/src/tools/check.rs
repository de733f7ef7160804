use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::context::GuardrailAction;

/// One way in which a listing is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ToolCheck {
    /// The definition works on the model that reads it.
    Poisoned,
    /// The definition is not the one that is pinned.
    Changed,
    /// The server did not have the tool when it was first listed.
    New,
    /// The tool takes the place of another server's, or speaks of it.
    Shadowed,
    /// The name stands twice, looks like another one, or has letters that names do not have.
    Ambiguous,
    /// An argument is to stand in a header, and nobody can say in which.
    Headers,
}

/// What is done about what a check finds; a check without an action is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolChecks(BTreeMap<ToolCheck, GuardrailAction>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownToolCheck;

// === impl ToolCheck ===

impl ToolCheck {
    pub const ALL: [Self; 6] = [
        Self::Poisoned,
        Self::Changed,
        Self::New,
        Self::Shadowed,
        Self::Ambiguous,
        Self::Headers,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Poisoned => "poisoned",
            Self::Changed => "changed",
            Self::New => "new",
            Self::Shadowed => "shadowed",
            Self::Ambiguous => "ambiguous",
            Self::Headers => "headers",
        }
    }

    /// What its violations are recorded under.
    pub(crate) fn guardrail(self) -> String {
        format!("tools.{}", self.name())
    }
}

impl fmt::Display for ToolCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ToolCheck {
    type Err = UnknownToolCheck;

    fn from_str(name: &str) -> Result<Self, UnknownToolCheck> {
        let mut all = Self::ALL.into_iter();
        all.find(|check| check.name() == name)
            .ok_or(UnknownToolCheck)
    }
}

// === impl ToolChecks ===

impl ToolChecks {
    pub fn action(&self, check: ToolCheck) -> Option<GuardrailAction> {
        self.0.get(&check).copied()
    }

    /// `None` switches the check off.
    pub fn set(&mut self, check: ToolCheck, action: Option<GuardrailAction>) {
        match action {
            Some(action) => self.0.insert(check, action),
            None => self.0.remove(&check),
        };
    }

    pub(crate) fn blocks(&self, check: ToolCheck) -> bool {
        self.action(check) == Some(GuardrailAction::Block)
    }

    /// Whether definitions are compared with those that are pinned.
    pub(crate) fn compares(&self) -> bool {
        self.0.contains_key(&ToolCheck::Changed) || self.0.contains_key(&ToolCheck::New)
    }

    /// Whether anything outside of a listing has to be known.
    pub(crate) fn needs_knowledge(&self) -> bool {
        self.compares() || self.0.contains_key(&ToolCheck::Shadowed)
    }

    /// Whether a tool may wait for its approval.
    pub(crate) fn hold_back(&self) -> bool {
        self.blocks(ToolCheck::Changed) || self.blocks(ToolCheck::New)
    }
}

/// Everything is looked at and recorded. What is found in a description is no proof, and a server
/// that is brought up to date has changed its definitions: nothing is blocked for that. A tool whose
/// headers break the rules must not be shown (SPEC: MCP 2026-07-28, Streamable HTTP, Custom Headers
/// from Tool Parameters).
impl Default for ToolChecks {
    fn default() -> Self {
        let all = ToolCheck::ALL.into_iter();
        let mut checks = Self(all.map(|check| (check, GuardrailAction::Log)).collect());
        checks.set(ToolCheck::Headers, Some(GuardrailAction::Block));
        checks
    }
}
