use portcullis_json::Object;
use portcullis_trace::record::{SessionId, SessionRecord};

use super::row::{Parameter, Reader, integer, object_text};
use super::{Database, Row, guardrails, sessions};
use crate::{Project, ProjectChange, ProjectFilter, ProjectId, ProjectSummary, StoreError};

const INSERT: &str = "
    INSERT INTO projects (id, name, is_public, metadata, created_at)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (name) DO NOTHING";

const PROJECT_COLUMNS: &str = "
    SELECT id, name, is_public, metadata, created_at, trace_count,
        (SELECT max(s.started_at) FROM sessions AS s WHERE s.project = projects.name)
    FROM projects";

/// The next free place, and one trace more.
const NEXT_PLACE: &str = "
    UPDATE projects SET next_index = next_index + 1, trace_count = trace_count + 1
    WHERE name = $1
    RETURNING next_index - 1";

const GIVEN_PLACE: &str = "
    UPDATE projects SET
        next_index = CASE WHEN $2 >= next_index THEN $2 + 1 ELSE next_index END,
        trace_count = trace_count + 1
    WHERE name = $1";

const PLACE_IS_TAKEN: &str = "
    SELECT id FROM sessions WHERE project = $1 AND project_index = $2";

const LOSE_TRACE: &str = "UPDATE projects SET trace_count = trace_count - 1 WHERE name = $1";

const SESSIONS_OF: &str = "SELECT id FROM sessions WHERE project = $1 ORDER BY id";

const DELETE: &str = "DELETE FROM projects WHERE id = $1";

pub(super) fn create<D: Database + ?Sized>(
    database: &mut D,
    project: &Project,
) -> Result<(), StoreError> {
    if insert(database, project)? {
        Ok(())
    } else {
        Err(StoreError::ProjectExists {
            name: project.name.clone(),
        })
    }
}

/// The project of that name, which is `project` if there was none.
pub(super) fn ensure<D: Database + ?Sized>(
    database: &mut D,
    project: &Project,
) -> Result<Project, StoreError> {
    if insert(database, project)? {
        return Ok(project.clone());
    }
    match by_name(database, &project.name)? {
        Some(found) => Ok(found.project),
        // It was deleted between the two statements; whoever asks again gets a new one.
        None => Err(StoreError::ProjectExists {
            name: project.name.clone(),
        }),
    }
}

/// Whether it is new.
fn insert<D: Database + ?Sized>(database: &mut D, project: &Project) -> Result<bool, StoreError> {
    let metadata = object_text(&project.metadata);
    let parameters = [
        project.id.as_str().into(),
        (&project.name).into(),
        project.is_public.into(),
        (&metadata).into(),
        project.created_at.into(),
    ];
    Ok(database.execute("create the project", INSERT, &parameters)? > 0)
}

pub(super) fn by_id<D: Database + ?Sized>(
    database: &mut D,
    id: &ProjectId,
) -> Result<Option<ProjectSummary>, StoreError> {
    one(database, "WHERE id = $1", id.as_str())
}

pub(super) fn by_name<D: Database + ?Sized>(
    database: &mut D,
    name: &str,
) -> Result<Option<ProjectSummary>, StoreError> {
    one(database, "WHERE name = $1", name)
}

fn one<D: Database + ?Sized>(
    database: &mut D,
    condition: &str,
    value: &str,
) -> Result<Option<ProjectSummary>, StoreError> {
    let statement = format!("{PROJECT_COLUMNS} {condition}");
    let rows = database.query("read the project", &statement, &[value.into()])?;
    rows.into_iter().next().map(summary).transpose()
}

