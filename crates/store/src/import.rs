//! Files of the Explorer: one JSON value a line.
//!
//! The first line may be `{"metadata": {…}}`, which is about the project. All others are traces:
//! either lists of messages, whose first element may be `{"metadata": {…}}`, or objects with
//! `messages` and more. A file has one kind of them only, and gives all traces an index or none.
use std::collections::BTreeSet;

use portcullis_json::{Object, Value};

/// Reads a file value by value.
#[derive(Debug, Default)]
pub struct Importer {
    metadata: Option<Object>,
    kind: Option<Kind>,
    indices: BTreeSet<u64>,
}

/// A trace as it stands in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedTrace {
    pub messages: Vec<Value>,
    pub annotations: Vec<ImportedAnnotation>,
    pub metadata: Object,
    pub index: Option<u64>,
    pub name: Option<String>,
    pub hierarchy_path: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ImportedAnnotation {
    pub content: String,
    pub address: String,
    pub metadata: Object,
}

/// Why a line is not a trace of this file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    #[error("expected a list of messages, or an object with `messages`")]
    NoTrace,
    #[error("`{member}` is not {expected}")]
    Member {
        member: &'static str,
        expected: &'static str,
    },
    #[error("lists of messages and objects with `messages` are mixed")]
    Mixed,
    #[error("some traces have an index and others have none")]
    SomeIndices,
    #[error("the index {0} occurs twice")]
    IndexTwice(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Lists,
    Objects { have_index: bool },
}

// === impl Importer ===

impl Importer {
    /// What the file says about the project.
    pub fn metadata(&self) -> Option<&Object> {
        self.metadata.as_ref()
    }

    /// The trace of the next line; `None` if the line is about the project.
    pub fn trace(&mut self, line: &Value) -> Result<Option<ImportedTrace>, ImportError> {
        if let (None, None, Some(metadata)) = (self.kind, &self.metadata, of_project(line)) {
            self.metadata = Some(metadata);
            return Ok(None);
        }
        let (kind, trace) = match line {
            Value::Array(elements) => (Kind::Lists, list(elements)),
            Value::Object(members) => {
                let trace = object(members)?;
                let have_index = trace.index.is_some();
                (Kind::Objects { have_index }, trace)
            }
            _ => return Err(ImportError::NoTrace),
        };
        match (self.kind.replace(kind), kind) {
            (Some(before), now) if before == now => {}
            (None, _) => {}
            (Some(Kind::Objects { .. }), Kind::Objects { .. }) => {
                return Err(ImportError::SomeIndices);
            }
            (Some(_), _) => return Err(ImportError::Mixed),
        }
        match trace.index {
            Some(index) if !self.indices.insert(index) => Err(ImportError::IndexTwice(index)),
            _ => Ok(Some(trace)),
        }
    }
}

/// The metadata of an object that has nothing else.
fn of_project(line: &Value) -> Option<Object> {
    let members = line.as_object().filter(|members| members.len() == 1)?;
    members.get("metadata")?.as_object().cloned()
}

fn list(elements: &[Value]) -> ImportedTrace {
    let (metadata, messages) = match elements.split_first() {
        Some((first, rest)) => match of_project(first) {
            Some(metadata) => (metadata, rest),
            None => (Object::new(), elements),
        },
        None => (Object::new(), elements),
    };
    ImportedTrace {
        messages: messages.to_vec(),
        annotations: Vec::new(),
        metadata,
        index: None,
        name: None,
        hierarchy_path: Vec::new(),
    }
}

fn object(members: &Object) -> Result<ImportedTrace, ImportError> {
    let messages = members.get("messages").and_then(Value::as_array);
    let annotations = list_of(members, "annotations", "a list of annotations", annotation)?;
    let hierarchy_path = list_of(members, "hierarchy_path", "a list of texts", |value| {
        value.as_str().map(str::to_owned)
    })?;
    let index = optional(members, "index", "a count from 0", |value| {
        u64::try_from(value.as_i64()?).ok()
    })?;
    let metadata = optional(members, "metadata", "an object", |value| {
        value.as_object().cloned()
    })?;
    let name = optional(members, "name", "a text", |value| {
        value.as_str().map(str::to_owned)
    })?;
    Ok(ImportedTrace {
        messages: messages.ok_or(ImportError::NoTrace)?.to_vec(),
        annotations,
        metadata: metadata.unwrap_or_default(),
        index,
        name,
        hierarchy_path,
    })
}

