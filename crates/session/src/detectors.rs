//! The detectors of the policy language, answered from the crate that has them.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use portcullis_detect::{Match, copyright, fuzzy, html, links, pii, python, secrets, unicode};
use portcullis_engine::{Answer, DetectorCall, Detectors, Lookup};
use portcullis_json::{Number, Object, Value};

const FUZZY_THRESHOLD_DEFAULT: f64 = 0.8;

/// The detectors that answer at once, on this thread, without a model or a network.
///
/// A detector that is not among them has no answer, and what asks for it is not judged: that is
/// never taken for "nothing found".
#[derive(Debug, Default)]
pub struct LocalDetectors;

// === impl LocalDetectors ===

impl Detectors for LocalDetectors {
    fn answer(&self, call: &DetectorCall) -> Lookup {
        let text = &*call.text;
        Lookup::Ready(match call.detector {
            "secrets" => Ok(unmarked(kinds(&secrets::reference(text)))),
            "copyright" => Ok(unmarked(texts(copyright::licenses(text)))),
            "unicode" => unicode_categories(text, &call.options),
            "fuzzy_contains" => fuzzy_contains(text, &call.options),
            "python_code" => Ok(python_code(text, is_notebook(&call.options))),
            "ipython_code" => Ok(python_code(text, true)),
            "html_code" => Ok(html_code(text)),
            "links" => Ok(unmarked(texts(link_texts(text)))),
            "pii" => personal_data(text, &call.options),
            other => Err(format!("`{other}` has no backend configured")),
        })
    }
}

fn unicode_categories(text: &str, options: &Object) -> Result<Answer, String> {
    let wanted = names(options, "categories")?;
    let found = unicode::categories(text, wanted.as_deref());
    let distinct: BTreeSet<&str> = found.iter().map(|found| found.kind).collect();
    Ok(Answer {
        value: texts(distinct),
        marks: spans(&found),
    })
}

/// Without a model, nobody is asked about what only the meaning of the texts has in common.
fn fuzzy_contains(text: &str, options: &Object) -> Result<Answer, String> {
    let query = options.get("query").and_then(Value::as_str);
    let query = query.ok_or("the argument `query` is a text")?;
    let threshold = match options.get("query_similarity_threshold") {
        None => FUZZY_THRESHOLD_DEFAULT,
        Some(Value::Number(Number::Float(threshold))) => *threshold,
        Some(Value::Number(Number::Integer(0))) => 0.0,
        Some(Value::Number(Number::Integer(1))) => 1.0,
        Some(_) => return Err("`query_similarity_threshold` is a number from 0 to 1".to_owned()),
    };
    let found = fuzzy::contains(text, query, threshold).map_err(|error| error.to_string())?;
    Ok(Answer {
        value: found.is_some().into(),
        marks: found.into_iter().collect(),
    })
}

fn python_code(text: &str, is_notebook: bool) -> Answer {
    let code = if is_notebook {
        python::analyze_ipython(text)
    } else {
        python::analyze(text)
    };
    let or_null = |text: Option<String>| text.map_or(Value::Null, Value::from);
    let imports: Vec<Value> = code.imports.into_iter().map(or_null).collect();
    unmarked(object([
        ("imports", imports.into()),
        ("builtins", texts(code.builtins)),
        ("function_calls", texts(code.function_calls)),
        ("syntax_error", code.syntax_error.into()),
        (
            "syntax_error_exception",
            or_null(code.syntax_error_exception),
        ),
    ]))
}

fn html_code(text: &str) -> Answer {
    let found = html::scan(text);
    let mut all: BTreeSet<&str> = link_texts(text).into_iter().collect();
    all.extend(found.links.iter().map(String::as_str));
    unmarked(object([
        ("links", texts(all)),
        ("alt_texts", texts(found.alt_texts)),
    ]))
}

/// An entity that cannot be looked for is an error: a policy that asks for it relies on it.
fn personal_data(text: &str, options: &Object) -> Result<Answer, String> {
    let wanted = names(options, "entities")?;
    let unknown = |name: &&&str| !pii::SUPPORTED.contains(*name);
    if let Some(name) = wanted.iter().flatten().find(unknown) {
        let supported = pii::SUPPORTED.join(", ");
        return Err(format!(
            "`pii` cannot find `{name}` without a model, only {supported}"
        ));
    }
    let mut found = pii::find(text);
    if let Some(wanted) = wanted {
        found.retain(|found| wanted.contains(&found.kind));
    }
    Ok(Answer {
        value: kinds(&found),
        marks: spans(&found),
    })
}

fn is_notebook(options: &Object) -> bool {
    options.get("ipython_mode").and_then(Value::as_bool) == Some(true)
}

fn link_texts(text: &str) -> Vec<&str> {
    let found = links::find(text).into_iter();
    found.filter_map(|found| text.get(found.span)).collect()
}

/// A list of names, or one; `None` if the option is absent or null.
fn names<'o>(options: &'o Object, option: &str) -> Result<Option<Vec<&'o str>>, String> {
    let wrong = || format!("`{option}` is a list of texts");
    match options.get(option) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => Ok(Some(vec![name])),
        Some(Value::Array(names)) => {
            let names = names.iter().map(|name| name.as_str().ok_or_else(wrong));
            names.collect::<Result<Vec<_>, _>>().map(Some)
        }
        Some(_) => Err(wrong()),
    }
}

fn unmarked(value: Value) -> Answer {
    Answer {
        value,
        marks: Vec::new(),
    }
}

fn kinds(found: &[Match]) -> Value {
    texts(found.iter().map(|found| found.kind))
}

fn spans(found: &[Match]) -> Vec<Range<usize>> {
    found.iter().map(|found| found.span.clone()).collect()
}

fn texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Value {
    let texts = texts.into_iter().map(|text| Value::from(text.as_ref()));
    texts.collect::<Vec<_>>().into()
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter();
    let members = members.map(|(name, value)| (Arc::from(name), value));
    members.collect::<Object>().into()
}
