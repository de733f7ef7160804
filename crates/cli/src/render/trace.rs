//! Addresses such as `messages.3.content:4-9`, resolved and shown.

use std::ops::Range as Span;

use portcullis_json::{Limits, Value, parse, write};
use portcullis_trace::{Range, Step};

use super::excerpt::excerpt;
use super::{FAINT, plain, shortened};

const VALUE_CHARACTERS: usize = 100;
/// LIMIT: places of one finding that are shown: a pattern may match a long text at thousands.
pub(crate) const PLACES_MAX: usize = 20;

/// The events of a trace, as addresses count them.
#[derive(Debug, Default)]
pub(crate) struct Events(Vec<Value>);

// === impl Events ===

impl Events {
    /// How many there are, which is the number of the next.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Adds a message; of a tool listing every tool counts.
    pub(crate) fn push(&mut self, message: &Value) {
        let is_listing = message.get("role").is_none() && message.get("type").is_none();
        match message.get("tools").and_then(Value::as_array) {
            Some(tools) if is_listing => self.0.extend(tools.iter().cloned()),
            _ => self.0.push(message.clone()),
        }
    }

    /// As [`Self::show`], for an address as it is recorded.
    pub(crate) fn show_address(&self, address: &str) -> String {
        match range(address) {
            Some(range) => self.show(&range),
            None => format!("  {}\n", FAINT.paint(plain(address))),
        }
    }

    /// The address, and below it what stands there with the span underlined.
    pub(crate) fn show(&self, range: &Range) -> String {
        let address = format!("  {}\n", FAINT.paint(plain(&range.to_string())));
        let Some(value) = self.find(range) else {
            return address;
        };
        let (text, span) = match (&value, range.span) {
            (Value::String(text), Some(span)) => (text.to_string(), byte_span(text, span)),
            (Value::String(text), None) => {
                return format!("{address}    {} {}\n", FAINT.paint("|"), clipped(text));
            }
            (other, _) => {
                let text = write(other);
                return format!("{address}    {} {}\n", FAINT.paint("|"), clipped(&text));
            }
        };
        format!("{address}{}", excerpt(&text, &span))
    }

    fn find(&self, range: &Range) -> Option<Value> {
        let mut value = self.0.get(usize::try_from(range.event).ok()?)?.clone();
        for step in &range.path {
            // Arguments may be written as JSON text.
            if let Value::String(text) = &value {
                value = parse(text, &Limits::lenient()).ok()?;
            }
            value = match step {
                Step::Key(key) => value.get(key)?.clone(),
                Step::Index(index) => {
                    let index = usize::try_from(*index).ok()?;
                    value.as_array()?.get(index)?.clone()
                }
            };
        }
        Some(value)
    }
}

/// A line about places that are not shown; nothing if all are.
pub(crate) fn more_places(count: usize) -> Option<String> {
    let more = count.checked_sub(PLACES_MAX).filter(|more| *more > 0)?;
    let plural = if more == 1 { "" } else { "s" };
    Some(format!("  and {more} more place{plural}"))
}

/// How addresses call what has these numbers; nothing if it has none.
pub(crate) fn numbered(numbers: &Span<usize>) -> String {
    let Span { start, end } = numbers;
    match numbers.len() {
        0 => String::new(),
        1 => format!("messages.{start}"),
        _ => format!("messages.{start} to {}", end - 1),
    }
}

/// A message in a few words: who calls what with what, who says what.
pub(crate) fn summary(message: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => clipped(text),
        other => clipped(&write(other)),
    };
    if let Some(Value::Array(tools)) = message.get("tools") {
        let names = tools.iter().filter_map(|tool| tool.get("name")?.as_str());
        return vec![clipped(&format!(
            "tools: {}",
            names.collect::<Vec<_>>().join(", ")
        ))];
    }
    let calls = message.get("tool_calls").and_then(Value::as_array);
    let calls = calls.unwrap_or_default().iter().map(|call| {
        let function = call.get("function");
        let part = |name| function.and_then(|function| function.get(name)).map(text);
        let (name, arguments) = (part("name"), part("arguments"));
        format!(
            "{} {}",
            name.unwrap_or_default(),
            arguments.unwrap_or_default()
        )
    });
    let calls: Vec<String> = calls.collect();
    if !calls.is_empty() {
        return calls;
    }
    let content = message.get("content").map(chunks).unwrap_or_default();
    content.iter().map(text).collect()
}

/// The texts of a content; other chunks as they are.
fn chunks(content: &Value) -> Vec<Value> {
    match content {
        Value::Array(chunks) => chunks
            .iter()
            .map(|chunk| chunk.get("text").unwrap_or(chunk).clone())
            .collect(),
        other => vec![other.clone()],
    }
}

/// Reads `messages.3.content:4-9` back. A step of digits is an index; keys of digits alone are so
/// rare that the place is then shown without its text.
fn range(address: &str) -> Option<Range> {
    let (path, span) = match address.rsplit_once(':') {
        Some((path, span)) => match span.split_once('-') {
            Some((start, end)) => (path, Some((start.parse().ok()?, end.parse().ok()?))),
            None => (address, None),
        },
        None => (address, None),
    };
    let mut steps = path.strip_prefix("messages.")?.split('.');
    Some(Range {
        event: steps.next()?.parse().ok()?,
        path: steps
            .map(|step| match step.parse() {
                Ok(index) => Step::Index(index),
                Err(_) => Step::Key(step.into()),
            })
            .collect(),
        span,
    })
}

fn clipped(text: &str) -> String {
    shortened(text, VALUE_CHARACTERS)
}

/// From code points to bytes.
fn byte_span(text: &str, (start, end): (u64, u64)) -> Span<usize> {
    let byte = |place: u64| {
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        text.char_indices()
            .nth(place)
            .map_or(text.len(), |(byte, _)| byte)
    };
    byte(start)..byte(end)
}
