//! What happens now, as a stream of events.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use portcullis_json::Value;
use portcullis_store::Entry;
use portcullis_transport::http::events::EventBody;
use tokio::sync::mpsc;

use super::problem::Problem;
use super::session::Event;
use super::shape::Answer;
use crate::api::Api;
use crate::api::answer::{count, object};
use crate::explorer::time::stamp;
use crate::feed::Watch;

/// LIMIT: what waits for somebody who reads slowly, beside what the feed itself holds.
const WAITING_MAX: usize = 16;

/// One event of the stream.
#[derive(Debug)]
struct Told {
    name: &'static str,
    data: Value,
}

pub(super) async fn follow(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    let watch = api.recording.feed().watch();
    let (told, parts) = mpsc::channel(WAITING_MAX);
    api.gateway.tasks.spawn(tell(watch, told));
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

/// Until the one who watches is gone, or the gateway ends.
async fn tell(mut watch: Watch, told: mpsc::Sender<Told>) {
    loop {
        let next = tokio::select! {
            next = watch.next() => next,
            () = told.closed() => return,
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
