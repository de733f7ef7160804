//! What a store can find wrong with itself: counters that say something else than what they count,
//! and contents that nobody refers to or that are not what they were.
use super::row::Reader;
use super::{Database, contents};
use crate::StoreError;

/// LIMIT: problems of one kind that are named.
const PROBLEMS_MAX: u32 = 20;

const TEXT_CHANGED: &str = "a large text is not what was written";

/// Each finds the ids of records with a problem.
const CHECKS: [(&str, &str); 4] = [
    (
        "the count of messages is not their number",
        "SELECT s.id FROM sessions AS s WHERE s.event_count <>
            (SELECT count(*) FROM events AS e WHERE e.session = s.id) ORDER BY s.id LIMIT $1",
    ),
    (
        "a message stands behind the last",
        "SELECT s.id FROM sessions AS s WHERE s.last_sequence <
            (SELECT max(e.sequence) FROM events AS e WHERE e.session = s.id) ORDER BY s.id LIMIT $1",
    ),
    (
        "the count of traces is not their number",
        "SELECT p.name FROM projects AS p WHERE p.trace_count <>
            (SELECT count(*) FROM sessions AS s WHERE s.project = p.name) ORDER BY p.name LIMIT $1",
    ),
    (
        "a large text belongs to no message",
        "SELECT c.hash FROM contents AS c WHERE NOT EXISTS
            (SELECT 1 FROM event_contents AS e WHERE e.hash = c.hash) ORDER BY c.hash LIMIT $1",
    ),
];

/// One line for each problem.
pub(super) fn problems<D: Database + ?Sized>(database: &mut D) -> Result<Vec<String>, StoreError> {
    let mut problems = database.damages()?;
    for (problem, statement) in CHECKS {
        for row in database.query("check the store", statement, &[PROBLEMS_MAX.into()])? {
            let id = Reader::new("record", row).text("id")?;
            problems.push(format!("{id}: {problem}"));
        }
    }
    let damaged = contents::damaged(database, PROBLEMS_MAX as usize)?;
    problems.extend(damaged.iter().map(|hash| format!("{hash}: {TEXT_CHANGED}")));
    Ok(problems)
}
