use std::fs;
use std::io::Write;
use std::path::Path;

use portcullis_server::policy::PolicyFile;
use portcullis_syntax::format;

use super::{Failure, Outcome};
use crate::args::FmtArguments;
use crate::render::diagnostics;

pub(crate) fn fmt(arguments: &FmtArguments) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::Ok;
    for path in &arguments.files {
        let source = PolicyFile::source(path).map_err(|error| Failure::of(&error))?;
        let formatted = format(&source)
            .map_err(|found| Failure::rendered(diagnostics(path, &source, &found)))?;
        if formatted == source {
            continue;
        }
        if arguments.check {
            writeln!(anstream::stdout().lock(), "{}", path.display())?;
            outcome = Outcome::Findings;
        } else {
            replace(path, &formatted)?;
        }
    }
    Ok(outcome)
}

fn replace(path: &Path, source: &str) -> Result<(), Failure> {
    fs::write(path, source)
        .map_err(|error| Failure::usage(format!("`{}` cannot be written: {error}", path.display())))
}
