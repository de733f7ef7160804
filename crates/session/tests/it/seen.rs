//! Nothing of a message is hidden from guardrails by how it is written or where it stands.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_trace::record::Direction::{ToClient, ToServer};
use portcullis_trace::record::Verdict;

use crate::conversation::{Conversation, request};

/// A word of its own, a quotation, a picture.
const OUTPUTS: &str = r#"raise "word" if:
    (o: ToolOutput)
    (t: str) in text(o)
    any(find(r"\bForward\b", t))
raise "quotation" if:
    (o: ToolOutput)
    (t: str) in text(o)
    "run \"rm\"" in t
raise "picture" if:
    (o: ToolOutput)
    len(image(o)) > 0
"#;
const PATHS: &str = r#"raise "path" if:
    (c: ToolCall)
    (a: str) in c.function.arguments
    a == "file:///etc/passwd"
"#;
const SECRETS: &str = r#"raise "in a call" if:
    (c: ToolCall)
    (a: str) in c.function.arguments
    "secretword" in a
raise "in an output" if:
    (o: ToolOutput)
    (t: str) in text(o)
    "secretword" in t
"#;

/// What becomes of the result of a request that asks for nothing special.
#[track_caller]
fn check_answer(policy: &str, method: &str, answer: &str, expected: Verdict) {
    let mut talk = Conversation::guarded(policy);
    talk.client_asks("1", method, r#"{"name":"t","uri":"file:///x"}"#);
    let line = format!(r#"{{"jsonrpc":"2.0","id":1,{answer}}}"#);
    let became = talk.server(&line);
    assert_eq!(became.records[0].verdict, expected, "{answer}");
    assert_eq!(became.records[0].failure, None, "{answer}");
}

#[track_caller]
fn check_result(policy: &str, method: &str, result: &str, expected: Verdict) {
    check_answer(policy, method, &format!(r#""result":{result}"#), expected);
}

#[test]
fn strings_are_seen_as_they_read_wherever_they_stand() {
    for text in [r"Note.\nForward it", r#"then run \"rm\" now"#] {
        for (method, result) in [
            (
                "tools/call",
                r#"{"content":[],"structuredContent":{"a":["TEXT"]}}"#,
            ),
            (
                "tools/call",
                r#"{"content":[],"structuredContent":{"TEXT":1}}"#,
            ),
            ("tools/call", r#"{"content":[{"type":"other","a":"TEXT"}]}"#),
            ("tools/call", r#"{"content":[],"other":"TEXT"}"#),
            (
                "resources/list",
                r#"{"resources":[{"uri":"a","name":"TEXT"}]}"#,
            ),
            (
                "resources/read",
                r#"{"contents":[{"uri":"a","text":"","title":"TEXT"}]}"#,
            ),
            (
                "prompts/list",
                r#"{"prompts":[{"name":"a","description":"TEXT"}]}"#,
            ),
            ("prompts/get", r#"{"messages":[],"description":"TEXT"}"#),
            ("tools/list", r#"{"tools":[],"other":"TEXT"}"#),
            (
                "tools/list",
                r#"{"tools":[{"name":"a","inputSchema":{},"title":"TEXT"}]}"#,
            ),
            (
                "tools/list",
                r#"{"tools":[{"name":"a","description":["TEXT"],"inputSchema":"x"}]}"#,
            ),
            ("tools/list", r#"{"tools":["TEXT"]}"#),
            (
                "completion/complete",
                r#"{"completion":{"values":["TEXT"]}}"#,
            ),
        ] {
            let plain = result.replace("TEXT", "word");
            check_result(OUTPUTS, method, &plain, Verdict::Allow);
            let result = result.replace("TEXT", text);
            check_result(OUTPUTS, method, &result, Verdict::Block);
        }
        let error = format!(r#""error":{{"code":1,"message":"a","data":{{"b":"{text}"}}}}"#);
        check_answer(OUTPUTS, "tools/call", &error, Verdict::Block);
    }
}

#[test]
fn structured_content_is_seen_if_the_text_beside_it_is_written_otherwise() {
    let result = |text: &str| {
        format!(
            r#"{{"content":[{{"type":"text","text":"{text}"}}],"structuredContent":{{"a":"secretword"}}}}"#
        )
    };
    let escaped = result(r#"{\"a\":\"\\u0073ecretword\"}"#);
    check_result(SECRETS, "tools/call", &escaped, Verdict::Block);
    let plain = result(r#"{\"a\": \"secretword\"}"#);
    check_result(SECRETS, "tools/call", &plain, Verdict::Block);
}

#[test]
fn what_is_said_twice_is_seen_once() {
    let mut talk = Conversation::unguarded();
    talk.client_asks("1", "tools/call", r#"{"name":"t","arguments":{}}"#);
    let became = talk.server(
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"a\nb"}],"structuredContent":{"result":"a\nb"}}}"#,
    );
    let events = &became.records[0].events;
    assert_eq!(events.matches(r"a\nb").count(), 1, "{events}");
    assert_eq!(events.matches(r"a\\nb").count(), 1, "{events}");
}

#[test]
fn a_bad_tool_costs_no_other_tool_of_its_listing() {
    let policy = "raise \"bad\" if:\n    (t: Tool)\n    \"evil\" in t.description\n";
    let mut talk = Conversation::guarded(policy);
    talk.client_asks("1", "tools/list", "{}");
    let became = talk.server(
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"good","description":"","inputSchema":{}},{"name":"bad","description":"evil","inputSchema":{}}],"nextCursor":"{\"page\":2}","_meta":{"x":"a\nb"}}}"#,
    );
    assert_eq!(became.records[0].verdict, Verdict::Redact);
    assert!(became.sent[0].1.contains("good"), "{:?}", became.sent);
}

#[test]
fn a_uri_is_seen_as_servers_read_it() {
    let read = |uri: &str| format!(r#"{{"uri":"{uri}"}}"#);
    let subscribe =
        |uri: &str| format!(r#"{{"notifications":{{"resourceSubscriptions":["a:b","{uri}"]}}}}"#);
    let complete = |uri: &str| {
        format!(
            r#"{{"ref":{{"type":"ref/resource","uri":"{uri}"}},"argument":{{"name":"a","value":""}}}}"#
        )
    };
    for uri in [
        "file:///%65tc/passwd",
        "file:///%65tc/passwd#%ff",
        "file:///%65tc/passwd#/../../../safe",
        "file:///etc/passwd?/../../../safe",
        "file:///a/../etc/passwd",
        "file:///etc/p%61sswd%23x",
        "file:///etc/p%61sswd%3f/../../safe",
        "file:///etc;a/p%61sswd",
    ] {
        for (method, params) in [
            ("resources/read", read(uri)),
            ("resources/subscribe", read(uri)),
            ("subscriptions/listen", subscribe(uri)),
            ("completion/complete", complete(uri)),
        ] {
            let policy = match method {
                "completion/complete" => PATHS.replace(
                    "(a: str) in c.function.arguments",
                    "a := c.function.arguments.ref.uri",
                ),
                "subscriptions/listen" => PATHS.replace(
                    "(a: str) in c.function.arguments",
                    "(a: str) in c.function.arguments.notifications.resourceSubscriptions",
                ),
                _ => PATHS.to_owned(),
            };
            let line = request("1", method, &params);
            let became = Conversation::guarded(&policy).client(&line);
            assert_eq!(became.records[0].verdict, Verdict::Block, "{line}");
            assert_eq!(became.records[0].failure, None, "{line}");
        }
    }
}

#[test]
fn members_of_the_protocol_hide_nothing() {
    let meta = |name: &str| format!(r#""_meta":{{"io.modelcontextprotocol/{name}":"secretword"}}"#);
    for name in ["clientInfo", "logLevel", "protocolVersion"] {
        for result in [
            format!(r#"{{"content":[],{}}}"#, meta(name)),
            format!(
                r#"{{"content":[{{"type":"text","text":"",{}}}]}}"#,
                meta(name)
            ),
        ] {
            check_result(SECRETS, "tools/call", &result, Verdict::Block);
        }
    }
    for members in [
        r#""nextCursor":["secretword"]"#,
        r#""cacheScope":"secretword""#,
    ] {
        let result = format!(r#"{{"tools":[],{members}}}"#);
        check_result(SECRETS, "tools/list", &result, Verdict::Block);
    }
    let mut talk = Conversation::guarded(SECRETS);
    talk.client_asks(
        "1",
        "tools/call",
        r#"{"name":"t","arguments":{},"_meta":{"progressToken":1}}"#,
    );
    let progress = |total: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":1,"progress":1,"total":{total}}}}}"#
        )
    };
    assert_eq!(talk.server(&progress(r#""secretword""#)).sent, []);
    let line = progress("2").replace(r#""progress":1"#, r#""progress":2"#);
    assert_eq!(talk.server(&line).sent, [(ToClient, line)]);
    // What has not the form of what clients say of themselves is somebody else's text.
    let said = |meta: &str| {
        request(
            "2",
            "tools/call",
            &format!(r#"{{"name":"t","arguments":{{}},"_meta":{{{meta}}}}}"#),
        )
    };
    for meta in [
        r#""progressToken":"secretword""#,
        r#""io.modelcontextprotocol/clientInfo":{"name":"secretword"}"#,
        r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":"secretword""#,
        r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/logLevel":"secretword""#,
    ] {
        assert_eq!(
            talk.client(&said(meta)).records[0].verdict,
            Verdict::Block,
            "{meta}"
        );
    }
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/clientInfo":{"a":"secretword"}}}}"#;
    assert_eq!(talk.server(changed).records[0].verdict, Verdict::Block);
    let info = |name: &str| {
        request(
            "2",
            "tools/call",
            &format!(
                r#"{{"name":"t","arguments":{{}},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{{"name":"{name}","version":"1"}}}}}}"#
            ),
        )
    };
    let long = info(&format!("{}secretword", "a".repeat(1024)));
    assert_eq!(talk.client(&long).records[0].verdict, Verdict::Block);
    let short = info("a");
    assert_eq!(talk.client(&short).sent, [(ToServer, short)]);
}

#[test]
fn a_picture_in_a_resource_is_a_picture() {
    let picture = STANDARD.encode([0x89, b'P', b'N', b'G', 0, 1]);
    let contents = |kind: &str| format!(r#"{{"uri":"a","mimeType":"{kind}","blob":"{picture}"}}"#);
    for (kind, expected) in [
        ("image/png", Verdict::Block),
        ("Image/PNG", Verdict::Block),
        ("application/pdf", Verdict::Allow),
    ] {
        let read = format!(r#"{{"contents":[{}]}}"#, contents(kind));
        check_result(OUTPUTS, "resources/read", &read, expected);
        let embedded = format!(
            r#"{{"content":[{{"type":"resource","resource":{}}}]}}"#,
            contents(kind)
        );
        check_result(OUTPUTS, "tools/call", &embedded, expected);
    }
}

#[test]
fn text_of_two_bytes_a_letter_is_read() {
    let little: Vec<u8> = "a secretword"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let big: Vec<u8> = "a secretword"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    let units = |text: &str| -> Vec<u8> {
        text.chars()
            .flat_map(|one| u32::from(one).to_le_bytes())
            .collect()
    };
    let (wide, marked) = (units("a secretword"), units("\u{feff}a secretword"));
    for (kind, bytes) in [
        ("text/plain; charset=utf-16le", &little),
        ("text/plain; charset=UTF-16", &little),
        ("text/plain;charset=\\\"utf-16be\\\"", &big),
        ("text/plain", &little),
        ("text/plain", &big),
        ("text/plain; charset=utf-16", &b"a secretword".to_vec()),
        ("text/plain; charset=utf-16", &big),
        ("text/plain; charset=ucs-2", &little),
        ("text/plain; charset=utf-32", &wide),
        ("text/plain", &marked),
    ] {
        let blob = STANDARD.encode(bytes);
        let result =
            format!(r#"{{"contents":[{{"uri":"a","mimeType":"{kind}","blob":"{blob}"}}]}}"#);
        check_result(SECRETS, "resources/read", &result, Verdict::Block);
    }
}

#[test]
fn what_comes_of_a_task_is_an_output_of_its_tool() {
    const INJECTED: &str = r#"raise "injected" if:
    (o: ToolOutput)
    o is tool:read_mail
    (t: str) in text(o)
    "secretword" in t
"#;
    let said =
        |id: &str, result: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
    let content = r#""content":[{"type":"text","text":"secretword"}]"#;
    for given in [
        r#"{"task":{"taskId":"t1","status":"working"}}"#,
        r#"{"taskId":"t1","status":"working","resultType":"task"}"#,
    ] {
        let begun = || {
            let mut talk = Conversation::guarded(INJECTED);
            talk.client_asks("1", "tools/call", r#"{"name":"read_mail","arguments":{}}"#);
            talk.server(&said("1", given));
            talk
        };
        for (method, result) in [
            (
                "tasks/get",
                format!(r#"{{"taskId":"t1","status":"completed","result":{{{content}}}}}"#),
            ),
            ("tasks/result", format!("{{{content}}}")),
        ] {
            let mut talk = begun();
            talk.client_asks("2", method, r#"{"taskId":"t1"}"#);
            let became = talk.server(&said("2", &result));
            assert_eq!(became.records[0].verdict, Verdict::Block, "{method}");
            talk.client_asks("3", method, r#"{"taskId":"t2"}"#);
            let became = talk.server(&said("3", &result));
            assert_eq!(became.records[0].verdict, Verdict::Allow, "another task");
        }
        let told = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/tasks","params":{{"taskId":"t1","status":"completed","result":{{{content}}}}}}}"#
        );
        assert_eq!(begun().server(&told).records[0].verdict, Verdict::Block);
        let mut talk = begun();
        talk.client_asks("2", "tasks/get", r#"{"taskId":"t1"}"#);
        let failed = r#"{"taskId":"t1","status":"failed","statusMessage":"secretword"}"#;
        assert_eq!(
            talk.server(&said("2", failed)).records[0].verdict,
            Verdict::Block
        );
        talk.client_asks("3", "tasks/result", r#"{"taskId":"t1"}"#);
        let error = r#"{"jsonrpc":"2.0","id":3,"error":{"code":1,"message":"secretword"}}"#;
        assert_eq!(talk.server(error).records[0].verdict, Verdict::Block);
        // Another call has its name now, and what a client answers is no output of a tool.
        let mut talk = begun();
        talk.client_asks("1", "tools/call", r#"{"name":"add","arguments":{}}"#);
        talk.server_answers("1", r#"{"content":[]}"#);
        talk.client_asks("2", "tasks/result", r#"{"taskId":"t1"}"#);
        let became = talk.server(&said("2", &format!("{{{content}}}")));
        assert_eq!(became.records[0].events.matches("secretword").count(), 1);
        let mut talk = begun();
        let asked = request("9", "tasks/result", r#"{"taskId":"t1"}"#);
        assert_eq!(talk.server(&asked).sent, [(ToClient, asked)]);
        let became = talk.client(&said("9", &format!("{{{content}}}")));
        assert_eq!(became.records[0].events.matches("secretword").count(), 1);
    }
}
