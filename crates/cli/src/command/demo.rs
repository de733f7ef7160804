use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;

use portcullis_server::config::DataDirectory;
use portcullis_store::{SessionFilter, SqliteStore, Store};
use portcullis_trace::record::{SessionId, Verdict};

use super::store::failure as store_failure;
use super::traces::write_events;
use super::{Failure, Outcome};
use crate::args::DemoArguments;
use crate::demo::{Attack, DemoError, Peer, Story, answer_user, starter};
use crate::render::plain;

const SERVER: &str = "mailbox";
const PROJECT: &str = "demo";
const DATA_DIRECTORY_HINT: &str = "`--data-dir DIR` puts the trace somewhere else";

/// Where the demo takes place.
struct Stage {
    executable: PathBuf,
    /// The program as the user typed it, for commands that they may type next.
    typed: OsString,
    data_directory: DataDirectory,
    given_data_directory: Option<PathBuf>,
    policies: Vec<PathBuf>,
}

/// Plays an attack through the gateway for the user to see, and then without it in silence.
pub(crate) fn demo(arguments: DemoArguments) -> Result<Outcome, Failure> {
    let stage = Stage::set(arguments.data_dir)?;
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "An agent looks after a mailbox. Between the two stands Portcullis, as the process\n\
         `portcullis run --policy … -- <mailbox server>`. One of the mails is an attack.\n"
    )?;
    if let Attack::Carried(sent) = stage.guarded(&mut out)? {
        return Err(Failure::internal(&DemoError::NotBlocked { sent }));
    }
    writeln!(out, "\nThe recorded trace says why:\n")?;
    let session = stage.write_block(&mut out)?;
    let Attack::Carried(sent) = stage.unguarded()? else {
        return Err(Failure::internal(&DemoError::Harmless));
    };
    let sent = plain(&sent);
    writeln!(
        out,
        "\nThe same script without Portcullis leaves a mail among the sent ones:\n\n  {sent}\n"
    )?;
    stage.write_way_on(&mut out, &session)?;
    Ok(Outcome::Ok)
}

// === impl Stage ===

impl Stage {
    fn set(given_data_directory: Option<PathBuf>) -> Result<Self, Failure> {
        let data_directory = DataDirectory::open(given_data_directory.clone())
            .map_err(|error| Failure::of(&error).hint(DATA_DIRECTORY_HINT))?;
        let directory = data_directory.demo();
        let policies = starter::write_to(&directory).map_err(|error| {
            Failure::usage(format!(
                "the policies of the demo cannot be written to `{}`: {error}",
                directory.display()
            ))
            .hint(DATA_DIRECTORY_HINT)
        })?;
        Ok(Self {
            executable: env::current_exe().map_err(|error| Failure::internal(&error))?,
            typed: env::args_os().next().unwrap_or_else(|| "portcullis".into()),
            data_directory,
            given_data_directory,
            policies,
        })
    }

    fn guarded(&self, out: &mut dyn Write) -> Result<Attack, Failure> {
        let mut command = Command::new(&self.executable);
        command.arg("run");
        for policy in &self.policies {
            command.arg("--policy").arg(policy);
        }
        command.args(["--name", SERVER, "--project", PROJECT]);
        if let Some(directory) = &self.given_data_directory {
            command.arg("--data-dir").arg(directory);
        }
        command.arg("--").arg(&self.executable).arg("demo-server");
        play(&mut command, out)
    }

    fn unguarded(&self) -> Result<Attack, Failure> {
        let mut command = Command::new(&self.executable);
        play(command.arg("demo-server"), &mut io::sink())
    }

    /// Shows what was blocked in the session that has just ended, as `traces show` does.
    fn write_block(&self, out: &mut impl Write) -> Result<SessionId, Failure> {
        let mut store = SqliteStore::open_existing(&self.data_directory.database())
            .map_err(|error| store_failure(&error))?;
        let filter = SessionFilter {
            server: Some(SERVER.to_owned()),
            project: Some(PROJECT.to_owned()),
            with_violations_only: true,
            ..SessionFilter::newest(1)
        };
        let sessions = store
            .sessions(&filter)
            .map_err(|error| store_failure(&error))?;
        let Some(summary) = sessions.into_iter().next() else {
            return Err(Failure::internal(&DemoError::NotRecorded));
        };
        let session = summary.session;
        let is_blocked = |verdict| verdict == Verdict::Block;
        write_events(out, &mut store, &session, |event| is_blocked(event.verdict))?;
        Ok(session.id)
    }

    fn write_way_on(&self, out: &mut impl Write, session: &SessionId) -> io::Result<()> {
        let mut command = word(&self.typed);
        let mut options = String::new();
        if let Some(directory) = &self.given_data_directory {
            options = format!(" --data-dir {}", word(directory.as_os_str()));
        }
        command.push_str(" traces");
        writeln!(out, "Look at all of it:\n")?;
        writeln!(out, "  {command} show {session}{options}")?;
        writeln!(out, "  {command} ls{options}\n")?;
        let policies = word(self.data_directory.demo().as_os_str());
        writeln!(out, "The policies that were on are in\n\n  {policies}")
    }
}

fn play(command: &mut Command, out: &mut dyn Write) -> Result<Attack, Failure> {
    let mut play = || {
        let mut mailbox = Peer::start(command)?;
        let attack = answer_user(&mut mailbox, &mut Story::new(out))?;
        mailbox.end()?;
        Ok(attack)
    };
    play().map_err(|error| match error {
        DemoError::Show(error) => error.into(),
        error => Failure::internal(&error),
    })
}

/// A word of a command line as a shell takes it.
fn word(word: &OsStr) -> String {
    let word = plain(&word.to_string_lossy());
    let is_bare = |c: char| c.is_alphanumeric() || "/._-+:@%".contains(c);
    if !word.is_empty() && word.chars().all(is_bare) {
        return word;
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_through_a_shell() {
        let check = |text: &str, expected: &str| assert_eq!(word(OsStr::new(text)), expected);
        check("target/release/portcullis", "target/release/portcullis");
        check("/My Files/x", "'/My Files/x'");
        check("it's", r"'it'\''s'");
        check("$HOME", "'$HOME'");
        check("", "''");
    }
}
