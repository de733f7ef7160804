use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use bytestring::ByteString;
use memchr::memchr2;
use portcullis_json as json;
use portcullis_json::{Shape, Spellings, Value, Written};

use crate::envelope::{self, EnvelopeLimits};
use crate::{Id, Malformed, MalformedKind, Meant, Method, Peer, Revision};

#[cfg(test)]
mod tests;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A well-formed JSON-RPC message over the bytes it came as.
#[derive(Clone)]
pub struct Message {
    /// What arrived; a message of a batch is one part of it.
    text: ByteString,
    range: Range<usize>,
    kind: MessageKind,
    body: Option<Body>,
    spellings: Spellings,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageKind {
    Request {
        id: Id,
        method: Method,
    },
    Notification {
        method: Method,
    },
    /// Without an id only if it is an error that its sender could not attribute.
    Response {
        id: Option<Id>,
        outcome: Outcome,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Result,
    Error,
}

/// What one HTTP body, stream event or line holds.
#[derive(Clone, Debug)]
pub enum Incoming {
    Single(Message),
    /// In revision 2025-03-26 only; never empty.
    Batch(Vec<Message>),
}

/// The value of `params`, `result` or `error`.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) range: Range<usize>,
    pub(crate) value: Value,
}

// === impl Message ===

impl Message {
    /// Reads exactly one message.
    pub fn parse(bytes: &[u8], limits: &EnvelopeLimits) -> Result<Self, Malformed> {
        Self::parse_shared(&Bytes::copy_from_slice(bytes), limits)
    }

    /// As [`Self::parse`], without a copy of the bytes.
    pub fn parse_shared(bytes: &Bytes, limits: &EnvelopeLimits) -> Result<Self, Malformed> {
        let text = text(bytes, limits)?;
        let scanned = scan(&text, 0..text.len(), limits)?;
        if let (Shape::Array(_), _) = scanned {
            return Err(MalformedKind::NotAnObject.into());
        }
        Self::from_scanned(&text, 0..text.len(), scanned, limits)
    }

    fn from_scanned(
        text: &ByteString,
        range: Range<usize>,
        (shape, spellings): (Shape<'_>, Spellings),
        limits: &EnvelopeLimits,
    ) -> Result<Self, Malformed> {
        let (kind, body) = envelope::read(text, shape, limits)?;
        Ok(Self {
            text: text.clone(),
            range,
            kind,
            body,
            spellings,
        })
    }

    /// The bytes as they came, but for a byte order mark.
    pub fn raw(&self) -> &[u8] {
        let bytes = self.text.as_bytes();
        bytes.get(self.range.clone()).unwrap_or_default()
    }

    /// Like [`Self::raw`], shared with the message where it came alone.
    pub fn text(&self) -> ByteString {
        if self.range == (0..self.text.len()) {
            return self.text.clone();
        }
        self.text.get(self.range.clone()).unwrap_or_default().into()
    }

    /// The bytes as they came, with blanks for line breaks: the framing of stdio.
    ///
    /// A string never holds a line break, so these are only between tokens. Without one the bytes
    /// are shared with the message.
    pub fn line(&self) -> Bytes {
        if memchr2(b'\n', b'\r', self.raw()).is_none() {
            return self.text.as_bytes().slice(self.range.clone());
        }
        let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
        self.raw()
            .iter()
            .map(|byte| if is_break(byte) { b' ' } else { *byte })
            .collect()
    }

    pub fn kind(&self) -> &MessageKind {
        &self.kind
    }

    pub fn id(&self) -> Option<&Id> {
        match &self.kind {
            MessageKind::Request { id, .. } => Some(id),
            MessageKind::Notification { .. } => None,
            MessageKind::Response { id, .. } => id.as_ref(),
        }
    }

    pub fn method(&self) -> Option<&Method> {
        match &self.kind {
            MessageKind::Request { method, .. } | MessageKind::Notification { method } => {
                Some(method)
            }
            MessageKind::Response { .. } => None,
        }
    }

    /// An object, if there are any.
    pub fn params(&self) -> Option<&Value> {
        self.method().and(self.body())
    }

    /// An object, in a response that is not an error.
    pub fn result(&self) -> Option<&Value> {
        self.outcome_body(Outcome::Result)
    }

    /// An object with an integer `code` and a string `message`, in an error response.
    pub fn error(&self) -> Option<&Value> {
        self.outcome_body(Outcome::Error)
    }

    /// Where in [`raw`](Self::raw) the value of `params`, `result` or `error` is written.
    pub fn body_range(&self) -> Option<Range<usize>> {
        let range = &self.body.as_ref()?.range;
        Some(range.start - self.range.start..range.end - self.range.start)
    }

    /// How the strings of its values are written.
    pub fn written(&self) -> Written<'_> {
        self.spellings.within(&self.text)
    }

