//! The parts of Python that a policy can observe: its regular expressions, numbers, text methods
//! and text formatting.
//!
//! Everything here is a pure function of its arguments, works in bounded time and memory, and
//! agrees with `CPython` 3.11. The tests ask a real interpreter wherever one is installed.

pub(crate) mod format;
pub(crate) mod number;
#[cfg(test)]
mod oracle;
pub(crate) mod re;
pub(crate) mod text;
