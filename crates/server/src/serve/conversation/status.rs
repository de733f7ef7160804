use axum::http::StatusCode;
use portcullis_mcp::error_code;
use portcullis_session::{Delivery, RefusalStyle};

use super::{Carried, Conversation};

impl Conversation {
    /// SPEC: MCP 2026-07-28, Streamable HTTP: an error says in the status too what is wrong.
    pub(super) fn status(&self, delivery: &Delivery, carried: &Carried) -> StatusCode {
        // Invariant Gateway answers a blocked message like a wrong one.
        if self.terms.own_refusal == Some(RefusalStyle::Invariant) && delivery.is_refusal {
            return StatusCode::BAD_REQUEST;
        }
        if !self.upstream.is_stateless() {
            return match carried.status {
                _ if delivery.own_error == Some(error_code::INVALID_REQUEST) => {
                    StatusCode::BAD_REQUEST
                }
                Some(status) if !delivery.is_refusal && status == StatusCode::BAD_REQUEST => status,
                _ => StatusCode::OK,
            };
        }
        match delivery.own_error {
            Some(error_code::METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
            Some(
                error_code::UNSUPPORTED_PROTOCOL_VERSION
                | error_code::HEADER_MISMATCH
                | error_code::MISSING_REQUIRED_CLIENT_CAPABILITY,
            ) => StatusCode::BAD_REQUEST,
            Some(_) => StatusCode::OK,
            None if delivery.is_refusal => StatusCode::OK,
            None => carried.status.unwrap_or(StatusCode::OK),
        }
    }
}
