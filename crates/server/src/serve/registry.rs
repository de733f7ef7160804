//! Which conversations there are, and for how long.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portcullis_session::digest;
use portcullis_trace::hexadecimal;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::conversation::Conversation;
use super::principal::Principal;
use super::upstream::{client_silent, silent};
use crate::config::{GatewayConfig, SessionsConfig};
use crate::metrics::EndReason;
use crate::random::secret_bytes;

/// How often it is looked whose time is up.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// LIMIT: for how long the client of a session that is to make room for another must have been silent.
const LEFT_AFTER: Duration = Duration::from_mins(1);

/// All open conversations of the gateway.
#[derive(Debug, Default)]
pub(crate) struct SessionRegistry {
    open: Mutex<HashMap<ConversationId, Entry>>,
}

/// How a conversation is found again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ConversationId {
    /// By a secret that only its client was told, its `Mcp-Session-Id`, with the server that it was
    /// opened for.
    Secret(Arc<str>, String),
    /// The same for the `session_id` of an SSE session.
    Sse(Arc<str>, String),
    /// By what configuration says tells conversations apart, where the protocol has no sessions, and
    /// by the digest of the profile: a request brings its own guardrails.
    Stateless(Arc<str>, Principal, String, [u8; 32]),
}

#[derive(Debug)]
struct Entry {
    principal: Principal,
    /// `None` while it is being opened.
    conversation: Option<Arc<Conversation>>,
}

/// A place for a conversation that is about to be opened. Dropped unused, it is free again.
#[derive(Debug)]
pub(crate) struct Place {
    registry: Arc<SessionRegistry>,
    id: Option<ConversationId>,
}

/// More conversations than are allowed would be open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooMany;

// === impl ConversationId ===

impl ConversationId {
    pub(crate) fn secret(server: Arc<str>) -> Self {
        Self::Secret(server, hexadecimal(&secret_bytes()))
    }

    pub(crate) fn sse(server: Arc<str>) -> Self {
        Self::Sse(server, hexadecimal(&secret_bytes()))
    }

    /// What the store knows it by, which nobody can speak in it with.
    pub(crate) fn digest(&self, principal: Principal, place: &str, guardrails: &str) -> String {
        let (kind, server, key) = match self {
            Self::Secret(server, secret) => ("secret", server, secret),
            Self::Sse(server, secret) => ("sse", server, secret),
            Self::Stateless(server, _, key, _) => ("stateless", server, key),
        };
        let [kind, server, place, key] = [kind, &**server, place, key].map(str::as_bytes);
        let guardrails = guardrails.as_bytes();
        let mut parts = vec![kind, server, place, key, principal.as_bytes(), guardrails];
        if let Self::Stateless(.., profile) = self {
            parts.push(profile);
        }
        hexadecimal(&digest(&parts))
    }

    /// What the client is told of it.
    pub(crate) fn told(&self) -> &str {
        match self {
            Self::Secret(_, secret) | Self::Sse(_, secret) => secret,
            Self::Stateless(_, _, key, _) => key,
        }
    }
}

// === impl SessionRegistry ===

impl SessionRegistry {
    /// Keeps a place, so that limits hold while conversations are being opened.
    pub(crate) fn reserve(
        self: &Arc<Self>,
        id: ConversationId,
        principal: Principal,
        limits: &SessionsConfig,
    ) -> Result<Place, TooMany> {
        let mut open = self.open();
        let of_principal = open
            .values()
            .filter(|entry| entry.principal.shares_limits_with(principal))
            .count();
        if open.len() >= limits.max_sessions.get() {
            return Err(TooMany);
        }
        if of_principal >= limits.max_sessions_per_principal.get() {
            let oldest = retire_longest_idle(&open, principal).ok_or(TooMany)?;
            open.remove(&oldest.id);
            let conversation = oldest.conversation;
            let tasks = conversation.tasks().clone();
            tasks.spawn(async move { conversation.end(EndReason::Replaced).await });
        }
        let entry = Entry {
            principal,
            conversation: None,
        };
        // One that has ended, and that nobody took out yet.
        let before = open.insert(id.clone(), entry);
        if let Some(conversation) = before.and_then(|before| before.conversation) {
            let tasks = conversation.tasks().clone();
            tasks.spawn(async move { conversation.end(EndReason::Server).await });
        }
        Ok(Place {
            registry: Arc::clone(self),
            id: Some(id),
        })
    }

