//! Packages of npm at the versions that a lock file names, installed beside the build.

use crate::process::succeed;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const MANIFESTS: &[&str] = &["package.json", "package-lock.json"];
/// Holds what was installed, so that nothing is installed twice.
const STAMP: &str = "installed";

/// Where packages are described and where they are installed.
pub(crate) struct Packages {
    source: PathBuf,
    target: PathBuf,
}

// === impl Packages ===

impl Packages {
    pub(crate) fn new(source: PathBuf, target: PathBuf) -> Self {
        Self { source, target }
    }

    pub(crate) fn install(&self) -> Result<(), String> {
        let manifests: Vec<_> = MANIFESTS
            .iter()
            .map(|name| Ok((*name, read(&self.source.join(name))?)))
            .collect::<Result<_, String>>()?;
        let wanted: String = manifests.iter().map(|(_, text)| text.as_str()).collect();
        let stamp = self.target.join(STAMP);
        if read(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        fs::create_dir_all(&self.target)
            .map_err(|error| format!("{}: {error}", self.target.display()))?;
        for (name, text) in manifests {
            write(&self.target.join(name), &text)?;
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
        install.current_dir(&self.target);
        succeed(install)?;
        write(&stamp, &wanted)
    }

    pub(crate) fn modules(&self) -> PathBuf {
        self.target.join("node_modules")
    }
}

pub(crate) fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
