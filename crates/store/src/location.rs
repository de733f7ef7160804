use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{Durability, PostgresStore, SqliteStore, Store, StoreError};

/// Where a store is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file, made when it is missing.
    Sqlite(PathBuf),
    /// The URL of a PostgreSQL database that exists; it may hold a password.
    Postgres(String),
}

// === impl Location ===

impl Location {
    /// Connects, and brings the schema up to date. What is missing is created.
    ///
    /// It blocks, and must not be called on a thread that runs async code.
    pub fn open(&self, durability: Durability) -> Result<Box<dyn Store + Send>, StoreError> {
        match self {
            Self::Sqlite(path) => Ok(Box::new(SqliteStore::open(path, durability)?)),
            Self::Postgres(url) => Ok(Box::new(PostgresStore::open(url, durability)?)),
        }
    }

    /// Connects to a store that exists, and brings its schema up to date; no file is created.
    pub fn open_existing(&self) -> Result<Box<dyn Store + Send>, StoreError> {
        match self {
            Self::Sqlite(path) => Ok(Box::new(SqliteStore::open_existing(path)?)),
            Self::Postgres(_) => self.open(Durability::Strict),
        }
    }
}

impl FromStr for Location {
    type Err = StoreError;

    /// `postgres://…` or `postgresql://…` is a URL, what has no scheme is the path of a file.
    /// `sqlite:…`, as others write it, is neither: as a path it would begin with a directory of that
    /// name.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) => {
                PostgresStore::check_url(text)?;
                Ok(Self::Postgres(text.to_owned()))
            }
            Some(_) => Err(StoreError::InvalidLocation {
                url: without_secrets(text),
            }),
            None if is_of_sqlite(text) => Err(StoreError::InvalidLocation {
                url: text.to_owned(),
            }),
            None => Ok(Self::Sqlite(PathBuf::from(text))),
        }
    }
}

/// What may be shown: a path as it is, a URL without user and password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => without_secrets(url).fmt(f),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn is_of_sqlite(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("sqlite"))
}

/// A URL without user, password and parameters.
pub(crate) fn without_secrets(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let shown = host.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}://{shown}")
}
