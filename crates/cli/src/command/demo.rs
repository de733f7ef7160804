use std::env;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis_server::config::DataDirectory;
use portcullis_store::{SessionFilter, SqliteStore, StoreError, TraceStore};
use portcullis_trace::record::Verdict;

use super::traces::write_events;
use super::{Failure, Outcome};
use crate::args::DemoArguments;
use crate::demo::{Attack, DemoError, Peer, Story, answer_user, starter};
use crate::render::{FAINT, GOOD, plain};

const SERVER: &str = "mailbox";
const PROJECT: &str = "demo";

/// What the demo needs to know of this installation.
struct Stage {
    executable: PathBuf,
    /// As the user typed it, for the commands that they may type next.
    typed: String,
    data_directory: DataDirectory,
    given_data_directory: Option<PathBuf>,
}

/// Plays one attack twice: through the gateway, shown, and without it, in silence.
pub(crate) fn demo(arguments: DemoArguments) -> Result<Outcome, Failure> {
    let stage = Stage::set(arguments.data_dir)?;
    let mut out = anstream::stdout().lock();
    let policies = stage.write_policies()?;
    stage.announce(&mut out, &policies)?;
    if let Attack::Carried(sent) = stage.play_guarded(&mut out, &policies)? {
        return Err(Failure::broken(&format!(
            "the attack was not blocked: {sent}"
        )));
    }
    let session = stage.show_block(&mut out)?;
    match stage.play_unguarded()? {
        Attack::Carried(sent) => {
            writeln!(
                out,
                "Without Portcullis the same script ends with a mail in the folder `sent`:\n  {}\n",
                plain(&sent)
            )?;
        }
        Attack::Refused => {
            return Err(Failure::broken("the attack fails without the gateway too"));
        }
    }
    stage.show_way_on(&mut out, &session)?;
    Ok(Outcome::Ok)
}

// === impl Stage ===

impl Stage {
    fn set(given_data_directory: Option<PathBuf>) -> Result<Self, Failure> {
        let data_directory =
            DataDirectory::open(given_data_directory.clone()).map_err(|error| {
                Failure::of(&error).hint("`--data-dir DIR` puts traces somewhere else")
            })?;
        Ok(Self {
            executable: env::current_exe().map_err(|error| Failure::internal(&error))?,
            typed: typed(env::args_os().next().as_deref()),
            data_directory,
            given_data_directory,
        })
    }

    fn write_policies(&self) -> Result<Vec<PathBuf>, Failure> {
        let written = starter::write_to(&self.data_directory.demo());
        written.map_err(|error| Failure::of(&error).hint("`--data-dir DIR` puts it somewhere else"))
    }

    fn play_guarded(&self, out: &mut dyn Write, policies: &[PathBuf]) -> Result<Attack, Failure> {
        let mut command = Command::new(&self.executable);
        command.arg("run");
        for policy in policies {
            command.arg("--policy").arg(policy);
        }
        command.args(["--name", SERVER, "--project", PROJECT]);
        if let Some(directory) = &self.given_data_directory {
            command.arg("--data-dir").arg(directory);
        }
        command.arg("--").arg(&self.executable).arg("demo-server");
        play(&mut command, &mut Story::new(out))
    }

    fn play_unguarded(&self) -> Result<Attack, Failure> {
        let mut command = Command::new(&self.executable);
        play(
            command.arg("demo-server"),
            &mut Story::new(&mut io::sink()),
        )
    }
}
