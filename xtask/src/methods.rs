//! The page of what guardrails see of each method and can do about it, found out by asking: every
//! place that carries text is filled with a word, and a guardrail that blocks the word must see it.

mod probe;
mod sample;

use self::probe::{Became, Carrier, Probe};
use crate::npm::{read, write};
use crate::workspace::Workspace;
use portcullis_mcp::{Method, MethodSpec, Peer, Revision, Revisions};

const PAGE: &str = "docs/METHODS.md";
const HEAD: &str = "# What guardrails see of each method

Made by `cargo xtask methods`, which asks a session: each place that can carry text is filled with \
a word, and a guardrail blocks the word.
A place that no guardrail sees fails the command, and `cargo xtask test` asks it.

*Text at* is a member of the message (`params`) or of its answer (`result`).
*Seen as* is what policies match on: a call by its name, an output, a message by its role, or a tool.
Every message is recorded, whatever becomes of it.
*Nested* is what a server asks inside a result; the client answers with its next request.

| method | sent by | revisions | text at | seen as | a violation |
|---|---|---|---|---|---|
";

/// One line of the page.
struct Row {
    method: String,
    sender: &'static str,
    revisions: String,
    place: String,
    became: Became,
}

/// Writes the page, or says whether it is what the session makes of it.
pub(crate) fn run(is_check: bool) -> Result<(String, bool), String> {
    let rows = rows()?;
    let unseen: Vec<_> = rows
        .iter()
        .filter(|row| row.became.is_unseen())
        .map(|row| format!("`{}` of the {}: {}", row.method, row.sender, row.place))
        .collect();
    let page: String = HEAD.to_owned() + &rows.iter().map(Row::line).collect::<String>();
    let path = Workspace::load()?.root.join(PAGE);
    let is_same = read(&path).is_ok_and(|found| found == page);
    if !is_check {
        write(&path, &page)?;
    }
    let mut report = vec![format!("methods: {} places in {PAGE}", rows.len())];
    if !unseen.is_empty() {
        report.push(format!("NOT SEEN: {}", unseen.join("; ")));
    }
    if is_check && !is_same {
        report.push("not up to date: `cargo xtask methods` writes it".to_owned());
    }
    let passed = unseen.is_empty() && (is_same || !is_check);
    Ok((report.join(", "), passed))
}

fn rows() -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for spec in Method::KNOWN.iter().filter_map(Method::spec) {
        for (sender, revisions) in [
            (Peer::Client, spec.from_client),
            (Peer::Server, spec.from_server),
        ] {
            rows.extend(own_rows(spec, sender, revisions)?);
        }
        rows.extend(nested_rows(spec)?);
    }
    rows.push(error_row(Peer::Client, &Method::SamplingCreateMessage)?);
    rows.push(error_row(Peer::Server, &Method::ToolsCall)?);
    Ok(rows)
}

/// A method as a message of its own.
fn own_rows(spec: &MethodSpec, sender: Peer, revisions: Revisions) -> Result<Vec<Row>, String> {
    let Some(revision) = newest(revisions) else {
        return Ok(Vec::new());
    };
    let places = places(spec, sender);
    let asked = if places.is_empty() {
        vec![None]
    } else {
        places.into_iter().map(Some).collect()
    };
    let rows = asked.into_iter().map(|place| {
        let probe = Probe {
            spec,
            sender,
            revision,
            place,
            carrier: Carrier::Own,
        };
        Ok(Row {
            method: format!("`{}`", spec.name),
            sender: name(sender),
            revisions: span(revisions),
            place: place.map_or_else(|| "–".to_owned(), |place| format!("`{place}`")),
            became: probe.ask()?,
        })
    });
    rows.collect()
}

/// A method that a server asks for inside a result.
fn nested_rows(spec: &MethodSpec) -> Result<Vec<Row>, String> {
    let Some(revision) = newest(spec.nested) else {
        return Ok(Vec::new());
    };
    let places = places(spec, Peer::Server);
    let rows = places.into_iter().map(|place| {
        let probe = Probe {
            spec,
            sender: Peer::Server,
            revision,
            place: Some(place),
            carrier: Carrier::Nested,
        };
        Ok(Row {
            method: format!("`{}`, nested", spec.name),
            sender: name(Peer::Server),
            revisions: span(spec.nested),
            place: format!("`{place}`"),
            became: probe.ask()?,
        })
    });
    rows.collect()
}

/// An error of this sender, in answer to a request of the other.
fn error_row(sender: Peer, request: &Method) -> Result<Row, String> {
    let probe = Probe {
        spec: request.spec().ok_or("a method without a description")?,
        sender: match sender {
            Peer::Client => Peer::Server,
            Peer::Server => Peer::Client,
        },
        revision: Revision::V2025_11_25,
        place: Some("error"),
        carrier: Carrier::Error,
    };
    Ok(Row {
        method: "any error".to_owned(),
        sender: name(sender),
        revisions: span(request.spec().map_or(Revisions::NONE, |spec| match sender {
            Peer::Client => spec.from_server,
            Peer::Server => spec.from_client,
        })),
        place: "`error`".to_owned(),
        became: probe.ask()?,
    })
}

/// Where the message of this sender and its answer carry text, whomever it reaches.
fn places(spec: &MethodSpec, sender: Peer) -> Vec<&'static str> {
    let (of_message, of_answer) = match sender {
        Peer::Client => (spec.to_server, spec.to_model),
        Peer::Server => (spec.to_model, spec.to_server),
    };
    let message = of_message
        .iter()
        .filter(|place| place.starts_with("params"));
    let answer = of_answer.iter().filter(|place| place.starts_with("result"));
    message.chain(answer).copied().collect()
}

/// The newest with sessions, or else the one without.
fn newest(revisions: Revisions) -> Option<Revision> {
    let within = Revision::ALL
        .into_iter()
        .filter(|one| revisions.contains(*one));
    within.max_by_key(|revision| (!revision.is_stateless(), *revision))
}

fn span(revisions: Revisions) -> String {
    let mut within = Revision::ALL
        .into_iter()
        .filter(|one| revisions.contains(*one));
    match (within.next(), within.next_back()) {
        (Some(first), Some(last)) => format!("{first} to {last}"),
        (Some(only), None) => only.to_string(),
        (None, _) => String::new(),
    }
}

fn name(peer: Peer) -> &'static str {
    match peer {
        Peer::Client => "client",
        Peer::Server => "server",
    }
}

// === impl Row ===

impl Row {
    fn line(&self) -> String {
        let Self {
            method,
            sender,
            revisions,
            place,
            became,
        } = self;
        let (seen, outcome) = (became.seen(), became.outcome());
        format!("| {method} | {sender} | {revisions} | {place} | {seen} | {outcome} |\n")
    }
}
