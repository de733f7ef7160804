//! Messages whose judgement depends on detectors that cannot answer at once.

use std::sync::Arc;

use portcullis_engine::{Answer, DetectorCall, Detectors, Lookup};
use portcullis_json::Value;
use portcullis_mcp::{EnvelopeLimits, Incoming, Peer};
use portcullis_session::{GuardrailAction, Inquiry, Outcome, PastMessage, Source};
use portcullis_trace::record::Direction::{self, ToClient, ToServer};
use portcullis_trace::record::{Timestamp, Verdict};
use portcullis_trace::wire;

use crate::conversation::{Became, Conversation, guardrail, json, request};

/// Puts every question off.
#[derive(Debug)]
struct Later;

impl Detectors for Later {
    fn answer(&self, _: &DetectorCall) -> Lookup {
        Lookup::Later
    }
}

const MODERATED: &str = "from invariant.detectors import moderated\n\
    raise \"no\" if:\n    (c: ToolCall)\n    moderated(c.function.name)\n\
    raise \"no\" if:\n    (o: ToolOutput)\n    moderated(o)\n";

fn guarded(policy: &str) -> Conversation {
    let guardrails = vec![guardrail("g", policy, GuardrailAction::Block)];
    Conversation::with(guardrails, |context| context.detectors = Arc::new(Later))
}

fn say(talk: &mut Conversation, direction: Direction, line: &str, now: i64) -> Outcome {
    let now = Timestamp::from_micros(now);
    talk.session.on_line(direction, line.as_bytes(), now)
}

/// The questions, which only these texts are about.
#[track_caller]
fn asks(outcome: Outcome, texts: &[&str]) -> Inquiry {
    assert!(outcome.actions.is_empty(), "{:?}", outcome.actions);
    let inquiry = outcome.inquiry.unwrap();
    let asked: Vec<&str> = inquiry.calls().iter().map(|call| &*call.text).collect();
    assert_eq!(asked, texts);
    inquiry
}

/// Answers all, `true` to what is bad.
fn answered(mut inquiry: Inquiry) -> Inquiry {
    let answers: Vec<_> = inquiry.calls().iter().map(answer).collect();
    inquiry.answer(answers);
    inquiry
}

fn answer(call: &DetectorCall) -> Result<Answer, String> {
    if call.text.contains("broken") {
        return Err("nobody knows".to_owned());
    }
    Ok(Answer {
        value: Value::Bool(call.text.contains("bad")),
        marks: Vec::new(),
    })
}

fn call(id: &str, tool: &str) -> String {
    request(
        id,
        "tools/call",
        &format!(r#"{{"name":"{tool}","arguments":{{}}}}"#),
    )
}

#[test]
fn a_message_is_judged_once_its_questions_are_answered() {
    for (tool, verdict) in [
        ("good", Verdict::Allow),
        ("bad", Verdict::Block),
        ("broken", Verdict::Block),
    ] {
        let mut talk = guarded(MODERATED);
        let inquiry = asks(say(&mut talk, ToServer, &call("1", tool), 5), &[tool]);
        assert!(talk.session.is_quiet(), "nothing is open yet");
        let outcome = talk.session.on_answers(answered(inquiry));
        assert!(outcome.inquiry.is_none());
        let became = Became::from(outcome.actions);
        assert_eq!(became.records[0].verdict, verdict, "{tool}");
        assert_eq!(became.records[0].recorded_at, Timestamp::from_micros(5));
        let failure = became.records[0].failure.as_deref().unwrap_or_default();
        assert_eq!(
            failure.contains("nobody knows"),
            tool == "broken",
            "{failure}"
        );
    }
}

#[test]
fn what_failed_is_asked_again_and_what_is_known_is_not() {
    let mut talk = guarded(MODERATED);
    let inquiry = asks(
        say(&mut talk, ToServer, &call("1", "broken"), 1),
        &["broken"],
    );
    talk.session.on_answers(answered(inquiry));
    asks(
        say(&mut talk, ToServer, &call("2", "broken"), 2),
        &["broken"],
    );
    let inquiry = asks(say(&mut talk, ToServer, &call("3", "good"), 3), &["good"]);
    talk.session.on_answers(answered(inquiry));
    assert!(
        say(&mut talk, ToServer, &call("4", "good"), 4)
            .inquiry
            .is_none()
    );
}

#[test]
fn progress_that_is_asked_about_is_not_taken_for_told() {
    const PROGRESS: &str = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":1,"message":"m"}}"#;
    let mut talk = guarded(MODERATED);
    let params = r#"{"name":"t","arguments":{},"_meta":{"progressToken":7}}"#;
    let asked = say(&mut talk, ToServer, &request("1", "tools/call", params), 1);
    talk.session.on_answers(answered(asked.inquiry.unwrap()));
    let asked = say(&mut talk, ToClient, PROGRESS, 2);
    let outcome = talk.session.on_answers(answered(asked.inquiry.unwrap()));
    let became = Became::from(outcome.actions);
    assert_eq!(became.sent, [(ToClient, PROGRESS.to_owned())]);
}

#[test]
fn an_answer_leaves_its_request_open_until_it_is_judged() {
    let mut talk = guarded(MODERATED);
    let inquiry = asks(say(&mut talk, ToServer, &call("1", "good"), 1), &["good"]);
    talk.session.on_answers(answered(inquiry));
    let line =
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"bad news"}]}}"#;
    let inquiry = asks(say(&mut talk, ToClient, line, 2), &["bad news"]);
    assert!(!talk.session.is_quiet());
    let became = Became::from(talk.session.on_answers(answered(inquiry)).actions);
    assert_eq!(became.records[0].verdict, Verdict::Block);
    assert_eq!(became.only().0, ToClient);
    assert!(talk.session.is_quiet());
}

