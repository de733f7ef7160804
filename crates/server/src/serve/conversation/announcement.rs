use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Carried, Conversation};

/// How many changes of what judges a conversation its client has yet to be told of.
#[derive(Debug, Default)]
pub(super) struct Unannounced(AtomicUsize);

// === impl Conversation ===

impl Conversation {
    /// Tells the client that lists are others, if what judges them has changed. As a task of its
    /// own, and one at a time: a client that does not read holds up nobody, and is told once of all
    /// that has changed meanwhile.
    pub(crate) fn announce_changes(self: &Arc<Self>) {
        if self.unannounced.0.fetch_add(1, Ordering::AcqRel) > 0 {
            return;
        }
        let this = Arc::clone(self);
        self.tasks.spawn(async move {
            loop {
                let changes = this.unannounced.0.load(Ordering::Acquire);
                this.tell_of_changes().await;
                let left = &this.unannounced.0;
                let done = left.compare_exchange(changes, 0, Ordering::AcqRel, Ordering::Acquire);
                if done.is_ok() {
                    return;
                }
            }
        });
    }

    async fn tell_of_changes(&self) {
        let permits = self.session().await.announce_changes();
        for permit in permits {
            let (bytes, delivery) = permit.into_parts();
            let concerned = delivery.concerns.as_ref();
            let is_over = concerned.is_some_and(|subscription| {
                !self.streams().has_reply(delivery.scope, subscription)
            });
            // No other stream is for what a subscription brings.
            if !is_over {
                self.to_client(bytes, &delivery, &Carried::default())
                    .await
                    .ok();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portcullis_engine::Policy;
    use portcullis_session::{Guardrail, GuardrailAction};
    use portcullis_trace::record::Direction::{self, ToClient, ToServer};
    use portcullis_trace::record::GuardrailName;
    use tempfile::TempDir;
    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;
    use crate::clock::now;
    use crate::serve::judging::tests::quiet_conversation;
    use crate::serve::outlet::{Outlet, Parcel};

    const HANDSHAKE: [(Direction, &str); 3] = [
        (
            ToServer,
            r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#,
        ),
        (
            ToClient,
            r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"s","version":"1"}}}"#,
        ),
        (
            ToServer,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        ),
    ];
    const BRIEF: Duration = Duration::from_millis(1);

    async fn guard_against(tool: &str, conversation: &Arc<Conversation>) {
        let policy = format!("raise \"no\" if:\n    (c: ToolCall)\n    c is tool:{tool}\n");
        let guardrail = Guardrail {
            name: GuardrailName {
                id: None,
                name: "g".to_owned(),
            },
            policy: Ok(Policy::load(&policy).policy.unwrap()),
            on_violation: GuardrailAction::Block,
            on_failure: GuardrailAction::Block,
        };
        let mut session = conversation.session().await;
        let rehearsal = session.rehearse(vec![guardrail]);
        session.replace_guardrails(rehearsal);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_holds_up_no_change() {
        let directory = TempDir::new().unwrap();
        let conversation = quiet_conversation(directory.path());
        for (direction, line) in HANDSHAKE {
            let mut session = conversation.session().await;
            session.on_line(direction, line.as_bytes(), now());
        }
        let (outlet, mut parcels) = Outlet::new();
        conversation.streams().open_standalone(outlet.clone());
        while timeout(BRIEF, outlet.send(Parcel::Begin)).await.is_ok() {}
        for tool in ["a", "b", "c"] {
            guard_against(tool, &conversation).await;
            conversation.announce_changes();
            yield_now().await;
        }
        let mut told = 0;
        while let Ok(Some(parcel)) = timeout(BRIEF, parcels.recv()).await {
            told += usize::from(matches!(*parcel, Parcel::Message(_)));
        }
        // Of the first, and of all that changed while it was on its way.
        assert_eq!(told, 2);
        guard_against("c", &conversation).await;
        conversation.announce_changes();
        assert!(timeout(BRIEF, parcels.recv()).await.is_err());
    }
}
