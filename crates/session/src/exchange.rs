//! Which requests wait for which answers, kept apart by direction and by exact id.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use hashbrown::{Equivalent, HashMap};
use portcullis_json::Number;
use portcullis_mcp::{Id, Revision};
use portcullis_trace::record::{Direction, Implementation, Timestamp};

use crate::action::DropReason;
use crate::route::Scope;
use crate::session::Subscription;

/// LIMIT: how often in a second the progress of one request is told.
const PROGRESS_PER_SECOND_MAX: u32 = 100;
const SECOND_MICROS: i64 = 1_000_000;

/// The requests of one direction that have no answer yet.
#[derive(Debug)]
pub(crate) struct Exchanges {
    open: HashMap<(Scope, Id), Exchange>,
    limit: usize,
    opened: u64,
}

/// A request that waits for its answer.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) scope: Scope,
    pub(crate) id: Id,
    pub(crate) method: Arc<str>,
    pub(crate) call_id: CallId,
    pub(crate) progress_token: Option<Id>,
    /// That a request names for itself (SPEC: MCP 2026-07-28, `_meta`).
    pub(crate) revision: Option<Revision>,
    /// The tool, prompt or resource that a request of that era names.
    pub(crate) target: Option<Arc<str>>,
    /// How often the server has asked for more on the way to this request.
    pub(crate) rounds: u32,
    /// The task that it asks about.
    pub(crate) task: Option<Arc<str>>,
    /// If it is a `subscriptions/listen`.
    pub(crate) subscription: Option<Subscription>,
    /// What the client said it is, if the request is its introduction.
    pub(crate) client: Option<Implementation>,
    /// How often it was looked for since it was opened, or its progress was last told.
    looks: u32,
    progress: Progress,
    order: u64,
}

/// How far a request has come, by what was told of it.
#[derive(Clone, Debug)]
struct Progress {
    /// When the second began in which it is counted, and how often it was told since.
    since: Timestamp,
    count: u32,
    last: Option<Number>,
}

/// How a trace calls the request: `call_1`, or `call_s1` for one of the server's. What belongs to the
/// third exchange of a conversation without sessions is `call_3:1`.
///
/// A text id that could be taken for another kind, or for a part of another request, is quoted, so
/// that no two open requests share a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallId(Arc<str>);

/// A request's key while it is looked for.
#[derive(Hash)]
struct Named<'i>(Scope, &'i Id);

/// Why a request cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// Its id belongs to a request without an answer (SPEC: MCP, Base protocol, Requests).
    Duplicate,
    TooMany {
        limit: usize,
    },
}

// === impl Exchanges ===

impl Exchanges {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            open: HashMap::new(),
            limit,
            opened: 0,
        }
    }

    pub(crate) fn can_open(&self, scope: Scope, id: &Id) -> Result<(), OpenError> {
        if self.find(scope, id).is_some() {
            return Err(OpenError::Duplicate);
        }
        if self.open.len() >= self.limit {
            return Err(OpenError::TooMany { limit: self.limit });
        }
        Ok(())
    }

    /// Opens an exchange that [`Self::can_open`].
    pub(crate) fn open(&mut self, mut exchange: Exchange) {
        self.opened += 1;
        exchange.order = self.opened;
        self.open
            .insert((exchange.scope, exchange.id.clone()), exchange);
    }

    /// Takes back a close.
    pub(crate) fn reopen(&mut self, exchange: Exchange) {
        self.open
            .insert((exchange.scope, exchange.id.clone()), exchange);
    }

    pub(crate) fn find(&self, scope: Scope, id: &Id) -> Option<&Exchange> {
        self.open.get(&Named(scope, id))
    }

    pub(crate) fn find_mut(&mut self, scope: Scope, id: &Id) -> Option<&mut Exchange> {
        self.open.get_mut(&Named(scope, id))
    }

    pub(crate) fn close(&mut self, scope: Scope, id: &Id) -> Option<Exchange> {
        self.open.remove(&Named(scope, id))
    }

    /// The id of the scope's only open request, if there is exactly one.
    pub(crate) fn only(&self, scope: Scope) -> Option<Id> {
        let mut exchanges = self.within(scope);
        match (exchanges.next(), exchanges.next()) {
            (Some(exchange), None) => Some(exchange.id.clone()),
            _ => None,
        }
    }

    /// The request that wants to hear of its progress by this token.
    pub(crate) fn by_progress_token(&mut self, scope: Scope, token: &Id) -> Option<&mut Exchange> {
        let mut open = self.open.values_mut();
        open.find(|exchange| {
            exchange.scope == scope && exchange.progress_token.as_ref() == Some(token)
        })
    }

    /// Looks for news of each. Those of which there was none for more looks, oldest first, but for
    /// subscriptions, which may have none.
    pub(crate) fn look(&mut self, looks_max: u32) -> Vec<(Scope, Id)> {
        let all = self.open.values_mut();
        all.for_each(|exchange| exchange.looks = exchange.looks.saturating_add(1));
        let open = self.open.values();
        let silent =
            |exchange: &&Exchange| exchange.subscription.is_none() && exchange.looks > looks_max;
        let mut silent: Vec<_> = open.filter(silent).collect();
        silent.sort_by_key(|exchange| exchange.order);
        let keys = silent.into_iter().map(|one| (one.scope, one.id.clone()));
        keys.collect()
    }

    pub(crate) fn oldest_first(&mut self) -> Vec<&mut Exchange> {
        let mut all: Vec<&mut Exchange> = self.open.values_mut().collect();
        all.sort_by_key(|exchange| exchange.order);
        all
    }

    fn within(&self, scope: Scope) -> impl Iterator<Item = &Exchange> {
        self.open
            .values()
            .filter(move |exchange| exchange.scope == scope)
    }

    /// Whether one of them waits for more than a sign of life: for somebody who decides.
    pub(crate) fn wait_for_decision(&self) -> bool {
        self.open
            .values()
            .any(|exchange| &*exchange.method != "ping")
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Closes all, oldest first.
    pub(crate) fn close_all(&mut self) -> Vec<Exchange> {
        let mut all: Vec<Exchange> = self.open.drain().map(|(_, exchange)| exchange).collect();
        all.sort_by_key(|exchange| exchange.order);
        all
    }
}

