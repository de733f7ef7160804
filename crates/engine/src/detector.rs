//! Questions that the engine does not answer itself, and where their answers come from.

use hashbrown::hash_map::Entry;
use hashbrown::{DefaultHashBuilder, HashMap};
use portcullis_json::{Object, Value};
use portcullis_syntax::Span;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

/// One call of a detector on one text.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorCall {
    /// The function's name in the policy language, such as `secrets`.
    pub detector: &'static str,
    pub text: Arc<str>,
    /// The other arguments, by the names of their parameters.
    pub options: Object,
}

/// A call of a detector as it is written in a policy: with the options whose values are written
/// out, and with no text.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenCall {
    pub call: DetectorCall,
    pub span: Span,
}

/// What a detector found.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the function returns for this text.
    pub value: Value,
    /// What is to be highlighted, as byte ranges of the text.
    pub marks: Vec<Range<usize>>,
}

/// Whether an answer is at hand.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// An error makes the check indeterminate; it is never taken for "nothing found".
    Ready(Result<Answer, String>),
    /// The caller has to find out and push again.
    Later,
}

/// Answers detector calls without waiting.
pub trait Detectors: fmt::Debug {
    fn answer(&self, call: &DetectorCall) -> Lookup;
}

/// What the caller found out for one push, in as many rounds of questions as that took.
#[derive(Debug, Default)]
pub struct Answers {
    known: Known,
    rounds: usize,
}

/// Detectors, and beside them the answers that they could not give at once.
#[derive(Debug)]
pub struct Informed<'a> {
    answers: &'a Answers,
    detectors: &'a dyn Detectors,
}

/// The caller's detectors, with what they said before.
pub(crate) struct Oracle<'a> {
    detectors: &'a dyn Detectors,
    memo: &'a RefCell<Memo>,
}

/// Answers by content. The oldest leave when there are too many. What failed is asked again: it may
/// have been the network.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    known: Known,
    order: VecDeque<Question>,
    /// Of all texts in `order`.
    bytes: usize,
    push: PushMemo,
}

/// Answers of one push, by the very text that was asked about: each element, candidate and rule may
/// ask the same, and finds it here without a look at the text, however long that is.
#[derive(Debug, Default)]
struct PushMemo {
    /// The calls hold the texts, so that no other text can come to the same address.
    known: HashMap<usize, Vec<(DetectorCall, Answer)>>,
    /// Of all texts in `known`.
    bytes: usize,
}

/// Outcomes of calls, by what was asked.
#[derive(Debug, Default)]
struct Known {
    outcomes: HashMap<Question, Result<Answer, String>>,
    hasher: DefaultHashBuilder,
}

/// A call as a key. One with an option that is not equal to itself is asked again each time.
#[derive(Clone, Debug, PartialEq)]
struct Question {
    call: DetectorCall,
    /// Of the text, which may be long and is hashed once.
    digest: u64,
}

/// LIMIT: answers kept per monitor.
const MEMO_ENTRIES: usize = 1_024;
/// LIMIT: longer questions are asked again each time.
const MEMO_TEXT_BYTES: usize = 64 * 1024;
/// LIMIT: texts kept per monitor.
const MEMO_BYTES: usize = 1 << 20;
/// LIMIT: texts of one push whose answers are kept until its end.
const PUSH_TEXTS: usize = 16_384;
/// Texts that nearly every push has no more of.
const PUSH_TEXTS_USUAL: usize = 16;
/// LIMIT: bytes of these texts. Those of the trace are there anyway, those that a rule makes are not.
const PUSH_BYTES: usize = 64 << 20;
/// LIMIT: different questions about one text of a push, of which the answers are kept.
const PUSH_QUESTIONS: usize = 16;
/// LIMIT: rounds of questions about one push. Each asks all that can be asked without the answers
/// of the next, so more of them means that answers lead to questions without end.
const ROUNDS_MAX: usize = 32;

// === impl Answers ===

impl Answers {
    /// Takes the outcomes of one round.
    pub fn add(
        &mut self,
        outcomes: impl IntoIterator<Item = (DetectorCall, Result<Answer, String>)>,
    ) {
        self.rounds += 1;
        for (call, outcome) in outcomes {
            let question = self.known.question(&call);
            self.known.outcomes.insert(question, outcome);
        }
    }

    /// The detectors to push with. After too many rounds they have no further questions: what is
    /// still open then is an error.
    pub fn beside<'a>(&'a self, detectors: &'a dyn Detectors) -> Informed<'a> {
        Informed {
            answers: self,
            detectors,
        }
    }
}

// === impl Informed ===

impl Detectors for Informed<'_> {
    fn answer(&self, call: &DetectorCall) -> Lookup {
        let Answers { known, rounds } = self.answers;
        if *rounds > 0
            && let Some(outcome) = known.outcome(call)
        {
            return Lookup::Ready(outcome.clone());
        }
        match self.detectors.answer(call) {
            Lookup::Later if *rounds >= ROUNDS_MAX => Lookup::Ready(Err(format!(
                "`{}` was asked for more than {ROUNDS_MAX} rounds",
                call.detector
            ))),
            lookup => lookup,
        }
    }
}

// === impl Oracle ===

impl<'a> Oracle<'a> {
    pub(crate) fn new(detectors: &'a dyn Detectors, memo: &'a RefCell<Memo>) -> Self {
        Self { detectors, memo }
    }

    /// What was answered in this push already.
    pub(crate) fn recall(&self, call: &DetectorCall) -> Option<Answer> {
        self.memo.borrow().push.answer(call).cloned()
    }

