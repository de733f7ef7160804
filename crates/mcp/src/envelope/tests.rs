use super::*;
use crate::Message;

fn limits(sender: Peer, revision: Option<Revision>) -> EnvelopeLimits {
    EnvelopeLimits {
        revision,
        ..EnvelopeLimits::new(sender)
    }
}

/// A message in short, or the code and text of its refusal and the id to answer.
fn outcome(bytes: &[u8], limits: &EnvelopeLimits) -> String {
    match Message::parse(bytes, limits) {
        Ok(message) => match message.kind() {
            MessageKind::Request { id, method } => format!("request {id} {method}"),
            MessageKind::Notification { method } => format!("notification {method}"),
            MessageKind::Response {
                id: Some(id),
                outcome,
            } => format!("{outcome:?} {id}"),
            MessageKind::Response { id: None, outcome } => format!("{outcome:?} without id"),
        },
        Err(error) => {
            let id = error
                .id
                .as_ref()
                .map(|id| format!(" for {id}"))
                .unwrap_or_default();
            format!("{}{id}: {error}", error.code())
        }
    }
}

fn check(cases: &[(&str, &str, &str)]) {
    for (row, text, expected) in cases {
        let limits = limits(Peer::Client, Some(Revision::V2025_11_25));
        assert_eq!(
            outcome(text.as_bytes(), &limits),
            *expected,
            "{row}: {text}"
        );
    }
}

#[test]
fn well_formed_messages_are_read() {
    check(&[
        (
            "request",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
            "request 1 ping",
        ),
        (
            "order",
            r#" {"method":"ping","id":"a","jsonrpc":"2.0"} "#,
            r#"request "a" ping"#,
        ),
        (
            "escaped",
            r#"{"jsonrpc":"2.\u0030","id":1,"m\u0065thod":"x"}"#,
            "request 1 x",
        ),
        (
            "notification",
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            "notification notifications/initialized",
        ),
        (
            "unknown without id",
            r#"{"jsonrpc":"2.0","method":"x"}"#,
            "notification x",
        ),
        (
            "result",
            r#"{"jsonrpc":"2.0","id":0,"result":{}}"#,
            "Result 0",
        ),
        (
            "error",
            r#"{"jsonrpc":"2.0","id":0,"error":{"code":-1,"message":""}}"#,
            "Error 0",
        ),
    ]);
}

#[test]
fn hostile_json_is_refused() {
    check(&[
        (
            "1 duplicate member",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}"#,
            "-32600: not acceptable JSON at byte 46: member name occurs twice in one object",
        ),
        (
            "2 duplicate params.name",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#,
            "-32600: not acceptable JSON at byte 67: member name occurs twice in one object",
        ),
        (
            "3 escaped duplicate",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","\u006eame":""}}"#,
            "-32600: not acceptable JSON at byte 67: member name occurs twice in one object",
        ),
        (
            "9 lone surrogate",
            r#"{"jsonrpc":"2.0","id":"\ud800","method":"ping"}"#,
            "-32700: not acceptable JSON at byte 23: escape of one half of a surrogate pair",
        ),
        (
            "15 not finite",
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"n":1e400}}"#,
            "-32700: not acceptable JSON at byte 51: number is not finite",
        ),
        (
            "16 NaN",
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"n":NaN}}"#,
            "-32700: not acceptable JSON at byte 51: number is not finite",
        ),
        (
            "17 two values",
            "{}\n{}",
            "-32700: not acceptable JSON at byte 3: expected nothing more after the value",
        ),
        (
            "18 empty",
            "",
            "-32700: not acceptable JSON at byte 0: expected a value",
        ),
        (
            "18 scalar",
            "\"x\"",
            "-32600: message must be a JSON object",
        ),
        ("18 null", "null", "-32600: message must be a JSON object"),
        ("array", "[]", "-32600: message must be a JSON object"),
    ]);
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"a":{}}}}}"#,
        "[".repeat(20_000)
    );
    check(&[(
        "11 nesting",
        &deep,
        "-32600: not acceptable JSON at byte 177: nested deeper than 128",
    )]);
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    let client = limits(Peer::Client, None);
    let server = limits(Peer::Server, None);
    let invalid = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\xff\"}";
    assert_eq!(
        outcome(invalid, &client),
        "-32700: message is not UTF-8",
        "6"
    );
    let utf16 = [0xff, 0xfe, b'{', 0, b'}', 0];
    assert_eq!(
        outcome(&utf16, &client),
        "-32700: message is not UTF-8",
        "8"
    );
    let marked = "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}".as_bytes();
    let refused = "-32700: message begins with a byte order mark, send it without";
    assert_eq!(outcome(marked, &client), refused, "7 client");
    assert_eq!(outcome(marked, &server), "Result 1", "7 server");
    let twice = ["\u{feff}".as_bytes(), marked].concat();
    let refused = "-32700: not acceptable JSON at byte 0: expected a value";
    assert_eq!(outcome(&twice, &server), refused, "7 server, twice");
    let message = Message::parse(marked, &server).unwrap();
    assert_eq!(message.raw(), &marked[3..], "the mark is not forwarded");
}

