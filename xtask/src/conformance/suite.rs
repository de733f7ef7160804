//! The suite, the server that it is pointed at, and the Node that runs both.

use super::results::Results;
use crate::gateway::Running;
use crate::npm::{Packages, read, write};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const SOURCE: &str = "tests/conformance";
const TOOLS: &str = ".tools/conformance";
/// The sources of our server: they run where what they import is installed.
const EVERYTHING: &str = "everything";
const CLIENT: &str = "client.js";
const RUNNER: &str = "@modelcontextprotocol/conformance/dist/index.js";
/// How long one set of requirements may take. Directly it takes a few seconds.
const RUN_MAX: Duration = Duration::from_mins(3);
/// How long one scenario may take, in the suite's terms.
const SCENARIO_MILLISECONDS_MAX: &str = "15000";

pub(super) struct Suite {
    packages: Packages,
    tools: PathBuf,
}

// === impl Suite ===

impl Suite {
    pub(super) fn install(root: &Path) -> Result<Self, String> {
        let (source, tools) = (root.join(SOURCE), root.join(TOOLS));
        let packages = Packages::new(source.clone(), tools.clone());
        packages.install()?;
        let suite = Self { packages, tools };
        if !suite.node().exists() {
            return Err("there is no package of Node for this machine".to_owned());
        }
        copy(&source.join(EVERYTHING), &suite.tools.join(EVERYTHING))?;
        write(&suite.tools.join(CLIENT), &read(&source.join(CLIENT))?)?;
        Ok(suite)
    }

    /// Starts our server; it serves as long as the first part of the result lives.
    pub(super) fn serve(&self) -> Result<(Running, String), String> {
        let mut command = Command::new(self.node());
        command.arg(self.tools.join(EVERYTHING).join("main.js"));
        command.arg("http").stdout(Stdio::piped());
        let mut server = Running::start(&mut command)?;
        let line = server.first_line()?;
        let port = line.trim().rsplit(' ').next().unwrap_or_default();
        let port: u16 = port
            .parse()
            .map_err(|_| format!("our server does not listen: `{line}`"))?;
        Ok((server, format!("http://127.0.0.1:{port}/mcp")))
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
        let script = self.tools.join(CLIENT);
        format!("{} {}", self.node().display(), script.display())
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
        let mut command = Command::new(self.node());
        command.arg(self.packages.modules().join(RUNNER));
        command
    }

    fn node(&self) -> PathBuf {
        self.packages.modules().join(".bin/node")
    }
}

fn run(command: &mut Command, out: &Path) -> Result<(), String> {
    command.args(["--timeout", SCENARIO_MILLISECONDS_MAX]);
    command.arg("--output-dir").arg(out);
    let run = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
    run?.end_within(RUN_MAX)
        .map_err(|reason| format!("the suite: {reason}"))
}

/// Copies the files of a folder that has no folders.
fn copy(source: &Path, target: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", source.display());
    fs::create_dir_all(target).map_err(failed)?;
    for entry in fs::read_dir(source).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().ok_or("a file without a name")?;
        write(&target.join(name), &read(&path)?)?;
    }
    Ok(())
}
