use std::sync::Arc;

use portcullis_engine::{Limits, Policy};
use portcullis_json::Object;
use portcullis_mcp::{MESSAGE_BYTES_DEFAULT, Revision, UnknownMeta};
use portcullis_trace::record::{self, GuardrailName, SessionId};

use crate::belonging::Party;
use crate::inquiry::SharedDetectors;
use crate::tools::ToolChecks;

/// What a session begins with.
#[derive(Debug)]
pub struct SessionContext {
    pub id: SessionId,
    /// Where there is no handshake that would say it; otherwise `None`.
    pub revision: Option<Revision>,
    /// Whether requests of revision 2026-07-28 go to the server over HTTP, where headers say some
    /// of their arguments again.
    pub has_argument_headers: bool,
    /// The name under which the server is configured; policies see it as `server(event)`.
    pub server: Arc<str>,
    /// For whom it is.
    pub party: Party,
    pub guardrails: Vec<Guardrail>,
    pub tool_checks: ToolChecks,
    /// What policies read as `input.…`.
    pub parameters: Object,
    pub refusal: RefusalStyle,
    /// Methods outside the MCP specification that may pass, inspected like any other.
    pub extra_methods: Vec<String>,
    pub limits: SessionLimits,
    pub detectors: SharedDetectors,
}

/// What of a session's context is taken over from a configuration that has changed, beside its
/// guardrails.
#[derive(Debug)]
pub struct SessionSettings {
    pub tool_checks: ToolChecks,
    pub parameters: Object,
    pub refusal: RefusalStyle,
    pub unknown_meta: UnknownMeta,
    pub sampling_context: SamplingContext,
}

/// A policy in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Guardrail {
    pub name: GuardrailName,
    /// Or why it does not load, which is a failure to evaluate every message.
    pub policy: Result<Policy, Arc<str>>,
    /// What happens when a rule is satisfied.
    pub on_violation: GuardrailAction,
    /// What happens when the policy could not be evaluated to its end.
    pub on_failure: GuardrailAction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardrailAction {
    Block,
    /// Recorded only.
    Log,
}

/// How a blocked tool call is answered; everything else that is blocked gets an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalStyle {
    /// A tool result with `isError`, which clients show to the model, so that it can go on
    /// (SPEC: MCP 2025-11-25, Tools, Error Handling).
    Result,
    /// A JSON-RPC error, which some clients keep from the model.
    Error,
    /// As Invariant Gateway does: an error in its words, and a blocked listing whose tools are all
    /// there by names that cannot be called.
    Invariant,
}

/// Bounds of one session.
#[derive(Clone, Debug)]
pub struct SessionLimits {
    /// Requests without an answer, for each direction.
    pub open_requests: usize,
    /// Of one message of either peer.
    pub message_bytes: usize,
    pub unknown_meta: UnknownMeta,
    pub sampling_context: SamplingContext,
    /// Of one policy's evaluation of one message.
    pub evaluation: Limits,
    /// A message longer than this is recorded without its text.
    pub recorded_message_bytes: usize,
}

/// What becomes of a server's wish that the client adds the context of servers to what its model
/// reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SamplingContext {
    #[default]
    Pass,
    /// It is passed on as a wish for none.
    Withhold,
}

// === impl GuardrailAction ===

impl GuardrailAction {
    pub(crate) fn record(self) -> record::Action {
        match self {
            Self::Block => record::Action::Block,
            Self::Log => record::Action::Log,
        }
    }
}

// === impl SessionLimits ===

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            open_requests: 1024,
            message_bytes: MESSAGE_BYTES_DEFAULT,
            unknown_meta: UnknownMeta::default(),
            sampling_context: SamplingContext::default(),
            evaluation: Limits::default(),
            recorded_message_bytes: 4 << 20,
        }
    }
}
