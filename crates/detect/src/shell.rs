//! What shell code runs.
//!
//! The code is parsed, never run, as `bash` would read it. Quotes, escapes, braces and `$IFS` are
//! undone, and what is handed to another shell or program to run is read as well: `sh -c`, `eval`,
//! `sudo`, `xargs`, `find -exec`, substitutions, here-documents. Branches, loops and functions
//! count as run. A program whose name only the run can tell is reported as such.
//!
//! The parser is our own because it must not hang, overflow the stack or lose a command on a text
//! that was written to make it do so.

mod field;
mod output;
mod parser;
mod reader;
mod tree;
mod word;
mod wrap;

use reader::{Constants, Reader};
use std::collections::BTreeSet;
use thiserror::Error;

/// LIMIT: bytes of a text; more is not parsed.
const SOURCE_BYTES_MAX: usize = 256 * 1024;
/// LIMIT: constructs inside constructs.
const DEPTH_MAX: usize = 64;
/// LIMIT: bytes of what is reported, in all.
const OUTPUT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// LIMIT: how often a text is read to learn what its variables hold. If that does not settle, they
/// are not known.
const READINGS_MAX: usize = 4;

/// What shell code contains.
///
/// When it does not parse, or is longer or nested deeper than the limits allow, `syntax_error`
/// is set and the collections are empty: "nothing found" is never the answer then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShellCode {
    /// Inner commands stand after those that run them, what a word substitutes before its command.
    pub commands: Vec<ShellCommand>,
    /// Each pipeline, and each command that another one runs, as one line in one form, whichever
    /// way it was quoted.
    pub pipelines: Vec<String>,
    /// Operators with their targets, like `> /dev/sda`.
    pub redirects: Vec<String>,
    /// What stands in `$(…)`, backquotes, `<(…)` and `>(…)`, in the form of `pipelines`.
    pub substitutions: Vec<String>,
    /// Names of the variables that are read.
    pub variables: BTreeSet<String>,
    /// `name=value`.
    pub assignments: Vec<String>,
    /// Words in the place of a program whose name depends on an expansion.
    pub dynamic: Vec<String>,
    pub syntax_error: Option<&'static str>,
}

/// One command with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellCommand {
    /// The name without the folders before it; nothing where only the run can tell.
    pub program: Option<String>,
    pub arguments: Vec<String>,
    /// The command in the form of `pipelines`.
    pub text: String,
    /// Programs whose output it may read: those before it in its pipeline.
    pub inputs: Vec<String>,
    /// Programs whose output stands among its words.
    pub substituted: Vec<String>,
}

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
struct Refusal(&'static str);

type Read<T> = Result<T, Refusal>;

/// Analyses a text that a shell is given to run.
pub fn analyze(code: &str) -> ShellCode {
    read(code).unwrap_or_else(|Refusal(reason)| ShellCode {
        syntax_error: Some(reason),
        ..ShellCode::default()
    })
}

fn read(code: &str) -> Read<ShellCode> {
    if code.len() > SOURCE_BYTES_MAX {
        return Err(Refusal("longer than 262144 bytes"));
    }
    if code.contains('\0') {
        return Err(Refusal("a null character"));
    }
    // A variable may be used above the line that sets it, in a loop or a function, so its values
    // must all be known before it is read as one of them.
    let mut constants = Constants::new();
    for _ in 0..READINGS_MAX {
        let mut reader = Reader::new(&constants);
        reader.script(code)?;
        let assigned = reader.constants();
        if assigned == constants {
            return Ok(reader.found);
        }
        constants = assigned;
    }
    let nothing = Constants::new();
    let mut reader = Reader::new(&nothing);
    reader.script(code)?;
    Ok(reader.found)
}

#[cfg(test)]
mod tests;
