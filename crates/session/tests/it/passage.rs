//! What clients are told, and what is taken out of it.

use portcullis_session::SamplingContext;
use portcullis_trace::record::Direction::{ToClient, ToServer};
use portcullis_trace::record::{Action, Verdict};

use crate::conversation::{Became, Conversation, request};

const BAD: &str = r#"{ "src":"javascript:alert(1)" }"#;
const GOOD: &str = r#"{"src":"https://a.example/i.png", "x":1.50}"#;

fn answer(result: &str) -> String {
    format!(r#"{{"jsonrpc": "2.0","id":1,"result":{result}}}"#)
}

fn answered(method: &str, result: &str) -> Became {
    let mut talk = Conversation::unguarded();
    let params = r#"{"name":"t","uri":"file:///x","taskId":"t","protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}"#;
    talk.client_asks("1", method, params);
    talk.server(&answer(result))
}

/// The result is passed on as `passed`, and `taken_out` icons and websites are noted.
#[track_caller]
fn check(method: &str, result: &str, passed: &str, taken_out: usize) {
    let became = answered(method, result);
    assert_eq!(became.sent, [(ToClient, answer(passed))]);
    let record = &became.records[0];
    assert_eq!(record.verdict, Verdict::Allow);
    assert_eq!(record.message.as_deref(), Some(&*answer(result)));
    let said: Vec<_> = record
        .violations
        .iter()
        .map(|it| (&*it.guardrail.name, it.action, &*it.message))
        .collect();
    let message = format!("{taken_out} icons and websites with unsafe addresses were taken out");
    match taken_out {
        0 => assert!(said.is_empty(), "{said:?}"),
        _ => assert_eq!(said, [("links", Action::Log, &*message)]),
    }
}

#[test]
fn unsafe_icons_and_websites_are_taken_out_of_what_is_listed() {
    for (method, list) in [
        ("tools/list", "tools"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
        ("prompts/list", "prompts"),
    ] {
        let listed = |icons: &str| {
            format!(
                r#"{{"{list}":[ {{"name":"a","uri":"file:///x","icons": {icons} ,"inputSchema":{{"icons":[{BAD}]}}}}, {{"name":"b"}}],"nextCursor":"c"}}"#
            )
        };
        check(
            method,
            &listed(&format!("[ {GOOD} , {BAD},{GOOD} ]")),
            &listed(&format!("[{GOOD},{GOOD}]")),
            1,
        );
        check(method, &listed(&format!("[{BAD},{BAD}]")), &listed("[]"), 2);
        check(method, &listed(BAD), &listed("[]"), 1);
        check(method, &listed(r#"["javascript:x"]"#), &listed("[]"), 1);
        check(
            method,
            &listed(&format!("[{GOOD}]")),
            &listed(&format!("[{GOOD}]")),
            0,
        );
    }
}

#[test]
fn unsafe_addresses_are_taken_out_of_what_a_server_says_it_is() {
    let website = r#""websiteUrl" : "\u006aavascript:x""#;
    let result = |info: &str| {
        format!(r#"{{"protocolVersion":"2025-11-25","capabilities":{{}},"serverInfo":{info}}}"#)
    };
    for (info, passed) in [
        (
            format!(r#"{{"name":"s", {website} , "version":"1"}}"#),
            r#"{"name":"s" , "version":"1"}"#,
        ),
        (
            format!(r#"{{ {website} , "name":"s"}}"#),
            r#"{ "name":"s"}"#,
        ),
        (format!(r#"{{"name":"s",{website} }}"#), r#"{"name":"s" }"#),
    ] {
        check("initialize", &result(&info), &result(passed), 1);
    }
    let info = format!(r#"{{ {website},"icons":[{BAD}]}}"#);
    check("initialize", &result(&info), &result(r#"{ "icons":[]}"#), 2);
    let info = format!(r#"{{"icons":[{BAD}],{website}}}"#);
    check("initialize", &result(&info), &result(r#"{"icons":[]}"#), 2);

    let discovered = |info: &str| {
        format!(
            r#"{{"supportedVersions":[],"_meta":{{"io.modelcontextprotocol/serverInfo":{info}}}}}"#
        )
    };
    check(
        "server/discover",
        &discovered(&format!("{{{website}}}")),
        &discovered("{}"),
        1,
    );
}

#[test]
fn revisions_that_cannot_be_inspected_are_not_offered() {
    check(
        "server/discover",
        r#"{"supportedVersions":[ "2099-01-01","2026-07-28", 1,"2025-11-25"]}"#,
        r#"{"supportedVersions":["2026-07-28",1,"2025-11-25"]}"#,
        0,
    );
}

#[test]
fn icons_are_taken_out_of_links_in_content() {
    let content = |icons: &str| {
        let link =
            format!(r#"{{"type":"resource_link","uri":"file:///x","name":"x","icons":{icons}}}"#);
        [
            (
                "tools/call",
                format!(r#"{{"content":[{link}],"structuredContent":{{"icons":[{BAD}]}}}}"#),
            ),
            (
                "prompts/get",
                format!(r#"{{"messages":[{{"role":"user","content":{link}}}]}}"#),
            ),
            (
                "tasks/get",
                format!(r#"{{"result":{{"content":[{link}]}}}}"#),
            ),
        ]
    };
    for ((method, result), (_, passed)) in content(&format!("[{BAD}]")).iter().zip(content("[]")) {
        check(method, result, &passed, 1);
    }
}

#[test]
fn a_link_that_runs_a_script_is_refused() {
    for (url, passes) in [
        ("javascript:alert(1)", false),
        ("\\tJava\\nScript:alert(1)", false),
        ("vbscript:x", false),
        ("data:text/html,x", false),
        ("file:///x", true),
        ("https://a.example", true),
        ("data:text/plain,x", true),
    ] {
        for (method, result) in [
            (
                "tools/call",
                r#"{"content":[{"type":"resource_link","uri":"URL","name":"x"}]}"#,
            ),
            (
                "tools/call",
                r#"{"content":[{"type":"resource","resource":{"uri":"URL","text":"x"}}]}"#,
            ),
            (
                "prompts/get",
                r#"{"messages":[{"role":"user","content":{"type":"resource_link","uri":"URL"}}]}"#,
            ),
            (
                "resources/read",
                r#"{"contents":[{"uri":"URL","text":"x"}]}"#,
            ),
        ] {
            let result = result.replace("URL", url);
            if passes {
                check(method, &result, &result, 0);
                continue;
            }
            let became = answered(method, &result);
            let record = &became.records[0];
            assert_eq!(record.verdict, Verdict::Block, "{result}");
            assert_eq!(record.violations[0].guardrail.name, "links");
            let (to, sent) = became.only();
            assert_eq!(to, ToClient);
            let said = "guardrail `links` (a link in it runs a script when it is opened)";
            assert!(sent.to_string().contains(said), "{sent}");
        }
    }
    // What is listed may have any address.
    let listed = r#"{"resources":[{"uri":"javascript:x","name":"x"}]}"#;
    check("resources/list", listed, listed, 0);
}

#[test]
fn nobody_is_sent_to_a_script() {
    let ask = |url: &str| {
        request(
            "1",
            "elicitation/create",
            &format!(r#"{{"mode":"url","message":"m","elicitationId":"e","url":"{url}"}}"#),
        )
    };
    let honest = ask("https://a.example/login");
    let became = Conversation::unguarded().server(&honest);
    assert_eq!(became.sent, [(ToClient, honest)]);
    for url in ["javascript:alert(1)", " data:text/html,x"] {
        let became = Conversation::unguarded().server(&ask(url));
        assert_eq!(became.records[0].verdict, Verdict::Block, "{url}");
        let (to, sent) = became.only();
        assert_eq!(to, ToServer);
        assert!(sent.get("error").is_some(), "{sent}");
    }
}

/// A request for the client's model in a session that withholds context.
fn sampled(params: &str) -> Became {
    let mut talk = Conversation::with(Vec::new(), |context| {
        context.limits.sampling_context = SamplingContext::Withhold;
    });
    talk.server(&request("1", "sampling/createMessage", params))
}

#[test]
fn a_server_that_asks_for_context_gets_none_where_it_is_withheld() {
    let params = |context: &str| {
        format!(r#"{{"messages":[], "includeContext" : {context} ,"maxTokens":1}}"#)
    };
    let ask = |context: &str| request("1", "sampling/createMessage", &params(context));
    for (context, passed) in [
        (r#""allServers""#, r#""none""#),
        (r#""thisServer""#, r#""none""#),
        (r#""later""#, r#""none""#),
        ("null", r#""none""#),
        (r#""none""#, r#""none""#),
    ] {
        let became = sampled(&params(context));
        assert_eq!(became.sent, [(ToClient, ask(passed))]);
        let record = &became.records[0];
        assert_eq!(record.message.as_deref(), Some(&*ask(context)));
        let said = record
            .violations
            .iter()
            .map(|it| (&*it.guardrail.name, it.action));
        let expected = (context != passed).then_some(("context", Action::Log));
        assert_eq!(said.collect::<Vec<_>>(), Vec::from_iter(expected));
    }
    let wished = ask(r#""allServers""#);
    let became = Conversation::unguarded().server(&wished);
    assert_eq!(became.sent, [(ToClient, wished)], "by default it passes");
}

#[test]
fn what_a_result_asks_for_is_looked_at_like_a_request() {
    let asked = |url: &str, context: &str| {
        format!(
            r#"{{"resultType":"input_required","inputRequests":{{"a":{{"method":"elicitation/create","params":{{"mode":"url","url":"{url}"}}}},"b":{{"method":"sampling/createMessage","params":{{"messages":[],"includeContext":"{context}"}}}}}}}}"#
        )
    };
    let mut talk = Conversation::with(Vec::new(), |context| {
        context.limits.sampling_context = SamplingContext::Withhold;
    });
    for method in ["tools/call", "tasks/get"] {
        let params = r#"{"name":"t","taskId":"t"}"#;
        talk.client_asks("1", method, params);
        let became = talk.server(&answer(&asked("https://a.example", "allServers")));
        let passed = answer(&asked("https://a.example", "none"));
        assert_eq!(became.sent, [(ToClient, passed)]);
        talk.client_asks("1", method, params);
        let became = talk.server(&answer(&asked("javascript:x", "none")));
        assert_eq!(became.records[0].verdict, Verdict::Block, "{method}");
    }
}

#[test]
fn an_error_sends_nobody_to_a_script() {
    let failed = |url: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":-32042,"message":"m","data":{{"elicitations":[{{"mode":"url","elicitationId":"a","url":"https://a.example"}},{{"mode":"url","elicitationId":"b","url":"{url}"}}]}}}}}}"#
        )
    };
    let mut talk = Conversation::unguarded();
    talk.client_asks("1", "tools/call", r#"{"name":"t","arguments":{}}"#);
    let honest = failed("https://b.example");
    assert_eq!(talk.server(&honest).sent, [(ToClient, honest)]);
    talk.client_asks("1", "tools/call", r#"{"name":"t","arguments":{}}"#);
    let became = talk.server(&failed("javascript:x"));
    assert_eq!(became.records[0].verdict, Verdict::Block);
    assert!(!became.only().1.to_string().contains("javascript"));

    let task = |url: &str| {
        format!(
            r#"{{"taskId":"t","status":"failed","error":{{"code":-32042,"message":"m","data":{{"elicitations":[{{"url":"{url}"}}]}}}}}}"#
        )
    };
    let honest = task("https://a.example");
    check("tasks/get", &honest, &honest, 0);
    let became = answered("tasks/get", &task("javascript:x"));
    assert_eq!(became.records[0].verdict, Verdict::Block);
}

#[test]
fn a_link_in_what_a_model_is_asked_runs_no_script() {
    for content in [
        r#"{"type":"resource_link","uri":"URL","name":"x"}"#,
        r#"[{"type":"tool_result","toolUseId":"u","content":[{"type":"resource_link","uri":"URL","name":"x"}]}]"#,
    ] {
        let params = |url: &str| {
            let content = content.replace("URL", url);
            format!(r#"{{"messages":[{{"role":"user","content":{content}}}],"maxTokens":1}}"#)
        };
        assert_eq!(sampled(&params("file:///x")).only().0, ToClient);
        let became = sampled(&params("javascript:x"));
        assert_eq!(became.records[0].verdict, Verdict::Block, "{content}");
        assert_eq!(became.only().0, ToServer);
    }
}

#[test]
fn what_goes_to_the_server_is_not_edited() {
    let mut talk = Conversation::unguarded();
    let ask = request(
        "1",
        "sampling/createMessage",
        r#"{"messages":[],"maxTokens":1}"#,
    );
    talk.server(&ask);
    let line = answer(
        r#"{"role":"assistant","model":"m","content":{"type":"resource_link","uri":"javascript:x"},"ttlMs":-1}"#,
    );
    assert_eq!(talk.client(&line).sent, [(ToServer, line)]);
}

#[test]
fn times_to_live_are_a_day_at_most() {
    for (time, passed) in [
        ("0", "0"),
        ("60000", "60000"),
        ("6e4", "6e4"),
        ("86400000", "86400000"),
        ("86400001", "86400000"),
        ("1e18", "86400000"),
        ("1000000000000000000000000", "86400000"),
        ("-1", "0"),
        ("-1.0", "0"),
        ("-1000000000000000000000000", "0"),
        ("0.5", "0"),
        ("null", "0"),
        (r#""60000""#, "0"),
    ] {
        let result =
            |time: &str| format!(r#"{{"contents":[], "ttlMs": {time} ,"cacheScope":"public"}}"#);
        check("resources/read", &result(time), &result(passed), 0);
    }
    // How long a task is there is another matter.
    let task = r#"{"taskId":"t","status":"working","ttlMs":null}"#;
    check("tasks/get", task, task, 0);
}

#[test]
fn a_server_is_not_asked_of_its_tasks_more_often_than_every_250_ms() {
    for (pause, passed) in [
        ("0", "250"),
        ("-5", "250"),
        ("249.5", "250"),
        ("250", "250"),
        ("5e3", "5e3"),
        ("1e18", "86400000"),
        (r#""0""#, "250"),
        ("null", "null"),
    ] {
        for (method, result) in [
            (
                "tasks/get",
                r#"{"taskId":"t","pollIntervalMs":PAUSE,"status":"working"}"#,
            ),
            (
                "tools/call",
                r#"{"task":{"taskId":"t","pollInterval":PAUSE}}"#,
            ),
            (
                "tasks/list",
                r#"{"tasks":[{"taskId":"t","pollInterval":PAUSE}]}"#,
            ),
        ] {
            let said = |pause| result.replace("PAUSE", pause);
            check(method, &said(pause), &said(passed), 0);
        }
        let told = |pause| {
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{{"taskId":"t","pollInterval":{pause}}}}}"#
            )
        };
        let became = Conversation::unguarded().server(&told(pause));
        assert_eq!(became.sent, [(ToClient, told(passed))]);
    }
}
