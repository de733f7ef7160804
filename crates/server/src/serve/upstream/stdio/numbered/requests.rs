//! Which requests wait for their answers, by number, and what the server says about them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use portcullis_json::{Limits, Value};
use portcullis_mcp::{
    EnvelopeLimits, Id, Incoming, Malformed, Meant, Message, MessageKind, Method, Naming,
    meta_name, view,
};
use portcullis_session::{DropReason, Scope};

use super::queue::{Listening, Queue, queue};

/// The requests that wait for their answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests(Arc<Mutex<Numbers>>);

#[derive(Debug, Default)]
struct Numbers {
    last: i64,
    open: BTreeMap<i64, Arc<Request>>,
}

/// A request as its client knows it.
#[derive(Debug)]
pub(super) struct Request {
    scope: Scope,
    id: Id,
    progress_token: Option<Id>,
    is_subscription: bool,
    /// Whether it is a subscription that the server has acknowledged: only its end is to come.
    is_under_way: AtomicBool,
    /// The least severe log that it asks for.
    log: Option<usize>,
    /// To whom the client is told what the server says.
    queue: Queue,
}

/// A request with its number, for as long as it is kept.
#[derive(Debug)]
pub(super) struct Waiting {
    all: Requests,
    number: i64,
    pub(super) listening: Listening,
}

/// What the server says about a request, as its client is to read it.
#[derive(Debug)]
pub(super) enum Said {
    Answer(String),
    /// An answer that cannot be read.
    Broken(Malformed),
    /// An answer that is lost, or none, for a reason that the client may read.
    Failed(String),
    News(String),
    /// That a subscription is at its end.
    End,
}

/// What a line of the server's is.
#[derive(Debug)]
pub(super) enum Heard {
    Of(Arc<Request>, Said),
    /// A request, of which there are none.
    Request(Id),
    /// A message that nobody waits for.
    Stray(DropReason),
    /// What still comes of a request that is over.
    Late,
    /// No message.
    Other,
}

// === impl Requests ===

impl Requests {
    /// Gives a request its number, and the line that it is on the pipe.
    pub(super) fn number(
        &self,
        message: &Message,
        scope: Scope,
        limits: &Limits,
    ) -> Option<(Waiting, String)> {
        let (queue, listening) = queue();
        let number = self.next_number();
        let request = Request::of(message, scope, queue)?;
        let has_token = request.progress_token.is_some();
        self.lock().open.insert(number, Arc::new(request));
        let waiting = Waiting {
            all: self.clone(),
            number,
            listening,
        };
        let number = waiting.number();
        let mut names = vec![(Naming::Id, &number)];
        if has_token {
            names.push((Naming::ProgressToken, &number));
        }
        let line = message.renamed(&names, limits)?;
        Some((waiting, line))
    }

    /// Reads a line of the server's. A request that it answers does not wait any more.
    pub(super) fn hear(&self, line: &Bytes, limits: &EnvelopeLimits) -> Heard {
        match Incoming::parse_shared(line, limits) {
            Ok(Incoming::Single(message)) => self.hear_message(&message, &limits.json),
            Err(error) if error.meant == Meant::Answer => {
                let answered = match &error.id {
                    Some(id) => self.close(id),
                    None => self.close_only(),
                };
                answered.map_or(Heard::Other, |of| Heard::Of(of, Said::Broken(error)))
            }
            Ok(Incoming::Batch(_)) | Err(_) => Heard::Other,
        }
    }

    /// The request that waits, if it is the only one. It does not any more.
    pub(super) fn close_only(&self) -> Option<Arc<Request>> {
        let mut numbers = self.lock();
        let mut waiting = numbers.open.iter().filter(|(_, request)| request.waits());
        let number = match (waiting.next(), waiting.next()) {
            (Some((number, _)), None) => *number,
            _ => return None,
        };
        numbers.open.remove(&number)
    }

    pub(super) fn with_id(&self, scope: Scope, id: &Id) -> Option<Arc<Request>> {
        let numbers = self.lock();
        let mut open = numbers.open.values();
        let found = open.find(|request| request.scope == scope && request.id == *id);
        found.cloned()
    }

    pub(super) fn subscriptions(&self) -> Vec<Arc<Request>> {
        let numbers = self.lock();
        let open = numbers.open.values();
        let subscriptions = open.filter(|request| request.is_subscription);
        subscriptions.cloned().collect()
    }

    fn hear_message(&self, message: &Message, limits: &Limits) -> Heard {
        match message.kind() {
            MessageKind::Request { id, .. } => Heard::Request(id.clone()),
            MessageKind::Notification { method } => self.hear_notification(message, method, limits),
            MessageKind::Response { id: Some(id), .. } => self.hear_answer(message, id, limits),
            // An error that its sender could not attribute.
            MessageKind::Response { id: None, .. } => match self.close_only() {
                Some(request) => {
                    let text = message.renamed(&[], limits).unwrap_or_default();
                    Heard::Of(request, Said::Answer(text))
                }
                None => Heard::Stray(DropReason::UnattributedError),
            },
        }
    }

