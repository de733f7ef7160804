//! Scripted conversations: messages in, actions out.
#![cfg(test)]

mod blobs;
mod bytes;
mod conversation;
mod correlation;
mod inquiries;
mod listing;
mod malformed;
mod passage;
mod records;
mod refusal;
mod resumption;
mod routes;
mod tools;
