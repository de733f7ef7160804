//! Bodies of requests.

use axum::body::Body;
use axum::http::StatusCode;
use portcullis_json::{Duplicates, Limits, Object, Surrogates, Value, parse};
use portcullis_transport::http::body::read_body;

use super::answer::Detail;

/// LIMIT: how long the body of a request may be.
pub(super) const BODY_BYTES_MAX: usize = 64 << 20;

/// What Python's `json.dumps` may write, except for numbers that are none.
const LIMITS: Limits = Limits {
    duplicates: Duplicates::LastWins,
    surrogates: Surrogates::Replace,
    ..Limits::strict()
};

/// Reads a body that is a JSON object.
pub(super) async fn object(body: Body) -> Result<Object, Detail> {
    let bytes = read_body(body, BODY_BYTES_MAX).await?;
    let text = str::from_utf8(&bytes).map_err(|_| Detail::bad_request("the body is not UTF-8"))?;
    match parse_json(text) {
        Ok(Value::Object(object)) => Ok((*object).clone()),
        Ok(_) => Err(Detail::bad_request("the body is not a JSON object")),
        Err(error) => Err(Detail::bad_request(format!(
            "the body is not JSON: {error}"
        ))),
    }
}

pub(super) fn parse_json(text: &str) -> Result<Value, portcullis_json::Error> {
    parse(text, &LIMITS)
}

/// The member, unless it is absent or null.
pub(super) fn given<'b>(body: &'b Object, name: &str) -> Option<&'b Value> {
    body.get(name).filter(|value| !value.is_null())
}

/// A member that must be text.
pub(super) fn text<'b>(body: &'b Object, name: &str) -> Result<&'b str, Detail> {
    let text = body.get(name).and_then(Value::as_str);
    text.ok_or_else(|| wrong(format!("`{name}` must be a text")))
}

/// A member that may be absent, and is an object otherwise.
pub(super) fn members(body: &Object, name: &str) -> Result<Object, Detail> {
    match given(body, name) {
        None => Ok(Object::new()),
        Some(Value::Object(members)) => Ok((**members).clone()),
        Some(_) => Err(wrong(format!("`{name}` must be an object"))),
    }
}

/// A member that must be a list.
pub(super) fn list<'b>(body: &'b Object, name: &str) -> Result<&'b [Value], Detail> {
    let list = body.get(name).and_then(Value::as_array);
    list.ok_or_else(|| wrong(format!("`{name}` must be a list")))
}

fn wrong(text: String) -> Detail {
    Detail::new(StatusCode::UNPROCESSABLE_ENTITY, text)
}
