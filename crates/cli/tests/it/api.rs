//! What `portcullis serve` keeps, over HTTP: the contract of Invariant Explorer and its guardrails.

mod datasets;
mod explorer;
mod guardrails;
mod keys;
mod live;
mod native;
mod policies;
mod search;
mod traces;
