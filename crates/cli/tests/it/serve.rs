//! `portcullis serve` between clients and servers that do odd things over real sockets, and `run`
//! before such servers.

mod gateway;
mod http;
mod upstream;

mod admission;
mod failures;
mod invariant;
mod reload;
mod remote;
mod revisions;
mod streams;
mod unkind;
