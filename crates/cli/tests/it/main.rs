//! The binary as its users meet it: real processes, real pipes.
#![cfg(test)]

mod api;
mod check;
mod client;
mod config;
mod detect;
mod detectors;
mod mcp_scan;
mod processes;
mod run;
mod serve;
mod store;
#[path = "../../../model/tests/support/tiny.rs"]
mod tiny;
mod tools;
