//! One URL of an MCP server, and what it answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use portcullis_mcp::frame::{SSE_EVENT_BYTES_DEFAULT, SseDecoder, SseError, SseEvent};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use tokio::time::timeout;
use url::Url;

use super::reach::{Reach, Resolver};

const CONNECT_WAIT_MAX: Duration = Duration::from_secs(10);
const IDLE_CONNECTION_WAIT: Duration = Duration::from_secs(90);
const USER_AGENT: &str = concat!("portcullis/", env!("CARGO_PKG_VERSION"));
const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream";
/// What answers a message.
const MESSAGE: &str = "application/json, text/event-stream";

/// Connections to MCP servers, shared by all who want some.
#[derive(Clone, Debug)]
pub struct Connector {
    client: Client,
}

/// Where an MCP server is asked.
#[derive(Clone)]
pub struct Endpoint {
    connector: Connector,
    url: Url,
    /// Sent with every request.
    headers: HeaderMap,
    bounds: Bounds,
}

/// How much, and for how long, an endpoint may answer.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub message_bytes: usize,
    /// Until the head of the answer has come, and from then on between any two of its parts. Not
    /// for streams, whose reader decides.
    pub wait: Duration,
}

/// What a server answered.
#[derive(Debug)]
pub enum Answer {
    Json(Head, Bytes),
    Events(Head, Box<EventStream>),
    /// Neither: accepted without a word, or refused in a language that is none of ours.
    Other(Head),
}

#[derive(Debug)]
pub struct Head {
    pub status: StatusCode,
    pub headers: HeaderMap,
}

/// The events of an answer, as they come.
#[derive(Debug)]
pub struct EventStream {
    response: Response,
    decoder: SseDecoder,
}

