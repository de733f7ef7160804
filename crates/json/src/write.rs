use std::fmt::{self, Write};
use std::mem;
use std::sync::Arc;

use crate::plain::is_all_plain;
use crate::specials::Specials;
use crate::{Number, Value, Written};

#[cfg(test)]
mod tests;

const INDENT: &str = "  ";
/// In texts of so many bytes it pays to look for what is escaped with vectors.
const LONG: usize = 64;
/// Room for the text of most values, so that it need not move as it grows.
const TEXT_BYTES_EXPECTED: usize = 1024;
/// As deep are most values.
const OPEN_EXPECTED: usize = 8;

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

/// As [`write`], behind what is there.
pub fn write_to(out: &mut String, value: &Value) {
    rewrite_to(out, value, Written::default());
}

/// As [`write_to`], with long strings as they were written where the value was read. [`parse`]
/// makes the same value of it.
///
/// [`parse`]: crate::parse
pub fn rewrite_to(out: &mut String, value: &Value, written: Written<'_>) {
    if let Value::String(text) = value {
        return rewrite_string_to(out, text, written);
    }
    let writer = Writer {
        out: mem::take(out),
        layout: Layout::Compact,
        open: Vec::new(),
        written,
    };
    *out = writer.value(value);
}

/// As [`write_string_to`], or as it was written where it was read.
pub fn rewrite_string_to(out: &mut String, text: &Arc<str>, written: Written<'_>) {
    match written.spelling(text) {
        Some(spelling) => {
            // Something follows: if it had no room, all would be copied once more.
            out.reserve(spelling.len() + spelling.len() / 16);
            out.push('"');
            out.push_str(spelling);
            out.push('"');
        }
        None => write_string_to(out, text),
    }
}

/// A string as JSON text, behind what is there.
pub fn write_string_to(out: &mut String, text: &str) {
    out.push('"');
    if text.len() < LONG && is_all_plain(text.as_bytes()) {
        out.push_str(text);
    } else {
        escaped_to(out, text);
    }
    out.push('"');
}

fn escaped_to(out: &mut String, text: &str) {
    // Some of it will be escaped.
    out.reserve(text.len() + text.len() / 16);
    let mut written = 0;
    for place in Specials::of(text) {
        out.push_str(text.get(written..place).unwrap_or_default());
        let special = text.as_bytes().get(place).copied();
        escape_to(out, special.unwrap_or_default());
        written = place + 1;
    }
    out.push_str(text.get(written..).unwrap_or_default());
}

fn escape_to(out: &mut String, special: u8) {
    let escape = match special {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        0x8 => "\\b",
        0xc => "\\f",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        other => {
            // Writing to a `String` does not fail.
            write!(out, "\\u{other:04x}").ok();
            return;
        }
    };
    out.push_str(escape);
}

fn written(value: &Value, layout: Layout) -> String {
    let writer = Writer {
        out: String::with_capacity(TEXT_BYTES_EXPECTED),
        layout,
        open: Vec::with_capacity(OPEN_EXPECTED),
        written: Written::default(),
    };
    writer.value(value)
}

struct Writer<'w> {
    out: String,
    layout: Layout,
    open: Vec<Open<'w>>,
    written: Written<'w>,
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
        f.write_str(&write(self))
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

// === impl Writer ===

impl<'w> Writer<'w> {
    fn value(mut self, value: &'w Value) -> String {
        self.start(value);
        while let Some(open) = self.open.last_mut() {
            let is_first = mem::replace(&mut open.is_first, false);
            let (name, value) = match &mut open.rest {
                Rest::Items(items) => (None, items.next()),
                Rest::Members(members) => match members.next() {
                    Some((name, value)) => (Some(name), Some(value)),
                    None => (None, None),
                },
            };
            let Some(value) = value else {
                self.end(is_first);
                continue;
            };
            if !is_first {
                self.out.push(',');
            }
            self.new_line();
            if let Some(name) = name {
                write_string_to(&mut self.out, name);
                self.out.push(':');
                if self.layout == Layout::Pretty {
                    self.out.push(' ');
                }
            }
            self.start(value);
        }
        self.out
    }

    /// Writes a scalar, or opens an array or object.
    fn start(&mut self, value: &'w Value) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            // Writing to a `String` does not fail.
            Value::Number(number) => {
                write!(self.out, "{number}").ok();
            }
            Value::String(text) => rewrite_string_to(&mut self.out, text, self.written),
            Value::Array(items) => self.open('[', Rest::Items(items.iter())),
            Value::Object(object) => self.open('{', Rest::Members(object.members().iter())),
        }
    }

    fn open(&mut self, bracket: char, rest: Rest<'w>) {
        self.open.push(Open {
            rest,
            is_first: true,
        });
        self.out.push(bracket);
    }

    fn end(&mut self, is_empty: bool) {
        let bracket = match self.open.pop().map(|open| open.rest) {
            Some(Rest::Items(_)) => ']',
            Some(Rest::Members(_)) => '}',
            None => return,
        };
        if !is_empty {
            self.new_line();
        }
        self.out.push(bracket);
    }

    fn new_line(&mut self) {
        if self.layout == Layout::Pretty {
            self.out.push('\n');
            for _ in &self.open {
                self.out.push_str(INDENT);
            }
        }
    }
}
