//! Arguments of detectors, as policies give them.

use portcullis_engine::DetectorCall;
use portcullis_json::{Number, Object, Value};

pub(super) fn text<'o>(options: &'o Object, name: &str) -> Result<Option<&'o str>, String> {
    match options.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{name}` is a text")),
    }
}

/// The model that a call names.
pub(super) fn model(call: &DetectorCall) -> Result<Option<&str>, String> {
    match text(&call.options, "model")? {
        Some("") => Err(format!(
            "`{}` is given an empty `model`: name one, or leave `model` out of the call",
            call.detector
        )),
        named => Ok(named),
    }
}

pub(super) fn number(options: &Object, name: &str) -> Result<Option<f64>, String> {
    match options.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => as_number(value)
            .map(Some)
            .ok_or_else(|| format!("`{name}` is a number")),
    }
}

pub(super) fn count(options: &Object, name: &str) -> Result<Option<i64>, String> {
    match options.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(Number::Integer(count))) if *count > 0 => Ok(Some(*count)),
        Some(_) => Err(format!("`{name}` is a number of 1 or more")),
    }
}

/// A text, or a list of texts.
pub(super) fn texts<'o>(options: &'o Object, name: &str) -> Result<Vec<&'o str>, String> {
    let wrong = || format!("`{name}` is a text or a list of texts");
    match options.get(name) {
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(items)) => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            texts.filter(|texts| !texts.is_empty()).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

pub(super) fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(Number::Float(number)) => Some(*number),
        Value::Number(Number::Integer(number)) => {
            // Scores and thresholds are small.
            i32::try_from(*number).ok().map(f64::from)
        }
        _ => None,
    }
}

pub(super) fn float(number: f64) -> Value {
    Value::Number(Number::Float(number))
}
