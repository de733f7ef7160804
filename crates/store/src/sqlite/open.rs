use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{BUSY_TIMEOUT, failed};
use crate::{Durability, StoreError};

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const EVERYONE_ELSE: u32 = 0o077;

/// A page is at least that long.
const DATABASE_BYTES_MIN: u64 = 512;

/// LIMIT: memory for pages of the file.
const CACHE_KIB_MAX: i64 = 16 << 10;

/// LIMIT: pages of the log that are not in the file yet, unless somebody reads. A page that is
/// written again and again goes into the file once.
const LOG_PAGES_MAX: u32 = 4000;

/// LIMIT: while one process turns a new file into a database with a write-ahead log, the others are
/// refused at once instead of made to wait, so that they come again: for five seconds in all.
const CONFIGURE_ATTEMPTS_MAX: u32 = 250;
const CONFIGURE_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Makes sure that there is a file at `path`. A new one only its owner can read.
pub(super) fn create_missing(path: &Path) -> Result<(), StoreError> {
    create(path).map_err(|source| StoreError::Unprotected {
        path: path.to_owned(),
        source,
    })
}

fn create(path: &Path) -> io::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    let directory = directory_of(path);
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(directory)?;
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)
    {
        // A file whose name is not on disk yet would take strict promises with it.
        Ok(_) => File::open(directory)?.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

pub(super) fn directory_of(path: &Path) -> &Path {
    let named = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

/// Makes sure that only its owner can read the database at `path`.
///
/// Traces hold whatever passed between the peers, secrets included. SQLite gives the log and the
/// shared memory beside the file the mode that it has when it is opened.
pub(super) fn protect(path: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        protect_file(Path::new(&name)).map_err(|source| StoreError::Unprotected {
            path: path.to_owned(),
            source,
        })?;
    }
    Ok(())
}

/// Takes a file's permissions away from everyone else.
///
/// INVARIANT: an existing database is never opened here. Closing a second descriptor of it would
/// release the locks that SQLite holds for another connection of this process.
fn protect_file(path: &Path) -> io::Result<()> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    let mode = metadata.permissions().mode();
    if metadata.is_file() && mode & EVERYONE_ELSE != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(mode & !EVERYONE_ELSE))?;
    }
    Ok(())
}

/// Opens the file at `path`, which exists.
pub(super) fn connect(path: &Path, durability: Durability) -> Result<Connection, StoreError> {
    if !path.is_file() {
        return Err(StoreError::NotAFile {
            path: path.to_owned(),
        });
    }
    // SQLite takes what is too short for a database for a new one.
    if fs::metadata(path).is_ok_and(|file| (1..DATABASE_BYTES_MIN).contains(&file.len())) {
        return Err(StoreError::NotADatabase {
            path: path.to_owned(),
        });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(failed("open the trace database"))?;
    configure(&connection, path, durability)?;
    Ok(connection)
}

fn configure(
    connection: &Connection,
    path: &Path,
    durability: Durability,
) -> Result<(), StoreError> {
    let mut configured = try_to_configure(connection, durability);
    for _ in 1..CONFIGURE_ATTEMPTS_MAX {
        match &configured {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                thread::sleep(CONFIGURE_AGAIN_AFTER);
                configured = try_to_configure(connection, durability);
            }
            _ => break,
        }
    }
    match configured {
        Ok(mode) if mode == "wal" => Ok(()),
        Ok(_) => Err(StoreError::NoWriteAheadLog {
            path: path.to_owned(),
        }),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(StoreError::NotADatabase {
                path: path.to_owned(),
            })
        }
        Err(error) => Err(failed("configure the trace database")(error)),
    }
}

/// The journal mode that the database has afterwards; it is kept in the file.
fn try_to_configure(connection: &Connection, durability: Durability) -> rusqlite::Result<String> {
    let synchronous = match durability {
        Durability::Relaxed => "NORMAL",
        Durability::Strict => "FULL",
    };
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB_MAX)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES_MAX)?;
    let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(mode)
}
