use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use portcullis_engine::{Answer, DetectorCall, Detectors, Lookup, Policy};
use portcullis_json::{Object, Value};
use portcullis_mcp::{EnvelopeLimits, Id, Peer, Revision};
use portcullis_session::{
    Guardrail, GuardrailAction, Party, RefusalStyle, Scope, Session, SessionContext, SessionLimits,
    ToolChecks,
};
use portcullis_store::{Durability, Location};
use portcullis_trace::pin::ToolServer;
use portcullis_trace::record::{GuardrailName, Origin, SessionRecord};
use portcullis_transport::http::endpoint::{Bounds, Connector, Endpoint};
use portcullis_transport::http::reach::Reach;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, advance};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::*;
use crate::config::{DetectorsConfig, HttpServer, HttpTransport};
use crate::detectors::ConfiguredDetectors;
use crate::recording::Recording;
use crate::serve::conversation::Terms;
use crate::serve::gateway::{Target, TargetServer};
use crate::serve::upstream::{HttpUpstream, Upstream};
use crate::tools::ToolBook;

const SECRETS: &str = "from invariant.detectors import secrets\n\
    raise \"secrets\" if:\n    (c: ToolCall)\n    any(secrets(c.function.arguments.text))\n";
const INJECTION: &str = "from invariant.detectors import prompt_injection\n\
    raise \"injection\" if:\n    (c: ToolCall)\n    prompt_injection(c.function.arguments.text)\n";
const LONG: usize = 100_000;
/// Far longer than all that the tests do meanwhile. Only a gateway that waits for it sees its end.
const HELD_MAX: Duration = Duration::from_secs(20);

/// `secrets` fails on every long text, and the first time holds the thread that asks until it is told
/// to go on. `prompt_injection` is never known at once.
#[derive(Debug)]
struct Holding {
    /// Whether a text is held only once `prompt_injection` was asked.
    holds_later: bool,
    was_asked: AtomicBool,
    holds: mpsc::Sender<()>,
    may_go_on: Mutex<Receiver<()>>,
    has_held: AtomicBool,
    gave_up: AtomicBool,
}

/// Who has a text held.
struct Holder {
    detectors: Arc<Holding>,
    held: mpsc::Receiver<()>,
    go_on: SyncSender<()>,
}

impl Detectors for Holding {
    fn answer(&self, call: &DetectorCall) -> Lookup {
        let answer = Answer {
            value: Value::Array(Vec::new().into()),
            marks: Vec::new(),
        };
        if call.text.len() < LONG {
            return Lookup::Ready(Ok(answer));
        }
        if call.detector == "prompt_injection" {
            self.was_asked.store(true, Ordering::Relaxed);
            return Lookup::Later;
        }
        let holds = !self.holds_later || self.was_asked.load(Ordering::Relaxed);
        if holds && !self.has_held.swap(true, Ordering::Relaxed) {
            self.holds.try_send(()).ok();
            let may_go_on = self.may_go_on.lock();
            let may_go_on = may_go_on.unwrap_or_else(PoisonError::into_inner);
            if may_go_on.recv_timeout(HELD_MAX).is_err() {
                self.gave_up.store(true, Ordering::Relaxed);
            }
        }
        Lookup::Ready(Err("made to fail".to_owned()))
    }
}

fn holder(holds_later: bool) -> Holder {
    let (holds, held) = mpsc::channel(1);
    let (go_on, may_go_on) = sync_channel(1);
    let detectors = Holding {
        holds_later,
        was_asked: AtomicBool::new(false),
        holds,
        may_go_on: Mutex::new(may_go_on),
        has_held: AtomicBool::new(false),
        gave_up: AtomicBool::new(false),
    };
    Holder {
        detectors: Arc::new(detectors),
        held,
        go_on,
    }
}

