//! Files of traces, one on each line, as the reference exports and imports them.

use std::collections::BTreeSet;

use portcullis_json::{self as json, Limits, NonFinite, Object, Value, parse};

/// LIMIT: traces of one file.
const TRACES_MAX: usize = 100_000;
/// What Python may have written, except for numbers that are none.
const LIMITS: Limits = Limits {
    non_finite: NonFinite::Reject,
    ..Limits::lenient()
};

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Import {
    /// Of the project, if the first line has it.
    pub metadata: Object,
    pub traces: Vec<ImportedTrace>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ImportedTrace {
    /// Its place in the project: as it is written, or the number of its line from 0.
    pub index: u64,
    pub name: String,
    pub hierarchy_path: Vec<String>,
    pub messages: Vec<Value>,
    pub annotations: Vec<ImportedAnnotation>,
    pub metadata: Object,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ImportedAnnotation {
    pub content: String,
    pub address: String,
    pub metadata: Object,
}

/// Why a file is none of traces; most in the words of the reference.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("line {0} is not JSON")]
    Json(usize, #[source] json::Error),
    #[error("line {0} is neither a trace nor metadata")]
    NoTrace(usize),
    #[error("The metadata row can appear at most once in the file.")]
    MetadataTwice,
    #[error("The metadata row must be the first row in the file.")]
    MetadataNotFirst,
    #[error("Invalid index found: {0} in the file. Index must be an integer.")]
    Index(Value),
    #[error("Duplicate index found: {0} in the file.")]
    IndexTwice(u64),
    #[error(
        "The 'index' key is inconsistently present — found in some events but missing in others."
    )]
    IndexMissing,
    #[error("The file cannot contain both raw event lists and annotated event lists.")]
    Mixed,
    #[error("Failed to parse annotation: {0}")]
    Annotation(Value),
    #[error("the file has more than {TRACES_MAX} traces, split it")]
    TooMany,
}

/// What is known of a file while it is read.
#[derive(Default)]
struct Reader {
    import: Import,
    has_metadata: bool,
    form: Option<Form>,
    indices: BTreeSet<u64>,
    lacks_index: bool,
}

/// How traces are written, all of a file alike.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A list of messages.
    List,
    /// An object with the messages and what is known about them.
    Object,
}

// === impl Import ===

impl Import {
    pub fn read(text: &str) -> Result<Self, ImportError> {
        let mut reader = Reader::default();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let line = parse(line, &LIMITS);
            reader.line(
                number,
                &line.map_err(|error| ImportError::Json(number + 1, error))?,
            )?;
        }
        Ok(reader.import)
    }
}

// === impl Reader ===

impl Reader {
    fn line(&mut self, number: usize, line: &Value) -> Result<(), ImportError> {
        if self.import.traces.len() >= TRACES_MAX {
            return Err(ImportError::TooMany);
        }
        match (line, line.get("messages"), line.get("metadata")) {
            (Value::Object(_), None, Some(metadata)) => self.metadata(number, metadata),
            (Value::Array(messages), ..) => self.list(number, messages),
            (Value::Object(members), Some(messages), _) => {
                let messages = messages
                    .as_array()
                    .ok_or(ImportError::NoTrace(number + 1))?;
                self.object(number, members, messages)
            }
            _ => Err(ImportError::NoTrace(number + 1)),
        }
    }

    fn metadata(&mut self, number: usize, metadata: &Value) -> Result<(), ImportError> {
        if self.has_metadata {
            return Err(ImportError::MetadataTwice);
        }
        if number != 0 {
            return Err(ImportError::MetadataNotFirst);
        }
        self.has_metadata = true;
        self.import.metadata = metadata.as_object().cloned().unwrap_or_default();
        Ok(())
    }

    /// The first message of a plain list may be the metadata of the trace.
    fn list(&mut self, number: usize, messages: &[Value]) -> Result<(), ImportError> {
        self.take(Form::List)?;
        let first = messages.first().and_then(|first| first.get("metadata"));
        // A message has a role, and may have metadata as well.
        let first = first.filter(|_| messages.first().is_some_and(|m| m.get("role").is_none()));
        let (metadata, messages) = match (first, messages) {
            (Some(metadata), [_, rest @ ..]) => (metadata.as_object().cloned(), rest),
            _ => (None, messages),
        };
        let metadata = metadata.unwrap_or_default();
        let index = number as u64;
        self.import.traces.push(ImportedTrace {
            index,
            name: name(&metadata, &metadata, index),
            hierarchy_path: path(&metadata, &metadata),
            messages: messages.to_vec(),
            annotations: Vec::new(),
            metadata,
        });
        Ok(())
    }

