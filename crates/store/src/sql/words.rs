//! The words of traces, so that a search is a look into an index.
//!
//! A word is a run of letters and digits, in lower case. Those of every text and number in what
//! policies see of a message count; names of members do not. A session has a word once, however
//! often it occurs.
use std::collections::{BTreeMap, BTreeSet};

use portcullis_json::{Limits, Object, Value, parse};

use super::row::{Parameter, Reader};
use super::{Column, Database, Rows, events};
use crate::{EventPage, StoreError};

/// LIMIT: of a longer word, and of a longer value in metadata, only the beginning counts.
const TEXT_CHARACTERS_MAX: usize = 64;
/// LIMIT: different words of one message that can be found.
const WORDS_OF_EVENT_MAX: usize = 2000;
/// LIMIT: values of one session's metadata that can be found.
const PROPERTIES_MAX: usize = 256;

const ADD_ROW: &str = "
    UPDATE sessions SET word_rows = word_rows + 1 WHERE number = $1 RETURNING id, word_rows";

/// LIMIT: rows of words of one session; what is said after them is not found. It is their share of
/// the numbers of rows.
const ROWS_MAX: i64 = (1 << ROW_BITS) - 1;
const ROW_BITS: u32 = 24;

const DELETE_PROPERTIES: &str = "DELETE FROM session_properties WHERE session = $1";

const PUT_PROPERTIES: &str = "
    INSERT INTO session_properties (session, key, value, number)
    SELECT r.session, r.key, r.value, r.number FROM {rows} WHERE true
    ON CONFLICT (session, key) DO NOTHING";

/// Words of messages that are written together, by the number of their row.
pub(super) type WordRows = BTreeMap<i64, BTreeSet<String>>;

/// The number of the row with the latest words of a session that has so many rows.
pub(super) fn row_number(session: i64, word_rows: i64) -> Option<i64> {
    (word_rows <= ROWS_MAX).then_some((session << ROW_BITS) | word_rows)
}

/// The words of a text that people wrote.
pub(super) fn words_of(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            let lower = word.chars().flat_map(char::to_lowercase);
            lower.take(TEXT_CHARACTERS_MAX).collect()
        })
}

/// As much of a value as is compared.
pub(super) fn cut(value: &str) -> &str {
    let end = value.char_indices().nth(TEXT_CHARACTERS_MAX);
    end.and_then(|(end, _)| value.get(..end)).unwrap_or(value)
}

/// Adds the words of what policies saw of a message.
pub(super) fn collect(events: &str, words: &mut BTreeSet<String>) {
    // What cannot be read is reported when it is exported; to find it is not owed.
    if let Ok(value) = parse(events, &Limits::lenient()) {
        let mut of_event = BTreeSet::new();
        collect_value(&value, &mut of_event);
        words.append(&mut of_event);
    }
}

fn collect_value(value: &Value, words: &mut BTreeSet<String>) {
    let mut add = |text: &str| {
        for word in words_of(text) {
            if words.len() >= WORDS_OF_EVENT_MAX {
                return;
            }
            words.insert(word);
        }
    };
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => add(&number.to_string()),
        Value::String(text) => add(text),
        Value::Array(items) => {
            for item in items.iter() {
                collect_value(item, words);
            }
        }
        Value::Object(object) => {
            for (_, member) in object.iter() {
                collect_value(member, words);
            }
        }
    }
}

pub(super) fn put<D: Database + ?Sized>(
    database: &mut D,
    words: &WordRows,
) -> Result<(), StoreError> {
    let texts: Vec<(i64, String)> = words
        .iter()
        .filter(|(_, words)| !words.is_empty())
        .map(|(row, words)| {
            (
                *row,
                words
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(" "),
            )
        })
        .collect();
    let rows = texts
        .iter()
        .map(|(row, words)| vec![Parameter::Integer(*row), words.into()]);
    let rows = Rows {
        columns: &[Column::Integer("id"), Column::Text("words")],
        rows: rows.collect(),
    };
    database.with_rows("record the words of the session", D::PUT_WORDS, &rows)?;
    Ok(())
}

