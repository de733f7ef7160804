//! Requests that were refused, for the log and for whoever counts them, and what is left of them.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::EXPECT;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use portcullis_transport::http::lent::{Lender, lend};
use tracing::info;

use super::answer::Reason;
use super::gateway::Gateway;

/// One line for each. The query of the URL is left out: it may have the id of a session.
pub(crate) async fn note(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
    next: Next,
) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let waits = waits_for_continue(request.headers());
    let (request, lender) = lend_body(request);
    let response = next.run(request).await;
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        // One that was too slow would be so again.
        if let Some(lender) = lender.filter(|_| status != StatusCode::REQUEST_TIMEOUT) {
            Box::pin(lender.discard(waits)).await;
        }
        gateway.metrics.refuse(status);
        let reason = response.extensions().get::<Reason>();
        let reason = reason.map(|Reason(text)| text.as_str());
        let (method, path, status) = (method.as_str(), uri.path(), status.as_u16());
        info!(status, method, path, reason, "request refused");
    }
    response
}

fn lend_body(request: Request) -> (Request, Option<Lender<Body>>) {
    if request.body().is_end_stream() {
        return (request, None);
    }
    let (parts, body) = request.into_parts();
    let (lent, lender) = lend(body);
    let request = Request::from_parts(parts, Body::new(lent));
    (request, Some(lender))
}

/// SPEC: RFC 9110, section 10.1.1: whether the client sends its body only once it is asked for it.
fn waits_for_continue(headers: &HeaderMap) -> bool {
    let expected = headers.get(EXPECT);
    expected.is_some_and(|expected| expected.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}
