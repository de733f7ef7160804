//! Messages that wait for detectors which cannot answer at once.

use std::collections::VecDeque;
use std::sync::Arc;

use portcullis_engine::{Answer, Answers, DetectorCall, Detectors};
use portcullis_mcp::Message;
use portcullis_trace::record::Timestamp;

use crate::action::Action;
use crate::route::Source;
use crate::session::PastMessage;
use crate::verdict::Judges;

/// Detectors that all threads may ask.
pub type SharedDetectors = Arc<dyn Detectors + Send + Sync>;

/// What came of one message or several.
#[derive(Debug, Default)]
pub struct Outcome {
    pub actions: Vec<Action>,
    /// What must be answered before the next of the messages can be judged.
    pub inquiry: Option<Inquiry>,
}

/// Messages that are not judged yet, and the questions that the first of them depends on.
///
/// The session has not changed since they came. Until they are given to
/// [`Session::on_answers`](crate::Session::on_answers), it must be given no other message: they
/// would be judged in another order than they came in.
#[derive(Debug)]
pub struct Inquiry {
    pub(crate) source: Source,
    /// Not empty.
    pub(crate) messages: VecDeque<Message>,
    /// When they came.
    pub(crate) now: Timestamp,
    pub(crate) answers: Answers,
    pub(crate) calls: Vec<DetectorCall>,
}

/// The questions that a judgement depends on.
#[derive(Debug)]
pub(crate) struct Asked(pub(crate) Vec<DetectorCall>);

/// Guardrails on their way into force: they are shown first what was said before.
#[derive(Debug)]
pub struct Rehearsal {
    pub(crate) judges: Judges,
    past: VecDeque<PastMessage>,
    detectors: SharedDetectors,
    answers: Answers,
}

// === impl Outcome ===

impl From<Vec<Action>> for Outcome {
    fn from(actions: Vec<Action>) -> Self {
        Self {
            actions,
            inquiry: None,
        }
    }
}

// === impl Inquiry ===

impl Inquiry {
    /// Those that are not judged yet.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter()
    }

    pub fn calls(&self) -> &[DetectorCall] {
        &self.calls
    }

    /// Takes an outcome for each of the calls.
    pub fn answer(&mut self, outcomes: impl IntoIterator<Item = Result<Answer, String>>) {
        self.answers
            .add(std::mem::take(&mut self.calls).into_iter().zip(outcomes));
    }
}

// === impl Rehearsal ===

impl Rehearsal {
    pub(crate) fn new(judges: Judges, detectors: SharedDetectors) -> Self {
        Self {
            judges,
            past: VecDeque::new(),
            detectors,
            answers: Answers::default(),
        }
    }

    /// Adds what they would have been shown next.
    pub fn show(&mut self, past: impl IntoIterator<Item = PastMessage>) {
        self.past.extend(past);
    }

    /// Goes on to the end of what there is to show. `Some`: only to a message about which these
    /// calls must be answered first.
    pub fn go_on(&mut self) -> Option<Vec<DetectorCall>> {
        while let Some(message) = self.past.front() {
            let informed = self.answers.beside(&*self.detectors);
            if let Err(Asked(calls)) = self.judges.remember(message, &informed) {
                return Some(calls);
            }
            self.past.pop_front();
            self.answers = Answers::default();
        }
        None
    }

    /// Takes the outcomes of calls that [`Self::go_on`] asked for.
    pub fn answer(
        &mut self,
        outcomes: impl IntoIterator<Item = (DetectorCall, Result<Answer, String>)>,
    ) {
        self.answers.add(outcomes);
    }
}
