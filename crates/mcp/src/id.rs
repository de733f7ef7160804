use std::fmt;
use std::sync::Arc;

use portcullis_json::{Number, Value};

/// Beyond this a double, which some peers read numbers as, no longer tells neighbours apart.
const INTEGER_MAX: i64 = (1 << 53) - 1;

/// The id of a request, or a progress token. `1` and `"1"` are two ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    Integer(i64),
    String(Arc<str>),
}

/// Why a value is not an id we can give back as we got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("must be a string or an integer")]
    Type,
    #[error("must be between -(2^53 - 1) and 2^53 - 1")]
    Range,
    #[error("must be at most {limit} bytes long")]
    TooLong { limit: usize },
    #[error("must not contain control characters")]
    ControlCharacter,
}

// === impl Id ===

impl Id {
    /// Reads an id of at most `bytes_max` bytes.
    pub fn from_value(value: &Value, bytes_max: usize) -> Result<Self, IdError> {
        match value {
            Value::Number(Number::Integer(integer)) => Self::integer(*integer),
            Value::Number(Number::BigInteger(_)) => Err(IdError::Range),
            Value::String(text) => Self::string(text, bytes_max),
            Value::Number(Number::Float(_))
            | Value::Null
            | Value::Bool(_)
            | Value::Array(_)
            | Value::Object(_) => Err(IdError::Type),
        }
    }

    fn integer(integer: i64) -> Result<Self, IdError> {
        if (-INTEGER_MAX..=INTEGER_MAX).contains(&integer) {
            Ok(Self::Integer(integer))
        } else {
            Err(IdError::Range)
        }
    }

    fn string(text: &Arc<str>, bytes_max: usize) -> Result<Self, IdError> {
        if text.len() > bytes_max {
            return Err(IdError::TooLong { limit: bytes_max });
        }
        if text.chars().any(char::is_control) {
            return Err(IdError::ControlCharacter);
        }
        Ok(Self::String(Arc::clone(text)))
    }
}

impl From<&Id> for Value {
    fn from(id: &Id) -> Self {
        match id {
            Id::Integer(integer) => (*integer).into(),
            Id::String(text) => Value::String(Arc::clone(text)),
        }
    }
}

/// As JSON, so that `1` and `"1"` differ in a log too.
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Id::Integer(integer) => integer.fmt(f),
            Id::String(text) => Value::String(Arc::clone(text)).fmt(f),
        }
    }
}