fn annotation(value: &Value) -> Option<ImportedAnnotation> {
    let metadata = value.get("extra_metadata").and_then(Value::as_object);
    Some(ImportedAnnotation {
        content: value.get("content")?.as_str()?.to_owned(),
        address: value.get("address")?.as_str()?.to_owned(),
        metadata: metadata.cloned().unwrap_or_default(),
    })
}

fn optional<T>(
    members: &Object,
    member: &'static str,
    expected: &'static str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, ImportError> {
    match members.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match read(value) {
            Some(value) => Ok(Some(value)),
            None => Err(ImportError::Member { member, expected }),
        },
    }
}

fn list_of<T>(
    members: &Object,
    member: &'static str,
    expected: &'static str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<T>, ImportError> {
    let items = optional(members, member, expected, |value| {
        value.as_array()?.iter().map(&read).collect::<Option<_>>()
    })?;
    Ok(items.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use portcullis_json::{Limits, parse};

    use super::*;

    fn read(lines: &[&str]) -> Result<Vec<ImportedTrace>, ImportError> {
        let mut importer = Importer::default();
        let mut traces = Vec::new();
        for line in lines {
            let line = parse(line, &Limits::lenient()).unwrap();
            traces.extend(importer.trace(&line)?);
        }
        Ok(traces)
    }

    #[test]
    fn lists_and_objects_are_traces() {
        let lists = read(&[
            r#"{"metadata":{"about":"the project"}}"#,
            r#"[{"metadata":{"n":1}},{"role":"user"}]"#,
            r#"[{"role":"user"},{"role":"tool"}]"#,
        ]);
        let lists = lists.unwrap();
        let told: Vec<_> = lists
            .iter()
            .map(|t| (t.messages.len(), t.metadata.len()))
            .collect();
        assert_eq!(told, [(1, 1), (2, 0)]);

        let objects = read(&[
            r#"{"messages":[{"role":"user"}],"index":3,"name":"a","hierarchy_path":["x"],
                "annotations":[{"content":"c","address":"messages.0","extra_metadata":{"s":1}}]}"#,
            r#"{"messages":[],"index":0,"name":null,"metadata":{"k":1}}"#,
        ]);
        let objects = objects.unwrap();
        assert_eq!((objects[0].index, objects[1].index), (Some(3), Some(0)));
        assert_eq!(objects[0].name.as_deref(), Some("a"));
        assert_eq!(objects[0].hierarchy_path, ["x"]);
        assert_eq!(objects[0].annotations[0].address, "messages.0");
        assert_eq!(objects[1].metadata.len(), 1);
    }

    #[test]
    fn line_that_does_not_fit_is_refused() {
        let check = |lines: &[&str], expected: ImportError| {
            assert_eq!(read(lines), Err(expected), "{lines:?}");
        };
        check(&["1"], ImportError::NoTrace);
        check(&[r#"{"message":[]}"#], ImportError::NoTrace);
        check(&["[]", r#"{"messages":[]}"#], ImportError::Mixed);
        check(
            &[r#"{"messages":[]}"#, r#"{"messages":[],"index":1}"#],
            ImportError::SomeIndices,
        );
        let one = r#"{"messages":[],"index":1}"#;
        check(&[one, one], ImportError::IndexTwice(1));
        let member = |member, expected| ImportError::Member { member, expected };
        check(
            &[r#"{"messages":[],"index":-1}"#],
            member("index", "a count from 0"),
        );
        check(&[r#"{"messages":[],"name":1}"#], member("name", "a text"));
        check(
            &[r#"{"messages":[],"annotations":[{"content":"c"}]}"#],
            member("annotations", "a list of annotations"),
        );
    }
}
