//! The JSON of the reference.

use std::sync::Arc;

use portcullis_json::{Object, Value};
use portcullis_store::{Annotation, GuardrailRecord, Project};
use portcullis_trace::record::{SessionId, Timestamp};

use crate::api::answer::object;
use crate::api::identity::{USER_ID, USER_NAME};
use crate::explorer::time::{stamp, to_the_second};

/// An annotation that is shown: one that somebody made, or a violation.
#[derive(Clone, Debug)]
pub(super) struct ShownAnnotation {
    pub(super) id: String,
    pub(super) content: String,
    pub(super) address: String,
    pub(super) metadata: Object,
    pub(super) created_at: Timestamp,
}

// === impl ShownAnnotation ===

impl ShownAnnotation {
    pub(super) fn json(&self, session: &SessionId) -> Value {
        object([
            ("id", self.id.as_str().into()),
            ("trace_id", session.as_str().into()),
            ("content", self.content.as_str().into()),
            ("address", self.address.as_str().into()),
            ("time_created", stamp(self.created_at).into()),
            ("extra_metadata", self.metadata.clone().into()),
            ("user", user()),
        ])
    }

    pub(super) fn exported(&self) -> Value {
        object([
            ("content", self.content.as_str().into()),
            ("address", self.address.as_str().into()),
            ("extra_metadata", self.metadata.clone().into()),
        ])
    }
}

impl From<Annotation> for ShownAnnotation {
    fn from(annotation: Annotation) -> Self {
        Self {
            id: annotation.id.to_string(),
            content: annotation.content,
            address: annotation.address,
            metadata: annotation.metadata,
            created_at: annotation.created_at,
        }
    }
}

pub(super) fn user() -> Value {
    object([
        ("id", USER_ID.into()),
        ("username", USER_NAME.into()),
        ("image_url_hash", "".into()),
    ])
}

/// A project, as the reference's dataset.
pub(super) fn dataset(project: &Project, guardrails: &[GuardrailRecord]) -> Object {
    let mut metadata = project.metadata.clone();
    if !guardrails.is_empty() {
        metadata.insert("policies", policies(guardrails));
    }
    let dataset = [
        ("id", project.id.as_str().into()),
        ("name", project.name.as_str().into()),
        ("extra_metadata", metadata.into()),
        ("is_public", project.is_public.into()),
        ("user_id", USER_ID.into()),
        ("time_created", stamp(project.created_at).into()),
    ];
    let dataset = dataset.into_iter();
    dataset
        .map(|(name, value): (&str, Value)| (Arc::from(name), value))
        .collect()
}

pub(super) fn policies(guardrails: &[GuardrailRecord]) -> Vec<Value> {
    guardrails.iter().map(policy).collect()
}

/// A guardrail, as the reference's policy.
fn policy(guardrail: &GuardrailRecord) -> Value {
    let mut policy = Object::new();
    policy.insert("id", guardrail.id.as_str());
    policy.insert("name", guardrail.name.as_str());
    policy.insert("content", guardrail.content.as_str());
    policy.insert("enabled", guardrail.enabled);
    policy.insert("action", guardrail.action.as_str());
    policy.insert("extra_metadata", guardrail.metadata.clone());
    policy.insert("last_updated_time", to_the_second(guardrail.updated_at));
    let scope = &guardrail.scope;
    for (name, value) in [
        ("client_name", &scope.client),
        ("server_name", &scope.server),
    ] {
        if let Some(value) = value {
            policy.insert(name, value.as_str());
        }
    }
    policy.into()
}
