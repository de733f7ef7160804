//! A client on standard input and output, and a server behind a URL: what `run` does for a server
//! that is not started here.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::HeaderMap;
use portcullis_mcp::{Incoming, Message, Method, view};
use portcullis_session::{RefusalStyle, Scope, Session, Source};
use portcullis_trace::record::{Direction, SessionRecord};
use portcullis_transport::http::endpoint::{Bounds, Connector, Endpoint, EndpointError};
use portcullis_transport::http::reach::Reach;
use portcullis_transport::lines::{LineReader, LineWriter};
use portcullis_transport::signal::EndSignals;
use portcullis_transport::stdio;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::conversation::{Conversation, Terms};
use super::gateway::{Target, TargetServer};
use super::mirror;
use super::outlet::{Outgoing, Outlet, Parcel, Parcels};
use super::upstream::{HttpUpstream, SseError, SseUpstream, Upstream, read_stream};
use crate::config::{HttpServer, HttpTransport, StreamsConfig};
use crate::detectors::ConfiguredDetectors;
use crate::end::End;
use crate::recording::Recording;
use crate::tools::ToolBook;

/// LIMIT: how long a client that has closed its side still gets answers.
const ANSWERS_WAIT_MAX: Duration = Duration::from_secs(10);
/// LIMIT: how long the client may take to read what is left.
const DRAIN_WAIT_MAX: Duration = Duration::from_secs(1);

/// The standard streams, and what the session on them is.
#[derive(Debug)]
pub(crate) struct LocalClient {
    pub(crate) from_client: LineReader<stdio::Input>,
    pub(crate) to_client: LineWriter<stdio::Output>,
    pub(crate) session: Session,
    pub(crate) record: SessionRecord,
    pub(crate) refusal: RefusalStyle,
    pub(crate) tools: ToolBook,
    pub(crate) detectors: Arc<ConfiguredDetectors>,
}

/// Why the server was not reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Sse(#[from] SseError),
}

/// Passes messages on until one side ends, then ends the other.
pub(crate) async fn guard(
    client: LocalClient,
    server: HttpServer,
    message_bytes: usize,
    recording: Arc<Recording>,
    mut signals: EndSignals,
) -> Result<End, ConnectError> {
    let LocalClient {
        mut from_client,
        to_client,
        session,
        record,
        refusal,
        tools,
        detectors,
    } = client;
    let tasks = TaskTracker::new();
    let endpoint = endpoint(&server, message_bytes)?;
    let terms = Terms {
        target: target(&record, &server),
        own_refusal: Some(refusal),
        metadata: record.metadata.clone(),
        own_guardrails: Vec::new(),
        tools,
        client: Mutex::default(),
        kept: Mutex::default(),
        resumption: None,
        began: Instant::now(),
        upload_to: None,
        detectors,
    };
    let open = |upstream| {
        let tasks = tasks.clone();
        Arc::new(Conversation::new(
            terms, session, record, recording, upstream, tasks,
        ))
    };
    let conversation = connect(server.transport, endpoint, open).await?;
    conversation.hold_tools_back().await;
    let (outlet, parcels) = Outlet::new();
    let given_up = outlet.given_up().clone();
    conversation.streams().open_standalone(outlet);
    let mut writing = tasks.spawn(write_all(to_client, parcels));
    let end = tokio::select! {
        biased;
        signal = signals.next() => End::Signal(signal),
        () = conversation.ended().cancelled() => End::Server,
        _ = &mut writing => End::Client,
        // It would wait for ever for what it is not told.
        () = given_up.cancelled() => End::Client,
        () = serve_client(&conversation, &mut from_client) => End::Client,
    };
    conversation.end(end.reason()).await;
    tasks.close();
    if timeout(DRAIN_WAIT_MAX, tasks.wait()).await.is_err() {
        debug!("some work in the background was cut");
    }
    Ok(end)
}

/// Makes it a conversation with the server, which is read from as soon as it is reached.
async fn connect(
    transport: HttpTransport,
    endpoint: Endpoint,
    open: impl FnOnce(Upstream) -> Arc<Conversation>,
) -> Result<Arc<Conversation>, ConnectError> {
    Ok(match transport {
        HttpTransport::StreamableHttp => {
            let silence_max = StreamsConfig::default().request_timeout;
            open(Upstream::Http(HttpUpstream::stateful(
                endpoint,
                silence_max,
            )))
        }
        HttpTransport::Sse => {
            let (upstream, events) = SseUpstream::connect(&endpoint, HeaderMap::new()).await?;
            let conversation = open(Upstream::Sse(upstream));
            let tasks = conversation.tasks();
            tasks.spawn(read_stream(Arc::clone(&conversation), events));
            conversation
        }
    })
}

