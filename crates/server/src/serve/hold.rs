//! What holds a session.

use std::sync::Arc;

use super::gateway::Gateway;
use super::registry::ConversationId;
use crate::metrics::EndReason;

/// A session that ends when this is dropped, because its client is gone.
#[derive(Debug)]
pub(crate) struct Hold {
    gateway: Arc<Gateway>,
    /// `None` once it goes on without this.
    id: Option<ConversationId>,
}

// === impl Hold ===

impl Hold {
    /// It need not have begun.
    pub(crate) fn new(gateway: &Arc<Gateway>, id: &ConversationId) -> Self {
        Self {
            gateway: Arc::clone(gateway),
            id: Some(id.clone()),
        }
    }

    /// The session goes on.
    pub(crate) fn let_go(mut self) {
        self.id = None;
    }

    /// Ends the session, unless it has ended already.
    pub(crate) fn end(mut self, reason: EndReason) {
        self.end_now(reason);
    }

    fn end_now(&mut self, reason: EndReason) {
        let id = self.id.take();
        if let Some(conversation) = id.and_then(|id| self.gateway.registry.remove(&id)) {
            self.gateway
                .tasks
                .spawn(async move { conversation.end(reason).await });
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.end_now(EndReason::Client);
    }
}
