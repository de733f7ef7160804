use std::io;
use std::path::PathBuf;

use super::problem::FileProblems;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("no place for traces and logs: neither `HOME` nor `XDG_DATA_HOME` is set")]
    NoHome,
    #[error("the directory `{}` for traces and logs cannot be made", path.display())]
    DataDirectory {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{name}` is no address of an Explorer: `{written}` is no URL with http or https")]
    ExplorerUrl { name: &'static str, written: String },
    /// The key is not quoted in what is said about it.
    #[error("the key in `{name}` has characters that no header may have")]
    ExplorerKey { name: &'static str },
    #[error("the configuration `{}` cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the configuration `{}` is longer than {limit} bytes", path.display())]
    TooLong { path: PathBuf, limit: u64 },
    #[error("`{}` is no regular file, which could be read again", path.display())]
    Irregular { path: PathBuf },
    #[error("the configuration `{}` has no server to guard", path.display())]
    NoServer { path: PathBuf },
    /// As a file that is being written does for a while.
    #[error("the configuration `{}` says nothing", path.display())]
    Empty { path: PathBuf },
    /// What is wrong with the file and the policies it names, with the warnings.
    #[error("the configuration does not load: {}", summary(.0))]
    Invalid(Vec<FileProblems>),
}

/// The first error, and how many there are beside it: enough for a line of a log.
fn summary(files: &[FileProblems]) -> String {
    let mut errors = files.iter().flat_map(FileProblems::errors);
    let first = errors.next().unwrap_or_default();
    match errors.count() {
        0 => first,
        more => format!("{first} (and {more} more)"),
    }
}
