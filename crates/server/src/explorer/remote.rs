//! A remote service that speaks Invariant Explorer's API, as its client.

use std::time::Duration;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use portcullis_json::{Limits, Object, Value, parse};
use portcullis_transport::http::endpoint::{Answer, Bounds, Connector, Endpoint, EndpointError};
use portcullis_transport::http::reach::Reach;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use url::Url;

use super::ProjectedAnnotation;
use crate::config::ExplorerConfig;

/// LIMIT: how long the service may take to answer, and how long its answer may be.
const WAIT_MAX: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// LIMIT: characters of what the service says is wrong.
const DETAIL_CHARACTERS_MAX: usize = 200;

/// See the module.
#[derive(Debug)]
pub(crate) struct RemoteExplorer {
    /// At the root of the service.
    endpoint: Endpoint,
    /// Whose projects they are, asked for once.
    username: OnceCell<String>,
}

/// A guardrail as the service has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RemoteGuardrail {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) content: String,
    pub(crate) enabled: bool,
    pub(crate) action: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("it answered HTTP {status}: {detail}")]
    Refused { status: StatusCode, detail: String },
    /// What answered may not be an Explorer at all.
    #[error("it answered HTTP {0}, and not as an Explorer does")]
    Foreign(StatusCode),
    #[error("it did not answer within {} seconds", WAIT_MAX.as_secs())]
    TooSlow,
    #[error("its answer is not what an Explorer says: `{0}` is missing")]
    Unexpected(&'static str),
    #[error("its address cannot have the path `{0}`")]
    Path(String),
}

// === impl RemoteExplorer ===

impl RemoteExplorer {
    pub(crate) fn new(config: &ExplorerConfig) -> Result<Self, EndpointError> {
        let mut headers = HeaderMap::new();
        if let Some(authorization) = &config.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let bounds = Bounds {
            message_bytes: ANSWER_BYTES_MAX,
            wait: WAIT_MAX,
        };
        let connector = Connector::new(Reach::Configured)?;
        Ok(Self {
            endpoint: connector.endpoint(config.url.clone(), headers, bounds),
            username: OnceCell::new(),
        })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &Url {
        self.endpoint.url()
    }

    /// The guardrails of a project; of one that does not exist, none.
    pub(crate) async fn guardrails(
        &self,
        project: &str,
    ) -> Result<Vec<RemoteGuardrail>, RemoteError> {
        let user = self.username().await?;
        let path = ["api", "v1", "dataset", "byuser", user, project, "policy"];
        let answer = match self.get(&path).await {
            Err(RemoteError::Refused { status, .. }) if status == StatusCode::NOT_FOUND => {
                return Ok(Vec::new());
            }
            answer => answer?,
        };
        let policies = answer.get("policies").and_then(Value::as_array);
        let policies = policies.ok_or(RemoteError::Unexpected("policies"))?;
        policies.iter().map(RemoteGuardrail::read).collect()
    }

    /// Begins a trace, and gives its id.
    pub(crate) async fn push(
        &self,
        project: Option<&str>,
        metadata: &Object,
        messages: Vec<Value>,
        annotations: &[ProjectedAnnotation],
    ) -> Result<String, RemoteError> {
        let mut body = Object::new();
        body.insert("messages", vec![Value::from(messages)]);
        body.insert("annotations", vec![Value::from(written(annotations))]);
        body.insert("dataset", project.map_or(Value::Null, Value::from));
        body.insert("metadata", vec![Value::from(metadata.clone())]);
        let answer = self.post(&["api", "v1", "push", "trace"], body).await?;
        let ids = answer.get("id").and_then(Value::as_array);
        let id = ids.and_then(<[Value]>::first).and_then(Value::as_str);
        id.map(str::to_owned).ok_or(RemoteError::Unexpected("id"))
    }

    /// Adds to a trace.
    pub(crate) async fn append(
        &self,
        trace: &str,
        messages: Vec<Value>,
        annotations: &[ProjectedAnnotation],
    ) -> Result<(), RemoteError> {
        let mut body = Object::new();
        body.insert("messages", messages);
        body.insert("annotations", written(annotations));
        let path = ["api", "v1", "trace", trace, "messages"];
        self.post(&path, body).await.map(drop)
    }

    async fn username(&self) -> Result<&str, RemoteError> {
        let asked = self.username.get_or_try_init(|| async {
            let answer = self.get(&["api", "v1", "user", "identity"]).await?;
            let name = answer.get("username").and_then(Value::as_str);
            name.map(str::to_owned)
                .ok_or(RemoteError::Unexpected("username"))
        });
        asked.await.map(String::as_str)
    }

    async fn get(&self, path: &[&str]) -> Result<Value, RemoteError> {
        let endpoint = self.at(path)?;
        let asked = timeout(WAIT_MAX, endpoint.get_json()).await;
        read(asked.map_err(|_| RemoteError::TooSlow)??)
    }

    async fn post(&self, path: &[&str], body: Object) -> Result<Value, RemoteError> {
        let body = Bytes::from(Value::from(body).to_string());
        let endpoint = self.at(path)?;
        let asked = timeout(WAIT_MAX, endpoint.post(HeaderMap::new(), body)).await;
        read(asked.map_err(|_| RemoteError::TooSlow)??)
    }

    /// The parts of the path are names, whatever characters they have.
    fn at(&self, path: &[&str]) -> Result<Endpoint, RemoteError> {
        // A URL would go up by the one and stay by the other.
        if path.iter().any(|part| matches!(*part, "." | "..")) {
            return Err(RemoteError::Path(path.join("/")));
        }
        let mut url = self.endpoint.url().clone();
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(path),
            Err(()) => return Err(RemoteError::Path(path.join("/"))),
        };
        Ok(self.endpoint.at(url))
    }
}