/// Makes a session, which is deleted, found no more.
pub(super) fn delete<D: Database + ?Sized>(
    database: &mut D,
    session: i64,
    word_rows: i64,
) -> Result<(), StoreError> {
    let purpose = "delete the words of the session";
    let rows = (1..=word_rows).filter_map(|row| row_number(session, row));
    let rows = Rows {
        columns: &[Column::Integer("id")],
        rows: rows.map(|row| vec![Parameter::Integer(row)]).collect(),
    };
    database.with_rows(purpose, D::DELETE_WORDS, &rows)?;
    database.execute(purpose, DELETE_PROPERTIES, &[Parameter::Integer(session)])?;
    Ok(())
}

/// Makes the values of a session's metadata, as they are now, those that are found.
pub(super) fn put_properties<D: Database + ?Sized>(
    database: &mut D,
    session: i64,
    metadata: &Object,
) -> Result<(), StoreError> {
    let purpose = "record the metadata of the session";
    let session = Parameter::Integer(session);
    database.execute(purpose, DELETE_PROPERTIES, &[session])?;
    let values: Vec<_> = metadata
        .iter()
        .filter_map(|(key, value)| Some((cut(key), property(value)?)))
        .take(PROPERTIES_MAX)
        .collect();
    let rows = values.iter().map(|(key, value)| {
        let number = value
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite());
        let number = number.map_or(Parameter::Null, Parameter::Real);
        vec![session, (*key).into(), cut(value).into(), number]
    });
    let rows = Rows {
        columns: &[
            Column::Integer("session"),
            Column::Text("key"),
            Column::Text("value"),
            Column::Real("number"),
        ],
        rows: rows.collect(),
    };
    database.with_rows(purpose, PUT_PROPERTIES, &rows)?;
    Ok(())
}

/// The text that a condition compares; nested values have none.
fn property(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Makes sessions found that were written by a version that knew no search.
pub(crate) fn index_sessions<D: Database + ?Sized>(database: &mut D) -> Result<(), StoreError> {
    let purpose = "make the sessions found";
    let sessions = "SELECT id, number, metadata FROM sessions ORDER BY number";
    for row in database.query(purpose, sessions, &[])? {
        let mut row = Reader::new("session", row);
        let id = row.parsed("id")?;
        let number = row.integer("number")?;
        put_properties(database, number, &row.object("metadata")?)?;
        let mut words = BTreeSet::new();
        let mut page = EventPage::first(EventPage::LIMIT_MAX);
        loop {
            let events = events::events(database, &id, page)?;
            let Some(last) = events.last() else { break };
            page = page.after(last.sequence);
            for event in &events {
                collect(&event.events, &mut words);
            }
        }
        for row in database.query(purpose, ADD_ROW, &[Parameter::Integer(number)])? {
            let mut row = Reader::new("session", row);
            row.text("id")?;
            if let Some(row) = row_number(number, row.integer("word_rows")?) {
                put(database, &WordRows::from([(row, words.clone())]))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(words_of(text).collect::<Vec<_>>(), expected, "{text:?}");
        };
        check(
            "read_file(\"/etc/Passwd\")",
            &["read", "file", "etc", "passwd"],
        );
        check("Äpfel, 3.14 – ΣΊΣΥΦΟΣ", &["äpfel", "3", "14", "σίσυφοσ"]);
        check(" .!\u{0}", &[]);
        check(&"x".repeat(200), &[&"x".repeat(TEXT_CHARACTERS_MAX)]);
    }

    #[test]
    fn values_are_found_and_names_are_not() {
        let mut words = BTreeSet::new();
        let events = r#"[{"role":"tool","content":[{"text":"A\nb"}],"n":12,"yes":true}]"#;
        collect(events, &mut words);
        assert_eq!(
            words.into_iter().collect::<Vec<_>>(),
            ["12", "a", "b", "tool"]
        );
    }

    #[test]
    fn words_of_one_message_are_bounded() {
        let words: Vec<String> = (0..3 * WORDS_OF_EVENT_MAX).map(|n| n.to_string()).collect();
        let text = words.join(" ");
        let mut words = BTreeSet::from(["kept".to_owned()]);
        collect(&format!("[{{\"content\":\"{text}\"}}]"), &mut words);
        assert_eq!(words.len(), 1 + WORDS_OF_EVENT_MAX);
    }
}
