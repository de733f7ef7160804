use std::collections::HashSet;
use std::sync::Arc;

use portcullis_json::{self as json, Limits, Object, Value, parse};
use portcullis_session::own_chunks;
use portcullis_trace::record::{EventRecord, GuardrailName, Sequence, Timestamp, ViolationRecord};
use uuid::Builder;

use super::address::{self, Address, TRACE, most_specific};
use super::time::stamp;
use crate::digest::digest;

/// What the annotations of guardrails name as their source.
const SOURCE: &str = "guardrails-error";

/// Turns the recorded messages of one session into messages and annotations of a trace, one after
/// the other.
#[derive(Debug)]
pub struct Projection {
    /// Where the events went that policies counted, by their index.
    places: Vec<Place>,
    messages: usize,
    next: Sequence,
    /// No recording was lost so far. After a loss nobody knows which event has which index.
    is_whole: bool,
    /// Digests of the annotations that were made.
    annotated: HashSet<[u8; 32]>,
}

/// What one recorded message adds to the trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projected {
    pub messages: Vec<Value>,
    /// They may be about messages of before.
    pub annotations: Vec<ProjectedAnnotation>,
}

/// A violation at one place of the trace.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectedAnnotation {
    /// A UUID that is the same whenever the session is projected.
    pub id: String,
    pub content: String,
    pub address: String,
    pub extra_metadata: Object,
}

/// The record of a message does not hold what policies saw.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    #[error("the events of message {0} are not JSON")]
    Json(Sequence, #[source] json::Error),
    #[error("the events of message {0} are no list")]
    NoList(Sequence),
}

/// Where an event went.
#[derive(Clone, Copy, Debug)]
enum Place {
    Message {
        index: usize,
        /// How many chunks of its content are shown; `None` for all of them.
        chunks: Option<usize>,
    },
    /// It is not shown; so many messages came before it.
    LeftOut { after: usize },
}

// === impl Projection ===

impl Projection {
    pub fn new() -> Self {
        Self {
            places: Vec::new(),
            messages: 0,
            next: Sequence::FIRST,
            is_whole: true,
            annotated: HashSet::new(),
        }
    }

    /// Takes the next record of the session. `policy_of` knows the texts of guardrails.
    pub fn push(
        &mut self,
        record: &EventRecord,
        policy_of: &dyn Fn(&GuardrailName) -> Option<Arc<str>>,
    ) -> Result<Projected, ProjectionError> {
        self.is_whole &= record.sequence == self.next;
        self.next = record.sequence.next();
        let elements = elements(record).inspect_err(|_| self.is_whole = false)?;
        let messages = self.messages(record, &elements);
        let annotations = self.annotations(record, policy_of);
        Ok(Projected {
            messages,
            annotations,
        })
    }

    fn messages(&mut self, record: &EventRecord, elements: &[Value]) -> Vec<Value> {
        let is_handshake = is_handshake(record);
        let chunks = shown_chunks(record);
        let mut messages = Vec::new();
        for element in elements {
            if element.get("role").is_none() || is_handshake {
                let left_out = Place::LeftOut {
                    after: self.messages,
                };
                let count = element.get("tools").and_then(Value::as_array);
                let count = count.map_or(1, <[Value]>::len);
                self.places.extend(vec![left_out; count]);
                continue;
            }
            messages.push(shown(element, chunks, record.recorded_at));
            self.places.push(Place::Message {
                index: self.messages,
                chunks,
            });
            self.messages += 1;
        }
        messages
    }

    fn annotations(
        &mut self,
        record: &EventRecord,
        policy_of: &dyn Fn(&GuardrailName) -> Option<Arc<str>>,
    ) -> Vec<ProjectedAnnotation> {
        let mut annotations = Vec::new();
        let mut unplaced = Vec::new();
        for violation in &record.violations {
            let policy = policy_of(&violation.guardrail);
            let metadata = violation_metadata(violation, policy.as_deref());
            match self.addresses(violation) {
                Ok(addresses) => {
                    for address in addresses {
                        let content = &violation.message;
                        annotations.extend(self.annotate(record, content, &address, &metadata));
                    }
                }
                Err(nearest) => unplaced.push((violation, metadata, nearest)),
            }
        }
        for (violation, metadata, nearest) in unplaced {
            let says_it = |placed: &ViolationRecord| {
                is_same(placed, violation) && self.addresses(placed).is_ok()
            };
            // A server that says the same in `structuredContent` has said it once.
            if !record.violations.iter().any(says_it) {
                annotations.extend(self.annotate(record, &violation.message, &nearest, &metadata));
            }
        }
        if let Some(failure) = &record.failure {
            let metadata = Object::from_iter([(Arc::from("source"), SOURCE.into())]);
            annotations.extend(self.annotate(record, failure, &self.latest(), &metadata));
        }
        annotations
    }

