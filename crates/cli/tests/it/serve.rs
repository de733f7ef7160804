//! `portcullis serve` between clients and servers that do odd things over real sockets, and `run`
//! before such servers.

pub(crate) mod gateway;
pub(crate) mod http;
pub(crate) mod upstream;

mod admission;
mod batches;
mod belongings;
mod detectors;
mod ends;
mod failures;
mod invariant;
mod kept;
mod lists;
mod login;
mod lost;
mod model;
mod operation;
mod reload;
mod remote;
mod remote_stateless;
mod replay;
mod resumption;
mod revisions;
mod slow;
mod stateless_stdio;
mod streams;
pub(crate) mod unkind;
