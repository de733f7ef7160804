//! All tests with one command: those of cargo, then real clients against a real server, the
//! official conformance suite, and odd requests and answers.
//!
//! What they need is installed into `.tools`, at the versions that `tests` pins. A machine that
//! cannot have it skips them and says so.

use crate::conformance;
use crate::edge_cases;
use crate::methods;
use crate::npm::{Packages, read, write};
use crate::odd;
use crate::postgres::Postgres;
use crate::process::{is_present, succeed, succeeds};
use crate::scripts::Scripts;
use crate::workspace::Workspace;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The URL of a PostgreSQL database in which tests may make schemas.
const POSTGRES: &str = "PORTCULLIS_TEST_POSTGRES";
const CLIENTS: &str = "tests/clients";
const TOOLS: &str = ".tools/clients";
const REQUIREMENTS: &str = "requirements.txt";
/// Holds what was installed, so that nothing is installed twice.
const STAMP: &str = "installed";

/// Where the real clients are described and where they are installed.
struct Clients {
    source: PathBuf,
    tools: PathBuf,
    packages: Packages,
    /// Where the client of the Rust SDK is built, which is a workspace of its own.
    rmcp_target: PathBuf,
}

/// The flag of the result says whether all tests that ran passed.
pub(crate) fn run(without_clients: bool) -> Result<(String, bool), String> {
    // One build for both: what `cargo test` builds alone lacks the binary that clients start.
    succeed(cargo(&["build", "--workspace", "--bins", "--tests"]))?;
    let (text, mut passed) = cargo_tests()?;
    let mut report = vec![text];
    if without_clients {
        report.push("tests: real clients are left out, as asked".to_owned());
        return Ok((report.join("\n"), passed));
    }
    let workspace = Workspace::load()?;
    let portcullis = workspace.target_directory.join("debug/portcullis");
    for (text, page_passed) in [methods::run(true)?, edge_cases::run()?] {
        passed &= page_passed;
        report.push(text);
    }
    for suite in [real_clients, conformance_suite, odd_inputs] {
        let (text, suite_passed) = suite(&workspace, &portcullis)?;
        report.push(text);
        passed &= suite_passed;
    }
    let summary = if passed { "passed" } else { "FAILED" };
    report.push(format!("tests: {summary}"));
    Ok((report.join("\n"), passed))
}

/// The store is tested with PostgreSQL as well: with the server that the environment names, or with
/// one that is started for it.
fn cargo_tests() -> Result<(String, bool), String> {
    let mut tests = cargo(&["test", "--workspace"]);
    let server = match env::var_os(POSTGRES) {
        Some(_) => None,
        None => Some(Postgres::start()),
    };
    let note = match &server {
        None => "PostgreSQL: the server of the environment",
        Some(Ok(server)) => {
            tests.env(POSTGRES, server.url());
            "PostgreSQL: a server of its own"
        }
        Some(Err(reason)) => &format!("PostgreSQL: SKIPPED: {reason}"),
    };
    let passed = succeeds(tests)?;
    let summary = if passed { "passed" } else { "FAILED" };
    Ok((format!("cargo tests: {summary}; {note}"), passed))
}

fn real_clients(workspace: &Workspace, portcullis: &Path) -> Result<(String, bool), String> {
    if let Some(program) = ["python3", "npm"]
        .into_iter()
        .find(|program| !is_present(program))
    {
        return Ok((
            format!("real clients: SKIPPED: there is no {program}"),
            true,
        ));
    }
    let clients = Clients::new(workspace);
    clients.install()?;
    let passed = succeeds(clients.command(portcullis))?;
    let summary = if passed { "passed" } else { "FAILED" };
    Ok((format!("real clients: {summary}"), passed))
}

fn conformance_suite(workspace: &Workspace, portcullis: &Path) -> Result<(String, bool), String> {
    match Scripts::install(&workspace.root) {
        Ok(_) => conformance::run(portcullis),
        Err(reason) => Ok((format!("conformance: SKIPPED: {reason}"), true)),
    }
}

fn odd_inputs(workspace: &Workspace, portcullis: &Path) -> Result<(String, bool), String> {
    match Scripts::install(&workspace.root) {
        Ok(scripts) => {
            odd::ask(&scripts, portcullis).map(|outcome| (outcome.report, outcome.passed))
        }
        Err(reason) => Ok((format!("odd inputs: SKIPPED: {reason}"), true)),
    }
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments);
    command
}

// === impl Clients ===

impl Clients {
    fn new(workspace: &Workspace) -> Self {
        let source = workspace.root.join(CLIENTS);
        let tools = workspace.root.join(TOOLS);
        let packages = Packages::new(source.clone(), tools.join("npm"));
        Self {
            source,
            tools,
            packages,
            rmcp_target: workspace.target_directory.join("rmcp-client"),
        }
    }

    fn install(&self) -> Result<(), String> {
        self.packages.install()?;
        self.build_rmcp()?;
        let wanted = read(&self.source.join(REQUIREMENTS))?;
        let stamp = self.tools.join(STAMP);
        if read(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        self.install_python()?;
        write(&stamp, &wanted)
    }

    fn build_rmcp(&self) -> Result<(), String> {
        let mut build = cargo(&["build", "--quiet", "--locked", "--manifest-path"]);
        build.arg(self.source.join("rmcp/Cargo.toml"));
        build.arg("--target-dir").arg(&self.rmcp_target);
        succeed(build)
    }

    fn install_python(&self) -> Result<(), String> {
        let environment = self.tools.join("python");
        let mut create = Command::new("python3");
        create.args(["-m", "venv", "--clear"]).arg(&environment);
        succeed(create)?;
        let mut install = Command::new(self.python());
        install.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        install
            .arg("--requirement")
            .arg(self.source.join(REQUIREMENTS));
        succeed(install)
    }

    /// Runs every scenario without the gateway and through it.
    fn command(&self, portcullis: &Path) -> Command {
        let mut command = Command::new(self.python());
        command.arg(self.source.join("run.py"));
        command.arg("--portcullis").arg(portcullis);
        command.arg("--node-modules").arg(self.packages.modules());
        let rmcp_client = self.rmcp_target.join("debug/rmcp-client");
        command.arg("--rmcp-client").arg(rmcp_client);
        command
    }

    fn python(&self) -> PathBuf {
        self.tools.join("python/bin/python")
    }
}
