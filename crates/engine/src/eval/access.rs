//! Members, keys and iteration.

use super::{Evaluated, Evaluator, error};
use crate::modules::{self};
use crate::value::{List, Method, Object, Text, Value};
use portcullis_json::{self as json, Limits};
use portcullis_syntax::Span;
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

impl Evaluator<'_> {
    /// `object.name`.
    pub(super) fn member(&self, object: &Value, name: &Arc<str>, span: Span) -> Evaluated {
        let found = match object {
            Value::Input => self.parameter(name),
            Value::Text(text) => text_member(text, name),
            Value::Dict(dict) => match dict.get(name) {
                Some(value) => Ok(value.clone()),
                None => DICT_METHODS
                    .iter()
                    .find(|method| **method == &**name)
                    .map(|method| Value::Method(Arc::new(Method::Dict(dict.clone(), method))))
                    .ok_or_else(|| format!("the dictionary has no key `{name}`")),
            },
            Value::Object(object) => object_member(object, name),
            Value::Module(module) if module.members.contains(&&**name) => Ok(modules::value(name)),
            other => Err(format!("{} has no attribute `{name}`", other.kind_name())),
        };
        found.map_err(|message| error(message, span))
    }

    fn parameter(&self, name: &str) -> Result<Value, String> {
        match self.world.parameters.get(name) {
            Some(value) => Ok(Value::from(value)),
            None => Err(format!("the policy parameter `{name}` is missing")),
        }
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

fn object_member(object: &Object, name: &str) -> Result<Value, String> {
    if object.contents().is_some() {
        if let Some(method) = ["text", "image"].into_iter().find(|method| *method == name) {
            return Ok(Value::Method(Arc::new(Method::Contents(
                object.clone(),
                method,
            ))));
        }
    } else if let Some(value) = object.attribute(name) {
        return Ok(value.clone());
    }
    Err(format!(
        "{} has no attribute `{name}`",
        object.data.kind.name()
    ))
}

/// `object[index]`.
pub(super) fn index(object: &Value, index: &Value) -> Result<Value, String> {
    if let Value::Integer(position) = index {
        let position = position.to_i64();
        match object {
            Value::Text(text) => return text_index(text, position),
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

fn text_index(text: &Text, position: Option<i64>) -> Result<Value, String> {
    let length = text.text.chars().count();
    let place = position.and_then(|position| resolve(position, length));
    let letter = place
        .and_then(|place| text.text.chars().nth(place))
        .ok_or_else(out_of_range)?;
    Ok(if length == 1 {
        Value::Text(text.clone())
    } else {
        Value::text(letter.to_string())
    })
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
        | Value::View(List { items, .. }) => Ok(items.to_vec()),
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
