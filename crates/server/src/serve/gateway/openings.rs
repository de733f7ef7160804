//! Conversations that are being looked for, so that nobody opens one twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard};

use super::{Gateway, Opening};
use crate::serve::answer::Refused;
use crate::serve::conversation::Conversation;
use crate::serve::errand::Errand;
use crate::serve::registry::ConversationId;

/// A door for each conversation that somebody looks for. Others do not wait before it.
#[derive(Debug, Default)]
pub(super) struct Openings(Mutex<HashMap<ConversationId, Arc<AsyncMutex<()>>>>);

/// Where those wait who look for the same conversation. The last to leave takes it away.
#[derive(Debug)]
pub(super) struct Door<'o> {
    openings: &'o Openings,
    id: ConversationId,
    turn: Arc<AsyncMutex<()>>,
}

// === impl Openings ===

impl Openings {
    pub(super) fn door(&self, id: &ConversationId) -> Door<'_> {
        Door {
            openings: self,
            id: id.clone(),
            turn: Arc::clone(self.turns().entry(id.clone()).or_default()),
        }
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<ConversationId, Arc<AsyncMutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Gateway ===

impl Gateway {
    /// The conversation if it is open, or can go on where an earlier gateway had to leave it. To its
    /// end even if nobody waits for it any more: a session must not be lost half way.
    pub(crate) async fn find(self: &Arc<Self>, opening: Opening) -> Option<Arc<Conversation>> {
        let this = Arc::clone(self);
        let found = async move {
            let door = this.openings.door(&opening.id);
            let _turn = door.turn().await;
            this.open_or_resumed(&opening).await
        };
        Errand::new(&self.tasks, found).await
    }

    /// Like [`Self::find`], with a new conversation if there is none.
    pub(crate) async fn find_or_open(
        self: &Arc<Self>,
        opening: Opening,
    ) -> Result<Arc<Conversation>, Refused> {
        let this = Arc::clone(self);
        let found = async move {
            let door = this.openings.door(&opening.id);
            let _turn = door.turn().await;
            match this.open_or_resumed(&opening).await {
                Some(conversation) => Ok(conversation),
                None => this.open(opening).await,
            }
        };
        Errand::new(&self.tasks, found).await
    }

    /// Maybe somebody has found it while its door was waited before.
    async fn open_or_resumed(&self, opening: &Opening) -> Option<Arc<Conversation>> {
        let open = self.registry.find(&opening.id, opening.principal);
        match open {
            Some(conversation) => Some(conversation),
            None => self.resume(opening).await,
        }
    }
}

// === impl Door ===

impl Door<'_> {
    /// Waits for those who came before.
    pub(super) async fn turn(&self) -> AsyncMutexGuard<'_, ()> {
        self.turn.lock().await
    }
}

impl Drop for Door<'_> {
    fn drop(&mut self) {
        const OWN_AND_KEPT: usize = 2;
        // Nobody gets another one of them meanwhile.
        let mut turns = self.openings.turns();
        if Arc::strong_count(&self.turn) == OWN_AND_KEPT {
            turns.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn those_wait_who_look_for_the_same() {
        const BRIEF: Duration = Duration::from_millis(1);
        let openings = Openings::default();
        let (one, other) = (
            ConversationId::secret("s".into()),
            ConversationId::secret("s".into()),
        );
        let first = openings.door(&one);
        let turn = first.turn().await;
        let second = openings.door(&one);
        assert!(timeout(BRIEF, second.turn()).await.is_err());
        assert!(timeout(BRIEF, openings.door(&other).turn()).await.is_ok());
        drop(turn);
        drop(first);
        assert!(timeout(BRIEF, second.turn()).await.is_ok());
        assert_eq!(openings.turns().len(), 1);
        drop(second);
        assert!(openings.turns().is_empty());
    }
}
