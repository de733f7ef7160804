//! A server that speaks Streamable HTTP.

mod cancel;
mod exchange;
mod given;
mod lost_session;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bytes::Bytes;
use portcullis_json::Object;
use portcullis_mcp::{Id, Method, Revision};
use portcullis_session::Scope;
use portcullis_transport::http::endpoint::{Answer, Endpoint, EndpointError, EventStream};
use tokio::time::timeout;
use tracing::debug;

use self::cancel::Cancellable;
use self::given::GivenIds;
use super::TellError;
use super::standalone::start_listening;
use crate::serve::conversation::Conversation;
use crate::serve::counted::Count;
use crate::serve::headers::{MCP_PROTOCOL_VERSION, MCP_SESSION_ID};
use crate::serve::outlet::Position;

/// LIMIT: how long the server may take to hear that a session is over.
const END_WAIT_MAX: Duration = Duration::from_secs(2);
/// Room for the headers that a request has beside those of the client's: its session's, and what the
/// endpoint adds.
const HEADERS_ADDED: usize = 8;

#[derive(Debug)]
pub(crate) struct HttpUpstream {
    endpoint: Endpoint,
    era: Era,
    /// Without a word in between, on a stream that answers a request.
    silence_max: Duration,
    /// Requests whose answers are on their way.
    calls: Count,
    cancellable: Cancellable,
    /// Streams on which a client listens, maybe to what it missed of an answer.
    pub(super) listeners: Count,
    given: GivenIds,
}

#[derive(Debug)]
enum Era {
    Stateless,
    Stateful(Box<Stateful>),
}

#[derive(Debug, Default)]
struct Stateful {
    handshake: Mutex<Handshake>,
    /// Held while another session is opened.
    opening: tokio::sync::Mutex<()>,
}

/// What it takes to speak in the server's session, and to open another one.
#[derive(Clone, Debug, Default)]
struct Handshake {
    session_id: Option<HeaderValue>,
    initialize: Option<Bytes>,
    /// Of the client's, that came with it and are passed on.
    headers: HeaderMap,
    /// Whether the stream for what belongs to no request is listened to here.
    is_listening: bool,
    /// How the server answered last: `json` or `sse`.
    response_type: Option<&'static str>,
}

/// The stream that a client asked for with GET, or what the server said instead.
#[derive(Debug)]
pub(crate) enum StandaloneStream {
    Events(Box<EventStream>),
    Refused(StatusCode),
    /// What was to be gone on with was of a session that the server has lost, for another one.
    Forgotten,
}

// === impl HttpUpstream ===

impl HttpUpstream {
    pub(crate) fn stateful(endpoint: Endpoint, silence_max: Duration) -> Self {
        Self::new(endpoint, Era::Stateful(Box::default()), silence_max)
    }

    pub(crate) fn stateless(endpoint: Endpoint, silence_max: Duration) -> Self {
        Self::new(endpoint, Era::Stateless, silence_max)
    }

    /// Goes on with a session of the server's that an earlier gateway opened.
    pub(crate) fn resumed(
        endpoint: Endpoint,
        silence_max: Duration,
        session_id: Option<HeaderValue>,
        initialize: Option<Bytes>,
        headers: HeaderMap,
    ) -> Self {
        let resumed = Self {
            given: GivenIds::cut(),
            ..Self::stateful(endpoint, silence_max)
        };
        resumed.remember(|handshake| {
            handshake.session_id = session_id;
            handshake.initialize = initialize;
            handshake.headers = headers;
        });
        resumed
    }

    fn new(endpoint: Endpoint, era: Era, silence_max: Duration) -> Self {
        Self {
            endpoint,
            era,
            silence_max,
            calls: Count::default(),
            cancellable: Cancellable::default(),
            listeners: Count::default(),
            given: GivenIds::default(),
        }
    }

    pub(super) fn is_stateless(&self) -> bool {
        matches!(self.era, Era::Stateless)
    }

    /// Whether an answer may still come: one that nobody fetches does not keep a session.
    pub(crate) fn is_waited_for(&self, has_open_requests: bool) -> bool {
        !self.calls.is_zero() || (has_open_requests && !self.listeners.is_zero())
    }

    /// Takes note of where a stream of the session's stands.
    pub(super) fn note_given(&self, position: &Position) {
        if let Some(id) = &position.id
            && !self.is_stateless()
        {
            self.given.note(id);
        }
    }

    /// Whether it is known that no event of the session had this id. Of very many it is not: then
    /// it is for the server to say.
    pub(crate) fn never_gave(&self, id: &str) -> bool {
        self.given.never_had(id)
    }

    /// Whether the server opened a session.
    fn has_session(&self) -> bool {
        self.session().is_some()
    }

    /// What the server finds its session by.
    pub(crate) fn session_id(&self) -> Option<String> {
        let id = self.session()?;
        id.to_str().ok().map(str::to_owned)
    }

    /// The scope of a request that is on its way and has one of its own.
    pub(crate) fn scope(&self, id: &Id) -> Option<Scope> {
        self.cancellable.scope(id)
    }

    /// Ends a request by closing its stream, where that is how a server is told (SPEC: MCP
    /// 2026-07-28, Cancellation); otherwise it has to be told.
    pub(crate) fn cancel(&self, scope: Scope, id: &Id) -> bool {
        self.cancellable.cancel(scope, id)
    }

