//! The parts of `params` and `result` that the gateway itself reads, borrowed from the message.
//!
//! A view asks only for what it offers; members it does not know are no concern of it.
mod handshake;
mod tools;

pub use handshake::InitializeResult;
pub use tools::{Tool, ToolCall, ToolList};

use std::sync::Arc;

use portcullis_json::{Number, Object, Value};

use crate::{Id, meta_name};

#[cfg(test)]
mod tests;

/// Tokens and ids inside messages; those of the envelope have a configurable bound.
pub(crate) const ID_BYTES: usize = 256;

/// A member is missing or of the wrong type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{member}` must be {expected}")]
pub struct ViewError {
    pub member: &'static str,
    pub expected: &'static str,
}

/// The token by which the sender of a request wants to hear of its progress.
pub fn progress_token(params: &Value) -> Result<Option<Id>, ViewError> {
    let token = params
        .get("_meta")
        .and_then(|meta| meta.get("progressToken"));
    token.map(|value| id("progressToken", value)).transpose()
}

/// Of which token a `notifications/progress` tells.
pub fn progressed_token(params: &Value) -> Result<Id, ViewError> {
    id(
        "progressToken",
        params.get("progressToken").unwrap_or(&Value::Null),
    )
}

/// How far a `notifications/progress` says that its request has come.
pub fn progress(params: &Value) -> Result<&Number, ViewError> {
    match params.get("progress") {
        Some(Value::Number(number)) => Ok(number),
        _ => Err(ViewError {
            member: "progress",
            expected: "a number",
        }),
    }
}

/// Which request a `notifications/cancelled` means.
///
/// SPEC: 2025-11-25 made `requestId` optional there, for tasks, which have a request of their own.
pub fn cancelled_request(params: &Value) -> Result<Option<Id>, ViewError> {
    params
        .get("requestId")
        .map(|value| id("requestId", value))
        .transpose()
}

/// How severe a log of this level is, from 0.
pub fn severity(level: &str) -> Option<usize> {
    // SPEC: Logging, LoggingLevel; those of RFC 5424.
    const LEVELS: [&str; 8] = [
        "debug",
        "info",
        "notice",
        "warning",
        "error",
        "critical",
        "alert",
        "emergency",
    ];
    LEVELS.iter().position(|known| *known == level)
}

/// The subscription that parameters or a result belong to.
///
/// SPEC: 2026-07-28, Subscriptions: the id of the request that it began with.
pub fn subscription_id(body: &Value) -> Option<&Value> {
    body.get("_meta")?.get(meta_name::SUBSCRIPTION_ID)
}

/// The revision that a message names for itself.
///
/// SPEC: 2026-07-28, `_meta`: every request does.
pub fn named_revision(params: &Value) -> Option<&Value> {
    params.get("_meta")?.get(meta_name::PROTOCOL_VERSION)
}

/// What the client says it is: in `initialize`, or (2026-07-28) in the `_meta` of any request.
pub fn client_info(params: &Value) -> Option<&Value> {
    let in_meta = || params.get("_meta")?.get(meta_name::CLIENT_INFO);
    params.get("clientInfo").or_else(in_meta)
}

fn id(member: &'static str, value: &Value) -> Result<Id, ViewError> {
    Id::from_value(value, ID_BYTES).map_err(|_| ViewError {
        member,
        expected: "a short string or an integer",
    })
}

fn required_text<'v>(value: &'v Value, member: &'static str) -> Result<&'v Arc<str>, ViewError> {
    optional_text(value, member)?.ok_or(ViewError {
        member,
        expected: "a string",
    })
}

fn optional_text<'v>(
    value: &'v Value,
    member: &'static str,
) -> Result<Option<&'v Arc<str>>, ViewError> {
    let text = |value: &'v Value| value.as_shared_str();
    optional(value, member, "a string", text)
}

fn optional_object<'v>(
    value: &'v Value,
    member: &'static str,
) -> Result<Option<&'v Object>, ViewError> {
    optional(value, member, "an object", Value::as_object)
}

fn optional_array<'v>(
    value: &'v Value,
    member: &'static str,
) -> Result<Option<&'v [Value]>, ViewError> {
    optional(value, member, "an array", Value::as_array)
}

fn optional<'v, T>(
    value: &'v Value,
    member: &'static str,
    expected: &'static str,
    read: impl Fn(&'v Value) -> Option<T>,
) -> Result<Option<T>, ViewError> {
    let error = ViewError { member, expected };
    value
        .get(member)
        .map(|found| read(found).ok_or(error))
        .transpose()
}
