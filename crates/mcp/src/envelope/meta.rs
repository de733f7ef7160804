//! The `_meta` of what stands in parameters and results, where names may be reserved too.

use portcullis_json::{Object, Value};

use super::{UnknownMeta, names};
use crate::MalformedKind;

/// What holds objects of the protocol: members, and how the `_meta` of such an object is called. All
/// others hold what peers make up, or what has no `_meta`.
const HOLDERS: [(&str, &str); 15] = [
    ("content", "content._meta"),
    ("contents", "contents._meta"),
    ("inputRequests", "inputRequests._meta"),
    ("inputResponses", "inputResponses._meta"),
    ("messages", "messages._meta"),
    ("params", "params._meta"),
    ("prompts", "prompts._meta"),
    ("resource", "resource._meta"),
    ("resourceTemplates", "resourceTemplates._meta"),
    ("resources", "resources._meta"),
    ("result", "result._meta"),
    ("roots", "roots._meta"),
    ("task", "task._meta"),
    ("tasks", "tasks._meta"),
    ("tools", "tools._meta"),
];
/// Of these the members are what is held, by names that their sender chose.
const BY_NAME: [&str; 2] = ["inputRequests", "inputResponses"];

/// Refuses reserved names that nobody knows in what an object of the protocol holds. How deep it is
/// was bounded when it was read.
pub(super) fn check_within(object: &Object, unknown: UnknownMeta) -> Result<(), MalformedKind> {
    if unknown == UnknownMeta::Pass {
        return Ok(());
    }
    for (holder, place) in HOLDERS {
        let Some(held) = object.get(holder) else {
            continue;
        };
        match held {
            Value::Object(held) if BY_NAME.contains(&holder) => {
                held.iter()
                    .try_for_each(|(_, value)| check(place, value, unknown))?;
            }
            Value::Array(held) => held
                .iter()
                .try_for_each(|value| check(place, value, unknown))?,
            value => check(place, value, unknown)?,
        }
    }
    Ok(())
}

fn check(place: &'static str, value: &Value, unknown: UnknownMeta) -> Result<(), MalformedKind> {
    let Value::Object(object) = value else {
        return Ok(());
    };
    if let Some(Value::Object(meta)) = object.get("_meta") {
        names::check_reserved(place, meta, unknown)?;
    }
    check_within(object, unknown)
}
