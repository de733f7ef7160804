//! What is kept about a project beside its traces. The reference has a closed list of it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use portcullis_json::{Number, Object, Value};
use portcullis_store::ProjectChange;

use super::dataset::Named;
use crate::api::Api;
use crate::api::answer::{Answered, Detail, ok};
use crate::api::body::{self, given};
use crate::api::identity::USER_NAME;
use crate::api::parameters::Parameters;

const TEST_RESULTS: &str = "invariant.test_results";
const TEST_RESULTS_KEYS: [&str; 2] = ["num_tests", "num_passed"];
/// What a request may name, in the order in which the reference lists it.
const KEYS: [&str; 6] = [
    TEST_RESULTS,
    "benchmark",
    "name",
    "accuracy",
    POLICIES,
    "analysis_report",
];
const POLICIES: &str = "policies";

pub(super) async fn read(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let parameters = Parameters::of(query.as_deref());
    let owner = parameters.get("owner_username").unwrap_or(USER_NAME);
    let named = Named::Name(owner.to_owned(), name);
    let metadata = api.with_store(move |store| Ok(named.find(store)?.project.metadata));
    let mut metadata = metadata.await?;
    metadata.remove(POLICIES);
    Ok(ok(&metadata.into()))
}

pub(super) async fn update(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    request: Body,
) -> Answered {
    let body = body::object(request).await?;
    let new = match body.get("metadata") {
        None => Object::new(),
        Some(Value::Object(new)) => (**new).clone(),
        Some(_) => return Err(Detail::bad_request("metadata must be a dictionary")),
    };
    let replace_all = match body.get("replace_all") {
        None => false,
        Some(Value::Bool(replace_all)) => *replace_all,
        Some(_) => return Err(Detail::bad_request("replace_all must be a boolean")),
    };
    check(&new)?;
    let named = Named::Name(USER_NAME.to_owned(), name);
    let changed = api.with_store(move |store| {
        let project = named.find(store)?.project;
        let metadata = merged(project.metadata, &new, replace_all);
        let change = ProjectChange {
            metadata: Some(metadata.clone()),
            ..ProjectChange::default()
        };
        store.update_project(&project.id, &change)?;
        Ok(metadata)
    });
    Ok(ok(&changed.await?.into()))
}

/// A key that is absent or null stays as it is, or goes if everything is replaced.
fn merged(mut metadata: Object, new: &Object, replace_all: bool) -> Object {
    for key in KEYS.into_iter().filter(|key| *key != POLICIES) {
        match given(new, key) {
            Some(value) if key == TEST_RESULTS => metadata.insert(key, test_results(value)),
            Some(value) => metadata.insert(key, value.clone()),
            None if replace_all => drop(metadata.remove(key)),
            None => {}
        }
    }
    metadata.remove(POLICIES);
    metadata
}

fn test_results(value: &Value) -> Object {
    let mut results = Object::new();
    for key in TEST_RESULTS_KEYS {
        if let Some(number) = value.get(key).filter(|number| !number.is_null()) {
            results.insert(key, number.clone());
        }
    }
    results
}

fn check(new: &Object) -> Result<(), Detail> {
    for key in KEYS {
        if let Some(value) = new.get(key) {
            check_value(key, value).map_err(Detail::bad_request)?;
        }
    }
    if new.iter().any(|(key, _)| !KEYS.contains(&&**key)) {
        return Err(Detail::bad_request(format!(
            "metadata must only contain the keys {}",
            KEYS.join(", ")
        )));
    }
    Ok(())
}

fn check_value(key: &str, value: &Value) -> Result<(), String> {
    match (key, value) {
        (POLICIES, _) => Err(format!("{key} cannot be updated via the /metadata API")),
        (TEST_RESULTS, value) => check_test_results(value),
        ("accuracy", value) => match accuracy(value) {
            None => Err(format!("{key} must be of type int, float")),
            Some(accuracy) if accuracy < 0.0 => Err(format!("{key} must be a non-negative number")),
            Some(_) => Ok(()),
        },
        ("analysis_report", Value::String(_)) => Ok(()),
        (_, Value::String(text)) if text.is_empty() => {
            Err(format!("{key} must be a non-empty string"))
        }
        (_, Value::String(_)) => Ok(()),
        (_, _) => Err(format!("{key} must be of type str")),
    }
}

fn accuracy(value: &Value) -> Option<f64> {
    match value {
        Value::Number(Number::Integer(number)) => Some(f64::from(i32::try_from(*number).ok()?)),
        Value::Number(Number::Float(number)) => Some(*number),
        _ => None,
    }
}

fn check_test_results(value: &Value) -> Result<(), String> {
    let Some(results) = value.as_object() else {
        return Err(format!("{TEST_RESULTS} must be a dictionary if provided"));
    };
    for key in TEST_RESULTS_KEYS {
        match results.get(key) {
            None | Some(Value::Null | Value::Number(Number::Integer(_))) => {}
            Some(value) => {
                let found = kind(value);
                return Err(format!(
                    "{TEST_RESULTS}.{key} must be of type int (got {found})"
                ));
            }
        }
    }
    if TEST_RESULTS_KEYS.iter().all(|key| !results.contains(key)) {
        return Err(format!("{TEST_RESULTS} must not be empty if provided"));
    }
    Ok(())
}

/// As Python calls it.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(Number::Float(_)) => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}
