//! What happens now, as a stream of events.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use portcullis_json::Value;
use portcullis_store::Entry;
use portcullis_transport::http::events::EventBody;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::problem::Problem;
use super::session::Event;
use super::shape::Answer;
use crate::api::Api;
use crate::api::answer::{count, object};
use crate::api::identity::with_key;
use crate::explorer::time::stamp;
use crate::feed::Watch;
use crate::login::TRUST_MAX;

/// LIMIT: what waits for somebody who reads slowly, beside what the feed itself holds.
const WAITING_MAX: usize = 16;

/// One event of the stream.
#[derive(Debug)]
struct Told {
    name: &'static str,
    data: Value,
}

pub(super) async fn follow(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let watch = api.recording.feed().watch();
    let (told, parts) = mpsc::channel(WAITING_MAX);
    let tasks = api.gateway.tasks.clone();
    tasks.spawn(tell(Arc::clone(&api), headers, watch, told));
    let keep_alive = api.gateway.config().streams.keep_alive;
    let begin = Told {
        name: "begin",
        data: object([]),
    };
    let body = EventBody::new(Some(begin), parts, Told::write, keep_alive, ());
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Until the one who watches is gone, the key in `headers` is not known to be valid any more, or
/// the gateway ends.
async fn tell(api: Arc<Api>, headers: HeaderMap, mut watch: Watch, told: mpsc::Sender<Told>) {
    let mut looks = interval_at(Instant::now() + TRUST_MAX, TRUST_MAX);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let next = tokio::select! {
            biased;
            () = told.closed() => return,
            _ = looks.tick() => match with_key(&api, &headers).await {
                Ok(()) => continue,
                Err(_) => return,
            },
            next = watch.next() => next,
        };
        let next = match next {
            Some(Ok(entry)) => match Told::of(&entry) {
                Some(told) => told,
                None => continue,
            },
            Some(Err(lost)) => Told {
                name: "lost",
                data: object([("entries", count(lost))]),
            },
            None => return,
        };
        if told.send(next).await.is_err() {
            return;
        }
    }
}

// === impl Told ===

impl Told {
    /// Nothing of what only a gateway needs to know.
    fn of(entry: &Entry) -> Option<Self> {
        Some(match entry {
            Entry::Session(session) => Self {
                name: "session",
                data: object([
                    ("session", session.id.as_str().into()),
                    ("server", session.server.as_str().into()),
                    ("started_at", stamp(session.started_at).into()),
                ]),
            },
            Entry::Event(record) => Self {
                name: "event",
                data: Event::from(record).value(),
            },
            Entry::End(end) => Self {
                name: "end",
                data: object([
                    ("session", end.session.as_str().into()),
                    ("ended_at", stamp(end.ended_at).into()),
                ]),
            },
            Entry::Upload(_) | Entry::Resumption(_) => return None,
        })
    }

    fn write(self, out: &mut Vec<u8>) {
        let Self { name, data } = self;
        out.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
    }
}
