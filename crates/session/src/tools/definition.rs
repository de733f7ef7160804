//! A tool of a listing, as text to look at and as a digest to compare.

use std::sync::Arc;

use portcullis_detect::tool::change::{self, Change, Parts};
use portcullis_detect::tool::{Definition, place};
use portcullis_json::{Limits, Object, Value, parse, write};
use portcullis_trace::pin::{INSTRUCTIONS, ToolDefinition};
use portcullis_trace::{Step, hexadecimal};
use sha2::{Digest, Sha256};

use super::report::Place;

/// The members that tell a model or a client what a tool does (SPEC: MCP 2025-11-25, Tools).
const MEMBERS: [&str; 6] = [
    "name",
    "title",
    "description",
    "inputSchema",
    "outputSchema",
    "annotations",
];
/// LIMIT: a longer definition is known by its digest alone.
const DEFINITION_BYTES_MAX: usize = 32 * 1024;
/// LIMIT: a longer name is known by its digest.
const KEY_BYTES_MAX: usize = 256;
/// SPEC: MCP 2025-11-25, Tools, Tool Names.
pub(super) const NAME_CHARACTERS_MAX: usize = 128;

/// See the module.
pub(super) struct Listed<'t> {
    tool: &'t Value,
    /// Empty if it has none.
    pub(super) name: &'t str,
    /// The name under which it is known.
    pub(super) key: Arc<str>,
}

// === impl Listed ===

impl<'t> Listed<'t> {
    pub(super) fn read(tool: &'t Value) -> Self {
        let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
        Self {
            tool,
            name,
            key: pinned_as(name),
        }
    }

    pub(super) fn has_usual_name(&self) -> bool {
        let is_usual = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | '.' | '/');
        (1..=NAME_CHARACTERS_MAX).contains(&self.name.len()) && self.name.chars().all(is_usual)
    }

    pub(super) fn input_schema(&self) -> &'t Value {
        self.tool.get("inputSchema").unwrap_or(&Value::Null)
    }

    pub(super) fn description(&self) -> &'t str {
        let description = self.tool.get("description");
        description.and_then(Value::as_str).unwrap_or_default()
    }

    /// Everything that a model may read. What is no description counts as the schema.
    pub(super) fn texts(&self) -> Definition {
        let schema = MEMBERS
            .iter()
            .rev()
            .filter(|it| !matches!(**it, "name" | "description"));
        let schema: Vec<String> = schema
            .filter_map(|member| self.tool.get(member))
            .map(write)
            .collect();
        let description = match self.tool.get("description") {
            Some(Value::String(text)) => text.to_string(),
            Some(other) => write(other),
            None => String::new(),
        };
        Definition {
            name: self.name.to_owned(),
            description,
            schema: schema.join("\n"),
        }
    }

    /// The members in the order of their names, at every depth.
    pub(super) fn definition(&self) -> ToolDefinition {
        let members = MEMBERS.iter().filter_map(|member| {
            let value = self.tool.get(member)?;
            Some((Arc::from(*member), value.clone()))
        });
        definition(&Value::from(members.collect::<Object>()))
    }

    /// Where the signals are: in the description, and in those of the parameters.
    pub(super) fn places(&self) -> Vec<Place> {
        let key = |name: &str| Step::Key(Arc::from(name));
        let mut found = spans(self.description(), &[key("description")]);
        let properties = self.input_schema().get("properties");
        let properties = properties.and_then(Value::as_object);
        let properties = properties.into_iter().flat_map(Object::iter);
        for (index, (_, property)) in (0..).zip(properties) {
            let description = property.get("description").and_then(Value::as_str);
            let path = [key("inputSchema"), Step::Index(index), key("description")];
            found.extend(spans(description.unwrap_or_default(), &path));
        }
        found
    }
}

/// What a server's answer to the handshake tells the model; that it tells nothing can be known too.
pub(super) fn instructions(result: &Value) -> ToolDefinition {
    let told = result.get("instructions").filter(|it| **it != Value::Null);
    let told = told.map(|told| (Arc::from("instructions"), told.clone()));
    definition(&Value::from(told.into_iter().collect::<Object>()))
}

