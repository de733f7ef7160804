//! A service over HTTP that is asked with JSON and answers with JSON.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use portcullis_json::{Limits, Object, Value, parse};
use portcullis_transport::http::endpoint::{Answer, Bounds, Connector, Endpoint, EndpointError};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::config::ServiceConfig;

/// LIMIT: how long an answer may be.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// LIMIT: characters of what the service says is wrong.
const DETAIL_CHARACTERS_MAX: usize = 200;
/// How long after its failure a service is asked again; each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// See the module.
#[derive(Debug)]
pub(super) struct Service {
    endpoint: Endpoint,
    /// For one attempt.
    timeout: Duration,
    retries: u32,
    /// LIMIT: requests at a time.
    turns: Semaphore,
    /// The key of the configuration that names it.
    key: String,
}

#[derive(Debug, thiserror::Error)]
enum ServiceError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("it did not answer within {} ms", .0.as_millis())]
    TooSlow(Duration),
    #[error("it answered HTTP {status}{detail}")]
    Refused { status: StatusCode, detail: String },
    #[error("its answer is no JSON")]
    NotJson,
}

// === impl Service ===

impl Service {
    /// A service below the configured URL, at `path`.
    pub(super) fn new(
        connector: &Connector,
        config: &ServiceConfig,
        path: &[&str],
        key: impl Into<String>,
    ) -> Self {
        let mut url = config.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let bounds = Bounds {
            message_bytes: ANSWER_BYTES_MAX,
            // An attempt is over before.
            wait: config.timeout.saturating_mul(2),
        };
        let headers: HeaderMap = config.headers.iter().cloned().collect();
        Self {
            endpoint: connector.endpoint(url, headers, bounds),
            timeout: config.timeout,
            retries: config.retries,
            turns: Semaphore::new(config.concurrency.get()),
            key: key.into(),
        }
    }

    /// Asks until there is an answer, or too many attempts have failed.
    pub(super) async fn ask(&self, body: Object) -> Result<Value, String> {
        let body = Bytes::from(Value::from(body).to_string());
        let mut pause = FIRST_PAUSE;
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.attempt(body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) if attempts <= self.retries && error.is_temporary() => {
                    sleep(pause).await;
                    pause = pause.saturating_mul(2);
                }
                Err(error) => return Err(self.failure(error)),
            }
        }
    }

    /// Asks all at once, as far as there are turns, and gives the answers in their order.
    pub(super) async fn ask_all(
        self: &Arc<Self>,
        bodies: impl Iterator<Item = Object>,
    ) -> Result<Vec<Value>, String> {
        let mut asked = JoinSet::new();
        for (place, body) in bodies.enumerate() {
            let service = Arc::clone(self);
            asked.spawn(async move { (place, service.ask(body).await) });
        }
        let mut answers = Vec::with_capacity(asked.len());
        while let Some(done) = asked.join_next().await {
            let (place, answer) = done.map_err(|broken| self.failure(broken))?;
            answers.push((place, answer?));
        }
        answers.sort_by_key(|(place, _)| *place);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }

    /// An error of this service's, for whoever reads what a guardrail failed of.
    pub(super) fn failure(&self, what: impl std::fmt::Display) -> String {
        format!("`{}` at {}: {what}", self.key, self.origin())
    }

    fn origin(&self) -> String {
        self.endpoint.url().origin().ascii_serialization()
    }

    async fn attempt(&self, body: Bytes) -> Result<Value, ServiceError> {
        // It is never closed.
        let _turn = self.turns.acquire().await;
        let asked = timeout(self.timeout, self.endpoint.post(HeaderMap::new(), body));
        let answer = asked
            .await
            .map_err(|_| ServiceError::TooSlow(self.timeout))??;
        match answer {
            Answer::Json(head, body) => {
                let read = parse(&String::from_utf8_lossy(&body), &Limits::lenient());
                if head.status.is_success() {
                    return read.map_err(|_| ServiceError::NotJson);
                }
                Err(ServiceError::Refused {
                    status: head.status,
                    detail: read.ok().as_ref().and_then(detail).unwrap_or_default(),
                })
            }
            Answer::Events(head, _) | Answer::Other(head) if head.status.is_success() => {
                Err(ServiceError::NotJson)
            }
            Answer::Events(head, _) | Answer::Other(head) => Err(ServiceError::Refused {
                status: head.status,
                detail: String::new(),
            }),
        }
    }
}

// === impl ServiceError ===

impl ServiceError {
    /// Whether the same request may be answered soon.
    fn is_temporary(&self) -> bool {
        match self {
            Self::Endpoint(EndpointError::TooLong { .. }) | Self::NotJson => false,
            Self::Endpoint(_) | Self::TooSlow(_) => true,
            Self::Refused { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
        }
    }
}

/// What the service says is wrong: OpenAI's `error.message`, or the `error` or `detail` of others.
fn detail(answer: &Value) -> Option<String> {
    let error = answer.get("error").or_else(|| answer.get("detail"))?;
    let text = error.get("message").unwrap_or(error).as_str()?;
    let shown = text.chars().filter(|character| !character.is_control());
    Some(format!(
        ": {}",
        shown.take(DETAIL_CHARACTERS_MAX).collect::<String>()
    ))
}
