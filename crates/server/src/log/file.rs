use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// LIMIT: a log larger than this is set aside, in place of the one before. What peers make a gateway
/// log cannot fill the disk.
const LOG_BYTES_MAX: u64 = 16 << 20;
const LOG_MODE: u32 = 0o600;

/// A log that begins anew before it is too long.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    /// What was written since it was last looked how long the file is.
    written: u64,
}

// === impl LogFile ===

impl LogFile {
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let file = open(&path, LOG_BYTES_MAX)?;
        Ok(Self {
            path,
            file,
            written: 0,
        })
    }

    /// `bytes` are on their way. Each process that shares the file looks for itself, so that it is
    /// never longer than the limit for each of them.
    fn make_room(&mut self, bytes: usize) -> io::Result<()> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.written = self.written.saturating_add(bytes);
        if self.written > LOG_BYTES_MAX {
            self.file = open(&self.path, LOG_BYTES_MAX.saturating_sub(bytes))?;
            self.written = bytes;
        }
        Ok(())
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.make_room(line.len())?;
        self.file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens the log; one that is longer than `bytes_max` is set aside before.
fn open(path: &Path, bytes_max: u64) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|file| file.len() > bytes_max) {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(LOG_MODE)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_is_set_aside_once_it_is_too_long() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        let mut log = LogFile::open(path.clone()).unwrap();
        let half = vec![b'x'; usize::try_from(LOG_BYTES_MAX / 2).unwrap()];
        let lengths = || {
            let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
            (length(&path), length(&directory.path().join("a.log.1")))
        };
        log.write_all(&half).unwrap();
        log.write_all(&half).unwrap();
        assert_eq!(lengths(), (LOG_BYTES_MAX, 0));
        log.write_all(b"one line\n").unwrap();
        assert_eq!(lengths(), (9, LOG_BYTES_MAX));
        log.write_all(&half).unwrap();
        assert_eq!(lengths(), (9 + LOG_BYTES_MAX / 2, LOG_BYTES_MAX));
    }
}