#[test]
fn names_that_other_readers_fold_are_refused() {
    let variant = |member: &str| {
        format!("-32600 for 1: member name in `params` looks like `{member}`, spell it exactly")
    };
    check(&[
        (
            "4 Method",
            r#"{"jsonrpc":"2.0","id":1,"method":"x","Method":"y"}"#,
            "-32600 for 1: member name in `the message` looks like `method`, spell it exactly",
        ),
        (
            "4 Name",
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"Name":1}}"#,
            &variant("name"),
        ),
        (
            "4 long s",
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"argument\u017f":1}}"#,
            &variant("arguments"),
        ),
        (
            "4 progresstoken",
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"progresstoken":1}}}"#,
            "-32600 for 1: member name in `params._meta` looks like `progressToken`, spell it exactly",
        ),
        (
            "4 result",
            r#"{"jsonrpc":"2.0","id":1,"result":{"iserror":true}}"#,
            "-32600 for 1: member name in `result` looks like `isError`, spell it exactly",
        ),
        (
            "5 trailing NUL",
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"name\u0000":1}}"#,
            "-32600 for 1: member name with a control character in `params`",
        ),
        (
            "5 trailing NUL in the envelope",
            r#"{"jsonrpc":"2.0","id":1,"method":"x","method\u0000":"y"}"#,
            "-32600 for 1: member name with a control character in `the message`",
        ),
        (
            "arguments are data",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"Name":1,"a\u0000":2,"__proto__":3}}}"#,
            "request 1 tools/call",
        ),
    ]);
}

#[test]
fn exactly_one_kind_is_accepted() {
    let one_kind = "-32600 for 1: message must have exactly one of `method`, `result` and `error`";
    check(&[
        (
            "19 missing",
            r#"{"id":1,"method":"x"}"#,
            r#"-32600 for 1: `jsonrpc` must be "2.0""#,
        ),
        (
            "19 number",
            r#"{"jsonrpc":2.0,"id":1,"method":"x"}"#,
            r#"-32600 for 1: `jsonrpc` must be "2.0""#,
        ),
        (
            "19 1.0",
            r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#,
            r#"-32600 for 1: `jsonrpc` must be "2.0""#,
        ),
        (
            "20 call and result",
            r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#,
            one_kind,
        ),
        (
            "20 result and error",
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            one_kind,
        ),
        ("20 nothing", r#"{"jsonrpc":"2.0","id":1}"#, one_kind),
        (
            "20 response with params",
            r#"{"jsonrpc":"2.0","id":1,"result":{},"params":{}}"#,
            "-32600 for 1: a response has no `params`",
        ),
        (
            "21 extra member",
            r#"{"jsonrpc":"2.0","id":1,"method":"x","extra":1}"#,
            "-32600 for 1: unknown member beside `jsonrpc`, `id`, `method`, `params`, `result` and `error`",
        ),
        (
            "method not a string",
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            "-32600 for 1: `method` must be a string without control characters",
        ),
        (
            "10 NUL in method",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call\u0000"}"#,
            "-32600 for 1: `method` must be a string without control characters",
        ),
        (
            "35 notification with id",
            r#"{"jsonrpc":"2.0","id":1,"method":"notifications/initialized"}"#,
            "-32600 for 1: this method is a notification and has no `id`",
        ),
        (
            "35 unknown notification with id",
            r#"{"jsonrpc":"2.0","id":1,"method":"notifications/x"}"#,
            "-32600 for 1: this method is a notification and has no `id`",
        ),
        (
            "36 call without id",
            r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"x"}}"#,
            "-32600: this method is a request and needs an `id`",
        ),
    ]);
}

