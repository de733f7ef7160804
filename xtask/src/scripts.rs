//! The scripts of `tests/conformance`, beside the packages that they import, and the Node that
//! runs them.

use crate::gateway::Running;
use crate::npm::{Packages, read, write};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SOURCE: &str = "tests/conformance";
const TOOLS: &str = ".tools/conformance";
/// What is copied to where its packages are: Node looks for them in the folders above a script.
const SCRIPTS: &[&str] = &["client.js", "everything", "odd"];

pub(crate) struct Scripts {
    packages: Packages,
    tools: PathBuf,
}

// === impl Scripts ===

impl Scripts {
    pub(crate) fn install(root: &Path) -> Result<Self, String> {
        let (source, tools) = (root.join(SOURCE), root.join(TOOLS));
        let packages = Packages::new(source.clone(), tools.clone());
        packages.install()?;
        let scripts = Self { packages, tools };
        if !scripts.node().exists() {
            return Err("there is no package of Node for this machine".to_owned());
        }
        for name in SCRIPTS {
            copy(&source.join(name), &scripts.path(name))?;
        }
        Ok(scripts)
    }

    pub(crate) fn command(&self, script: &Path) -> Command {
        let mut command = Command::new(self.node());
        command.arg(script);
        command
    }

    /// Starts a server that prints its port; it serves as long as the first part of the result
    /// lives.
    pub(crate) fn serve(
        &self,
        script: &str,
        arguments: &[&str],
    ) -> Result<(Running, String), String> {
        let mut command = self.command(&self.path(script));
        let mut server = Running::start(command.args(arguments).stdout(Stdio::piped()))?;
        let line = server.first_line()?;
        let port = line.trim().rsplit(' ').next().unwrap_or_default();
        let port: u16 = port
            .parse()
            .map_err(|_| format!("{script} does not listen: `{line}`"))?;
        Ok((server, format!("http://127.0.0.1:{port}/mcp")))
    }

    pub(crate) fn path(&self, script: &str) -> PathBuf {
        self.tools.join(script)
    }

    pub(crate) fn modules(&self) -> PathBuf {
        self.packages.modules()
    }

    pub(crate) fn node(&self) -> PathBuf {
        self.packages.modules().join(".bin/node")
    }
}

/// Copies a file, or a folder with all that is in it.
fn copy(source: &Path, target: &Path) -> Result<(), String> {
    if source.is_file() {
        return write(target, &read(source)?);
    }
    let failed = |error: std::io::Error| format!("{}: {error}", source.display());
    fs::create_dir_all(target).map_err(failed)?;
    for entry in fs::read_dir(source).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().ok_or("a file without a name")?;
        copy(&path, &target.join(name))?;
    }
    Ok(())
}
