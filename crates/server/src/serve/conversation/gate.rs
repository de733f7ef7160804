//! How a conversation ends because nobody needs it, and not while somebody begins to.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::Conversation;

/// What messages of the client's go through, until it is closed.
#[derive(Debug, Default)]
pub(super) struct Gate {
    passing: AtomicUsize,
    is_shut: AtomicBool,
}

/// A message on its way through.
#[derive(Debug)]
pub(super) struct Passing<'g>(&'g Gate);

/// In the place of how many are on their way.
const CLOSED: usize = usize::MAX;

// === impl Gate ===

impl Gate {
    /// `None` if it is closed.
    pub(super) fn enter(&self) -> Option<Passing<'_>> {
        if self.is_shut() {
            return None;
        }
        let one_more = |count: usize| (count != CLOSED).then(|| count.saturating_add(1));
        let entered = self
            .passing
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more);
        entered.is_ok().then_some(Passing(self))
    }

    /// Whether nobody is on the way.
    pub(super) fn is_free(&self) -> bool {
        matches!(self.passing.load(Ordering::Acquire), 0 | CLOSED)
    }

    /// Lets nobody in any more, for good. Who is on the way goes on.
    pub(super) fn shut(&self) {
        self.is_shut.store(true, Ordering::Release);
    }

    pub(super) fn is_shut(&self) -> bool {
        self.is_shut.load(Ordering::Acquire)
    }

    /// Lets nobody in any more, if nobody is on the way.
    fn close(&self) -> bool {
        let closed = self
            .passing
            .compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Acquire);
        closed.is_ok()
    }

    fn open(&self) {
        self.passing.store(0, Ordering::Release);
    }
}

// === impl Passing ===

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        self.0.passing.fetch_sub(1, Ordering::AcqRel);
    }
}

// === impl Conversation ===

impl Conversation {
    /// Takes no message any more, if none is being taken and none waits for its answer. Whoever does
    /// this must end it.
    pub(crate) fn retire(&self) -> bool {
        if !self.gate.close() {
            return false;
        }
        let is_idle = self.idle().is_some();
        if is_idle {
            self.ended.cancel();
        } else {
            self.gate.open();
        }
        is_idle
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portcullis_session::{Scope, Stream};
    use tempfile::TempDir;
    use tokio::time::advance;

    use crate::serve::conversation::Carried;
    use crate::serve::judging::tests::quiet_conversation;

    #[tokio::test(start_paused = true)]
    async fn what_a_server_says_by_itself_keeps_no_conversation() {
        const SILENCE: Duration = Duration::from_mins(1);
        let directory = TempDir::new().unwrap();
        let conversation = quiet_conversation(directory.path());
        advance(SILENCE).await;
        let log = br#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#;
        let log = log.to_vec().into();
        let said = conversation.on_server(Scope::SESSION, Stream::Any, log, Carried::default());
        said.await.ok();
        assert!(conversation.idle().unwrap() >= SILENCE);
    }

    #[tokio::test]
    async fn a_conversation_that_takes_a_message_does_not_retire() {
        let directory = TempDir::new().unwrap();
        let conversation = quiet_conversation(directory.path());
        let passing = [conversation.gate.enter(), conversation.gate.enter()];
        assert!(passing.iter().all(Option::is_some));
        assert!(!conversation.retire() && !conversation.ended().is_cancelled());
        drop(passing);
        assert!(conversation.gate.is_free());
        assert!(conversation.retire() && conversation.ended().is_cancelled());
        assert!(conversation.gate.enter().is_none());
        assert!(!conversation.retire(), "it is ended once");
    }
}
