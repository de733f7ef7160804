//! Kinds of personal data that take a language model, by a running Presidio analyzer.

use std::ops::Range;

use portcullis_detect::pii;
use portcullis_engine::{DetectorCall, Detectors, Lookup};
use portcullis_json::{Object, Value};
use portcullis_session::LocalDetectors;
use portcullis_transport::http::endpoint::Connector;

use super::service::Service;
use super::{Answered, options};
use crate::config::PresidioConfig;

/// LIMIT: how long a text may be that is sent.
const TEXT_BYTES_MAX: usize = 256 * 1024;
/// What a finding must score more than, as in the reference.
const SCORE: f64 = 0.5;

const KEY: &str = "detectors.presidio";

/// See the module.
#[derive(Debug)]
pub(super) struct Presidio {
    service: Service,
    language: String,
}

// === impl Presidio ===

impl Presidio {
    pub(super) fn new(connector: &Connector, config: &PresidioConfig) -> Self {
        Self {
            service: Service::new(connector, &config.service, &["analyze"], KEY),
            language: config.language.clone(),
        }
    }

    /// What this process finds by form, and what the analyzer finds of all other kinds.
    pub(super) async fn answer(&self, call: &DetectorCall) -> Answered {
        let asked = match call.options.get("entities") {
            None | Some(Value::Null) => None,
            Some(_) => Some(options::texts(&call.options, "entities")?),
        };
        let (own, others) = match &asked {
            None => (None, None),
            Some(kinds) => {
                let (own, others) = kinds.iter().copied().partition::<Vec<_>, _>(is_own);
                (Some(own), Some(others))
            }
        };
        let mut found = local(call, own.as_deref())?;
        let Value::Array(kinds) = &found.value else {
            return Ok(found);
        };
        let mut kinds = kinds.to_vec();
        for (kind, place) in self.found(&call.text, others.as_deref()).await? {
            kinds.push(kind);
            found.marks.push(place);
        }
        found.value = kinds.into();
        Ok(found)
    }

    async fn found(
        &self,
        text: &str,
        kinds: Option<&[&str]>,
    ) -> Result<Vec<(Value, Range<usize>)>, String> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(self
                .service
                .failure(format!("the text is longer than {TEXT_BYTES_MAX} bytes")));
        }
        let mut body = Object::new();
        body.insert("text", text);
        body.insert("language", self.language.as_str());
        body.insert("score_threshold", options::float(SCORE));
        if let Some(kinds) = kinds {
            let kinds = kinds.iter().copied().map(Value::from);
            body.insert("entities", kinds.collect::<Vec<_>>());
        }
        let answer = self.service.ask(body).await?;
        let findings = answer.as_array().and_then(|findings| {
            let findings = findings.iter().map(|finding| read(finding, text));
            findings.collect::<Option<Vec<_>>>()
        });
        let findings =
            findings.ok_or_else(|| self.service.failure("its answer is no list of findings"))?;
        let mut distinct: Vec<(Value, Range<usize>)> = Vec::new();
        for (kind, place, score) in findings {
            let is_asked = kinds.map_or(!is_own(&kind), |kinds| kinds.contains(&kind));
            let finding = (Value::from(kind), place);
            if is_asked && score > SCORE && !distinct.contains(&finding) {
                distinct.push(finding);
            }
        }
        Ok(distinct)
    }
}

/// Whether it is a kind that this process finds by itself.
pub(super) fn is_own(kind: &&str) -> bool {
    pii::SUPPORTED.contains(kind)
}

fn local(call: &DetectorCall, kinds: Option<&[&str]>) -> Answered {
    let mut call = call.clone();
    if let Some(kinds) = kinds {
        let kinds = kinds.iter().copied().map(Value::from);
        call.options.insert("entities", kinds.collect::<Vec<_>>());
    }
    match LocalDetectors.answer(&call) {
        Lookup::Ready(answer) => answer,
        Lookup::Later => Err("`pii` did not answer".to_owned()),
    }
}

/// A finding, with its place in bytes: the analyzer counts code points.
fn read<'f>(finding: &'f Value, text: &str) -> Option<(&'f str, Range<usize>, f64)> {
    let place = |member: &str| {
        let characters = usize::try_from(finding.get(member)?.as_i64()?).ok()?;
        let mut places = text
            .char_indices()
            .map(|(place, _)| place)
            .chain([text.len()]);
        places.nth(characters)
    };
    let kind = finding.get("entity_type")?.as_str()?;
    let score = options::as_number(finding.get("score")?)?;
    let (start, end) = (place("start")?, place("end")?);
    (start <= end).then_some((kind, start..end, score))
}

#[cfg(test)]
mod tests {
    use portcullis_json::{Limits, parse};

    use super::*;

    #[test]
    fn places_are_code_points() {
        let check = |finding: &str, expected: Option<(&str, Range<usize>)>| {
            let finding = parse(finding, &Limits::lenient()).unwrap();
            let read = read(&finding, "é Ann");
            assert_eq!(read.map(|(kind, place, _)| (kind, place)), expected);
        };
        let ann = r#"{"entity_type":"PERSON","start":2,"end":5,"score":0.85}"#;
        check(ann, Some(("PERSON", 3..6)));
        for wrong in [
            r#"{"entity_type":"PERSON","start":2,"end":6,"score":0.85}"#,
            r#"{"entity_type":"PERSON","start":5,"end":2,"score":0.85}"#,
            r#"{"entity_type":"PERSON","start":-1,"end":2,"score":0.85}"#,
            r#"{"entity_type":"PERSON","start":0,"end":2}"#,
            r#"{"start":0,"end":2,"score":1}"#,
        ] {
            check(wrong, None);
        }
    }
}
