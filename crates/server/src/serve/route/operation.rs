//! What those who operate the gateway ask.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use portcullis_json::{Object, Value};

use crate::config::Login;
use crate::serve::admission::admit;
use crate::serve::answer::{Refused, json};
use crate::serve::health::Health;
use crate::serve::login::owner;

/// Of the text format of Prometheus.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Probes come by whatever name a machine has, without a key, and learn nothing but the state.
pub(crate) fn router(health: Health) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Arc::new(health))
}

async fn live() -> Response {
    state(StatusCode::OK, "live", Vec::new())
}

async fn ready(State(health): State<Arc<Health>>) -> Response {
    let reasons = health.not_ready().await;
    if reasons.is_empty() {
        return state(StatusCode::OK, "ready", Vec::new());
    }
    let reasons = reasons.into_iter().map(|reason| reason.as_str().into());
    state(
        StatusCode::SERVICE_UNAVAILABLE,
        "not ready",
        reasons.collect(),
    )
}

/// For those who may use the servers and may ask what is kept.
async fn metrics(
    State(health): State<Arc<Health>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let gateway = &health.gateway;
    let config = gateway.config();
    admit(&config, &uri, &headers)?;
    if config.api_login_at(gateway.address) == Login::Keys {
        owner(gateway, &headers).await?;
    }
    Ok(([(CONTENT_TYPE, METRICS)], health.metrics()).into_response())
}

fn state(status: StatusCode, state: &str, reasons: Vec<Value>) -> Response {
    let mut body = Object::new();
    body.insert("status", state);
    if !reasons.is_empty() {
        body.insert("reasons", reasons);
    }
    json(status, Value::from(body).to_string().into())
}