    /// The conversation, if it is this principal's.
    pub(crate) fn find(
        &self,
        id: &ConversationId,
        principal: Principal,
    ) -> Option<Arc<Conversation>> {
        let open = self.open();
        let entry = open.get(id)?;
        let conversation = entry.conversation.as_ref()?;
        let is_alive = !conversation.ended().is_cancelled() && !conversation.is_over();
        (is_alive && entry.principal == principal).then(|| Arc::clone(conversation))
    }

    /// Takes a conversation out; whoever does must end it.
    pub(crate) fn remove(&self, id: &ConversationId) -> Option<Arc<Conversation>> {
        self.open().remove(id)?.conversation
    }

    /// Takes out this conversation, and none that has got its id meanwhile; whoever does must end it.
    fn take(&self, id: &ConversationId, conversation: &Arc<Conversation>) -> bool {
        let mut open = self.open();
        let entry = open.get(id);
        let open_now = entry.and_then(|entry| entry.conversation.as_ref());
        let is_same = open_now.is_some_and(|open_now| Arc::ptr_eq(open_now, conversation));
        if is_same {
            open.remove(id);
        }
        is_same
    }

    pub(crate) fn all(&self) -> Vec<Arc<Conversation>> {
        let open = self.open();
        let conversations = open.values().filter_map(|entry| entry.conversation.clone());
        conversations.collect()
    }

    /// Ends, for as long as it is polled, the conversations whose time is up, and fails requests
    /// that are not answered.
    pub(crate) async fn sweep(
        self: Arc<Self>,
        tasks: TaskTracker,
        config: impl Fn() -> Arc<GatewayConfig>,
    ) {
        loop {
            sleep(SWEEP_EVERY).await;
            let config = config();
            let limits = &config.sessions;
            for (conversation, reason) in self.take_where(|open| over(open, limits)) {
                tasks.spawn(async move { conversation.end(reason).await });
            }
            let silence_max = config.streams.request_timeout;
            for conversation in self.all() {
                conversation.replay().expire();
                // Where each answer has a stream of its own, that is seen there.
                if conversation.upstream().http().is_none() {
                    tasks.spawn(async move {
                        conversation.fail_overdue(silence_max, SWEEP_EVERY).await;
                    });
                }
            }
        }
    }

    /// Ends, beside whoever calls it, the conversations whose server is not configured any more as
    /// it was when they began.
    pub(crate) fn end_gone_from(&self, config: &GatewayConfig) {
        let reason = |open: &Conversation| {
            let is_gone = open.target().is_gone_from(config);
            is_gone.then_some(EndReason::Reconfigured)
        };
        for (conversation, reason) in self.take_where(reason) {
            let tasks = conversation.tasks().clone();
            tasks.spawn(async move { conversation.end(reason).await });
        }
    }

    /// Ends all conversations.
    pub(crate) async fn end_all(&self) {
        let mut ends = JoinSet::new();
        for (conversation, reason) in self.take_where(|_| Some(EndReason::Gateway)) {
            ends.spawn(async move { conversation.end(reason).await });
        }
        ends.join_all().await;
    }

