//! The store in a PostgreSQL database that any number of gateways share.
//!
//! Statements run in `READ COMMITTED` transactions; where two of them could meet, they lock rows.
//! A connection that broke is made anew when the next transaction begins.
mod open;
mod value;

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::thread;

use postgres::error::SqlState;
use postgres::{Client, Config, Statement};
use tokio::runtime::Handle;

use self::value::{Bound, arrays, cells, references};
use crate::sql::{Access, Cell, Change, Column, Database, Parameter, Row, Rows, Table, word_rows};
use crate::{Durability, FailureReason, StoreError};

/// LIMIT: statements that are kept prepared. Searches make a new one for each mix of conditions.
const STATEMENTS_MAX: usize = 256;

/// The index keeps new words aside by itself until there are enough of them.
const PUT_WORDS: &str = "
    INSERT INTO session_words (id, words)
    SELECT r.id, string_to_array(trim(r.words), ' ') FROM {rows}";

const DELETE_WORDS: &str = "DELETE FROM session_words WHERE id IN (SELECT r.id FROM {rows})";

/// One connection to a PostgreSQL database.
pub struct PostgresStore {
    config: Config,
    durability: Durability,
    /// `None` while it is dropped.
    client: Option<Client>,
    statements: HashMap<String, Statement>,
}

// === impl PostgresStore ===

impl PostgresStore {
    /// Connects to the database of `url` and brings its schema up to date.
    ///
    /// This and all other methods block, and panic on a thread that runs async code.
    pub fn open(url: &str, durability: Durability) -> Result<Self, StoreError> {
        let config = open::config(url)?;
        let client = open::connect(&config, durability)?;
        let mut store = Self {
            config,
            durability,
            client: Some(client),
            statements: HashMap::new(),
        };
        open::migrate(&mut store)?;
        Ok(store)
    }

    /// Whether it is a URL that can be connected to; nothing is connected.
    pub(crate) fn check_url(url: &str) -> Result<(), StoreError> {
        open::config(url).map(|_| ())
    }

    fn client(&mut self) -> Result<&mut Client, StoreError> {
        self.client.as_mut().ok_or(StoreError::NoConnection)
    }

    fn batch(&mut self, purpose: &'static str, statements: &str) -> Result<(), StoreError> {
        self.client()?
            .batch_execute(statements)
            .map_err(failed(purpose))
    }

    fn reconnect(&mut self) -> Result<(), StoreError> {
        self.statements.clear();
        self.client = Some(open::connect(&self.config, self.durability)?);
        Ok(())
    }

