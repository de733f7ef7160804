//! Which requests wait for their answers, by number, and what the server says about them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portcullis_json::Limits;
use portcullis_mcp::{
    EnvelopeLimits, Id, Incoming, Malformed, Meant, Message, MessageKind, Method, Naming, meta_name,
};
use portcullis_session::{Scope, Source, Stream};
use portcullis_trace::record::Direction;
use tokio_util::sync::CancellationToken;

use crate::serve::outlet::Outlet;

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
    pub(super) scope: Scope,
    pub(super) id: Id,
    progress_token: Option<Id>,
    is_subscription: bool,
    asks_for_log: bool,
    /// Where the answer goes.
    pub(super) outlet: Option<Outlet>,
    /// Its answer has come.
    pub(super) answered: CancellationToken,
    /// The server has ended it. There may be an answer still.
    pub(super) ended: CancellationToken,
}

/// A request with its number, for as long as it is kept.
#[derive(Debug)]
pub(super) struct Waiting {
    all: Requests,
    number: i64,
    pub(super) request: Arc<Request>,
}

/// What a line of the server's is.
#[derive(Debug)]
pub(super) enum Heard {
    /// The answer to a request, as its client is to read it.
    Answer(Arc<Request>, String),
    /// What else there is to say about a request.
    News(Arc<Request>, String),
    /// An answer that cannot be read.
    Broken(Arc<Request>, Malformed),
    /// That a subscription is at its end.
    End(Arc<Request>),
    /// What is known.
    Nothing,
    /// Nothing about a request that waits.
    Other,
}

// === impl Requests ===

impl Requests {
    /// Gives a request its number, and the line that it is on the pipe.
    pub(super) fn number(
        &self,
        message: &Message,
        scope: Scope,
        outlet: Option<Outlet>,
        limits: &Limits,
    ) -> Option<(Waiting, String)> {
        let request = Arc::new(Request::of(message, scope, outlet)?);
        let has_token = request.progress_token.is_some();
        let waiting = self.enter(request);
        let number = waiting.number();
        let mut names = vec![(Naming::Id, &number)];
        if has_token {
            names.push((Naming::ProgressToken, &number));
        }
        let line = message.renamed(&names, limits)?;
        Some((waiting, line))
    }

    /// Reads a line of the server's. A request that it answers does not wait any more.
    pub(super) fn hear(&self, line: &[u8], limits: &EnvelopeLimits) -> Heard {
        match Incoming::parse(line, limits) {
            Ok(Incoming::Single(message)) => self.hear_message(&message, &limits.json),
            Ok(Incoming::Batch(_)) => Heard::Other,
            Err(error) => {
                let answered = match &error.id {
                    _ if error.meant != Meant::Answer => None,
                    Some(id) => self.close(id),
                    None => self.only(),
                };
                answered.map_or(Heard::Other, |request| Heard::Broken(request, error))
            }
        }
    }

    /// The request that waits, if it is the only one.
    pub(super) fn only(&self) -> Option<Arc<Request>> {
        let numbers = self.lock();
        let mut open = numbers.open.values();
        let only = open.next()?;
        open.next().is_none().then(|| Arc::clone(only))
    }

    fn hear_message(&self, message: &Message, limits: &Limits) -> Heard {
        match message.kind() {
            MessageKind::Response { id: Some(id), .. } => {
                let Some(request) = self.find(id) else {
                    return Heard::Other;
                };
                let mut namings = vec![Naming::Id];
                if message.named(Naming::Subscription).as_ref() == Some(id) {
                    namings.push(Naming::Subscription);
                }
                let Some(text) = request.name(message, &namings, limits) else {
                    return Heard::Other;
                };
                self.close(id);
                Heard::Answer(request, text)
            }
            MessageKind::Notification { method } => self.hear_notification(message, method, limits),
            MessageKind::Response { id: None, .. } | MessageKind::Request { .. } => Heard::Other,
        }
    }

    fn hear_notification(&self, message: &Message, method: &Method, limits: &Limits) -> Heard {
        let naming = match method {
            Method::Cancelled => return self.hear_cancellation(message),
            Method::Progress => Naming::Progress,
            _ => Naming::Subscription,
        };
        let found = match message.named(naming) {
            Some(number) => {
                let named = self.find(&number);
                named.map(|request| (request, vec![naming]))
            }
            // SPEC: MCP 2026-07-28, Logging: for a request that asks for it. Nothing says for which.
            None if *method == Method::LoggingMessage => {
                let newest = self.newest_with_log();
                newest.map(|request| (request, Vec::new()))
            }
            None => None,
        };
        let Some((request, namings)) = found else {
            return Heard::Other;
        };
        match request.name(message, &namings, limits) {
            Some(text) => Heard::News(request, text),
            None => Heard::Other,
        }
    }

    /// SPEC: MCP 2026-07-28, Subscriptions: on standard streams a server ends one so. Over HTTP its
    /// answer does.
    fn hear_cancellation(&self, message: &Message) -> Heard {
        let number = message.named(Naming::Cancellation);
        let ended = number.as_ref().and_then(|number| self.find(number));
        match ended {
            Some(request) if request.is_subscription => Heard::End(request),
            // It has been answered.
            None if number.is_some_and(|number| self.was_given(&number)) => Heard::Nothing,
            Some(_) | None => Heard::Other,
        }
    }

    fn enter(&self, request: Arc<Request>) -> Waiting {
        let mut numbers = self.lock();
        numbers.last += 1;
        let number = numbers.last;
        numbers.open.insert(number, Arc::clone(&request));
        Waiting {
            all: self.clone(),
            number,
            request,
        }
    }

    fn find(&self, number: &Id) -> Option<Arc<Request>> {
        match number {
            Id::Integer(number) => self.lock().open.get(number).cloned(),
            Id::String(_) => None,
        }
    }

    fn close(&self, number: &Id) -> Option<Arc<Request>> {
        match number {
            Id::Integer(number) => {
                let request = self.lock().open.remove(number)?;
                request.answered.cancel();
                Some(request)
            }
            Id::String(_) => None,
        }
    }

    fn newest_with_log(&self) -> Option<Arc<Request>> {
        let numbers = self.lock();
        let mut newest_first = numbers.open.values().rev();
        newest_first
            .find(|request| request.asks_for_log)
            .map(Arc::clone)
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
    fn of(message: &Message, scope: Scope, outlet: Option<Outlet>) -> Option<Self> {
        let meta = message.params().and_then(|params| params.get("_meta"));
        Some(Self {
            scope,
            id: message.id()?.clone(),
            progress_token: message.named(Naming::ProgressToken),
            is_subscription: message.method() == Some(&Method::SubscriptionsListen),
            asks_for_log: meta.is_some_and(|meta| meta.get(meta_name::LOG_LEVEL).is_some()),
            outlet,
            answered: CancellationToken::new(),
            ended: CancellationToken::new(),
        })
    }

    /// What answers it, or goes before its answer.
    pub(super) fn source(&self) -> Source {
        Source {
            direction: Direction::ToClient,
            scope: self.scope,
            stream: Stream::Of(self.id.clone()),
        }
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
