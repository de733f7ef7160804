//! Messages as they are recorded.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::thread::sleep;
use std::time::Duration;

use portcullis_store::{EventPage, Location, SessionFilter, Store};
use portcullis_trace::record::{Sequence, SessionId, SessionSummary};

use super::{PAGE_EVENTS, messages, write_event};
use crate::args::StoreArguments;
use crate::command::Failure;
use crate::command::store::{AnyStore, failure, location, open_if_there};
use crate::render::trace::Events;
use crate::render::{FAINT, plain};

/// Between two looks.
const REST: Duration = Duration::from_millis(300);
/// LIMIT: sessions that are watched, the newest ones.
const SESSIONS_MAX: u32 = 200;

/// Shows what comes after now, until the process is interrupted or nobody reads any more.
pub(super) fn tail(arguments: &StoreArguments, server: Option<String>) -> Result<(), Failure> {
    let place = location(arguments)?;
    let filter = SessionFilter {
        server,
        ..SessionFilter::newest(SESSIONS_MAX)
    };
    let (mut store, mut seen) = match open_if_there(&place)? {
        Some(mut store) => {
            let seen = last_places(&sessions(store.as_mut(), &filter)?);
            (store, seen)
        }
        // All that is recorded is new then.
        None => (first(&place)?, BTreeMap::new()),
    };
    let store = store.as_mut();
    loop {
        let found = sessions(store, &filter)?;
        for summary in found.iter().rev() {
            let id = &summary.session.id;
            let after = seen.get(id).copied().flatten();
            if last_place(summary) > after {
                show(store, summary, after)?;
            }
        }
        seen = last_places(&found);
        sleep(REST);
    }
}

/// The store, as soon as somebody records into it.
fn first(place: &Location) -> Result<AnyStore, Failure> {
    if io::stderr().is_terminal() {
        // There is no other place to say it.
        let place = plain(&place.to_string());
        let told = format!("there is no store at `{place}` yet: waiting for the first session …");
        writeln!(anstream::stderr().lock(), "{told}").ok();
    }
    loop {
        sleep(REST);
        if let Some(store) = open_if_there(place)? {
            return Ok(store);
        }
    }
}

fn sessions(store: &mut dyn Store, filter: &SessionFilter) -> Result<Vec<SessionSummary>, Failure> {
    store.sessions(filter).map_err(|error| failure(&error))
}

fn last_places(sessions: &[SessionSummary]) -> BTreeMap<SessionId, Option<Sequence>> {
    let sessions = sessions.iter();
    sessions
        .map(|summary| (summary.session.id.clone(), last_place(summary)))
        .collect()
}

fn last_place(summary: &SessionSummary) -> Option<Sequence> {
    Sequence::new(summary.events + summary.events_lost)
}

/// Shows the messages up to the last that the summary knows; the next look starts there.
fn show(
    store: &mut dyn Store,
    summary: &SessionSummary,
    after: Option<Sequence>,
) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let session = &summary.session;
    let title = format!("{}  {}", session.id, plain(&session.server));
    writeln!(out, "{}", FAINT.paint(title))?;
    let mut page = EventPage {
        after,
        limit: PAGE_EVENTS,
    };
    loop {
        let events = store.events(&session.id, page);
        let events = events.map_err(|error| failure(&error))?;
        let Some(last) = events.last() else { break };
        page = page.after(last.sequence);
        for event in &events {
            if Some(event.sequence) > last_place(summary) {
                return Ok(out.flush()?);
            }
            let messages = messages(event);
            // What was said before is not read again, so that places in it are not underlined, and
            // numbers are not known.
            let seen = Events::default();
            write_event(&mut out, session.origin, event, ("", &messages), &seen)?;
        }
    }
    Ok(out.flush()?)
}
