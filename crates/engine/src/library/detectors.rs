//! How detector functions turn their arguments into questions about texts, and answers into values.

pub(crate) mod categories;
mod tool;

use super::{images, texts};
use crate::eval::call::Keywords;
use crate::kind::Kind;
use crate::modules::{Detector, Function};
use crate::place::Place;
use crate::value::{List, Object, Text, Value};
use portcullis_json as json;
use std::sync::Arc;

/// A detector call, taken apart.
#[derive(Debug)]
pub(crate) struct Question {
    detector: Detector,
    /// Each is asked about on its own.
    pub(crate) texts: Vec<Text>,
    pub(crate) options: json::Object,
}

pub(crate) fn question(
    detector: Detector,
    arguments: &[Value],
    keywords: &Keywords,
) -> Result<Question, String> {
    let (first, others) = signature(detector);
    let mut given = arguments.iter();
    let (data, named) = if let Some(data) = given.next() {
        (data, None)
    } else {
        let mut keywords = keywords.iter().enumerate();
        let found = keywords.find(|(_, (name, _))| &**name == first);
        let (place, (_, data)) =
            found.ok_or_else(|| format!("the argument `{first}` is missing"))?;
        (data, Some(place))
    };
    let mut options = json::Object::new();
    for (name, value) in others.iter().copied().zip(given.by_ref()) {
        options.insert(name, as_json(value)?);
    }
    if given.next().is_some() {
        return Err(format!("`{}` takes fewer arguments", detector.name()));
    }
    let keywords = keywords.iter().enumerate();
    for (_, (name, value)) in keywords.filter(|(place, _)| Some(*place) != named) {
        if options.contains(name) || &**name == first {
            return Err(format!("the argument `{name}` is given twice"));
        }
        options.insert(name.clone(), as_json(value)?);
    }
    check(detector, &options, others)?;
    if let Detector::IsPoisoned | Detector::ToolSignals = detector {
        options = tool::options(data);
    }
    Ok(Question {
        detector,
        texts: subjects(detector, data)?,
        options,
    })
}

