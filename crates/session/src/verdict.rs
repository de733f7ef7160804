//! Whether a message may pass, and the permits that let bytes pass.

mod judge;

use portcullis_trace::record::Direction;

pub(crate) use self::judge::{Judgement, Judges, Violation};
use crate::refusal::OwnWords;

/// The right to send these bytes to that peer, once.
///
/// INVARIANT: only this module makes one: from a judgement that allows the message, or for words of
/// the gateway's own. Whoever moves bytes between peers must ask for a permit.
#[derive(Debug)]
pub struct Permit {
    bytes: Vec<u8>,
    direction: Direction,
}

// === impl Permit ===

impl Permit {
    /// Passes on what was judged; `None` if the judgement does not allow it.
    ///
    /// `bytes` are the message that was lowered for this judgement.
    fn pass(judgement: &Judgement, bytes: Vec<u8>, direction: Direction) -> Option<Self> {
        judgement.allows().then_some(Self { bytes, direction })
    }

    /// Answers in the gateway's own name.
    pub(crate) fn speak(words: OwnWords, direction: Direction) -> Self {
        Self {
            bytes: words.into_bytes(),
            direction,
        }
    }

    /// One message, without a line feed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn direction(&self) -> Direction {
        self.direction
    }
}
