mod import;
mod tail;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt::Display;
use std::io::{self, Write};

use portcullis_json::{Limits, Value, parse};
use portcullis_store::{EventPage, Search, SessionFilter, Store, StoreError, export_trace};
use portcullis_trace::record::{
    Direction, EventRecord, Origin, Sequence, SessionRecord, SessionSummary, Verdict,
    ViolationRecord,
};

use super::store::{failure, object, open, open_existing, open_to_list, text_or_null, time};
use super::{Failure, Outcome, show_warning};
use crate::args::{TracesArguments, TracesCommand, TracesListArguments};
use crate::render::trace::{Events, PLACES_MAX, more_places, numbered, summary};
use crate::render::{ERROR, FAINT, GOOD, WARNING, plain, shortened};

const PAGE_EVENTS: u32 = 200;
const ID_CHARACTERS: usize = 36;
const CLIENT_CHARACTERS: usize = 40;

pub(crate) fn traces(arguments: &TracesArguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        TracesCommand::Import { file, project } => {
            return import::import(open(&arguments.store)?.as_mut(), file, project);
        }
        TracesCommand::Tail { server } => tail::tail(&arguments.store, server.clone())?,
        TracesCommand::Ls(listed) => {
            return match open_to_list(&arguments.store)? {
                Some(mut store) => list(store.as_mut(), listed),
                None => write_list(&[], listed.json),
            };
        }
        TracesCommand::Show { id } => show(open_existing(&arguments.store)?.as_mut(), id)?,
        TracesCommand::Export { id } => {
            let mut store = open_existing(&arguments.store)?;
            let summary = store.session(id).map_err(|error| failure(&error))?;
            let mut out = io::stdout().lock();
            export_trace(store.as_mut(), &summary.session.id, &mut out).map_err(export_failure)?;
        }
    }
    Ok(Outcome::Ok)
}

fn list(store: &mut dyn Store, arguments: &TracesListArguments) -> Result<Outcome, Failure> {
    let filter = SessionFilter {
        server: arguments.server.clone(),
        project: arguments.project.clone(),
        with_violations_only: arguments.violations,
        search: Search {
            words: arguments.search.iter().cloned().collect(),
            ..Search::default()
        },
        // One more says whether there are more.
        ..SessionFilter::newest(arguments.limit.saturating_add(1))
    };
    let mut sessions = first_sessions(store, &filter)?;
    if let (true, Some(name)) = (sessions.is_empty(), &arguments.project) {
        let known = store.project_named(name).map_err(|error| failure(&error))?;
        if known.is_none() {
            show_warning(&format!("there is no project `{name}`"));
        }
    }
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    let are_more = sessions.len() > limit;
    sessions.truncate(limit);
    let outcome = write_list(&sessions, arguments.json)?;
    if are_more {
        let mut err = anstream::stderr().lock();
        writeln!(err, "there are more than these {limit}: --limit shows them")?;
    }
    Ok(outcome)
}

/// Page by page, since a store lists so many at a time.
fn first_sessions(
    store: &mut dyn Store,
    filter: &SessionFilter,
) -> Result<Vec<SessionSummary>, Failure> {
    let mut sessions: Vec<SessionSummary> = Vec::new();
    let mut ids = HashSet::new();
    let mut offset = 0;
    while offset < filter.limit {
        let page = SessionFilter {
            limit: SessionFilter::LIMIT_MAX.min(filter.limit - offset),
            offset,
            ..filter.clone()
        };
        let page = store.sessions(&page).map_err(|error| failure(&error))?;
        if page.is_empty() {
            break;
        }
        // One that began meanwhile has moved the others on.
        let new = page
            .into_iter()
            .filter(|summary| ids.insert(summary.session.id.clone()));
        sessions.extend(new);
        offset = offset.saturating_add(SessionFilter::LIMIT_MAX);
    }
    Ok(sessions)
}