    fn object(
        &mut self,
        number: usize,
        members: &Object,
        messages: &[Value],
    ) -> Result<(), ImportError> {
        self.take(Form::Object)?;
        let index = if let Some(index) = members.get("index") {
            self.index(index)?
        } else {
            self.lacks_index = true;
            number as u64
        };
        if self.lacks_index && !self.indices.is_empty() {
            return Err(ImportError::IndexMissing);
        }
        let metadata = members.get("metadata").and_then(Value::as_object);
        let metadata = metadata.cloned().unwrap_or_default();
        let annotations = members.get("annotations").and_then(Value::as_array);
        let annotations = annotations.unwrap_or_default().iter().map(annotation);
        self.import.traces.push(ImportedTrace {
            index,
            name: name(members, &metadata, index),
            hierarchy_path: path(members, &metadata),
            messages: messages.to_vec(),
            annotations: annotations.collect::<Result<_, _>>()?,
            metadata,
        });
        Ok(())
    }

    fn index(&mut self, written: &Value) -> Result<u64, ImportError> {
        let index = written.as_i64().and_then(|index| u64::try_from(index).ok());
        let index = index.ok_or_else(|| ImportError::Index(written.clone()))?;
        if !self.indices.insert(index) {
            return Err(ImportError::IndexTwice(index));
        }
        Ok(index)
    }

    fn take(&mut self, form: Form) -> Result<(), ImportError> {
        if *self.form.get_or_insert(form) != form {
            return Err(ImportError::Mixed);
        }
        Ok(())
    }
}

fn name(members: &Object, metadata: &Object, index: u64) -> String {
    let own = members.get("name").or_else(|| metadata.get("name"));
    let own = own.and_then(Value::as_str).map(str::to_owned);
    own.unwrap_or_else(|| format!("Run {index}"))
}

fn path(members: &Object, metadata: &Object) -> Vec<String> {
    let own = members.get("hierarchy_path");
    let own = own.or_else(|| metadata.get("hierarchy_path"));
    let steps = own.and_then(Value::as_array).unwrap_or_default().iter();
    steps.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn annotation(written: &Value) -> Result<ImportedAnnotation, ImportError> {
    let text = |name: &str| {
        let text = written.get(name).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| ImportError::Annotation(written.clone()))
    };
    let metadata = written.get("extra_metadata").and_then(Value::as_object);
    Ok(ImportedAnnotation {
        content: text("content")?,
        address: text("address")?,
        metadata: metadata.cloned().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let lists = "{\"metadata\":{\"k\":1}}\n[{\"metadata\":{\"name\":\"a\"}},{\"role\":\"user\"}]\n\n[{\"role\":\"user\",\"metadata\":{}}]\n";
        let import = Import::read(lists).unwrap();
        assert_eq!(import.metadata.get("k"), Some(&1.into()));
        let found = import.traces.iter();
        let found: Vec<_> = found
            .map(|t| (t.index, t.name.as_str(), t.messages.len()))
            .collect();
        assert_eq!(found, [(1, "a", 1), (3, "Run 3", 1)]);

        let objects = r#"{"index":7,"messages":[{}],"name":"n","hierarchy_path":["x"],"annotations":[{"content":"c","address":"a"}]}"#;
        let import = Import::read(objects).unwrap();
        let trace = &import.traces[0];
        assert_eq!((trace.index, trace.name.as_str()), (7, "n"));
        assert_eq!(trace.hierarchy_path, ["x"]);
        assert_eq!(trace.annotations[0].content, "c");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let check = |text: &str, expected: &str| {
            assert_eq!(
                Import::read(text).unwrap_err().to_string(),
                expected,
                "{text}"
            );
        };
        check("[]\n{", "line 2 is not JSON");
        check("1", "line 1 is neither a trace nor metadata");
        check(
            "{\"metadata\":{}}\n{\"metadata\":{}}",
            "The metadata row can appear at most once in the file.",
        );
        check(
            "[]\n{\"metadata\":{}}",
            "The metadata row must be the first row in the file.",
        );
        check(
            "[]\n{\"messages\":[]}",
            "The file cannot contain both raw event lists and annotated event lists.",
        );
        let one = r#"{"messages":[],"index":1}"#;
        check(
            &format!("{one}\n{one}"),
            "Duplicate index found: 1 in the file.",
        );
        let missing = "The 'index' key is inconsistently present — found in some events but missing in others.";
        check(&format!("{one}\n{{\"messages\":[]}}"), missing);
        check(&format!("{{\"messages\":[]}}\n{one}"), missing);
        check(
            r#"{"messages":[],"index":"1"}"#,
            "Invalid index found: \"1\" in the file. Index must be an integer.",
        );
        check(
            r#"{"messages":[],"annotations":[{"content":"c"}]}"#,
            "Failed to parse annotation: {\"content\":\"c\"}",
        );
    }
}