/// Why there is no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("secure connections cannot be made: {0}")]
    Tls(#[source] reqwest::Error),
    #[error("it cannot be reached: {0}")]
    Unreachable(#[source] reqwest::Error),
    #[error("it did not answer within {} seconds", .0.as_secs())]
    TooSlow(Duration),
    #[error("its answer is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the connection broke: {0}")]
    Broken(#[source] reqwest::Error),
    #[error("it said nothing for {} seconds", .0.as_secs())]
    Silent(Duration),
    #[error(transparent)]
    Event(#[from] SseError),
}

// === impl Connector ===

impl Connector {
    /// No redirects are followed and no proxy of the environment is used: what an answer says must
    /// not decide where credentials go.
    pub fn new(reach: Reach) -> Result<Self, EndpointError> {
        // Another part of the process may have been first, with the same provider.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_WAIT_MAX)
            .pool_idle_timeout(IDLE_CONNECTION_WAIT)
            .tcp_nodelay(true)
            .user_agent(USER_AGENT)
            .dns_resolver(Arc::new(Resolver::new(reach)))
            .build()
            .map_err(EndpointError::Tls)?;
        Ok(Self { client })
    }

    pub fn endpoint(&self, url: Url, headers: HeaderMap, bounds: Bounds) -> Endpoint {
        Endpoint {
            connector: self.clone(),
            url,
            headers,
            bounds,
        }
    }
}

// === impl Endpoint ===

impl Endpoint {
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The same server's endpoint at another URL.
    #[must_use]
    pub fn at(&self, url: Url) -> Self {
        Self {
            url,
            ..self.clone()
        }
    }

    pub async fn post(&self, headers: HeaderMap, body: Bytes) -> Result<Answer, EndpointError> {
        self.ask(Method::POST, MESSAGE, headers, Some(body)).await
    }

    /// Asks for a stream of events.
    pub async fn get(&self, headers: HeaderMap) -> Result<Answer, EndpointError> {
        self.ask(Method::GET, EVENT_STREAM, headers, None).await
    }

    /// Asks for a JSON document.
    pub async fn get_json(&self) -> Result<Answer, EndpointError> {
        self.ask(Method::GET, JSON, HeaderMap::new(), None).await
    }

    pub async fn delete(&self, headers: HeaderMap) -> Result<Answer, EndpointError> {
        self.ask(Method::DELETE, MESSAGE, headers, None).await
    }

    async fn ask(
        &self,
        method: Method,
        accept: &'static str,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer, EndpointError> {
        // Ours come last, in the place of what anybody else put there.
        let mut all = self.headers.clone();
        all.extend(headers);
        all.insert(ACCEPT, HeaderValue::from_static(accept));
        all.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let request = self.connector.client.request(method, self.url.clone());
        let request = match body {
            Some(body) => {
                all.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
                request.headers(all).body(body)
            }
            None => request.headers(all),
        };
        let response = self
            .bounded(request.send())
            .await?
            .map_err(|error| EndpointError::of(error, EndpointError::Unreachable))?;
        self.answer(response).await
    }

    async fn answer(&self, mut response: Response) -> Result<Answer, EndpointError> {
        let head = Head {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
        };
        let is_encoded = head
            .headers
            .get(hyper::header::CONTENT_ENCODING)
            .is_some_and(|encoding| encoding != "identity");
        match media_type(&head.headers).as_deref() {
            _ if is_encoded => Ok(Answer::Other(head)),
            Some(JSON) => {
                let body = self.whole(response).await?;
                Ok(Answer::Json(head, body))
            }
            Some(EVENT_STREAM) if head.status.is_success() => {
                let limit = self.bounds.message_bytes.min(SSE_EVENT_BYTES_DEFAULT);
                let events = EventStream {
                    response,
                    decoder: SseDecoder::new(limit),
                };
                Ok(Answer::Events(head, Box::new(events)))
            }
            _ => Ok(Answer::Other(head)),
        }
    }

    async fn whole(&self, mut response: Response) -> Result<Bytes, EndpointError> {
        let limit = self.bounds.message_bytes;
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        loop {
            let part = self
                .bounded(response.chunk())
                .await?
                .map_err(|error| EndpointError::of(error, EndpointError::Broken))?;
            let Some(part) = part else {
                return Ok(if all.is_empty() { first } else { all.freeze() });
            };
            if first.len() + all.len() + part.len() > limit {
                return Err(EndpointError::TooLong { limit });
            }
            if first.is_empty() && all.is_empty() {
                first = part;
            } else {
                all.extend_from_slice(&std::mem::take(&mut first));
                all.extend_from_slice(&part);
            }
        }
    }

    async fn bounded<T>(&self, work: impl Future<Output = T>) -> Result<T, EndpointError> {
        let wait = self.bounds.wait;
        timeout(wait, work)
            .await
            .map_err(|_| EndpointError::TooSlow(wait))
    }
}

/// Without the headers, which hold credentials.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

/// The type of a body, in small letters and without parameters.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let written = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = written.split(';').next()?;
    Some(essence.trim().to_ascii_lowercase())
}

// === impl EventStream ===

impl EventStream {
    /// The next event; `None` at the end of the stream.
    ///
    /// An event that is lost is an error after which the stream goes on, a broken connection one
    /// after which it is over. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<SseEvent, EndpointError>> {
        loop {
            if let Some(event) = self.decoder.next_event() {
                return Some(event.map_err(Into::into));
            }
            let part = self.response.chunk().await;
            if let Err(end) = self.take(part) {
                return end.map(Err);
            }
        }
    }

    /// Like [`Self::next`], unless nothing at all comes for so long: a comment is a sign of life.
    pub async fn next_within(
        &mut self,
        silence_max: Duration,
    ) -> Option<Result<SseEvent, EndpointError>> {
        loop {
            if let Some(event) = self.decoder.next_event() {
                return Some(event.map_err(Into::into));
            }
            let Ok(part) = timeout(silence_max, self.response.chunk()).await else {
                return Some(Err(EndpointError::Silent(silence_max)));
            };
            if let Err(end) = self.take(part) {
                return end.map(Err);
            }
        }
    }

    /// Takes a part of the body; at the end, says what was lost, if anything was.
    fn take(&mut self, part: reqwest::Result<Option<Bytes>>) -> Result<(), Option<EndpointError>> {
        match part {
            Ok(Some(part)) => {
                self.decoder.push(&part);
                Ok(())
            }
            Ok(None) => Err(self.decoder.finish().err().map(Into::into)),
            Err(error) => Err(Some(EndpointError::of(error, EndpointError::Broken))),
        }
    }
}

// === impl EndpointError ===

impl EndpointError {
    /// The URL may hold what is nobody else's business.
    fn of(error: reqwest::Error, kind: impl Fn(reqwest::Error) -> Self) -> Self {
        kind(error.without_url())
    }

    /// Whether nothing more can come after it.
    pub fn ends_stream(&self) -> bool {
        match self {
            Self::Event(error) => matches!(error, SseError::Partial { .. }),
            Self::Tls(_)
            | Self::Unreachable(_)
            | Self::TooSlow(_)
            | Self::TooLong { .. }
            | Self::Broken(_)
            | Self::Silent(_) => true,
        }
    }
}

// === impl Answer ===

impl Answer {
    pub fn head(&self) -> &Head {
        match self {
            Self::Json(head, _) | Self::Events(head, _) | Self::Other(head) => head,
        }
    }
}
