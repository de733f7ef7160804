//! Values as text and as JSON.

use crate::eval::call::Keywords;
use crate::kind::Kind;
use crate::python::format::{self, Argument, PrintfArguments};
use crate::python::number::{Integer, float_repr};
use crate::python::text::repr_str;
use crate::value::{Object, Value};
use portcullis_json::{self as json, Number};
use std::fmt::Write as _;
use std::sync::Arc;

/// LIMIT: values nested deeper are cut short.
const NESTING_MAX: u32 = 100;

/// `str(value)`.
pub(crate) fn text(value: &Value) -> String {
    let mut out = String::new();
    write_text(value, &mut out, 0);
    out
}

/// `repr(value)`.
pub(crate) fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(value, &mut out, 0);
    out
}

fn write_text(value: &Value, out: &mut String, depth: u32) {
    match value {
        Value::Text(text) => out.push_str(&text.text),
        Value::Object(object)
            if matches!(
                object.data.kind,
                Kind::ToolParameter | Kind::PythonCode | Kind::ShellCode | Kind::Html
            ) =>
        {
            write_named(object.named_fields(), " ", write_repr, out, depth);
        }
        other => write_repr(other, out, depth),
    }
}

fn write_repr(value: &Value, out: &mut String, depth: u32) {
    if depth > NESTING_MAX {
        out.push_str("...");
        return;
    }
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
        Value::Integer(value) => out.push_str(&value.to_string()),
        Value::Float(value) => out.push_str(&float_repr(*value)),
        Value::Text(text) => out.push_str(&repr_str(&text.text)),
        Value::List(list) => write_items(&list.items, ("[", "]"), out, depth),
        Value::View(view, list) => {
            out.push_str("dict_");
            out.push_str(view.name());
            write_items(&list.items, ("([", "])"), out, depth);
        }
        Value::Tuple(list) if list.items.len() == 1 => {
            write_items(&list.items, ("(", ",)"), out, depth);
        }
        Value::Tuple(list) => write_items(&list.items, ("(", ")"), out, depth),
        Value::Set(list) if list.items.is_empty() => out.push_str("set()"),
        Value::Set(list) => write_items(&list.items, ("{", "}"), out, depth),
        Value::Dict(dict) => {
            out.push('{');
            for (index, (key, value)) in dict.entries.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                out.push_str(&repr_str(key));
                out.push_str(": ");
                write_repr(value, out, depth + 1);
            }
            out.push('}');
        }
        Value::Object(object) => write_object(object, out, depth),
        other => {
            // Writing to a String cannot fail.
            let written = write!(out, "<{}>", other.kind_name());
            debug_assert!(written.is_ok());
        }
    }
}

fn write_items(items: &[Value], (open, close): (&str, &str), out: &mut String, depth: u32) {
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        write_repr(item, out, depth + 1);
    }
    out.push_str(close);
}

fn write_named<'v>(
    named: impl Iterator<Item = (&'v str, &'v Value)>,
    separator: &str,
    write: fn(&Value, &mut String, u32),
    out: &mut String,
    depth: u32,
) {
    for (index, (name, value)) in named.enumerate() {
        out.push_str(if index > 0 { separator } else { "" });
        out.push_str(name);
        out.push('=');
        write(value, out, depth + 1);
    }
}

/// `repr` of an object; brackets that do not pair are the reference's.
fn write_object(object: &Object, out: &mut String, depth: u32) {
    let kind = object.data.kind.name();
    let fields = object.named_fields();
    let text = |name| {
        let text = object.field(name).and_then(Value::as_text);
        text.unwrap_or_default()
    };
    match object.data.kind {
        Kind::Message | Kind::ToolCall | Kind::ToolOutput => {
            out.extend(["<", kind, " "]);
            write_named(fields, " ", write_repr, out, depth);
            out.push('>');
        }
        Kind::TextChunk | Kind::Image => {
            out.extend([kind, "("]);
            let own = fields.skip_while(|(name, _)| *name != "type");
            write_named(own, ", ", write_text, out, depth);
            out.push_str(")>");
        }
        Kind::Contents => {
            let chunks = object.contents().unwrap_or_default();
            write_items(chunks, ("<Contents(", ")>"), out, depth);
        }
        Kind::Tool => {
            let (name, description) = (text("name"), text("description"));
            out.extend(["<", kind, " ", name, " (", description, ")>"]);
        }
        Kind::Function => {
            out.extend(["<", kind, " ", text("name"), "("]);
            if let Some(Value::Dict(arguments)) = object.field("arguments") {
                let arguments = arguments.entries.iter();
                let arguments = arguments.map(|(name, value)| (&**name, value));
                write_named(arguments, ", ", write_text, out, depth);
            }
            out.push_str(")>");
        }
        Kind::ToolParameter | Kind::PythonCode | Kind::ShellCode | Kind::Html => {
            out.extend([kind, "("]);
            write_named(fields, ", ", write_repr, out, depth);
            out.push(')');
        }
    }
}

