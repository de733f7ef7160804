//! Methods of texts, dictionaries and contents.

use super::{chunk_images, chunk_texts, optional};
use crate::eval::access::iterate;
use crate::eval::call::Keywords;
use crate::place::Place;
use crate::python::{format, text as python};
use crate::text_form;
use crate::value::{Dict, List, Method, Text, Value, View};

type Returned = Result<Value, String>;

pub(crate) fn call(method: &Method, arguments: &[Value], keywords: &Keywords) -> Returned {
    match method {
        Method::Text(text, name) => text_method(text, name, arguments, keywords),
        Method::Dict(dict, name) => dict_method(dict, name, arguments, keywords),
        Method::Contents(contents, name) => {
            optional([], arguments, keywords).map(|[]| ())?;
            let found = match *name {
                "text" => chunk_texts(contents).collect(),
                _ => chunk_images(contents)?,
            };
            Ok(Value::list(found))
        }
    }
}

fn text_method(text: &Text, name: &str, arguments: &[Value], keywords: &Keywords) -> Returned {
    match name {
        "lower" | "upper" => {
            optional([], arguments, keywords).map(|[]| ())?;
            let upper = name == "upper";
            Ok(Value::text(if upper {
                text.text.to_uppercase()
            } else {
                text.text.to_lowercase()
            }))
        }
        "strip" => {
            let [chars] = optional(["chars"], arguments, keywords)?;
            let chars = text_or_none(chars.as_ref())?;
            Ok(part(text, python::strip(&text.text, chars)))
        }
        "splitlines" => {
            optional([], arguments, keywords).map(|[]| ())?;
            Ok(parts(text, &python::split_lines(&text.text)))
        }
        "split" => {
            let [separator, max] = optional(["sep", "maxsplit"], arguments, keywords)?;
            let separator = text_or_none(separator.as_ref())?;
            let max = match max {
                None => -1,
                Some(Value::Integer(max)) => max.to_i64().unwrap_or(-1),
                Some(Value::Bool(max)) => i64::from(max),
                Some(other) => return Err(format!("`maxsplit` is no {}", other.kind_name())),
            };
            let found = python::split(&text.text, separator, max);
            found
                .map(|found| parts(text, &found))
                .map_err(|error| error.to_string())
        }
        "join" => {
            let [texts] = super::parameters(["iterable"], arguments, keywords)?;
            join(text, &texts)
        }
        _ => {
            let formatted = format::format(
                &text.text,
                &text_form::format_arguments(arguments),
                &text_form::format_keywords(keywords),
            );
            formatted
                .map(Value::text)
                .map_err(|error| error.to_string())
        }
    }
}

fn text_or_none(value: Option<&Value>) -> Result<Option<&str>, String> {
    match value {
        None | Some(Value::None) => Ok(None),
        Some(Value::Text(text)) => Ok(Some(&text.text)),
        Some(other) => Err(format!("a text is expected, not {}", other.kind_name())),
    }
}

/// A part of a text; the whole of it is the text itself, with its place.
fn part(whole: &Text, part: &str) -> Value {
    if part.len() == whole.text.len() {
        Value::Text(whole.clone())
    } else {
        Value::text(part)
    }
}

fn parts(whole: &Text, found: &[&str]) -> Value {
    Value::list(
        found
            .iter()
            .map(|found| part(whole, found))
            .collect::<Vec<_>>(),
    )
}

fn join(separator: &Text, texts: &Value) -> Returned {
    let items = iterate(texts)?;
    if let [one @ Value::Text(_)] = items.as_slice() {
        return Ok(one.clone());
    }
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        let Value::Text(item) = item else {
            return Err(format!("`join` joins texts, not {}", item.kind_name()));
        };
        if index > 0 {
            joined.push_str(&separator.text);
        }
        joined.push_str(&item.text);
    }
    Ok(Value::text(joined))
}

fn dict_method(
    dict: &Dict,
    name: &'static str,
    arguments: &[Value],
    keywords: &Keywords,
) -> Returned {
    let view = |view: View, items: Vec<Value>| {
        let list = List {
            items: items.into(),
            place: Place::NOWHERE,
        };
        Value::View(view, list)
    };
    if name == "get" {
        if !keywords.is_empty() {
            return Err("`get` takes its arguments by position".to_owned());
        }
        let (key, default) = match arguments {
            [key] => (key, Value::None),
            [key, default] => (key, default.clone()),
            _ => return Err("`get` takes a key and perhaps a default".to_owned()),
        };
        return match key {
            Value::Text(key) => Ok(dict.get(&key.text).cloned().unwrap_or(default)),
            Value::List(_) | Value::Dict(_) => Err(format!("{} is no key", key.kind_name())),
            _ => Ok(default),
        };
    }
    optional([], arguments, keywords).map(|[]| ())?;
    let keys = || dict.entries.iter().map(|(key, _)| Value::text(key.clone()));
    let values = || dict.entries.iter().map(|(_, value)| value.clone());
    Ok(match name {
        "keys" => view(View::Keys, keys().collect()),
        "values" => view(View::Values, values().collect()),
        _ => {
            let pairs = keys().zip(values()).map(|(key, value)| {
                Value::Tuple(List {
                    items: vec![key, value].into(),
                    place: Place::NOWHERE,
                })
            });
            view(View::Items, pairs.collect())
        }
    })
}
