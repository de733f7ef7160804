//! What a store does, in SQL that SQLite and PostgreSQL both understand.
//!
//! A back end is a [`Database`]: it runs statements. Everything else is written once: parameters
//! are `$1`, `$2`, …; times and counts are 64-bit integers; JSON is text.
mod annotations;
mod api_keys;
mod append;
mod beginnings;
mod check;
mod contents;
mod copies;
mod events;
mod forget;
mod guardrails;
mod listing;
mod packed;
mod projects;
mod resumptions;
mod row;
mod sessions;
mod store;
mod strings;
mod tool_pins;
mod uploads;
mod words;
mod write;

pub(crate) use self::guardrails::GUARDRAILS_MAX;
pub(crate) use self::row::{Cell, Parameter, Row};
pub(crate) use self::words::{index_sessions, joined, word_rows};

use crate::StoreError;

/// A connection that runs statements. The first argument of each completes "cannot …".
pub(crate) trait Database {
    /// What a `SELECT` ends with to keep others from changing its rows until the transaction ends.
    /// Empty where a transaction that writes is alone anyway.
    const FOR_UPDATE: &'static str;

    /// The numbers of the sessions that hold `{word}`.
    const SESSIONS_WITH_WORD: &'static str;

    /// That a session's number is one of `{numbers}`, a query that is answered first.
    const NUMBER_IS_ONE_OF: &'static str;

    fn begin(&mut self, access: Access) -> Result<(), StoreError>;

    fn commit(&mut self) -> Result<(), StoreError>;

    /// Ends a transaction whose work failed; that failure is the one that counts.
    fn roll_back(&mut self);

    fn query(
        &mut self,
        purpose: &'static str,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StoreError>;

    /// How many rows it changed.
    fn execute(
        &mut self,
        purpose: &'static str,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<u64, StoreError>;

    /// Runs a statement that reads its rows from a relation `{rows}`, such as
    /// `INSERT INTO … SELECT … FROM {rows}`; the relation's name is `r`.
    ///
    /// It is the same as one statement for each row, and much less than one round trip for each.
    fn with_rows(
        &mut self,
        purpose: &'static str,
        statement: &str,
        rows: &Rows<'_>,
    ) -> Result<Vec<Row>, StoreError>;

    /// Changes rows of a table, and returns what is asked for of those that were there.
    fn change(
        &mut self,
        purpose: &'static str,
        change: Change,
        rows: &Rows<'_>,
    ) -> Result<Vec<Row>, StoreError>;

    /// Inserts rows into a table whose columns have the same names, the key's first. What is there
    /// already stays; the first of the rows that found its key taken, if there is one.
    fn insert_new(
        &mut self,
        purpose: &'static str,
        table: Table,
        rows: &Rows<'_>,
    ) -> Result<Option<usize>, StoreError>;

    /// Inserts rows, as [`Self::insert_new`] does, into a table that numbers them in its column `id`,
    /// and returns the number of each, whether it is new or was there. The key is one column, in
    /// whose order the rows come, no two alike.
    fn insert_numbered(
        &mut self,
        purpose: &'static str,
        table: Table,
        rows: &Rows<'_>,
    ) -> Result<Vec<i64>, StoreError>;

    /// Makes words found: the numbers of new rows, and the words of each with spaces around them.
    fn put_words(&mut self, rows: &[(i64, String)]) -> Result<(), StoreError>;

    /// Takes all words of a session away: of the one with this number, whose rows of words have the
    /// `id`s of `rows`.
    fn delete_words(&mut self, session: i64, rows: &Rows<'_>) -> Result<(), StoreError>;

    /// What the database itself finds wrong with its files.
    fn damages(&mut self) -> Result<Vec<String>, StoreError>;

    /// Gives the room of deleted rows back, outside of a transaction.
    fn vacuum(&mut self) -> Result<(), StoreError>;
}

/// What a transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// All statements see the same state.
    Read,
    Write,
    /// Writes rows that refer only to what the transaction has found or written itself, and deletes
    /// none that another refers to: to look for what they refer to is left out where that can be.
    Record,
}

/// A table that rows are inserted into, and the columns that tell its rows apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) key: &'static str,
}

/// How one row of a table changes for each row of a caller: the one whose `id` is in the caller's
/// first column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) table: &'static str,
    /// What is set; `{column}` is the value of the caller's row.
    pub(crate) set: &'static str,
    /// Columns of the changed row.
    pub(crate) returning: &'static str,
}

/// Rows that a statement reads from its caller.
pub(crate) struct Rows<'a> {
    pub(crate) columns: &'static [Column],
    pub(crate) rows: Vec<Vec<Parameter<'a>>>,
}

impl Rows<'_> {
    /// What `text` makes of the place, from 1, and the name of each column.
    pub(crate) fn list(&self, text: impl Fn(usize, &str) -> String) -> String {
        let columns = (1..).zip(self.columns);
        let texts: Vec<_> = columns
            .map(|(place, column)| text(place, column.name()))
            .collect();
        texts.join(", ")
    }
}

/// The name and the type of a column of [`Rows`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    Text(&'static str),
    Integer(&'static str),
    Real(&'static str),
    Bytes(&'static str),
}

/// Runs `work` in a transaction of its own: all of it counts, or nothing.
pub(crate) fn transaction<D: Database + ?Sized, T>(
    database: &mut D,
    access: Access,
    work: impl FnOnce(&mut D) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    database.begin(access)?;
    match work(database) {
        Ok(done) => {
            database.commit()?;
            Ok(done)
        }
        Err(error) => {
            database.roll_back();
            Err(error)
        }
    }
}

// === impl Change ===

impl Change {
    /// What is set, with what `value` makes of the place, from 1, and the name of each column.
    pub(crate) fn set_to(&self, rows: &Rows<'_>, value: impl Fn(usize, &str) -> String) -> String {
        let columns = (1..).zip(rows.columns);
        columns.fold(self.set.to_owned(), |set, (place, column)| {
            let name = column.name();
            set.replace(&format!("{{{name}}}"), &value(place, name))
        })
    }
}

// === impl Column ===

impl Column {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text(name) | Self::Integer(name) | Self::Real(name) | Self::Bytes(name) => name,
        }
    }
}
