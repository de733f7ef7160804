use std::fmt;

/// Why a text was not accepted, and where.
///
/// It never repeats the text itself, so that its message can be shown to another party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    offset: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Something else should stand here; the text says what, for a reader.
    Expected(&'static str),
    TextAfterValue,
    ControlCharacter,
    InvalidEscape,
    LoneSurrogate,
    DuplicateName,
    NotFinite,
    TooDeep {
        limit: usize,
    },
    TooManyValues {
        limit: usize,
    },
    StringTooLong {
        limit: usize,
    },
    NumberTooLong {
        limit: usize,
    },
}

// === impl Error ===

impl Error {
    pub(crate) fn new(kind: ErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Bytes from the start of the text.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Line and column from 1, columns in characters, in the `text` that was read.
    pub fn line_column(&self, text: &str) -> (usize, usize) {
        let mut before = text.as_bytes();
        before = before.get(..self.offset).unwrap_or(before);
        let line = before.split(|&byte| byte == b'\n').count();
        let column = before
            .rsplit(|&byte| byte == b'\n')
            .next()
            .unwrap_or(before)
            .iter()
            .filter(|&&byte| !is_continuation(byte))
            .count()
            + 1;
        (line, column)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for Error {}

// === impl ErrorKind ===

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::TextAfterValue => f.write_str("expected nothing more after the value"),
            Self::ControlCharacter => {
                f.write_str("control character in a string, write it as an escape")
            }
            Self::InvalidEscape => f.write_str("invalid escape in a string"),
            Self::LoneSurrogate => f.write_str("escape of one half of a surrogate pair"),
            Self::DuplicateName => f.write_str("member name occurs twice in one object"),
            Self::NotFinite => f.write_str("number is not finite"),
            Self::TooDeep { limit } => write!(f, "nested deeper than {limit}"),
            Self::TooManyValues { limit } => write!(f, "more than {limit} values"),
            Self::StringTooLong { limit } => write!(f, "string is longer than {limit} bytes"),
            Self::NumberTooLong { limit } => write!(f, "number is longer than {limit} bytes"),
        }
    }
}

/// Whether this byte is inside a UTF-8 sequence, not its first.
fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}
