//! Members, keys and iteration.

use super::{Evaluated, Evaluator, World, error, failed};
use crate::finding::FailureKind;
use crate::modules::{self};
use crate::value::{Dict, List, Method, Object, Text, Value};
use portcullis_json::{self as json, Limits};
use portcullis_syntax::Span;
use std::borrow::Cow;
use std::sync::Arc;

pub(crate) const TEXT_METHODS: [&str; 7] = [
    "strip",
    "lower",
    "upper",
    "splitlines",
    "split",
    "format",
    "join",
];
pub(crate) const DICT_METHODS: [&str; 4] = ["keys", "values", "items", "get"];

impl World<'_> {
    /// `object.name`. A member that stands in what is borrowed is borrowed as well.
    pub(super) fn member<'v>(
        self,
        object: Cow<'v, Value>,
        name: &Arc<str>,
        span: Span,
    ) -> Evaluated<Cow<'v, Value>> {
        if object.is_unknown() {
            return Ok(object);
        }
        // A text is decoded to see whether it has the member.
        self.pay_for([&*object])?;
        let kept = match &object {
            Cow::Borrowed(object) => kept_member(object, name).map(Cow::Borrowed),
            Cow::Owned(object) => kept_member(object, name).cloned().map(Cow::Owned),
        };
        match kept {
            Some(member) => Ok(member),
            None => self.made_member(&object, name, span).map(Cow::Owned),
        }
    }

    /// A member that does not stand in the value as such.
    fn made_member(self, object: &Value, name: &Arc<str>, span: Span) -> Evaluated {
        let (found, otherwise) = match object {
            Value::Input => (self.parameter(name), FailureKind::MissingParameter),
            Value::Text(text) => (text_member(text, name), FailureKind::MissingAttribute),
            Value::Dict(dict) => (dict_member(dict, name), FailureKind::RuntimeError),
            Value::Object(object) => (object_member(object, name), FailureKind::MissingAttribute),
            Value::Module(module) if module.members.contains(&&**name) => {
                return Ok(modules::value(name));
            }
            other => {
                let message = format!("{} has no attribute `{name}`", other.kind_name());
                (Err(message), FailureKind::MissingAttribute)
            }
        };
        found.map_err(|message| failed(otherwise, message, span))
    }

    fn parameter(self, name: &str) -> Result<Value, String> {
        match self.parameters.get(name) {
            Some(value) => Ok(Value::from(value)),
            None => Err(format!("the policy parameter `{name}` is missing")),
        }
    }
}

impl Evaluator<'_> {
    /// `object[index]`.
    pub(super) fn index(&self, object: &Value, index: &Value, span: Span) -> Evaluated {
        let found = match (object, index) {
            (Value::Text(text), Value::Integer(position)) => {
                let (letter, read) = position
                    .to_i64()
                    .map_or((None, 0), |position| letter_at(&text.text, position));
                self.pay_for_bytes(read)?;
                letter
                    .map(|letter| single(text, letter))
                    .ok_or_else(out_of_range)
            }
            (object, index) => item(object, index),
        };
        found.map_err(|message| error(message, span))
    }
}

/// The member that a dictionary or an event keeps under that name.
fn kept_member<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    match object {
        Value::Dict(dict) => dict.get(name),
        Value::Object(object) if object.contents().is_none() => object.attribute(name),
        _ => None,
    }
}

/// A text that is JSON gives the members of what it says; any text has the methods of a text.
fn text_member(text: &Text, name: &str) -> Result<Value, String> {
    if let Ok(json::Value::Object(object)) = json::parse(&text.text, &Limits::lenient())
        && let Some(value) = object.get(name)
    {
        return Ok(Value::from(value));
    }
    let method = TEXT_METHODS.iter().find(|method| **method == name);
    method
        .map(|method| Value::Method(Arc::new(Method::Text(text.clone(), method))))
        .ok_or_else(|| format!("a text has no attribute `{name}`, nor is it JSON that has one"))
}

fn dict_member(dict: &Dict, name: &str) -> Result<Value, String> {
    let method = DICT_METHODS.iter().find(|method| **method == name);
    method
        .map(|method| Value::Method(Arc::new(Method::Dict(dict.clone(), method))))
        .ok_or_else(|| format!("the dictionary has no key `{name}`"))
}

