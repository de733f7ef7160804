//! The log: a file of lines, one for each thing that happened.

mod event;
mod file;
mod line;

use std::io;
use std::path::Path;
use std::sync::Mutex;

use tracing::Level;

pub(crate) use self::event::event;
use self::file::LogFile;
use self::line::Lines;
use crate::config::LogFormat;

/// Sends what is logged from here on to the file at `path`, which several gateways share.
///
/// Standard output belongs to the protocol and standard error to the server and to what the user
/// must see at once.
pub(crate) fn to_file(path: &Path, level: Level, format: LogFormat) -> io::Result<()> {
    let file = LogFile::open(path.to_owned())?;
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .event_format(Lines(format))
        .with_writer(Mutex::new(file))
        .finish();
    // A second gateway in one process keeps the log of the first.
    tracing::subscriber::set_global_default(subscriber).ok();
    Ok(())
}
