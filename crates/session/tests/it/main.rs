//! Scripted conversations: messages in, actions out.
#![cfg(test)]

mod belonging;
mod blobs;
mod bytes;
mod conversation;
mod correlation;
mod inquiries;
mod listing;
mod lists;
mod malformed;
mod passage;
mod records;
mod refusal;
mod resumption;
mod routes;
mod seen;
mod tools;
