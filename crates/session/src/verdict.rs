//! Whether a message may pass, and the permits that let bytes pass.

mod judge;

use bytes::Bytes;

pub(crate) use self::judge::{Judgement, Judges, Violation};
use crate::refusal::OwnWords;
use crate::route::{Delivery, ErrorCode};

/// The right to send these bytes to that peer, once.
///
/// INVARIANT: only this module makes one: from a judgement that allows the message, or for words of
/// the gateway's own. Whoever moves bytes between peers must ask for a permit.
#[derive(Debug)]
pub struct Permit {
    bytes: Bytes,
    delivery: Delivery,
}

// === impl Permit ===

impl Permit {
    /// Passes on what was judged; `None` if the judgement does not allow it.
    ///
    /// `bytes` are the message that was lowered for this judgement, but for what its
    /// [`Passage`](crate::passage::Passage) leaves out.
    fn pass(judgement: &Judgement, bytes: Bytes, delivery: Delivery) -> Option<Self> {
        judgement.allows().then_some(Self { bytes, delivery })
    }

    /// Answers in the gateway's own name.
    pub(crate) fn speak(words: OwnWords, delivery: Delivery) -> Self {
        Self {
            delivery: Delivery {
                error: words.error_code().map(ErrorCode::Own),
                ..delivery
            },
            bytes: words.into_bytes().into(),
        }
    }

    /// One message, without a line feed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// The message and what it is, for whoever writes it.
    pub fn into_parts(self) -> (Bytes, Delivery) {
        (self.bytes, self.delivery)
    }
}
