use std::io::Write;

use portcullis_json::{Limits, Value, parse};
use portcullis_trace::record::{EventRecord, SessionId};

use crate::{EventPage, Store, StoreError};

const PAGE_EVENTS: u32 = 200;

/// Writes the trace of a session as policies see it: a JSON list of messages, one per line.
///
/// Everything that was judged is in it, blocked messages too, so that a policy can be tried on
/// what was attempted. A session of any length passes through in pages.
pub fn export_trace(
    store: &mut dyn Store,
    session: &SessionId,
    out: &mut dyn Write,
) -> Result<(), StoreError> {
    let mut page = EventPage::first(PAGE_EVENTS);
    let mut separator = "[\n";
    loop {
        let events = store.events(session, page)?;
        let Some(last) = events.last() else { break };
        page = page.after(last.sequence);
        for event in &events {
            for message in &messages(event)? {
                write!(out, "{separator}{message}").map_err(StoreError::Export)?;
                separator = ",\n";
            }
        }
    }
    let end = if separator == "[\n" { "[]\n" } else { "\n]\n" };
    out.write_all(end.as_bytes()).map_err(StoreError::Export)
}

fn messages(event: &EventRecord) -> Result<Vec<Value>, StoreError> {
    let damaged = |what: String| StoreError::Damaged {
        record: format!("session {}", event.session),
        what,
    };
    let events = parse(&event.events, &Limits::lenient())
        .map_err(|error| damaged(format!("the events of message {}: {error}", event.sequence)))?;
    match events {
        Value::Array(messages) => Ok(messages.to_vec()),
        _ => Err(damaged(format!(
            "the events of message {} are no list",
            event.sequence
        ))),
    }
}
