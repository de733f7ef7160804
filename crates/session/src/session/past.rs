//! What was recorded of a session, told to it again.

use std::sync::Arc;

use portcullis_json::{Limits, Value, parse};
use portcullis_mcp::{EnvelopeLimits, Message, Peer};
use portcullis_trace::Event;
use portcullis_trace::record::{Direction, EventRecord, Verdict};
use portcullis_trace::wire;

use super::belonging::{given_task, task};
use super::listing::tool_names;
use super::{Handshake, Session};
use crate::exchange::CallId;
use crate::inquiry::Rehearsal;

/// A message of before, as the guardrails saw it.
#[derive(Clone, Debug)]
pub struct PastMessage {
    pub events: Vec<Event>,
    /// What was blocked did not happen, but it keeps its place.
    pub has_happened: bool,
}

// === impl PastMessage ===

impl PastMessage {
    /// What was judged of a message: of a listing that was shortened, the whole and what was left.
    pub fn of(record: &EventRecord) -> Vec<Self> {
        let elements = elements(record);
        let message = |elements: &[Value], has_happened| Self {
            // They were events when they were judged.
            events: elements
                .iter()
                .flat_map(|element| wire::events(element).unwrap_or_default())
                .collect(),
            has_happened,
        };
        match record.verdict {
            Verdict::Allow => vec![message(&elements, true)],
            Verdict::Block | Verdict::Ask => vec![message(&elements, false)],
            Verdict::Redact => {
                let (whole, shorter) = halves(&elements);
                vec![message(whole, false), message(shorter, true)]
            }
        }
    }
}

// === impl Session ===

impl Session {
    /// Goes on where a session stood when these messages were the last that were recorded of it.
    /// Its guardrails have been shown what they saw then. Requests that were open are not any more.
    pub fn resume(&mut self, log: &[EventRecord], rehearsal: Rehearsal) {
        self.replace_guardrails(rehearsal);
        for record in log {
            self.resume_message(record);
        }
        if let Some(last) = log.last() {
            self.next_sequence = last.sequence.next();
            self.last_time = last.recorded_at;
        }
    }

    fn resume_message(&mut self, record: &EventRecord) {
        let was_passed = matches!(record.verdict, Verdict::Allow | Verdict::Redact);
        if !was_passed {
            return;
        }
        self.forget_renamed_calls(record);
        match (record.direction, record.method.as_deref()) {
            (Direction::ToClient, Some("initialize")) => self.resume_revision(record),
            (Direction::ToServer, Some("notifications/initialized")) => {
                self.handshake = Handshake::Done;
            }
            (Direction::ToClient, Some("tools/list")) => self.resume_listing(record),
            (Direction::ToClient, Some("tools/call")) => self.resume_task(record),
            _ => {}
        }
    }

    fn resume_revision(&mut self, record: &EventRecord) {
        if let Some(message) = answer(record)
            && let Some(result) = message.result()
        {
            self.handshake = Handshake::Begun;
            self.note_revision(result);
        }
    }

    fn resume_task(&mut self, record: &EventRecord) {
        let Some(message) = answer(record) else {
            return;
        };
        let given = message.result().and_then(given_task).and_then(task);
        let elements = elements(record);
        let mut outputs = elements.iter().filter_map(|it| it.get("tool_call_id"));
        if let (Some(task), Some(call)) = (given, outputs.next().and_then(Value::as_str)) {
            self.task_calls.note(task, CallId::recorded(call));
        }
    }

    fn forget_renamed_calls(&mut self, record: &EventRecord) {
        if self.task_calls.is_empty() {
            return;
        }
        for element in elements(record) {
            let calls = element.get("tool_calls").and_then(Value::as_array);
            let names = calls
                .unwrap_or_default()
                .iter()
                .filter_map(|it| it.get("id"));
            for name in names.filter_map(Value::as_str) {
                self.task_calls.forget(&CallId::recorded(name));
            }
        }
    }

    fn resume_listing(&mut self, record: &EventRecord) {
        let elements = elements(record);
        let shown = match record.verdict {
            Verdict::Redact => {
                let (whole, shorter) = halves(&elements);
                self.withheld_tools.extend(listed(whole));
                shorter
            }
            _ => &elements,
        };
        for listing in shown {
            self.readmit_tools(listing);
        }
    }
}

fn answer(record: &EventRecord) -> Option<Message> {
    let text = record.message.as_deref()?;
    Message::parse(text.as_bytes(), &EnvelopeLimits::new(Peer::Server)).ok()
}

fn elements(record: &EventRecord) -> Vec<Value> {
    let elements = parse(&record.events, &Limits::lenient()).unwrap_or(Value::Null);
    elements.as_array().unwrap_or_default().to_vec()
}

/// The record of a shortened listing has both listings, each behind the output that it is. What is
/// said of the tools besides need not be in both.
fn halves(elements: &[Value]) -> (&[Value], &[Value]) {
    let is_listing = |element: &Value| element.get("tools").is_some();
    let mut listings = elements
        .iter()
        .enumerate()
        .filter(|(_, one)| is_listing(one));
    let second = listings.nth(1);
    elements.split_at(second.map_or(elements.len(), |(place, _)| place.saturating_sub(1)))
}

fn listed(elements: &[Value]) -> impl Iterator<Item = Arc<str>> {
    elements.iter().flat_map(tool_names)
}
