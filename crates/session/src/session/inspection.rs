//! How one message is judged, and how it is passed on.

use portcullis_mcp::Message;
use portcullis_trace::record::{Direction, Timestamp, Verdict};
use portcullis_trace::wire::TraceText;

use super::{Session, Turn};
use crate::inquiry::Asked;
use crate::lower::{Lowered, Subject, lower};
use crate::passage::Passage;
use crate::tools::{Report, ToolWatch};
use crate::verdict::{Judgement, Permit};

/// What inspecting a message came to.
#[derive(Debug)]
pub(super) struct Inspected {
    pub(super) judgement: Judgement,
    /// What the guardrails saw.
    pub(super) text: TraceText,
    pub(super) permit: Option<Permit>,
}

// === impl Session ===

impl Session {
    pub(super) fn inspect(
        &mut self,
        turn: Turn<'_>,
        subject: Subject<'_>,
    ) -> Result<Inspected, Asked> {
        self.inspect_with(turn, subject, |_| Report::default())
    }

    /// Lowers a message and has it judged, together with what is said of the tools in it, which are
    /// looked at once nothing is left to ask. What was allowed has happened for the guardrails.
    pub(super) fn inspect_with(
        &mut self,
        turn: Turn<'_>,
        subject: Subject<'_>,
        look: impl FnOnce(&mut ToolWatch) -> Report,
    ) -> Result<Inspected, Asked> {
        match self.lowered(subject, turn.message, turn.now) {
            Ok(Lowered { events, text }) => {
                let informed = turn.answers.beside(&*self.detectors);
                let mut judgement = self.judges.judge(&events, &informed)?;
                judgement.add(look(&mut self.tools));
                let passage = self.passage(turn.direction, turn.message, subject);
                judgement.add_passage(&passage);
                let passed = passage.message.as_ref().unwrap_or(turn.message);
                let bytes = passed.line();
                let delivery = self.delivery(turn);
                Ok(Inspected {
                    permit: self.judges.settle(&judgement, bytes, delivery),
                    judgement,
                    text,
                })
            }
            Err(reason) => Ok(Inspected {
                judgement: self.judges.fail(&reason),
                text: TraceText::default(),
                permit: None,
            }),
        }
    }

    /// How a message is passed on; only what clients are told is ever changed.
    pub(super) fn passage(
        &self,
        direction: Direction,
        message: &Message,
        subject: Subject<'_>,
    ) -> Passage {
        match direction {
            Direction::ToServer => Passage::default(),
            Direction::ToClient => {
                let limits = &self.from_server.envelope;
                Passage::of(message, subject, limits, self.limits.sampling_context)
            }
        }
    }

    /// A message as it is recorded and as it is judged, or why it can be neither.
    pub(super) fn lowered(
        &mut self,
        subject: Subject<'_>,
        message: &Message,
        now: Timestamp,
    ) -> Result<Lowered, String> {
        let timestamp = self.times.write(now);
        let lowered = lower(subject, &self.common, timestamp, message.written());
        lowered.map_err(|error| error.to_string())
    }
}

// === impl Inspected ===

impl Inspected {
    pub(super) fn verdict(&self) -> Verdict {
        if self.permit.is_some() {
            Verdict::Allow
        } else {
            Verdict::Block
        }
    }
}