fn session(
    policies: &[&str],
    detectors: &Arc<Holding>,
    record: &SessionRecord,
    revision: Option<Revision>,
) -> Session {
    let guardrails = policies.iter().map(|policy| Guardrail {
        name: GuardrailName {
            id: None,
            name: "g".to_owned(),
        },
        policy: Ok(Policy::load(policy).policy.unwrap()),
        on_violation: GuardrailAction::Log,
        on_failure: GuardrailAction::Log,
    });
    Session::new(SessionContext {
        tool_checks: ToolChecks::default(),
        id: record.id.clone(),
        revision,
        has_argument_headers: false,
        server: "s".into(),
        party: Party::default(),
        guardrails: guardrails.collect(),
        parameters: Object::new(),
        refusal: RefusalStyle::Result,
        extra_methods: Vec::new(),
        limits: SessionLimits::default(),
        detectors: Arc::clone(detectors) as _,
    })
}

fn conversation(
    policies: &[&str],
    detectors: &Arc<Holding>,
    directory: &Path,
) -> Arc<Conversation> {
    let upstream = Upstream::Http(HttpUpstream::stateful(endpoint(), HELD_MAX));
    conversation_with(upstream, policies, detectors, directory)
}

fn server() -> HttpServer {
    HttpServer {
        url: "http://127.0.0.1:9/".parse().unwrap(),
        transport: HttpTransport::StreamableHttp,
        headers: Vec::new(),
        forward_headers: Vec::new(),
    }
}

fn endpoint() -> Endpoint {
    let bounds = Bounds {
        message_bytes: 1 << 20,
        wait: HELD_MAX,
    };
    let connector = Connector::new(Reach::Configured).unwrap();
    connector.endpoint(server().url, HeaderMap::new(), bounds)
}

fn conversation_with(
    upstream: Upstream,
    policies: &[&str],
    detectors: &Arc<Holding>,
    directory: &Path,
) -> Arc<Conversation> {
    let record = SessionRecord {
        metadata: Object::new(),
        id: Uuid::now_v7().to_string().parse().unwrap(),
        project: None,
        name: None,
        server: "s".to_owned(),
        client: None,
        started_at: now(),
        origin: Origin::Live,
        index: None,
        hierarchy_path: Vec::new(),
    };
    let revision = upstream.is_stateless().then_some(Revision::V2026_07_28);
    let session = session(policies, detectors, &record, revision);
    let location = Location::Sqlite(directory.join("traces.db"));
    let (recording, failure) = Recording::open(&location, Durability::Relaxed).unwrap();
    assert!(failure.is_none());
    let book = ToolServer {
        name: "s".into(),
        target: "t".into(),
        shown_as: "t".into(),
    };
    let terms = Terms {
        target: Target {
            name: "s".into(),
            server: TargetServer::Named(server()),
            meter: Arc::default(),
        },
        own_refusal: Some(RefusalStyle::Result),
        metadata: Object::new(),
        own_guardrails: Vec::new(),
        tools: ToolBook::new(book, recording.pool().clone(), None),
        client: Mutex::default(),
        kept: Mutex::default(),
        resumption: None,
        began: Instant::now(),
        upload_to: None,
        detectors: Arc::new(ConfiguredDetectors::new(&DetectorsConfig::default()).unwrap()),
    };
    let (recording, tasks) = (Arc::new(recording), TaskTracker::new());
    Arc::new(Conversation::new(
        terms, session, record, recording, upstream, tasks,
    ))
}

pub(in crate::serve) fn call(id: u32, characters: usize) -> Message {
    let text = "x".repeat(characters);
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"t","arguments":{{"text":"{text}"}}}}}}"#
    );
    Message::parse(&Bytes::from(call), &EnvelopeLimits::new(Peer::Client)).unwrap()
}

/// Has a call judged, and gives the place that it got in the session.
pub(in crate::serve) async fn place(conversation: Arc<Conversation>, call: Message) -> u64 {
    let source = Source::whole(Direction::ToServer);
    let actions = conversation.judge(&source, &call, None).await;
    let mut recorded = actions.iter().filter_map(|action| match action {
        Action::Record { event, .. } => Some(event.sequence.value()),
        _ => None,
    });
    recorded.next().unwrap()
}

