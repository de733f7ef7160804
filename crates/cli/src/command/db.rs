use std::io::{self, IsTerminal, Write};

use portcullis_store::{DAMAGE_HINT, StoreError};

use super::store::{failure, failure_at, location, missing};
use super::{Failure, Outcome};
use crate::args::{DbArguments, DbCommand};
use crate::render::{ERROR, GOOD, HINT, plain};

pub(crate) fn db(arguments: &DbArguments) -> Result<Outcome, Failure> {
    let place = location(&arguments.store)?;
    say_if_watched(&format!("opening {place}"));
    let mut store = match place.open_existing() {
        Ok(store) => store,
        Err(StoreError::Missing { .. }) => return Err(missing(&place)),
        Err(error) if error.is_damage() && arguments.command == DbCommand::Check => {
            return damaged(&[error.to_string()]);
        }
        Err(error) => return Err(failure_at(&place, &error)),
    };
    let mut out = anstream::stdout().lock();
    match arguments.command {
        DbCommand::Migrate => writeln!(out, "{}: {place} is up to date", GOOD.paint("ok"))?,
        DbCommand::Check => {
            say_if_watched("reading everything");
            let problems = store.problems().map_err(|error| failure(&error))?;
            if !problems.is_empty() {
                return damaged(&problems);
            }
            writeln!(out, "{}: nothing is wrong with {place}", GOOD.paint("ok"))?;
        }
        DbCommand::Vacuum => {
            say_if_watched("writing everything anew");
            store.vacuum().map_err(|error| failure(&error))?;
            writeln!(
                out,
                "{}: {place} takes no more room than it needs",
                GOOD.paint("ok")
            )?;
        }
    }
    Ok(Outcome::Ok)
}

fn damaged(problems: &[String]) -> Result<Outcome, Failure> {
    let mut out = anstream::stdout().lock();
    for problem in problems {
        writeln!(out, "{}: {}", ERROR.paint("damaged"), plain(problem))?;
    }
    writeln!(
        anstream::stderr().lock(),
        "{}: {DAMAGE_HINT}",
        HINT.paint("hint")
    )?;
    Ok(Outcome::Findings)
}

/// What takes long says what it does, if a person looks on.
fn say_if_watched(what: &str) {
    if io::stderr().is_terminal() {
        // There is no other place to say it.
        writeln!(anstream::stderr().lock(), "{what} …").ok();
    }
}
