//! Answers in the shape of the reference.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portcullis_json::Value;
use portcullis_store::{FailureReason, StoreError};
use portcullis_transport::http::body::BodyError;
use tracing::error;

use crate::serve::{Reason, json};

/// What a handler answers.
pub(super) type Answered = Result<Response, Detail>;

/// A request that is refused: `{"detail": …}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detail {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

/// Why work with the store was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The request was wrong.
    Detail(Detail),
    Store(StoreError),
}

// === impl Detail ===

impl Detail {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
        }
    }

    pub(super) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    pub(super) fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    pub(super) fn busy(text: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
    }
}

impl IntoResponse for Detail {
    fn into_response(self) -> Response {
        let body = object([("detail", self.text.as_str().into())]);
        let mut response = json(self.status, body.to_string().into());
        response.extensions_mut().insert(Reason(self.text));
        response
    }
}

impl From<BodyError> for Detail {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
            BodyError::Broken => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.to_string())
    }
}

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
