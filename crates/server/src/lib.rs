//! The wiring: configuration, policies, recording and the relay between two peers.
//!
//! [`run`] guards one stdio server, [`serve`] any number of servers over HTTP, [`check`] evaluates a
//! policy over a trace file. [`config`] is the only module of the whole program that reads the
//! environment, and [`policy`] the only one that reads policy files. [`explorer`] shows sessions as
//! Invariant Explorer shows traces, and sends them to one. What a message means is decided in the
//! session crate; what travels is moved by the transport crate. [`detectors`] asks whom policies
//! need that the process cannot answer at once.

mod api;
pub mod check;
mod clock;
pub mod config;
mod detail;
pub mod detectors;
mod end;
pub mod explorer;
mod feed;
mod guardrails;
pub mod kept_guardrail;
mod log;
mod login;
mod metadata;
mod metrics;
pub mod policy;
pub mod random;
mod recording;
mod relay;
pub mod run;
pub mod serve;
pub mod text_file;
mod tools;
mod turns;