#[test]
fn bodies_have_the_types_of_the_protocol() {
    let call = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
    };
    let object = "-32600 for 1: `params` must be an object";
    let arguments = "-32602 for 1: `params.arguments` must be an object";
    let name = "-32602 for 1: `params.name` must be a string without control characters";
    for (row, params, expected) in [
        ("22 array", "[]", object),
        ("22 null", "null", object),
        ("22 string", "\"\"", object),
        ("23 null", r#"{"name":"x","arguments":null}"#, arguments),
        ("23 array", r#"{"name":"x","arguments":[]}"#, arguments),
        (
            "24 meta",
            r#"{"_meta":[]}"#,
            "-32602 for 1: `params._meta` must be an object",
        ),
        (
            "24 token",
            r#"{"_meta":{"progressToken":1.5}}"#,
            "-32602 for 1: `params._meta.progressToken` must be a short string or an integer",
        ),
        ("10 NUL in name", r#"{"name":"x\u0000"}"#, name),
        ("10 C1 in name", r#"{"name":"x\u0085"}"#, name),
        ("name not a string", r#"{"name":1}"#, name),
        (
            "10 NUL in arguments",
            r#"{"name":"x","arguments":{"a":"\u0000"}}"#,
            "request 1 tools/call",
        ),
    ] {
        check(&[(row, &call(params), expected)]);
    }
    check(&[
        (
            "result not an object",
            r#"{"jsonrpc":"2.0","id":1,"result":[]}"#,
            "-32600 for 1: `result` must be an object",
        ),
        (
            "error code not an integer",
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1.0,"message":""}}"#,
            "-32600 for 1: `error.code` must be an integer",
        ),
        (
            "error without message",
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1}}"#,
            "-32600 for 1: `error.message` must be a string",
        ),
    ]);
}

