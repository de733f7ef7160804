//! Refusals as problem details (RFC 9457).

use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::shape::{Answer, shapes};
use crate::api::answer::Detail;
use crate::serve::{Reason, json};

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A request that is refused.
#[derive(Clone, Debug)]
pub(super) struct Problem(Detail);

shapes! {
    /// Why a request is refused (RFC 9457).
    answer ProblemDetails {
        /// Always `about:blank`: the status says what kind of problem it is.
        kind as "type": String,
        /// What the status is called.
        title: String,
        status: u64,
        /// What is wrong, and how to mend it.
        detail: String,
    }
}

// === impl Problem ===

impl<E: Into<Detail>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Detail { status, text } = self.0;
        let details = ProblemDetails {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16().into(),
            detail: text.clone(),
        };
        let mut response = json(status, details.value().to_string().into());
        response.extensions_mut().insert(Reason(text));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
