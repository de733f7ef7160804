//! What was answered before, by the content of the question.

use std::num::NonZeroUsize;

use portcullis_engine::{Answer, DetectorCall};
use portcullis_json::Value;
use portcullis_session::{Recent, digest};

/// Answers of this process. Texts are not kept, only digests of them.
#[derive(Debug)]
pub(super) struct Cache(Recent<Key, Answer>);

type Key = [u8; 32];

/// LIMIT: an answer that is written with more bytes than this is not kept.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// LIMIT: an answer with more marks than this is not kept.
const MARKS_MAX: usize = 1024;

// === impl Cache ===

impl Cache {
    pub(super) fn new(entries_max: NonZeroUsize) -> Self {
        Self(Recent::new(entries_max))
    }

    pub(super) fn find(&self, call: &DetectorCall) -> Option<Answer> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&key(call)).cloned()
    }

    pub(super) fn keep(&mut self, call: &DetectorCall, answer: &Answer) {
        let is_short = answer.value.to_string().len() <= ANSWER_BYTES_MAX;
        if !is_short || answer.marks.len() > MARKS_MAX {
            return;
        }
        self.0.insert(key(call), answer.clone());
    }
}

fn key(call: &DetectorCall) -> Key {
    let options = Value::from(call.options.clone()).to_string();
    digest(&[call.detector, &options, &call.text].map(str::as_bytes))
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
