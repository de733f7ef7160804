//! Traces from a file of the Invariant Explorer.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;

use portcullis_json::{Limits, Value, parse};
use portcullis_store::{
    Annotation, ImportedTrace, Importer, ProjectChange, Push, PushedMessage, Store,
};
use portcullis_trace::record::{Origin, SessionId, SessionRecord, Timestamp};
use uuid::Uuid;

use crate::command::guardrails::project;
use crate::command::store::{failure, now};
use crate::command::{Failure, Outcome};

/// LIMIT: one trace may be this long.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// A person who looks on hears of every so many traces.
const PROGRESS_TRACES: u64 = 100;

pub(super) fn import(
    store: &mut dyn Store,
    path: &Path,
    project_name: &str,
) -> Result<Outcome, Failure> {
    let file = File::open(path)
        .map_err(|error| Failure::of(&error).hint(format!("`{}` is read", path.display())))?;
    let mut lines = BufReader::new(file);
    let id = project(store, project_name)?;
    let mut importer = Importer::default();
    let mut traces = 0;
    for number in 1_u64.. {
        let Some(line) = read_line(&mut lines, number)? else {
            break;
        };
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |what: String| Failure::usage(format!("line {number}: {what}"));
        let value = parse(&line, &Limits::lenient()).map_err(|error| wrong(error.to_string()))?;
        let Some(trace) = importer
            .trace(&value)
            .map_err(|error| wrong(error.to_string()))?
        else {
            continue;
        };
        keep(store, project_name, trace)
            .map_err(|error| error.hint(format!("in line {number}")))?;
        traces += 1;
        progress(traces);
    }
    if let Some(metadata) = importer.metadata() {
        let change = ProjectChange {
            is_public: None,
            metadata: Some(metadata.clone()),
        };
        let updated = store.update_project(&id, &change);
        updated.map_err(|error| failure(&error))?;
    }
    writeln!(anstream::stdout().lock(), "{traces} traces")?;
    Ok(Outcome::Ok)
}

fn read_line(lines: &mut impl BufRead, number: u64) -> Result<Option<String>, Failure> {
    let mut line = String::new();
    let read = lines.take(LINE_BYTES_MAX + 1).read_line(&mut line);
    match read.map_err(|error| Failure::of(&error).hint(format!("in line {number}")))? as u64 {
        0 => Ok(None),
        bytes if bytes > LINE_BYTES_MAX => Err(Failure::usage(format!(
            "line {number} is longer than {LINE_BYTES_MAX} bytes"
        ))),
        _ => Ok(Some(line)),
    }
}

fn keep(store: &mut dyn Store, project: &str, trace: ImportedTrace) -> Result<(), Failure> {
    let now = now();
    let id: SessionId = Uuid::now_v7()
        .to_string()
        .parse()
        .map_err(|error| Failure::internal(&error))?;
    let messages: Vec<PushedMessage> = trace
        .messages
        .into_iter()
        .map(|message| PushedMessage {
            at: sent_at(&message).unwrap_or(now),
            message,
        })
        .collect();
    let session = SessionRecord {
        id: id.clone(),
        project: Some(project.to_owned()),
        name: trace.name,
        server: String::new(),
        client: None,
        started_at: now,
        metadata: trace.metadata,
        origin: Origin::Pushed,
        index: trace.index,
        hierarchy_path: trace.hierarchy_path,
    };
    let annotations = trace.annotations.into_iter().map(|annotation| {
        let made = Uuid::new_v4().to_string().parse();
        Ok(Annotation {
            id: made.map_err(|error| Failure::internal(&error))?,
            session: id.clone(),
            content: annotation.content,
            address: annotation.address,
            metadata: annotation.metadata,
            created_at: now,
        })
    });
    let push = Push {
        messages,
        annotations: annotations.collect::<Result<_, Failure>>()?,
        pushed_at: now,
    };
    store
        .push_session(&session, &push)
        .map_err(|error| failure(&error))
}

fn sent_at(message: &Value) -> Option<Timestamp> {
    let written = message.get("timestamp")?.as_str()?;
    let time: jiff::Timestamp = written.parse().ok()?;
    Some(Timestamp::from_micros(time.as_microsecond()))
}

fn progress(traces: u64) {
    if traces.is_multiple_of(PROGRESS_TRACES) && io::stderr().is_terminal() {
        // There is no other place to say it.
        writeln!(anstream::stderr().lock(), "{traces} traces …").ok();
    }
}