fn target(record: &SessionRecord, server: &HttpServer) -> Target {
    Target {
        name: Arc::from(record.server.as_str()),
        server: TargetServer::Named(server.clone()),
        meter: Arc::default(),
    }
}

fn endpoint(server: &HttpServer, message_bytes: usize) -> Result<Endpoint, EndpointError> {
    let bounds = Bounds {
        message_bytes,
        wait: StreamsConfig::default().request_timeout,
    };
    let headers = server.headers.iter().cloned().collect();
    Ok(Connector::new(Reach::Configured)?.endpoint(server.url.clone(), headers, bounds))
}

/// Takes what the client says, and waits until all of it is answered, for a bounded time.
async fn serve_client(conversation: &Arc<Conversation>, lines: &mut LineReader<stdio::Input>) {
    read_client(conversation, lines).await;
    if let Some(http) = conversation.upstream().http() {
        http.cancel_subscriptions();
    }
    if timeout(ANSWERS_WAIT_MAX, conversation.quiet())
        .await
        .is_err()
    {
        debug!("the server does not answer, and the client has left");
    }
}

/// Takes what the client says until it has nothing more to say.
async fn read_client(conversation: &Arc<Conversation>, lines: &mut LineReader<stdio::Input>) {
    loop {
        match lines.next().await {
            Ok(Some(Ok(line))) => take(conversation, &line).await,
            Ok(Some(Err(error))) => {
                let actions = conversation
                    .session()
                    .await
                    .on_lost_line(Direction::ToServer, error);
                conversation.on_line(actions).await;
            }
            Ok(None) => return,
            Err(error) => {
                warn!(%error, "reading from the client failed");
                return;
            }
        }
    }
}

async fn take(conversation: &Arc<Conversation>, line: &[u8]) {
    let envelope = conversation.envelope(Direction::ToServer);
    let messages = match Incoming::parse(line, &envelope) {
        Ok(Incoming::Single(message)) => vec![message],
        Ok(Incoming::Batch(messages)) => messages,
        Err(error) => {
            let source = Source::whole(Direction::ToServer);
            let actions = conversation.session().await.on_malformed(&source, error);
            conversation.on_line(actions).await;
            return;
        }
    };
    for message in &messages {
        let (scope, headers) = match conversation.upstream().http() {
            Some(http) => over_http(conversation, http, message).await,
            None => (Scope::SESSION, HeaderMap::new()),
        };
        let headers = Arc::new(headers);
        let taken = conversation.take(message, scope, &headers, None);
        // A client that is gone is seen where its answers are written.
        taken.await.ok();
    }
}

/// The scope of a message, and what it says in headers too.
///
/// Without a session every request has a scope of its own, as long as no other with its id is open,
/// and a cancellation that of the request which it means.
async fn over_http(
    conversation: &Conversation,
    http: &HttpUpstream,
    message: &Message,
) -> (Scope, HeaderMap) {
    if message.method() == Some(&Method::Cancelled) {
        let cancelled = message.params().map(view::cancelled_request);
        let cancelled = cancelled.and_then(|id| http.scope(&id.ok()??));
        return (cancelled.unwrap_or(Scope::SESSION), HeaderMap::new());
    }
    if !mirror::is_stateless(message, conversation.revision()) {
        return (Scope::SESSION, HeaderMap::new());
    }
    let session = conversation.session().await;
    let scope = match message.id().map(|id| (id, http.scope(id))) {
        None => Scope::SESSION,
        Some((id, Some(scope))) if session.is_open(scope, id) => scope,
        Some(_) => conversation.next_scope(),
    };
    let tool = mirror::called_tool(message);
    let known = tool.and_then(|tool| session.argument_headers(tool));
    (scope, mirror::of(message, known.as_deref()))
}

/// Writes until nothing more can come, or nobody reads it.
async fn write_all(mut client: LineWriter<stdio::Output>, mut parcels: Parcels) {
    while let Some(parcel) = parcels.recv().await {
        // Where a stream of events stands is nothing that lines could say.
        let Parcel::Message(Outgoing { bytes, .. }) = *parcel else {
            continue;
        };
        if let Err(error) = client.send(&bytes).await {
            debug!(%error, "writing to the client failed");
            return;
        }
    }
}
