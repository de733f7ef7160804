use std::str::FromStr;
use std::vec;

use portcullis_json::{Limits, Object, Value, parse, write as json_text};
use portcullis_trace::record::Timestamp;

use crate::{FailureReason, StoreError};

/// A value that a statement is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Parameter<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Real(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// One row of a result.
pub(crate) type Row = Vec<Cell>;

/// A value that a statement returned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Boolean(bool),
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// Takes a row apart, cell by cell, into our types.
pub(super) struct Reader {
    /// Whose row it is, for messages about damage.
    record: String,
    cells: vec::IntoIter<Cell>,
}

/// Makes a parameter of a number that the database cannot hold in full.
pub(super) fn integer(number: u64) -> Result<Parameter<'static>, StoreError> {
    i64::try_from(number)
        .map(Parameter::Integer)
        .map_err(|error| StoreError::Failed {
            operation: "write a number",
            reason: FailureReason::Unfit,
            source: Box::new(error),
        })
}

/// The text under which an object is kept.
pub(super) fn object_text(object: &Object) -> String {
    json_text(&object.clone().into())
}

/// The text under which a list of texts is kept.
pub(super) fn texts_text(texts: &[String]) -> String {
    let texts: Vec<Value> = texts.iter().map(|text| text.as_str().into()).collect();
    json_text(&texts.into())
}

// === impl Parameter ===

impl From<bool> for Parameter<'_> {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Parameter<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for Parameter<'_> {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<Timestamp> for Parameter<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Integer(value.as_micros())
    }
}

impl<'a> From<&'a str> for Parameter<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Parameter<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Parameter<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a, T: Into<Parameter<'a>>> From<Option<T>> for Parameter<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

// === impl Reader ===

impl Reader {
    /// The reader of a row of `kind`. If its first cell is a text, that says which one it is.
    pub(super) fn new(kind: &str, row: Row) -> Self {
        let record = match row.first() {
            Some(Cell::Text(id)) => format!("{kind} {id}"),
            _ => kind.to_owned(),
        };
        Self {
            record,
            cells: row.into_iter(),
        }
    }

    /// The reader of a row that does not say which one of its `kind` it is, but is known to be of
    /// `id`.
    pub(super) fn of(kind: &str, id: &str, row: Row) -> Self {
        Self {
            record: format!("{kind} {id}"),
            cells: row.into_iter(),
        }
    }

    pub(super) fn text(&mut self, column: &str) -> Result<String, StoreError> {
        self.optional_text(column)?
            .ok_or_else(|| self.damaged(column))
    }

    pub(super) fn optional_text(&mut self, column: &str) -> Result<Option<String>, StoreError> {
        match self.cells.next() {
            Some(Cell::Text(text)) => Ok(Some(text)),
            Some(Cell::Null) => Ok(None),
            _ => Err(self.damaged(column)),
        }
    }

    pub(super) fn optional_bytes(&mut self, column: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.cells.next() {
            Some(Cell::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Cell::Null) => Ok(None),
            _ => Err(self.damaged(column)),
        }
    }

    pub(super) fn bytes(&mut self, column: &str) -> Result<Vec<u8>, StoreError> {
        let bytes = self.optional_bytes(column)?;
        bytes.ok_or_else(|| self.damaged(column))
    }

    pub(super) fn integer(&mut self, column: &str) -> Result<i64, StoreError> {
        self.optional_integer(column)?
            .ok_or_else(|| self.damaged(column))
    }

    pub(super) fn optional_integer(&mut self, column: &str) -> Result<Option<i64>, StoreError> {
        match self.cells.next() {
            Some(Cell::Integer(number)) => Ok(Some(number)),
            Some(Cell::Null) => Ok(None),
            _ => Err(self.damaged(column)),
        }
    }

    pub(super) fn count(&mut self, column: &str) -> Result<u64, StoreError> {
        u64::try_from(self.integer(column)?).map_err(|_| self.damaged(column))
    }

    pub(super) fn optional_count(&mut self, column: &str) -> Result<Option<u64>, StoreError> {
        self.optional_integer(column)?
            .map(|number| u64::try_from(number).map_err(|_| self.damaged(column)))
            .transpose()
    }

    pub(super) fn boolean(&mut self, column: &str) -> Result<bool, StoreError> {
        match self.cells.next() {
            Some(Cell::Boolean(value)) => Ok(value),
            // SQLite has no type of its own for this.
            Some(Cell::Integer(value)) => Ok(value != 0),
            _ => Err(self.damaged(column)),
        }
    }

    pub(super) fn time(&mut self, column: &str) -> Result<Timestamp, StoreError> {
        self.integer(column).map(Timestamp::from_micros)
    }

    pub(super) fn optional_time(&mut self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        let time = self.optional_integer(column)?;
        Ok(time.map(Timestamp::from_micros))
    }

    pub(super) fn parsed<T: FromStr>(&mut self, column: &str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|_| self.damaged(column))
    }

    pub(super) fn optional_parsed<T: FromStr>(
        &mut self,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        self.optional_text(column)?
            .map(|text| text.parse().map_err(|_| self.damaged(column)))
            .transpose()
    }

    pub(super) fn list(&mut self, column: &str) -> Result<Vec<Value>, StoreError> {
        match self.json(column)? {
            Value::Array(items) => Ok(items.to_vec()),
            _ => Err(self.damaged(column)),
        }
    }

    pub(super) fn texts(&mut self, column: &str) -> Result<Vec<String>, StoreError> {
        self.list(column)?
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| self.damaged(column))
    }

    pub(super) fn object(&mut self, column: &str) -> Result<Object, StoreError> {
        match self.json(column)? {
            Value::Object(object) => Ok(Object::clone(&object)),
            _ => Err(self.damaged(column)),
        }
    }

    fn json(&mut self, column: &str) -> Result<Value, StoreError> {
        let text = self.text(column)?;
        parse(&text, &Limits::lenient()).map_err(|_| self.damaged(column))
    }

    pub(super) fn damaged(&self, column: &str) -> StoreError {
        StoreError::Damaged {
            record: self.record.clone(),
            what: format!("`{column}` holds what no version of this program wrote"),
        }
    }
}
