//! Requests and answers find each other; what belongs to nothing goes nowhere.

use portcullis_mcp::error_code::{INTERNAL_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND};
use portcullis_mcp::{Id, Incoming, Revision};
use portcullis_session::{Action, Scope, Source, Stream};
use portcullis_trace::record::Direction::{ToClient, ToServer};
use portcullis_trace::record::Timestamp;

use crate::conversation::{Became, Conversation, request};

const TEXT: &str = r#"{"content":[{"type":"text","text":"x"}]}"#;
const CALL: &str = r#"{"name":"t","arguments":{}}"#;

#[test]
fn any_valid_id_finds_its_answer_in_both_directions() {
    for id in [
        "0",
        "-1",
        "9007199254740991",
        r#""""#,
        r#""0""#,
        r#""s1""#,
        r#""ü 🙂""#,
    ] {
        let mut talk = Conversation::unguarded();
        talk.client_asks(id, "tools/call", CALL);
        talk.server_answers(id, TEXT);
        let line = request(id, "roots/list", "{}");
        assert_eq!(talk.server(&line).sent, [(ToClient, line)], "{id}");
        let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"roots":[]}}}}"#);
        assert_eq!(talk.client(&line).sent, [(ToServer, line)], "{id}");
    }
}

#[test]
fn an_id_is_free_again_once_it_is_answered() {
    let mut talk = Conversation::unguarded();
    for _ in 0..3 {
        talk.client_asks("1", "tools/call", CALL);
        talk.server_answers("1", TEXT);
    }
}

#[test]
fn an_id_in_flight_is_refused_and_the_first_request_goes_on() {
    let mut talk = Conversation::unguarded();
    talk.client_asks("1", "tools/call", CALL);
    let (code, _) = talk
        .client(&request("1", "tools/list", "{}"))
        .error(ToClient);
    assert_eq!(code, INVALID_REQUEST);
    talk.client_asks(r#""1""#, "tools/list", "{}");
    talk.server_answers("1", TEXT);
}

#[test]
fn both_directions_may_use_the_same_id_at_once() {
    let mut talk = Conversation::unguarded();
    talk.client_asks("1", "tools/call", CALL);
    let line = request(
        "1",
        "sampling/createMessage",
        r#"{"messages":[],"maxTokens":1}"#,
    );
    assert_eq!(talk.server(&line).sent, [(ToClient, line)]);
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"role":"assistant","content":{"type":"text","text":"ok"},"model":"m"}}"#;
    assert_eq!(talk.client(answer).sent, [(ToServer, answer.to_owned())]);
    talk.server_answers("1", TEXT);
}

#[test]
fn answers_to_nothing_are_dropped() {
    let mut talk = Conversation::unguarded();
    let stray = r#"{"jsonrpc":"2.0","id":5,"result":{}}"#;
    talk.server(stray).is_dropped("no open request");
    talk.client(stray).is_dropped("no open request");
    talk.client_asks("5", "tools/call", CALL);
    talk.server_answers("5", TEXT);
    talk.server(stray).is_dropped("no open request");
}

