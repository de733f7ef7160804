use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::{RemoteExplorer, Uploader};
use crate::guardrails::GuardrailSource;
use crate::recording::Recording;

/// LIMIT: how long the end of the gateway waits for what is left to send. What is left then goes
/// with the next gateway.
const END_WAIT_MAX: Duration = Duration::from_secs(5);

/// The sending of traces to an Explorer, as a task beside the traffic.
#[derive(Debug)]
pub(crate) struct UploadTask {
    ended: CancellationToken,
    task: TaskTracker,
}

// === impl UploadTask ===

impl UploadTask {
    pub(crate) fn start(
        explorer: Arc<RemoteExplorer>,
        recording: &Arc<Recording>,
        guardrails: Arc<GuardrailSource>,
    ) -> Self {
        let ended = CancellationToken::new();
        let uploader = Uploader::new(explorer, recording.pool().clone(), guardrails);
        let task = TaskTracker::new();
        task.spawn(uploader.run(Arc::clone(recording), ended.clone()));
        task.close();
        Self { ended, task }
    }

    /// Waits, for a bounded time, until what was recorded is sent.
    pub(crate) async fn end(self) {
        self.ended.cancel();
        if timeout(END_WAIT_MAX, self.task.wait()).await.is_err() {
            warn!("a trace has not got to the Explorer, the next gateway goes on with it");
        }
    }
}
