use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;

use tracing::Level;

/// LIMIT: a log larger than this is set aside when a gateway starts, in place of the one before.
const LOG_BYTES_MAX: u64 = 16 << 20;
const LOG_MODE: u32 = 0o600;

/// Sends what is logged from here on to the file at `path`, which several gateways share.
///
/// Standard output belongs to the protocol and standard error to the server and to what the user
/// must see at once.
pub(crate) fn to_file(path: &Path, level: Level) -> io::Result<()> {
    let file = open(path)?;
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .finish();
    // A second gateway in one process keeps the log of the first.
    tracing::subscriber::set_global_default(subscriber).ok();
    Ok(())
}

fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|file| file.len() > LOG_BYTES_MAX) {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(LOG_MODE)
        .open(path)
}