/// The name of the searched argument, and of those that may follow it by position.
pub(crate) fn signature(detector: Detector) -> (&'static str, &'static [&'static str]) {
    match detector {
        Detector::HtmlCode | Detector::Links | Detector::IpythonCode | Detector::ShellCode => {
            ("data", &[])
        }
        Detector::Secrets => ("data", &["rules"]),
        Detector::PythonCode => ("data", &["ipython_mode"]),
        Detector::Unicode => ("data", &["categories"]),
        Detector::Copyright => ("data", &["threshold"]),
        Detector::FuzzyContains => (
            "search_text",
            &["query", "query_similarity_threshold", "use_semantic"],
        ),
        Detector::Pii => ("data", &["entities"]),
        Detector::PromptInjection => ("data", &["model", "threshold"]),
        Detector::Moderated => ("data", &["model", "default_threshold", "cat_thresholds"]),
        Detector::IsSimilar => ("data", &["target", "threshold"]),
        Detector::EmbeddingSimilarity => ("data", &["target", "mode"]),
        Detector::Llm => ("prompt", MODEL_PARAMETERS),
        Detector::LlmConfirm => ("description", MODEL_PARAMETERS),
        Detector::Semgrep => ("data", &["lang"]),
        Detector::Ocr => ("image", &[]),
        Detector::IsPoisoned | Detector::ToolSignals => ("tool", &[]),
    }
}

const MODEL_PARAMETERS: &[&str] = &["system_prompt", "model", "temperature", "max_tokens"];

/// The original ignores what else is passed to these.
pub(crate) fn is_open(detector: Detector) -> bool {
    matches!(
        detector,
        Detector::Copyright | Detector::FuzzyContains | Detector::HtmlCode | Detector::Links
    )
}

fn check(detector: Detector, options: &json::Object, known: &[&str]) -> Result<(), String> {
    if let Some((name, _)) = options.iter().find(|(name, _)| !known.contains(&&***name))
        && !is_open(detector)
    {
        return Err(format!("`{}` has no parameter `{name}`", detector.name()));
    }
    if detector == Detector::FuzzyContains {
        if options.get("query").and_then(json::Value::as_str).is_none() {
            return Err("the argument `query` is a text".to_owned());
        }
        let threshold = match options.get("query_similarity_threshold") {
            None => 0.8,
            Some(json::Value::Number(json::Number::Float(value))) => *value,
            Some(json::Value::Number(json::Number::Integer(0))) => 0.0,
            Some(json::Value::Number(json::Number::Integer(1))) => 1.0,
            Some(_) => f64::NAN,
        };
        if !(0.0..=1.0).contains(&threshold) {
            return Err("`query_similarity_threshold` is a number from 0 to 1".to_owned());
        }
    }
    Ok(())
}

/// The texts that a detector looks at.
fn subjects(detector: Detector, data: &Value) -> Result<Vec<Text>, String> {
    let of = |values: Vec<Value>| {
        let texts = values.into_iter().filter_map(|value| match value {
            Value::Text(text) => Some(text),
            _ => None,
        });
        texts.collect()
    };
    match detector {
        Detector::Secrets
        | Detector::Copyright
        | Detector::Pii
        | Detector::Moderated
        | Detector::PromptInjection
        | Detector::IsSimilar
        | Detector::EmbeddingSimilarity => texts(std::slice::from_ref(data)).map(of),
        Detector::Ocr => images(std::slice::from_ref(data)).map(of),
        Detector::Unicode
        | Detector::PythonCode
        | Detector::IpythonCode
        | Detector::ShellCode
        | Detector::HtmlCode
        | Detector::Links
        | Detector::Semgrep => contents_of(detector, data),
        Detector::IsPoisoned | Detector::ToolSignals => {
            Ok(vec![tool::description(detector, data)?])
        }
        Detector::FuzzyContains | Detector::Llm | Detector::LlmConfirm => match data {
            Value::Text(text) => Ok(vec![text.clone()]),
            other => Err(format!(
                "`{}` looks at a text, not {}",
                detector.name(),
                other.kind_name()
            )),
        },
    }
}

/// A text, or the content of one or several events.
fn contents_of(detector: Detector, data: &Value) -> Result<Vec<Text>, String> {
    let parser = matches!(detector, Detector::HtmlCode | Detector::Links);
    let items = match data {
        Value::Text(text) => return Ok(vec![text.clone()]),
        Value::List(list) => list.items.to_vec(),
        one => vec![one.clone()],
    };
    let mut found = Vec::new();
    for item in items {
        let content = match &item {
            Value::Object(object) => object.field("content"),
            Value::Text(_) if parser => Some(&item),
            Value::None if parser => continue,
            _ => None,
        };
        match content {
            Some(Value::None) => {}
            Some(Value::Text(text)) => found.push(text.clone()),
            _ => {
                let what = item.kind_name();
                return Err(format!("`{}` finds no text in {what}", detector.name()));
            }
        }
    }
    Ok(found)
}

fn as_json(value: &Value) -> Result<json::Value, String> {
    crate::text_form::json(value)
        .ok_or_else(|| format!("{} cannot be passed to a detector", value.kind_name()))
}

// === impl Question ===

impl Question {
    /// The value of the call, from the answer for each text.
    pub(crate) fn combine(&self, answers: &[json::Value]) -> Result<Value, String> {
        let values: Vec<Value> = answers.iter().map(Value::from).collect();
        match self.detector {
            Detector::Secrets
            | Detector::Copyright
            | Detector::Pii
            | Detector::ToolSignals
            | Detector::Unicode
            | Detector::Links
            | Detector::Semgrep => {
                let mut all = Vec::new();
                for list in &values {
                    match list {
                        Value::List(list) => all.extend_from_slice(&list.items),
                        other => return Err(self.misanswered(other)),
                    }
                }
                Ok(Value::list(all))
            }
            Detector::IsPoisoned
            | Detector::IsSimilar
            | Detector::Moderated
            | Detector::PromptInjection => {
                let any = values.iter().map(|value| match value {
                    Value::Bool(value) => Ok(*value),
                    other => Err(self.misanswered(other)),
                });
                let any = any.collect::<Result<Vec<_>, _>>()?;
                Ok(Value::Bool(any.contains(&true)))
            }
            Detector::PythonCode | Detector::IpythonCode => Ok(python_code(&values)),
            Detector::ShellCode => Ok(shell_code(&values)),
            Detector::HtmlCode => {
                let fields = ["alt_texts", "links"].map(|name| joined(&values, name));
                Ok(Value::Object(Object::new(Kind::Html, fields.to_vec())))
            }
            Detector::Ocr => Ok(Value::list(values)),
            Detector::EmbeddingSimilarity => self.similarity(values),
            Detector::FuzzyContains | Detector::Llm | Detector::LlmConfirm => values
                .into_iter()
                .next()
                .ok_or_else(|| "the detector gave no answer".to_owned()),
        }
    }

    /// The greatest similarity of all texts, or with the mode `min` the least.
    fn similarity(&self, values: Vec<Value>) -> Result<Value, String> {
        let function = match self.options.get("mode").map(json::Value::as_str) {
            None | Some(Some("max")) => Function::Max,
            Some(Some("min")) => Function::Min,
            Some(_) => return Err("`mode` is \"min\" or \"max\"".to_owned()),
        };
        super::call(function, &[Value::list(values)], &[])
    }

    fn misanswered(&self, value: &Value) -> String {
        format!(
            "the detector `{}` answered with {}",
            self.detector.name(),
            value.kind_name()
        )
    }
}

/// One result for all texts.
fn python_code(values: &[Value]) -> Value {
    let mut calls: Vec<Value> = Vec::new();
    if let Value::List(all) = joined(values, "function_calls") {
        for call in all.items.iter() {
            if !calls.iter().any(|known| known.as_text() == call.as_text()) {
                calls.push(call.clone());
            }
        }
    }
    let calls = List {
        items: calls.into(),
        place: Place::NOWHERE,
    };
    let [failed, reason] = syntax_error(values);
    let fields = vec![
        joined(values, "imports"),
        joined(values, "builtins"),
        failed,
        reason,
        Value::Set(calls),
    ];
    Value::Object(Object::new(Kind::PythonCode, fields))
}

/// One result for all texts.
fn shell_code(values: &[Value]) -> Value {
    let lists = Kind::ShellCode.fields().iter();
    let lists = lists.take_while(|name| **name != "syntax_error");
    let fields = lists.map(|name| joined(values, name));
    let fields = fields.chain(syntax_error(values)).collect();
    Value::Object(Object::new(Kind::ShellCode, fields))
}

/// Whether one of the texts does not parse, and why if there is just one.
fn syntax_error(values: &[Value]) -> [Value; 2] {
    let failed = values
        .iter()
        .any(|value| member(value, "syntax_error").is_some_and(Value::truth));
    let reason = match values {
        [one] => member(one, "syntax_error_exception").cloned(),
        _ => None,
    };
    [Value::Bool(failed), reason.unwrap_or(Value::None)]
}

fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Dict(dict) => dict.get(name),
        _ => None,
    }
}

/// The lists that the answers have under `name`, one after the other.
fn joined(values: &[Value], name: &str) -> Value {
    let lists = values.iter().filter_map(|value| match member(value, name) {
        Some(Value::List(list)) => Some(Arc::clone(&list.items)),
        _ => None,
    });
    Value::list(lists.flat_map(|items| items.to_vec()).collect::<Vec<_>>())
}
