//! Projects made of a file of traces.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::multipart::{Multipart, MultipartError};
use axum::http::StatusCode;
use portcullis_json::Value;
use portcullis_store::{Annotation, Project, ProjectChange, Store};
use portcullis_trace::record::Timestamp;
use tokio::time::timeout;
use uuid::Uuid;

use super::dataset::{check_name, new_project};
use super::push::{Pushed, write};
use super::shape;
use crate::api::Api;
use crate::api::answer::{Answered, Detail, Failure, ok};
use crate::explorer::time::to_the_second;
use crate::explorer::{Import, ImportedTrace};
use crate::relay::now;

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
        let import = Import::read(&file).map_err(|error| Detail::bad_request(error.to_string()))?;
        let project = project(store, &name, form.is_public, &import)?;
        let at = now();
        let traces = import.traces.into_iter();
        let traces: Vec<Pushed> = traces
            .map(|trace| pushed(&name, trace, at))
            .collect::<Result<_, Detail>>()?;
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

/// The project that the traces go to, which has none yet.
fn project(
    store: &mut dyn Store,
    name: &str,
    is_public: bool,
    import: &Import,
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
    let mut metadata = import.metadata.clone();
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
    pushed.session.index = Some(trace.index);
    pushed.session.name = Some(trace.name);
    pushed.session.hierarchy_path = trace.hierarchy_path;
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
