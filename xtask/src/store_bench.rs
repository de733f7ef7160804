//! How fast a store writes, what recording adds to a message, and how long looks into a large store
//! take. SQLite and PostgreSQL in one run, with the same made-up sessions.

mod looks;
mod sessions;
mod writes;

use crate::postgres::Postgres;
use portcullis_store::Location;
use std::io::Write as _;

/// The flag of the result says whether no look took longer than [`looks::MILLISECONDS_MAX`].
pub(crate) fn run(events: u64) -> Result<(String, bool), String> {
    let folder = tempfile::tempdir().map_err(|error| format!("a folder: {error}"))?;
    let mut report = Vec::new();
    let mut passed = true;
    for (name, location, _server) in places(folder.path(), &mut report)? {
        say(&format!("{name}: writing"))?;
        report.push(format!(
            "{name}, {events} events in sessions of {}:",
            sessions::EVENTS
        ));
        report.extend(writes::throughput(&location, events)?);
        say(&format!("{name}: recording"))?;
        report.extend(writes::latency(&location)?);
        say(&format!("{name}: looking"))?;
        let (looks, fast) = looks::looks(&location, events)?;
        report.extend(looks);
        passed &= fast;
    }
    Ok((report.join("\n"), passed))
}

type Place = (&'static str, Location, Option<Postgres>);

fn places(folder: &std::path::Path, report: &mut Vec<String>) -> Result<Vec<Place>, String> {
    let sqlite = Location::Sqlite(folder.join("traces.db"));
    let mut places = vec![("SQLite", sqlite, None)];
    match Postgres::start() {
        Ok(server) => {
            let location = server.url().parse().map_err(told)?;
            places.push(("PostgreSQL", location, Some(server)));
        }
        Err(reason) => report.push(format!("PostgreSQL: SKIPPED: {reason}")),
    }
    Ok(places)
}

fn say(line: &str) -> Result<(), String> {
    writeln!(std::io::stderr(), "{line}").map_err(told)
}

/// An error with its causes.
fn told(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// The value below which so many hundredths of the sorted values lie.
fn percentile(sorted: &[f64], hundredths: usize) -> f64 {
    let place = sorted.len() * hundredths / 100;
    sorted.get(place).or(sorted.last()).copied().unwrap_or(0.0)
}
