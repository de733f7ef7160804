//! Annotations of a trace.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use portcullis_json::{Object, Value};
use portcullis_store::{Annotation, AnnotationChange, AnnotationId};
use portcullis_trace::record::{SessionId, Timestamp};
use uuid::Uuid;

use super::shape::ShownAnnotation;
use super::trace::{Trace, find, session_id};
use crate::api::Api;
use crate::api::answer::{Answered, Detail, count, object, ok};
use crate::api::body::{self, given};
use crate::clock::now;

/// LIMIT: annotations of one request.
const ANNOTATIONS_MAX: usize = 10_000;

pub(super) async fn list(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answered {
    let shown = api.with_traces(move |store| {
        let trace = Trace::load(store, &session_id(&id)?)?;
        let session = trace.summary.session.id;
        let annotations = trace.annotations.iter();
        Ok(annotations
            .map(|a| a.json(&session))
            .collect::<Vec<Value>>())
    });
    Ok(ok(&shown.await?.into()))
}

pub(super) async fn create(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    request: Body,
) -> Answered {
    let body = body::object(request).await?;
    let shown = api.with_traces(move |store| {
        let session = find(store, &session_id(&id)?)?.session.id;
        let annotation = annotation(&body.into(), &session, now())?;
        store.annotate(std::slice::from_ref(&annotation))?;
        Ok(ShownAnnotation::from(annotation).json(&session))
    });
    Ok(ok(&shown.await?))
}

/// Puts the annotations of one source in the place of those that it made before.
pub(super) async fn replace(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    request: Body,
) -> Answered {
    let body = body::object(request).await?;
    let source = body::text(&body, "source")?.to_owned();
    let replaced = api.with_traces(move |store| {
        let session = find(store, &session_id(&id)?)?.session.id;
        let mut annotations = annotations(body::list(&body, "annotations")?, &session, now())?;
        for annotation in &mut annotations {
            annotation.metadata.insert("source", source.as_str());
        }
        Ok(store.replace_annotations(&session, &source, &annotations)?)
    });
    let replaced = replaced.await?;
    Ok(ok(&object([
        ("deleted", count(replaced.deleted)),
        ("inserted", count(replaced.inserted)),
    ])))
}

pub(super) async fn update(
    State(api): State<Arc<Api>>,
    Path((id, annotation)): Path<(String, String)>,
    request: Body,
) -> Answered {
    let body = body::object(request).await?;
    let change = AnnotationChange {
        content: given(&body, "content").map(words),
        metadata: match given(&body, "extra_metadata") {
            Some(Value::Object(metadata)) => Some((**metadata).clone()),
            Some(_) | None => None,
        },
        ..AnnotationChange::default()
    };
    let shown = api.with_traces(move |store| {
        let session = find(store, &session_id(&id)?)?.session.id;
        let id = of_session(store.annotations(&session)?, &annotation)?;
        let changed = store.update_annotation(&id, &change)?;
        let changed = changed.ok_or_else(unknown)?;
        Ok(ShownAnnotation::from(changed).json(&session))
    });
    Ok(ok(&shown.await?))
}

pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Path((id, annotation)): Path<(String, String)>,
) -> Answered {
    api.with_traces(move |store| {
        let session = find(store, &session_id(&id)?)?.session.id;
        let id = of_session(store.annotations(&session)?, &annotation)?;
        Ok(store.delete_annotation(&id)?)
    })
    .await?;
    Ok(ok(&object([("message", "deleted".into())])))
}

/// What a request says about a session.
pub(super) fn annotations(
    written: &[Value],
    session: &SessionId,
    at: Timestamp,
) -> Result<Vec<Annotation>, Detail> {
    if written.len() > ANNOTATIONS_MAX {
        let text =
            format!("more than {ANNOTATIONS_MAX} annotations, send them in several requests");
        return Err(Detail::bad_request(text));
    }
    let annotations = written.iter();
    annotations
        .map(|written| annotation(written, session, at))
        .collect()
}

fn annotation(written: &Value, session: &SessionId, at: Timestamp) -> Result<Annotation, Detail> {
    let failed = || Detail::bad_request(format!("Failed to parse annotation: {written}"));
    let content = written.get("content").filter(|content| !content.is_null());
    let address = written.get("address").and_then(Value::as_str);
    let metadata = match written.get("extra_metadata") {
        None | Some(Value::Null) => Object::new(),
        Some(Value::Object(metadata)) => (**metadata).clone(),
        Some(_) => return Err(failed()),
    };
    // Ids in the order in which annotations are made tell those of one moment apart.
    let id = Uuid::now_v7().to_string();
    Ok(Annotation {
        id: id.parse().map_err(|_| failed())?,
        session: session.clone(),
        content: words(content.ok_or_else(failed)?),
        address: address.ok_or_else(failed)?.to_owned(),
        metadata,
        created_at: at,
    })
}

/// The content as text, whatever was sent.
fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.to_string(),
        other => other.to_string(),
    }
}

fn of_session(annotations: Vec<Annotation>, id: &str) -> Result<AnnotationId, Detail> {
    let mut annotations = annotations.into_iter();
    let found = annotations.find(|annotation| annotation.id.as_str().eq_ignore_ascii_case(id));
    found.map(|found| found.id).ok_or_else(unknown)
}

fn unknown() -> Detail {
    Detail::not_found("Annotation not found")
}
