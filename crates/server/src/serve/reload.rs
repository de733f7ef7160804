//! What a change of the configuration does to what runs.

use std::sync::Arc;

use portcullis_json::{Limits, Value, parse};
use portcullis_session::PastMessage;
use portcullis_trace::Event;
use portcullis_trace::record::{EventRecord, Sequence, Verdict};
use portcullis_trace::wire;
use tracing::{info, warn};

use super::conversation::Conversation;
use super::gateway::Gateway;
use crate::config::Watcher;
use crate::recording::PastError;

/// LIMIT: how often it is tried to catch up with a session that goes on meanwhile.
const ATTEMPTS_MAX: usize = 10;

/// Puts every valid change in force, for as long as it is polled. An invalid one is logged, and
/// what was in force stays.
pub(crate) async fn follow(gateway: Arc<Gateway>, mut watcher: Watcher) {
    loop {
        match watcher.changed().await {
            Ok(config) => {
                gateway.set_config(config);
                info!("the configuration has changed");
                for conversation in gateway.registry.all() {
                    renew(&gateway, &conversation).await;
                }
            }
            Err(error) => warn!(%error, "the changed configuration is wrong and not in force"),
        }
    }
}

/// Gives a running session the guardrails of now, with all that it has seen.
pub(crate) async fn renew(gateway: &Gateway, conversation: &Conversation) {
    let mut past = Vec::new();
    let mut last: Option<Sequence> = None;
    for _ in 0..ATTEMPTS_MAX {
        match conversation.past(last).await {
            Ok(records) => {
                last = records.last().map(|record| record.sequence).or(last);
                past.extend(records.iter().flat_map(messages));
            }
            Err(error) => {
                // The session began before them; they judge what is said from here on.
                warn!(%error, "what was said before cannot be read");
                break;
            }
        }
        let guardrails = gateway.guardrails_for(conversation);
        let mut session = conversation.session();
        if session.last_sequence() <= last {
            session.replace_guardrails(guardrails, past);
            return;
        }
    }
    warn!("changed guardrails do not know all that was said before");
    let guardrails = gateway.guardrails_for(conversation);
    conversation.session().replace_guardrails(guardrails, past);
}

/// The messages that the guardrails were shown: of a listing that was shortened, both.
fn messages(record: &EventRecord) -> Vec<PastMessage> {
    let elements = parse(&record.events, &Limits::lenient()).unwrap_or(Value::Null);
    let elements = elements.as_array().unwrap_or_default();
    let message = |elements: &[Value], has_happened| PastMessage {
        events: elements.iter().flat_map(events).collect(),
        has_happened,
    };
    match record.verdict {
        Verdict::Allow => vec![message(elements, true)],
        Verdict::Block | Verdict::Ask => vec![message(elements, false)],
        Verdict::Redact => {
            let (whole, shorter) = elements.split_at(elements.len() / 2);
            vec![message(whole, false), message(shorter, true)]
        }
    }
}

fn events(element: &Value) -> Vec<Event> {
    // It was an event when it was judged.
    wire::events(element).unwrap_or_default()
}

// === impl Conversation ===

impl Conversation {
    /// What was recorded of it after `last`.
    async fn past(&self, last: Option<Sequence>) -> Result<Vec<EventRecord>, PastError> {
        self.recording().past(self.id(), last).await
    }
}
