//! The binary as its users meet it: real processes, real pipes.
#![cfg(test)]

mod check;
mod client;
mod config;
mod processes;
mod run;
mod serve;
mod store;