    /// Takes out those that are to end, with the reason why.
    fn take_where(
        &self,
        reason: impl Fn(&Conversation) -> Option<EndReason>,
    ) -> Vec<(Arc<Conversation>, EndReason)> {
        // A conversation may be busy for a while, and nobody else must wait for that.
        let open: Vec<_> = {
            let open = self.open();
            let open = open.iter();
            open.filter_map(|(id, entry)| Some((id.clone(), entry.conversation.clone()?)))
                .collect()
        };
        let open = open.into_iter();
        let wanted = open.filter_map(|(id, conversation)| {
            let reason = reason(&conversation)?;
            Some((id, conversation, reason))
        });
        wanted
            .filter(|(id, conversation, _)| self.take(id, conversation))
            .map(|(_, conversation, reason)| (conversation, reason))
            .collect()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<ConversationId, Entry>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A conversation that nobody waits for.
struct Idle {
    id: ConversationId,
    conversation: Arc<Conversation>,
    since: Duration,
}

/// The one that makes room for another of the same principal's: where the protocol has no sessions,
/// no client can end one, and where it has, many clients do not. A session is taken for left only if
/// nobody reads a stream of it.
fn retire_longest_idle(
    open: &HashMap<ConversationId, Entry>,
    principal: Principal,
) -> Option<Idle> {
    let idle = open.iter().filter_map(|(id, entry)| {
        let conversation = entry.conversation.as_ref()?;
        let since = conversation.idle()?;
        let is_left = match id {
            ConversationId::Stateless(..) => true,
            ConversationId::Secret(..) | ConversationId::Sse(..) => {
                since >= LEFT_AFTER && !conversation.streams().is_read()
            }
        };
        (is_left && entry.principal.shares_limits_with(principal)).then(|| Idle {
            id: id.clone(),
            conversation: Arc::clone(conversation),
            since,
        })
    });
    let mut idle: Vec<_> = idle.collect();
    idle.sort_by_key(|idle| Reverse(idle.since));
    // One may have got a message just now.
    idle.into_iter().find(|idle| idle.conversation.retire())
}

/// Why the conversation's time is up, if it is.
fn over(conversation: &Conversation, limits: &SessionsConfig) -> Option<EndReason> {
    if conversation.ended().is_cancelled() || conversation.is_over() {
        return Some(EndReason::Server);
    }
    if conversation.age() > limits.max_age {
        return Some(EndReason::Age);
    }
    let idle = conversation.idle()?;
    (idle > limits.idle_timeout && conversation.retire()).then_some(EndReason::Idle)
}

// === impl Conversation ===

impl Conversation {
    /// Fails what the server, or the client, has been silent about for so long; to be called `every`
    /// so often.
    async fn fail_overdue(self: &Arc<Self>, silence_max: Duration, every: Duration) {
        let looks_max = silence_max.as_millis() / every.as_millis().max(1);
        let looks_max = u32::try_from(looks_max).unwrap_or(u32::MAX);
        let unanswered = {
            let reason = client_silent(silence_max);
            self.session().await.fail_unanswered(looks_max, &reason)
        };
        if !unanswered.is_empty() {
            self.on_line(unanswered).await;
        }
        let overdue = self.session().await.overdue(looks_max);
        for (scope, id) in overdue {
            self.on_no_answer(scope, &id, &silent(silence_max), None)
                .await;
            self.upstream().give_up(scope, &id);
        }
    }
}

// === impl Place ===

impl Place {
    pub(crate) fn fill(mut self, conversation: Arc<Conversation>) {
        if let Some(id) = self.id.take()
            && let Some(entry) = self.registry.open().get_mut(&id)
        {
            entry.conversation = Some(conversation);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.registry.open().remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use axum::http::HeaderMap;
    use tempfile::TempDir;
    use tokio::time::advance;

    use super::*;
    use crate::serve::judging::tests::quiet_conversation;
    use crate::serve::outlet::Outlet;

    #[tokio::test(start_paused = true)]
    async fn a_session_that_was_left_makes_room_for_another() {
        let directory = TempDir::new().unwrap();
        let left = quiet_conversation(directory.path());
        let registry: Arc<SessionRegistry> = Arc::default();
        let principal = Principal::of(&HeaderMap::new()).unwrap();
        let limits = SessionsConfig {
            max_sessions_per_principal: NonZeroUsize::MIN,
            ..SessionsConfig::default()
        };
        let reserve = || registry.reserve(ConversationId::secret("s".into()), principal, &limits);
        reserve().unwrap().fill(Arc::clone(&left));
        advance(LEFT_AFTER / 2).await;
        assert!(reserve().is_err());
        advance(LEFT_AFTER / 2).await;
        let (outlet, reader) = Outlet::new();
        left.streams().open_standalone(outlet);
        assert!(reserve().is_err());
        drop(reader);
        assert!(reserve().is_ok());
        assert!(left.ended().is_cancelled());
    }

    #[tokio::test]
    async fn who_comes_after_an_ended_conversation_has_its_id_and_ends_it() {
        let directories = [(); 2].map(|()| TempDir::new().unwrap());
        let [old, new] = directories
            .each_ref()
            .map(|it| quiet_conversation(it.path()));
        let registry: Arc<SessionRegistry> = Arc::default();
        let principal = Principal::of(&HeaderMap::new()).unwrap();
        let id = ConversationId::Stateless("s".into(), principal, "k".to_owned(), [0; 32]);
        let open = |conversation: &Arc<Conversation>| {
            let place = registry.reserve(id.clone(), principal, &SessionsConfig::default());
            place.unwrap().fill(Arc::clone(conversation));
        };
        open(&old);
        assert!(old.retire());
        open(&new);
        assert!(!registry.take(&id, &old));
        let found = registry.find(&id, principal).unwrap();
        assert!(Arc::ptr_eq(&found, &new));
        old.tasks().close();
        old.tasks().wait().await;
        assert_eq!((old.meter().open(), new.meter().open()), (0, 1));
    }
}
