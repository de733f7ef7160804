//! Projects made of a file of traces.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::multipart::{Multipart, MultipartError};
use axum::http::StatusCode;
use portcullis_json::{Object, Value};
use portcullis_store::{
    Annotation, ImportError, ImportedTrace, Importer, Project, ProjectChange, Store,
};
use portcullis_trace::record::Timestamp;
use tokio::time::timeout;
use uuid::Uuid;

use super::dataset::{check_name, new_project};
use super::push::{Pushed, write};
use super::shape;
use crate::api::Api;
use crate::api::answer::{Answered, Detail, Failure, ok};
use crate::api::body::parse_json;
use crate::clock::now;
use crate::explorer::time::to_the_second;

/// LIMIT: how long a file may take to arrive.
const WHOLE_WAIT_MAX: Duration = Duration::from_mins(2);

/// What a form says.
#[derive(Debug, Default)]
struct Form {
    name: Option<String>,
    is_public: bool,
    file: Option<String>,
}

pub(super) async fn upload(State(api): State<Arc<Api>>, form: Multipart) -> Answered {
    let form = timeout(WHOLE_WAIT_MAX, Form::read(form)).await;
    let late = |_| Detail::new(StatusCode::REQUEST_TIMEOUT, "the form did not come in time");
    let form = form.map_err(late)??;
    let missing = |what: &str| Detail::bad_request(format!("{what} must be provided"));
    let name = form.name.ok_or_else(|| missing("name"))?;
    check_name(&name)?;
    let file = form.file.ok_or_else(|| missing("file"))?;
    let shown = api.with_store(move |store| {
        let (metadata, traces) = read(&file, &name, now())?;
        let project = project(store, &name, form.is_public, metadata)?;
        write(store, &traces)?;
        Ok(Value::from(shape::dataset(&project, &[])))
    });
    Ok(ok(&shown.await?))
}

// === impl Form ===

impl Form {
    async fn read(mut fields: Multipart) -> Result<Self, Detail> {
        let mut form = Self::default();
        while let Some(field) = fields.next_field().await? {
            match field.name() {
                Some("name") => form.name = Some(field.text().await?),
                Some("file") => form.file = Some(field.text().await?),
                Some("is_public") => form.is_public = boolean(&field.text().await?)?,
                Some(_) | None => {}
            }
        }
        Ok(form)
    }
}

impl From<MultipartError> for Detail {
    fn from(error: MultipartError) -> Self {
        Self::new(error.status(), error.body_text())
    }
}

fn boolean(written: &str) -> Result<bool, Detail> {
    match written.to_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Detail::bad_request(
            "is_public must be a string representing a boolean like 'true' or 'false'",
        )),
    }
}

/// What a file holds, a trace on each line.
fn read(file: &str, project: &str, at: Timestamp) -> Result<(Object, Vec<Pushed>), Detail> {
    let mut importer = Importer::default();
    let mut traces = Vec::new();
    for (number, line) in file.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |what: String| Detail::bad_request(format!("line {}: {what}", number + 1));
        let line = parse_json(line).map_err(|error| wrong(error.to_string()))?;
        let trace = importer.trace(&line).map_err(|error| match text(&error) {
            Some(text) => Detail::bad_request(text),
            None => wrong(error.to_string()),
        })?;
        if let Some(trace) = trace {
            traces.push(pushed(project, trace, at)?);
        }
    }
    Ok((importer.metadata().cloned().unwrap_or_default(), traces))
}

/// What the reference says of it, if it says something.
fn text(error: &ImportError) -> Option<String> {
    match error {
        ImportError::Mixed => Some(
            "The file cannot contain both raw event lists and annotated event lists.".to_owned(),
        ),
        ImportError::SomeIndices => Some(
            "The 'index' key is inconsistently present — found in some events but missing in \
             others."
                .to_owned(),
        ),
        ImportError::IndexTwice(index) => {
            Some(format!("Duplicate index found: {index} in the file."))
        }
        ImportError::NoTrace | ImportError::Member { .. } => None,
    }
}

/// The project that the traces go to, which has none yet.
fn project(
    store: &mut dyn Store,
    name: &str,
    is_public: bool,
    mut metadata: Object,
) -> Result<Project, Failure> {
    if let Some(found) = store.project_named(name)?
        && found.traces > 0
    {
        return Err(Detail::bad_request(
            "Dataset with the same name already exists with traces, \
             to add new traces use the push API",
        )
        .into());
    }
    if !metadata.contains("created_on") {
        metadata.insert("created_on", to_the_second(now()));
    }
    let new = Project {
        is_public,
        metadata,
        ..new_project(name)?
    };
    let found = store.ensure_project(&new)?;
    if found.id == new.id {
        return Ok(new);
    }
    let change = ProjectChange {
        is_public: Some(is_public),
        metadata: Some(new.metadata.clone()),
    };
    store.update_project(&found.id, &change)?;
    Ok(Project {
        id: found.id,
        created_at: found.created_at,
        ..new
    })
}

fn pushed(project: &str, trace: ImportedTrace, at: Timestamp) -> Result<Pushed, Detail> {
    let mut pushed = Pushed::new(Some(project), &trace.messages, trace.metadata, at)?;
    pushed.session.index = trace.index;
    pushed.session.name = trace.name.or(pushed.session.name);
    if !trace.hierarchy_path.is_empty() {
        pushed.session.hierarchy_path = trace.hierarchy_path;
    }
    for annotation in trace.annotations {
        let id = Uuid::now_v7().to_string();
        pushed.annotations.push(Annotation {
            id: id
                .parse()
                .map_err(|_| Detail::busy("no id for an annotation"))?,
            session: pushed.session.id.clone(),
            content: annotation.content,
            address: annotation.address,
            metadata: annotation.metadata,
            created_at: at,
        });
    }
    Ok(pushed)
}
