//! `is_similar` and `embedding_similarity`, by an endpoint of the form of OpenAI's `embeddings`.

use portcullis_engine::{Answer, DetectorCall};
use portcullis_json::{Object, Value};
use portcullis_transport::http::endpoint::Connector;

use super::service::Service;
use super::{Answered, options};
use crate::config::ModelConfig;

/// LIMIT: how long a text may be that is compared.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// LIMIT: texts that one is compared with.
const TARGETS_MAX: usize = 64;

const KEY: &str = "detectors.embeddings";

/// See the module.
#[derive(Debug)]
pub(super) struct Embeddings {
    service: Service,
    model: String,
}

// === impl Embeddings ===

impl Embeddings {
    pub(super) fn new(connector: &Connector, config: &ModelConfig) -> Self {
        Self {
            service: Service::new(connector, &config.service, &["embeddings"], KEY),
            model: config.model.clone(),
        }
    }

    pub(super) async fn answer(&self, call: &DetectorCall) -> Answered {
        let targets = options::texts(&call.options, "target")?;
        if targets.len() > TARGETS_MAX {
            return Err(format!("`target` has more than {TARGETS_MAX} texts"));
        }
        let value = if call.detector == "is_similar" {
            let threshold = threshold(&call.options)?;
            let similarities = self.similarities(&call.text, &targets).await?;
            Value::Bool(similarities.into_iter().any(|one| one > threshold))
        } else {
            let is_min = options::text(&call.options, "mode")? == Some("min");
            let similarities = self.similarities(&call.text, &targets).await?;
            let chosen = similarities
                .into_iter()
                .reduce(if is_min { f64::min } else { f64::max });
            options::float(chosen.unwrap_or_default())
        };
        Ok(Answer {
            value,
            marks: Vec::new(),
        })
    }

    /// The cosine of the text's embedding with that of each target.
    async fn similarities(&self, text: &str, targets: &[&str]) -> Result<Vec<f64>, String> {
        let texts = std::iter::once(text).chain(targets.iter().copied());
        if texts.clone().any(|text| text.len() > TEXT_BYTES_MAX) {
            return Err(format!(
                "a text longer than {TEXT_BYTES_MAX} bytes is not compared"
            ));
        }
        let count = targets.len() + 1;
        let mut body = Object::new();
        body.insert("model", self.model.as_str());
        body.insert("input", texts.map(Value::from).collect::<Vec<_>>());
        body.insert("encoding_format", "float");
        let answer = self.service.ask(body).await?;
        let vectors = vectors(&answer, count).ok_or_else(|| {
            self.service
                .failure("its answer has not one embedding for each text")
        })?;
        let mut vectors = vectors.into_iter();
        let own = vectors.next().unwrap_or_default();
        let compared = vectors.map(|other| cosine(&own, &other));
        compared
            .collect::<Option<_>>()
            .ok_or_else(|| self.service.failure("its embeddings cannot be compared"))
    }
}

/// The embeddings in the order of their texts, if there is exactly one for each.
fn vectors(answer: &Value, count: usize) -> Option<Vec<Vec<f64>>> {
    let data = answer.get("data")?.as_array()?;
    if data.len() != count {
        return None;
    }
    let mut vectors = vec![Vec::new(); count];
    for (place, one) in data.iter().enumerate() {
        let place = match one.get("index").and_then(Value::as_i64) {
            Some(index) => usize::try_from(index).ok()?,
            None => place,
        };
        let vector = one.get("embedding")?.as_array()?;
        let vector: Option<Vec<f64>> = vector.iter().map(options::as_number).collect();
        *vectors.get_mut(place)? = vector?;
    }
    vectors
        .iter()
        .all(|vector| !vector.is_empty())
        .then_some(vectors)
}

/// `None` unless both are vectors of one space, and neither is nothing.
fn cosine(one: &[f64], other: &[f64]) -> Option<f64> {
    if one.len() != other.len() {
        return None;
    }
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let cosine = dot(one, other) / (dot(one, one).sqrt() * dot(other, other).sqrt());
    cosine.is_finite().then_some(cosine)
}

/// A number from 0 to 1, or one of the reference's words for it.
fn threshold(given: &Object) -> Result<f64, String> {
    match given.get("threshold") {
        Some(Value::String(word)) => match &**word {
            "might_resemble" => Ok(0.2),
            "same_topic" => Ok(0.5),
            "very_similar" => Ok(0.8),
            other => Err(format!(
                "`threshold` is `might_resemble`, `same_topic`, `very_similar` or a number, not \
                 `{other}`"
            )),
        },
        _ => Ok(portcullis_session::threshold(given, "threshold")?.unwrap_or(0.2)),
    }
}

#[cfg(test)]
mod tests {
    use portcullis_json::{Limits, parse};

    use super::*;

    #[test]
    fn embeddings_are_taken_in_the_order_of_their_texts() {
        let check = |answer: &str, expected: Option<Vec<Vec<f64>>>| {
            let read = parse(answer, &Limits::lenient()).unwrap();
            assert_eq!(vectors(&read, 2), expected, "{answer}");
        };
        let expected = Some(vec![vec![1.0, 0.5], vec![0.0, 1.0]]);
        check(
            r#"{"data":[{"index":1,"embedding":[0,1]},{"index":0,"embedding":[1,0.5]}]}"#,
            expected.clone(),
        );
        check(
            r#"{"data":[{"embedding":[1,0.5]},{"embedding":[0,1]}]}"#,
            expected,
        );
        for wrong in [
            "[]",
            r#"{"data":[{"embedding":[1]}]}"#,
            r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#,
            r#"{"data":[{"index":0,"embedding":[1]},{"index":7,"embedding":[1]}]}"#,
            r#"{"data":[{"embedding":["1"]},{"embedding":[0]}]}"#,
            r#"{"data":[{"embedding":[]},{"embedding":[]}]}"#,
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn only_vectors_of_one_space_are_compared() {
        assert_eq!(cosine(&[2.0, 0.0], &[3.0, 0.0]), Some(1.0));
        assert_eq!(cosine(&[1.0, 0.0], &[0.0, 1.0]), Some(0.0));
        assert_eq!(cosine(&[1.0], &[1.0, 0.0]), None);
        assert_eq!(cosine(&[0.0], &[1.0]), None);
        assert_eq!(cosine(&[f64::INFINITY], &[1.0]), None);
    }
}
