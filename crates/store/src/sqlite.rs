//! The store in one SQLite file that several processes share.
//!
//! The file is in write-ahead-log mode: readers never wait for the writer, and writers, of which
//! there is one at a time, wait for each other at most [`BUSY_TIMEOUT`]. Every write is one
//! `BEGIN IMMEDIATE` transaction, which takes the write lock at its start, so that no transaction
//! fails half-way because somebody else wrote first.
mod migrations;
mod open;
#[cfg(test)]
mod tests;
mod words;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSql, ToSqlOutput, Type, Value, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, params_from_iter};

use crate::sql::{Access, Cell, Change, Database, Parameter, Row, Rows, Table};
use crate::{Durability, FailureReason, StoreError};

/// How long a write waits for another process to finish its own.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// LIMIT: statements that are kept prepared.
const STATEMENTS_MAX: usize = 64;

/// One connection to a SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    /// The file that the connection has open.
    file: FileId,
}

/// A file, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

// === impl SqliteStore ===

impl SqliteStore {
    /// Opens the database at `path`. What is missing is created for the owner alone: directories
    /// with mode 0700, the file with 0600. An older schema is brought up to date.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        open::create_missing(path)?;
        let store = Self::connect(path, durability)?;
        // Not before it is known to be one: any other file is nothing of ours.
        open::protect(path)?;
        Ok(store)
    }

    /// Opens the database at `path` to look at it; unlike [`Self::open`] it creates nothing.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        match path.try_exists() {
            Ok(true) => Self::connect(path, Durability::Relaxed),
            Ok(false) => Err(StoreError::Missing {
                path: path.to_owned(),
            }),
            Err(source) => Err(StoreError::Failed {
                operation: "look for the trace database",
                reason: FailureReason::CannotOpen,
                source: Box::new(source),
            }),
        }
    }

    fn connect(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        let connection = open::connect(path, durability)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        let file = FileId::at(path).map_err(|source| StoreError::Failed {
            operation: "open the trace database",
            reason: FailureReason::CannotOpen,
            source: Box::new(source),
        })?;
        let mut store = Self {
            connection,
            path: path.to_owned(),
            file,
        };
        migrations::run(&mut store, path)?;
        Ok(store)
    }

    fn prepare(&self, statement: &str) -> rusqlite::Result<CachedStatement<'_>> {
        // SQLite takes `$1` for a name, `?1` for a place.
        self.connection.prepare_cached(&statement.replace('$', "?"))
    }

    /// Inserts rows whose key is not taken, and tells of each whether it was inserted.
    ///
    /// What inserts from a query can be undone by itself, and what returns rows makes two tables for
    /// them. Either costs more than to insert.
    fn insert_each(
        &self,
        Table { name, key }: Table,
        rows: &Rows<'_>,
        mut tell: impl FnMut(usize, bool) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let columns = rows.list(|_, column| column.to_owned());
        let values = rows.list(|place, _| format!("?{place}"));
        let mut statement = self.prepare(&format!(
            "INSERT INTO {name} ({columns}) VALUES ({values}) ON CONFLICT ({key}) DO NOTHING"
        ))?;
        let mut bound: &[Parameter<'_>] = &[];
        for (place, row) in rows.rows.iter().enumerate() {
            bind_changed(&mut statement, bound, row)?;
            tell(place, statement.raw_execute()? > 0)?;
            bound = row;
        }
        Ok(())
    }

    /// Whether SQLite looks for what a row refers to, and deletes what refers to a row.
    ///
    /// A change has all statements prepared again; a connection that records hardly does anything
    /// else.
    fn enforce_references(&self, enforces: bool) -> rusqlite::Result<()> {
        const SETTING: DbConfig = DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY;
        if self.connection.db_config(SETTING)? != enforces {
            self.connection.set_db_config(SETTING, enforces)?;
        }
        Ok(())
    }
}

// === impl FileId ===

impl FileId {
    fn at(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        Ok(Self {
            device: found.dev(),
            inode: found.ino(),
        })
    }
}

impl Database for SqliteStore {
    const FOR_UPDATE: &'static str = "";

