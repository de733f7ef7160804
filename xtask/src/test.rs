//! All tests with one command: those of cargo, then real clients against a real server.
//!
//! What the real clients need is installed into `.tools/clients`, at the versions that
//! `tests/clients` pins. A machine without Python or npm skips them and says so.

use crate::workspace::Workspace;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const CLIENTS: &str = "tests/clients";
const TOOLS: &str = ".tools/clients";
const REQUIREMENTS: &str = "requirements.txt";
const NPM_MANIFESTS: &[&str] = &["package.json", "package-lock.json"];
/// Holds what was installed, so that nothing is installed twice.
const STAMP: &str = "installed";

/// Where the real clients are described and where they are installed.
struct Clients {
    source: PathBuf,
    tools: PathBuf,
}

/// The flag of the result says whether all tests that ran passed.
pub(crate) fn run(without_clients: bool) -> Result<(String, bool), String> {
    // One build for both: what `cargo test` builds alone lacks the binary that clients start.
    succeed(cargo(&["build", "--workspace", "--bins", "--tests"]))?;
    let mut passed = succeeds(cargo(&["test", "--workspace"]))?;
    if without_clients {
        return Ok((
            "tests: real clients are left out, as asked".to_owned(),
            passed,
        ));
    }
    if let Some(program) = ["python3", "npm"]
        .into_iter()
        .find(|program| !is_present(program))
    {
        return Ok((
            format!("tests: real clients SKIPPED: there is no {program}"),
            passed,
        ));
    }
    let workspace = Workspace::load()?;
    let clients = Clients {
        source: workspace.root.join(CLIENTS),
        tools: workspace.root.join(TOOLS),
    };
    clients.install()?;
    let binary = workspace.target_directory.join("debug/portcullis");
    passed &= succeeds(clients.command(&binary))?;
    let summary = if passed { "passed" } else { "FAILED" };
    Ok((format!("tests: {summary}"), passed))
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments);
    command
}

fn is_present(program: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn succeeds(mut command: Command) -> Result<bool, String> {
    let status = command.stdin(Stdio::null()).status();
    let status = status.map_err(|error| format!("{}: {error}", name(&command)))?;
    Ok(status.success())
}

fn succeed(command: Command) -> Result<(), String> {
    let name = name(&command);
    if succeeds(command)? {
        Ok(())
    } else {
        Err(format!("`{name}` did not succeed"))
    }
}

fn name(command: &Command) -> String {
    let arguments = command.get_args().map(OsStr::to_string_lossy);
    let words: Vec<_> = [command.get_program().to_string_lossy()]
        .into_iter()
        .chain(arguments)
        .collect();
    words.join(" ")
}

// === impl Clients ===

impl Clients {
    fn install(&self) -> Result<(), String> {
        let manifests = [REQUIREMENTS].iter().chain(NPM_MANIFESTS);
        let wanted: String = manifests
            .map(|manifest| read(&self.source.join(manifest)))
            .collect::<Result<_, _>>()?;
        let stamp = self.tools.join(STAMP);
        if read(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        self.install_python()?;
        self.install_npm()?;
        write(&stamp, &wanted)
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

    fn install_npm(&self) -> Result<(), String> {
        let modules = self.modules();
        fs::create_dir_all(&modules).map_err(|error| format!("{}: {error}", modules.display()))?;
        for manifest in NPM_MANIFESTS {
            write(&modules.join(manifest), &read(&self.source.join(manifest))?)?;
        }
        let mut install = Command::new("npm");
        // Scripts of packages do not run: nothing that is needed has one.
        install.args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]);
        install.current_dir(modules);
        succeed(install)
    }

    /// Runs every scenario without the gateway and through it.
    fn command(&self, portcullis: &Path) -> Command {
        let mut command = Command::new(self.python());
        command.arg(self.source.join("run.py"));
        command.arg("--portcullis").arg(portcullis);
        command
            .arg("--node-modules")
            .arg(self.modules().join("node_modules"));
        command
    }

    fn python(&self) -> PathBuf {
        self.tools.join("python/bin/python")
    }

    fn modules(&self) -> PathBuf {
        self.tools.join("npm")
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
