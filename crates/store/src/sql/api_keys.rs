use portcullis_trace::record::Timestamp;

use super::row::Reader;
use super::{Database, Row, beginnings};
use crate::{ApiKey, ApiKeyHash, ApiKeyId, Named, StoreError};

const COLUMNS: &str = "SELECT id, name, hash, created_at, expires_at, revoked_at FROM api_keys";

/// LIMIT: keys that are listed.
const KEYS_MAX: u32 = 10_000;

const INSERT: &str = "
    INSERT INTO api_keys (id, name, hash, created_at, expires_at, revoked_at)
    VALUES ($1, $2, $3, $4, $5, $6)";

const REVOKE: &str = "
    UPDATE api_keys SET revoked_at = CASE WHEN revoked_at IS NULL THEN $2 ELSE revoked_at END
    WHERE id = $1";

pub(super) fn create<D: Database + ?Sized>(
    database: &mut D,
    key: &ApiKey,
) -> Result<(), StoreError> {
    let parameters = [
        key.id.as_str().into(),
        (&key.name).into(),
        key.hash.as_str().into(),
        key.created_at.into(),
        key.expires_at.into(),
        key.revoked_at.into(),
    ];
    database.execute("create the API key", INSERT, &parameters)?;
    Ok(())
}

pub(super) fn list<D: Database + ?Sized>(database: &mut D) -> Result<Vec<ApiKey>, StoreError> {
    let statement = format!("{COLUMNS} ORDER BY created_at, id LIMIT $1");
    database
        .query("list the API keys", &statement, &[KEYS_MAX.into()])?
        .into_iter()
        .map(key)
        .collect()
}

pub(super) fn by_hash<D: Database + ?Sized>(
    database: &mut D,
    hash: &ApiKeyHash,
) -> Result<Option<ApiKey>, StoreError> {
    let statement = format!("{COLUMNS} WHERE hash = $1");
    let rows = database.query("find the API key", &statement, &[hash.as_str().into()])?;
    rows.into_iter().next().map(key).transpose()
}

/// The id of the one key whose id begins so.
pub(super) fn id<D: Database + ?Sized>(
    database: &mut D,
    prefix: &str,
) -> Result<ApiKeyId, StoreError> {
    beginnings::only(database, Named::ApiKey, prefix)
}

pub(super) fn revoke<D: Database + ?Sized>(
    database: &mut D,
    id: &ApiKeyId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let parameters = [id.as_str().into(), at.into()];
    Ok(database.execute("revoke the API key", REVOKE, &parameters)? > 0)
}

fn key(row: Row) -> Result<ApiKey, StoreError> {
    let mut row = Reader::new("API key", row);
    Ok(ApiKey {
        id: row.parsed("id")?,
        name: row.text("name")?,
        hash: ApiKeyHash::stored(row.text("hash")?),
        created_at: row.time("created_at")?,
        expires_at: row.optional_time("expires_at")?,
        revoked_at: row.optional_time("revoked_at")?,
    })
}
