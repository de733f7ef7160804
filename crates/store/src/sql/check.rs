//! What a store can find wrong with itself: counters that say something else than what they count,
//! and contents that nobody refers to or that are not what they were.
use super::row::Reader;
use super::{Database, contents};
use crate::StoreError;

/// LIMIT: problems of one kind that are named.
const PROBLEMS_MAX: u32 = 20;

const TEXT_UNUSED: &str = "a large text belongs to no message";
const TEXT_CHANGED: &str = "a large text is not what was written";

/// Each finds the ids of records with a problem.
const CHECKS: [(&str, &str); 3] = [
    (
        "the count of messages is not their number",
        "SELECT s.id FROM sessions AS s WHERE s.event_count <>
            (SELECT count(*) FROM events AS e WHERE e.session = s.number) ORDER BY s.id LIMIT $1",
    ),
    (
        "a message stands behind the last",
        "SELECT s.id FROM sessions AS s WHERE s.last_sequence <
            (SELECT max(e.sequence) FROM events AS e WHERE e.session = s.number)
        ORDER BY s.id LIMIT $1",
    ),
    (
        "the count of traces is not their number",
        "SELECT p.name FROM projects AS p WHERE p.trace_count <>
            (SELECT count(*) FROM sessions AS s WHERE s.project = p.name) ORDER BY p.name LIMIT $1",
    ),
];

/// One line for each problem.
pub(super) fn problems<D: Database + ?Sized>(database: &mut D) -> Result<Vec<String>, StoreError> {
    let mut problems = Vec::new();
    note(database.damages(), &mut problems)?;
    for (problem, statement) in CHECKS {
        note(named(database, problem, statement), &mut problems)?;
    }
    let unused = contents::unused(database, PROBLEMS_MAX);
    let damaged = contents::damaged(database, PROBLEMS_MAX as usize);
    for (problem, found) in [(TEXT_UNUSED, unused), (TEXT_CHANGED, damaged)] {
        let named = found.map(|hashes| {
            let hashes = hashes.iter();
            hashes.map(|hash| format!("{hash}: {problem}")).collect()
        });
        note(named, &mut problems)?;
    }
    Ok(problems)
}

/// What cannot be read for damage is a problem like others, and keeps nothing else from being
/// looked at.
fn note(
    found: Result<Vec<String>, StoreError>,
    problems: &mut Vec<String>,
) -> Result<(), StoreError> {
    match found {
        Ok(found) => problems.extend(found),
        Err(error) if error.is_damage() => problems.push(error.to_string()),
        Err(error) => return Err(error),
    }
    Ok(())
}

fn named<D: Database + ?Sized>(
    database: &mut D,
    problem: &str,
    statement: &str,
) -> Result<Vec<String>, StoreError> {
    let rows = database.query("check the store", statement, &[PROBLEMS_MAX.into()])?;
    let rows = rows.into_iter().map(|row| {
        let id = Reader::new("record", row).text("id")?;
        Ok(format!("{id}: {problem}"))
    });
    rows.collect()
}
