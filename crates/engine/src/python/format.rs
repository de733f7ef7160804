//! `str.format` and `%` formatting.
//!
//! Fields name whole arguments only: attribute and index access, which in Python reaches into any
//! object, is refused.

mod decimal;
mod printf;
mod render;
mod spec;
mod template;

pub(crate) use printf::{PrintfArguments, printf};
pub(crate) use template::format;

use super::number::{Integer, NumberError};

/// Largest width and precision of a field.
pub(crate) const FIELD_WIDTH_MAX: usize = 10_000;

/// Longest text one call may produce, in bytes.
pub(crate) const OUTPUT_BYTES_MAX: usize = 16 << 20;

/// A value to be formatted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument {
    None,
    Bool(bool),
    Integer(Integer),
    Float(f64),
    Text(String),
    /// Everything that is formatted by its text alone, with its `repr` and its `str`.
    Other {
        repr: String,
        text: String,
    },
}

/// Why a text cannot be formatted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormatError {
    /// The template itself is malformed.
    #[error("format text: {0}")]
    Template(&'static str),
    #[error("format text: there is no argument `{0}`")]
    MissingArgument(String),
    #[error("format text: not enough arguments")]
    TooFewArguments,
    #[error("format text: not all arguments are used")]
    TooManyArguments,
    #[error("format text: `{0}` reaches into an argument; pass the wanted value itself")]
    FieldAccess(String),
    #[error("format specifier `{spec}`: {problem}")]
    Spec { spec: String, problem: &'static str },
    #[error("format specifier `%{kind}` does not take a value of kind {value}")]
    WrongKind { kind: char, value: &'static str },
    #[error("format specifier: width and precision are {FIELD_WIDTH_MAX} at most")]
    TooWide,
    #[error("formatted text is longer than {OUTPUT_BYTES_MAX} bytes")]
    TooLong,
    #[error(transparent)]
    Number(#[from] NumberError),
}

/// The text produced so far, never longer than [`OUTPUT_BYTES_MAX`].
#[derive(Debug, Default)]
struct Output(String);

// === impl Argument ===

impl Argument {
    /// `str(value)`.
    fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Other { text, .. } => text.clone(),
            Self::None | Self::Bool(_) | Self::Integer(_) | Self::Float(_) => self.repr(),
        }
    }

    /// `repr(value)`.
    fn repr(&self) -> String {
        match self {
            Self::None => String::from("None"),
            Self::Bool(true) => String::from("True"),
            Self::Bool(false) => String::from("False"),
            Self::Integer(integer) => integer.to_string(),
            Self::Float(float) => super::number::float_repr(*float),
            Self::Text(text) => super::text::repr_str(text),
            Self::Other { repr, .. } => repr.clone(),
        }
    }

    /// `ascii(value)`.
    fn ascii(&self) -> String {
        match self {
            Self::Text(text) => super::text::ascii_str(text),
            Self::Other { repr, .. } => super::text::ascii_repr(repr),
            Self::None | Self::Bool(_) | Self::Integer(_) | Self::Float(_) => self.repr(),
        }
    }

    /// The value as an integer, if it is one; booleans are.
    fn integer(&self) -> Option<Integer> {
        match self {
            Self::Integer(integer) => Some(integer.clone()),
            Self::Bool(bool) => Some(Integer::from(i64::from(*bool))),
            Self::None | Self::Float(_) | Self::Text(_) | Self::Other { .. } => None,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Float(_) => "float",
            Self::Text(_) => "text",
            Self::Other { .. } => "object",
        }
    }
}

// === impl Output ===

impl Output {
    fn push_str(&mut self, text: &str) -> Result<(), FormatError> {
        if text.len() > OUTPUT_BYTES_MAX - self.0.len() {
            return Err(FormatError::TooLong);
        }
        self.0.push_str(text);
        Ok(())
    }

    fn push(&mut self, c: char) -> Result<(), FormatError> {
        self.push_str(c.encode_utf8(&mut [0; char::MAX_LEN_UTF8]))
    }
}

/// A width or precision written as `digits`.
fn field_width(digits: &str) -> Result<usize, FormatError> {
    let width = digits
        .parse()
        .ok()
        .filter(|width| *width <= FIELD_WIDTH_MAX);
    width.ok_or(FormatError::TooWide)
}

#[cfg(test)]
mod tests;
