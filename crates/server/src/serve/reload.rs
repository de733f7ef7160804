//! What a change of the configuration does to what runs.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portcullis_session::PastMessage;
use portcullis_trace::record::{EventRecord, Sequence};
use tokio::sync::{Mutex, MutexGuard, Semaphore};
use tokio::time::sleep;
use tracing::{info, warn};

use super::Overrides;
use super::conversation::Conversation;
use super::gateway::Gateway;
use crate::config::{FileProblems, Watcher};
use crate::recording::PastError;
use crate::turns::rehearse;

/// LIMIT: how often it is tried to catch up with a session that goes on meanwhile.
const ATTEMPTS_MAX: usize = 10;
/// How soon a guardrail that was changed elsewhere is in force.
const SOURCE_ASKED_EVERY: Duration = Duration::from_secs(1);

/// LIMIT: sessions that are renewed at a time because of a change. Most of that is waiting, for the
/// store and for detectors.
const RENEWALS_MAX: usize = 32;

/// Renewals of one session, one at a time: what is in force is read in its turn, so that the one
/// that ends last has read it last.
#[derive(Debug, Default)]
pub(crate) struct Renewals {
    turn: Mutex<()>,
    /// Whether one waits for its turn, which will see all that has changed until then.
    is_due: AtomicBool,
}

/// Places for as many renewals as are done at a time.
#[derive(Debug)]
pub(crate) struct RenewalPlaces(Semaphore);

/// Puts every valid change in force, for as long as it is polled. An invalid one is logged, and
/// what was in force stays.
pub(crate) async fn follow(gateway: Arc<Gateway>, mut watcher: Watcher, overrides: Overrides) {
    loop {
        match watcher.changed().await {
            Ok(mut config) => {
                overrides.apply(&mut config);
                if let Err(error) = gateway.detectors.configure(&config.detectors) {
                    warn!(%error, "the detectors stay as they were");
                }
                for key in config.keep_fixed(&gateway.config()) {
                    warn!("a change of `{key}` is in force after a restart");
                }
                for warning in config.warnings.iter().flat_map(FileProblems::warnings) {
                    warn!("{warning}");
                }
                gateway.set_config(config);
                info!("the configuration has changed");
                gateway.registry.end_gone_from(&gateway.config());
                renew_all(&gateway);
            }
            Err(error) => warn!(%error, "the changed configuration is wrong and not in force"),
        }
    }
}

/// Puts every change of guardrails that are kept elsewhere in force, for as long as it is polled.
pub(crate) async fn follow_source(gateway: Arc<Gateway>) {
    let mut is_away = false;
    loop {
        sleep(SOURCE_ASKED_EVERY).await;
        match gateway.guardrails.state().await {
            Ok(state) => {
                is_away = false;
                let known = mem::replace(&mut *gateway.source_state(), state);
                if known != state {
                    info!("guardrails have changed");
                    renew_all(&gateway);
                }
            }
            Err(error) => {
                if !is_away {
                    warn!(%error, "the guardrails stay as they were");
                }
                is_away = true;
            }
        }
    }
}

/// Renews all running sessions, each as a task of its own: one that takes long holds up neither the
/// others nor the next change.
fn renew_all(gateway: &Arc<Gateway>) {
    for conversation in gateway.registry.all() {
        if conversation.renewals().is_due.swap(true, Ordering::AcqRel) {
            continue;
        }
        let gateway = Arc::clone(gateway);
        gateway.tasks.clone().spawn(async move {
            let ended = conversation.ended().clone();
            let renewed = async {
                let turn = conversation.renewals().next().await;
                // It is never closed.
                let _place = gateway.renewing.0.acquire().await.ok();
                renew_in(turn, &gateway, &conversation).await;
            };
            tokio::select! {
                () = renewed => {}
                () = ended.cancelled() => {}
            }
        });
    }
}

/// Gives a running session the guardrails of now, with all that it has seen. What they have not
/// judged is not sent again, and the client is told to ask for lists again if they are others.
pub(crate) async fn renew(gateway: &Gateway, conversation: &Arc<Conversation>) {
    let turn = conversation.renewals().next().await;
    renew_in(turn, gateway, conversation).await;
}

async fn renew_in(_turn: MutexGuard<'_, ()>, gateway: &Gateway, conversation: &Arc<Conversation>) {
    conversation.renewals().is_due.swap(false, Ordering::AcqRel);
    replace(gateway, conversation).await;
    conversation.replay().forget();
    conversation.announce_changes();
}

async fn replace(gateway: &Gateway, conversation: &Conversation) {
    let settings = conversation.settings(&gateway.config());
    conversation.session().await.replace_settings(settings);
    match gateway
        .guardrails
        .read(conversation.project().as_deref())
        .await
    {
        Ok(kept) => *conversation.kept_guardrails() = kept,
        Err(error) => warn!(%error, "the guardrails stay as they were"),
    }
    let client = conversation.client();
    let guardrails = gateway.guardrails_for(conversation);
    let mut rehearsal = conversation.session().await.rehearse(guardrails);
    let mut last: Option<Sequence> = None;
    for _ in 0..ATTEMPTS_MAX {
        match conversation.past(last).await {
            Ok(records) => {
                last = records.last().map(|record| record.sequence).or(last);
                rehearsal.show(records.iter().flat_map(PastMessage::of));
                rehearse(&mut rehearsal, conversation.detectors()).await;
            }
            Err(error) => {
                // The session began before them; they judge what is said from here on.
                warn!(%error, "what was said before cannot be read");
                break;
            }
        }
        let mut session = conversation.session().await;
        if conversation.client() != client {
            // It has said who it is, and got its guardrails of now with that.
            return;
        }
        if session.last_sequence() <= last {
            session.replace_guardrails(rehearsal);
            return;
        }
    }
    warn!("changed guardrails do not know all that was said before");
    conversation.session().await.replace_guardrails(rehearsal);
}

// === impl RenewalPlaces ===

impl Default for RenewalPlaces {
    fn default() -> Self {
        Self(Semaphore::new(RENEWALS_MAX))
    }
}

// === impl Renewals ===

impl Renewals {
    async fn next(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }
}

// === impl Conversation ===

impl Conversation {
    /// What was recorded of it after `last`.
    async fn past(&self, last: Option<Sequence>) -> Result<Vec<EventRecord>, PastError> {
        self.recording().past(self.id(), last).await
    }
}
