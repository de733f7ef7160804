use portcullis_json as json;

use crate::{Id, IdError, error_code, write};

/// A message that is refused before anybody looks at what it means.
///
/// The text repeats nothing that the peer wrote but a name of plain characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Malformed {
    pub kind: MalformedKind,
    /// The id of the message, if it could be read and is a valid one.
    pub id: Option<Id>,
    pub meant: Meant,
}

/// What a malformed message looks like, and so whose request its id is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant {
    /// It names a method, and answers nothing: the sender's.
    Call,
    /// It answers something, and names no method: the receiver's.
    Answer,
    Unclear,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedKind {
    #[error("message is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("message is not UTF-8")]
    NotUtf8,
    #[error("message begins with a byte order mark, send it without")]
    ByteOrderMark,
    #[error("not acceptable JSON at byte {}: {error}", error.offset())]
    Json { error: json::Error },
    #[error("message must be a JSON object")]
    NotAnObject,
    #[error("batches exist only in revision 2025-03-26, send one message at a time")]
    BatchNotAllowed,
    #[error("batch must have between 1 and {limit} messages")]
    BatchLength { limit: usize },
    #[error("`initialize` must not be part of a batch")]
    InitializeInBatch,
    #[error("`jsonrpc` must be \"2.0\"")]
    Version,
    #[error("unknown member beside `jsonrpc`, `id`, `method`, `params`, `result` and `error`")]
    UnknownMember,
    #[error("member name with a control character in `{place}`")]
    ControlCharacterInName { place: &'static str },
    #[error("member name in `{place}` looks like `{member}`, spell it exactly")]
    NameVariant {
        place: &'static str,
        member: &'static str,
    },
    #[error("`{key}` in `{place}` is a reserved name that is not known here")]
    UnknownMeta { place: &'static str, key: String },
    #[error("message must have exactly one of `method`, `result` and `error`")]
    NotOneKind,
    #[error("a response has no `params`")]
    ParamsInResponse,
    #[error("`id` {0}")]
    Id(IdError),
    #[error("`id` must not be null")]
    IdNull,
    #[error("`id` must be written as a plain integer")]
    IdSpelling,
    #[error("a response must have an `id`")]
    IdMissing,
    #[error("`method` must be a string without control characters")]
    MethodName,
    #[error("this method is a request and needs an `id`")]
    RequestWithoutId,
    #[error("this method is a notification and has no `id`")]
    NotificationWithId,
    #[error("`{member}` must be {expected}")]
    Member {
        member: &'static str,
        expected: &'static str,
    },
    #[error("`params.{member}` must be {expected}")]
    Params {
        member: &'static str,
        expected: &'static str,
    },
}

// === impl Malformed ===

impl Malformed {
    /// The JSON-RPC error code that says what is wrong.
    pub fn code(&self) -> i64 {
        self.kind.code()
    }

    /// An error response that tells the sender of a request what is wrong with it.
    pub fn response(&self) -> Vec<u8> {
        write::error_response(self.id.as_ref(), self.code(), &self.to_string(), None)
    }
}

impl From<MalformedKind> for Malformed {
    fn from(kind: MalformedKind) -> Self {
        Self {
            kind,
            id: None,
            meant: Meant::Unclear,
        }
    }
}

// === impl MalformedKind ===

impl MalformedKind {
    fn code(&self) -> i64 {
        match self {
            Self::NotUtf8 | Self::ByteOrderMark => error_code::PARSE_ERROR,
            Self::Json { error } => match error.kind() {
                json::ErrorKind::Expected(_)
                | json::ErrorKind::TextAfterValue
                | json::ErrorKind::ControlCharacter
                | json::ErrorKind::InvalidEscape
                | json::ErrorKind::LoneSurrogate
                | json::ErrorKind::NotFinite => error_code::PARSE_ERROR,
                json::ErrorKind::DuplicateName
                | json::ErrorKind::TooDeep { .. }
                | json::ErrorKind::TooManyValues { .. }
                | json::ErrorKind::StringTooLong { .. }
                | json::ErrorKind::NumberTooLong { .. } => error_code::INVALID_REQUEST,
            },
            Self::Params { .. } | Self::UnknownMeta { .. } => error_code::INVALID_PARAMS,
            Self::TooLong { .. }
            | Self::NotAnObject
            | Self::BatchNotAllowed
            | Self::BatchLength { .. }
            | Self::InitializeInBatch
            | Self::Version
            | Self::UnknownMember
            | Self::ControlCharacterInName { .. }
            | Self::NameVariant { .. }
            | Self::NotOneKind
            | Self::ParamsInResponse
            | Self::Id(_)
            | Self::IdNull
            | Self::IdSpelling
            | Self::IdMissing
            | Self::MethodName
            | Self::RequestWithoutId
            | Self::NotificationWithId
            | Self::Member { .. } => error_code::INVALID_REQUEST,
        }
    }
}

impl From<json::Error> for MalformedKind {
    fn from(error: json::Error) -> Self {
        Self::Json { error }
    }
}
