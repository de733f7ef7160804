use proptest::prelude::*;

use super::*;

fn limits(sender: Peer, revision: Option<Revision>) -> EnvelopeLimits {
    EnvelopeLimits {
        revision,
        ..EnvelopeLimits::new(sender)
    }
}

#[test]
fn bytes_are_kept_as_they_came() {
    let text = "{ \"jsonrpc\":\"2.0\",\r\n\"id\":1, \"method\":\"x\",\n\"params\": {\"n\": 1.50e+3, \"s\":\"\\u0041\"} }\n";
    let message = Message::parse(text.as_bytes(), &limits(Peer::Client, None)).unwrap();
    assert_eq!(message.raw(), text.as_bytes());
    assert_eq!(message.line(), text.replace(['\r', '\n'], " ").as_bytes());
    assert_eq!(
        &message.raw()[message.body_range().unwrap()],
        b"{\"n\": 1.50e+3, \"s\":\"\\u0041\"}"
    );
    let params = message
        .params()
        .and_then(|params| params.get("s"))
        .and_then(Value::as_str);
    assert_eq!(params, Some("A"));
    assert_eq!((message.result(), message.error()), (None, None));
}

#[test]
fn bytes_that_are_shared_are_not_copied() {
    let bytes = Bytes::from_static(br#"{"jsonrpc":"2.0","id":1,"result":{"a":"\n"}}"#);
    let limits = limits(Peer::Server, None);
    let Incoming::Single(message) = Incoming::parse_shared(&bytes, &limits).unwrap() else {
        panic!("one message was written");
    };
    let alone = Message::parse_shared(&bytes, &limits).unwrap();
    for message in [message, alone] {
        assert_eq!(message.raw(), &bytes[..]);
        assert_eq!(message.raw().as_ptr(), bytes.as_ptr());
        assert_eq!(message.text().as_ptr(), bytes.as_ptr());
        assert_eq!(message.line().as_ptr(), bytes.as_ptr());
    }
}

#[test]
fn content_does_not_reach_a_log() {
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"secret"}}"#;
    let message = Message::parse(text.as_bytes(), &limits(Peer::Client, None)).unwrap();
    let logged = format!("{message:?}");
    assert!(
        logged.contains("Ping") && !logged.contains("secret"),
        "{logged}"
    );
}

#[test]
fn batches_exist_in_one_revision() {
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let call = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"x"}}"#;
    let initialize = r#"{"jsonrpc":"2.0","id":3,"method":"initialize","params":{}}"#;
    let batching = EnvelopeLimits {
        batch_messages: 2,
        ..limits(Peer::Client, Some(Revision::V2025_03_26))
    };
    let check = |limits: &EnvelopeLimits, text: String, expected: Result<&[&str], &str>| {
        let read = match Incoming::parse(text.as_bytes(), limits) {
            Ok(Incoming::Single(message)) => Ok(vec![message]),
            Ok(Incoming::Batch(messages)) => Ok(messages),
            Err(error) => Err(error.to_string()),
        };
        let raw = read.as_ref().map(|messages| {
            messages
                .iter()
                .map(|message| str::from_utf8(message.raw()).unwrap())
                .collect::<Vec<_>>()
        });
        let expected = expected.map(<[&str]>::to_vec).map_err(str::to_owned);
        assert_eq!(raw.map_err(Clone::clone), expected, "{text}");
    };
    check(&batching, ping.to_owned(), Ok(&[ping]));
    check(&batching, format!(" [{ping} , {call}] "), Ok(&[ping, call]));
    check(
        &batching,
        "[]".to_owned(),
        Err("batch must have between 1 and 2 messages"),
    );
    check(
        &batching,
        format!("[{ping},{ping},{ping}]"),
        Err("batch must have between 1 and 2 messages"),
    );
    check(
        &batching,
        format!("[{ping},[{ping}]]"),
        Err("message must be a JSON object"),
    );
    check(
        &batching,
        format!("[{ping},1]"),
        Err("message must be a JSON object"),
    );
    check(
        &batching,
        format!("[{initialize}]"),
        Err("`initialize` must not be part of a batch"),
    );
    for revision in [
        None,
        Some(Revision::V2024_11_05),
        Some(Revision::V2025_06_18),
    ] {
        let refused = "batches exist only in revision 2025-03-26, send one message at a time";
        check(
            &limits(Peer::Client, revision),
            format!("[{ping}]"),
            Err(refused),
        );
    }
    let incoming = Incoming::parse(format!("[{ping}, {call}]").as_bytes(), &batching).unwrap();
    let Incoming::Batch(messages) = incoming else {
        panic!("a batch was sent")
    };
    assert_eq!(
        &messages[1].raw()[messages[1].body_range().unwrap()],
        br#"{"name":"x"}"#
    );
}

/// Text made of what messages are made of, so that some of it is well-formed.
fn almost_messages() -> impl Strategy<Value = String> {
    let member = prop::sample::select(vec![
        r#""jsonrpc":"2.0""#,
        r#""id":1"#,
        r#""id":"é""#,
        r#""id":null"#,
        r#""method":"ping""#,
        r#""method":"notifications/x""#,
        r#""params":{"_meta":{}}"#,
        r#""params":[]"#,
        r#""result":{"content":[]}"#,
        r#""error":{"code":1,"message":"m"}"#,
    ]);
    prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(",")))
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let read = Incoming::parse(&bytes, &limits(Peer::Server, Some(Revision::V2025_03_26)));
        prop_assert!(read.is_err());
    }

    #[test]
    fn accepted_messages_keep_their_bytes(text in almost_messages(), server in any::<bool>()) {
        let sender = if server { Peer::Server } else { Peer::Client };
        if let Ok(message) = Message::parse(text.as_bytes(), &limits(sender, None)) {
            prop_assert_eq!(message.raw(), text.as_bytes());
            prop_assert_eq!(message.line(), text.as_bytes());
            let again = Message::parse(&message.line(), &limits(sender, None)).unwrap();
            prop_assert_eq!(again.kind(), message.kind());
        }
    }
}