pub(super) fn list<D: Database + ?Sized>(
    database: &mut D,
    filter: &ProjectFilter,
) -> Result<Vec<ProjectSummary>, StoreError> {
    let part = filter
        .name_contains
        .as_ref()
        .map(|part| part.to_ascii_lowercase());
    let mut parameters: Vec<Parameter<'_>> = Vec::new();
    let mut conditions = Vec::new();
    if let Some(part) = &part {
        parameters.push(part.into());
        // Neither database has a function for this that the other has, too.
        conditions.push("length(replace(lower(name), $1, '')) < length(name)".to_owned());
    }
    if let Some(is_public) = filter.is_public {
        parameters.push(is_public.into());
        conditions.push(format!("is_public = ${}", parameters.len()));
    }
    let conditions = match conditions.as_slice() {
        [] => String::new(),
        conditions => format!("WHERE {}", conditions.join(" AND ")),
    };
    parameters.push(filter.limit.min(ProjectFilter::LIMIT_MAX).into());
    parameters.push(filter.offset.into());
    let statement = format!(
        "{PROJECT_COLUMNS} {conditions} ORDER BY created_at DESC, id DESC LIMIT ${} OFFSET ${}",
        parameters.len() - 1,
        parameters.len(),
    );
    database
        .query("list the projects", &statement, &parameters)?
        .into_iter()
        .map(summary)
        .collect()
}

pub(super) fn update<D: Database + ?Sized>(
    database: &mut D,
    id: &ProjectId,
    change: &ProjectChange,
) -> Result<bool, StoreError> {
    let metadata = change.metadata.as_ref().map(object_text);
    let mut parameters = vec![id.as_str().into()];
    let mut changes = Vec::new();
    if let Some(is_public) = change.is_public {
        parameters.push(is_public.into());
        changes.push(format!("is_public = ${}", parameters.len()));
    }
    if let Some(metadata) = &metadata {
        parameters.push(metadata.into());
        changes.push(format!("metadata = ${}", parameters.len()));
    }
    if changes.is_empty() {
        return Ok(by_id(database, id)?.is_some());
    }
    let statement = format!("UPDATE projects SET {} WHERE id = $1", changes.join(", "));
    Ok(database.execute("update the project", &statement, &parameters)? > 0)
}

/// Deletes a project with its traces and guardrails.
pub(super) fn delete<D: Database + ?Sized>(
    database: &mut D,
    id: &ProjectId,
) -> Result<bool, StoreError> {
    let purpose = "delete the project";
    let Some(found) = by_id(database, id)? else {
        return Ok(false);
    };
    let name = [(&found.project.name).into()];
    for row in database.query(purpose, SESSIONS_OF, &name)? {
        let session: SessionId = Reader::new("session", row).parsed("id")?;
        sessions::delete(database, &session)?;
    }
    guardrails::changed(database)?;
    Ok(database.execute(purpose, DELETE, &[id.as_str().into()])? > 0)
}

/// The place of a new session among the traces of its project, which is created if it is missing.
pub(super) fn place_for<D: Database + ?Sized>(
    database: &mut D,
    project: &str,
    record: &SessionRecord,
) -> Result<u64, StoreError> {
    let purpose = "file the session under its project";
    insert(
        database,
        &Project {
            id: ProjectId::created_by(&record.id, project),
            name: project.to_owned(),
            is_public: false,
            metadata: Object::new(),
            created_at: record.started_at,
        },
    )?;
    let Some(index) = record.index else {
        let rows = database.query(purpose, NEXT_PLACE, &[project.into()])?;
        let Some(row) = rows.into_iter().next() else {
            return Err(StoreError::NoProject {
                name: project.to_owned(),
            });
        };
        return Reader::of("project", project, row).count("next_index");
    };
    let parameters = [project.into(), integer(index)?];
    database.execute(purpose, GIVEN_PLACE, &parameters)?;
    if database
        .query(purpose, PLACE_IS_TAKEN, &parameters)?
        .is_empty()
    {
        Ok(index)
    } else {
        Err(StoreError::IndexTaken {
            project: project.to_owned(),
            index,
        })
    }
}

pub(super) fn lose_trace<D: Database + ?Sized>(
    database: &mut D,
    project: &str,
) -> Result<(), StoreError> {
    database.execute("delete the session", LOSE_TRACE, &[project.into()])?;
    Ok(())
}

fn summary(row: Row) -> Result<ProjectSummary, StoreError> {
    let mut row = Reader::new("project", row);
    Ok(ProjectSummary {
        project: Project {
            id: row.parsed("id")?,
            name: row.text("name")?,
            is_public: row.boolean("is_public")?,
            metadata: row.object("metadata")?,
            created_at: row.time("created_at")?,
        },
        traces: row.count("trace_count")?,
        latest_trace_at: row.optional_time("latest_trace_at")?,
    })
}