#[test]
fn an_answer_that_came_too_late_is_dropped() {
    let mut talk = guarded(MODERATED);
    let inquiry = asks(say(&mut talk, ToServer, &call("1", "good"), 1), &["good"]);
    talk.session.on_answers(answered(inquiry));
    let line = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"fine"}]}}"#;
    let inquiry = asks(say(&mut talk, ToClient, line, 2), &["fine"]);
    assert_eq!(talk.session.on_server_end().len(), 1);
    let became = Became::from(talk.session.on_answers(answered(inquiry)).actions);
    became.is_dropped("response to no open request");
}

#[test]
fn a_batch_stops_where_something_is_asked_and_goes_on_behind_it() {
    let mut talk = guarded(MODERATED);
    let ping = request("1", "ping", "{}");
    let batch = format!("[{ping},{},{}]", call("2", "good"), call("3", "bad"));
    let source = Source::whole(ToServer);
    let incoming = Incoming::parse(
        batch.as_bytes(),
        &EnvelopeLimits {
            revision: portcullis_mcp::Revision::parse("2025-03-26"),
            ..EnvelopeLimits::new(Peer::Client)
        },
    );
    let now = Timestamp::from_micros(1);
    let mut outcome = talk.session.on_incoming(&source, &incoming.unwrap(), now);
    let mut records = Vec::new();
    for text in ["good", "bad"] {
        records.extend(Became::from(outcome.actions).records);
        let inquiry = outcome.inquiry.unwrap();
        assert_eq!(&*inquiry.calls()[0].text, text);
        outcome = talk.session.on_answers(answered(inquiry));
    }
    assert!(outcome.inquiry.is_none());
    records.extend(Became::from(outcome.actions).records);
    let verdicts: Vec<_> = records.iter().map(|record| record.verdict).collect();
    assert_eq!(verdicts, [Verdict::Allow, Verdict::Allow, Verdict::Block]);
}

#[test]
fn questions_come_to_an_end() {
    // Each answer is the next question.
    let policy = "from invariant import llm\n\
                  f(t: str) :=\n    t in llm(t) or f(llm(t))\n\
                  raise \"no\" if:\n    (c: ToolCall)\n    f(c.function.name)\n";
    let mut talk = guarded(policy);
    let mut outcome = say(&mut talk, ToServer, &call("1", "1"), 1);
    let mut rounds = 0;
    while let Some(mut inquiry) = outcome.inquiry.take() {
        rounds += 1;
        assert!(rounds < 1000);
        let next = inquiry.calls().iter().map(|call| {
            let number: u32 = call.text.parse().unwrap();
            Ok(Answer {
                value: (number + 1).to_string().into(),
                marks: Vec::new(),
            })
        });
        let next: Vec<_> = next.collect();
        inquiry.answer(next);
        outcome = talk.session.on_answers(inquiry);
    }
    let became = Became::from(outcome.actions);
    assert_eq!(became.records[0].verdict, Verdict::Block);
    assert!(became.records[0].failure.is_some());
}

#[test]
fn other_guardrails_ask_about_the_past() {
    let policy = "from invariant.detectors import moderated\n\
                  raise \"after\" if:\n    (a: ToolCall) -> (b: ToolCall)\n    \
                  moderated(a.function.name)\n    b is tool:send\n";
    let past = json(
        r#"{"role":"assistant","content":"","tool_calls":[{"id":"1","type":"function","function":{"name":"bad","arguments":{}}}]}"#,
    );
    let mut talk = Conversation::with(Vec::new(), |context| context.detectors = Arc::new(Later));
    let guardrails = vec![guardrail("g", policy, GuardrailAction::Block)];
    let mut rehearsal = talk.session.rehearse(guardrails);
    rehearsal.show([PastMessage {
        events: wire::events(&past).unwrap(),
        has_happened: true,
    }]);
    let calls = rehearsal.go_on().unwrap();
    assert_eq!(&*calls[0].text, "bad");
    rehearsal.answer(calls.into_iter().map(|call| {
        let answer = answer(&call);
        (call, answer)
    }));
    assert!(rehearsal.go_on().is_none());
    talk.session.replace_guardrails(rehearsal);
    let inquiry = asks(say(&mut talk, ToServer, &call("2", "send"), 1), &["send"]);
    let became = Became::from(talk.session.on_answers(answered(inquiry)).actions);
    assert_eq!(became.records[0].verdict, Verdict::Block);
}

#[test]
fn what_is_not_judged_is_refused() {
    let mut talk = guarded(MODERATED);
    let source = Source::whole(ToServer);
    let line = call("1", "good");
    let actions = talk
        .session
        .on_unjudged(&source, line.as_bytes(), "too busy");
    let (_, message) = Became::from(actions).error(ToClient);
    assert_eq!(message, "too busy");
    let inquiry = asks(say(&mut talk, ToServer, &line, 1), &["good"]);
    talk.session.on_answers(answered(inquiry));
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
    let source = Source::whole(ToClient);
    let actions = talk
        .session
        .on_unjudged(&source, answer.as_bytes(), "too busy");
    assert_eq!(Became::from(actions).error(ToClient).1, "too busy");
    assert!(talk.session.is_quiet());
    let note = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#;
    let actions = talk
        .session
        .on_unjudged(&source, note.as_bytes(), "too busy");
    Became::from(actions).is_dropped("not judged in time");
}
