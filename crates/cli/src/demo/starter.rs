//! The policies that the demo switches on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// As `policies/starter.txt` lists them: name and source.
const STARTER: [(&str, &str); 1] = [(
    "exfiltration",
    include_str!("../../../../policies/exfiltration/policy.inv"),
)];

/// Writes the policies into `directory`, which is made if it does not exist, and gives their paths.
pub(crate) fn write_to(directory: &Path) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(directory)?;
    let write = |(name, source)| {
        let path = directory.join(name).with_extension("inv");
        fs::write(&path, source).map(|()| path)
    };
    STARTER.into_iter().map(write).collect()
}
