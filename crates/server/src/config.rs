//! Where things are on this machine, from the environment and from what the user asked for.

use std::env;
use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use portcullis_transport::child::ServerCommand;

const DATABASE: &str = "traces.db";
const LOG: &str = "portcullis.log";
const DEMO: &str = "demo";
/// Traces and logs hold what users type and tools answer.
const DIRECTORY_MODE: u32 = 0o700;

/// Programs that only run another one, which is what people call the server by.
const RUNNERS: [&str; 12] = [
    "npx", "uvx", "uv", "bunx", "pnpm", "node", "deno", "python", "python3", "pipx", "docker", "sh",
];

/// The directory that traces and logs are kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDirectory(PathBuf);

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("no place for traces and logs: neither `HOME` nor `XDG_DATA_HOME` is set")]
    NoHome,
    #[error("the data directory `{}` cannot be made", path.display())]
    DataDirectory {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

// === impl DataDirectory ===

impl DataDirectory {
    /// The directory `given`, or `portcullis` in the user's data directory as the XDG Base
    /// Directory Specification has it. Made if it does not exist.
    pub fn open(given: Option<PathBuf>) -> Result<Self, ConfigError> {
        let path = match given {
            Some(path) => path,
            None => default_directory(env::var_os("XDG_DATA_HOME"), env::var_os("HOME"))?,
        };
        let made = DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(&path);
        match made {
            Ok(()) => Ok(Self(path)),
            Err(source) => Err(ConfigError::DataDirectory { path, source }),
        }
    }

    pub fn database(&self) -> PathBuf {
        self.0.join(DATABASE)
    }

    pub fn log(&self) -> PathBuf {
        self.0.join(LOG)
    }

    /// What only `portcullis demo` uses.
    pub fn demo(&self) -> PathBuf {
        self.0.join(DEMO)
    }
}

fn default_directory(
    data_home: Option<impl Into<PathBuf>>,
    home: Option<impl Into<PathBuf>>,
) -> Result<PathBuf, ConfigError> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let data_home = data_home.map(Into::into).filter(absolute);
    let home = home.map(Into::into).filter(absolute);
    data_home
        .or_else(|| Some(home?.join(".local/share")))
        .map(|data| data.join("portcullis"))
        .ok_or(ConfigError::NoHome)
}

/// What to call a server that was given no name: the program, or what a runner such as `npx` runs.
pub fn server_name(command: &ServerCommand) -> String {
    let name = |path: &OsStr| {
        let file = Path::new(path).file_name().unwrap_or(path);
        file.to_string_lossy().into_owned()
    };
    let program = name(&command.program);
    if !RUNNERS.contains(&program.as_str()) {
        return program;
    }
    let is_plain = |argument: &&std::ffi::OsString| {
        let text = argument.to_string_lossy();
        !text.starts_with('-') && !matches!(&*text, "run" | "exec" | "tool" | "dlx")
    };
    command
        .arguments
        .iter()
        .find(is_plain)
        .map_or(program, |argument| name(argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_directory_follows_xdg() {
        let check = |data_home: Option<&str>, home: Option<&str>, expected: Option<&str>| {
            let found = default_directory(data_home, home).ok();
            assert_eq!(found, expected.map(PathBuf::from));
        };
        check(Some("/data"), Some("/home/u"), Some("/data/portcullis"));
        check(
            None,
            Some("/home/u"),
            Some("/home/u/.local/share/portcullis"),
        );
        check(
            Some("relative"),
            Some("/h"),
            Some("/h/.local/share/portcullis"),
        );
        check(Some(""), Some("/h"), Some("/h/.local/share/portcullis"));
        check(None, None, None);
        check(None, Some(""), None);
    }

    #[test]
    fn servers_are_named_after_what_they_run() {
        let check = |words: &[&str], expected: &str| {
            let mut words = words.iter().map(Into::into);
            let command = ServerCommand {
                program: words.next().unwrap(),
                arguments: words.collect(),
            };
            assert_eq!(server_name(&command), expected);
        };
        check(&["/usr/bin/my-server", "--port"], "my-server");
        check(
            &["npx", "-y", "@modelcontextprotocol/server-everything"],
            "server-everything",
        );
        check(
            &["uvx", "mcp-server-git", "--repository", "/r"],
            "mcp-server-git",
        );
        check(&["uv", "run", "server.py"], "server.py");
        check(&["node"], "node");
    }
}