// === impl RemoteGuardrail ===

impl RemoteGuardrail {
    pub(super) fn read(written: &Value) -> Result<Self, RemoteError> {
        let text = |member: &'static str| {
            let text = written.get(member).and_then(Value::as_str);
            text.map(str::to_owned)
                .ok_or(RemoteError::Unexpected(member))
        };
        let enabled = written.get("enabled").and_then(Value::as_bool);
        Ok(Self {
            id: text("id")?,
            name: text("name")?,
            content: text("content")?,
            enabled: enabled.ok_or(RemoteError::Unexpected("enabled"))?,
            action: text("action")?,
        })
    }
}

// === impl RemoteError ===

impl RemoteError {
    /// Whether the same request may be answered otherwise later.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Endpoint(_) | Self::Foreign(_) | Self::TooSlow | Self::Unexpected(_) => true,
            Self::Refused { status, .. } => {
                let permanent = [
                    StatusCode::BAD_REQUEST,
                    StatusCode::PAYLOAD_TOO_LARGE,
                    StatusCode::UNPROCESSABLE_ENTITY,
                ];
                !permanent.contains(status)
            }
            Self::Path(_) => false,
        }
    }

    /// Whether it is about one request, and others may fare better.
    pub(crate) fn is_about_request(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

fn read(answer: Answer) -> Result<Value, RemoteError> {
    match answer {
        Answer::Json(head, body) => {
            let text = String::from_utf8_lossy(&body);
            let read = parse(&text, &Limits::lenient());
            if head.status.is_success() {
                return read.map_err(|_| RemoteError::Unexpected("JSON"));
            }
            let said = read.ok();
            match said.as_ref().and_then(|said| said.get("detail")) {
                Some(detail) => Err(RemoteError::Refused {
                    status: head.status,
                    detail: shown(detail),
                }),
                None => Err(RemoteError::Foreign(head.status)),
            }
        }
        Answer::Events(head, _) | Answer::Other(head) => Err(RemoteError::Foreign(head.status)),
    }
}

fn shown(detail: &Value) -> String {
    let text = detail
        .as_str()
        .map_or_else(|| detail.to_string(), str::to_owned);
    text.chars()
        .filter(|character| !character.is_control())
        .take(DETAIL_CHARACTERS_MAX)
        .collect()
}

fn written(annotations: &[ProjectedAnnotation]) -> Vec<Value> {
    let annotations = annotations.iter().map(|annotation| {
        let mut written = Object::new();
        written.insert("content", annotation.content.as_str());
        written.insert("address", annotation.address.as_str());
        written.insert("extra_metadata", annotation.extra_metadata.clone());
        Value::from(written)
    });
    annotations.collect()
}
