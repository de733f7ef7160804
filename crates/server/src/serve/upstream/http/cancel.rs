//! Requests that a client cancels with a message, where the server is told by the end of a stream.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portcullis_mcp::Id;
use portcullis_session::Scope;
use tokio_util::sync::CancellationToken;

/// Those that are on their way.
#[derive(Clone, Debug, Default)]
pub(super) struct Cancellable(Arc<Mutex<HashMap<(Scope, Id), Request>>>);

#[derive(Debug)]
struct Request {
    cancelled: CancellationToken,
    is_subscription: bool,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Cancelling {
    all: Cancellable,
    key: (Scope, Id),
    pub(super) cancelled: CancellationToken,
}

// === impl Cancellable ===

impl Cancellable {
    pub(super) fn enter(&self, scope: Scope, id: Id, is_subscription: bool) -> Cancelling {
        let key = (scope, id);
        let cancelled = CancellationToken::new();
        let request = Request {
            cancelled: cancelled.clone(),
            is_subscription,
        };
        self.lock().insert(key.clone(), request);
        Cancelling {
            all: self.clone(),
            key,
            cancelled,
        }
    }

    /// Whether there is such a request, which is over then.
    pub(super) fn cancel(&self, scope: Scope, id: &Id) -> bool {
        let request = self.lock().remove(&(scope, id.clone()));
        request
            .inspect(|request| request.cancelled.cancel())
            .is_some()
    }

    pub(super) fn cancel_subscriptions(&self) {
        self.lock().retain(|_, request| {
            if request.is_subscription {
                request.cancelled.cancel();
            }
            !request.is_subscription
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Scope, Id), Request>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Cancelling ===

impl Drop for Cancelling {
    fn drop(&mut self) {
        // By its id there may be another since it was cancelled.
        if !self.cancelled.is_cancelled() {
            self.all.lock().remove(&self.key);
        }
    }
}