fn definition(members: &Value) -> ToolDefinition {
    let text = write(&ordered(members));
    ToolDefinition {
        digest: hexadecimal(&Sha256::digest(text.as_bytes())).into(),
        text: (text.len() <= DEFINITION_BYTES_MAX).then(|| text.into()),
    }
}

fn spans(text: &str, path: &[Step]) -> Vec<Place> {
    let points = |end: usize| {
        text.get(..end)
            .map_or(0, |part| part.chars().count() as u64)
    };
    let found = place::places(text).into_iter();
    found
        .map(|span| (path.to_vec(), Some((points(span.start), points(span.end)))))
        .collect()
}

/// What became of a definition, part by part. Nothing can be said of one that was too long.
pub fn changes(before: &ToolDefinition, after: &ToolDefinition) -> Vec<Change> {
    match (&before.text, &after.text) {
        (Some(before), Some(after)) => change::changes(&parts(before), &parts(after)),
        (None, _) | (_, None) => Vec::new(),
    }
}

fn parts(text: &str) -> Parts {
    let value = parse(text, &Limits::lenient()).unwrap_or(Value::Null);
    let members = value.as_object().into_iter().flat_map(Object::iter);
    let part = |(name, value): (&Arc<str>, &Value)| {
        let text = match value {
            Value::String(text) => text.to_string(),
            other => write(other),
        };
        (name.to_string(), text)
    };
    members.map(part).collect()
}

/// The name under which a tool is known: a text that any database takes, and none that is reserved.
pub(crate) fn pinned_as(name: &str) -> Arc<str> {
    let is_free = name != INSTRUCTIONS;
    if is_free && name.len() <= KEY_BYTES_MAX && !name.contains(char::is_control) {
        return Arc::from(name);
    }
    format!("sha256:{}", hexadecimal(&Sha256::digest(name.as_bytes()))).into()
}

/// How deep a message is was bounded when it was read.
fn ordered(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(ordered).collect::<Vec<_>>().into(),
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_by(|a, b| a.0.cmp(b.0));
            let members = members.into_iter();
            let ordered = members.map(|(name, value)| (Arc::clone(name), ordered(value)));
            Value::from(ordered.collect::<Object>())
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(text: &str) -> ToolDefinition {
        Listed::read(&parse(text, &Limits::strict()).unwrap()).definition()
    }

    #[test]
    fn order_does_not_matter_and_content_does() {
        let known = definition(
            r#"{"name":"a","description":"d","inputSchema":{"type":"object","properties":{"x":{"a":1,"b":[1,2]}}}}"#,
        );
        let check = |text: &str, is_same: bool| {
            assert_eq!(definition(text).digest == known.digest, is_same, "{text}");
        };
        check(
            r#"{"inputSchema":{"properties":{"x":{"b":[1,2],"a":1}},"type":"object"},"_meta":{"t":1},"description":"d","name":"a"}"#,
            true,
        );
        check(
            r#"{"name":"a","description":"d","inputSchema":{"type":"object","properties":{"x":{"a":1,"b":[2,1]}}}}"#,
            false,
        );
        check(r#"{"name":"a","description":"d"}"#, false);
    }

    #[test]
    fn changes_are_told_part_by_part() {
        let before = r#"{"name":"a","description":"Adds two numbers."}"#;
        let after = r#"{"name":"a","description":"Adds all numbers.","annotations":{"title":"A"}}"#;
        let found = changes(&definition(before), &definition(after));
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                r#"annotations: {+{"title":"A"}+}"#,
                "description: Adds [-two -]{+all +}numbers."
            ]
        );
    }

    #[test]
    fn odd_names_are_known_by_a_digest() {
        assert_eq!(&*pinned_as("add"), "add");
        for odd in ["a\0d", INSTRUCTIONS] {
            assert_eq!(pinned_as(odd).len(), "sha256:".len() + 64);
        }
        assert_ne!(pinned_as(&"x".repeat(300)), pinned_as(&"x".repeat(301)));
    }
}
