//! Traces from a file of the Invariant Explorer.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Seek, Write};
use std::path::Path;

use portcullis_json::{Limits, Value, parse};
use portcullis_store::{
    Annotation, AnnotationId, ImportedTrace, Importer, ProjectChange, Push, PushedMessage, Store,
};
use portcullis_trace::record::{Origin, SessionId, SessionRecord, Timestamp};
use portcullis_trace::wire;
use uuid::Uuid;

use crate::command::guardrails::project;
use crate::command::store::{failure, now};
use crate::command::{Failure, Outcome};

/// LIMIT: one trace may be this long.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// LIMIT: when lines come to this, they are written in one transaction: longer ones would keep
/// gateways from recording.
const BATCH_BYTES_MAX: usize = 16 << 20;
/// A person who looks on hears of every so many traces.
const PROGRESS_TRACES: usize = 100;

/// A file of traces, line by line.
struct Lines<'p> {
    path: &'p Path,
    reader: BufReader<File>,
    /// Of the line that was read last, from 1.
    number: u64,
    importer: Importer,
}

/// Writes traces, and takes them back if not all can be written.
struct Batches<'s> {
    store: &'s mut dyn Store,
    written: Vec<SessionId>,
    waiting: Vec<(SessionRecord, Push)>,
    waiting_bytes: usize,
}

/// All traces of the file, or none: the file is read once to see that nothing is wrong with it, and
/// then again.
pub(super) fn import(
    store: &mut dyn Store,
    path: &Path,
    project_name: &str,
) -> Result<Outcome, Failure> {
    let mut checked = Lines::open(path)?;
    while checked.trace()?.is_some() {}
    let mut lines = checked.again()?;
    let mut batches = Batches::to(store);
    let kept = lines.keep(&mut batches, project_name);
    let traces = batches.finish(kept)?;
    let id = project(store, project_name)?;
    if let Some(metadata) = lines.importer.metadata() {
        let change = ProjectChange {
            is_public: None,
            metadata: Some(metadata.clone()),
        };
        let updated = store.update_project(&id, &change);
        updated.map_err(|error| failure(&error))?;
    }
    let plural = if traces == 1 { "" } else { "s" };
    writeln!(anstream::stdout().lock(), "{traces} trace{plural}")?;
    Ok(Outcome::Ok)
}

// === impl Lines ===

impl<'p> Lines<'p> {
    fn open(path: &'p Path) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        Ok(Self::of(path, file))
    }

    fn of(path: &'p Path, file: File) -> Self {
        Self {
            path,
            reader: BufReader::new(file),
            number: 0,
            importer: Importer::default(),
        }
    }

    fn again(self) -> Result<Self, Failure> {
        let mut file = self.reader.into_inner();
        file.rewind().map_err(|error| {
            unreadable(self.path, &error).hint("it is read twice: name a file, not a pipe")
        })?;
        Ok(Self::of(self.path, file))
    }

    /// The next trace, and how long its line is; `None` at the end.
    fn trace(&mut self) -> Result<Option<(ImportedTrace, usize)>, Failure> {
        while let Some(line) = self.line()? {
            if line.trim().is_empty() {
                continue;
            }
            let value = parse(&line, &Limits::lenient()).map_err(|error| {
                self.wrong(&error).hint(
                    "nothing of the file was imported; a trace is one line: `jq -c .` makes one of \
                    several, such as `traces export` writes",
                )
            })?;
            let trace = self.importer.trace(&value);
            let Some(trace) = trace.map_err(|error| self.wrong(&error))? else {
                continue;
            };
            for (index, message) in trace.messages.iter().enumerate() {
                wire::events(message)
                    .map_err(|error| self.wrong(&format!("messages.{index}: {error}")))?;
            }
            return Ok(Some((trace, line.len())));
        }
        Ok(None)
    }

    fn line(&mut self) -> Result<Option<String>, Failure> {
        self.number += 1;
        let mut line = String::new();
        let mut reader = (&mut self.reader).take(LINE_BYTES_MAX + 1);
        let read = reader.read_line(&mut line);
        match read.map_err(|error| self.wrong(&error))? as u64 {
            0 => Ok(None),
            bytes if bytes > LINE_BYTES_MAX => {
                Err(self.wrong(&format!("it is longer than {LINE_BYTES_MAX} bytes")))
            }
            _ => Ok(Some(line)),
        }
    }

    fn keep(&mut self, batches: &mut Batches<'_>, project: &str) -> Result<(), Failure> {
        while let Some((trace, bytes)) = self.trace()? {
            let (session, push) = pushed(project, trace);
            let put = batches.put(session, push, bytes);
            put.map_err(|error| error.hint(format!("{} or before", self.place())))?;
        }
        Ok(())
    }

    fn wrong(&self, what: &dyn Display) -> Failure {
        Failure::usage(format!("{}: {what}", self.place())).hint("nothing of the file was imported")
    }

    fn place(&self) -> String {
        format!("`{}`, line {}", self.path.display(), self.number)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("`{}` cannot be read: {error}", path.display()))
}

// === impl Batches ===

impl<'s> Batches<'s> {
    fn to(store: &'s mut dyn Store) -> Self {
        Self {
            store,
            written: Vec::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
        }
    }

    fn put(&mut self, session: SessionRecord, push: Push, bytes: usize) -> Result<(), Failure> {
        self.waiting.push((session, push));
        self.waiting_bytes += bytes;
        if self.waiting_bytes < BATCH_BYTES_MAX {
            return Ok(());
        }
        self.write()
    }

    fn write(&mut self) -> Result<(), Failure> {
        let pushed = self.store.push_sessions(&self.waiting);
        pushed.map_err(|error| failure(&error))?;
        for (session, _) in self.waiting.drain(..) {
            self.written.push(session.id);
            progress(self.written.len());
        }
        self.waiting_bytes = 0;
        Ok(())
    }

    /// How many traces were written: all, unless what came before or the rest fails.
    fn finish(mut self, before: Result<(), Failure>) -> Result<usize, Failure> {
        let Err(error) = before.and_then(|()| self.write()) else {
            return Ok(self.written.len());
        };
        for session in &self.written {
            if let Err(stays) = self.store.delete_session(session) {
                let stays = failure(&stays).hint("a part of the file stays imported");
                return Err(stays.and(error));
            }
        }
        Err(error)
    }
}

fn pushed(project: &str, trace: ImportedTrace) -> (SessionRecord, Push) {
    let now = now();
    let id = SessionId::from_uuid(Uuid::now_v7().into_bytes());
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
    let annotations = trace.annotations.into_iter();
    let push = Push {
        messages,
        annotations: annotations
            .map(|annotation| Annotation {
                id: AnnotationId::from_uuid(Uuid::new_v4().into_bytes()),
                session: id.clone(),
                content: annotation.content,
                address: annotation.address,
                metadata: annotation.metadata,
                created_at: now,
            })
            .collect(),
        pushed_at: now,
    };
    (session, push)
}

fn sent_at(message: &Value) -> Option<Timestamp> {
    let written = message.get("timestamp")?.as_str()?;
    let time: jiff::Timestamp = written.parse().ok()?;
    Some(Timestamp::from_micros(time.as_microsecond()))
}

fn progress(traces: usize) {
    if traces.is_multiple_of(PROGRESS_TRACES) && io::stderr().is_terminal() {
        // There is no other place to say it.
        writeln!(anstream::stderr().lock(), "{traces} traces …").ok();
    }
}
