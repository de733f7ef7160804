//! One module for each subcommand.

pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod db;
pub(crate) mod demo;
pub(crate) mod demo_server;
pub(crate) mod detect;
pub(crate) mod exec_server;
pub(crate) mod explain;
pub(crate) mod fmt;
pub(crate) mod guardrails;
pub(crate) mod keys;
pub(crate) mod mcp;
pub(crate) mod run;
pub(crate) mod serve;
mod store;
pub(crate) mod tools;
pub(crate) mod traces;

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::iter::successors;

use portcullis_json::{Limits, Object, Value, parse};

use crate::render::{self, plain};

/// LIMIT: causes of an error that are shown.
const CAUSES_MAX: usize = 8;

/// How a command ended, if it did what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Findings,
    /// The exit code of the server that was guarded.
    Server(u8),
}

/// Why a command could not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    /// Already rendered, with its line ends.
    text: String,
    hint: Option<String>,
}

// === impl Failure ===

impl Failure {
    const USAGE: u8 = 2;
    const INTERNAL: u8 = 3;

    /// The user can mend it.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Self::USAGE, error_line(&message))
    }

    /// The user can mend it; the message says how already, underlined where possible.
    pub(crate) fn rendered(text: String) -> Self {
        Self::new(Self::USAGE, text)
    }

    /// An error that the user can mend, with its causes.
    pub(crate) fn of(error: &dyn Error) -> Self {
        Self::new(Self::USAGE, with_causes(error))
    }

    /// An error in a text that the user gave, with the excerpt that it is about.
    pub(crate) fn located(error: &dyn Error, excerpt: &str) -> Self {
        Self::new(Self::USAGE, with_causes(error) + excerpt)
    }

    pub(crate) fn internal(error: &dyn Error) -> Self {
        Self::new(Self::INTERNAL, with_causes(error))
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Both of them.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.code = self.code.max(other.code);
        self.text.push_str(&other.text);
        self.hint = self.hint.or(other.hint);
        self
    }

    pub(crate) fn show(&self) {
        let mut stderr = anstream::stderr().lock();
        let shown = write!(stderr, "{}", self.text).and_then(|()| match &self.hint {
            Some(hint) => writeln!(stderr, "\n{}: {}", render::HINT.paint("hint"), plain(hint)),
            None => Ok(()),
        });
        // Nobody reads standard error: the exit code is all that is left to say.
        shown.ok();
    }

    fn new(code: u8, text: String) -> Self {
        Self {
            code,
            text,
            hint: None,
        }
    }
}

/// Writing to standard output failed. A reader that has read enough is no failure.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(0, String::new());
        }
        Self::internal(&error)
    }
}

/// Shows something that does not keep the command from going on.
pub(crate) fn show_warning(message: &str) {
    let warning = render::WARNING.paint("warning");
    // As for errors, there is no other place to say it.
    writeln!(anstream::stderr().lock(), "{warning}: {}", plain(message)).ok();
}

fn error_line(message: &dyn Display) -> String {
    format!(
        "{}: {}\n",
        render::ERROR.paint("error"),
        plain(&message.to_string())
    )
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error_line(&error);
    let causes = successors(error.source(), |cause: &&dyn Error| (*cause).source());
    for cause in causes.take(CAUSES_MAX) {
        text.push_str("  caused by: ");
        text.push_str(&plain(&cause.to_string()));
        text.push('\n');
    }
    text
}

/// Reads `NAME=VALUE` pairs; what is not JSON is text.
fn parameters(pairs: &[String]) -> Result<Object, Failure> {
    let mut parameters = Object::new();
    for pair in pairs {
        let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(
                Failure::usage(format!("`--param {pair}` has no name and value"))
                    .hint("write it as `--param NAME=VALUE`"),
            );
        };
        let value = parse(value, &Limits::strict()).unwrap_or_else(|_| Value::from(value));
        parameters.insert(name, value);
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_json_or_text() {
        let check = |pair: &str, expected: Value| {
            let parameters = parameters(&[pair.to_owned()]).unwrap();
            assert_eq!(parameters.get("k"), Some(&expected), "{pair}");
        };
        check("k=3", Value::from(3));
        check("k=\"3\"", Value::from("3"));
        check("k=a=b", Value::from("a=b"));
        check("k=", Value::from(""));
        check("k=[true]", Value::from(vec![Value::from(true)]));
        for wrong in ["k", "=v", ""] {
            assert_eq!(
                parameters(&[wrong.to_owned()]).unwrap_err().code,
                2,
                "{wrong}"
            );
        }
    }
}
