//! Input schemas of tools, read leniently: a tool with an odd schema must not keep a policy from
//! seeing the others.

use crate::event::Parameter;
use portcullis_json::{Object, Value};
use std::sync::Arc;

const NO_DESCRIPTION: &str = "no description available";
/// LIMIT: what is nested deeper in a schema is not shown to policies.
const DEPTH_MAX: usize = 32;

pub(super) fn parameters(schema: &Object) -> Vec<Parameter> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = required(schema);
    properties
        .into_iter()
        .flat_map(Object::iter)
        .map(|(name, schema)| parameter(name.clone(), schema, &required, 0))
        .collect()
}

pub(super) fn description(value: Option<&Value>) -> Value {
    match value {
        None | Some(Value::Null) => NO_DESCRIPTION.into(),
        Some(value) => value.clone(),
    }
}

fn parameter(name: Arc<str>, schema: &Value, required: &[&str], depth: usize) -> Parameter {
    let empty = Object::new();
    let schema = schema.as_object().unwrap_or(&empty);
    let mut parameter = Parameter {
        required: required.contains(&&*name),
        kind: kind(schema.get("type")),
        description: description(schema.get("description")),
        properties: None,
        additional_properties: None,
        items: None,
        allowed: Value::Null,
        name,
    };
    match schema.get("type") {
        Some(Value::Array(kinds)) => {
            parameter.required &= !kinds.iter().any(mentions_null);
        }
        _ => match parameter.kind.as_str() {
            Some("object") => object(&mut parameter, schema, depth),
            Some("array") => {
                let name: Arc<str> = format!("{} item", parameter.name).into();
                let items = schema.get("items").filter(|_| depth < DEPTH_MAX);
                parameter.items =
                    items.map(|items| Box::new(self::parameter(name, items, &[], depth + 1)));
            }
            Some("string" | "number" | "integer" | "boolean") => {
                parameter.allowed = schema.get("enum").cloned().unwrap_or(Value::Null);
            }
            _ => {}
        },
    }
    parameter
}

fn object(parameter: &mut Parameter, schema: &Object, depth: usize) {
    let required = required(schema);
    let properties = schema.get("properties").and_then(Value::as_object);
    let children = properties
        .into_iter()
        .flat_map(Object::iter)
        .filter(|_| depth < DEPTH_MAX);
    let whole = parameter.name.contains(" arguments");
    parameter.properties = Some(
        children
            .map(|(key, schema)| {
                let name = if whole {
                    key.clone()
                } else {
                    format!("{}.{key}", parameter.name).into()
                };
                (
                    key.clone(),
                    self::parameter(name, schema, &required, depth + 1),
                )
            })
            .collect(),
    );
    parameter.additional_properties = match schema.get("additionalProperties") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(allowed)) => Some(*allowed),
        Some(Value::Object(schema)) => Some(!schema.is_empty()),
        Some(_) => Some(true),
    };
}

fn required(schema: &Object) -> Vec<&str> {
    let names = schema
        .get("required")
        .and_then(Value::as_array)
        .unwrap_or_default();
    names.iter().filter_map(Value::as_str).collect()
}

fn mentions_null(kind: &Value) -> bool {
    kind.as_str().is_some_and(|kind| kind.contains("null"))
}

fn kind(value: Option<&Value>) -> Value {
    let renamed = |name: &str| match name {
        "int" | "long" => "integer".into(),
        "float" => "number".into(),
        "bool" => "boolean".into(),
        "str" => "string".into(),
        "dict" => "object".into(),
        "list" => "array".into(),
        other => Value::from(other),
    };
    match value {
        Some(Value::String(name)) => renamed(name),
        Some(Value::Array(kinds)) => {
            let kept = kinds
                .iter()
                .filter(|kind| kind.as_str() != Some("null"))
                .cloned();
            Value::Array(kept.collect())
        }
        _ => "string".into(),
    }
}
