//! What was answered before, by the content of the question.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;

use portcullis_engine::{Answer, DetectorCall};
use portcullis_json::Value;
use sha2::{Digest, Sha256};

/// Answers of this process. The oldest leave when there are too many. Texts are not kept, only
/// digests of them.
#[derive(Debug)]
pub(super) struct Cache {
    answers: HashMap<Key, Answer>,
    order: VecDeque<Key>,
    entries_max: NonZeroUsize,
}

type Key = [u8; 32];

/// LIMIT: an answer that is written with more bytes than this is not kept.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// LIMIT: an answer with more marks than this is not kept.
const MARKS_MAX: usize = 1024;

// === impl Cache ===

impl Cache {
    pub(super) fn new(entries_max: NonZeroUsize) -> Self {
        Self {
            answers: HashMap::new(),
            order: VecDeque::new(),
            entries_max,
        }
    }

    pub(super) fn find(&self, call: &DetectorCall) -> Option<Answer> {
        if self.answers.is_empty() {
            return None;
        }
        self.answers.get(&key(call)).cloned()
    }

    pub(super) fn keep(&mut self, call: &DetectorCall, answer: &Answer) {
        let is_short = answer.value.to_string().len() <= ANSWER_BYTES_MAX;
        if !is_short || answer.marks.len() > MARKS_MAX {
            return;
        }
        let key = key(call);
        if self.answers.insert(key, answer.clone()).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > self.entries_max.get()
            && let Some(oldest) = self.order.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }
}

/// Each part is as long as it says, so that no two calls are written alike.
fn key(call: &DetectorCall) -> Key {
    let options = Value::from(call.options.clone()).to_string();
    let mut digest = Sha256::new();
    for part in [call.detector, &options, &call.text] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use portcullis_json::Object;

    use super::*;

    fn call(text: &str, model: &str) -> DetectorCall {
        DetectorCall {
            detector: "llm",
            text: text.into(),
            options: [("model".into(), model.into())]
                .into_iter()
                .collect::<Object>(),
        }
    }

    fn answer(text: &str) -> Answer {
        Answer {
            value: text.into(),
            marks: Vec::new(),
        }
    }

    #[test]
    fn the_oldest_leave_and_what_is_long_never_comes() {
        let mut cache = Cache::new(NonZeroUsize::new(2).unwrap());
        for text in ["a", "b", "b", "c"] {
            cache.keep(&call(text, "m"), &answer(text));
        }
        assert_eq!(cache.find(&call("a", "m")), None);
        assert_eq!(cache.find(&call("b", "m")), Some(answer("b")));
        assert_eq!(cache.find(&call("c", "m")), Some(answer("c")));
        assert_eq!(cache.find(&call("c", "n")), None);
        cache.keep(&call("d", "m"), &answer(&"x".repeat(ANSWER_BYTES_MAX)));
        assert_eq!(cache.find(&call("d", "m")), None);
    }
}