    /// Nothing if the same was said about the same place before.
    fn annotate(
        &mut self,
        record: &EventRecord,
        content: &str,
        address: &str,
        extra_metadata: &Object,
    ) -> Option<ProjectedAnnotation> {
        let who = extra_metadata.get("guardrail");
        let member = |name| who.and_then(|who| who.get(name)).map(ToString::to_string);
        let [id, name, action] = ["id", "name", "action"].map(|m| member(m).unwrap_or_default());
        let said = [content, address, &id, &name, &action].map(str::as_bytes);
        let said = digest(&said);
        if !self.annotated.insert(said) {
            return None;
        }
        let session = record.session.as_str();
        Some(ProjectedAnnotation {
            id: uuid(digest(&[session.as_bytes(), &said])),
            content: content.to_owned(),
            address: address.to_owned(),
            extra_metadata: extra_metadata.clone(),
        })
    }

    /// Where the violation is in what is shown, or what is nearest to it.
    fn addresses(&self, violation: &ViolationRecord) -> Result<Vec<String>, String> {
        let (mut shown, mut nearest) = (Vec::new(), None);
        for range in most_specific(&violation.ranges) {
            match self.place(range) {
                Some(Ok(address)) => shown.push(address),
                Some(Err(near)) => nearest = nearest.or(Some(near)),
                None => {}
            }
        }
        if shown.is_empty() {
            return Err(nearest.unwrap_or_else(|| self.latest()));
        }
        Ok(shown)
    }

    /// The address in what is shown, or the nearest one if the place is left out; `None` if nobody
    /// knows.
    fn place(&self, range: &str) -> Option<Result<String, String>> {
        let address = Address::parse(range).filter(|_| self.is_whole)?;
        Some(match *self.places.get(address.element)? {
            Place::Message { index, chunks } => {
                let is_shown = match (address.chunk(), chunks) {
                    (Some(chunk), Some(chunks)) => chunk < chunks,
                    _ => true,
                };
                let message = address::message(index);
                if is_shown {
                    Ok(message + address.place)
                } else {
                    Err(message)
                }
            }
            Place::LeftOut { after } => Err(self.nearest(after)),
        })
    }

    fn nearest(&self, after: usize) -> String {
        match after.checked_sub(1) {
            Some(before) => address::message(before),
            None if self.messages > 0 => address::message(0),
            None => TRACE.to_owned(),
        }
    }

    fn latest(&self) -> String {
        self.nearest(self.messages)
    }
}

impl Default for Projection {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether the two say the same, perhaps of different places.
fn is_same(one: &ViolationRecord, other: &ViolationRecord) -> bool {
    let says = |of: &ViolationRecord| (of.message.clone(), of.guardrail.clone(), of.action);
    says(one) == says(other)
}

fn elements(record: &EventRecord) -> Result<Arc<[Value]>, ProjectionError> {
    match parse(&record.events, &Limits::lenient()) {
        Ok(Value::Array(elements)) => Ok(elements),
        Ok(_) => Err(ProjectionError::NoList(record.sequence)),
        Err(error) => Err(ProjectionError::Json(record.sequence, error)),
    }
}

fn is_handshake(record: &EventRecord) -> bool {
    const HANDSHAKE: [&str; 3] = ["initialize", "notifications/initialized", "server/discover"];
    let method = record.method.as_deref();
    method.is_some_and(|method| HANDSHAKE.contains(&method))
}

/// How many chunks the answer of a tool has itself; the others stand for what else the answer
/// holds. `None` where the message is no such answer, or was not kept.
fn shown_chunks(record: &EventRecord) -> Option<usize> {
    let method = record.method.as_deref()?;
    if !matches!(method, "tools/call" | "tasks/result") {
        return None;
    }
    let message = parse(record.message.as_deref()?, &Limits::lenient()).ok()?;
    message.get("result").map(own_chunks)
}

/// The element with as many chunks, stamped as the reference stamps messages: it orders them by
/// comparing the texts.
fn shown(element: &Value, chunks: Option<usize>, recorded_at: Timestamp) -> Value {
    let mut message = element.as_object().cloned().unwrap_or_default();
    if let (Some(Value::Array(content)), Some(chunks)) = (message.get("content"), chunks) {
        let content: Vec<Value> = content.iter().take(chunks).cloned().collect();
        message.insert("content", content);
    }
    message.insert("timestamp", stamp(recorded_at));
    message.into()
}

fn violation_metadata(violation: &ViolationRecord, policy: Option<&str>) -> Object {
    let text = |text: &str| Value::from(text);
    let id = violation.guardrail.id.as_deref();
    let guardrail = Object::from_iter([
        (Arc::from("id"), id.map_or(Value::Null, text)),
        (Arc::from("name"), text(&violation.guardrail.name)),
        (Arc::from("content"), policy.map_or(Value::Null, text)),
        (Arc::from("action"), text(violation.action.name())),
    ]);
    Object::from_iter([
        (Arc::from("source"), text(SOURCE)),
        (Arc::from("guardrail"), guardrail.into()),
    ])
}

/// RFC 9562, section 5.8: version 8 is for ids of one's own making.
fn uuid(digest: [u8; 32]) -> String {
    let mut bytes = [0; 16];
    for (byte, from) in bytes.iter_mut().zip(digest) {
        *byte = from;
    }
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests;
