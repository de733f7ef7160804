//! The suite itself, as a program.

use super::results::Results;
use crate::gateway::Running;
use crate::scripts::Scripts;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const RUNNER: &str = "@modelcontextprotocol/conformance/dist/index.js";
/// How long one set of requirements may take. Directly it takes a few seconds.
const RUN_MAX: Duration = Duration::from_mins(3);
/// How long one scenario may take, in the suite's terms.
const SCENARIO_MILLISECONDS_MAX: &str = "15000";

pub(super) struct Suite(Scripts);

// === impl Suite ===

impl Suite {
    pub(super) fn new(scripts: Scripts) -> Self {
        Self(scripts)
    }

    /// Starts our server; it serves as long as the first part of the result lives.
    pub(super) fn serve(&self) -> Result<(Running, String), String> {
        self.0.serve("everything/main.js", &["http"])
    }

    /// What a server achieves of a set of requirements.
    pub(super) fn test_server(
        &self,
        url: &str,
        requirements: &str,
        out: &Path,
    ) -> Result<Results, String> {
        let mut command = self.runner();
        command.args(["server", "--url", url, "--requirements", requirements]);
        run(&mut command, out)?;
        Results::read(out)
    }

    /// The command of our client, to which the suite adds an address.
    pub(super) fn client(&self) -> String {
        let script = self.0.path("client.js");
        format!("{} {}", self.0.node().display(), script.display())
    }

    /// What a client achieves of these scenarios. Two run at a time: they mostly wait.
    pub(super) fn test_client(
        &self,
        client: &str,
        revision: &str,
        scenarios: &[&str],
        out: &Path,
    ) -> Result<Results, String> {
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut command = self.runner();
                command.args(["client", "--command", client, "--scenario", scenario]);
                command.args(["--spec-version", revision]);
                run(&mut command, out).map_err(|reason| format!("{scenario}: {reason}"))?;
            }
            Ok::<_, String>(())
        };
        thread::scope(|scope| {
            let workers = [scope.spawn(work), scope.spawn(work)];
            let ended = workers.map(|worker| worker.join().map_err(|_| "it has panicked"));
            ended.into_iter().try_for_each(|ended| ended?)
        })?;
        Results::read(out)
    }

    fn runner(&self) -> Command {
        self.0.command(&self.0.modules().join(RUNNER))
    }
}

fn run(command: &mut Command, out: &Path) -> Result<(), String> {
    command.args(["--timeout", SCENARIO_MILLISECONDS_MAX]);
    command.arg("--output-dir").arg(out);
    let run = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
    run?.end_within(RUN_MAX)
        .map_err(|reason| format!("the suite: {reason}"))
}
