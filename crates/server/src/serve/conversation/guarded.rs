//! A session that several tasks have to do with.
//!
//! While a long message is judged on another thread, all others of its session wait for that, and
//! share their thread with other sessions. So nobody waits on a thread, and what a request reads of
//! a session before it is judged does not wait at all.

use portcullis_mcp::{EnvelopeLimits, Revision, UnknownMeta};
use portcullis_session::Session;
use portcullis_trace::record::Direction;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex as StdMutex, MutexGuard as StdMutexGuard, PoisonError};
use tokio::sync::{Mutex, MutexGuard, Notify};

/// See the module.
#[derive(Debug)]
pub(super) struct GuardedSession {
    session: Mutex<Session>,
    to_server: EnvelopeLimits,
    to_client: EnvelopeLimits,
    noted: Noted,
}

/// What is seen of a session by those who do not have it.
#[derive(Debug)]
struct Noted {
    seen: StdMutex<Seen>,
    /// Told when the last of the client's requests has its answer.
    quiet: Notify,
}

/// What was so when the session was last let go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) revision: Option<Revision>,
    pub(super) is_initialized: bool,
    /// Whether no request of the client's waits for an answer.
    pub(super) is_quiet: bool,
    unknown_meta: UnknownMeta,
}

/// The session, for as long as this is kept. Not to be kept while something is waited for.
#[derive(Debug)]
pub(crate) struct SessionGuard<'s> {
    session: MutexGuard<'s, Session>,
    noted: &'s Noted,
}

// === impl GuardedSession ===

impl GuardedSession {
    pub(super) fn new(session: Session) -> Self {
        Self {
            to_server: session.envelope(Direction::ToServer).clone(),
            to_client: session.envelope(Direction::ToClient).clone(),
            noted: Noted::new(&session),
            session: Mutex::new(session),
        }
    }

    pub(super) async fn lock(&self) -> SessionGuard<'_> {
        self.guard(self.session.lock().await)
    }

    /// For threads that may wait.
    pub(super) fn lock_aside(&self) -> SessionGuard<'_> {
        self.guard(self.session.blocking_lock())
    }

    pub(super) fn seen(&self) -> Seen {
        *self.noted.lock()
    }

    /// Waits until no request of the client's waits for an answer.
    pub(super) async fn quiet(&self) {
        loop {
            let told = self.noted.quiet.notified();
            if self.seen().is_quiet {
                return;
            }
            told.await;
        }
    }

    /// How messages in this direction are to be read.
    pub(super) fn envelope(&self, direction: Direction) -> EnvelopeLimits {
        let envelope = match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        };
        let seen = self.seen();
        EnvelopeLimits {
            // All else is as it was when the session began.
            revision: seen.revision,
            unknown_meta: seen.unknown_meta,
            ..envelope.clone()
        }
    }

    fn guard<'s>(&'s self, session: MutexGuard<'s, Session>) -> SessionGuard<'s> {
        SessionGuard {
            session,
            noted: &self.noted,
        }
    }
}

// === impl Noted ===

impl Noted {
    fn new(session: &Session) -> Self {
        Self {
            seen: StdMutex::new(Seen::of(session)),
            quiet: Notify::new(),
        }
    }

    fn note(&self, session: &Session) {
        let seen = Seen::of(session);
        let before = mem::replace(&mut *self.lock(), seen);
        if seen.is_quiet && !before.is_quiet {
            self.quiet.notify_waiters();
        }
    }

    fn lock(&self) -> StdMutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Seen ===

impl Seen {
    fn of(session: &Session) -> Self {
        Self {
            revision: session.revision(),
            is_initialized: session.is_initialized(),
            is_quiet: session.is_quiet(),
            unknown_meta: session.envelope(Direction::ToServer).unknown_meta,
        }
    }
}

// === impl SessionGuard ===

impl Deref for SessionGuard<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for SessionGuard<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

impl Drop for SessionGuard<'_> {
    fn drop(&mut self) {
        // Before the session is let go: whoever is told of it then sees it so.
        self.noted.note(&self.session);
    }
}
