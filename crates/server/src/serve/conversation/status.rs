use axum::http::StatusCode;
use portcullis_mcp::error_code;
use portcullis_session::{Delivery, ErrorCode, RefusalStyle};

use super::{Carried, Conversation};

impl Conversation {
    /// SPEC: MCP 2026-07-28, Streamable HTTP: an error says in the status too what is wrong.
    pub(super) fn status(&self, delivery: &Delivery, carried: &Carried) -> StatusCode {
        // Invariant Gateway answers a blocked message like a wrong one.
        if self.terms.own_refusal == Some(RefusalStyle::Invariant) && delivery.is_refusal {
            return StatusCode::BAD_REQUEST;
        }
        let Some(error) = delivery.error else {
            return StatusCode::OK;
        };
        let (ErrorCode::Own(code) | ErrorCode::Peers(code)) = error;
        match (self.upstream.is_stateless(), code) {
            (true, error_code::METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
            (
                true,
                error_code::UNSUPPORTED_PROTOCOL_VERSION
                | error_code::HEADER_MISMATCH
                | error_code::MISSING_REQUIRED_CLIENT_CAPABILITY,
            ) => StatusCode::BAD_REQUEST,
            (false, error_code::INVALID_REQUEST) if error == ErrorCode::Own(code) => {
                StatusCode::BAD_REQUEST
            }
            // No other status of the server's: it would be taken for the gateway's own.
            _ if error == ErrorCode::Peers(code) => match carried.status {
                Some(StatusCode::BAD_REQUEST) => StatusCode::BAD_REQUEST,
                _ => StatusCode::OK,
            },
            _ => StatusCode::OK,
        }
    }
}
