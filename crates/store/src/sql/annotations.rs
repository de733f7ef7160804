use portcullis_trace::record::SessionId;

use super::row::{Parameter, Reader, object_text};
use super::{Column, Database, Row, Rows};
use crate::{Annotation, AnnotationChange, AnnotationCount, AnnotationId, Replaced, StoreError};

const COLUMNS: &str = "SELECT id, session, content, address, metadata, created_at FROM annotations";

/// LIMIT: annotations of one session that are read.
const ANNOTATIONS_MAX: u32 = 10_000;

const PUT: &str = "
    INSERT INTO annotations
        (id, session, content, address, metadata, source, is_reviewed, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const SESSION_EXISTS: &str = "SELECT id FROM sessions WHERE id = $1";

const COUNTS: &str = "
    SELECT a.session, a.source, count(*) FROM annotations AS a
    WHERE a.session IN (SELECT r.session FROM {rows})
    GROUP BY a.session, a.source ORDER BY a.session, a.source";

const UPDATE: &str = "
    UPDATE annotations SET
        content = $2, address = $3, metadata = $4, source = $5, is_reviewed = $6
    WHERE id = $1";

const DELETE: &str = "DELETE FROM annotations WHERE id = $1";

const DELETE_OF_SOURCE: &str = "
    DELETE FROM annotations WHERE session = $1 AND source = $2 AND NOT is_reviewed";

pub(super) fn put<D: Database + ?Sized>(
    database: &mut D,
    annotations: &[Annotation],
) -> Result<(), StoreError> {
    for annotation in annotations {
        let purpose = "annotate the session";
        let session = [annotation.session.as_str().into()];
        if database
            .query(purpose, SESSION_EXISTS, &session)?
            .is_empty()
        {
            return Err(StoreError::UnknownSession {
                session: annotation.session.clone(),
            });
        }
        let metadata = object_text(&annotation.metadata);
        let parameters = [
            annotation.id.as_str().into(),
            annotation.session.as_str().into(),
            (&annotation.content).into(),
            (&annotation.address).into(),
            (&metadata).into(),
            annotation.source().into(),
            annotation.is_reviewed().into(),
            annotation.created_at.into(),
        ];
        database.execute(purpose, PUT, &parameters)?;
    }
    Ok(())
}

pub(super) fn list<D: Database + ?Sized>(
    database: &mut D,
    session: &SessionId,
) -> Result<Vec<Annotation>, StoreError> {
    let statement = format!("{COLUMNS} WHERE session = $1 ORDER BY created_at, id LIMIT $2");
    let parameters = [session.as_str().into(), ANNOTATIONS_MAX.into()];
    database
        .query("list the annotations", &statement, &parameters)?
        .into_iter()
        .map(annotation)
        .collect()
}

pub(super) fn counts<D: Database + ?Sized>(
    database: &mut D,
    sessions: &[SessionId],
) -> Result<Vec<AnnotationCount>, StoreError> {
    let rows = sessions.iter().map(|session| vec![session.as_str().into()]);
    let rows = Rows {
        columns: &[Column::Text("session")],
        rows: rows.collect(),
    };
    database
        .with_rows("count the annotations", COUNTS, &rows)?
        .into_iter()
        .map(|row| {
            let mut row = Reader::new("annotations of", row);
            Ok(AnnotationCount {
                session: row.parsed("session")?,
                source: row.optional_text("source")?,
                annotations: row.count("count")?,
            })
        })
        .collect()
}

pub(super) fn update<D: Database + ?Sized>(
    database: &mut D,
    id: &AnnotationId,
    change: &AnnotationChange,
) -> Result<Option<Annotation>, StoreError> {
    let statement = format!("{COLUMNS} WHERE id = $1 {}", D::FOR_UPDATE);
    let rows = database.query("read the annotation", &statement, &[id.as_str().into()])?;
    let Some(row) = rows.into_iter().next() else {
        return Ok(None);
    };
    let found = annotation(row)?;
    let next = Annotation {
        content: change.content.clone().unwrap_or(found.content),
        address: change.address.clone().unwrap_or(found.address),
        metadata: change.metadata.clone().unwrap_or(found.metadata),
        ..found
    };
    let metadata = object_text(&next.metadata);
    let parameters = [
        id.as_str().into(),
        (&next.content).into(),
        (&next.address).into(),
        (&metadata).into(),
        next.source().into(),
        next.is_reviewed().into(),
    ];
    database.execute("update the annotation", UPDATE, &parameters)?;
    Ok(Some(next))
}

pub(super) fn delete<D: Database + ?Sized>(
    database: &mut D,
    id: &AnnotationId,
) -> Result<bool, StoreError> {
    let deleted = database.execute("delete the annotation", DELETE, &[id.as_str().into()])?;
    Ok(deleted > 0)
}

pub(super) fn replace<D: Database + ?Sized>(
    database: &mut D,
    session: &SessionId,
    source: &str,
    annotations: &[Annotation],
) -> Result<Replaced, StoreError> {
    let parameters: [Parameter<'_>; 2] = [session.as_str().into(), source.into()];
    let deleted = database.execute("replace the annotations", DELETE_OF_SOURCE, &parameters)?;
    put(database, annotations)?;
    Ok(Replaced {
        deleted,
        inserted: annotations.len() as u64,
    })
}

fn annotation(row: Row) -> Result<Annotation, StoreError> {
    let mut row = Reader::new("annotation", row);
    Ok(Annotation {
        id: row.parsed("id")?,
        session: row.parsed("session")?,
        content: row.text("content")?,
        address: row.text("address")?,
        metadata: row.object("metadata")?,
        created_at: row.time("created_at")?,
    })
}
