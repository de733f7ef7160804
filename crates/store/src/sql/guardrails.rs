use portcullis_trace::record::Timestamp;

use super::row::{Parameter, Reader, object_text};
use super::{Database, Row, beginnings};
use crate::{
    GuardrailChange, GuardrailId, GuardrailPage, GuardrailPart, GuardrailRecord, GuardrailScope,
    GuardrailVersion, Named, ProjectId, StoreError,
};

const COLUMNS: &str = "
    id, project, name, content, enabled, action, client, server, metadata, version, updated_at";

/// LIMIT: a part of a list ends when the policies and metadata in it come to this, with what was
/// read along with the last of them.
const PART_BYTES_MAX: usize = 2 << 20;
/// What is read at a time.
const STEP: u32 = 4;
/// LIMIT: guardrails of one project, and those of all sessions.
pub(crate) const GUARDRAILS_MAX: u32 = 10_000;

const INSERT: &str = "
    INSERT INTO guardrails
        (id, project, name, content, enabled, action, client, server, metadata, version,
         updated_at, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)";

const INSERT_VERSION: &str = "
    INSERT INTO guardrail_versions
        (id, project, name, content, enabled, action, client, server, metadata, version,
         updated_at, deleted)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

const UPDATE: &str = "
    UPDATE guardrails SET
        project = $2, name = $3, content = $4, enabled = $5, action = $6, client = $7,
        server = $8, metadata = $9, version = $10, updated_at = $11
    WHERE id = $1";

const DELETE: &str = "DELETE FROM guardrails WHERE id = $1";

const CHANGED: &str = "UPDATE counters SET value = value + 1 WHERE name = 'guardrails-changed'";

const CHANGES: &str = "SELECT value FROM counters WHERE name = 'guardrails-changed'";

pub(super) fn create<D: Database + ?Sized>(
    database: &mut D,
    guardrail: &GuardrailRecord,
) -> Result<(), StoreError> {
    let first = GuardrailRecord {
        version: 1,
        ..guardrail.clone()
    };
    let metadata = object_text(&first.metadata);
    changed(database)?;
    if !has_room(database, first.project.as_ref())? {
        return Err(StoreError::TooManyGuardrails);
    }
    database.execute("create the guardrail", INSERT, &columns(&first, &metadata))?;
    put_version(database, &first, false)
}

pub(super) fn update<D: Database + ?Sized>(
    database: &mut D,
    id: &GuardrailId,
    change: &GuardrailChange,
    at: Timestamp,
) -> Result<Option<GuardrailRecord>, StoreError> {
    lock(database)?;
    let Some(found) = by_id(database, id)? else {
        return Ok(None);
    };
    let wanted = change.of(&found);
    if wanted == found {
        return Ok(Some(found));
    }
    let next = GuardrailRecord {
        version: found.version.saturating_add(1),
        updated_at: at,
        ..wanted
    };
    let metadata = object_text(&next.metadata);
    changed(database)?;
    database.execute("update the guardrail", UPDATE, &columns(&next, &metadata))?;
    put_version(database, &next, false)?;
    Ok(Some(next))
}

pub(super) fn delete<D: Database + ?Sized>(
    database: &mut D,
    id: &GuardrailId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    lock(database)?;
    let Some(found) = by_id(database, id)? else {
        return Ok(false);
    };
    changed(database)?;
    let last = GuardrailRecord {
        version: found.version.saturating_add(1),
        updated_at: at,
        ..found
    };
    put_version(database, &last, true)?;
    database.execute("delete the guardrail", DELETE, &[id.as_str().into()])?;
    Ok(true)
}

pub(super) fn list<D: Database + ?Sized>(
    database: &mut D,
    project: Option<&ProjectId>,
) -> Result<Vec<GuardrailRecord>, StoreError> {
    let all = GuardrailPage {
        limit: GUARDRAILS_MAX + 1,
        offset: 0,
    };
    let found = listed(database, project, all)?;
    // What is not read would not be in force, and nobody would know.
    if found.len() > GUARDRAILS_MAX as usize {
        return Err(StoreError::TooManyGuardrails);
    }
    Ok(found)
}

pub(super) fn page<D: Database + ?Sized>(
    database: &mut D,
    project: Option<&ProjectId>,
    page: GuardrailPage,
) -> Result<GuardrailPart<GuardrailRecord>, StoreError> {
    part(page, size, |page| listed(database, project, page))
}

fn listed<D: Database + ?Sized>(
    database: &mut D,
    project: Option<&ProjectId>,
    page: GuardrailPage,
) -> Result<Vec<GuardrailRecord>, StoreError> {
    let mut parameters: Vec<Parameter<'_>> = vec![page.limit.into(), page.offset.into()];
    parameters.extend(project.map(|project| Parameter::from(project.as_str())));
    let condition = condition(project);
    let statement = format!(
        "SELECT {COLUMNS} FROM guardrails WHERE {condition}
         ORDER BY created_at, id LIMIT $1 OFFSET $2"
    );
    database
        .query("list the guardrails", &statement, &parameters)?
        .into_iter()
        .map(|row| record(&mut Reader::new("guardrail", row)))
        .collect()
}

/// Whether one more guardrail of this project would be read with the others.
fn has_room<D: Database + ?Sized>(
    database: &mut D,
    project: Option<&ProjectId>,
) -> Result<bool, StoreError> {
    let mut parameters: Vec<Parameter<'_>> = vec![1_u32.into(), (GUARDRAILS_MAX - 1).into()];
    parameters.extend(project.map(|project| Parameter::from(project.as_str())));
    let condition = condition(project);
    let statement = format!("SELECT id FROM guardrails WHERE {condition} LIMIT $1 OFFSET $2");
    let last = database.query("count the guardrails", &statement, &parameters)?;
    Ok(last.is_empty())
}

