//! Results as text: messages, addresses, and underlines below what they mean.

use portcullis_engine::{Failure, Finding, Loaded};
use portcullis_json::Value;
use portcullis_trace::{Range, Step};
use std::fmt::Write as _;

const NOTHING: &str = "none\n";

pub(crate) fn findings(found: &[Finding], trace: &[Value]) -> String {
    if found.is_empty() {
        return NOTHING.to_owned();
    }
    found.iter().map(|finding| one(finding, trace)).collect()
}

fn one(finding: &Finding, trace: &[Value]) -> String {
    let args: Vec<String> = finding.args.iter().map(plain).collect();
    let mut shown = format!("{}\n", args.join(", "));
    for (name, value) in finding.kwargs.iter() {
        writeln!(shown, "  with {name} = {}", plain(value)).unwrap();
    }
    for range in &finding.ranges {
        writeln!(shown, "  {range}").unwrap();
        if let Some((start, end)) = range.span {
            let text = text_at(range, trace).unwrap_or_else(|| panic!("no text at {range}"));
            let span = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
            shown.push_str(&underlined(&text, span));
        }
    }
    shown
}

/// What is wrong with a policy, by code; the messages are those of `docs/DIAGNOSTICS.md`.
pub(crate) fn diagnostics(source: &str, loaded: &Loaded) -> String {
    let one = |(code, range): (&str, std::ops::Range<usize>)| {
        format!("{code}\n{}", underlined(source, characters(source, range)))
    };
    let found = loaded.diagnostics.iter();
    let shown: String = found
        .map(|found| (found.code.0, found.span().range()))
        .map(one)
        .collect();
    if shown.is_empty() {
        NOTHING.to_owned()
    } else {
        shown
    }
}

pub(crate) fn failure(source: &str, failure: &Failure) -> String {
    let place = failure
        .span
        .map(|span| underlined(source, characters(source, span.range())));
    format!("{failure}\n{}", place.unwrap_or_default())
}

pub(crate) fn indented(text: &str) -> String {
    text.lines().flat_map(|line| ["  ", line, "\n"]).collect()
}

/// A text stands for itself, everything else is JSON.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn characters(text: &str, bytes: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let count = |end: usize| text.get(..end).unwrap_or_default().chars().count();
    count(bytes.start)..count(bytes.end)
}

/// The lines of a text that a span touches, each with the span's part below it.
fn underlined(text: &str, span: std::ops::Range<usize>) -> String {
    let mut shown = String::new();
    let mut line_start = 0;
    for line in text.split('\n') {
        let line_end = line_start + line.chars().count();
        let start = span.start.max(line_start);
        let end = span.end.max(span.start + 1).min(line_end.max(start + 1));
        if start <= line_end && start < span.end.max(span.start + 1) && end > line_start {
            let indent = " ".repeat(start - line_start);
            let marks = "^".repeat(end - start);
            let line = line.replace(is_invisible, "·");
            write!(shown, "    | {line}\n    | {indent}{marks}\n").unwrap();
        }
        line_start = line_end + 1;
    }
    let lines = shown.lines().map(str::trim_end);
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn is_invisible(character: char) -> bool {
    let formats = ['\u{200b}'..='\u{200f}', '\u{202a}'..='\u{202e}'];
    character.is_control() || formats.iter().any(|range| range.contains(&character))
}

/// The text that a range has its span in.
fn text_at(range: &Range, trace: &[Value]) -> Option<String> {
    let events = trace.iter().flat_map(events_of);
    let mut value = events.into_iter().nth(usize::try_from(range.event).ok()?)?;
    for step in &range.path {
        value = below(&value, step)?;
    }
    value.as_str().map(str::to_owned)
}

/// A tool listing stands for one event a tool.
fn events_of(element: &Value) -> Vec<Value> {
    match element.get("tools").and_then(Value::as_array) {
        Some(tools) if element.get("role").is_none() => tools.to_vec(),
        _ => vec![element.clone()],
    }
}

fn below(value: &Value, step: &Step) -> Option<Value> {
    match (step, value) {
        // Arguments may be JSON in a text.
        (Step::Key(_), Value::String(text)) => {
            let decoded = portcullis_json::parse(text, &portcullis_json::Limits::lenient());
            below(&decoded.ok()?, step)
        }
        (Step::Key(key), _) => value.get(key).cloned(),
        (Step::Index(index), Value::Array(items)) => {
            items.get(usize::try_from(*index).ok()?).cloned()
        }
        // The schema of a tool's input is addressed by the numbers of its properties.
        (Step::Index(index), _) => {
            let mut properties = value.get("properties")?.as_object()?.iter();
            let (_, schema) = properties.nth(usize::try_from(*index).ok()?)?;
            Some(schema.clone())
        }
    }
}
