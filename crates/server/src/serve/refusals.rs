//! Requests that were refused, for the log and for whoever counts them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
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
    let response = next.run(request).await;
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        gateway.metrics.refuse(status);
        let reason = response.extensions().get::<Reason>();
        let reason = reason.map(|Reason(text)| text.as_str());
        let (method, path, status) = (method.as_str(), uri.path(), status.as_u16());
        info!(status, method, path, reason, "request refused");
    }
    response
}
