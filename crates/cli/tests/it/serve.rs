//! `portcullis serve` between clients and servers that do odd things over real sockets.

pub(crate) mod gateway;
pub(crate) mod http;
pub(crate) mod upstream;

mod admission;
mod failures;
mod invariant;
mod reload;
mod revisions;
mod streams;
pub(crate) mod unkind;
