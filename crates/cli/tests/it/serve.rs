//! `portcullis serve` between clients and servers that do odd things over real sockets.

mod gateway;
mod http;
mod upstream;

mod admission;
mod failures;
mod invariant;
mod reload;
mod revisions;
mod streams;
mod unkind;