    /// The same for what would go on for ever.
    pub(crate) fn cancel_subscriptions(&self) {
        self.cancellable.cancel_subscriptions();
    }

    pub(super) async fn tell(
        &self,
        conversation: &Arc<Conversation>,
        bytes: Bytes,
        method: Option<&Method>,
        headers: &HeaderMap,
    ) -> Result<(), TellError> {
        let answer = self.post(conversation, bytes, headers).await?;
        let status = answer.head().status;
        if !status.is_success() {
            return Err(TellError::Status(status));
        }
        if method == Some(&Method::Initialized) {
            self.listen_for_one_stream(conversation);
        }
        Ok(())
    }

    /// Has the server's stream listened to here if the client has one stream for everything.
    fn listen_for_one_stream(&self, conversation: &Arc<Conversation>) {
        if conversation.streams().has_standalone() && self.begin_listening() {
            start_listening(conversation);
        }
    }

    pub(super) fn end_listening(&self) {
        self.remember(|handshake| handshake.is_listening = false);
    }

    /// Whether nobody listens yet.
    fn begin_listening(&self) -> bool {
        let mut is_first = false;
        self.remember(|handshake| {
            is_first = !handshake.is_listening;
            handshake.is_listening = true;
        });
        is_first
    }

    /// Opens the stream for what belongs to no request, or goes on with another, in this session of
    /// the server's.
    pub(super) async fn listen(
        &self,
        revision: Option<Revision>,
        headers: &HeaderMap,
    ) -> Result<StandaloneStream, EndpointError> {
        let session = self.session();
        let headers = with_session(revision, headers, session.as_ref());
        Ok(match self.endpoint.get(headers).await? {
            Answer::Events(_, events) => StandaloneStream::Events(events),
            Answer::Json(head, _) | Answer::Other(head) => StandaloneStream::Refused(head.status),
        })
    }

    pub(super) async fn end(&self, revision: Option<Revision>) {
        let handshake = self.handshake();
        let session = handshake.session_id.as_ref();
        if session.is_none() {
            return;
        }
        let headers = with_session(revision, &handshake.headers, session);
        match timeout(END_WAIT_MAX, self.endpoint.delete(headers)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => debug!(%error, "the server was not told that the session ended"),
            Err(_) => debug!("the server does not say whether the session ended"),
        }
    }

    /// What a trace says of the server, in the words of Invariant Gateway.
    pub(crate) fn metadata(&self) -> Object {
        let mut metadata = Object::new();
        metadata.insert("is_stateless_http_server", !self.has_session());
        if let Some(response_type) = self.look(|handshake| handshake.response_type) {
            metadata.insert("server_response_type", response_type);
        }
        metadata
    }

    fn note_session(&self, answer: &Answer) {
        let response_type = match answer {
            Answer::Json(..) => "json",
            Answer::Events(..) => "sse",
            Answer::Other(_) => return,
        };
        self.remember(|handshake| handshake.response_type = Some(response_type));
        if let Some(session_id) = answer.head().headers.get(MCP_SESSION_ID) {
            // A late answer of a session that was lost must not bring it back.
            self.remember(|handshake| {
                handshake
                    .session_id
                    .get_or_insert_with(|| session_id.clone());
            });
        }
    }

    pub(super) fn passed_headers(&self) -> HeaderMap {
        self.handshake().headers
    }

    /// What the server finds its session by, as a request says it.
    fn session(&self) -> Option<HeaderValue> {
        self.look(|handshake| handshake.session_id.clone())
    }

    fn handshake(&self) -> Handshake {
        self.look(Handshake::clone)
    }

    fn look<T>(&self, look: impl FnOnce(&Handshake) -> T) -> T {
        match &self.era {
            Era::Stateless => look(&Handshake::default()),
            Era::Stateful(stateful) => look(&stateful.handshake()),
        }
    }

    fn remember(&self, note: impl FnOnce(&mut Handshake)) {
        if let Era::Stateful(stateful) = &self.era {
            note(&mut stateful.handshake());
        }
    }
}

// === impl Stateful ===

impl Stateful {
    fn handshake(&self) -> MutexGuard<'_, Handshake> {
        let handshake = self.handshake.lock();
        handshake.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The headers of a request in a session of the server's.
fn with_session(
    revision: Option<Revision>,
    headers: &HeaderMap,
    session: Option<&HeaderValue>,
) -> HeaderMap {
    let mut all = HeaderMap::with_capacity(headers.len() + HEADERS_ADDED);
    let passed = headers.iter();
    all.extend(passed.map(|(name, value)| (name.clone(), value.clone())));
    if let Some(session) = session {
        all.insert(MCP_SESSION_ID, session.clone());
    }
    let negotiated = revision.filter(|revision| *revision >= Revision::V2025_06_18);
    if let Some(revision) = negotiated {
        let revision = HeaderValue::from_static(revision.as_str());
        all.insert(MCP_PROTOCOL_VERSION, revision);
    }
    all
}

impl super::Upstream {
    pub(crate) fn http(&self) -> Option<&HttpUpstream> {
        match self {
            Self::Http(http) => Some(http),
            Self::Sse(_) | Self::Stdio(_) => None,
        }
    }
}
