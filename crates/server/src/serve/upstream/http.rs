//! A server that speaks Streamable HTTP.

mod given;
mod lost_session;

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bytes::Bytes;
use portcullis_json::Object;
use portcullis_mcp::frame::SseEvent;
use portcullis_mcp::{Id, Method, Revision};
use portcullis_session::Scope;
use portcullis_transport::http::endpoint::{Answer, Endpoint, EndpointError, EventStream, Head};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use self::given::GivenIds;
use super::standalone::{from, pass_position, retry, start_listening, told_retry};
use super::{Call, TellError, silent};
use crate::serve::conversation::{Carried, Conversation, Taken};
use crate::serve::counted::Count;
use crate::serve::errand::Errand;
use crate::serve::headers::{MCP_PROTOCOL_VERSION, MCP_SESSION_ID, value};
use crate::serve::outlet::{ClientGone, Outlet, Parcel, Position};
use crate::serve::trace_context;

/// LIMIT: how long the server may take to hear that a session is over.
const END_WAIT_MAX: Duration = Duration::from_secs(2);
/// LIMIT: how often a stream that answers one request is opened again.
const RESUMPTIONS_MAX: u32 = 100;
/// A subscription is not waited for.
const SUBSCRIPTION_SILENCE_MAX: Duration = Duration::from_hours(24);

#[derive(Debug)]
pub(crate) struct HttpUpstream {
    endpoint: Endpoint,
    era: Era,
    /// Without a word in between, on a stream that answers a request.
    silence_max: Duration,
    /// Requests whose answers are on their way.
    calls: Count,
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

/// A request on its way.
#[derive(Debug)]
struct Asked {
    scope: Scope,
    id: Id,
    outlet: Option<Outlet>,
    silence_max: Duration,
}

/// How a stream that answers a request has ended.
#[derive(Debug)]
enum StreamEnd {
    Answered,
    /// The client may go on with it later, from here.
    Resumable(Position),
    ClientGone,
    Failed(String),
}

// === impl HttpUpstream ===

impl HttpUpstream {
    pub(crate) fn stateful(endpoint: Endpoint, silence_max: Duration) -> Self {
        Self {
            endpoint,
            era: Era::Stateful(Box::default()),
            silence_max,
            calls: Count::default(),
            listeners: Count::default(),
            given: GivenIds::default(),
        }
    }

    /// Goes on with a session of the server's that an earlier gateway opened.
    pub(crate) fn resumed(
        endpoint: Endpoint,
        silence_max: Duration,
        session_id: Option<HeaderValue>,
        initialize: Option<Arc<str>>,
        headers: HeaderMap,
    ) -> Self {
        let resumed = Self {
            given: GivenIds::cut(),
            ..Self::stateful(endpoint, silence_max)
        };
        resumed.remember(|handshake| {
            handshake.session_id = session_id;
            handshake.initialize = initialize.map(|text| Bytes::from(text.to_string()));
            handshake.headers = headers;
        });
        resumed
    }

