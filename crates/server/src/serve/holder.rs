//! Which gateways are alive, of those that share a data directory.

use std::fs::{File, OpenOptions, TryLockError, create_dir_all, remove_file};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// A gateway that has sessions. It holds the lock of a file, which the system lets go when the
/// process ends, however that ends.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) id: Uuid,
    directory: PathBuf,
    _lock: File,
}

// === impl Holder ===

impl Holder {
    /// `directory` is made if it is not there.
    pub(crate) fn new(directory: PathBuf) -> io::Result<Self> {
        let id = Uuid::new_v4();
        create_dir_all(&directory)?;
        let lock = File::create_new(path(&directory, id))?;
        lock.lock()?;
        Ok(Self {
            id,
            directory,
            _lock: lock,
        })
    }

    /// Whether another gateway of this directory has ended. One that is not known may be alive on
    /// another machine.
    pub(crate) fn has_ended(&self, other: &str) -> bool {
        let Ok(other) = Uuid::parse_str(other) else {
            return false;
        };
        let file = OpenOptions::new()
            .write(true)
            .open(path(&self.directory, other));
        match file.map(|file| file.try_lock()) {
            Ok(Ok(())) => true,
            Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) | Err(_) => false,
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Its sessions have ended with it, so that nobody asks for it.
        remove_file(path(&self.directory, self.id)).ok();
    }
}

fn path(directory: &Path, id: Uuid) -> PathBuf {
    directory.join(id.to_string()).with_extension("lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_gateway_whose_lock_is_free_has_ended() {
        let directory = tempfile::tempdir().unwrap();
        let new = || Holder::new(directory.path().join("gateways")).unwrap();
        let (one, other) = (new(), new());
        assert!(!one.has_ended(&other.id.to_string()));
        assert!(!one.has_ended(&Uuid::new_v4().to_string()));
        assert!(!one.has_ended("../../etc/passwd"));
        let ended = Uuid::new_v4();
        File::create(path(&one.directory, ended)).unwrap();
        assert!(one.has_ended(&ended.to_string()));
    }
}
