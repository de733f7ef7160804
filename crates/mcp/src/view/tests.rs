use portcullis_json::{Limits, parse};

use super::*;

fn value(text: &str) -> Value {
    parse(text, &Limits::strict()).unwrap()
}

#[test]
fn tool_call_is_read() {
    let params = value(r#"{"name":"x","arguments":{"a":1}}"#);
    let call = ToolCall::read(&params).unwrap();
    assert_eq!(&**call.name, "x");
    assert_eq!(call.arguments.map(Object::len), Some(1));
    let check = |text: &str, member: &str| {
        let error = ToolCall::read(&value(text)).map(drop).unwrap_err();
        assert_eq!(error.member, member, "{text}");
    };
    check("{}", "name");
    check(r#"{"name":1}"#, "name");
    check(r#"{"name":"x","arguments":[]}"#, "arguments");
}

#[test]
fn tool_list_is_read_whole_or_not_at_all() {
    let result = value(
        r#"{"tools":[{"name":"a","description":"d","inputSchema":{},"x":1},{"name":"b"}],"nextCursor":""}"#,
    );
    let list = ToolList::read(&result).unwrap();
    let names: Vec<&str> = list.tools.iter().map(|tool| &**tool.name).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(list.next_cursor.map(|cursor| &**cursor), Some(""));
    assert_eq!(list.tools[0].definition.get("x"), Some(&Value::from(1)));
    for text in [
        "{}",
        r#"{"tools":{}}"#,
        r#"{"tools":[{"name":"a"},{}]}"#,
        r#"{"tools":[1]}"#,
    ] {
        assert!(ToolList::read(&value(text)).is_err(), "{text}");
    }
}

#[test]
fn handshake_is_read() {
    let result = value(r#"{"protocolVersion":"2025-06-18","instructions":"i"}"#);
    let result = InitializeResult::read(&result).unwrap();
    assert_eq!(result.instructions.map(|text| &**text), Some("i"));
    assert_eq!(result.server_name, None);
    assert!(InitializeResult::read(&value("{}")).is_err());
    assert!(InitializeResult::read(&value(r#"{"protocolVersion":"x","instructions":1}"#)).is_err());
}

#[test]
fn tokens_and_ids_keep_their_type() {
    let token = |text: &str| progress_token(&value(text));
    assert_eq!(
        token(r#"{"_meta":{"progressToken":7}}"#),
        Ok(Some(Id::Integer(7)))
    );
    assert_eq!(
        token(r#"{"_meta":{"progressToken":"7"}}"#),
        Ok(Some(Id::String("7".into())))
    );
    assert_eq!(token(r#"{"_meta":{}}"#), Ok(None));
    assert!(token(r#"{"_meta":{"progressToken":null}}"#).is_err());
    assert_eq!(
        progressed_token(&value(r#"{"progressToken":0}"#)),
        Ok(Id::Integer(0))
    );
    assert!(progressed_token(&value("{}")).is_err());
    assert_eq!(
        cancelled_request(&value(r#"{"requestId":0}"#)),
        Ok(Some(Id::Integer(0)))
    );
    assert_eq!(cancelled_request(&value("{}")), Ok(None));
    assert!(cancelled_request(&value(r#"{"requestId":1.5}"#)).is_err());
}
