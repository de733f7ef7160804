use std::env;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use super::ConfigError;

const DATABASE: &str = "traces.db";
const LOG: &str = "portcullis.log";
const DEMO: &str = "demo";
const GATEWAYS: &str = "gateways";
const REMOTE_GUARDRAILS: &str = "guardrails";
/// Traces and logs hold what users type and tools answer.
const DIRECTORY_MODE: u32 = 0o700;

/// The directory that traces and logs are kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDirectory(PathBuf);

// === impl DataDirectory ===

impl DataDirectory {
    /// The directory `given`, or `portcullis` in the user's data directory as the XDG Base
    /// Directory Specification has it, whether it exists or not.
    pub fn find(given: Option<PathBuf>) -> Result<Self, ConfigError> {
        match given {
            Some(path) => Ok(Self(path)),
            None => default_directory(env::var_os("XDG_DATA_HOME"), env::var_os("HOME")).map(Self),
        }
    }

    /// The same directory, made if it does not exist.
    pub fn open(given: Option<PathBuf>) -> Result<Self, ConfigError> {
        let Self(path) = Self::find(given)?;
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

    /// Where each gateway that is alive holds a lock.
    pub(crate) fn gateways(&self) -> PathBuf {
        self.0.join(GATEWAYS)
    }

    /// Where the guardrails of an Explorer are kept as they were last.
    pub(crate) fn remote_guardrails(&self) -> PathBuf {
        self.0.join(REMOTE_GUARDRAILS)
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
}
