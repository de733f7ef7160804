//! The policy engine: checks and compiles policies, and evaluates them while a session grows.
//!
//! It is a pure function of a policy, its parameters, the events pushed and the answers of
//! detectors: no I/O, no clock, no randomness. [`Policy::load`] is the way in for text,
//! [`Monitor`] for events.

mod check;
mod codes;
mod detector;
mod eval;
mod event;
mod facts;
mod finding;
mod kind;
mod library;
mod memory;
mod meter;
mod modules;
mod monitor;
mod patterns;
mod place;
mod policy;
mod program;
mod python;
mod record;
mod resolve;
#[cfg(test)]
mod testing;
mod text_form;
mod types;
mod value;

pub use codes::code_pages;
pub use detector::{Answer, Answers, DetectorCall, Detectors, Informed, Lookup, WrittenCall};
pub use finding::{Failure, FailureKind, Finding, Novelty, Ranges};
pub use meter::{Exceeded, Limits};
pub use monitor::{Monitor, Step};
pub use policy::{Loaded, Policy};