    fn hear_answer(&self, message: &Message, id: &Id, limits: &Limits) -> Heard {
        let Some(request) = self.find(id) else {
            return match self.close_of_other_type(id) {
                Some(request) => {
                    let reason = "the answer came with an id of another type".to_owned();
                    Heard::Of(request, Said::Failed(reason))
                }
                None if self.was_given(id) => Heard::Late,
                None => Heard::Stray(DropReason::UnknownResponse),
            };
        };
        let mut namings = vec![Naming::Id];
        if message.named(Naming::Subscription).as_ref() == Some(id) {
            namings.push(Naming::Subscription);
        }
        match request.name(message, &namings, limits) {
            Some(text) => {
                self.close(id);
                Heard::Of(request, Said::Answer(text))
            }
            None => Heard::Other,
        }
    }

    fn hear_notification(&self, message: &Message, method: &Method, limits: &Limits) -> Heard {
        let naming = match method {
            Method::Cancelled => return self.hear_cancellation(message),
            Method::LoggingMessage => return self.hear_log(message, limits),
            Method::Progress => Naming::Progress,
            _ => Naming::Subscription,
        };
        let number = message.named(naming);
        let named = number.as_ref().and_then(|number| self.find(number));
        let text = named
            .as_ref()
            .and_then(|of| of.name(message, &[naming], limits));
        match (named, text) {
            (Some(request), Some(text)) => {
                request.is_under_way.store(true, Ordering::Relaxed);
                Heard::Of(request, Said::News(text))
            }
            _ if number.is_some_and(|number| self.was_given(&number)) => Heard::Late,
            _ => Heard::Stray(match method {
                Method::Progress => DropReason::ProgressOfNothing,
                _ => DropReason::OtherSubscription,
            }),
        }
    }

    /// SPEC: MCP 2026-07-28, Logging: for requests that ask for it. Nothing says for which it is.
    fn hear_log(&self, message: &Message, limits: &Limits) -> Heard {
        let level = message
            .params()
            .and_then(|params| params.get("level")?.as_str());
        let severity = level.and_then(view::severity);
        let newest = {
            let numbers = self.lock();
            let mut newest_first = numbers.open.values().rev();
            let asks = |request: &&Arc<Request>| {
                request.log.is_some() && severity >= request.log && !request.is_subscription
            };
            newest_first.find(asks).cloned()
        };
        let text = message.renamed(&[], limits);
        match (newest, text) {
            (Some(request), Some(text)) => Heard::Of(request, Said::News(text)),
            _ => Heard::Stray(DropReason::LogForNobody),
        }
    }

    /// SPEC: MCP 2026-07-28, Subscriptions: on standard streams a server ends one so. Over HTTP its
    /// answer does.
    fn hear_cancellation(&self, message: &Message) -> Heard {
        let number = message.named(Naming::Cancellation);
        let ended = number.as_ref().and_then(|number| self.find(number));
        match ended {
            Some(request) if request.is_subscription => Heard::Of(request, Said::End),
            None if number.is_some_and(|number| self.was_given(&number)) => Heard::Late,
            Some(_) | None => Heard::Stray(DropReason::CancelsNothing),
        }
    }

    fn next_number(&self) -> i64 {
        let mut numbers = self.lock();
        numbers.last += 1;
        numbers.last
    }

    fn find(&self, number: &Id) -> Option<Arc<Request>> {
        match number {
            Id::Integer(number) => self.lock().open.get(number).cloned(),
            Id::String(_) => None,
        }
    }

    fn close(&self, number: &Id) -> Option<Arc<Request>> {
        match number {
            Id::Integer(number) => self.lock().open.remove(number),
            Id::String(_) => None,
        }
    }

    /// Of the request whose number is written there as a text.
    fn close_of_other_type(&self, id: &Id) -> Option<Arc<Request>> {
        match id {
            Id::String(text) => self.close(&Id::Integer(text.parse().ok()?)),
            Id::Integer(_) => None,
        }
    }

    fn was_given(&self, number: &Id) -> bool {
        matches!(number, Id::Integer(number) if (1..=self.lock().last).contains(number))
    }

    fn lock(&self) -> MutexGuard<'_, Numbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Request ===

impl Request {
    fn of(message: &Message, scope: Scope, queue: Queue) -> Option<Self> {
        let meta = message.params().and_then(|params| params.get("_meta"));
        let level = meta.and_then(|meta| meta.get(meta_name::LOG_LEVEL));
        Some(Self {
            scope,
            id: message.id()?.clone(),
            progress_token: message.named(Naming::ProgressToken),
            is_subscription: message.method() == Some(&Method::SubscriptionsListen),
            is_under_way: AtomicBool::new(false),
            log: level.and_then(Value::as_str).and_then(view::severity),
            queue,
        })
    }

    /// Whether an answer may come at any time.
    fn waits(&self) -> bool {
        !self.is_subscription || !self.is_under_way.load(Ordering::Relaxed)
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The text of a message that names it in these places, as its client knows it.
    fn name(&self, message: &Message, namings: &[Naming], limits: &Limits) -> Option<String> {
        let names = namings.iter().map(|naming| {
            let name = match naming {
                Naming::Progress => self.progress_token.as_ref()?,
                _ => &self.id,
            };
            Some((*naming, name))
        });
        message.renamed(&names.collect::<Option<Vec<_>>>()?, limits)
    }
}

// === impl Said ===

impl Said {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Answer(text) | Self::News(text) | Self::Failed(text) => text.len(),
            Self::Broken(_) | Self::End => 0,
        }
    }
}

// === impl Waiting ===

impl Waiting {
    pub(super) fn number(&self) -> Id {
        Id::Integer(self.number)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.all.lock().open.remove(&self.number);
    }
}