#[test]
fn an_answer_with_an_id_of_the_other_type_fails_the_call() {
    for (asked, answered) in [("3", r#""3""#), (r#""3""#, "3")] {
        let mut talk = Conversation::unguarded();
        talk.client_asks(asked, "tools/call", CALL);
        let became = talk.server(&format!(
            r#"{{"jsonrpc":"2.0","id":{answered},"result":{{}}}}"#
        ));
        assert_eq!(became.error(ToClient).0, INTERNAL_ERROR);
        assert_eq!(
            became
                .only()
                .1
                .get("id")
                .map(ToString::to_string)
                .as_deref(),
            Some(asked)
        );
    }
}

#[test]
fn an_error_without_an_id_belongs_to_the_only_open_request() {
    let error = r#"{"jsonrpc":"2.0","error":{"code":-32603,"message":"oops"}}"#;
    let mut talk = Conversation::unguarded();
    talk.server(error).is_dropped("without an id");
    talk.client_asks("1", "tools/call", CALL);
    assert_eq!(talk.server(error).error(ToClient).0, INTERNAL_ERROR);
    talk.client_asks("2", "tools/call", CALL);
    talk.client_asks("3", "tools/call", CALL);
    talk.server(error).is_dropped("without an id");
}

#[test]
fn a_refusal_of_the_python_sdk_belongs_to_the_only_open_request_too() {
    let error = r#"{"jsonrpc":"2.0","id":"server-error","error":{"code":-32603,"message":"oops"}}"#;
    let result = r#"{"jsonrpc":"2.0","id":"server-error","result":{}}"#;
    let mut talk = Conversation::unguarded();
    talk.server(error).is_dropped("without an id");
    talk.client_asks("1", "tools/call", CALL);
    talk.server(result).is_dropped("");
    assert_eq!(talk.server(error).error(ToClient).1, "oops");
    // A request may have that id.
    talk.client_asks("2", "tools/call", CALL);
    talk.client_asks("\"server-error\"", "tools/call", CALL);
    let became = talk.server(error);
    assert_eq!(became.sent, [(ToClient, error.to_owned())]);
}

#[test]
fn only_own_open_requests_can_be_cancelled() {
    let cancel = |id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":"r"}}}}"#
        )
    };
    let mut talk = Conversation::unguarded();
    talk.client(&cancel("1")).is_dropped("cancellation");
    talk.client_asks("1", "tools/call", CALL);
    talk.client(&cancel(r#""1""#)).is_dropped("cancellation");
    talk.server(&cancel("1")).is_dropped("cancellation");
    assert_eq!(talk.client(&cancel("1")).sent, [(ToServer, cancel("1"))]);
    talk.client(&cancel("1")).is_dropped("cancellation");
    talk.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)
        .is_dropped("no open request");

    let mut talk = Conversation::unguarded();
    talk.client_asks("0", "initialize", r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}"#);
    talk.client(&cancel("0")).is_dropped("initialize");
}

#[test]
fn progress_is_passed_on_a_hundred_times_a_second() {
    let progress = |step: u32| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":7,"progress":{step}}}}}"#
        )
    };
    let mut talk = Conversation::unguarded();
    talk.client_asks(
        "1",
        "tools/call",
        r#"{"name":"t","arguments":{},"_meta":{"progressToken":7}}"#,
    );
    // A line takes a millisecond of the test's clock.
    let sent = (0..1900).map(|step| talk.server(&progress(step)).sent.len());
    assert_eq!(sent.sum::<usize>(), 200);
    talk.server_answers("1", r#"{"content":[]}"#);
}