/// One that nothing is asked about.
pub(in crate::serve) fn quiet_conversation(directory: &Path) -> Arc<Conversation> {
    conversation(&[], &holder(false).detectors, directory)
}

/// The same with this server.
pub(in crate::serve) fn quiet_conversation_with(
    upstream: Upstream,
    directory: &Path,
) -> Arc<Conversation> {
    conversation_with(upstream, &[], &holder(false).detectors, directory)
}

/// On one thread, as on a lane.
async fn nobody_waits_for_a_held_message(policies: &[&str], holds_later: bool) {
    let directory = TempDir::new().unwrap();
    let mut holder = holder(holds_later);
    let open = || conversation(policies, &holder.detectors, directory.path());
    let (one, other) = (open(), open());
    let tasks = TaskTracker::new();
    let long = tasks.spawn(place(Arc::clone(&one), call(1, LONG)));
    holder.held.recv().await.unwrap();

    // What a request of the same session reads before it is judged.
    assert_eq!(one.envelope(Direction::ToServer).revision, None);
    assert_eq!(one.revision(), None);
    assert!(!one.is_initialized());
    assert!(one.is_quiet());
    let second = tasks.spawn(place(Arc::clone(&one), call(2, 1)));
    let abandoning = Arc::clone(&one);
    let abandoned = tasks.spawn(async move {
        abandoning
            .on_abandoned(Scope::SESSION, &Id::Integer(7))
            .await;
    });
    let failing = Arc::clone(&one);
    let failed = tasks.spawn(async move {
        let id = Id::Integer(8);
        failing
            .on_no_answer(Scope::SESSION, &id, "gone", None)
            .await;
    });
    yield_now().await;
    // The other session of the thread is served to its end.
    assert_eq!(place(other, call(1, 1)).await, 1);
    assert!(!second.is_finished() && !abandoned.is_finished() && !failed.is_finished());
    assert!(!holder.detectors.gave_up.load(Ordering::Relaxed));

    holder.go_on.send(()).unwrap();
    assert_eq!(long.await.unwrap(), 1);
    assert_eq!(second.await.unwrap(), 2);
    abandoned.await.unwrap();
    failed.await.unwrap();
    assert!(!holder.detectors.gave_up.load(Ordering::Relaxed));
}

#[tokio::test]
async fn nobody_waits_while_a_long_message_is_judged() {
    nobody_waits_for_a_held_message(&[SECRETS], false).await;
}

#[tokio::test]
async fn nobody_waits_while_a_long_message_is_judged_with_answers() {
    nobody_waits_for_a_held_message(&[SECRETS, INJECTION], true).await;
}

#[tokio::test]
async fn the_stream_of_a_request_that_is_over_already_ends_with_that_of_the_server() {
    let directory = TempDir::new().unwrap();
    let conversation = quiet_conversation(directory.path());
    let (scope, id) = (conversation.next_scope(), Id::Integer(1));
    let (outlet, mut parcels) = Outlet::new();
    let open = Outlet::clone(&outlet);
    conversation.streams().open_reply(scope, id.clone(), open);
    // Another request with the same id has a stream of its own.
    let (other, _) = Outlet::new();
    conversation
        .on_no_answer(scope, &id, "gone", Some(other))
        .await;
    assert!(conversation.streams().has_reply(scope, &id));
    conversation
        .on_no_answer(scope, &id, "gone", Some(outlet))
        .await;
    assert!(!conversation.streams().has_reply(scope, &id));
    assert!(parcels.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_told_of_a_failure_is_not_idle_yet() {
    const SILENCE: Duration = Duration::from_mins(1);
    let directory = TempDir::new().unwrap();
    let conversation = quiet_conversation(directory.path());
    place(Arc::clone(&conversation), call(1, 1)).await;
    advance(SILENCE).await;
    let id = Id::Integer(1);
    conversation
        .on_no_answer(Scope::SESSION, &id, "gone", None)
        .await;
    assert!(conversation.idle().unwrap() < SILENCE);
}
