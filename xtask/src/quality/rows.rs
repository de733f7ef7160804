//! Labelled texts: lines of JSON, compressed or not.

use flate2::read::GzDecoder;
use portcullis_detect::tool::Definition;
use portcullis_json::{Limits, Value, parse, write};
use std::fs;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One labelled text.
pub(crate) struct Row {
    pub(crate) text: String,
    pub(crate) source: String,
    pub(crate) kind: String,
    pub(crate) is_attack: bool,
    pub(crate) shape: Shape,
}

/// What the label says.
pub(crate) enum Shape {
    /// Whether the text is an attack.
    Labelled(bool),
    Tool(Definition),
    Spans(Vec<Truth>),
    /// Nothing can be measured on it.
    Unlabelled,
}

/// A place that a detector must find.
pub(crate) struct Truth {
    pub(crate) kind: String,
    /// In bytes.
    pub(crate) span: Range<usize>,
}

/// A file, and what its tables are called.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
}

/// LIMIT: folders in each other that are looked into.
const DEPTH_MAX: usize = 6;

/// The files themselves, and the lines of JSON in folders, in order.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<File>, String> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            collect(path, DEPTH_MAX, &mut found)?;
        } else {
            found.push(File::at(path));
        }
    }
    Ok(found)
}

// === impl File ===

impl File {
    /// The tables bear the last two parts of the path.
    fn at(path: &Path) -> Self {
        let parts: Vec<_> = path
            .iter()
            .rev()
            .take(2)
            .map(|it| it.to_string_lossy())
            .collect();
        let name = parts.into_iter().rev().collect::<Vec<_>>().join("/");
        let name = name.trim_end_matches(".gz").trim_end_matches(".jsonl");
        Self {
            path: path.to_owned(),
            name: name.to_owned(),
        }
    }
}

fn collect(path: &Path, depth: usize, found: &mut Vec<File>) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    if path.is_dir() && depth > 0 {
        let entries = fs::read_dir(path).map_err(fail)?;
        let mut inner = entries
            .map(|entry| entry.map(|it| it.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(fail)?;
        inner.sort();
        return inner
            .iter()
            .try_for_each(|path| collect(path, depth - 1, found));
    }
    let is = |path: &Path, ending| path.extension().is_some_and(|it| it == ending);
    let plain = if is(path, "gz") {
        path.with_extension("")
    } else {
        path.to_owned()
    };
    if is(&plain, "jsonl") {
        found.push(File::at(path));
    }
    Ok(())
}

pub(crate) fn read(path: &Path) -> Result<Vec<Row>, String> {
    let fail = |cause: &dyn std::fmt::Display| format!("{}: {cause}", path.display());
    let bytes = fs::read(path).map_err(|error| fail(&error))?;
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut decoder = GzDecoder::new(&*bytes);
        decoder
            .read_to_string(&mut text)
            .map_err(|error| fail(&error))?;
    } else {
        text = String::from_utf8(bytes).map_err(|error| fail(&error))?;
    }
    let limits = Limits::lenient();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let values = lines.map(|line| parse(line, &limits));
    values
        .map(|value| value.map(|value| row(&value)).map_err(|error| fail(&error)))
        .collect()
}

fn row(value: &Value) -> Row {
    let label = value.get("label").and_then(|label| {
        let number = label.as_i64().map(|number| number == 1);
        number.or_else(|| label.as_bool())
    });
    let mut text = string(value, "text");
    let is_tool = value.get("inputSchema").is_some()
        || value.get("text").is_none() && value.get("description").is_some();
    let shape = if is_tool {
        let definition = Definition {
            name: string(value, "name"),
            description: string(value, "description"),
            schema: value.get("inputSchema").map(write).unwrap_or_default(),
        };
        text = format!(
            "{}: {}\n{}",
            definition.name, definition.description, definition.schema
        );
        Shape::Tool(definition)
    } else if let Some(spans) = value.get("spans").and_then(Value::as_array) {
        Shape::Spans(spans.iter().filter_map(|span| truth(&text, span)).collect())
    } else {
        label.map_or(Shape::Unlabelled, Shape::Labelled)
    };
    Row {
        source: string(value, "source")
            .split(':')
            .next()
            .unwrap_or_default()
            .to_owned(),
        kind: string(value, "kind"),
        is_attack: label == Some(true),
        shape,
        text,
    }
}

/// A place given in code points.
fn truth(text: &str, span: &Value) -> Option<Truth> {
    let byte = |name| {
        let place = usize::try_from(span.get(name)?.as_i64()?).ok()?;
        let starts = text.char_indices().map(|(start, _)| start);
        starts.chain([text.len()]).nth(place)
    };
    Some(Truth {
        kind: string(span, "type"),
        span: byte("start")?..byte("end")?,
    })
}

fn string(value: &Value, name: &str) -> String {
    value
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
