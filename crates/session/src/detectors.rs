//! The detectors that this process answers itself, behind the engine's question form.

use portcullis_detect::{
    Match, copyright, fuzzy, html, links, pii, prompt_injection, python, secrets, shell, tool,
    unicode,
};
use portcullis_engine::{Answer, DetectorCall, Detectors, Lookup};
use portcullis_json::{Number, Object, Value};

use crate::tools::inspect;

#[cfg(test)]
mod tests;

/// The detectors that answer at once, on this thread, without a model or a network.
#[derive(Debug, Default)]
pub struct LocalDetectors;

type Answered = Result<Answer, String>;

// === impl LocalDetectors ===

impl Detectors for LocalDetectors {
    fn answer(&self, call: &DetectorCall) -> Lookup {
        let text = &*call.text;
        Lookup::Ready(match call.detector {
            "secrets" => credentials(text, &call.options),
            "unicode" => unicode_categories(text, &call.options),
            "copyright" => Ok(unmarked(list(copyright::licenses(text)))),
            "fuzzy_contains" => fuzzy_contains(text, &call.options),
            "python_code" => Ok(python_code(text, &call.options)),
            "ipython_code" => Ok(unmarked(code(python::analyze_ipython(text)))),
            "shell_code" => Ok(unmarked(shell_code(shell::analyze(text)))),
            "html_code" => Ok(html_code(text)),
            "links" => Ok(unmarked(list(found_texts(text, &links::find(text))))),
            "pii" => personal_data(text, &call.options),
            "prompt_injection" => injection(text, &call.options),
            "is_poisoned" => Ok(poisoned(text, &call.options)),
            "tool_signals" => Ok(signals(text, &call.options)),
            other => Err(format!("`{other}` has no backend configured")),
        })
    }
}

/// The reference's kinds, and then ours unless only the reference's are asked for.
fn credentials(text: &str, options: &Object) -> Answered {
    let found = match options.get("rules") {
        None | Some(Value::Null) => secrets::all(text),
        Some(Value::String(rules)) if &**rules == "reference" => secrets::reference(text),
        Some(other) => {
            return Err(format!(
                "`rules` is \"reference\" or not given, not {other}"
            ));
        }
    };
    Ok(unmarked(kinds(&found)))
}

/// Whether the worst window reaches the threshold; it is the mark.
fn injection(text: &str, options: &Object) -> Answered {
    match options.get("model") {
        None | Some(Value::Null) => {}
        Some(other) => return Err(format!("`prompt_injection` has no model {other}")),
    }
    let threshold = threshold(options, "threshold")?.unwrap_or(INJECTION_THRESHOLD);
    let found = prompt_injection::assess(text);
    let is_found = found.score.value() >= threshold;
    Ok(Answer {
        value: Value::Bool(is_found),
        marks: if is_found && !found.span.is_empty() {
            vec![found.span]
        } else {
            Vec::new()
        },
    })
}

/// The marks are in the description, which is the text.
fn poisoned(description: &str, options: &Object) -> Answer {
    let judgement = inspect(&definition(description, options));
    Answer {
        value: Value::Bool(judgement.is_poisoned),
        marks: if judgement.is_poisoned {
            tool::place::places(description)
        } else {
            Vec::new()
        },
    }
}

fn signals(description: &str, options: &Object) -> Answer {
    let judgement = inspect(&definition(description, options));
    Answer {
        value: list(judgement.signals.iter().map(|signal| signal.name())),
        marks: if judgement.signals.is_empty() {
            Vec::new()
        } else {
            tool::place::places(description)
        },
    }
}

fn definition(description: &str, options: &Object) -> tool::Definition {
    let text = |name: &str| {
        let text = options.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    tool::Definition {
        name: text("name"),
        description: description.to_owned(),
        schema: text("schema"),
    }
}

/// The language's default for `threshold` of `prompt_injection`. Whoever answers it finds what
/// reaches the threshold.
pub const INJECTION_THRESHOLD: f64 = 0.9;

/// A score that an option gives. No score is outside of 0 to 1, so a rule that says so says nothing.
pub fn threshold(options: &Object, name: &str) -> Result<Option<f64>, String> {
    match options.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(Number::Integer(0))) => Ok(Some(0.0)),
        Some(Value::Number(Number::Integer(1))) => Ok(Some(1.0)),
        Some(Value::Number(Number::Float(given))) if (0.0..=1.0).contains(given) => {
            Ok(Some(*given))
        }
        Some(other) => Err(format!("`{name}` is a number from 0 to 1, not {other}")),
    }
}

fn unicode_categories(text: &str, options: &Object) -> Answered {
    let wanted = names(options.get("categories"), "categories")?;
    let wanted = wanted.as_deref();
    let found = unicode::categories(text, wanted);
    let mut distinct: Vec<&str> = Vec::new();
    for one in &found {
        if !distinct.contains(&one.kind) {
            distinct.push(one.kind);
        }
    }
    Ok(Answer {
        value: list(distinct),
        marks: spans(found),
    })
}