/// Plain data as JSON; nothing for functions and the like.
pub(crate) fn json(value: &Value) -> Option<json::Value> {
    json_at(value, 0)
}

fn json_at(value: &Value, depth: u32) -> Option<json::Value> {
    if depth > NESTING_MAX {
        return None;
    }
    let all = |items: &[Value]| {
        let items = items.iter().map(|item| json_at(item, depth + 1));
        items.collect::<Option<Vec<_>>>().map(json::Value::from)
    };
    match value {
        Value::None => Some(json::Value::Null),
        Value::Bool(value) => Some(json::Value::Bool(*value)),
        Value::Integer(value) => Some(json::Value::Number(integer(value))),
        Value::Float(value) => Some(json::Value::Number(Number::Float(*value))),
        Value::Text(text) => Some(json::Value::String(text.text.clone())),
        Value::List(list) | Value::Tuple(list) | Value::Set(list) | Value::View(_, list) => {
            all(&list.items)
        }
        Value::Dict(dict) => {
            let entry = |(key, value): &(Arc<str>, Value)| {
                json_at(value, depth + 1).map(|value| (key.clone(), value))
            };
            let entries = dict
                .entries
                .iter()
                .map(entry)
                .collect::<Option<json::Object>>()?;
            Some(json::Value::from(entries))
        }
        Value::Object(object) => match object.contents() {
            Some(chunks) => all(chunks),
            None => object_json(object, depth),
        },
        _ => None,
    }
}

fn object_json(object: &Object, depth: u32) -> Option<json::Value> {
    let field =
        |(name, value): (&str, &Value)| json_at(value, depth + 1).map(|value| (name.into(), value));
    object
        .named_fields()
        .map(field)
        .collect::<Option<json::Object>>()
        .map(json::Value::from)
}

fn integer(value: &Integer) -> Number {
    match value.to_i64() {
        Some(value) => Number::Integer(value),
        None => Number::BigInteger(value.to_string().into()),
    }
}

/// What may stand in a violation: texts, numbers, booleans, events and contents.
pub(crate) fn violation_argument(value: &Value) -> Result<json::Value, String> {
    let allowed = match value {
        Value::Text(_) | Value::Integer(_) | Value::Float(_) | Value::Bool(_) => true,
        Value::Object(object) => matches!(
            object.data.kind,
            Kind::Message
                | Kind::ToolCall
                | Kind::ToolOutput
                | Kind::Tool
                | Kind::TextChunk
                | Kind::Image
                | Kind::Contents
        ),
        _ => false,
    };
    json(value)
        .filter(|_| allowed)
        .ok_or_else(|| format!("{} cannot stand in a violation", value.kind_name()))
}

/// `template % value`.
pub(crate) fn printf(template: &str, value: &Value) -> Result<String, String> {
    let whole = argument(value);
    let formatted = match value {
        Value::Tuple(tuple) => format::printf(
            template,
            PrintfArguments::Tuple(&format_arguments(&tuple.items)),
        ),
        Value::Dict(dict) => {
            let entry = |(key, value): &(Arc<str>, Value)| (key.to_string(), argument(value));
            let entries: Vec<_> = dict.entries.iter().map(entry).collect();
            format::printf(
                template,
                PrintfArguments::Mapping {
                    whole: &whole,
                    entries: &entries,
                },
            )
        }
        Value::List(_) => format::printf(
            template,
            PrintfArguments::Mapping {
                whole: &whole,
                entries: &[],
            },
        ),
        _ => format::printf(template, PrintfArguments::Single(&whole)),
    };
    formatted.map_err(|error| error.to_string())
}

pub(crate) fn format_arguments(values: &[Value]) -> Vec<Argument> {
    values.iter().map(argument).collect()
}

pub(crate) fn format_keywords(keywords: &Keywords) -> Vec<(String, Argument)> {
    keywords
        .iter()
        .map(|(name, value)| (name.to_string(), argument(value)))
        .collect()
}

fn argument(value: &Value) -> Argument {
    match value {
        Value::None => Argument::None,
        Value::Bool(value) => Argument::Bool(*value),
        Value::Integer(value) => Argument::Integer(value.clone()),
        Value::Float(value) => Argument::Float(*value),
        Value::Text(text) => Argument::Text(text.text.to_string()),
        other => Argument::Other {
            repr: repr(other),
            text: text(other),
        },
    }
}