#[test]
fn progress_passes_only_for_a_token_that_an_open_request_declared() {
    let progress = |token: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#
        )
    };
    let mut talk = Conversation::unguarded();
    talk.server(&progress("7")).is_dropped("progress");
    talk.client_asks(
        "1",
        "tools/call",
        r#"{"name":"t","arguments":{},"_meta":{"progressToken":7}}"#,
    );
    assert_eq!(
        talk.server(&progress("7")).sent,
        [(ToClient, progress("7"))]
    );
    talk.server(&progress(r#""7""#)).is_dropped("progress");
    talk.client(&progress("7")).is_dropped("progress");
    talk.server_answers("1", TEXT);
    talk.server(&progress("7")).is_dropped("progress");
}

#[test]
fn progress_that_does_not_increase_is_dropped() {
    let progress = |token: &str, progress: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{progress},"message":"x"}}}}"#
        )
    };
    let asks = |id: &str, token: &str| {
        let params =
            format!(r#"{{"name":"t","arguments":{{}},"_meta":{{"progressToken":{token}}}}}"#);
        request(id, "tools/call", &params)
    };
    let mut talk = Conversation::unguarded();
    talk.client(&asks("1", "7"));
    talk.client(&asks("2", "8"));
    for (value, passes) in [
        ("-1", true),
        ("-1", false),
        ("-1.0", false),
        ("-2", false),
        ("0", true),
        ("0.5", true),
        ("5e-1", false),
        ("9007199254740992", true),
        // One more, which a double does not hold.
        ("9007199254740993", true),
        ("10000000000000000000000", true),
        ("10000000000000000000001", true),
        ("10000000000000000000001", false),
        ("9e21", false),
        (r#""99999999999999999999999""#, false),
        ("null", false),
    ] {
        let line = progress("7", value);
        let became = talk.server(&line);
        if passes {
            assert_eq!(became.sent, [(ToClient, line)]);
        } else {
            became.is_dropped("does not increase");
        }
    }
    // Another request has come as far as it has come.
    let line = progress("8", "1");
    assert_eq!(talk.server(&line).sent, [(ToClient, line)]);

    talk.server(&asks("1", "7").replace("tools/call", "sampling/createMessage"));
    let line = progress("7", "2");
    assert_eq!(talk.client(&line).sent, [(ToServer, line.clone())]);
    talk.client(&line).is_dropped("does not increase");

    // The token is free again.
    talk.server_answers("1", TEXT);
    talk.client(&asks("3", "7"));
    assert_eq!(talk.server(&line).sent, [(ToClient, line)]);
}

#[test]
fn a_silence_is_counted_in_looks_and_ends_with_progress() {
    const PROGRESS: &str = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":1}}"#;
    let mut talk = Conversation::unguarded();
    talk.client_asks(
        "1",
        "tools/call",
        r#"{"name":"t","arguments":{},"_meta":{"progressToken":7}}"#,
    );
    let overdue = |talk: &mut Conversation| talk.session.overdue(2).len();
    assert_eq!([0, 0].map(|_| overdue(&mut talk)), [0, 0]);
    talk.server(PROGRESS);
    assert_eq!([0, 0, 0].map(|_| overdue(&mut talk)), [0, 0, 1]);
    // A sign of life is nothing that it could wait for.
    talk.server(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#);
    assert_eq!(overdue(&mut talk), 1);
    // It waits for the client, but not for ever.
    talk.server(r#"{"jsonrpc":"2.0","id":"q","method":"roots/list"}"#);
    let failed = |talk: &mut Conversation| Became::from(talk.session.fail_unanswered(2, "late"));
    for _ in 0..2 {
        assert_eq!(failed(&mut talk).sent, []);
        assert_eq!(overdue(&mut talk), 0);
    }
    let late = |id: &str| {
        let error = r#"{"code":-32603,"message":"late"}"#;
        (
            ToServer,
            format!(r#"{{"jsonrpc":"2.0","id":"{id}","error":{error}}}"#),
        )
    };
    assert_eq!(failed(&mut talk).sent, [late("p"), late("q")]);
    assert_eq!(overdue(&mut talk), 1);
}

#[test]
fn open_requests_are_bounded() {
    let mut talk = Conversation::with(Vec::new(), |context| context.limits.open_requests = 2);
    talk.client_asks("1", "tools/call", CALL);
    talk.client_asks("2", "tools/call", CALL);
    let (code, message) = talk
        .client(&request("3", "tools/call", CALL))
        .error(ToClient);
    assert_eq!((code, message.contains("wait")), (-31_002, true));
    talk.server_answers("1", TEXT);
    talk.client_asks("3", "tools/call", CALL);
}

#[test]
fn unknown_methods_are_refused_unless_configured() {
    let vendor = request("1", "vendor/do", "{}");
    for (method, sender) in [
        ("vendor/do", "client"),
        ("Tools/Call", "client"),
        ("tools/list", "server"),
    ] {
        let mut talk = Conversation::unguarded();
        let line = request("1", method, "{}");
        let (became, back) = match sender {
            "client" => (talk.client(&line), ToClient),
            _ => (talk.server(&line), ToServer),
        };
        assert_eq!(became.error(back).0, METHOD_NOT_FOUND, "{method}");
    }
    let mut talk = Conversation::unguarded();
    talk.server(r#"{"jsonrpc":"2.0","method":"notifications/vendor"}"#)
        .is_dropped("unknown kind");
    let mut talk = Conversation::with(Vec::new(), |context| {
        context.extra_methods = vec!["vendor/do".to_owned()];
    });
    assert_eq!(talk.client(&vendor).sent, [(ToServer, vendor)]);
}

const NAMED: &str = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;

#[test]
fn where_there_is_no_session_every_request_names_its_revision() {
    let mut talk = Conversation::unguarded();
    // The server has yet to say which era this is.
    talk.client_asks("1", "tools/list", "{}");
    talk.client_asks("2", "tools/list", NAMED);
    talk.server_answers("2", r#"{"resultType":"complete","tools":[]}"#);
    let refused = talk.client(&request("3", "tools/list", "{}"));
    let (code, message) = refused.error(ToClient);
    assert_eq!(code, -32602);
    assert!(
        message.contains("io.modelcontextprotocol/protocolVersion"),
        "{message}"
    );
    talk.client_asks("3", "tools/list", NAMED);
}

#[test]
fn the_stream_of_a_request_without_a_session_brings_no_requests() {
    let mut talk = Conversation::unguarded();
    talk.client_asks("1", "tools/list", NAMED);
    let source = Source {
        direction: ToClient,
        scope: Scope::SESSION,
        stream: Stream::Of(Id::Integer(1)),
    };
    let asked = r#"{"jsonrpc":"2.0","id":7,"method":"roots/list"}"#;
    let envelope = talk.session.envelope(ToClient);
    let asked = Incoming::parse(asked.as_bytes(), envelope).unwrap();
    let outcome = talk
        .session
        .on_incoming(&source, &asked, Timestamp::from_micros(1));
    let (code, _) = Became::from(outcome.actions).error(ToServer);
    assert_eq!(code, -32601);
}

#[test]
fn without_a_handshake_who_speaks_is_noted_once() {
    let mut talk = Conversation::unguarded();
    let asked = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"}}}"#;
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","tools":[],"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"2"}}}}"#;
    talk.client_asks("1", "tools/list", NAMED);
    let notes = talk.server(answer).notes.concat();
    assert!(notes.contains(r#"name: "s""#), "{notes}");
    talk.client_asks("1", "tools/list", asked);
    let notes = talk.server(answer).notes.concat();
    assert!(
        notes.contains(r#"name: "c""#) && !notes.contains(r#"name: "s""#),
        "{notes}"
    );
    talk.client_asks("1", "tools/list", asked);
    assert_eq!(talk.server(answer).notes, [""; 0]);
}

#[test]
fn a_result_asks_for_nothing_else_than_it_may() {
    let params = r#"{"name":"t","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;
    let asks = |method: &str| {
        format!(
            r#"{{"resultType":"input_required","inputRequests":{{"a":{{"method":"{method}"}}}}}}"#
        )
    };
    let mut talk = Conversation::with(Vec::new(), |context| {
        context.revision = Some(Revision::V2026_07_28);
    });
    talk.client_asks("1", "tools/call", params);
    talk.server_answers("1", &asks("roots/list"));
    for method in ["tools/call", "unknown/method"] {
        talk.client_asks("1", "tools/call", params);
        let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{}}}"#, asks(method));
        assert_eq!(talk.server(&answer).error(ToClient).0, INTERNAL_ERROR);
    }
    let mut talk = Conversation::with(Vec::new(), |context| {
        context.revision = Some(Revision::V2026_07_28);
        context.extra_methods = vec!["unknown/method".to_owned()];
    });
    talk.client_asks("1", "tools/call", params);
    talk.server_answers("1", &asks("unknown/method"));
}

#[test]
fn a_session_is_initialized_once() {
    let mut talk = Conversation::unguarded();
    talk.shake_hands("2025-06-18");
    let again = request("9", "initialize", r#"{"protocolVersion":"2025-06-18"}"#);
    assert_eq!(talk.client(&again).error(ToClient).0, INVALID_REQUEST);
}

#[test]
fn a_revision_that_cannot_be_inspected_is_refused() {
    let mut talk = Conversation::unguarded();
    // The second is known, and has no handshake that could settle on it.
    for revision in ["2099-01-01", "2026-07-28"] {
        let ask = request(
            "0",
            "initialize",
            &format!(r#"{{"protocolVersion":"{revision}"}}"#),
        );
        assert_eq!(talk.client(&ask).sent, [(ToServer, ask)]);
        let answer = format!(
            r#"{{"jsonrpc":"2.0","id":0,"result":{{"protocolVersion":"{revision}","capabilities":{{}},"serverInfo":{{"name":"s"}}}}}}"#
        );
        // The client may try again.
        assert!(talk.server(&answer).error(ToClient).1.contains(revision));
    }

    let stateless = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01"}}"#;
    let (code, _) = talk
        .client(&request("4", "tools/list", stateless))
        .error(ToClient);
    assert_eq!(code, -32_022);
}

#[test]
fn the_end_of_the_server_answers_all_who_wait_in_order() {
    let mut talk = Conversation::unguarded();
    for id in ["3", r#""a""#, "1"] {
        talk.client_asks(id, "tools/call", CALL);
    }
    let became: Became = talk.session.on_server_end().into();
    let ids: Vec<String> = became
        .sent
        .iter()
        .map(|(_, text)| {
            crate::conversation::json(text)
                .get("id")
                .unwrap()
                .to_string()
        })
        .collect();
    assert_eq!(ids, ["3", r#""a""#, "1"]);
    assert!(talk.session.on_server_end().is_empty());
}

#[test]
fn after_a_bad_answer_the_session_may_be_initialized() {
    let initialize = |id: &str| {
        request(
            id,
            "initialize",
            r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}"#,
        )
    };
    for answer in [
        r#"{"jsonrpc":"2.0","id":1,"result":{},"extra":1}"#,
        r#"{"jsonrpc":"2.0","id":"1","result":{}}"#,
    ] {
        let mut talk = Conversation::unguarded();
        assert_eq!(talk.client(&initialize("1")).sent.len(), 1);
        let became = talk.server(answer);
        assert_eq!(became.error(ToClient).0, -32603, "{answer}");
        let again = initialize("2");
        assert_eq!(talk.client(&again).sent, [(ToServer, again)], "{answer}");
    }
    let mut talk = Conversation::unguarded();
    let now = Timestamp::from_micros(1);
    let line = initialize("1");
    let actions = talk.session.on_line(ToServer, line.as_bytes(), now).actions;
    let waiting = actions.into_iter().find_map(|action| match action {
        Action::Record { waiting, .. } => waiting,
        _ => None,
    });
    let waiting = waiting.unwrap();
    talk.session.on_unrecorded(&waiting);
    let again = initialize("2");
    assert_eq!(talk.client(&again).sent, [(ToServer, again)]);
}

#[test]
fn a_bad_request_of_the_servers_is_no_answer_to_the_clients() {
    let mut talk = Conversation::unguarded();
    talk.client_asks("1", "tools/list", "{}");
    let became = talk.server(r#"{"jsonrpc":"2.0","id":1,"method":"roots/list","params":null}"#);
    assert_eq!(became.error(ToServer).0, -32600);
    let became = talk.server(r#"{"jsonrpc":"2.0","method":"notifications/message","params":1}"#);
    assert_eq!(became.sent, []);
    talk.server_answers("1", r#"{"tools":[]}"#);
    // Some servers write all members.
    for method in ["null", r#""tools/list""#] {
        talk.client_asks("1", "tools/list", "{}");
        let answer =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":{method},"result":{{"tools":[]}}}}"#);
        assert_eq!(talk.server(&answer).error(ToClient).0, INTERNAL_ERROR);
    }
}

#[test]
fn a_subscription_that_the_server_ends_is_over() {
    let mut talk = Conversation::with(Vec::new(), |context| {
        context.revision = Some(Revision::V2026_07_28);
        context.limits.open_requests = 1;
    });
    for _ in 0..3 {
        talk.client_asks(
            "7",
            "subscriptions/listen",
            r#"{"notifications":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#,
        );
        let end =
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
        assert_eq!(talk.server(end).sent, [(ToClient, end.to_owned())]);
    }
}

#[test]
fn a_session_is_of_one_era() {
    const MODERN: &str = r#"{"name":"t","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;
    let mut talk = Conversation::unguarded();
    // What a server knows may be asked before it is decided.
    talk.client_asks("1", "server/discover", MODERN);
    talk.server_answers("1", r#"{"supportedVersions":["2025-11-25"]}"#);
    talk.shake_hands("2025-11-25");
    let refused = talk.client(&request("2", "tools/call", MODERN));
    assert_eq!(refused.error(ToClient).0, -32022);

    let mut talk = Conversation::unguarded();
    talk.client_asks("1", "tools/call", MODERN);
    talk.server_answers("1", r#"{"resultType":"complete","content":[]}"#);
    let handshake = r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}"#;
    let refused = talk.client(&request("2", "initialize", handshake));
    assert_eq!(refused.error(ToClient).0, -32601);
    talk.client_asks("3", "tools/call", MODERN);
    let became =
        talk.server(r#"{"jsonrpc":"2.0","id":3,"result":{"resultType":"other","content":[]}}"#);
    assert_eq!(became.error(ToClient).0, -32603, "read by that revision");
}
