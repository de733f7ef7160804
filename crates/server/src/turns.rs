//! The order in which the messages of one session are judged.
//!
//! A session is locked only while it judges. A message that depends on detectors which have to be
//! asked waits for them without the lock, but keeps its turn: what comes after it is judged after
//! it. Sessions do not wait for each other.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portcullis_session::{Action, Inquiry, Outcome, Rehearsal};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout};

use crate::detectors::ConfiguredDetectors;

/// LIMIT: messages of one session that wait for their turn.
const WAITING_MAX: usize = 256;
/// LIMIT: how long a message waits for its turn.
const TURN_WAIT_MAX: Duration = Duration::from_mins(2);
/// LIMIT: how long detectors are asked about what guardrails have missed.
const REHEARSAL_WAIT_MAX: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    turn: Mutex<()>,
    /// Who has the turn is one of them.
    waiting: AtomicUsize,
}

/// The right to have messages judged; the next one's begins when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'t> {
    _turn: MutexGuard<'t, ()>,
    _waiting: Waiting<'t>,
}

/// Why a message is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoTurn {
    #[error("too many messages of the session wait to be judged")]
    TooMany,
    #[error("the messages before it were not judged in time")]
    TooLate,
}

#[derive(Debug)]
struct Waiting<'t>(&'t AtomicUsize);

// === impl Turns ===

impl Turns {
    /// Waits for the messages that came before.
    pub(crate) async fn next(&self) -> Result<Turn<'_>, NoTurn> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(&self.waiting);
        if before >= WAITING_MAX {
            return Err(NoTurn::TooMany);
        }
        // Mostly nobody was before it.
        let turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(_) => timeout(TURN_WAIT_MAX, self.turn.lock())
                .await
                .map_err(|_| NoTurn::TooLate)?,
        };
        Ok(Turn {
            _turn: turn,
            _waiting: waiting,
        })
    }

    /// Whether a message is being judged.
    pub(crate) fn are_taken(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

// === impl Turn ===

impl Turn<'_> {
    /// Has questions answered until all messages are judged, and gives what came of them.
    ///
    /// `given_up` says why nobody waits any more: what is not answered by then is an error, and the
    /// guardrails that asked have failed.
    pub(crate) async fn settle<F: Future<Output = Outcome>>(
        &self,
        outcome: Outcome,
        mut go_on: impl FnMut(Inquiry) -> F,
        detectors: &ConfiguredDetectors,
        given_up: impl Future<Output = &'static str>,
    ) -> Vec<Action> {
        let Outcome {
            mut actions,
            mut inquiry,
        } = outcome;
        let until = Instant::now() + detectors.patience();
        let mut given_up = pin!(given_up);
        let mut reason: Option<&str> = None;
        while let Some(mut asked) = inquiry {
            let answers = tokio::select! {
                biased;
                why = &mut given_up, if reason.is_none() => {
                    reason = Some(why);
                    None
                }
                answers = detectors.ask(asked.calls(), until), if reason.is_none() => Some(answers),
                else => None,
            };
            let unanswered = || {
                let reason = reason.unwrap_or_default().to_owned();
                vec![Err(reason); asked.calls().len()]
            };
            let answers = answers.unwrap_or_else(unanswered);
            asked.answer(answers);
            let next = go_on(asked).await;
            actions.extend(next.actions);
            inquiry = next.inquiry;
        }
        actions
    }
}

/// Shows guardrails what they have not been shown yet. What is not answered in time is an error, of
/// which nothing is said: it is past.
pub(crate) async fn rehearse(rehearsal: &mut Rehearsal, detectors: &ConfiguredDetectors) {
    let until = Instant::now() + REHEARSAL_WAIT_MAX;
    while let Some(calls) = rehearsal.go_on() {
        let answers = detectors.ask(&calls, until).await;
        rehearsal.answer(calls.into_iter().zip(answers));
    }
}

// === impl Waiting ===

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_come_in_order_and_not_for_ever() {
        let turns = Turns::default();
        assert!(!turns.are_taken());
        let first = turns.next().await.unwrap();
        let (mut second, mut third) = (Box::pin(turns.next()), Box::pin(turns.next()));
        let brief = Duration::from_millis(1);
        assert!(timeout(brief, &mut second).await.is_err());
        assert!(timeout(brief, &mut third).await.is_err());
        drop(first);
        // Who came first has it, whoever asks first.
        assert!(timeout(brief, &mut third).await.is_err());
        let second = second.await.unwrap();
        assert_eq!(third.await.unwrap_err(), NoTurn::TooLate);
        assert!(turns.are_taken());
        drop(second);
        assert!(!turns.are_taken());
    }

    #[tokio::test]
    async fn only_so_many_wait() {
        let turns = Turns::default();
        let first = turns.next().await.unwrap();
        let mut waiting: Vec<_> = (1..WAITING_MAX).map(|_| Box::pin(turns.next())).collect();
        for one in &mut waiting {
            let brief = timeout(Duration::ZERO, one).await;
            assert!(brief.is_err(), "{brief:?}");
        }
        assert_eq!(turns.next().await.unwrap_err(), NoTurn::TooMany);
        drop(waiting);
        drop(first);
        assert!(turns.next().await.is_ok());
    }
}
