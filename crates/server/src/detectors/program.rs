//! Programs that are installed beside the gateway.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use portcullis_transport::child::{ServerCommand, Surroundings};
use portcullis_transport::program::{Bounds, ask};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::config::ProgramConfig;

/// LIMIT: how long an answer may be.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// LIMIT: how long what is given to a program may be.
pub(super) const INPUT_BYTES_MAX: usize = 16 << 20;

/// A program, which has nothing of the gateway's environment but where programs are.
#[derive(Debug)]
pub(super) struct Program {
    config: ProgramConfig,
    /// LIMIT: runs at a time.
    turns: Semaphore,
    key: &'static str,
}

// === impl Program ===

impl Program {
    pub(super) fn new(config: &ProgramConfig, key: &'static str) -> Self {
        Self {
            turns: Semaphore::new(config.concurrency.get()),
            config: config.clone(),
            key,
        }
    }

    /// What it writes, if it ends well. `home` is a directory of its own, in which it runs.
    pub(super) async fn run(
        &self,
        arguments: Vec<OsString>,
        environment: &[(&str, &str)],
        input: &[u8],
        home: &Home,
    ) -> Result<String, String> {
        // It is never closed.
        let _turn = self.turns.acquire().await;
        let command = ServerCommand {
            program: self.config.program.clone().into_os_string(),
            arguments,
        };
        let mut variables: Vec<(OsString, OsString)> = vec![
            ("PATH".into(), self.config.path.clone()),
            ("HOME".into(), home.path().into()),
            ("TMPDIR".into(), home.path().into()),
            ("LC_ALL".into(), "C.UTF-8".into()),
        ];
        let own = environment.iter();
        variables.extend(own.map(|(name, value)| (OsString::from(name), OsString::from(value))));
        let surroundings = Surroundings {
            environment: Some(variables),
            directory: Some(home.path().to_owned()),
            is_quiet: true,
        };
        let bounds = Bounds {
            answer_bytes: ANSWER_BYTES_MAX,
            wait: self.config.timeout,
        };
        let said = ask(&command, &surroundings, input, bounds)
            .await
            .map_err(|error| self.failure(error))?;
        if !said.status.success() {
            return Err(self.failure(said.status));
        }
        String::from_utf8(said.answer).map_err(|_| self.failure("its answer is no text"))
    }

    /// An error of this program's, for whoever reads what a guardrail failed of.
    pub(super) fn failure(&self, what: impl std::fmt::Display) -> String {
        format!("`{}` ({}): {what}", self.key, self.config.program.display())
    }
}

/// A directory that nobody else can read, and that is gone with its last owner.
#[derive(Debug)]
pub(super) struct Home(TempDir);

// === impl Home ===

impl Home {
    pub(super) fn new() -> io::Result<Self> {
        let made = tempfile::Builder::new().prefix("portcullis-").tempdir();
        made.map(Self)
    }

    /// With a file in it.
    pub(super) async fn with(name: &'static str, text: Arc<str>) -> io::Result<Self> {
        let made = spawn_blocking(move || {
            let home = Self::new()?;
            fs::write(home.path().join(name), text.as_bytes())?;
            Ok(home)
        });
        made.await.map_err(io::Error::other)?
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}
