//! HTTP answers.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use portcullis_mcp::{Id, Malformed, Meant, Message, MessageKind, error_code, write};
use portcullis_transport::http::body::BodyError;
use portcullis_transport::http::events::EventBody;
use tokio::time::timeout;

use super::errand::Errand;
use super::headers::{EVENT_STREAM, JSON, NotOne};
use super::outlet::{Outgoing, Parcel, Parcels, WeakOutlet};

/// A proxy between must not hold events back.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const RETRY_SECONDS: &str = "5";
/// SPEC: RFC 6750, section 3: what is wrong with a credential is said only if there was one.
const CHALLENGE: &str = r#"Bearer realm="portcullis""#;
const CHALLENGE_ANEW: &str = r#"Bearer realm="portcullis", error="invalid_token""#;

/// An HTTP request that is refused before any session sees it, or for want of one.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) id: Option<Id>,
    pub(crate) code: i64,
    pub(crate) message: String,
    /// How to log in, for whoever has not.
    pub(crate) challenge: Option<HeaderValue>,
}

/// Why a response is a refusal, for the log.
#[derive(Clone, Debug)]
pub(crate) struct Reason(pub(crate) String);

// === impl Refused ===

impl Refused {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            id: None,
            code: error_code::BAD_REQUEST,
            message: message.into(),
            challenge: None,
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// In the shape in which clients know that they must initialize again.
    pub(crate) fn session_not_found() -> Self {
        Self {
            code: error_code::SESSION_NOT_FOUND,
            ..Self::new(StatusCode::NOT_FOUND, "Session not found")
        }
    }

    /// No credential was presented.
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self {
            challenge: Some(HeaderValue::from_static(CHALLENGE)),
            ..Self::new(StatusCode::UNAUTHORIZED, message)
        }
    }

    /// A credential was presented that is not valid.
    pub(crate) fn wrong_key() -> Self {
        Self {
            challenge: Some(HeaderValue::from_static(CHALLENGE_ANEW)),
            ..Self::new(StatusCode::UNAUTHORIZED, "the API key is not valid")
        }
    }

    pub(crate) fn too_many_sessions() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too many sessions are open, end one or try again later",
        )
    }

    /// It refuses this request, unless it is known of which it is.
    #[must_use]
    pub(crate) fn of(self, message: &Message) -> Self {
        let id = match message.kind() {
            MessageKind::Request { id, .. } => Some(id.clone()),
            MessageKind::Notification { .. } | MessageKind::Response { .. } => None,
        };
        Self {
            id: self.id.or(id),
            ..self
        }
    }

    pub(crate) fn gateway_ends() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the gateway ends, try again later",
        )
    }

    pub(crate) fn bad_gateway(id: Option<&Id>, message: impl Into<String>) -> Self {
        Self {
            id: id.cloned(),
            code: error_code::INTERNAL_ERROR,
            ..Self::new(StatusCode::BAD_GATEWAY, message)
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = write::error_response(self.id.as_ref(), self.code, &self.message, None);
        let mut response = json(self.status, body.into());
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            let seconds = HeaderValue::from_static(RETRY_SECONDS);
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response.extensions_mut().insert(Reason(self.message));
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<NotOne> for Refused {
    fn from(error: NotOne) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        Self::new(body_status(error), error.to_string())
    }
}

impl From<Malformed> for Refused {
    fn from(error: Malformed) -> Self {
        Self {
            code: error.code(),
            // An answer has the id of somebody else's request.
            id: error.id.clone().filter(|_| error.meant != Meant::Answer),
            ..Self::bad_request(error.to_string())
        }
    }
}

/// With what a body is refused that was not read to its end.
pub(crate) fn body_status(error: BodyError) -> StatusCode {
    match error {
        BodyError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
        BodyError::Broken => StatusCode::BAD_REQUEST,
    }
}

pub(crate) fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

pub(crate) fn accepted() -> Response {
    StatusCode::ACCEPTED.into_response()
}

/// What answers a request: one message, if it is all there is, or a stream of them. It is fetched
/// on the way, if it comes on one of its own. `None` if it is over and nothing has come.
pub(crate) async fn reply(
    outlet: &WeakOutlet,
    mut parcels: Parcels,
    way: Option<Errand<()>>,
    keep_alive: Duration,
) -> Option<Response> {
    let answer = match timeout(outlet.patience(keep_alive), first(&mut parcels, way)).await {
        Ok(Some(Parcel::Message(Outgoing {
            bytes,
            status,
            is_last: true,
            ..
        }))) => json(status, bytes),
        Ok(None) => return None,
        Ok(Some(first)) => events(Some(first), parcels, keep_alive, ()),
        Err(_) => {
            outlet.begin();
            events(None, parcels, keep_alive, ())
        }
    };
    Some(answer)
}

/// The way goes on without us once there is something to send.
async fn first(parcels: &mut Parcels, way: Option<Errand<()>>) -> Option<Parcel> {
    if let Some(way) = way {
        tokio::select! {
            biased;
            parcel = parcels.recv() => return parcel.map(|parcel| *parcel),
            () = way => {}
        }
    }
    parcels.recv().await.map(|parcel| *parcel)
}

/// A stream of events; `guard` is dropped when nobody reads it any more.
pub(crate) fn events<G: Send + Unpin + 'static>(
    first: Option<Parcel>,
    parcels: Parcels,
    keep_alive: Duration,
    guard: G,
) -> Response {
    let write = |parcel: Box<Parcel>, out: &mut Vec<u8>| parcel.write(out);
    let body = EventBody::new(first.map(Box::new), parcels, write, keep_alive, guard);
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-transform"),
    );
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}