    fn outcome_body(&self, wanted: Outcome) -> Option<&Value> {
        match &self.kind {
            MessageKind::Response { outcome, .. } if *outcome == wanted => self.body(),
            MessageKind::Response { .. }
            | MessageKind::Request { .. }
            | MessageKind::Notification { .. } => None,
        }
    }

    fn body(&self) -> Option<&Value> {
        self.body.as_ref().map(|body| &body.value)
    }
}

/// Without its content, which has no place in a log.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("kind", &self.kind)
            .field("bytes", &self.raw().len())
            .finish_non_exhaustive()
    }
}

// === impl Incoming ===

impl Incoming {
    /// Reads one message, or a batch where the revision has them.
    ///
    /// One bad message spoils its batch: the rest could have been meant to follow it.
    pub fn parse(bytes: &[u8], limits: &EnvelopeLimits) -> Result<Self, Malformed> {
        Self::parse_shared(&Bytes::copy_from_slice(bytes), limits)
    }

    /// As [`Self::parse`], without a copy of the bytes.
    pub fn parse_shared(bytes: &Bytes, limits: &EnvelopeLimits) -> Result<Self, Malformed> {
        Self::read(bytes, limits).map_err(|error| match (error.meant, limits.sender) {
            (Meant::Unclear, Peer::Server) if reads_like_an_answer(bytes) => Malformed {
                meant: Meant::Answer,
                ..error
            },
            _ => error,
        })
    }

    fn read(bytes: &Bytes, limits: &EnvelopeLimits) -> Result<Self, Malformed> {
        let text = text(bytes, limits)?;
        let scanned = scan(&text, 0..text.len(), limits)?;
        let (Shape::Array(items), _) = scanned else {
            return Message::from_scanned(&text, 0..text.len(), scanned, limits).map(Self::Single);
        };
        if !limits.revision.is_some_and(Revision::has_batches) {
            return Err(MalformedKind::BatchNotAllowed.into());
        }
        if items.is_empty() || items.len() > limits.batch_messages {
            return Err(MalformedKind::BatchLength {
                limit: limits.batch_messages,
            }
            .into());
        }
        let messages = items.into_iter().map(|range| {
            let scanned = scan(&text, range.clone(), limits)?;
            let message = Message::from_scanned(&text, range, scanned, limits)?;
            if message.method() == Some(&Method::Initialize) {
                let id = message.id().cloned();
                return Err(Malformed {
                    kind: MalformedKind::InitializeInBatch,
                    id,
                    meant: Meant::Call,
                });
            }
            Ok(message)
        });
        messages.collect::<Result<_, _>>().map(Self::Batch)
    }
}

fn scan<'t>(
    text: &'t str,
    range: Range<usize>,
    limits: &'t EnvelopeLimits,
) -> Result<(Shape<'t>, Spellings), MalformedKind> {
    Ok(json::scan_spellings(text, range, &limits.json)?)
}

/// Somebody waits for a broken answer, and nobody for a line of a log, be it written as JSON.
fn reads_like_an_answer(bytes: &[u8]) -> bool {
    let has = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
    let answers = has(b"\"result\"") || has(b"\"error\"");
    answers && has(b"\"jsonrpc\"") && !has(b"\"method\"")
}

fn text(bytes: &Bytes, limits: &EnvelopeLimits) -> Result<ByteString, MalformedKind> {
    if bytes.len() > limits.message_bytes {
        return Err(MalformedKind::TooLong {
            limit: limits.message_bytes,
        });
    }
    let text = ByteString::try_from(bytes.clone()).map_err(|_| MalformedKind::NotUtf8)?;
    match (text.strip_prefix(BYTE_ORDER_MARK), limits.sender) {
        (None, _) => Ok(text),
        // Servers in the field send one, and all clients take it.
        (Some(rest), Peer::Server) => Ok(text.slice_ref(rest)),
        (Some(_), Peer::Client) => Err(MalformedKind::ByteOrderMark),
    }
}
