//! Sessions, one at a time.
use portcullis_trace::record::{Origin, Sequence, SessionId, SessionRecord, SessionSummary};

use super::listing::{SESSION_COLUMNS, summary};
use super::row::{Parameter, Reader, integer, object_text, texts_text};
use super::{Database, beginnings, contents, projects, words};
use crate::{Named, StoreError};

/// `g` comes after every character of an id, so that the range holds exactly what begins alike.
const WITH_PREFIX: &str = "WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 2";

const UPDATE: &str = "
    UPDATE sessions SET
        name = $2, server = $3, client_name = $4, client_version = $5, metadata = $6,
        hierarchy_path = $7
    WHERE id = $1
    RETURNING number";

const INSERT: &str = "
    INSERT INTO sessions
        (id, name, server, client_name, client_version, metadata, hierarchy_path, project,
         started_at, active_at, origin, project_index, last_pushed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12)";

const SHARE: &str = "UPDATE sessions SET is_shared = $2 WHERE id = $1";

const PROJECT_OF: &str = "SELECT project, number, word_rows FROM sessions WHERE id = $1";

const DELETE: &str = "DELETE FROM sessions WHERE id = $1";

const PURPOSE: &str = "record the session";

pub(super) fn session<D: Database + ?Sized>(
    database: &mut D,
    prefix: &str,
) -> Result<SessionSummary, StoreError> {
    beginnings::check(Named::Session, prefix)?;
    let statement = format!("{SESSION_COLUMNS} {WITH_PREFIX}");
    let end = format!("{prefix}g");
    let parameters = [prefix.into(), (&end).into()];
    let mut rows = database
        .query("find the session", &statement, &parameters)?
        .into_iter();
    match (rows.next(), rows.next()) {
        (None, _) => Err(StoreError::Unknown {
            named: Named::Session,
            prefix: prefix.to_owned(),
        }),
        (Some(row), None) => summary(row),
        (Some(_), Some(_)) => Err(beginnings::several(database, Named::Session, prefix)?),
    }
}

/// Writes a new session, or what became known of one since.
pub(super) fn put<D: Database + ?Sized>(
    database: &mut D,
    record: &SessionRecord,
) -> Result<(), StoreError> {
    let metadata = object_text(&record.metadata);
    let hierarchy_path = texts_text(&record.hierarchy_path);
    let client = record.client.as_ref();
    let mut parameters = vec![
        record.id.as_str().into(),
        record.name.as_ref().into(),
        (&record.server).into(),
        client.map(|client| &client.name).into(),
        client.and_then(|client| client.version.as_ref()).into(),
        (&metadata).into(),
        (&hierarchy_path).into(),
    ];
    let mut rows = database.query(PURPOSE, UPDATE, &parameters)?;
    if rows.is_empty() {
        let index = match &record.project {
            Some(project) => Some(projects::place_for(database, project, record)?),
            None => record.index,
        };
        let last_pushed_at = match record.origin {
            Origin::Live => None,
            Origin::Pushed => Some(record.started_at),
        };
        parameters.extend([
            Parameter::from(record.project.as_ref()),
            record.started_at.into(),
            record.origin.name().into(),
            index.map(integer).transpose()?.unwrap_or(Parameter::Null),
            last_pushed_at.into(),
        ]);
        database.execute(PURPOSE, INSERT, &parameters)?;
        let number = "SELECT number FROM sessions WHERE id = $1";
        rows = database.query(PURPOSE, number, &[record.id.as_str().into()])?;
    }
    for row in rows {
        let mut row = Reader::of("session", record.id.as_str(), row);
        words::put_properties(database, row.integer("number")?, &record.metadata)?;
    }
    Ok(())
}

pub(super) fn share<D: Database + ?Sized>(
    database: &mut D,
    session: &SessionId,
    is_shared: bool,
) -> Result<(), StoreError> {
    let parameters = [session.as_str().into(), is_shared.into()];
    match database.execute("share the session", SHARE, &parameters)? {
        0 => Err(StoreError::UnknownSession {
            session: session.clone(),
        }),
        _ => Ok(()),
    }
}

pub(super) fn delete<D: Database + ?Sized>(
    database: &mut D,
    session: &SessionId,
) -> Result<bool, StoreError> {
    let purpose = "delete the session";
    let id = [session.as_str().into()];
    let Some(row) = database.query(purpose, PROJECT_OF, &id)?.into_iter().next() else {
        return Ok(false);
    };
    let mut row = Reader::of("session", session.as_str(), row);
    if let Some(project) = row.optional_text("project")? {
        projects::lose_trace(database, &project)?;
    }
    let number = row.integer("number")?;
    words::delete(database, number, row.integer("word_rows")?)?;
    let all = (Sequence::FIRST, Sequence::LAST);
    let contents = contents::of_events(database, session, all)?;
    let deleted = database.execute(purpose, DELETE, &id)? > 0;
    contents::delete_unused(database, &contents)?;
    Ok(deleted)
}
