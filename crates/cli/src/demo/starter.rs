//! The policies that the demo switches on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

macro_rules! starter {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../../policies/", $name, "/policy.inv")))),*]
    };
}

/// Name and source of what `policies/starter.txt` lists.
const STARTER: [(&str, &str); 7] = starter![
    "dangerous-shell",
    "exfiltration",
    "path-escape",
    "prompt-injection-in-output",
    "repetition",
    "secrets-in-arguments",
    "tool-poisoning",
];

/// Writes the policies into `directory`, which is made if it does not exist, and gives their paths.
pub(crate) fn write_to(directory: &Path) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(directory)?;
    let write = |(name, source)| {
        let path = directory.join(name).with_extension("inv");
        fs::write(&path, source).map(|()| path)
    };
    STARTER.into_iter().map(write).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_is_switched_on() {
        let list = include_str!("../../../../policies/starter.txt").lines();
        let listed: Vec<&str> = list.filter(|line| !line.starts_with('#')).collect();
        assert_eq!(listed, STARTER.map(|(name, _)| name));
    }
}
