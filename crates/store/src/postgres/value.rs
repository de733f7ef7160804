//! Values on their way to PostgreSQL and back.
use std::borrow::Cow;
use std::error::Error;

use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::sql::{Cell, Column, Parameter, Row, Rows};

/// PostgreSQL's texts cannot hold U+0000, ours can: a peer must not choose what is recorded. So
/// U+0000 is kept as U+F8FF `0`, and U+F8FF, which has no meaning anywhere, as U+F8FF `1`.
const ESCAPE: char = '\u{F8FF}';

/// A parameter of a statement.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub(super) Parameter<'a>);

/// A column of the rows that a statement is given.
#[derive(Debug)]
pub(super) enum Array<'a> {
    Texts(Vec<Option<Cow<'a, str>>>),
    Integers(Vec<Option<i64>>),
    Reals(Vec<Option<f64>>),
    Bytes(Vec<Option<&'a [u8]>>),
}

/// Whether these are the first values of a row.
pub(super) fn begins_with(row: &[Parameter<'_>], values: &[Cell]) -> bool {
    row.iter().zip(values).all(|pair| match pair {
        (Parameter::Text(one), Cell::Text(other)) => one == other,
        (Parameter::Integer(one), Cell::Integer(other)) => one == other,
        (Parameter::Bytes(one), Cell::Bytes(other)) => one == other,
        _ => false,
    })
}

pub(super) fn references<T: ToSql + Sync>(values: &[T]) -> Vec<&(dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}

/// The rows, column by column. What does not fit a column's type is absent, and refused there.
pub(super) fn arrays<'a>(rows: &Rows<'a>) -> Vec<Array<'a>> {
    let cells = |place: usize| rows.rows.iter().map(move |row| row.get(place).copied());
    let array = |(place, column): (usize, &Column)| match column {
        Column::Text(_) => Array::Texts(
            cells(place)
                .map(|cell| match cell {
                    Some(Parameter::Text(text)) => Some(escaped(text)),
                    _ => None,
                })
                .collect(),
        ),
        Column::Integer(_) => Array::Integers(
            cells(place)
                .map(|cell| match cell {
                    Some(Parameter::Integer(number)) => Some(number),
                    _ => None,
                })
                .collect(),
        ),
        Column::Real(_) => Array::Reals(
            cells(place)
                .map(|cell| match cell {
                    Some(Parameter::Real(number)) => Some(number),
                    _ => None,
                })
                .collect(),
        ),
        Column::Bytes(_) => Array::Bytes(
            cells(place)
                .map(|cell| match cell {
                    Some(Parameter::Bytes(bytes)) => Some(bytes),
                    _ => None,
                })
                .collect(),
        ),
    };
    rows.columns.iter().enumerate().map(array).collect()
}

pub(super) fn cells(rows: &[postgres::Row]) -> Result<Vec<Row>, postgres::Error> {
    rows.iter()
        .map(|row| {
            let columns = row.columns().iter().enumerate();
            columns
                .map(|(place, column)| cell(row, place, column.type_()))
                .collect()
        })
        .collect()
}

fn cell(row: &postgres::Row, place: usize, kind: &Type) -> Result<Cell, postgres::Error> {
    let cell = match *kind {
        Type::BOOL => row.try_get::<_, Option<bool>>(place)?.map(Cell::Boolean),
        Type::INT8 => row.try_get::<_, Option<i64>>(place)?.map(Cell::Integer),
        Type::TEXT => {
            let text = row.try_get::<_, Option<&str>>(place)?;
            text.map(|text| Cell::Text(unescaped(text)))
        }
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(place)?.map(Cell::Bytes),
        // Whoever reads it finds that no version wrote this.
        _ => Some(Cell::Boolean(false)),
    };
    Ok(cell.unwrap_or(Cell::Null))
}

fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => escaped.extend([ESCAPE, '0']),
            ESCAPE => escaped.extend([ESCAPE, '1']),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split(ESCAPE);
    let mut unescaped = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if let Some(rest) = part.strip_prefix('0') {
            unescaped.push('\0');
            unescaped.push_str(rest);
        } else {
            unescaped.push(ESCAPE);
            unescaped.push_str(part.strip_prefix('1').unwrap_or(part));
        }
    }
    unescaped
}

impl ToSql for Bound<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.0 {
            Parameter::Null => Ok(IsNull::Yes),
            Parameter::Boolean(value) => value.to_sql(kind, out),
            Parameter::Integer(number) => number.to_sql(kind, out),
            Parameter::Real(number) => number.to_sql(kind, out),
            Parameter::Text(text) => escaped(text).to_sql(kind, out),
            Parameter::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl ToSql for Array<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Texts(texts) => texts.to_sql(kind, out),
            Self::Integers(numbers) => numbers.to_sql(kind, out),
            Self::Reals(numbers) => numbers.to_sql(kind, out),
            Self::Bytes(values) => values.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back() {
        for text in [
            "",
            "plain",
            "\0",
            "a\0b\0",
            "\u{F8FF}",
            "\u{F8FF}0\u{F8FF}1\0",
            "é\u{F8FF}",
        ] {
            let kept = escaped(text);
            assert!(!kept.contains('\0'));
            assert_eq!(unescaped(&kept), text);
        }
    }
}
