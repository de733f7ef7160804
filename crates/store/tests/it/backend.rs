//! Empty stores of each kind, one for each test.
use std::sync::atomic::{AtomicU32, Ordering};

use portcullis_store::{Durability, Entry, Location, Store};
use postgres::{Client, NoTls};
use tempfile::TempDir;

/// The URL of a database for tests, which `cargo xtask test` sets. Tests make schemas in it.
const POSTGRES: &str = "PORTCULLIS_TEST_POSTGRES";

/// Makes tests of functions that are given an empty store, one for each back end.
macro_rules! on_every_backend {
    ($($behaviour:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[test]
                fn $behaviour() {
                    $crate::backend::with_sqlite_store(super::$behaviour);
                }
            )+
        }
        mod postgres {
            $(
                #[test]
                fn $behaviour() {
                    $crate::backend::with_postgres_store(super::$behaviour);
                }
            )+
        }
    };
}
pub(crate) use on_every_backend;

pub(crate) fn with_sqlite_store(behaviour: fn(&mut dyn Store)) {
    let place = Place::sqlite();
    behaviour(place.open(Durability::Relaxed).as_mut());
}

pub(crate) fn with_postgres_store(behaviour: fn(&mut dyn Store)) {
    if let Some(place) = Place::postgres() {
        behaviour(place.open(Durability::Relaxed).as_mut());
    }
}

pub(crate) fn write(store: &mut dyn Store, entries: impl IntoIterator<Item = impl Into<Entry>>) {
    let entries: Vec<Entry> = entries.into_iter().map(Into::into).collect();
    store.write(&entries).unwrap();
}

/// An empty store, and what removes it.
pub(crate) struct Place {
    pub(crate) location: Location,
    _cleanup: Cleanup,
}

enum Cleanup {
    Directory { _directory: TempDir },
    Schema { url: String, name: String },
    Database { url: String, name: String },
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            location: Location::Sqlite(directory.path().join("traces.db")),
            _cleanup: Cleanup::Directory {
                _directory: directory,
            },
        }
    }

    /// `None`, and a note that says so, if there is no database for tests.
    pub(crate) fn postgres() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let url = postgres_url()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        client(&url)
            .batch_execute(&format!("CREATE SCHEMA {name}"))
            .unwrap();
        let located = with_parameter(&url, &format!("options=-csearch_path%3D{name}"));
        Some(Self {
            location: located.parse().unwrap(),
            _cleanup: Cleanup::Schema { url, name },
        })
    }

    /// The same as a role may use it that has no right to make what is temporary.
    pub(crate) fn postgres_without_temporary() -> Option<Self> {
        let url = postgres_url()?;
        let name = format!("test_{}_without_temporary", std::process::id());
        let mut owner = client(&url);
        // Together they would be one transaction, in which no database is made.
        for statement in [
            format!("CREATE ROLE {name}"),
            format!("CREATE DATABASE {name}"),
            format!("REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC"),
        ] {
            owner.batch_execute(&statement).unwrap();
        }
        let database = with_parameter(&url, &format!("dbname={name}"));
        client(&database)
            .batch_execute(&format!("CREATE SCHEMA AUTHORIZATION {name}"))
            .unwrap();
        let located = with_parameter(&database, &format!("options=-crole%3D{name}"));
        Some(Self {
            location: located.parse().unwrap(),
            _cleanup: Cleanup::Database { url, name },
        })
    }

    /// The location as text that another process can read.
    pub(crate) fn argument(&self) -> String {
        match &self.location {
            Location::Sqlite(path) => path.display().to_string(),
            Location::Postgres(url) => url.clone(),
        }
    }

    pub(crate) fn open(&self, durability: Durability) -> Box<dyn Store + Send> {
        self.location.open(durability).unwrap()
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        match self {
            Self::Directory { .. } => {}
            Self::Schema { url, name } => {
                let drop = format!("DROP SCHEMA {name} CASCADE");
                client(url).batch_execute(&drop).unwrap();
            }
            Self::Database { url, name } => {
                let mut owner = client(url);
                for drop in [
                    format!("DROP DATABASE {name} WITH (FORCE)"),
                    format!("DROP ROLE {name}"),
                ] {
                    owner.batch_execute(&drop).unwrap();
                }
            }
        }
    }
}

pub(crate) fn client(url: &str) -> Client {
    Client::connect(url, NoTls).unwrap()
}

fn with_parameter(url: &str, parameter: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{parameter}")
}

/// `None`, and a note that says so, if there is no database for tests.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no other configuration"
)]
fn postgres_url() -> Option<String> {
    let url = std::env::var(POSTGRES).ok();
    if url.is_none() {
        eprintln!("SKIPPED: {POSTGRES} names no database; `cargo xtask test` starts one");
    }
    url
}
