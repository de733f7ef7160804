//! Messages of our own: one line of JSON each, without the newline at its end.

use std::sync::Arc;

use portcullis_json::{Object, Value};

use crate::Id;

/// An error response. Without an id it has no `id` member, which 2025-11-25 and later allow and
/// earlier revisions have no better answer for.
pub fn error_response(id: Option<&Id>, code: i64, message: &str, data: Option<&Value>) -> Vec<u8> {
    let mut error = Object::new();
    error.insert("code", code);
    error.insert("message", message);
    if let Some(data) = data {
        error.insert("data", data.clone());
    }
    line(id, [("error", Some(error.into()))])
}

pub fn result_response(id: &Id, result: &Value) -> Vec<u8> {
    line(Some(id), [("result", Some(result.clone()))])
}

pub fn request(id: &Id, method: &str, params: Option<&Value>) -> Vec<u8> {
    line(
        Some(id),
        [("method", Some(method.into())), ("params", params.cloned())],
    )
}

pub fn notification(method: &str, params: Option<&Value>) -> Vec<u8> {
    line(
        None,
        [("method", Some(method.into())), ("params", params.cloned())],
    )
}

fn line<const N: usize>(id: Option<&Id>, members: [(&str, Option<Value>); N]) -> Vec<u8> {
    let mut message = Object::new();
    message.insert("jsonrpc", "2.0");
    if let Some(id) = id {
        message.insert("id", id);
    }
    for (name, value) in members {
        if let Some(value) = value {
            message.insert(Arc::from(name), value);
        }
    }
    Value::from(message).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: Vec<u8>, expected: &str) {
        assert_eq!(String::from_utf8(line).as_deref(), Ok(expected));
    }

    #[test]
    fn messages_are_one_line_each() {
        let text = Value::from("a\nb\"c\r");
        let id = Id::String("7".into());
        check(
            error_response(Some(&Id::Integer(7)), -32600, "no", Some(&text)),
            r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32600,"message":"no","data":"a\nb\"c\r"}}"#,
        );
        check(
            error_response(None, -32700, "no", None),
            r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}"#,
        );
        check(
            result_response(&id, &text),
            r#"{"jsonrpc":"2.0","id":"7","result":"a\nb\"c\r"}"#,
        );
        check(
            request(&id, "ping", Some(&Object::new().into())),
            r#"{"jsonrpc":"2.0","id":"7","method":"ping","params":{}}"#,
        );
        check(notification("n", None), r#"{"jsonrpc":"2.0","method":"n"}"#);
    }
}
