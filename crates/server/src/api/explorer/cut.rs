use std::sync::Arc;

use portcullis_json::{Object, Value};

/// The message with its long texts cut in the middle.
pub(super) fn truncated(message: &Value, characters: usize) -> Value {
    let Some(members) = message.as_object() else {
        return message.clone();
    };
    let mut members = members.clone();
    if let Some(content) = members.get("content") {
        let content = cut(content, characters);
        members.insert("content", content);
    }
    if let Some(Value::Array(calls)) = members.get("tool_calls") {
        let calls: Vec<Value> = calls
            .iter()
            .map(|call| cut_call(call, characters))
            .collect();
        members.insert("tool_calls", calls);
    }
    members.into()
}

fn cut_call(call: &Value, characters: usize) -> Value {
    let Some((members, function)) = call.as_object().zip(call.get("function")) else {
        return call.clone();
    };
    let (Some(function), Some(Value::Object(arguments))) =
        (function.as_object(), function.get("arguments"))
    else {
        return call.clone();
    };
    let arguments = arguments.iter();
    let arguments: Object = arguments
        .map(|(name, value)| (Arc::clone(name), cut(value, characters)))
        .collect();
    let mut function = function.clone();
    function.insert("arguments", arguments);
    let mut members = members.clone();
    members.insert("function", function);
    members.into()
}

fn cut(value: &Value, characters: usize) -> Value {
    let Value::String(text) = value else {
        return value.clone();
    };
    let length = text.chars().count();
    let left_out = length.saturating_sub(characters);
    if left_out == 0 {
        return value.clone();
    }
    let half = characters / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(length - (characters - half)).collect();
    format!("{head}<...truncated {left_out} characters...>{tail}").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::body::parse_json;

    #[test]
    fn long_texts_are_cut_in_the_middle() {
        let check = |message: &str, expected: &str| {
            let message = parse_json(message).unwrap();
            assert_eq!(truncated(&message, 5).to_string(), expected);
        };
        check(
            r#"{"role":"user","content":"äbcdefghij"}"#,
            r#"{"role":"user","content":"äb<...truncated 5 characters...>hij"}"#,
        );
        check(r#"{"content":"abcde"}"#, r#"{"content":"abcde"}"#);
        check(
            r#"{"content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":"123456","b":1234567}}}]}"#,
            r#"{"content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":"12<...truncated 1 characters...>456","b":1234567}}}]}"#,
        );
        check("1", "1");
    }
}
