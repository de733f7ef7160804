//! `moderated`, by an endpoint of the form of OpenAI's `moderations`.

use std::ops::Range;
use std::sync::Arc;

use portcullis_engine::{Answer, DetectorCall};
use portcullis_json::{Object, Value};
use portcullis_session::threshold;
use portcullis_transport::http::endpoint::Connector;

use super::service::Service;
use super::{Answered, options};
use crate::config::ModerationConfig;

/// What is scored at once, in characters, as the reference does and OpenAI advises.
const PIECE_CHARACTERS: usize = 2000;
/// LIMIT: pieces of one text.
const PIECES_MAX: usize = 2000;
/// Pieces of one request.
const BATCH: usize = 32;
/// The language's default for `default_threshold`.
const DEFAULT_THRESHOLD: f64 = 0.5;
/// What the reference calls this provider.
const PROVIDER: &str = "OpenAI";

const KEY: &str = "detectors.moderation";

/// See the module.
#[derive(Debug)]
pub(super) struct Moderation {
    service: Arc<Service>,
    model: Option<String>,
}

/// From which score on a category counts.
struct Thresholds<'o> {
    default: f64,
    of: Vec<(&'o str, f64)>,
}

// === impl Moderation ===

impl Moderation {
    pub(super) fn new(connector: &Connector, config: &ModerationConfig) -> Self {
        Self {
            service: Arc::new(Service::new(
                connector,
                &config.service,
                &["moderations"],
                KEY,
            )),
            model: config.model.clone(),
        }
    }

    /// Whether it is what a policy means by this model.
    pub(super) fn is_called(&self, model: &str) -> bool {
        model == PROVIDER || self.model.as_deref() == Some(model)
    }

    pub(super) async fn answer(&self, call: &DetectorCall) -> Answered {
        let thresholds = Thresholds::read(&call.options)?;
        let pieces: Vec<Range<usize>> = pieces(&call.text)
            .into_iter()
            .filter(|piece| !slice(&call.text, piece).trim().is_empty())
            .collect();
        if pieces.len() > PIECES_MAX {
            return Err(format!(
                "`moderated` scores a text line by line, and this one has more than {PIECES_MAX}"
            ));
        }
        let batches = pieces.chunks(BATCH);
        let questions = batches
            .clone()
            .map(|batch| self.question(&call.text, batch));
        let answers = self.service.ask_all(questions).await?;
        let mut marks = Vec::new();
        for (batch, answer) in batches.zip(&answers) {
            let flagged = self.flagged(answer, batch.len(), &thresholds)?;
            let flagged = batch.iter().zip(flagged).filter(|(_, flagged)| *flagged);
            marks.extend(flagged.map(|(piece, _)| piece.clone()));
        }
        Ok(Answer {
            value: Value::Bool(!marks.is_empty()),
            marks,
        })
    }

    fn question(&self, text: &str, pieces: &[Range<usize>]) -> Object {
        let mut body = Object::new();
        if let Some(model) = &self.model {
            body.insert("model", model.as_str());
        }
        let texts = pieces.iter().map(|piece| slice(text, piece).into());
        body.insert("input", texts.collect::<Vec<Value>>());
        body
    }

    /// Which of so many texts the answer is that they are to be moderated.
    fn flagged(
        &self,
        answer: &Value,
        count: usize,
        thresholds: &Thresholds<'_>,
    ) -> Result<Vec<bool>, String> {
        let results = answer.get("results").and_then(Value::as_array);
        let results = results.filter(|results| results.len() == count);
        let flagged = results.and_then(|results| {
            let flagged = results.iter().map(|result| thresholds.reached_by(result));
            flagged.collect::<Option<Vec<bool>>>()
        });
        flagged.ok_or_else(|| {
            self.service
                .failure("its answer has not the `category_scores` of each text")
        })
    }
}

// === impl Thresholds ===

