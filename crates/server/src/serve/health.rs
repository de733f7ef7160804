//! Whether the gateway can do its work.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::gateway::Gateway;
use crate::metrics::Gauges;
use crate::recording::Recording;

/// How long an answer of the store's holds, so that nobody keeps it busy by asking.
const STORE_ASKED_EVERY: Duration = Duration::from_secs(1);
/// LIMIT: how long the store may take to answer.
const STORE_WAIT_MAX: Duration = Duration::from_secs(2);

/// What is asked for the gateway's health.
#[derive(Debug)]
pub(crate) struct Health {
    pub(crate) gateway: Arc<Gateway>,
    recording: Arc<Recording>,
    store: Mutex<Option<StoreSeen>>,
}

#[derive(Clone, Copy, Debug)]
struct StoreSeen {
    at: Instant,
    has_answered: bool,
}

/// Why the gateway should get no requests now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotReady {
    Ending,
    StoreAway,
    RecordingFails,
}

// === impl Health ===

impl Health {
    pub(crate) fn new(gateway: Arc<Gateway>, recording: Arc<Recording>) -> Self {
        Self {
            gateway,
            recording,
            store: Mutex::default(),
        }
    }

    /// Empty if it is ready. A configuration is in force from the beginning: without one there is no
    /// gateway, and one that is wrong does not replace it.
    pub(crate) async fn not_ready(&self) -> Vec<NotReady> {
        let mut reasons = Vec::new();
        if self.gateway.ending.is_cancelled() {
            reasons.push(NotReady::Ending);
        }
        if !self.has_store().await {
            reasons.push(NotReady::StoreAway);
        }
        if self.recording.status().0.failure.is_some() {
            reasons.push(NotReady::RecordingFails);
        }
        reasons
    }

    pub(crate) fn metrics(&self) -> String {
        let open = self.gateway.registry.all();
        let waiting = open.iter().map(|open| open.streams().waiting());
        self.gateway.metrics.expose(&Gauges {
            waiting_messages: waiting.sum(),
            recorder: self.recording.status(),
        })
    }

    async fn has_store(&self) -> bool {
        let mut seen = self.store.lock().await;
        if let Some(seen) = *seen
            && seen.at.elapsed() < STORE_ASKED_EVERY
        {
            return seen.has_answered;
        }
        let asked = self
            .recording
            .pool()
            .run(|store| store.guardrails_changed());
        let has_answered = matches!(timeout(STORE_WAIT_MAX, asked).await, Ok(Ok(_)));
        *seen = Some(StoreSeen {
            at: Instant::now(),
            has_answered,
        });
        has_answered
    }
}

// === impl NotReady ===

impl NotReady {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ending => "the gateway ends",
            Self::StoreAway => "the store cannot be reached",
            Self::RecordingFails => "recording fails",
        }
    }
}