#[test]
fn ids_are_strings_or_plain_integers() {
    let long = format!("\"{}\"", "x".repeat(257));
    let longest = format!("\"{}\"", "x".repeat(256));
    let longest_read = format!("request {longest} ping");
    let integer = "-32600: `id` must be a string or an integer";
    let range = "-32600: `id` must be between -(2^53 - 1) and 2^53 - 1";
    let control = "-32600: `id` must not contain control characters";
    for (row, id, expected) in [
        ("27 id null", "null", "-32600: `id` must not be null"),
        ("28 fraction", "1.5", integer),
        ("28 true", "true", integer),
        ("28 object", "{}", integer),
        ("28 array", "[]", integer),
        ("29 exponent", "1e2", integer),
        ("29 1.0", "1.0", integer),
        (
            "29 -0",
            "-0",
            "-32600: `id` must be written as a plain integer",
        ),
        (
            "29 01",
            "01",
            "-32700: not acceptable JSON at byte 23: expected `,` or `}`",
        ),
        (
            "30 largest",
            "9007199254740991",
            "request 9007199254740991 ping",
        ),
        (
            "30 smallest",
            "-9007199254740991",
            "request -9007199254740991 ping",
        ),
        ("30 above", "9007199254740992", range),
        ("30 below", "-9007199254740992", range),
        ("30 20 digits", "12345678901234567890", range),
        ("31 string", "\"3\"", "request \"3\" ping"),
        ("31 integer", "3", "request 3 ping"),
        ("32 empty", "\"\"", "request \"\" ping"),
        ("32 longest", &longest, &longest_read),
        (
            "32 too long",
            &long,
            "-32600: `id` must be at most 256 bytes long",
        ),
        ("10 NUL in id", r#""a\u0000""#, control),
        ("10 C1 in id", "\"a\u{85}\"", control),
    ] {
        check(&[(
            row,
            &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#),
            expected,
        )]);
    }
    assert_ne!(Id::Integer(3), Id::String("3".into()), "31");
}

/// Row 55.
#[test]
fn a_result_of_a_kind_that_nobody_knows_is_refused_where_kinds_exist() {
    let result =
        |kind: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"resultType":{kind}}}}}"#);
    let refused =
        "-32600 for 1: `result.resultType` must be `complete`, `input_required` or `task`";
    for (revision, kind, expected) in [
        (Revision::V2026_07_28, r#""complete""#, "Result 1"),
        (Revision::V2026_07_28, r#""input_required""#, "Result 1"),
        (Revision::V2026_07_28, r#""task""#, "Result 1"),
        (Revision::V2026_07_28, r#""other""#, refused),
        (Revision::V2026_07_28, "7", refused),
        (Revision::V2025_11_25, r#""other""#, "Result 1"),
    ] {
        let limits = limits(Peer::Server, Some(revision));
        let outcome = outcome(result(kind).as_bytes(), &limits);
        assert_eq!(outcome, expected, "{revision} {kind}");
    }
}

/// Row 39.
#[test]
fn error_may_lack_an_id_where_the_revision_says_so() {
    let error = |id: &str| format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":1,"message":""}}}}"#);
    for (revision, absent, null) in [
        (None, "Error without id", "Error without id"),
        (
            Some(Revision::V2025_11_25),
            "Error without id",
            "Error without id",
        ),
        (
            Some(Revision::V2025_06_18),
            "-32600: a response must have an `id`",
            "-32600: `id` must not be null",
        ),
    ] {
        let limits = limits(Peer::Server, revision);
        assert_eq!(
            outcome(error("").as_bytes(), &limits),
            absent,
            "{revision:?}"
        );
        assert_eq!(
            outcome(error(r#""id":null,"#).as_bytes(), &limits),
            null,
            "{revision:?}"
        );
    }
    let result = br#"{"jsonrpc":"2.0","result":{}}"#;
    let refused = "-32600: a response must have an `id`";
    assert_eq!(outcome(result, &limits(Peer::Server, None)), refused);
}

#[test]
fn message_over_the_size_limit_is_refused() {
    let text = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let with = |message_bytes| EnvelopeLimits {
        message_bytes,
        ..limits(Peer::Client, None)
    };
    assert_eq!(outcome(text, &with(text.len())), "request 1 ping");
    assert_eq!(
        outcome(text, &with(text.len() - 1)),
        "-32600: message is longer than 39 bytes"
    );
}

#[test]
fn a_message_may_be_one_string() {
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"s":"{}"}}}}"#,
        "x".repeat(MESSAGE_BYTES_DEFAULT)
    );
    let limits = limits(Peer::Client, None).with_message_bytes(text.len());
    assert_eq!(outcome(text.as_bytes(), &limits), "request 1 ping");
}

#[test]
fn refusal_answers_with_the_id() {
    let limits = limits(Peer::Client, None);
    let error = Message::parse(br#"{"jsonrpc":"2.0","id":"a","method":7}"#, &limits).unwrap_err();
    let expected = r#"{"jsonrpc":"2.0","id":"a","error":{"code":-32600,"message":"`method` must be a string without control characters"}}"#;
    assert_eq!(String::from_utf8(error.response()).as_deref(), Ok(expected));
}

#[test]
fn reserved_names_that_nobody_knows_can_be_refused() {
    let refusing = EnvelopeLimits {
        unknown_meta: UnknownMeta::Refuse,
        ..limits(Peer::Client, Some(Revision::V2026_07_28))
    };
    let passing = limits(Peer::Client, Some(Revision::V2026_07_28));
    let reason = |place: &str, key: &str| {
        format!(
            "-32602 for 1: `{key}` in `{place}._meta` is a reserved name that is not known here"
        )
    };
    for (key, shown) in [
        (
            "io.modelcontextprotocol/later",
            Some("io.modelcontextprotocol/later"),
        ),
        ("dev.mcp/\u{e4} x", Some("dev.mcp/??x")),
        ("io.modelcontextprotocol/protocolVersion", None),
        ("com.example/later", None),
        ("later", None),
    ] {
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"x","_meta":{{"{key}":1}}}}}}"#
        );
        let expected = shown.map_or("request 1 tools/call".to_owned(), |key| {
            reason("params", key)
        });
        assert_eq!(outcome(call.as_bytes(), &refusing), expected);
        assert_eq!(outcome(call.as_bytes(), &passing), "request 1 tools/call");
        let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"_meta":{{"{key}":1}}}}}}"#);
        let expected = shown.map_or("Result 1".to_owned(), |key| reason("result", key));
        assert_eq!(outcome(answer.as_bytes(), &refusing), expected);
    }
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed","params":{"_meta":{"dev.mcp/x":1}}}"#;
    let expected = reason("params", "dev.mcp/x").replace(" for 1", "");
    assert_eq!(outcome(notification.as_bytes(), &refusing), expected);
}