    const SESSIONS_WITH_WORD: &'static str = "
        SELECT w.session FROM (
            SELECT rowid >> 24 AS session FROM session_words
            WHERE session_words MATCH '\"' || {word} || '\"'
            UNION ALL
            SELECT id >> 24 FROM recent_words WHERE instr(words, ' ' || {word} || ' ')
        ) AS w";

    const NUMBER_IS_ONE_OF: &'static str = "number IN ({numbers})";

    fn begin(&mut self, access: Access) -> Result<(), StoreError> {
        let (purpose, statement) = match access {
            Access::Read => ("begin to read", "BEGIN"),
            Access::Write | Access::Record => ("begin to write", "BEGIN IMMEDIATE"),
        };
        // A file that was removed can still be written, and nobody would ever read it.
        if FileId::at(&self.path).ok() != Some(self.file) {
            return Err(StoreError::Replaced {
                path: self.path.clone(),
            });
        }
        self.enforce_references(access != Access::Record)
            .map_err(failed(purpose))?;
        self.connection
            .execute_batch(statement)
            .map_err(failed(purpose))
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let committed = self.connection.execute_batch("COMMIT");
        committed.map_err(|error| {
            self.roll_back();
            failed("commit to the trace database")(error)
        })
    }

    fn roll_back(&mut self) {
        // Some failures have ended the transaction already.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "a transaction was not rolled back");
        }
    }

    fn query(
        &mut self,
        purpose: &'static str,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.prepare(statement).map_err(failed(purpose))?;
        let mut found = Vec::new();
        read(&mut statement, parameters, &mut found).map_err(failed(purpose))?;
        Ok(found)
    }

    fn execute(
        &mut self,
        purpose: &'static str,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<u64, StoreError> {
        let mut statement = self.prepare(statement).map_err(failed(purpose))?;
        let changed = statement.execute(params_from_iter(parameters));
        Ok(changed.map_err(failed(purpose))? as u64)
    }

    fn with_rows(
        &mut self,
        purpose: &'static str,
        statement: &str,
        rows: &Rows<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let relation = rows.list(|place, column| format!("?{place} AS {column}"));
        let statement = statement.replace("{rows}", &format!("(SELECT {relation}) AS r"));
        let mut statement = self.prepare(&statement).map_err(failed(purpose))?;
        let mut found = Vec::new();
        for row in &rows.rows {
            read(&mut statement, row, &mut found).map_err(failed(purpose))?;
        }
        Ok(found)
    }

    fn change(
        &mut self,
        purpose: &'static str,
        change: Change,
        rows: &Rows<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        // One statement for both would make two tables for each row.
        let Change {
            table, returning, ..
        } = change;
        let set = change.set_to(rows, |place, _| format!("?{place}"));
        let update = format!("UPDATE {table} SET {set} WHERE id = ?1");
        let select = format!("SELECT {returning} FROM {table} WHERE id = ?1");
        let mut update = self.prepare(&update).map_err(failed(purpose))?;
        let mut select = self.prepare(&select).map_err(failed(purpose))?;
        let mut found = Vec::new();
        for row in &rows.rows {
            let updated = update.execute(params_from_iter(row));
            if updated.map_err(failed(purpose))? > 0 {
                let key = row.get(..1).unwrap_or_default();
                read(&mut select, key, &mut found).map_err(failed(purpose))?;
            }
        }
        Ok(found)
    }

    fn insert_new(
        &mut self,
        purpose: &'static str,
        table: Table,
        rows: &Rows<'_>,
    ) -> Result<Option<usize>, StoreError> {
        let mut taken = None;
        self.insert_each(table, rows, |place, is_new| {
            if !is_new {
                taken = taken.or(Some(place));
            }
            Ok(())
        })
        .map_err(failed(purpose))?;
        Ok(taken)
    }

    fn insert_numbered(
        &mut self,
        purpose: &'static str,
        table: Table,
        rows: &Rows<'_>,
    ) -> Result<Vec<i64>, StoreError> {
        let Table { name, key } = table;
        let known = format!("SELECT id FROM {name} WHERE {key} = ?1");
        let mut numbers = Vec::with_capacity(rows.rows.len());
        self.insert_each(table, rows, |place, is_new| {
            numbers.push(if is_new {
                self.connection.last_insert_rowid()
            } else {
                let key = rows.rows.get(place).and_then(|row| row.first());
                self.prepare(&known)?.query_one([key], |row| row.get(0))?
            });
            Ok(())
        })
        .map_err(failed(purpose))?;
        Ok(numbers)
    }

    fn put_words(&mut self, rows: &[(i64, String)]) -> Result<(), StoreError> {
        words::put(self, rows)
    }

    fn delete_words(&mut self, session: i64, rows: &Rows<'_>) -> Result<(), StoreError> {
        words::delete(self, session, rows)
    }

    fn damages(&mut self) -> Result<Vec<String>, StoreError> {
        let mut damages = Vec::new();
        let check = "PRAGMA integrity_check(20)";
        for row in self.query("check the database", check, &[])? {
            match row.as_slice() {
                [Cell::Text(line)] if line == "ok" => {}
                [Cell::Text(line)] => damages.push(line.clone()),
                _ => damages.push("the check says nothing that can be read".to_owned()),
            }
        }
        for row in self.query("check the database", "PRAGMA foreign_key_check", &[])? {
            if let Some(Cell::Text(table)) = row.first() {
                damages.push(format!("{table}: a row refers to one that is not there"));
            }
        }
        Ok(damages)
    }

    fn vacuum(&mut self) -> Result<(), StoreError> {
        // A table that every word of every message is in is read in another order when it is known
        // how large it is.
        let statements = "VACUUM; PRAGMA optimize = 0x10002; PRAGMA wal_checkpoint(TRUNCATE);";
        self.connection
            .execute_batch(statements)
            .map_err(failed("give room back"))
    }
}

