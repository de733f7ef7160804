//! Moves bytes between the gateway and its peers, over stdio and HTTP, and decides nothing.
//!
//! [`stdio`] is the client's side: this process's own standard input and output. [`child`] is the
//! server's side: a process in a group of its own, with everything it starts. [`lines`] frames
//! both, and [`program`] is any other process, which is asked once. What a line means, and whether it may pass, is not known here.
//!
//! There are no queues: a line is read only when the one before it has been written, so the slower
//! peer's pipe is what holds the faster one back.

pub mod child;
pub mod http;
pub mod lines;
pub mod program;
pub mod signal;
pub mod stdio;
