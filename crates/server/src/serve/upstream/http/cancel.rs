//! Requests that a client cancels with a message, where the server is told by the end of a stream.
//!
//! Each has a scope of its own: what is still to come of one that was cancelled is nothing to another
//! with its id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portcullis_mcp::Id;
use portcullis_session::Scope;
use tokio_util::sync::CancellationToken;

/// Those that are on their way; of several with one id, the last.
#[derive(Clone, Debug, Default)]
pub(super) struct Cancellable(Arc<Mutex<HashMap<Id, Request>>>);

#[derive(Debug)]
struct Request {
    scope: Scope,
    cancelled: CancellationToken,
    is_subscription: bool,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Cancelling {
    all: Cancellable,
    scope: Scope,
    id: Id,
    pub(super) cancelled: CancellationToken,
}

// === impl Cancellable ===

impl Cancellable {
    pub(super) fn enter(&self, scope: Scope, id: Id, is_subscription: bool) -> Cancelling {
        let cancelled = CancellationToken::new();
        let request = Request {
            scope,
            cancelled: cancelled.clone(),
            is_subscription,
        };
        self.lock().insert(id.clone(), request);
        Cancelling {
            all: self.clone(),
            scope,
            id,
            cancelled,
        }
    }

    pub(super) fn scope(&self, id: &Id) -> Option<Scope> {
        self.lock().get(id).map(|request| request.scope)
    }

    /// Whether there is such a request, which is over then.
    pub(super) fn cancel(&self, scope: Scope, id: &Id) -> bool {
        let requests = self.lock();
        let request = requests.get(id).filter(|request| request.scope == scope);
        if let Some(request) = request {
            request.cancelled.cancel();
        }
        request.is_some()
    }

    pub(super) fn cancel_subscriptions(&self) {
        let requests = self.lock();
        let subscriptions = requests.values().filter(|request| request.is_subscription);
        subscriptions.for_each(|request| request.cancelled.cancel());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Request>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Cancelling ===

impl Drop for Cancelling {
    fn drop(&mut self) {
        let mut requests = self.all.lock();
        let last = requests.get(&self.id);
        if last.is_some_and(|request| request.scope == self.scope) {
            requests.remove(&self.id);
        }
    }
}
