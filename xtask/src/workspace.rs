//! What `cargo metadata` says of our crates.

use crate::process::output;
use portcullis_json::{self as json, Limits, Value};
use std::path::PathBuf;
use std::process::Command;

/// The packages of the workspace and where it lies.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target_directory: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// One of our crates.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) license: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a `[dependencies]` table, as it is written: for every target and feature.
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Only tests, examples and benchmarks see it.
    pub(crate) is_dev: bool,
}

// === impl Workspace ===

impl Workspace {
    pub(crate) fn load() -> Result<Self, String> {
        let mut command = Command::new("cargo");
        command.args(["metadata", "--format-version", "1", "--no-deps"]);
        Self::read(&output(&mut command)?)
    }

    pub(crate) fn read(metadata: &str) -> Result<Self, String> {
        let metadata = json::parse(metadata, &Limits::lenient())
            .map_err(|error| format!("cargo metadata: {error}"))?;
        let packages = list(&metadata, "packages")?;
        Ok(Self {
            root: PathBuf::from(text(&metadata, "workspace_root")?),
            target_directory: PathBuf::from(text(&metadata, "target_directory")?),
            packages: packages.iter().map(package).collect::<Result<_, _>>()?,
        })
    }
}

fn package(package: &Value) -> Result<Package, String> {
    let dependencies = list(package, "dependencies")?;
    Ok(Package {
        name: text(package, "name")?,
        license: text(package, "license").ok(),
        dependencies: dependencies
            .iter()
            .map(dependency)
            .collect::<Result<_, _>>()?,
    })
}

fn dependency(dependency: &Value) -> Result<Dependency, String> {
    Ok(Dependency {
        name: text(dependency, "name")?,
        is_dev: dependency.get("kind").and_then(Value::as_str) == Some("dev"),
    })
}

fn list<'v>(value: &'v Value, name: &str) -> Result<&'v [Value], String> {
    let list = value.get(name).and_then(Value::as_array);
    list.ok_or_else(|| format!("cargo metadata: there is no list `{name}`"))
}

fn text(value: &Value, name: &str) -> Result<String, String> {
    let text = value.get(name).and_then(Value::as_str);
    let text = text.ok_or_else(|| format!("cargo metadata: there is no text `{name}`"))?;
    Ok(text.to_owned())
}