fn write_list(sessions: &[SessionSummary], json: bool) -> Result<Outcome, Failure> {
    let mut out = anstream::stdout().lock();
    if json {
        let all: Vec<Value> = sessions.iter().map(as_json).collect();
        writeln!(out, "{}", Value::from(all))?;
        return Ok(Outcome::Ok);
    }
    let header = format!(
        "{:ID_CHARACTERS$}  {:20}  {:>8}  {:>10}  {:16}  {:20}  client",
        "id", "started", "messages", "violations", "project", "server"
    );
    writeln!(out, "{}", FAINT.paint(header))?;
    for summary in sessions {
        let session = &summary.session;
        let client = session.client.as_ref().map_or("", |client| &client.name);
        writeln!(
            out,
            "{}  {}  {:>8}  {:>10}  {:16}  {:20}  {}",
            session.id,
            time(session.started_at),
            summary.events,
            summary.violations,
            plain(session.project.as_deref().unwrap_or_default()),
            plain(&session.server),
            shortened(client, CLIENT_CHARACTERS),
        )?;
    }
    Ok(Outcome::Ok)
}

fn as_json(summary: &SessionSummary) -> Value {
    let session = &summary.session;
    let client = session.client.as_ref().map(|client| client.name.as_str());
    let count = |number: u64| Value::from(number.cast_signed());
    object([
        ("id", session.id.as_str().into()),
        ("project", text_or_null(session.project.as_deref())),
        ("index", session.index.map_or(Value::Null, count)),
        ("name", text_or_null(session.name.as_deref())),
        ("server", session.server.as_str().into()),
        ("client", text_or_null(client)),
        ("origin", session.origin.name().into()),
        ("started_at", time(session.started_at).into()),
        (
            "ended_at",
            text_or_null(summary.ended_at.map(time).as_deref()),
        ),
        ("messages", count(summary.events)),
        ("lost", count(summary.events_lost)),
        ("violations", count(summary.violations)),
        ("metadata", session.metadata.clone().into()),
    ])
}

fn show(store: &mut dyn Store, id: &str) -> Result<(), Failure> {
    let summary = store.session(id).map_err(|error| failure(&error))?;
    let mut out = anstream::stdout().lock();
    write_header(&mut out, &summary)?;
    write_events(&mut out, store, &summary.session, |_| true)
}

/// Writes those messages of a session that are `wanted`.
pub(super) fn write_events(
    out: &mut impl Write,
    store: &mut dyn Store,
    session: &SessionRecord,
    wanted: impl Fn(&EventRecord) -> bool,
) -> Result<(), Failure> {
    let mut page = EventPage::first(PAGE_EVENTS);
    let (mut seen, nothing) = (Events::default(), Events::default());
    // Findings count what was lost too: behind a gap nobody knows what they are about.
    let mut expected = Sequence::FIRST;
    let mut is_whole = true;
    loop {
        let events = store
            .events(&session.id, page)
            .map_err(|error| failure(&error))?;
        let Some(last) = events.last() else {
            return Ok(());
        };
        page = page.after(last.sequence);
        for event in &events {
            let messages = messages(event);
            let first = seen.count();
            for message in &messages {
                seen.push(message);
            }
            is_whole &= event.sequence == expected;
            expected = event.sequence.next();
            if wanted(event) {
                let (name, seen) = if is_whole {
                    (numbered(&(first..seen.count())), &seen)
                } else {
                    (String::new(), &nothing)
                };
                write_event(out, session.origin, event, (&name, &messages), seen)?;
            }
        }
    }
}

fn write_header(out: &mut impl Write, summary: &SessionSummary) -> io::Result<()> {
    let session = &summary.session;
    writeln!(out, "session {}", session.id)?;
    let is_live = session.origin == Origin::Live;
    if is_live {
        writeln!(out, "  server    {}", plain(&session.server))?;
    }
    if let Some(client) = &session.client {
        let version = client.version.as_deref().unwrap_or_default();
        writeln!(
            out,
            "  client    {} {}",
            plain(&client.name),
            plain(version)
        )?;
    }
    if let Some(project) = &session.project {
        writeln!(out, "  project   {}", plain(project))?;
    }
    if is_live {
        let ended = summary.ended_at.map(time);
        let ended = ended.as_deref();
        let ended = ended.unwrap_or("not yet, or the gateway was killed");
        writeln!(out, "  started   {}", time(session.started_at))?;
        writeln!(out, "  ended     {ended}")?;
    } else {
        // It never passed a gateway.
        writeln!(out, "  pushed    {}", time(session.started_at))?;
    }
    let note = if summary.events_lost == 0 {
        "(numbered as recorded; findings count as `messages.N` does)"
    } else {
        "(numbered as recorded; findings count what was lost too)"
    };
    writeln!(out, "  messages  {} {}", summary.events, FAINT.paint(note))?;
    if summary.events_lost > 0 {
        let lost = format!("{} (their recording did not keep up)", summary.events_lost);
        writeln!(out, "  {}      {lost}", WARNING.paint("lost"))?;
    }
    writeln!(out)
}

