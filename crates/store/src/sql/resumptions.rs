use super::row::Reader;
use super::{Database, Row};
use crate::{Resumption, StoreError};

const PUT: &str = "
    INSERT INTO resumptions (key, session, holder, upstream_session)
    SELECT $1, s.id, $3, $4 FROM sessions AS s WHERE s.id = $2
    ON CONFLICT (key) DO UPDATE SET
        session = excluded.session, holder = excluded.holder,
        upstream_session = excluded.upstream_session";

/// Only a session that has not ended goes on.
const FIND: &str = "
    SELECT r.key, r.session, r.holder, r.upstream_session
    FROM resumptions AS r JOIN sessions AS s ON s.id = r.session
    WHERE r.key = $1 AND s.ended_at IS NULL";

pub(super) fn put<D: Database + ?Sized>(
    database: &mut D,
    resumption: &Resumption,
) -> Result<(), StoreError> {
    let parameters = [
        (&resumption.key).into(),
        resumption.session.as_str().into(),
        (&resumption.holder).into(),
        resumption.upstream_session.as_ref().into(),
    ];
    match database.execute("note how the session goes on", PUT, &parameters)? {
        0 => Err(StoreError::UnknownSession {
            session: resumption.session.clone(),
        }),
        _ => Ok(()),
    }
}

pub(super) fn find<D: Database + ?Sized>(
    database: &mut D,
    key: &str,
) -> Result<Option<Resumption>, StoreError> {
    let rows = database.query("find the session to go on with", FIND, &[key.into()])?;
    rows.into_iter().next().map(resumption).transpose()
}

fn resumption(row: Row) -> Result<Resumption, StoreError> {
    let mut row = Reader::new("resumption", row);
    Ok(Resumption {
        key: row.text("key")?,
        session: row.parsed("session")?,
        holder: row.text("holder")?,
        upstream_session: row.optional_text("upstream_session")?,
    })
}
