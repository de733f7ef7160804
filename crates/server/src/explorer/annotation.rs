use portcullis_json::{Object, Value};
use portcullis_session::digest;
use portcullis_trace::record::{SessionId, ViolationRecord};
use uuid::Builder;

/// What the annotations of guardrails name as their source.
const SOURCE: &str = "guardrails-error";

/// A violation at one place of the trace.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectedAnnotation {
    /// A UUID that is the same whenever the session is projected, and that no other annotation of
    /// the session has.
    pub id: String,
    pub content: String,
    pub address: String,
    pub extra_metadata: Object,
}

// === impl ProjectedAnnotation ===

impl ProjectedAnnotation {
    pub(super) fn of_violation(
        session: &SessionId,
        violation: &ViolationRecord,
        policy: Option<&str>,
        address: &str,
    ) -> Self {
        let text = |text: &str| Value::from(text);
        let id = violation.guardrail.id.as_deref();
        let (name, action) = (violation.guardrail.name.as_str(), violation.action.name());
        let guardrail = Object::from([
            ("id", id.map_or(Value::Null, text)),
            ("name", text(name)),
            ("content", policy.map_or(Value::Null, text)),
            ("action", text(action)),
        ]);
        let content = violation.message.as_str();
        // The text of the policy may have changed since, which makes no other annotation.
        let told = [content, address, id.unwrap_or_default(), name, action];
        let mut extra_metadata = from_guardrails();
        extra_metadata.insert("guardrail", guardrail);
        Self {
            id: id_of(session, &told),
            content: content.to_owned(),
            address: address.to_owned(),
            extra_metadata,
        }
    }

    pub(super) fn of_failure(session: &SessionId, failure: &str, address: &str) -> Self {
        Self {
            id: id_of(session, &[failure, address]),
            content: failure.to_owned(),
            address: address.to_owned(),
            extra_metadata: from_guardrails(),
        }
    }
}

fn from_guardrails() -> Object {
    [("source", SOURCE.into())].into()
}

/// RFC 9562, section 5.8: version 8 is for ids of one's own making.
fn id_of(session: &SessionId, told: &[&str]) -> String {
    let parts = [session.as_str()].into_iter().chain(told.iter().copied());
    let parts: Vec<&[u8]> = parts.map(str::as_bytes).collect();
    let mut bytes = [0; 16];
    for (byte, from) in bytes.iter_mut().zip(digest(&parts)) {
        *byte = from;
    }
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}
