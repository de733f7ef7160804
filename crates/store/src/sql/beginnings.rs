//! What is found by the beginning of its id.

use std::str::FromStr;

use super::Database;
use super::row::Reader;
use crate::{Named, StoreError};

/// LIMIT: ids that are listed where several begin alike.
const CANDIDATES_MAX: usize = 8;

/// Refuses what no id of this kind can begin with, and what is too short to mean one.
pub(super) fn check(named: Named, prefix: &str) -> Result<(), StoreError> {
    let of_an_id = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    if prefix.len() >= named.prefix_characters_min() && prefix.bytes().all(of_an_id) {
        return Ok(());
    }
    Err(StoreError::InvalidPrefix {
        named,
        prefix: prefix.to_owned(),
    })
}

/// The one id that begins so.
pub(super) fn only<T: FromStr, D: Database + ?Sized>(
    database: &mut D,
    named: Named,
    prefix: &str,
) -> Result<T, StoreError> {
    check(named, prefix)?;
    let found = ids(database, named, prefix)?;
    match <[String; 1]>::try_from(found) {
        Ok([id]) => id.parse().map_err(|_| StoreError::Damaged {
            record: id,
            what: "it is no id".to_owned(),
        }),
        Err(none) if none.is_empty() => Err(StoreError::Unknown {
            named,
            prefix: prefix.to_owned(),
        }),
        Err(several) => Err(ambiguous(named, prefix, several)),
    }
}

/// Several begin so; which ones is asked for.
pub(super) fn several<D: Database + ?Sized>(
    database: &mut D,
    named: Named,
    prefix: &str,
) -> Result<StoreError, StoreError> {
    let found = ids(database, named, prefix)?;
    Ok(ambiguous(named, prefix, found))
}

fn ambiguous(named: Named, prefix: &str, mut candidates: Vec<String>) -> StoreError {
    let are_more = candidates.len() > CANDIDATES_MAX;
    candidates.truncate(CANDIDATES_MAX);
    StoreError::AmbiguousPrefix {
        named,
        prefix: prefix.to_owned(),
        candidates,
        are_more,
    }
}

/// At most one more than are listed.
fn ids<D: Database + ?Sized>(
    database: &mut D,
    named: Named,
    prefix: &str,
) -> Result<Vec<String>, StoreError> {
    let table = match named {
        Named::Session => "sessions",
        // Those that were deleted have a history.
        Named::Guardrail => "guardrail_versions",
        Named::ApiKey => "api_keys",
    };
    // No character of an id means anything to `LIKE`, and it does not depend on a locale.
    let statement =
        format!("SELECT DISTINCT id FROM {table} WHERE id LIKE $1 ORDER BY id LIMIT $2");
    let pattern = format!("{prefix}%");
    let limit = u32::try_from(CANDIDATES_MAX + 1).unwrap_or(u32::MAX);
    database
        .query(
            "find the id",
            &statement,
            &[(&pattern).into(), limit.into()],
        )?
        .into_iter()
        .map(|row| Reader::new("id", row).text("id"))
        .collect()
}
