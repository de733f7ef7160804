//! A model that takes its time when a test says so.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use super::detectors::{CONFIRM, chat, completion};
use super::gateway::eventually;
use super::http::PATIENCE;
use super::upstream::Upstream;

/// The tool about which the model is slow.
pub(super) const HELD: &str = "held-tool";

/// A model behind [`CONFIRM`].
pub(super) struct HeldModel {
    service: Upstream,
    next: Arc<Mutex<Option<Receiver<()>>>>,
}

/// An answer that is held back, until it is told to go on.
pub(super) struct HeldAnswer(SyncSender<()>);

// === impl HeldModel ===

impl HeldModel {
    pub(super) fn start() -> Self {
        let next = Arc::new(Mutex::new(None::<Receiver<()>>));
        let held = Arc::clone(&next);
        let service = Upstream::scripted(move |received, reply| {
            if received.body.contains(HELD) {
                let held = held.lock().unwrap().take();
                held.map(|may_go_on| may_go_on.recv_timeout(PATIENCE));
            }
            reply.json(&[], &completion(received));
            None
        });
        Self { service, next }
    }

    /// The configuration of the model alone.
    pub(super) fn unused(&self) -> String {
        chat(&self.service, "timeout: 60s")
    }

    /// The configuration of guardrails that ask it, and further ones.
    pub(super) fn asked_and(&self, guardrails: &str) -> String {
        format!("{}{CONFIRM}{guardrails}", self.unused())
    }

    /// From here on its next answer about [`HELD`] is held back.
    pub(super) fn hold(&self) -> HeldAnswer {
        let (go_on, may_go_on) = sync_channel(1);
        *self.next.lock().unwrap() = Some(may_go_on);
        HeldAnswer(go_on)
    }

    /// Waits until the answer is wanted that is held back.
    #[track_caller]
    pub(super) fn wait_until_asked(&self) {
        eventually("the model is not asked", || {
            self.next.lock().unwrap().is_none()
        });
    }
}

// === impl HeldAnswer ===

impl HeldAnswer {
    pub(super) fn go_on(self) {
        self.0.send(()).unwrap();
    }
}
