//! Answers in the shape of the reference.

use axum::http::StatusCode;
use axum::response::Response;
use portcullis_json::Value;
use portcullis_store::{FailureReason, StoreError};
use tracing::error;

pub(super) use crate::detail::Detail;
use crate::serve::json;

/// What a handler answers.
pub(super) type Answered = Result<Response, Detail>;

/// Why work with the store was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The request was wrong.
    Detail(Detail),
    Store(StoreError),
}

// === impl Detail ===

impl From<StoreError> for Detail {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::ProjectExists { .. } => {
                Self::bad_request("Dataset with the same name already exists")
            }
            StoreError::IndexTaken { .. }
            | StoreError::TooManyConditions
            | StoreError::TooManyGuardrails => Self::bad_request(error.to_string()),
            StoreError::NotPushed { .. } => Self::new(StatusCode::CONFLICT, error.to_string()),
            StoreError::NoConnection
            | StoreError::Failed {
                reason: FailureReason::Unreachable | FailureReason::Busy,
                ..
            } => Self::busy(error.to_string()),
            error => {
                error!(%error, "the store refused a request");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "An unexpected database error occurred.",
                )
            }
        }
    }
}

// === impl Failure ===

impl From<Detail> for Failure {
    fn from(detail: Detail) -> Self {
        Self::Detail(detail)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(super) fn ok(body: &Value) -> Response {
    json(StatusCode::OK, body.to_string().into())
}

pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::from(members)
}

/// A number that was counted.
pub(super) fn count(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}