impl<'o> Thresholds<'o> {
    fn read(given: &'o Object) -> Result<Self, String> {
        let wrong = || "`cat_thresholds` has a number from 0 to 1 for each category".to_owned();
        let of = match given.get("cat_thresholds") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(of)) => {
                let of = of.iter().map(|(category, _)| {
                    let own = threshold(of, category).ok().flatten()?;
                    Some((&**category, own))
                });
                of.collect::<Option<_>>().ok_or_else(wrong)?
            }
            Some(_) => return Err(wrong()),
        };
        let default = threshold(given, "default_threshold")?.unwrap_or(DEFAULT_THRESHOLD);
        Ok(Self { default, of })
    }

    /// `None` if the result has no scores. A category of its own threshold has the default too, as
    /// in the reference.
    fn reached_by(&self, result: &Value) -> Option<bool> {
        let scores = result.get("category_scores")?.as_object()?;
        if scores.is_empty() {
            return None;
        }
        let mut is_reached = false;
        for (category, score) in scores.iter() {
            let score = options::as_number(score)?;
            let mut of = self.of.iter();
            let own = of.find(|(name, _)| is_same(name, category));
            is_reached |= score > self.default || own.is_some_and(|(_, own)| score > *own);
        }
        Some(is_reached)
    }
}

/// The reference writes `self_harm` for one provider and `self-harm` for another.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |c: char| if c == '_' { '-' } else { c };
    one.chars().map(plain).eq(other.chars().map(plain))
}

/// Lines, of which each but the first keeps the line feed before it, cut where they are too long.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut starts: Vec<usize> = vec![0];
    starts.extend(text.match_indices('\n').map(|(place, _)| place));
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    for (start, end) in starts.iter().copied().zip(ends) {
        let line = slice(text, &(start..end));
        let mut from = start;
        for (count, (place, _)) in line.char_indices().enumerate() {
            if count > 0 && count % PIECE_CHARACTERS == 0 {
                pieces.push(from..start + place);
                from = start + place;
            }
        }
        pieces.push(from..end);
    }
    pieces
}

fn slice<'t>(text: &'t str, piece: &Range<usize>) -> &'t str {
    text.get(piece.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use portcullis_json::{Limits, parse};

    use super::*;

    #[test]
    fn lines_keep_the_line_feed_before_them() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<&str> = pieces(text)
                .iter()
                .map(|piece| slice(text, piece))
                .collect();
            assert_eq!(found, expected);
        };
        check("", &[""]);
        check("a", &["a"]);
        check("a\nb\n", &["a", "\nb", "\n"]);
        check("\n\na", &["", "\n", "\na"]);
        let long = "é".repeat(PIECE_CHARACTERS + 1);
        check(&long, &[&"é".repeat(PIECE_CHARACTERS), "é"]);
        let exact = "x".repeat(PIECE_CHARACTERS);
        check(&exact, &[&exact]);
    }

    #[test]
    fn a_category_counts_from_its_threshold_on() {
        let check = |given: &str, scores: &str, expected: Option<bool>| {
            let given = parse(given, &Limits::lenient()).unwrap();
            let result = parse(scores, &Limits::lenient()).unwrap();
            let thresholds = Thresholds::read(given.as_object().unwrap()).unwrap();
            assert_eq!(thresholds.reached_by(&result), expected, "{scores}");
        };
        let mild = r#"{"category_scores":{"violence":0.3,"self-harm":0.1}}"#;
        check("{}", mild, Some(false));
        check(r#"{"default_threshold":0.2}"#, mild, Some(true));
        check(r#"{"cat_thresholds":{"violence":0.2}}"#, mild, Some(true));
        check(r#"{"cat_thresholds":{"self_harm":0.05}}"#, mild, Some(true));
        check(r#"{"cat_thresholds":{"hate":0}}"#, mild, Some(false));
        let grave = r#"{"category_scores":{"violence":0.9}}"#;
        check(r#"{"cat_thresholds":{"violence":1}}"#, grave, Some(true));
        for wrong in [
            "{}",
            r#"{"category_scores":{}}"#,
            r#"{"category_scores":{"hate":"0.9"}}"#,
        ] {
            check("{}", wrong, None);
        }
    }
}