    fn prepare(&mut self, purpose: &'static str, text: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(text) {
            return Ok(statement.clone());
        }
        let prepared = self.client()?.prepare(text);
        let statement = prepared.map_err(failed(purpose))?;
        if self.statements.len() >= STATEMENTS_MAX {
            self.statements.clear();
        }
        self.statements.insert(text.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Database for PostgresStore {
    const FOR_UPDATE: &'static str = "FOR UPDATE";

    const SESSIONS_WITH_WORD: &'static str =
        "SELECT w.id >> 24 FROM session_words AS w WHERE w.words @> ARRAY[CAST({word} AS TEXT)]";

    // Of a word it is not known beforehand how many sessions hold it. As `IN`, the query would be
    // joined in whatever order suits a guess.
    const NUMBER_IS_ONE_OF: &'static str = "number = ANY (ARRAY({numbers}))";

    fn begin(&mut self, access: Access) -> Result<(), StoreError> {
        let (purpose, statement) = match access {
            Access::Read => (
                "begin to read",
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            ),
            Access::Write | Access::Record => {
                ("begin to write", "BEGIN ISOLATION LEVEL READ COMMITTED")
            }
        };
        match self.batch(purpose, statement) {
            // Nothing was done yet that a second attempt could do twice.
            Err(_) if self.client()?.is_closed() => {
                self.reconnect()?;
                self.batch(purpose, statement)
            }
            begun => begun,
        }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.batch("commit to the database", "COMMIT")
    }

    fn roll_back(&mut self) {
        // Without a connection there is no transaction.
        if self
            .client
            .as_ref()
            .is_some_and(|client| !client.is_closed())
            && let Err(error) = self.batch("roll back", "ROLLBACK")
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
        let statement = self.prepare(purpose, statement)?;
        let bound: Vec<Bound<'_>> = parameters.iter().copied().map(Bound).collect();
        let rows = self.client()?.query(&statement, &references(&bound));
        rows.and_then(|rows| cells(&rows)).map_err(failed(purpose))
    }

    fn execute(
        &mut self,
        purpose: &'static str,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<u64, StoreError> {
        let statement = self.prepare(purpose, statement)?;
        let bound: Vec<Bound<'_>> = parameters.iter().copied().map(Bound).collect();
        self.client()?
            .execute(&statement, &references(&bound))
            .map_err(failed(purpose))
    }

    fn with_rows(
        &mut self,
        purpose: &'static str,
        statement: &str,
        rows: &Rows<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        if rows.rows.is_empty() {
            return Ok(Vec::new());
        }
        let arguments: Vec<String> = (1..)
            .zip(rows.columns)
            .map(|(place, column)| match column {
                Column::Text(_) => format!("${place}::text[]"),
                Column::Integer(_) => format!("${place}::bigint[]"),
                Column::Real(_) => format!("${place}::double precision[]"),
                Column::Bytes(_) => format!("${place}::bytea[]"),
            })
            .collect();
        let names = rows.list(|_, column| column.to_owned());
        let relation = format!("unnest({}) AS r ({names})", arguments.join(", "));
        let statement = self.prepare(purpose, &statement.replace("{rows}", &relation))?;
        let arrays = arrays(rows);
        let rows = self.client()?.query(&statement, &references(&arrays));
        rows.and_then(|rows| cells(&rows)).map_err(failed(purpose))
    }

    fn change(
        &mut self,
        purpose: &'static str,
        change: Change,
        rows: &Rows<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let Change {
            table, returning, ..
        } = change;
        let set = change.set_to(rows, |_, column| format!("r.{column}"));
        let key = rows.columns.first().map_or("id", |key| key.name());
        let statement = format!(
            "UPDATE {table} SET {set} FROM {{rows}} WHERE id = r.{key} RETURNING {returning}"
        );
        self.with_rows(purpose, &statement, rows)
    }

    fn insert_new(
        &mut self,
        purpose: &'static str,
        table: Table,
        rows: &Rows<'_>,
    ) -> Result<Option<usize>, StoreError> {
        let Table { name, key } = table;
        let columns = rows.list(|_, column| column.to_owned());
        let values = rows.list(|_, column| format!("r.{column}"));
        let statement = format!(
            "INSERT INTO {name} ({columns}) SELECT {values} FROM {{rows}}
             ON CONFLICT ({key}) DO NOTHING RETURNING {key}"
        );
        let mut written = self.with_rows(purpose, &statement, rows)?;
        if written.len() == rows.rows.len() {
            return Ok(None);
        }
        // One that was written is taken for the second that claims its place.
        Ok(rows.rows.iter().position(|row| {
            let place = written.iter().position(|key| value::begins_with(row, key));
            place.map(|place| written.swap_remove(place)).is_none()
        }))
    }

    fn insert_numbered(
        &mut self,
        purpose: &'static str,
        table: Table,
        rows: &Rows<'_>,
    ) -> Result<Vec<i64>, StoreError> {
        self.insert_new(purpose, table, rows)?;
        let Table { name, key } = table;
        let keys = Rows {
            columns: rows.columns.get(..1).unwrap_or_default(),
            rows: rows
                .rows
                .iter()
                .map(|row| row.iter().take(1).copied().collect())
                .collect(),
        };
        // Nobody deletes them until what refers to them is written.
        let numbers = format!(
            "SELECT t.id FROM {name} AS t WHERE t.{key} IN (SELECT r.{key} FROM {{rows}})
             ORDER BY t.{key} FOR KEY SHARE OF t"
        );
        let found = self.with_rows(purpose, &numbers, &keys)?;
        let numbers = found.iter().filter_map(|row| match row.as_slice() {
            [Cell::Integer(number)] => Some(*number),
            _ => None,
        });
        let numbers: Vec<i64> = numbers.collect();
        if numbers.len() == rows.rows.len() {
            return Ok(numbers);
        }
        Err(StoreError::Failed {
            operation: purpose,
            reason: FailureReason::Busy,
            source: "one was deleted at the same moment".into(),
        })
    }

    fn put_words(&mut self, rows: &[(i64, String)]) -> Result<(), StoreError> {
        self.with_rows(
            "record the words of the session",
            PUT_WORDS,
            &word_rows(rows),
        )?;
        Ok(())
    }

    fn delete_words(&mut self, _session: i64, rows: &Rows<'_>) -> Result<(), StoreError> {
        self.with_rows("delete the words of the session", DELETE_WORDS, rows)?;
        Ok(())
    }

    fn damages(&mut self) -> Result<Vec<String>, StoreError> {
        // What PostgreSQL offers for this (`amcheck`) is for its superusers.
        Ok(Vec::new())
    }

    fn vacuum(&mut self) -> Result<(), StoreError> {
        // It takes as long as it takes.
        self.batch("give room back", "SET statement_timeout = 0")?;
        let done = self.batch("give room back", "VACUUM (ANALYZE)");
        self.batch("give room back", open::SETTINGS)?;
        done
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        let client = self.client.take();
        // To close a connection blocks, which a thread that runs async code must not do.
        if Handle::try_current().is_ok() {
            let closing = thread::Builder::new().name("portcullis-close".to_owned());
            if let Err(error) = closing.spawn(move || drop(client)) {
                tracing::warn!(%error, "a database connection was not closed");
            }
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

/// Turns an error of PostgreSQL into ours; `operation` completes "cannot …".
fn failed(operation: &'static str) -> impl Fn(postgres::Error) -> StoreError {
    move |source| StoreError::Failed {
        operation,
        reason: failure_reason(&source),
        source: Box::new(source),
    }
}

fn failure_reason(error: &postgres::Error) -> FailureReason {
    let Some(code) = error.code() else {
        // What the server did not say, the connection did, or the client before there was one.
        let source = error.source();
        let is_of_connection =
            error.is_closed() || source.is_some_and(<dyn Error>::is::<io::Error>);
        return if is_of_connection {
            FailureReason::Unreachable
        } else {
            FailureReason::Other
        };
    };
    match *code {
        SqlState::DISK_FULL | SqlState::OUT_OF_MEMORY => FailureReason::DiskFull,
        SqlState::LOCK_NOT_AVAILABLE
        | SqlState::QUERY_CANCELED
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::TOO_MANY_CONNECTIONS => FailureReason::Busy,
        SqlState::READ_ONLY_SQL_TRANSACTION => FailureReason::ReadOnly,
        SqlState::INVALID_PASSWORD
        | SqlState::INVALID_AUTHORIZATION_SPECIFICATION
        | SqlState::INSUFFICIENT_PRIVILEGE => FailureReason::Denied,
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => {
            FailureReason::Unreachable
        }
        SqlState::INVALID_CATALOG_NAME => FailureReason::NoDatabase,
        SqlState::PROGRAM_LIMIT_EXCEEDED => FailureReason::Unfit,
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => FailureReason::Corrupt,
        // The class of data that a column or the encoding cannot take.
        _ if code.code().starts_with("22") => FailureReason::Unfit,
        _ => FailureReason::Other,
    }
}
