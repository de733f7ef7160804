use std::fmt::{self, Write};
use std::sync::Arc;

use crate::plain::plain_length;
use crate::{Number, Value};

#[cfg(test)]
mod tests;

const INDENT: &str = "  ";
/// Room for the text of most values, so that it need not move as it grows.
const TEXT_BYTES_EXPECTED: usize = 1024;

/// The value as JSON text on one line, without blanks.
///
/// [`parse`](crate::parse) makes the same value of it. Numbers that are not finite are spelled as
/// Python does, which only a lenient reader accepts.
pub fn write(value: &Value) -> String {
    written(value, Layout::Compact)
}

/// The value as JSON text for a person, indented by two spaces.
pub fn write_pretty(value: &Value) -> String {
    written(value, Layout::Pretty)
}

fn written(value: &Value, layout: Layout) -> String {
    let mut out = String::with_capacity(TEXT_BYTES_EXPECTED);
    let writer = Writer {
        out: &mut out,
        layout,
        open: Vec::new(),
    };
    // Writing to a `String` does not fail.
    match writer.value(value) {
        Ok(()) | Err(fmt::Error) => out,
    }
}

/// Where a text goes, which may make room for what is to come.
trait Sink: Write {
    fn make_room(&mut self, bytes: usize);
}

struct Writer<'w, W> {
    out: &'w mut W,
    layout: Layout,
    open: Vec<Open<'w>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Compact,
    Pretty,
}

struct Open<'w> {
    rest: Rest<'w>,
    is_first: bool,
}

/// What is left to write of an array or object.
enum Rest<'w> {
    Items(std::slice::Iter<'w, Value>),
    Members(std::slice::Iter<'w, (Arc<str>, Value)>),
}

// === impl Value ===

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Writer {
            out: f,
            layout: Layout::Compact,
            open: Vec::new(),
        }
        .value(self)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Integer(value) => write!(f, "{value}"),
            Number::BigInteger(digits) => f.write_str(digits),
            Number::Float(value) if value.is_nan() => f.write_str("NaN"),
            Number::Float(value) if value.is_infinite() => {
                f.write_str(if value.is_sign_positive() {
                    "Infinity"
                } else {
                    "-Infinity"
                })
            }
            // Keeps a fraction or an exponent, unlike `{}`: a float must not come back an integer.
            Number::Float(value) => write!(f, "{value:?}"),
        }
    }
}

// === impl Sink ===

impl Sink for String {
    fn make_room(&mut self, bytes: usize) {
        self.reserve(bytes);
    }
}

impl Sink for fmt::Formatter<'_> {
    fn make_room(&mut self, _bytes: usize) {}
}

// === impl Writer ===

impl<'w, W: Sink> Writer<'w, W> {
    fn value(mut self, value: &'w Value) -> fmt::Result {
        self.start(value)?;
        while let Some(open) = self.open.last_mut() {
            let is_first = std::mem::replace(&mut open.is_first, false);
            let (name, value) = match &mut open.rest {
                Rest::Items(items) => (None, items.next()),
                Rest::Members(members) => match members.next() {
                    Some((name, value)) => (Some(name), Some(value)),
                    None => (None, None),
                },
            };
            let Some(value) = value else {
                self.end(is_first)?;
                continue;
            };
            if !is_first {
                self.out.write_char(',')?;
            }
            self.new_line()?;
            if let Some(name) = name {
                self.string(name)?;
                self.out.write_str(if self.layout == Layout::Pretty {
                    ": "
                } else {
                    ":"
                })?;
            }
            self.start(value)?;
        }
        Ok(())
    }

    /// Writes a scalar, or opens an array or object.
    fn start(&mut self, value: &'w Value) -> fmt::Result {
        match value {
            Value::Null => self.out.write_str("null"),
            Value::Bool(true) => self.out.write_str("true"),
            Value::Bool(false) => self.out.write_str("false"),
            Value::Number(number) => write!(self.out, "{number}"),
            Value::String(text) => self.string(text),
            Value::Array(items) => self.open('[', Rest::Items(items.iter())),
            Value::Object(object) => self.open('{', Rest::Members(object.members().iter())),
        }
    }

    fn open(&mut self, bracket: char, rest: Rest<'w>) -> fmt::Result {
        self.open.push(Open {
            rest,
            is_first: true,
        });
        self.out.write_char(bracket)
    }

    fn end(&mut self, is_empty: bool) -> fmt::Result {
        let bracket = match self.open.pop().map(|open| open.rest) {
            Some(Rest::Items(_)) => ']',
            Some(Rest::Members(_)) => '}',
            None => return Ok(()),
        };
        if !is_empty {
            self.new_line()?;
        }
        self.out.write_char(bracket)
    }

    fn new_line(&mut self) -> fmt::Result {
        if self.layout == Layout::Pretty {
            self.out.write_char('\n')?;
            for _ in &self.open {
                self.out.write_str(INDENT)?;
            }
        }
        Ok(())
    }

    fn string(&mut self, text: &str) -> fmt::Result {
        // Some of it will be escaped.
        self.out.make_room(text.len() + text.len() / 16 + 2);
        self.out.write_char('"')?;
        let mut rest = text;
        loop {
            let plain = plain_length(rest.as_bytes());
            let (plain, others) = rest.split_at_checked(plain).unwrap_or((rest, ""));
            self.out.write_str(plain)?;
            let mut others = others.chars();
            let Some(special) = others.next() else {
                break;
            };
            self.escape(special)?;
            rest = others.as_str();
        }
        self.out.write_char('"')
    }

    fn escape(&mut self, character: char) -> fmt::Result {
        match character {
            '"' => self.out.write_str("\\\""),
            '\\' => self.out.write_str("\\\\"),
            '\u{8}' => self.out.write_str("\\b"),
            '\u{c}' => self.out.write_str("\\f"),
            '\n' => self.out.write_str("\\n"),
            '\r' => self.out.write_str("\\r"),
            '\t' => self.out.write_str("\\t"),
            other => write!(self.out, "\\u{:04x}", u32::from(other)),
        }
    }
}
