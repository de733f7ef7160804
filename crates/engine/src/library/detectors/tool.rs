//! What a detector of tools is asked: about the description, with the other parts as options.

use crate::kind::Kind;
use crate::modules::Detector;
use crate::value::{Text, Value};
use portcullis_json as json;

pub(super) fn description(detector: Detector, data: &Value) -> Result<Text, String> {
    match data {
        Value::Object(tool) if tool.data.kind == Kind::Tool => match tool.field("description") {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err("the tool has no description".to_owned()),
        },
        other => Err(format!(
            "`{}` looks at a tool, not {}",
            detector.name(),
            other.kind_name()
        )),
    }
}

/// The name, and the schema as JSON text.
pub(super) fn options(data: &Value) -> json::Object {
    let mut options = json::Object::new();
    let Value::Object(tool) = data else {
        return options;
    };
    if let Some(Value::Text(name)) = tool.field("name") {
        options.insert("name", json::Value::String(name.text.clone()));
    }
    if let Some(Value::List(parameters)) = tool.field("inputSchema") {
        let schema = json::Value::from(schema(&parameters.items));
        options.insert("schema", json::write(&schema));
    }
    options
}

/// As a server writes it, for a detector that knows schemas.
fn schema(parameters: &[Value]) -> json::Object {
    let mut properties = json::Object::new();
    let mut required: Vec<json::Value> = Vec::new();
    for parameter in parameters {
        let Some(Value::Text(name)) = field(parameter, "name") else {
            continue;
        };
        properties.insert(name.text.clone(), property(parameter));
        if let Some(Value::Bool(true)) = field(parameter, "required") {
            required.push(json::Value::String(name.text.clone()));
        }
    }
    let mut schema = json::Object::new();
    schema.insert("type", "object");
    schema.insert("properties", properties);
    schema.insert("required", required);
    schema
}

/// How deep a schema is was bounded when it was read.
fn property(parameter: &Value) -> json::Object {
    let mut property = json::Object::new();
    for name in ["type", "description", "enum"] {
        let value = field(parameter, name).and_then(crate::text_form::json);
        match value {
            None | Some(json::Value::Null) => {}
            Some(json::Value::String(text)) if text.is_empty() => {}
            Some(value) => property.insert(name, value),
        }
    }
    if let Some(Value::Dict(inner)) = field(parameter, "properties") {
        let mut properties = json::Object::new();
        for (name, parameter) in inner.entries.iter() {
            properties.insert(name.clone(), self::property(parameter));
        }
        property.insert("properties", properties);
    }
    if let Some(items @ Value::Object(_)) = field(parameter, "items") {
        property.insert("items", self::property(items));
    }
    property
}

fn field<'v>(parameter: &'v Value, name: &str) -> Option<&'v Value> {
    match parameter {
        Value::Object(parameter) => parameter.field(name),
        _ => None,
    }
}
