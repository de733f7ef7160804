//! Errors in the shape of the reference.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portcullis_json::Value;
use portcullis_transport::http::body::BodyError;

use crate::serve::{Reason, body_status, json};

/// A request that is refused: `{"detail": …}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

// === impl Detail ===

impl Detail {
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
        }
    }

    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    pub(crate) fn busy(text: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
    }
}

impl IntoResponse for Detail {
    fn into_response(self) -> Response {
        let body = Value::from([("detail", self.text.as_str().into())]);
        let mut response = json(self.status, body.to_string().into());
        response.extensions_mut().insert(Reason(self.text));
        response
    }
}

impl From<BodyError> for Detail {
    fn from(error: BodyError) -> Self {
        Self::new(body_status(error), error.to_string())
    }
}
