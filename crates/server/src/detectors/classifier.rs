//! `prompt_injection(model=…)`, by a text classifier behind an endpoint of the form of Hugging
//! Face's: `{"inputs": TEXT}` is answered with `[{"label": …, "score": …}, …]`, or a list of that.

use std::ops::Range;
use std::sync::Arc;

use portcullis_engine::{Answer, DetectorCall};
use portcullis_json::Value;
use portcullis_session::{INJECTION_THRESHOLD, threshold};
use portcullis_transport::http::endpoint::Connector;

use super::service::Service;
use super::{Answered, options};
use crate::config::ClassifierService;

/// What is asked about at once, in characters: classifiers read some hundred tokens.
const WINDOW_CHARACTERS: usize = 1000;
/// What two windows share, so that an instruction is whole in one of them.
const SHARED_CHARACTERS: usize = 200;
/// LIMIT: windows of one text.
const WINDOWS_MAX: usize = 128;

/// See the module.
#[derive(Debug)]
pub(super) struct Classifier {
    service: Arc<Service>,
    labels: Vec<String>,
}

// === impl Classifier ===

impl Classifier {
    pub(super) fn new(connector: &Connector, name: &str, config: &ClassifierService) -> Self {
        let key = format!("detectors.prompt_injection.{name}");
        Self {
            service: Arc::new(Service::new(connector, &config.service, &[], key)),
            labels: config.labels.clone(),
        }
    }

    /// Whether the worst window reaches the threshold; it is the mark.
    pub(super) async fn answer(&self, call: &DetectorCall) -> Answered {
        let threshold = threshold(&call.options, "threshold")?.unwrap_or(INJECTION_THRESHOLD);
        let windows = windows(&call.text);
        if windows.len() > WINDOWS_MAX {
            return Err(self.service.failure(format!(
                "the text is longer than {WINDOWS_MAX} windows of {WINDOW_CHARACTERS} characters"
            )));
        }
        let texts = windows.iter().map(|window| call.text.get(window.clone()));
        let questions = texts.map(|text| [("inputs", text.unwrap_or_default().into())].into());
        let answers = self.service.ask_all(questions).await?;
        let mut worst: Option<(f64, Range<usize>)> = None;
        for (window, answer) in windows.into_iter().zip(&answers) {
            let score = self.score(answer)?;
            if worst.as_ref().is_none_or(|(worst, _)| score > *worst) {
                worst = Some((score, window));
            }
        }
        let found = worst.filter(|(score, _)| *score >= threshold);
        Ok(Answer {
            value: Value::Bool(found.is_some()),
            marks: found.into_iter().map(|(_, window)| window).collect(),
        })
    }

    fn score(&self, answer: &Value) -> Result<f64, String> {
        self.read(answer).ok_or_else(|| {
            let labels = self.labels.join("`, `");
            self.service.failure(format!(
                "its answer has no score for one of the labels `{labels}`"
            ))
        })
    }

    /// The greatest score of a label that means an injection. One that is not named has none, if
    /// others are.
    fn read(&self, answer: &Value) -> Option<f64> {
        let mut scores = answer.as_array()?;
        if let [Value::Array(inner)] = scores {
            scores = inner;
        }
        let mut greatest: Option<f64> = None;
        for one in scores {
            let (label, score) = (one.get("label")?.as_str()?, one.get("score")?);
            let score = options::as_number(score)?;
            if self
                .labels
                .iter()
                .any(|known| known.eq_ignore_ascii_case(label))
            {
                greatest = Some(greatest.map_or(score, |greatest| greatest.max(score)));
            }
        }
        greatest
    }
}

/// Parts of the text that cover it, each but the first beginning before the last one ends.
fn windows(text: &str) -> Vec<Range<usize>> {
    let mut places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
    places.push(text.len());
    let characters = places.len() - 1;
    let place = |character: usize| places.get(character).copied().unwrap_or(text.len());
    let mut windows = Vec::new();
    let mut start = 0;
    loop {
        let end = (start + WINDOW_CHARACTERS).min(characters);
        windows.push(place(start)..place(end));
        if end == characters {
            return windows;
        }
        start = end - SHARED_CHARACTERS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_a_text_and_overlap() {
        let check = |text: &str, expected: &[(usize, usize)]| {
            let found: Vec<_> = windows(text)
                .iter()
                .map(|one| (one.start, one.end))
                .collect();
            assert_eq!(found, expected);
        };
        check("", &[(0, 0)]);
        check(&"x".repeat(1000), &[(0, 1000)]);
        check(&"x".repeat(1001), &[(0, 1000), (800, 1001)]);
        check(&"é".repeat(1900), &[(0, 2000), (1600, 3600), (3200, 3800)]);
    }
}
