//! One conversation's brain: a state machine from messages and times to actions, without I/O.
//!
//! [`Session`] takes what a peer sent, correlates it, lowers it into events ([`lower`] is the only
//! module that knows both MCP and events), lets the guardrails judge it, and answers with
//! [`Action`]s. Bytes leave it only as [`Permit`]s, which only a verdict can make.
//!
//! A message that depends on a detector which cannot answer at once comes back as an [`Inquiry`],
//! and changes nothing until it is answered.
//!
//! There is no runtime here, no clock and no file: the caller brings the time and carries out the
//! actions in their order.

mod action;
mod belonging;
mod context;
mod detectors;
mod digest;
mod exchange;
mod inquiry;
mod lower;
mod passage;
mod recent;
mod refusal;
mod route;
mod session;
mod task_calls;
mod tools;
mod verdict;

pub use action::{Action, DropReason, Introduction, Note, Sightings, Waiting};
pub use belonging::{Belongings, Party};
pub use context::{
    Guardrail, GuardrailAction, RefusalStyle, SamplingContext, SessionContext, SessionLimits,
    SessionSettings,
};
pub use detectors::{INJECTION_THRESHOLD, LocalDetectors, threshold};
pub use digest::digest;
pub use inquiry::{Inquiry, Outcome, Rehearsal, SharedDetectors};
pub use lower::own_chunks;
pub use recent::Recent;
pub use route::{Delivery, DeliveryKind, ErrorCode, Scope, Source, Stream};
pub use session::{PastMessage, Session};
pub use tools::{
    ArgumentHeaders, KnownTools, ToolCheck, ToolChecks, UnknownToolCheck, tool_changes,
};
pub use verdict::Permit;
