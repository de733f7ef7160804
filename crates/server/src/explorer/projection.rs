use std::collections::HashSet;
use std::sync::Arc;

use portcullis_json::{self as json, Limits, Value, parse};
use portcullis_session::own_chunks;
use portcullis_trace::record::{EventRecord, GuardrailName, Sequence, Timestamp, ViolationRecord};

use super::address::{self, Address, TRACE, most_specific};
use super::annotation::ProjectedAnnotation;
use super::time::stamp;

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
    /// The ids of the annotations that were made.
    annotated: HashSet<String>,
}

/// What one recorded message adds to the trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projected {
    pub messages: Vec<Value>,
    /// They may be about messages of before.
    pub annotations: Vec<ProjectedAnnotation>,
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
        let violations = record.violations.iter();
        let placed: Vec<_> = violations
            .map(|violation| (violation, self.addresses(violation)))
            .collect();
        let shown = placed.iter().filter(|(_, addresses)| addresses.is_ok());
        let shown: HashSet<_> = shown.map(|(violation, _)| saying(violation)).collect();
        let mut annotations = Vec::new();
        for (violation, addresses) in placed {
            let addresses = match addresses {
                Ok(addresses) => addresses,
                // A server that says the same in `structuredContent` has said it once.
                Err(_) if shown.contains(&saying(violation)) => continue,
                Err(nearest) => vec![nearest],
            };
            let policy = policy_of(&violation.guardrail);
            annotations.extend(addresses.iter().map(|address| {
                let policy = policy.as_deref();
                ProjectedAnnotation::of_violation(&record.session, violation, policy, address)
            }));
        }
        annotations.extend(record.failure.as_ref().map(|failure| {
            ProjectedAnnotation::of_failure(&record.session, failure, &self.latest())
        }));
        annotations.retain(|annotation| self.annotated.insert(annotation.id.clone()));
        annotations
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

/// What a violation says, of whatever place.
fn saying(violation: &ViolationRecord) -> (&str, Option<&str>, &str, &str) {
    let GuardrailName { id, name } = &violation.guardrail;
    let action = violation.action.name();
    (&violation.message, id.as_deref(), name, action)
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

#[cfg(test)]
mod tests;