    pub(crate) fn ask(&self, call: &DetectorCall) -> Lookup {
        let lookup = self.find_out(call);
        if let Lookup::Ready(Ok(answer)) = &lookup {
            self.memo.borrow_mut().push.keep(call, answer);
        }
        lookup
    }

    fn find_out(&self, call: &DetectorCall) -> Lookup {
        if call.text.len() > MEMO_TEXT_BYTES {
            return self.detectors.answer(call);
        }
        let question = self.memo.borrow().known.question(call);
        if let Some(outcome) = self.memo.borrow().known.outcomes.get(&question) {
            return Lookup::Ready(outcome.clone());
        }
        let lookup = self.detectors.answer(call);
        if let Lookup::Ready(outcome @ Ok(_)) = &lookup {
            self.memo.borrow_mut().keep(question, outcome.clone());
        }
        lookup
    }
}

// === impl Memo ===

impl Memo {
    pub(crate) fn end_push(&mut self) {
        self.push.forget();
    }

    fn keep(&mut self, question: Question, outcome: Result<Answer, String>) {
        self.bytes = self.bytes.saturating_add(question.call.text.len());
        self.order.push_back(question.clone());
        self.known.outcomes.insert(question, outcome);
        while self.order.len() > MEMO_ENTRIES || self.bytes > MEMO_BYTES {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            self.bytes = self.bytes.saturating_sub(oldest.call.text.len());
            self.known.outcomes.remove(&oldest);
        }
    }
}

// === impl PushMemo ===

impl PushMemo {
    /// Lets go of all answers, and of the room for them if most pushes need less.
    fn forget(&mut self) {
        self.known.clear();
        self.known.shrink_to(PUSH_TEXTS_USUAL);
        self.bytes = 0;
    }

    fn answer(&self, call: &DetectorCall) -> Option<&Answer> {
        let about = self.known.get(&address(&call.text))?;
        about
            .iter()
            .find(|(known, _)| known.detector == call.detector && known.options == call.options)
            .map(|(_, answer)| answer)
    }

    /// What is over a limit is not kept, and asked again.
    fn keep(&mut self, call: &DetectorCall, answer: &Answer) {
        let is_full = self.known.len() >= PUSH_TEXTS
            || self.bytes.saturating_add(call.text.len()) > PUSH_BYTES;
        let about = match self.known.entry(address(&call.text)) {
            Entry::Vacant(_) if is_full => return,
            Entry::Vacant(vacant) => {
                self.bytes += call.text.len();
                vacant.insert(Vec::new())
            }
            Entry::Occupied(known) => known.into_mut(),
        };
        if about.len() < PUSH_QUESTIONS {
            about.push((call.clone(), answer.clone()));
        }
    }
}

fn address(text: &Arc<str>) -> usize {
    text.as_ptr().addr()
}

// === impl Known ===

impl Known {
    fn question(&self, call: &DetectorCall) -> Question {
        Question {
            call: call.clone(),
            digest: self.hasher.hash_one((call.detector, &call.text)),
        }
    }

    fn outcome(&self, call: &DetectorCall) -> Option<&Result<Answer, String>> {
        self.outcomes.get(&self.question(call))
    }
}

// === impl Question ===

impl Eq for Question {}

impl Hash for Question {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(memo: &Memo, text: &str) -> Question {
        memo.known.question(&DetectorCall {
            detector: "secrets",
            text: text.into(),
            options: Object::new(),
        })
    }

    #[test]
    fn what_a_push_keeps_is_bounded() {
        let answer = Answer {
            value: Value::Null,
            marks: Vec::new(),
        };
        let call = |text: &Arc<str>, option: usize| {
            let mut options = Object::new();
            options.insert("query", option.to_string().as_str());
            DetectorCall {
                detector: "fuzzy_contains",
                text: text.clone(),
                options,
            }
        };
        let check = |text_bytes: usize, count: usize, questions: usize, kept: usize| {
            let mut push = PushMemo::default();
            let mut known = 0;
            let texts = std::iter::repeat_with(|| Arc::from(" ".repeat(text_bytes)));
            for text in texts.take(count).collect::<Vec<Arc<str>>>() {
                for option in 0..questions {
                    push.keep(&call(&text, option), &answer);
                    known += usize::from(push.answer(&call(&text, option)).is_some());
                }
            }
            assert_eq!(known, kept);
        };
        check(1, PUSH_TEXTS + 1, 1, PUSH_TEXTS);
        check(PUSH_BYTES / 4, 5, 1, 4);
        check(PUSH_BYTES / 2, 3, 2 * PUSH_QUESTIONS, 2 * PUSH_QUESTIONS);
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_in_bytes() {
        let check = |text_bytes: usize, kept: usize| {
            let mut memo = Memo::default();
            let text = |number: usize| {
                let digits = number.to_string();
                digits.clone() + &" ".repeat(text_bytes - digits.len())
            };
            for number in 0..2 * MEMO_ENTRIES {
                let question = question(&memo, &text(number));
                memo.keep(question, Err(String::new()));
            }
            assert_eq!(memo.known.outcomes.len(), kept);
            let newest = question(&memo, &text(2 * MEMO_ENTRIES - 1));
            assert!(memo.known.outcomes.contains_key(&newest));
        };
        check(8, MEMO_ENTRIES);
        check(MEMO_TEXT_BYTES, MEMO_BYTES / MEMO_TEXT_BYTES);
    }
}