fn fuzzy_contains(text: &str, options: &Object) -> Answered {
    let query = options
        .get("query")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let threshold = match options.get("query_similarity_threshold") {
        Some(Value::Number(Number::Float(threshold))) => *threshold,
        Some(Value::Number(Number::Integer(0))) => 0.0,
        Some(Value::Number(Number::Integer(_))) => 1.0,
        _ => DEFAULT_SIMILARITY,
    };
    let found = fuzzy::contains(text, query, threshold).map_err(|error| error.to_string())?;
    Ok(Answer {
        value: Value::Bool(found.is_some()),
        marks: found.into_iter().collect(),
    })
}

/// The language's default for `query_similarity_threshold`.
const DEFAULT_SIMILARITY: f64 = 0.8;

fn python_code(text: &str, options: &Object) -> Answer {
    let notebook = options
        .get("ipython_mode")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    unmarked(code(if notebook {
        python::analyze_ipython(text)
    } else {
        python::analyze(text)
    }))
}

fn code(found: python::PythonCode) -> Value {
    let module = |name: Option<String>| name.map_or(Value::Null, Value::from);
    let mut object = Object::new();
    object.insert(
        "imports",
        found.imports.into_iter().map(module).collect::<Vec<_>>(),
    );
    object.insert("builtins", list(found.builtins));
    object.insert("function_calls", list(found.function_calls));
    object.insert("syntax_error", found.syntax_error);
    object.insert(
        "syntax_error_exception",
        module(found.syntax_error_exception),
    );
    Value::from(object)
}

fn shell_code(found: shell::ShellCode) -> Value {
    let name = |name: Option<String>| name.map_or(Value::Null, Value::from);
    let programs = found.commands.iter().map(|one| one.program.clone());
    let programs: Vec<String> = programs.flatten().collect();
    let command = |one: shell::ShellCommand| {
        let mut object = Object::new();
        object.insert("program", name(one.program));
        object.insert("arguments", list(one.arguments));
        object.insert("text", one.text);
        object.insert("inputs", list(one.inputs));
        object.insert("substituted", list(one.substituted));
        Value::from(object)
    };
    let commands: Vec<Value> = found.commands.into_iter().map(command).collect();
    let mut object = Object::new();
    object.insert("commands", commands);
    object.insert("programs", list(programs));
    object.insert("pipelines", list(found.pipelines));
    object.insert("redirects", list(found.redirects));
    object.insert("substitutions", list(found.substitutions));
    object.insert("variables", list(found.variables));
    object.insert("assignments", list(found.assignments));
    object.insert("dynamic", list(found.dynamic));
    object.insert("syntax_error", found.syntax_error.is_some());
    object.insert(
        "syntax_error_exception",
        found.syntax_error.map_or(Value::Null, Value::from),
    );
    Value::from(object)
}

fn html_code(text: &str) -> Answer {
    let found = html::scan(text);
    let mut all_links: Vec<String> = found.links;
    all_links.extend(found_texts(text, &links::find(text)));
    all_links.sort();
    all_links.dedup();
    let mut object = Object::new();
    object.insert("alt_texts", list(found.alt_texts));
    object.insert("links", list(all_links));
    unmarked(Value::from(object))
}

/// Kinds of personal data, once for each distinct place; a kind that cannot be found is an error.
fn personal_data(text: &str, options: &Object) -> Answered {
    let wanted = names(options.get("entities"), "entities")?;
    if let Some(unsupported) = wanted
        .iter()
        .flatten()
        .find(|kind| !pii::SUPPORTED.contains(kind) && !pii::GUESSED.contains(kind))
    {
        return Err(format!("`pii` has no backend for `{unsupported}`"));
    }
    let found = match wanted {
        Some(wanted) => pii::asked(text, &wanted),
        None => pii::find(text),
    };
    Ok(Answer {
        value: kinds(&found),
        marks: spans(found),
    })
}

/// A list of texts among the options, if it is given.
fn names<'o>(option: Option<&'o Value>, name: &str) -> Result<Option<Vec<&'o str>>, String> {
    match option {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => {
            let names = items.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
            names
                .map(Some)
                .ok_or_else(|| format!("`{name}` is a list of texts"))
        }
        Some(_) => Err(format!("`{name}` is a list of texts")),
    }
}

fn unmarked(value: Value) -> Answer {
    Answer {
        value,
        marks: Vec::new(),
    }
}

fn kinds(found: &[Match]) -> Value {
    list(found.iter().map(|one| one.kind))
}

fn found_texts(text: &str, found: &[Match]) -> Vec<String> {
    found
        .iter()
        .filter_map(|one| text.get(one.span.clone()))
        .map(str::to_owned)
        .collect()
}

fn spans(found: Vec<Match>) -> Vec<std::ops::Range<usize>> {
    found.into_iter().map(|one| one.span).collect()
}

fn list<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Value {
    Value::from(
        texts
            .into_iter()
            .map(|text| Value::from(text.into()))
            .collect::<Vec<_>>(),
    )
}