// === impl Named ===

impl Equivalent<(Scope, Id)> for Named<'_> {
    fn equivalent(&self, (scope, id): &(Scope, Id)) -> bool {
        self.0 == *scope && self.1 == id
    }
}

// === impl Exchange ===

impl Exchange {
    pub(crate) fn new(
        scope: Scope,
        id: Id,
        method: Arc<str>,
        direction: Direction,
        now: Timestamp,
    ) -> Self {
        let call_id = CallId::new(scope, &id, direction);
        Self {
            scope,
            id,
            method,
            call_id,
            progress_token: None,
            revision: None,
            target: None,
            rounds: 0,
            task: None,
            subscription: None,
            client: None,
            looks: 0,
            progress: Progress {
                since: now,
                count: 0,
                last: None,
            },
            order: 0,
        }
    }

    /// Whether its result must say that it is complete (SPEC: MCP 2026-07-28, `resultType`).
    pub(crate) fn is_stateless(&self) -> bool {
        self.revision.is_some_and(Revision::is_stateless)
    }

    /// Whether what is told of the request may be passed on. It is news of it in any case.
    pub(crate) fn admit_progress(
        &mut self,
        now: Timestamp,
        told: Option<&Number>,
    ) -> Result<(), DropReason> {
        self.looks = 0;
        let progress = &mut self.progress;
        if now.as_micros().saturating_sub(progress.since.as_micros()) >= SECOND_MICROS {
            progress.since = now;
            progress.count = 0;
        }
        if progress.count >= PROGRESS_PER_SECOND_MAX {
            return Err(DropReason::TooMuchProgress);
        }
        // SPEC: MCP, Progress: the value MUST increase with each notification.
        let told = told.ok_or(DropReason::NoProgress)?;
        let increases = progress
            .last
            .as_ref()
            .is_none_or(|last| told.compare(last).is_some_and(Ordering::is_gt));
        increases.then_some(()).ok_or(DropReason::NoProgress)
    }

    /// Takes note of progress that was admitted and judged.
    pub(crate) fn note_progress(&mut self, told: &Number) {
        self.progress.count = self.progress.count.saturating_add(1);
        self.progress.last = Some(told.clone());
    }
}

// === impl CallId ===

impl CallId {
    pub(crate) fn new(scope: Scope, id: &Id, direction: Direction) -> Self {
        let within = (scope != Scope::SESSION).then(|| format!("{}:", scope.0));
        let within = within.as_deref().unwrap_or_default();
        let (side, is_quoted) = match (id, direction) {
            (Id::Integer(_), Direction::ToServer) => ("", false),
            (Id::Integer(_), Direction::ToClient) => ("s", false),
            (Id::String(text), Direction::ToServer) => ("", looks_like_another(text)),
            (Id::String(_), Direction::ToClient) => ("s", true),
        };
        let number;
        let id = match id {
            Id::Integer(integer) => {
                number = integer.to_string();
                &*number
            }
            Id::String(text) => text,
        };
        let quote = if is_quoted { "\"" } else { "" };
        Self(["call_", within, side, quote, id, quote].concat().into())
    }

    /// As a trace has it.
    pub(crate) fn recorded(text: &str) -> Self {
        Self(text.into())
    }

    pub(crate) fn as_shared_str(&self) -> &Arc<str> {
        &self.0
    }
}

/// Whether a text id would be taken for something else than one.
fn looks_like_another(text: &str) -> bool {
    let is_integer = |text: &str| text.parse::<i64>().is_ok();
    let is_of_server = text
        .strip_prefix('s')
        .is_some_and(|rest| is_integer(rest) || rest.starts_with('"'));
    is_integer(text) || is_of_server || text.contains(['"', '.', ':'])
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
