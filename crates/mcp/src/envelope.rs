//! What makes a JSON object a JSON-RPC message. The rules are stricter than most readers', since
//! what two readers understand differently can be shown to one of them and done by the other.
mod body;
mod meta;
mod names;

use portcullis_json as json;
use portcullis_json::{Member, Shape, Value};

use crate::message::Body;
use crate::{
    Id, Malformed, MalformedKind, Meant, MessageKind, Method, MethodKind, Outcome, Peer, Revision,
};

#[cfg(test)]
mod tests;

/// How long a message may be, and what it is framed in, unless the caller says otherwise.
pub const MESSAGE_BYTES_DEFAULT: usize = 16 << 20;
const ID_BYTES: usize = 256;
const METHOD_BYTES: usize = 256;
const BATCH_MESSAGES: usize = 100;

/// Under which circumstances a message is read, and how large its parts may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeLimits {
    pub sender: Peer,
    /// As negotiated; `None` as long as it is not known, where no batch is accepted but an error
    /// without an id is.
    pub revision: Option<Revision>,
    pub json: json::Limits,
    pub message_bytes: usize,
    pub id_bytes: usize,
    pub batch_messages: usize,
    pub unknown_meta: UnknownMeta,
}

/// What becomes of a message with a name in `_meta` that the specification keeps to itself, and that
/// no revision known here has. A later one may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownMeta {
    #[default]
    Pass,
    Refuse,
}

/// The members by name.
struct Envelope<'t> {
    text: &'t str,
    limits: &'t EnvelopeLimits,
    version: Option<&'t Member<'t>>,
    id: Option<&'t Member<'t>>,
    method: Option<&'t Member<'t>>,
    params: Option<&'t Member<'t>>,
    result: Option<&'t Member<'t>>,
    error: Option<&'t Member<'t>>,
    /// The first of those that a message does not have.
    other: Option<&'t Member<'t>>,
}

enum WrittenId {
    Absent,
    Null,
    Valid(Id),
}

// === impl EnvelopeLimits ===

impl EnvelopeLimits {
    pub fn new(sender: Peer) -> Self {
        Self {
            sender,
            revision: None,
            json: json::Limits::strict(),
            message_bytes: MESSAGE_BYTES_DEFAULT,
            id_bytes: ID_BYTES,
            batch_messages: BATCH_MESSAGES,
            unknown_meta: UnknownMeta::default(),
        }
    }

    /// For messages of up to this many bytes, which may be one string.
    #[must_use]
    pub fn with_message_bytes(mut self, bytes: usize) -> Self {
        self.message_bytes = bytes;
        self.json.string_bytes = bytes;
        self
    }
}

pub(crate) fn read(
    text: &str,
    shape: Shape<'_>,
    limits: &EnvelopeLimits,
) -> Result<(MessageKind, Option<Body>), Malformed> {
    let Shape::Object(members) = shape else {
        return Err(MalformedKind::NotAnObject.into());
    };
    let envelope = Envelope::new(text, &members, limits);
    envelope.message().map_err(|kind| Malformed {
        kind,
        id: envelope.readable_id(),
        meant: envelope.meant(),
    })
}

// === impl Envelope ===

