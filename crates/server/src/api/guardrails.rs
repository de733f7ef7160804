//! The contract of the guardrails service: policies over a trace that the request brings along.
//!
//! Evaluation happens in this process, and nothing of a request is kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use portcullis_engine::{Failure, FailureKind, Finding};
use portcullis_json::Value;

use super::Api;
use super::answer::{Answered, Detail, object, ok};
use super::body;
use super::evaluation::{Judged, NotEvaluated, errors, load};
use super::identity::for_programs;
use crate::detectors::ConfiguredDetectors;
use crate::policy::POLICY_BYTES_MAX;

/// LIMIT: policies of one request.
const POLICIES_MAX: usize = 200;
/// LIMIT: how long one request may go on to the next of its policies.
const BATCH_WAIT_MAX: Duration = Duration::from_secs(30);

pub(super) fn routes(api: &Arc<Api>) -> Router<Arc<Api>> {
    Router::new()
        .route("/api/v1/policy/check", post(check))
        .route("/api/v1/policy/check/batch", post(check_batch))
        .route("/api/v1/policy/load", post(load_policy))
        .route_layer(from_fn_with_state(Arc::clone(api), for_programs))
}

async fn check(State(api): State<Arc<Api>>, request: Body) -> Answered {
    let body = body::object(request).await?;
    let policy = source(body::text(&body, "policy")?)?;
    let messages = body::list(&body, "messages")?.to_vec();
    let parameters = body::members(&body, "parameters")?;
    let check = move |detectors: &ConfiguredDetectors| {
        Judged::read(&messages)?.check(load(&policy)?, parameters, detectors)
    };
    let findings = api.evaluations.run(check).await??;
    Ok(ok(&object([("errors", errors(&findings).into())])))
}

async fn check_batch(State(api): State<Arc<Api>>, request: Body) -> Answered {
    let body = body::object(request).await?;
    let policies = sources(body::list(&body, "policies")?)?;
    let messages = body::list(&body, "messages")?.to_vec();
    let parameters = body::members(&body, "parameters")?;
    let check = move |detectors: &ConfiguredDetectors| {
        let judged = Judged::read(&messages);
        let begun = Instant::now();
        let results = policies.iter().map(|policy| {
            if begun.elapsed() > BATCH_WAIT_MAX {
                return result(policy, Err(late()));
            }
            let checked = judged
                .clone()
                .and_then(|judged| judged.check(load(policy)?, parameters.clone(), detectors));
            result(policy, checked)
        });
        results.collect::<Vec<Value>>()
    };
    let results = api.evaluations.run(check).await?;
    Ok(ok(&object([("result", results.into())])))
}

async fn load_policy(State(api): State<Arc<Api>>, request: Body) -> Answered {
    let body = body::object(request).await?;
    let policy = source(body::text(&body, "policy")?)?;
    api.evaluations.run(move |_| load(&policy)).await??;
    Ok(ok(&object([("success", true.into())])))
}

/// The policies before took all the time there is.
fn late() -> NotEvaluated {
    NotEvaluated::Failed(Failure {
        rule: None,
        kind: FailureKind::Limit,
        message: "the request took too long before its turn".to_owned(),
        span: None,
    })
}

fn result(policy: &str, checked: Result<Vec<Finding>, NotEvaluated>) -> Value {
    let (success, message, errors) = match checked {
        Ok(findings) => (true, String::new(), errors(&findings)),
        Err(error) => (false, error.text(), Vec::new()),
    };
    object([
        ("policy", policy.into()),
        ("success", success.into()),
        ("error_message", message.into()),
        ("errors", errors.into()),
    ])
}

fn sources(policies: &[Value]) -> Result<Vec<String>, Detail> {
    if policies.len() > POLICIES_MAX {
        let text = format!("more than {POLICIES_MAX} policies, send them in several requests");
        return Err(Detail::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let text = |policy: &Value| {
        let text = policy.as_str().ok_or_else(|| {
            Detail::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "`policies` must be a list of texts",
            )
        })?;
        source(text)
    };
    policies.iter().map(text).collect()
}

fn source(policy: &str) -> Result<String, Detail> {
    if policy.len() as u64 > POLICY_BYTES_MAX {
        let text = format!("the policy is longer than {POLICY_BYTES_MAX} bytes");
        return Err(Detail::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    Ok(policy.to_owned())
}
