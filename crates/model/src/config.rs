//! `config.json`: what the model's outputs mean.

use crate::error::LoadError;
use portcullis_json::{Limits, Number, Object, Value, parse};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// LIMIT: bytes of `config.json`.
const CONFIG_BYTES_MAX: u64 = 1024 * 1024;
/// LIMIT: labels of a model.
const LABELS_MAX: usize = 1_000;
/// Labels that name an attack in published models, in small letters.
const ATTACKS: [&str; 9] = [
    "injection",
    "jailbreak",
    "malicious",
    "attack",
    "unsafe",
    "prompt_injection",
    "prompt injection",
    "indirect_injection",
    "toxic",
];

/// What `config.json` says.
#[derive(Debug)]
pub(crate) struct Config {
    /// Names of the outputs, by their places.
    pub(crate) labels: Vec<String>,
    pub(crate) activation: Activation,
    /// Tokens that the model can tell the places of.
    pub(crate) positions: Option<usize>,
}

/// How outputs become scores from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    /// One label is right.
    Softmax,
    /// Each label is right or not.
    Sigmoid,
}

/// Reads a file that is not longer than `limit`.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, LoadError> {
    let unreadable = |source| LoadError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(LoadError::TooLong {
            path: path.to_owned(),
            limit,
        })
    }
}

pub(crate) fn unusable(path: &Path, reason: impl Into<String>) -> LoadError {
    LoadError::Unusable {
        path: path.to_owned(),
        reason: reason.into(),
    }
}

// === impl Config ===

impl Config {
    pub(crate) fn load(path: &Path) -> Result<Self, LoadError> {
        let bytes = read(path, CONFIG_BYTES_MAX)?;
        let text = String::from_utf8(bytes).map_err(|error| unusable(path, error.to_string()))?;
        let value =
            parse(&text, &Limits::strict()).map_err(|error| unusable(path, error.to_string()))?;
        let object = value
            .as_object()
            .ok_or_else(|| unusable(path, "it is no object"))?;
        let labels = labels(object).map_err(|reason| unusable(path, reason))?;
        let is_multiple = object.get("problem_type").and_then(Value::as_str)
            == Some("multi_label_classification");
        let positions = object.get("max_position_embeddings");
        Ok(Self {
            activation: if is_multiple || labels.len() == 1 {
                Activation::Sigmoid
            } else {
                Activation::Softmax
            },
            labels,
            positions: positions.and_then(whole),
        })
    }

    /// The places of the labels that mean an attack: those that are named, or else those whose
    /// names say it.
    pub(crate) fn attacks(&self, path: &Path, named: &[String]) -> Result<Vec<usize>, LoadError> {
        let known = || self.labels.join(", ");
        let place = |label: &str| self.labels.iter().position(|known| known == label);
        if !named.is_empty() {
            let places = named.iter().map(|label| {
                place(label).ok_or_else(|| LoadError::NoSuchLabel {
                    path: path.to_owned(),
                    label: label.clone(),
                    known: known(),
                })
            });
            return places.collect();
        }
        let says_so = |label: &String| ATTACKS.contains(&label.to_lowercase().as_str());
        let places: Vec<usize> = (0..)
            .zip(&self.labels)
            .filter(|(_, label)| says_so(label))
            .map(|(place, _)| place)
            .collect();
        if places.is_empty() {
            return Err(LoadError::NoAttackLabel {
                path: path.to_owned(),
                known: known(),
            });
        }
        Ok(places)
    }
}

/// `id2label`: each place once, from 0 on.
fn labels(config: &Object) -> Result<Vec<String>, String> {
    let named = config
        .get("id2label")
        .and_then(Value::as_object)
        .ok_or("`id2label` is missing")?;
    let mut labels = Vec::new();
    while let Some(label) = named.get(&labels.len().to_string()) {
        let label = label.as_str().ok_or("a label is no text")?;
        labels.push(label.to_owned());
    }
    if labels.is_empty() || labels.len() != named.len() || labels.len() > LABELS_MAX {
        return Err(format!(
            "`id2label` names the outputs from 0 on, at most {LABELS_MAX}"
        ));
    }
    Ok(labels)
}

fn whole(value: &Value) -> Option<usize> {
    match value {
        Value::Number(Number::Integer(number)) => usize::try_from(*number).ok(),
        _ => None,
    }
}