fn object_member(object: &Object, name: &str) -> Result<Value, String> {
    let methods = if object.contents().is_some() {
        ["text", "image"].as_slice()
    } else {
        &[]
    };
    let method = methods.iter().find(|method| **method == name);
    method
        .map(|method| Value::Method(Arc::new(Method::Contents(object.clone(), method))))
        .ok_or_else(|| format!("{} has no attribute `{name}`", object.data.kind.name()))
}

/// `object[index]` of what is no text.
fn item(object: &Value, index: &Value) -> Result<Value, String> {
    if let Value::Integer(position) = index {
        let position = position.to_i64();
        match object {
            Value::List(list) | Value::Tuple(list) => return list_index(&list.items, position),
            Value::Object(object) => {
                if let Some(chunks) = object.contents() {
                    return list_index(chunks, position);
                }
            }
            _ => {}
        }
    }
    match (object, index) {
        (Value::Dict(dict), Value::Text(key)) => {
            let value = dict.get(&key.text).cloned();
            value.ok_or_else(|| format!("the dictionary has no key `{}`", key.text))
        }
        (Value::Dict(_), _) => Err("the dictionary has only text keys".to_owned()),
        (object, index) => Err(format!(
            "{} cannot be indexed by {}",
            object.kind_name(),
            index.kind_name()
        )),
    }
}

fn list_index(items: &[Value], position: Option<i64>) -> Result<Value, String> {
    let place = position.and_then(|position| resolve(position, items.len()));
    place
        .and_then(|place| items.get(place))
        .cloned()
        .ok_or_else(out_of_range)
}

/// The letter at a position, and how many bytes were read to find it.
fn letter_at(text: &str, position: i64) -> (Option<&str>, usize) {
    let magnitude = usize::try_from(position.unsigned_abs()).unwrap_or(usize::MAX);
    let mut letters = text.chars();
    // Bytes before the letter or behind it; all of them where there is none.
    let letter = if position >= 0 {
        letters.nth(magnitude)
    } else {
        letters.nth_back(magnitude.saturating_sub(1))
    };
    let rest = letters.as_str().len();
    let size = letter.map_or(0, char::len_utf8);
    let start = if position >= 0 {
        text.len() - rest - size
    } else {
        rest
    };
    let letter = letter.and_then(|_| text.get(start..start + size));
    (letter, text.len() - rest)
}

/// A letter of a text. One that is all of it keeps its place.
fn single(text: &Text, letter: &str) -> Value {
    if letter.len() == text.text.len() {
        Value::Text(text.clone())
    } else {
        Value::text(letter)
    }
}

/// Negative positions count from the end.
fn resolve(position: i64, length: usize) -> Option<usize> {
    if position >= 0 {
        return usize::try_from(position).ok();
    }
    length.checked_sub(usize::try_from(position.checked_neg()?).ok()?)
}

fn out_of_range() -> String {
    "the index is out of range".to_owned()
}

/// The elements that a comprehension and the list functions go through.
pub(crate) fn iterate(value: &Value) -> Result<Vec<Value>, String> {
    match value {
        Value::List(List { items, .. })
        | Value::Tuple(List { items, .. })
        | Value::Set(List { items, .. })
        | Value::View(_, List { items, .. }) => Ok(items.to_vec()),
        Value::Text(text) => Ok(letters(text)),
        Value::Dict(dict) => Ok(dict
            .entries
            .iter()
            .map(|(key, _)| Value::text(key.clone()))
            .collect()),
        Value::Object(object) => match object.contents() {
            Some(chunks) => Ok(chunks.to_vec()),
            None => Err(format!("{} has no elements", object.data.kind.name())),
        },
        other => Err(format!("{} has no elements", other.kind_name())),
    }
}

fn letters(text: &Text) -> Vec<Value> {
    let mut letters = text.text.chars();
    match (letters.next(), letters.next()) {
        (Some(_), None) => vec![Value::Text(text.clone())],
        _ => text
            .text
            .chars()
            .map(|letter| Value::text(letter.to_string()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_takes_no_more_reading_than_up_to_it() {
        let text = "aé€𝄞z";
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let count = i64::try_from(letters.len()).unwrap();
        let mut end = 0;
        for (position, letter) in (0..).zip(&letters) {
            end += letter.len();
            assert_eq!(letter_at(text, position), (Some(letter.as_str()), end));
            let back = text.len() - end + letter.len();
            let found = letter_at(text, position - count);
            assert_eq!(found, (Some(letter.as_str()), back));
        }
        for position in [count, -count - 1, i64::MAX, i64::MIN] {
            assert_eq!(letter_at(text, position), (None, text.len()));
        }
    }
}