    pub(crate) fn stateless(endpoint: Endpoint, silence_max: Duration) -> Self {
        Self {
            endpoint,
            era: Era::Stateless,
            silence_max,
            calls: Count::default(),
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
        self.handshake().session_id.is_some()
    }

    /// What the server finds its session by.
    pub(crate) fn session_id(&self) -> Option<String> {
        let id = self.handshake().session_id?;
        id.to_str().ok().map(str::to_owned)
    }

    /// Sends a request and takes its answer, to the end: the client's end is not the server's,
    /// unless the revision says so.
    pub(super) fn call(
        &self,
        conversation: &Arc<Conversation>,
        bytes: Bytes,
        call: &Call,
    ) -> Option<Errand<()>> {
        let id = call.id.clone()?;
        if call.method == Some(Method::Initialize) {
            self.remember(|handshake| {
                handshake.initialize = Some(bytes.clone());
                handshake.headers = call.headers.clone();
                trace_context::remove(&mut handshake.headers);
            });
        }
        let asked = Asked {
            scope: call.scope,
            id,
            outlet: call.outlet.clone(),
            silence_max: match call.method {
                Some(Method::SubscriptionsListen) => SUBSCRIPTION_SILENCE_MAX,
                _ => self.silence_max,
            },
        };
        let headers = call.headers.clone();
        let call_in_progress = self.calls.one_more();
        let conversation = Arc::clone(conversation);
        let tasks = conversation.tasks().clone();
        Some(Errand::new(&tasks, async move {
            let Some(this) = conversation.upstream().http() else {
                return;
            };
            // SPEC: MCP 2026-07-28, Cancellation: a client that closes its stream has cancelled.
            let abandoned = async {
                match &asked.outlet {
                    Some(outlet) if this.is_stateless() => outlet.closed().await,
                    _ => std::future::pending().await,
                }
            };
            let _call = call_in_progress;
            tokio::select! {
                () = this.exchange(&conversation, bytes, &headers, &asked) => {}
                () = abandoned => conversation.on_abandoned(asked.scope, &asked.id).await,
                () = conversation.ended().cancelled() => {
                    Box::pin(asked.fail(&conversation, "the session has ended")).await;
                }
            }
        }))
    }

    async fn exchange(
        &self,
        conversation: &Arc<Conversation>,
        bytes: Bytes,
        headers: &HeaderMap,
        asked: &Asked,
    ) {
        let mut end = match self.post(conversation, bytes, headers).await {
            Ok(answer) => self.take_answer(conversation, answer, asked).await,
            Err(error) => {
                let server = &*conversation.target().name;
                warn!(server, error = &error as &dyn Error, "server not reached");
                StreamEnd::Failed(format!("the server failed: {error}"))
            }
        };
        // A client that knows the server's ids goes on with them; for another it is done here.
        let mut rounds = 0;
        while let StreamEnd::Resumable(position) = &end
            && asked.outlet.as_ref().is_none_or(Outlet::is_kept)
        {
            rounds += 1;
            end = if rounds > RESUMPTIONS_MAX {
                StreamEnd::Failed("the server closed its stream too often".to_owned())
            } else {
                Box::pin(self.resume(conversation, position.clone(), asked)).await
            };
        }
        match end {
            StreamEnd::Answered | StreamEnd::ClientGone => {}
            StreamEnd::Resumable(_) => {
                conversation.touch();
                let mut streams = conversation.streams();
                streams.close_reply(asked.scope, &asked.id);
            }
            StreamEnd::Failed(reason) => Box::pin(asked.fail(conversation, &reason)).await,
        }
    }

    /// Goes on with a stream that the server closed before it had answered.
    async fn resume(
        &self,
        conversation: &Arc<Conversation>,
        position: Position,
        asked: &Asked,
    ) -> StreamEnd {
        sleep(retry(&position)).await;
        let headers = from(self.handshake().headers, &position);
        match self.listen(conversation.revision(), &headers).await {
            Ok(StandaloneStream::Events(events)) => {
                match self.take_events(conversation, events, asked).await {
                    // Without news it stands where it stood.
                    StreamEnd::Failed(_) => StreamEnd::Resumable(position),
                    end => end,
                }
            }
            Ok(StandaloneStream::Refused(status)) => StreamEnd::Failed(format!(
                "the server closed its stream and answered HTTP {status} when asked to go on"
            )),
            Ok(StandaloneStream::Forgotten) => {
                StreamEnd::Failed("the server lost its session".to_owned())
            }
            Err(error) => StreamEnd::Failed(format!("the server failed: {error}")),
        }
    }

    async fn take_answer(
        &self,
        conversation: &Arc<Conversation>,
        answer: Answer,
        asked: &Asked,
    ) -> StreamEnd {
        match answer {
            Answer::Json(head, body) => {
                self.note_session(&head, "json");
                let carried = Carried {
                    outlet: asked.outlet.clone(),
                    position: Position::default(),
                    status: Some(head.status),
                };
                let stream = Some((asked.scope, &asked.id));
                match conversation.on_server(stream, body, carried).await {
                    Ok(Taken::Answered) => StreamEnd::Answered,
                    Ok(Taken::GoesOn | Taken::Forbidden) => StreamEnd::Failed(format!(
                        "the server's HTTP answer ({}) did not answer the request",
                        head.status
                    )),
                    Err(_) => StreamEnd::ClientGone,
                }
            }
            Answer::Events(head, events) => {
                self.note_session(&head, "sse");
                if let Some(outlet) = &asked.outlet {
                    outlet.send(Parcel::Begin).await.ok();
                }
                self.take_events(conversation, events, asked).await
            }
            Answer::Other(head) => {
                StreamEnd::Failed(format!("the server answered HTTP {}", head.status))
            }
        }
    }

    async fn take_events(
        &self,
        conversation: &Arc<Conversation>,
        mut events: Box<EventStream>,
        asked: &Asked,
    ) -> StreamEnd {
        let mut last = Position::default();
        loop {
            let is_resumable = last.id.is_some() && !self.is_stateless();
            // What it does not take now it can fetch later, if it is not taken for it now.
            let client_gone = async {
                match &asked.outlet {
                    Some(outlet) if is_resumable => outlet.closed().await,
                    _ => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                biased;
                () = client_gone => return StreamEnd::Resumable(last),
                event = events.next_within(asked.silence_max) => event,
            };
            let event = match event {
                Some(Ok(event)) => event,
                None if is_resumable => return StreamEnd::Resumable(last),
                None => {
                    return StreamEnd::Failed(
                        "the server closed the stream before it answered".to_owned(),
                    );
                }
                Some(Err(EndpointError::Silent(silence))) => {
                    return StreamEnd::Failed(silent(silence));
                }
                Some(Err(error)) if is_resumable && error.ends_stream() => {
                    return StreamEnd::Resumable(last);
                }
                Some(Err(error)) => {
                    return StreamEnd::Failed(format!("the server's stream is broken: {error}"));
                }
            };
            match self.take_event(conversation, event, asked, &mut last).await {
                Ok(Taken::Answered) => return StreamEnd::Answered,
                Ok(Taken::Forbidden) => {
                    return StreamEnd::Failed(
                        "the server sent a request, which revision 2026-07-28 does not have"
                            .to_owned(),
                    );
                }
                // What the client can fetch later the server must not send twice; what it cannot,
                // has still happened.
                Err(_) if is_resumable => return StreamEnd::Resumable(last),
                Ok(Taken::GoesOn) | Err(_) => {}
            }
        }
    }

    /// Takes what stands at the next position of a stream.
    async fn take_event(
        &self,
        conversation: &Arc<Conversation>,
        event: SseEvent,
        asked: &Asked,
        last: &mut Position,
    ) -> Result<Taken, ClientGone> {
        let is_message = event.is_message();
        let carried = Carried {
            outlet: asked.outlet.clone(),
            position: Position {
                id: event.id,
                retry: told_retry(event.retry),
            },
            status: None,
        };
        self.note_given(&carried.position);
        last.note(&carried.position);
        match event.data.filter(|data| !data.is_empty()) {
            Some(data) if is_message => {
                let stream = Some((asked.scope, &asked.id));
                conversation.on_server(stream, data.into(), carried).await
            }
            _ => pass_position(&carried).await.map(|()| Taken::GoesOn),
        }
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
        let headers = Self::with_session(revision, headers, &self.handshake());
        Ok(match self.endpoint.get(headers).await? {
            Answer::Events(_, events) => StandaloneStream::Events(events),
            Answer::Json(head, _) | Answer::Other(head) => StandaloneStream::Refused(head.status),
        })
    }

    pub(super) async fn end(&self, revision: Option<Revision>) {
        let handshake = self.handshake();
        if handshake.session_id.is_none() {
            return;
        }
        let headers = Self::with_session(revision, &handshake.headers, &handshake);
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
        if let Some(response_type) = self.handshake().response_type {
            metadata.insert("server_response_type", response_type);
        }
        metadata
    }

    fn note_session(&self, head: &Head, response_type: &'static str) {
        self.remember(|handshake| handshake.response_type = Some(response_type));
        if let Some(session_id) = head.headers.get(MCP_SESSION_ID) {
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

    fn handshake(&self) -> Handshake {
        match &self.era {
            Era::Stateless => Handshake::default(),
            Era::Stateful(stateful) => stateful
                .handshake
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }

    fn remember(&self, note: impl FnOnce(&mut Handshake)) {
        if let Era::Stateful(stateful) = &self.era {
            let handshake = &stateful.handshake;
            note(&mut handshake.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn with_session(
        revision: Option<Revision>,
        headers: &HeaderMap,
        handshake: &Handshake,
    ) -> HeaderMap {
        let mut headers = headers.clone();
        if let Some(session_id) = &handshake.session_id {
            headers.insert(MCP_SESSION_ID, session_id.clone());
        }
        let negotiated = revision.filter(|revision| *revision >= Revision::V2025_06_18);
        if let Some(revision) = negotiated
            && let Some(value) = value(revision.as_str())
        {
            headers.insert(MCP_PROTOCOL_VERSION, value);
        }
        headers
    }
}

impl super::Upstream {
    pub(crate) fn http(&self) -> Option<&HttpUpstream> {
        match self {
            Self::Http(http) => Some(http),
            Self::Sse(_) | Self::Stdio(_) => None,
        }
    }
}

// === impl Asked ===

impl Asked {
    async fn fail(&self, conversation: &Arc<Conversation>, reason: &str) {
        conversation
            .on_no_answer(self.scope, &self.id, reason, self.outlet.clone())
            .await;
    }
}
