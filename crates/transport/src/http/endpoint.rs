//! One URL of an MCP server, and what it answers.

use std::error::Error;
use std::fmt;
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderValue,
    USER_AGENT,
};
use hyper::{Method, Request, StatusCode, Uri};
use portcullis_mcp::frame::{SseDecoder, SseError, SseEvent};
use rustls::InvalidMessage;
use tokio::time::timeout;
use url::Url;

use super::body::Parts;
pub use super::connector::Connector;
use super::connector::Failure;
use super::within::within;

const AGENT: &str = concat!("portcullis/", env!("CARGO_PKG_VERSION"));
const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream";
/// What answers a message.
const MESSAGE: &str = "application/json, text/event-stream";

/// Where an MCP server is asked.
#[derive(Clone)]
pub struct Endpoint {
    connector: Connector,
    url: Url,
    /// The same as requests have it; `None` if none can.
    uri: Option<Uri>,
    /// What it is called in requests over HTTP/1.1.
    host: Option<HeaderValue>,
    /// Sent with every request, but for what its caller has to say under the same name.
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
    body: Incoming,
    decoder: SseDecoder,
}

/// Why there is no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("secure connections cannot be made: {0}")]
    Tls(#[source] Box<rustls::Error>),
    #[error("requests to this URL cannot be written")]
    Unwritable,
    #[error("it cannot be reached: {}", reason(&**.0))]
    Unreachable(#[source] Failure),
    #[error("it did not answer within {} seconds", .0.as_secs())]
    TooSlow(Duration),
    #[error("its answer is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the connection broke: {0}")]
    Broken(#[source] hyper::Error),
    #[error("it said nothing for {} seconds", .0.as_secs())]
    Silent(Duration),
    #[error(transparent)]
    Event(#[from] SseError),
}

/// What an error comes from in the end: the layers above it say only that there is one.
fn reason(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    if is_without_tls(innermost) {
        return "what answers there does not speak TLS: `http://` may be meant".to_owned();
    }
    innermost.to_string()
}

/// Whether what was to be the first word of a handshake was something else.
fn is_without_tls(mut error: &(dyn Error + 'static)) -> bool {
    // What these hold is none of their causes.
    while let Some(held) = error.downcast_ref().and_then(io::Error::get_ref) {
        error = held;
    }
    matches!(
        error.downcast_ref(),
        Some(rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType
        ))
    )
}

// === impl Endpoint ===

impl Endpoint {
    pub(super) fn new(
        connector: Connector,
        url: Url,
        mut headers: HeaderMap,
        bounds: Bounds,
    ) -> Self {
        let agent = HeaderValue::from_static(AGENT);
        headers.entry(USER_AGENT).or_insert(agent);
        Self {
            connector,
            uri: uri(&url),
            host: host(&url),
            url,
            headers,
            bounds,
        }
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The same server's endpoint at another URL.
    #[must_use]
    pub fn at(&self, url: Url) -> Self {
        Self {
            uri: uri(&url),
            host: host(&url),
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
        let uri = self.uri.clone().ok_or(EndpointError::Unwritable)?;
        let mut request = Request::new(Full::from(body.unwrap_or_default()));
        *request.uri_mut() = uri;
        *request.headers_mut() = self.head(&method, accept, headers);
        *request.method_mut() = method;
        let response = self
            .bounded(pin!(self.connector.send(self.host.as_ref(), request)))
            .await?
            .map_err(EndpointError::Unreachable)?;
        let (head, body) = response.into_parts();
        let head = Head {
            status: head.status,
            headers: head.headers,
        };
        self.answer(head, body).await
    }

    /// The caller's headers stand in the place of the endpoint's, and ours in the place of what
    /// anybody put there.
    fn head(&self, method: &Method, accept: &'static str, mut all: HeaderMap) -> HeaderMap {
        for name in self.headers.keys() {
            if all.contains_key(name) {
                continue;
            }
            for value in self.headers.get_all(name) {
                all.append(name, value.clone());
            }
        }
        if method == Method::POST {
            all.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        }
        all.insert(ACCEPT, HeaderValue::from_static(accept));
        all.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(host) = &self.host {
            all.entry(HOST).or_insert_with(|| host.clone());
        }
        all
    }

    async fn answer(&self, head: Head, body: Incoming) -> Result<Answer, EndpointError> {
        if is_encoded(&head.headers) {
            return Ok(Answer::Other(head));
        }
        if is_of_type(&head.headers, JSON) {
            let body = self.whole(body).await?;
            return Ok(Answer::Json(head, body));
        }
        if head.status.is_success() && is_of_type(&head.headers, EVENT_STREAM) {
            let events = EventStream {
                body,
                decoder: SseDecoder::new(self.bounds.message_bytes),
            };
            return Ok(Answer::Events(head, Box::new(events)));
        }
        Ok(Answer::Other(head))
    }

    async fn whole(&self, mut body: Incoming) -> Result<Bytes, EndpointError> {
        let limit = self.bounds.message_bytes;
        let mut whole = Parts::expecting(&body.size_hint());
        while let Some(part) = self.bounded(pin!(next_part(&mut body))).await? {
            whole.push(part.map_err(EndpointError::Broken)?);
            if whole.len() > limit {
                return Err(EndpointError::TooLong { limit });
            }
        }
        Ok(whole.join())
    }

    async fn bounded<T>(
        &self,
        work: Pin<&mut impl Future<Output = T>>,
    ) -> Result<T, EndpointError> {
        let wait = self.bounds.wait;
        within(wait, work)
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

fn uri(url: &Url) -> Option<Uri> {
    let written = url.as_str();
    let without_fragment = written.split('#').next().unwrap_or(written);
    without_fragment.parse().ok()
}

/// With the port, unless it is the one of the scheme. `None` where the connection may be one of
/// HTTP/2, which has no such header: then the client writes it if it has to.
fn host(url: &Url) -> Option<HeaderValue> {
    if url.scheme() != "http" {
        return None;
    }
    let name = url.host_str()?;
    let written = match url.port() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    };
    HeaderValue::from_str(&written).ok()
}

/// Whether a body is of this type, whatever its parameters are.
pub fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let written = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let essence = written.and_then(|written| written.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(wanted))
}

/// Whether a body has to be decoded before it can be read.
pub fn is_encoded(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// The next part of a body; what follows the last says nothing that is looked at.
async fn next_part(body: &mut Incoming) -> Option<Result<Bytes, hyper::Error>> {
    loop {
        match body.frame().await? {
            Err(error) => return Some(Err(error)),
            Ok(frame) => {
                if let Ok(part) = frame.into_data() {
                    return Some(Ok(part));
                }
            }
        }
    }
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
            let part = next_part(&mut self.body).await;
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
            let Ok(part) = timeout(silence_max, next_part(&mut self.body)).await else {
                return Some(Err(EndpointError::Silent(silence_max)));
            };
            if let Err(end) = self.take(part) {
                return end.map(Err);
            }
        }
    }

    /// Takes a part of the body; at the end, says what was lost, if anything was.
    fn take(
        &mut self,
        part: Option<Result<Bytes, hyper::Error>>,
    ) -> Result<(), Option<EndpointError>> {
        match part {
            Some(Ok(part)) => {
                self.decoder.push(&part);
                Ok(())
            }
            Some(Err(error)) => Err(Some(EndpointError::Broken(error))),
            None => Err(self.decoder.finish().err().map(Into::into)),
        }
    }
}

// === impl EndpointError ===

impl EndpointError {
    /// Whether nothing more can come after it.
    pub fn ends_stream(&self) -> bool {
        match self {
            Self::Event(error) => matches!(error, SseError::Partial { .. }),
            Self::Tls(_)
            | Self::Unwritable
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

#[cfg(test)]
mod tests {
    use super::super::reach::Reach;
    use super::*;

    #[test]
    fn a_request_has_each_header_from_one_of_three() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, HeaderValue::from_static(value));
            }
            headers
        };
        let own = headers(&[("a", "own"), ("b", "own 1"), ("b", "own 2")]);
        let callers = headers(&[("a", "caller 1"), ("a", "caller 2"), ("accept", "caller")]);
        let bounds = Bounds {
            message_bytes: 1,
            wait: Duration::from_secs(1),
        };
        let connector = Connector::new(Reach::Configured).unwrap();
        let url = "http://server:8000/mcp".parse().unwrap();
        let endpoint = connector.endpoint(url, own, bounds);
        let expected = headers(&[
            ("a", "caller 1"),
            ("a", "caller 2"),
            ("b", "own 1"),
            ("b", "own 2"),
            ("user-agent", AGENT),
            ("accept", MESSAGE),
            ("accept-encoding", "identity"),
            ("content-type", JSON),
            ("host", "server:8000"),
        ]);
        assert_eq!(endpoint.head(&Method::POST, MESSAGE, callers), expected);
    }
}
