//! The labelled texts, read from compressed lines of JSON.

use crate::Failure;
use flate2::read::GzDecoder;
use portcullis_detect::tool::Definition;
use portcullis_json::{Limits, Value, parse};
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

/// A labelled text.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) text: String,
    /// Whether it holds an instruction to a model that turns it against its operator.
    pub(crate) is_attack: bool,
    /// Who published it; the repositories of the benign chunks are one each.
    pub(crate) source: String,
    pub(crate) kind: String,
    /// Bytes of the text that are the attack, where they are known.
    pub(crate) attack: Option<Range<usize>>,
}

/// A labelled definition of a tool.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) definition: Definition,
    pub(crate) is_poisoned: bool,
    pub(crate) kind: String,
    /// The part of the description or schema that is the attack; empty if it is not known.
    poison: String,
}

/// An ordinary request whose place alone makes it an attack: a detector of texts cannot tell it.
const PLAIN_REQUEST: &str = "indirect_plain";

/// Openly harmful tools are another problem than hidden instructions; demonstrations are for tests.
const NOT_FOR_TRAINING: [&str; 3] = [
    "overt_malicious",
    "real_tool_poisoning",
    "real_preference_manipulation",
];

/// What the classifier learns from.
pub(crate) fn training(folder: &Path) -> Result<Vec<Row>, Failure> {
    let mut rows = texts(&folder.join("injection/train.jsonl.gz"))?;
    rows.retain(|row| row.kind != PLAIN_REQUEST);
    for file in [
        "pii/positives",
        "pii/negatives",
        "secrets/positives",
        "secrets/negatives",
    ] {
        let mut benign = texts(&folder.join(format!("{file}.jsonl.gz")))?;
        for row in &mut benign {
            file.clone_into(&mut row.kind);
            if !row.source.starts_with("repo:") {
                file.clone_into(&mut row.source);
            }
        }
        rows.extend(benign);
    }
    let tools = tools(folder)?.into_iter();
    let tools = tools.filter(|tool| !NOT_FOR_TRAINING.contains(&tool.kind.as_str()));
    rows.extend(tools.map(Tool::into_row));
    Ok(rows)
}

/// Benign chunks that no weight has seen, for thresholds.
pub(crate) fn calibration(folder: &Path) -> Result<Vec<Row>, Failure> {
    texts(&folder.join("injection/calib_benign.jsonl.gz"))
}

pub(crate) fn development(folder: &Path) -> Result<Vec<Row>, Failure> {
    texts(&folder.join("injection/dev.jsonl.gz"))
}

fn texts(path: &Path) -> Result<Vec<Row>, Failure> {
    let rows = lines(path)?.into_iter().map(|row| {
        let text = string(&row, "text");
        let attack = row.get("inj").and_then(Value::as_array).and_then(|span| {
            let [start, end] = span else { return None };
            Some(byte_at(&text, start)?..byte_at(&text, end)?)
        });
        Row {
            is_attack: is_attack(&row),
            source: string(&row, "source"),
            kind: string(&row, "kind"),
            attack,
            text,
        }
    });
    Ok(rows.collect())
}

/// All definitions, those that nothing learns from too.
pub(crate) fn tools(folder: &Path) -> Result<Vec<Tool>, Failure> {
    let mut tools = Vec::new();
    for file in ["benign_tools", "poisoned_tools"] {
        let rows = lines(&folder.join(format!("tools/{file}.jsonl.gz")))?;
        tools.extend(rows.iter().map(tool));
    }
    Ok(tools)
}

fn tool(row: &Value) -> Tool {
    let schema = row.get("inputSchema").map(portcullis_json::write);
    Tool {
        definition: Definition {
            name: string(row, "name"),
            description: string(row, "description"),
            schema: schema.unwrap_or_default(),
        },
        is_poisoned: is_attack(row),
        kind: string(row, "kind"),
        poison: string(row, "poison_text"),
    }
}

fn is_attack(row: &Value) -> bool {
    row.get("label").and_then(Value::as_i64) == Some(1)
}

fn lines(path: &Path) -> Result<Vec<Value>, Failure> {
    let fail = |cause: &dyn std::fmt::Display| format!("{}: {cause}", path.display());
    let file = File::open(path).map_err(|error| fail(&error))?;
    let mut text = String::new();
    GzDecoder::new(file)
        .read_to_string(&mut text)
        .map_err(|error| fail(&error))?;
    let limits = Limits::lenient();
    text.lines()
        .map(|line| parse(line, &limits).map_err(|error| fail(&error)))
        .collect()
}

fn string(row: &Value, name: &str) -> String {
    row.get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The byte of a place that is given in code points.
fn byte_at(text: &str, place: &Value) -> Option<usize> {
    let place = usize::try_from(place.as_i64()?).ok()?;
    let starts = text.char_indices().map(|(start, _)| start);
    starts.chain([text.len()]).nth(place)
}

// === impl Tool ===

impl Tool {
    fn into_row(self) -> Row {
        let text = self.definition.text();
        let attack = text.find(&self.poison);
        let attack = attack.map(|start| start..start + self.poison.len());
        Row {
            is_attack: self.is_poisoned,
            source: "tools".to_owned(),
            kind: self.kind,
            attack: attack.filter(|span| !span.is_empty()),
            text,
        }
    }
}