fn write_event(
    out: &mut impl Write,
    origin: Origin,
    event: &EventRecord,
    (name, messages): (&str, &[Value]),
    seen: &Events,
) -> io::Result<()> {
    let sequence = event.sequence.value();
    let name = match name {
        "" => String::new(),
        name => format!("  {}", FAINT.paint(name)),
    };
    match origin {
        Origin::Live => writeln!(
            out,
            "{sequence:>5}  {}  {:<32}  {}{name}",
            arrow(event.direction),
            plain(event.method.as_deref().unwrap_or("?")),
            verdict(event.verdict)
        )?,
        Origin::Pushed => {
            let role = messages
                .iter()
                .find_map(|message| message.get("role")?.as_str());
            writeln!(
                out,
                "{sequence:>5}  {}{name}",
                plain(role.unwrap_or_default())
            )?;
        }
    }
    for line in messages.iter().flat_map(summary) {
        writeln!(out, "       {}", FAINT.paint(line))?;
    }
    for violation in &event.violations {
        write_violation(out, violation, seen)?;
    }
    if let Some(failure) = &event.failure {
        writeln!(
            out,
            "       {}: {}",
            ERROR.paint("not evaluated"),
            plain(failure)
        )?;
    }
    Ok(())
}

fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::ToServer => "client → server",
        Direction::ToClient => "server → client",
    }
}

fn write_violation(
    out: &mut impl Write,
    violation: &ViolationRecord,
    seen: &Events,
) -> io::Result<()> {
    writeln!(
        out,
        "       {} by guardrail `{}`: {}",
        ERROR.paint(violation.action),
        plain(&violation.guardrail.name),
        plain(&violation.message)
    )?;
    let places: Vec<&String> = narrowest(&violation.ranges).collect();
    for range in places.iter().take(PLACES_MAX) {
        for line in seen.show_address(range).lines() {
            writeln!(out, "       {line}")?;
        }
    }
    match more_places(places.len()) {
        Some(more) => writeln!(out, "       {more}"),
        None => Ok(()),
    }
}

/// The addresses of which no part has an address of its own; the others show nothing more. They
/// are in the order of the trace, so that a part follows its whole.
fn narrowest(addresses: &[String]) -> impl Iterator<Item = &String> {
    let is_within = |part: &String, whole: &String| {
        let rest = part.strip_prefix(whole.as_str());
        rest.is_some_and(|rest| rest.starts_with(['.', ':']))
    };
    let next = addresses.iter().skip(1).map(Some).chain([None]);
    let pairs = addresses.iter().zip(next);
    let narrow =
        pairs.filter(move |(whole, next)| !next.is_some_and(|part| is_within(part, whole)));
    narrow.map(|(address, _)| address)
}

fn verdict(verdict: Verdict) -> impl Display {
    let paint = match verdict {
        Verdict::Allow => GOOD,
        Verdict::Redact | Verdict::Ask => WARNING,
        Verdict::Block => ERROR,
    };
    paint.paint(verdict)
}

fn messages(event: &EventRecord) -> Vec<Value> {
    match parse(&event.events, &Limits::lenient()) {
        Ok(Value::Array(messages)) => messages.to_vec(),
        Ok(_) | Err(_) => Vec::new(),
    }
}

fn export_failure(error: StoreError) -> Failure {
    match error {
        StoreError::Export(error) => error.into(),
        error => failure(&error),
    }
}
