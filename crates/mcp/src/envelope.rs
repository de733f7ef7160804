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

/// The members by name; what is not here has been refused.
struct Envelope<'t> {
    text: &'t str,
    members: Vec<Member<'t>>,
    limits: &'t EnvelopeLimits,
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
    let envelope = Envelope {
        text,
        members,
        limits,
    };
    let id = envelope.id();
    let readable_id = match &id {
        Ok(WrittenId::Valid(id)) => Some(id.clone()),
        Ok(WrittenId::Absent | WrittenId::Null) | Err(_) => None,
    };
    let meant = envelope.meant();
    envelope.message(id).map_err(|kind| Malformed {
        kind,
        id: readable_id,
        meant,
    })
}

// === impl Envelope ===

impl Envelope<'_> {
    fn message(
        &self,
        id: Result<WrittenId, MalformedKind>,
    ) -> Result<(MessageKind, Option<Body>), MalformedKind> {
        self.check_members()?;
        let id = id?;
        if self.value("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(MalformedKind::Version);
        }
        match (
            self.value("method"),
            self.member("result"),
            self.member("error"),
        ) {
            (Some(method), None, None) => self.call(method, id),
            (None, Some(result), None) => self.response(id, Outcome::Result, result),
            (None, None, Some(error)) => self.response(id, Outcome::Error, error),
            _ => Err(MalformedKind::NotOneKind),
        }
    }

    fn meant(&self) -> Meant {
        let answers = [self.member("result"), self.member("error")];
        match (self.value("method"), answers) {
            (Some(Value::String(_)), [None, None]) => Meant::Call,
            (None, [Some(_), None] | [None, Some(_)]) => Meant::Answer,
            _ => Meant::Unclear,
        }
    }

    fn check_members(&self) -> Result<(), MalformedKind> {
        for member in &self.members {
            if !names::ENVELOPE.contains(&&*member.name) {
                names::check("the message", &member.name, names::ENVELOPE)?;
                return Err(MalformedKind::UnknownMember);
            }
        }
        Ok(())
    }

    fn id(&self) -> Result<WrittenId, MalformedKind> {
        let Some(value) = self.value("id") else {
            return Ok(WrittenId::Absent);
        };
        if value.is_null() {
            return Ok(WrittenId::Null);
        }
        let id = Id::from_value(value, self.limits.id_bytes).map_err(MalformedKind::Id)?;
        // `-0` reads as 0: an answer could not repeat it.
        if id == Id::Integer(0) && self.written("id") != Some("0") {
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
        let body = self.member("params").map(body);
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
        if self.member("params").is_some() {
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

    fn value(&self, name: &str) -> Option<&Value> {
        Some(&self.member(name)?.content)
    }

    fn written(&self, name: &str) -> Option<&str> {
        self.text.get(self.member(name)?.value.clone())
    }

    fn member(&self, name: &str) -> Option<&Member<'_>> {
        self.members.iter().find(|member| member.name == name)
    }
}

fn body(member: &Member<'_>) -> Body {
    Body {
        range: member.value.clone(),
        value: member.content.clone(),
    }
}
