use std::fmt;
use std::io::Write;
use std::sync::Arc;

use crate::plain::copy_plain;
use crate::{Number, Value};

#[cfg(test)]
mod tests;

const INDENT: &[u8] = b"  ";
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
    let writer = Writer {
        out: Vec::with_capacity(TEXT_BYTES_EXPECTED),
        layout,
        open: Vec::new(),
    };
    // Only whole characters are written.
    String::from_utf8(writer.value(value)).unwrap_or_default()
}

struct Writer<'w> {
    out: Vec<u8>,
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
    fn value(mut self, value: &'w Value) -> Vec<u8> {
        self.start(value);
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
                self.end(is_first);
                continue;
            };
            if !is_first {
                self.out.push(b',');
            }
            self.new_line();
            if let Some(name) = name {
                self.string(name);
                self.out.push(b':');
                if self.layout == Layout::Pretty {
                    self.out.push(b' ');
                }
            }
            self.start(value);
        }
        self.out
    }

    /// Writes a scalar, or opens an array or object.
    fn start(&mut self, value: &'w Value) {
        match value {
            Value::Null => self.out.extend_from_slice(b"null"),
            Value::Bool(true) => self.out.extend_from_slice(b"true"),
            Value::Bool(false) => self.out.extend_from_slice(b"false"),
            // Writing to a `Vec` does not fail.
            Value::Number(number) => drop(write!(self.out, "{number}")),
            Value::String(text) => self.string(text),
            Value::Array(items) => self.open(b'[', Rest::Items(items.iter())),
            Value::Object(object) => self.open(b'{', Rest::Members(object.members().iter())),
        }
    }

    fn open(&mut self, bracket: u8, rest: Rest<'w>) {
        self.open.push(Open {
            rest,
            is_first: true,
        });
        self.out.push(bracket);
    }

    fn end(&mut self, is_empty: bool) {
        let bracket = match self.open.pop().map(|open| open.rest) {
            Some(Rest::Items(_)) => b']',
            Some(Rest::Members(_)) => b'}',
            None => return,
        };
        if !is_empty {
            self.new_line();
        }
        self.out.push(bracket);
    }

    fn new_line(&mut self) {
        if self.layout == Layout::Pretty {
            self.out.push(b'\n');
            for _ in &self.open {
                self.out.extend_from_slice(INDENT);
            }
        }
    }

    fn string(&mut self, text: &str) {
        // Some of it will be escaped.
        self.out.reserve(text.len() + text.len() / 16 + 2);
        self.out.push(b'"');
        let mut rest = text.as_bytes();
        loop {
            let plain = copy_plain(rest, &mut self.out);
            let Some((special, others)) = rest.get(plain..).and_then(<[u8]>::split_first) else {
                break;
            };
            self.escape(*special);
            rest = others;
        }
        self.out.push(b'"');
    }

    /// Writes one of the bytes that do not stand in a string as they are, all of them ASCII.
    fn escape(&mut self, special: u8) {
        let letter = match special {
            b'"' | b'\\' => special,
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            other => {
                // Writing to a `Vec` does not fail.
                drop(write!(self.out, "\\u{other:04x}"));
                return;
            }
        };
        self.out.extend_from_slice(&[b'\\', letter]);
    }
}
