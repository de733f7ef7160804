//! Requests that were refused, for the log and for whoever counts them, and what is left of them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::EXPECT;
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri};
use axum::response::Response;
use axum::{BoxError, Router};
use portcullis_transport::http::lent::{Lender, lend};
use tower_service::Service;
use tracing::info;

use super::answer::Reason;
use super::gateway::Gateway;

/// All routes of the gateway, with a note of what they refuse.
#[derive(Clone, Debug)]
pub(super) struct NotedRoutes {
    routes: Router,
    gateway: Arc<Gateway>,
}

/// A request, for whoever refuses it.
struct Asked<B> {
    gateway: Arc<Gateway>,
    method: Method,
    uri: Uri,
    /// What is left of its body.
    rest: Option<Lender<B>>,
    waits_for_continue: bool,
}

// === impl NotedRoutes ===

impl NotedRoutes {
    pub(super) fn new(routes: Router, gateway: Arc<Gateway>) -> Self {
        Self { routes, gateway }
    }
}

impl<B> Service<Request<B>> for NotedRoutes
where
    B: HttpBody<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    /// A router always is.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let waits_for_continue = waits_for_continue(request.headers());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let (request, rest) = lend_body(request);
        let asked = Asked {
            gateway: Arc::clone(&self.gateway),
            method,
            uri,
            rest,
            waits_for_continue,
        };
        let response = self.routes.call(request);
        Box::pin(async move {
            let response = response.await?;
            let status = response.status();
            if status.is_client_error() || status.is_server_error() {
                let reason = response.extensions().get::<Reason>().cloned();
                Box::pin(asked.note_refusal(status, reason)).await;
            }
            Ok(response)
        })
    }
}

// === impl Asked ===

impl<B: HttpBody<Data = Bytes> + Unpin> Asked<B> {
    /// One line for each. The query of the URL is left out: it may have the id of a session.
    async fn note_refusal(self, status: StatusCode, reason: Option<Reason>) {
        // One that was too slow would be so again.
        let rest = self.rest.filter(|_| status != StatusCode::REQUEST_TIMEOUT);
        if let Some(rest) = rest {
            rest.discard(self.waits_for_continue).await;
        }
        self.gateway.metrics.refuse(status);
        let reason = reason.as_ref().map(|Reason(text)| text.as_str());
        let (method, path, status) = (self.method.as_str(), self.uri.path(), status.as_u16());
        info!(status, method, path, reason, "request refused");
    }
}

fn lend_body<B>(request: Request<B>) -> (Request<Body>, Option<Lender<B>>)
where
    B: HttpBody<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return (Request::from_parts(parts, Body::empty()), None);
    }
    let (lent, lender) = lend(body);
    let request = Request::from_parts(parts, Body::new(lent));
    (request, Some(lender))
}

/// SPEC: RFC 9110, section 10.1.1: whether the client sends its body only once it is asked for it.
fn waits_for_continue(headers: &HeaderMap) -> bool {
    let expected = headers.get(EXPECT);
    expected.is_some_and(|expected| expected.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}