/// Selects the guardrails of a project, which is parameter 3, or those of all sessions.
fn condition(project: Option<&ProjectId>) -> &'static str {
    match project {
        Some(_) => "project = $3",
        None => "project IS NULL",
    }
}

fn size(record: &GuardrailRecord) -> usize {
    record.content.len() + object_text(&record.metadata).len()
}

/// A part of what `read` reads, a few at a time, so that no more than its bound is in memory.
fn part<T>(
    page: GuardrailPage,
    size: impl Fn(&T) -> usize,
    mut read: impl FnMut(GuardrailPage) -> Result<Vec<T>, StoreError>,
) -> Result<GuardrailPart<T>, StoreError> {
    let limit = page.limit.min(GuardrailPage::LIMIT_MAX);
    let (mut items, mut bytes, mut left) = (Vec::new(), 0, limit);
    loop {
        let step = GuardrailPage {
            limit: left.min(STEP),
            ..page.after(items.len())
        };
        let found = read(step)?;
        bytes += found.iter().map(&size).sum::<usize>();
        let more = found.len() >= step.limit as usize;
        items.extend(found);
        left -= step.limit;
        if !more || left == 0 || bytes >= PART_BYTES_MAX {
            return Ok(GuardrailPart { items, more });
        }
    }
}

pub(super) fn by_id<D: Database + ?Sized>(
    database: &mut D,
    id: &GuardrailId,
) -> Result<Option<GuardrailRecord>, StoreError> {
    let statement = format!("SELECT {COLUMNS} FROM guardrails WHERE id = $1");
    database
        .query("read the guardrail", &statement, &[id.as_str().into()])?
        .into_iter()
        .next()
        .map(|row| record(&mut Reader::new("guardrail", row)))
        .transpose()
}

/// The id of the one guardrail that is or was, and whose id begins so.
pub(super) fn id<D: Database + ?Sized>(
    database: &mut D,
    prefix: &str,
) -> Result<GuardrailId, StoreError> {
    beginnings::only(database, Named::Guardrail, prefix)
}

pub(super) fn history<D: Database + ?Sized>(
    database: &mut D,
    id: &GuardrailId,
    page: GuardrailPage,
) -> Result<GuardrailPart<GuardrailVersion>, StoreError> {
    let statement = format!(
        "SELECT {COLUMNS}, deleted FROM guardrail_versions
         WHERE id = $1 ORDER BY version DESC LIMIT $2 OFFSET $3"
    );
    let size = |version: &GuardrailVersion| size(&version.record);
    part(page, size, |page| {
        let parameters = [id.as_str().into(), page.limit.into(), page.offset.into()];
        database
            .query("read the guardrail's history", &statement, &parameters)?
            .into_iter()
            .map(version)
            .collect()
    })
}

/// Whoever changes any guardrail at the same time waits here, until this transaction ends.
fn lock<D: Database + ?Sized>(database: &mut D) -> Result<(), StoreError> {
    let statement = format!("{CHANGES} {}", D::FOR_UPDATE);
    database.query("wait for other changes", &statement, &[])?;
    Ok(())
}

/// Tells those who watch that guardrails must be read again.
pub(super) fn changed<D: Database + ?Sized>(database: &mut D) -> Result<(), StoreError> {
    database.execute("count the change", CHANGED, &[])?;
    Ok(())
}

pub(super) fn changes<D: Database + ?Sized>(database: &mut D) -> Result<u64, StoreError> {
    let rows = database.query("count the changes", CHANGES, &[])?;
    match rows.into_iter().next() {
        Some(row) => Reader::new("counter of changed guardrails", row).count("value"),
        None => Ok(0),
    }
}

fn put_version<D: Database + ?Sized>(
    database: &mut D,
    guardrail: &GuardrailRecord,
    deleted: bool,
) -> Result<(), StoreError> {
    let metadata = object_text(&guardrail.metadata);
    let mut parameters = columns(guardrail, &metadata);
    parameters.push(deleted.into());
    database.execute("keep the guardrail's version", INSERT_VERSION, &parameters)?;
    Ok(())
}

fn columns<'a>(guardrail: &'a GuardrailRecord, metadata: &'a str) -> Vec<Parameter<'a>> {
    vec![
        guardrail.id.as_str().into(),
        guardrail.project.as_ref().map(ProjectId::as_str).into(),
        (&guardrail.name).into(),
        (&guardrail.content).into(),
        guardrail.enabled.into(),
        (&guardrail.action).into(),
        guardrail.scope.client.as_ref().into(),
        guardrail.scope.server.as_ref().into(),
        metadata.into(),
        guardrail.version.into(),
        guardrail.updated_at.into(),
    ]
}

fn version(row: Row) -> Result<GuardrailVersion, StoreError> {
    let mut row = Reader::new("guardrail", row);
    Ok(GuardrailVersion {
        record: record(&mut row)?,
        deleted: row.boolean("deleted")?,
    })
}

fn record(row: &mut Reader) -> Result<GuardrailRecord, StoreError> {
    Ok(GuardrailRecord {
        id: row.parsed("id")?,
        project: row.optional_parsed("project")?,
        name: row.text("name")?,
        content: row.text("content")?,
        enabled: row.boolean("enabled")?,
        action: row.text("action")?,
        scope: GuardrailScope {
            client: row.optional_text("client")?,
            server: row.optional_text("server")?,
        },
        metadata: row.object("metadata")?,
        version: {
            let version = row.count("version")?;
            u32::try_from(version).map_err(|_| row.damaged("version"))?
        },
        updated_at: row.time("updated_at")?,
    })
}
