//! What is fuzzed: one function from bytes for each way in.
//!
//! A function panics if the code behind it does, or if it says something that cannot be. The
//! fuzzer calls them without end; the test `smoke` calls them in every run of the tests.

#![expect(
    clippy::missing_panics_doc,
    reason = "a panic is how a target tells what it found"
)]

mod engine;
mod shell;
mod sse;
mod text;
mod wire;

pub use engine::{check_policy, evaluate, python_re, tool_pattern};
pub use shell::shell_code;
pub use sse::sse;
pub use text::{json, parse};
pub use wire::{lines, message};

/// A target with the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: [Target; 10] = [
    ("parse", parse),
    ("check_policy", check_policy),
    ("evaluate", evaluate),
    ("python_re", python_re),
    ("tool_pattern", tool_pattern),
    ("shell_code", shell_code),
    ("json", json),
    ("message", message),
    ("lines", lines),
    ("sse", sse),
];