/// Gives a statement that was given `bound` what is different in `row`: rows have much in common,
/// and each text is copied. Both have all that the statement takes.
fn bind_changed(
    statement: &mut CachedStatement<'_>,
    bound: &[Parameter<'_>],
    row: &[Parameter<'_>],
) -> rusqlite::Result<()> {
    if row.len() != statement.parameter_count() {
        let expected = statement.parameter_count();
        return Err(rusqlite::Error::InvalidParameterCount(row.len(), expected));
    }
    for (place, parameter) in row.iter().enumerate() {
        if bound.get(place) != Some(parameter) {
            statement.raw_bind_parameter(place + 1, parameter)?;
        }
    }
    Ok(())
}

fn read(
    statement: &mut CachedStatement<'_>,
    parameters: &[Parameter<'_>],
    found: &mut Vec<Row>,
) -> rusqlite::Result<()> {
    let columns = statement.column_count();
    let mut rows = statement.query(params_from_iter(parameters))?;
    while let Some(row) = rows.next()? {
        let cells = (0..columns).map(|place| {
            Ok(match row.get_ref(place)? {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(number) => Cell::Integer(number),
                ValueRef::Real(_) => {
                    let column = row.as_ref().column_name(place)?.to_owned();
                    return Err(rusqlite::Error::InvalidColumnType(
                        place,
                        column,
                        Type::Real,
                    ));
                }
                ValueRef::Text(text) => Cell::Text(std::str::from_utf8(text)?.to_owned()),
                ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_owned()),
            })
        });
        found.push(cells.collect::<rusqlite::Result<_>>()?);
    }
    Ok(())
}

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Boolean(value) => ToSqlOutput::Owned(Value::Integer((*value).into())),
            Self::Integer(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Real(number) => ToSqlOutput::Owned(Value::Real(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

/// Turns an error of SQLite into ours; `operation` completes "cannot …".
fn failed(operation: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| StoreError::Failed {
        operation,
        reason: failure_reason(&source),
        source: Box::new(source),
    }
}

fn failure_reason(error: &rusqlite::Error) -> FailureReason {
    // No version of this program writes real numbers, or texts that are not UTF-8.
    if let rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::Utf8Error(..) = error {
        return FailureReason::Corrupt;
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => FailureReason::Busy,
        Some(ErrorCode::DiskFull) => FailureReason::DiskFull,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => FailureReason::ReadOnly,
        Some(ErrorCode::CannotOpen) => FailureReason::CannotOpen,
        Some(ErrorCode::DatabaseCorrupt) => FailureReason::Corrupt,
        Some(ErrorCode::TooBig) => FailureReason::Unfit,
        _ => FailureReason::Other,
    }
}
