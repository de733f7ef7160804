use super::row::{Reader, integer};
use super::{Database, Row};
use crate::{Claim, StoreError, Upload};

const PUT: &str = "
    INSERT INTO uploads (session, destination, trace, pushed, claimant, claimed_until)
    SELECT s.id, $2, $3, $4, '', 0 FROM sessions AS s WHERE s.id = $1
    ON CONFLICT (session) DO UPDATE SET trace = excluded.trace, pushed = excluded.pushed";

/// Whatever is left to push, of sessions that nobody else takes care of.
const CLAIMABLE: &str = "
    SELECT u.session, u.destination, u.trace, u.pushed
    FROM uploads AS u JOIN sessions AS s ON s.id = u.session
    WHERE u.destination = $1 AND (u.claimant = $2 OR u.claimed_until <= $3)
        AND (u.pushed < s.last_sequence OR s.ended_at IS NOT NULL)
    ORDER BY u.session LIMIT $4";

const CLAIM: &str = "UPDATE uploads SET claimant = $2, claimed_until = $3 WHERE session = $1";

const DELETE: &str = "DELETE FROM uploads WHERE session = $1";

pub(super) fn put<D: Database + ?Sized>(
    database: &mut D,
    upload: &Upload,
) -> Result<(), StoreError> {
    let parameters = [
        upload.session.as_str().into(),
        (&upload.destination).into(),
        upload.trace.as_ref().into(),
        integer(upload.pushed)?,
    ];
    match database.execute("note how far the upload is", PUT, &parameters)? {
        0 => Err(StoreError::UnknownSession {
            session: upload.session.clone(),
        }),
        _ => Ok(()),
    }
}

pub(super) fn claim<D: Database + ?Sized>(
    database: &mut D,
    claim: Claim<'_>,
) -> Result<Vec<Upload>, StoreError> {
    let parameters = [
        claim.destination.into(),
        claim.claimant.into(),
        claim.now.into(),
        claim.limit.into(),
    ];
    let statement = format!("{CLAIMABLE} {}", D::FOR_UPDATE);
    let rows = database.query("claim uploads", &statement, &parameters)?;
    let uploads: Vec<Upload> = rows.into_iter().map(upload).collect::<Result<_, _>>()?;
    for upload in &uploads {
        let parameters = [
            upload.session.as_str().into(),
            claim.claimant.into(),
            claim.until.into(),
        ];
        database.execute("claim an upload", CLAIM, &parameters)?;
    }
    Ok(uploads)
}

pub(super) fn delete<D: Database + ?Sized>(
    database: &mut D,
    session: &str,
) -> Result<(), StoreError> {
    database.execute("end the upload", DELETE, &[session.into()])?;
    Ok(())
}

fn upload(row: Row) -> Result<Upload, StoreError> {
    let mut row = Reader::new("upload", row);
    Ok(Upload {
        session: row.parsed("session")?,
        destination: row.text("destination")?,
        trace: row.optional_text("trace")?,
        pushed: row.count("pushed")?,
    })
}
