//! What clients are told of lists, and subscriptions that are told of it.

use portcullis_mcp::{Id, Incoming, Revision};
use portcullis_session::{Delivery, DeliveryKind, GuardrailAction, Permit, Scope, Source, Stream};
use portcullis_trace::record::Direction::{self, ToClient, ToServer};
use portcullis_trace::record::Timestamp;

use crate::conversation::{Became, Conversation, guardrail};

const NO_BAD: &str = "raise \"no\" if:\n    (c: ToolCall)\n    c is tool:bad\n";
const INITIALIZE: &str =
    r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}"#;
const DECLARED: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"prompts":{"listChanged":false},"resources":{"listChanged":true}},"serverInfo":{"name":"s","version":"1"}}"#;

fn guard(talk: &mut Conversation, source: &str) {
    let guardrails = vec![guardrail("g", source, GuardrailAction::Block)];
    let rehearsal = talk.session.rehearse(guardrails);
    talk.session.replace_guardrails(rehearsal);
}

/// What the client is told now, and where.
fn told(talk: &mut Conversation) -> Vec<(String, Delivery)> {
    let permits = talk.session.announce_changes().into_iter();
    let parts = permits.map(Permit::into_parts);
    parts
        .map(|(bytes, delivery)| (String::from_utf8(bytes.to_vec()).unwrap(), delivery))
        .collect()
}

fn texts(told: Vec<(String, Delivery)>) -> Vec<String> {
    told.into_iter().map(|(text, _)| text).collect()
}

/// A message of a request that has a stream of its own.
fn on_stream(talk: &mut Conversation, direction: Direction, scope: u64, line: &str) -> Became {
    let source = Source {
        direction,
        scope: Scope(scope),
        stream: match direction {
            ToClient => Stream::Of(Id::Integer(1)),
            ToServer => Stream::Any,
        },
    };
    let incoming = Incoming::parse(line.as_bytes(), talk.session.envelope(direction)).unwrap();
    let now = Timestamp::from_micros(1);
    let outcome = talk.session.on_incoming(&source, &incoming, now);
    Became::from(outcome.actions)
}

fn modern() -> Conversation {
    Conversation::with(Vec::new(), |context| {
        context.revision = Some(Revision::V2026_07_28);
        context.has_argument_headers = true;
    })
}

fn modern_request(method: &str, params: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}}}}"#
    )
}

/// A notification that names a subscription.
fn of_subscription(method: &str, id: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}},"notifications":{{"toolsListChanged":true,"promptsListChanged":true}}}}}}"#
    )
}

#[test]
fn a_change_of_guardrails_is_told_once_for_each_list_that_changes() {
    let mut talk = Conversation::guarded(NO_BAD);
    // Those that are for who the client turns out to be are the first that it knows.
    guard(&mut talk, &NO_BAD.replace("bad", "worst"));
    guard(&mut talk, NO_BAD);
    talk.client_asks("0", "initialize", INITIALIZE);
    talk.server_answers("0", DECLARED);
    talk.client(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert!(told(&mut talk).is_empty());
    guard(&mut talk, NO_BAD);
    guard(&mut talk, &NO_BAD.replace("bad", "worse"));
    let told_of = told(&mut talk);
    assert!(told_of.iter().all(|(_, to)| to.kind == DeliveryKind::Change
        && to.direction == ToClient
        && to.concerns.is_none()));
    let expected = ["tools", "resources"]
        .map(|list| format!(r#"{{"jsonrpc":"2.0","method":"notifications/{list}/list_changed"}}"#));
    assert_eq!(texts(told_of), expected);
    assert!(told(&mut talk).is_empty());
    // The same text, loaded anew.
    guard(&mut talk, &NO_BAD.replace("bad", "worse"));
    assert!(told(&mut talk).is_empty());
}

#[test]
fn a_subscription_is_told_of_the_lists_that_both_sides_named() {
    let mut talk = modern();
    let filter = r#""notifications":{"toolsListChanged":true,"resourcesListChanged":true}"#;
    let listen = modern_request("subscriptions/listen", filter);
    on_stream(&mut talk, ToServer, 7, &listen);
    guard(&mut talk, NO_BAD);
    assert!(told(&mut talk).is_empty(), "it must be acknowledged first");
    let acknowledged = of_subscription("subscriptions/acknowledged", "1");
    let became = on_stream(&mut talk, ToClient, 7, &acknowledged);
    let expected = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":1}}}"#;
    let both = [acknowledged.clone(), expected.to_owned()].map(|text| (ToClient, text));
    assert_eq!(became.sent, both, "what it has missed follows");
    let became = on_stream(&mut talk, ToClient, 7, &acknowledged);
    assert_eq!(became.sent, [(ToClient, acknowledged)]);
    guard(&mut talk, &NO_BAD.replace("bad", "worse"));
    let told_of = told(&mut talk);
    assert_eq!(told_of[0].1.scope, Scope(7));
    assert_eq!(told_of[0].1.concerns, Some(Id::Integer(1)));
    assert_eq!(texts(told_of), [expected]);
}

#[test]
fn a_stream_brings_nothing_of_another_subscription() {
    let mut talk = modern();
    let filter = r#""notifications":{"toolsListChanged":true}"#;
    let listen = modern_request("subscriptions/listen", filter);
    on_stream(&mut talk, ToServer, 7, &listen);
    let call = modern_request("tools/call", r#""name":"t","arguments":{}"#);
    on_stream(&mut talk, ToServer, 8, &call);
    let own = of_subscription("tools/list_changed", "1");
    let reason = "message of a subscription that its stream is not of";
    for id in ["2", r#""1""#, "null"] {
        let other = of_subscription("tools/list_changed", id);
        on_stream(&mut talk, ToClient, 7, &other).is_dropped(reason);
    }
    // A call is no subscription, whatever its id.
    on_stream(&mut talk, ToClient, 8, &own).is_dropped(reason);
    assert_eq!(on_stream(&mut talk, ToClient, 7, &own).sent.len(), 1);
    let end = r#"{"jsonrpc":"2.0","id":1,"result":{"_meta":{"io.modelcontextprotocol/subscriptionId":2}}}"#;
    let (code, message) = on_stream(&mut talk, ToClient, 7, end).error(ToClient);
    assert_eq!(code, -32603);
    assert_eq!(message, "the server answered for another subscription");
}

#[test]
fn the_end_of_a_subscription_passes() {
    let mut talk = modern();
    let filter = r#""notifications":{"toolsListChanged":true}"#;
    let listen = modern_request("subscriptions/listen", filter);
    on_stream(&mut talk, ToServer, 7, &listen);
    let end = r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":1}}}"#;
    let became = on_stream(&mut talk, ToClient, 7, end);
    assert_eq!(became.sent, [(ToClient, end.to_owned())]);
}