impl<'t> Envelope<'t> {
    fn new(text: &'t str, members: &'t [Member<'t>], limits: &'t EnvelopeLimits) -> Self {
        let mut envelope = Self {
            text,
            limits,
            version: None,
            id: None,
            method: None,
            params: None,
            result: None,
            error: None,
            other: None,
        };
        for member in members {
            let place = match &*member.name {
                "jsonrpc" => &mut envelope.version,
                "id" => &mut envelope.id,
                "method" => &mut envelope.method,
                "params" => &mut envelope.params,
                "result" => &mut envelope.result,
                "error" => &mut envelope.error,
                _ => &mut envelope.other,
            };
            place.get_or_insert(member);
        }
        envelope
    }

    fn message(&self) -> Result<(MessageKind, Option<Body>), MalformedKind> {
        if let Some(other) = self.other {
            names::check("the message", &other.name, names::ENVELOPE)?;
            return Err(MalformedKind::UnknownMember);
        }
        let id = self.id()?;
        if self.version.and_then(|member| member.content.as_str()) != Some("2.0") {
            return Err(MalformedKind::Version);
        }
        match (self.method, self.result, self.error) {
            (Some(method), None, None) => self.call(&method.content, id),
            (None, Some(result), None) => self.response(id, Outcome::Result, result),
            (None, None, Some(error)) => self.response(id, Outcome::Error, error),
            _ => Err(MalformedKind::NotOneKind),
        }
    }

    fn meant(&self) -> Meant {
        match (
            self.method.map(|member| &member.content),
            [self.result, self.error],
        ) {
            (Some(Value::String(_)), [None, None]) => Meant::Call,
            (None, [Some(_), None] | [None, Some(_)]) => Meant::Answer,
            _ => Meant::Unclear,
        }
    }

    fn readable_id(&self) -> Option<Id> {
        match self.id() {
            Ok(WrittenId::Valid(id)) => Some(id),
            Ok(WrittenId::Absent | WrittenId::Null) | Err(_) => None,
        }
    }

    fn id(&self) -> Result<WrittenId, MalformedKind> {
        let Some(member) = self.id else {
            return Ok(WrittenId::Absent);
        };
        if member.content.is_null() {
            return Ok(WrittenId::Null);
        }
        let id = Id::from_value(&member.content, self.limits.id_bytes);
        let id = id.map_err(MalformedKind::Id)?;
        // `-0` reads as 0: an answer could not repeat it.
        if id == Id::Integer(0) && self.text.get(member.value.clone()) != Some("0") {
            return Err(MalformedKind::IdSpelling);
        }
        Ok(WrittenId::Valid(id))
    }

    fn call(
        &self,
        method: &Value,
        id: WrittenId,
    ) -> Result<(MessageKind, Option<Body>), MalformedKind> {
        let method = match method.as_str() {
            Some(name) if name.len() <= METHOD_BYTES && !name.chars().any(char::is_control) => {
                Method::parse(name)
            }
            _ => return Err(MalformedKind::MethodName),
        };
        let body = self.params.map(body);
        let kind = match (id, method.kind()) {
            (WrittenId::Null, _) => return Err(MalformedKind::IdNull),
            (WrittenId::Absent, Some(MethodKind::Request)) => {
                return Err(MalformedKind::RequestWithoutId);
            }
            (WrittenId::Valid(_), Some(MethodKind::Notification)) => {
                return Err(MalformedKind::NotificationWithId);
            }
            (WrittenId::Absent, _) => MessageKind::Notification { method },
            (WrittenId::Valid(id), _) => MessageKind::Request { id, method },
        };
        if let Some(body) = &body {
            body::check_params(&kind, &body.value, self.limits)?;
        }
        Ok((kind, body))
    }

    fn response(
        &self,
        id: WrittenId,
        outcome: Outcome,
        member: &Member<'_>,
    ) -> Result<(MessageKind, Option<Body>), MalformedKind> {
        if self.params.is_some() {
            return Err(MalformedKind::ParamsInResponse);
        }
        let may_lack_id = outcome == Outcome::Error
            && self
                .limits
                .revision
                .is_none_or(Revision::allows_error_without_id);
        let id = match id {
            WrittenId::Valid(id) => Some(id),
            WrittenId::Absent | WrittenId::Null if may_lack_id => None,
            WrittenId::Null => return Err(MalformedKind::IdNull),
            WrittenId::Absent => return Err(MalformedKind::IdMissing),
        };
        let body = body(member);
        match outcome {
            Outcome::Result => body::check_result(&body.value, self.limits)?,
            Outcome::Error => body::check_error(&body.value)?,
        }
        Ok((MessageKind::Response { id, outcome }, Some(body)))
    }
}

fn body(member: &Member<'_>) -> Body {
    Body {
        range: member.value.clone(),
        value: member.content.clone(),
    }
}