#[test]
fn reserved_names_that_nobody_knows_are_refused_wherever_the_protocol_has_them() {
    let refusing = EnvelopeLimits {
        unknown_meta: UnknownMeta::Refuse,
        ..limits(Peer::Server, Some(Revision::V2026_07_28))
    };
    let passing = limits(Peer::Server, Some(Revision::V2026_07_28));
    let check = |result: &str, place: Option<&str>| {
        let meta = r#""_meta":{"dev.mcp/x":1}"#;
        let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        let answer = answer.replace("META", meta);
        let expected = place.map_or("Result 1".to_owned(), |place| {
            format!("-32602 for 1: `dev.mcp/x` in `{place}._meta` is a reserved name that is not known here")
        });
        assert_eq!(outcome(answer.as_bytes(), &refusing), expected, "{answer}");
        assert_eq!(outcome(answer.as_bytes(), &passing), "Result 1");
    };
    for (result, place) in [
        (r#"{"content":[{"type":"text"},{META}]}"#, "content"),
        (r#"{"role":"assistant","content":{META}}"#, "content"),
        (
            r#"{"content":[{"type":"resource","resource":{META}}]}"#,
            "resource",
        ),
        (
            r#"{"content":[{"type":"tool_result","content":[{META}]}]}"#,
            "content",
        ),
        (r#"{"contents":[{META}]}"#, "contents"),
        (
            r#"{"messages":[{"role":"user","content":{META}}]}"#,
            "content",
        ),
        (r#"{"tools":[{META}]}"#, "tools"),
        (r#"{"prompts":[{META}]}"#, "prompts"),
        (r#"{"resources":[{META}]}"#, "resources"),
        (r#"{"resourceTemplates":[{META}]}"#, "resourceTemplates"),
        (r#"{"roots":[{META}]}"#, "roots"),
        (r#"{"task":{META}}"#, "task"),
        (r#"{"result":{META}}"#, "result"),
        (
            r#"{"inputRequests":{"a":{"method":"m","params":{META}}}}"#,
            "params",
        ),
        (r#"{"inputRequests":{"content":{META}}}"#, "inputRequests"),
    ] {
        check(result, Some(place));
    }
    // What peers make up may have any names.
    for result in [
        r#"{"structuredContent":{META}}"#,
        r#"{"tools":[{"inputSchema":{META}}]}"#,
        r#"{"_meta":{"com.example/x":{META}}}"#,
    ] {
        check(result, None);
    }
}
