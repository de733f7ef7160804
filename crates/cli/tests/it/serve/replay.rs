//! Clients that come back to streams of servers that give their events no ids.

use std::thread;
use std::time::Duration;

use super::gateway::{Gateway, PATH, call, eventually};
use super::http::{Answer, Event, Request};
use super::upstream::Upstream;

/// A program that answers `x` at once, `slow` after progress and a second and a half, and `flood`
/// after so much that nobody keeps it. It tells the client of each notification that it hears.
const PROGRAM: &str = r#"
note() { echo '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"'"$1"'"}}'; }
long=$(printf '%10000s' '')
while read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  case $line in
    *'"initialize"'*) revision=${line#*\"protocolVersion\":}; revision=${revision%%,*}
      echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":'$revision',"capabilities":{"logging":{},"tools":{}},"serverInfo":{"name":"s","version":"1"}}}';;
    *'"slow"'*) echo '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}'
      sleep 1.5
      echo '{"jsonrpc":"2.0","id":'$id',"result":{"content":[{"type":"text","text":"slowly"}]}}';;
    *'"flood"'*) i=0; while [ $i -lt 2500 ]; do i=$((i+1)); note "$i$long"; done
      echo '{"jsonrpc":"2.0","id":'$id',"result":{"content":[]}}';;
    *'"id"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"content":[{"type":"text","text":"plain"}]}}';;
    *roots*) note roots;;
  esac
done
"#;

const ROOTS_CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#;

fn before_program(more: &str) -> Gateway {
    let program = format!("servers:\n  s:\n    command: [sh, -c, {PROGRAM:?}]\n");
    Gateway::start(&program, more)
}

fn slow_call(id: u32) -> String {
    call(id, "slow").replace(
        r#""arguments""#,
        r#""_meta":{"progressToken":"p"},"arguments""#,
    )
}

#[track_caller]
fn primed(answer: &mut Answer) -> String {
    let event = answer.event().unwrap();
    assert_eq!(event.data, "");
    event.id.unwrap()
}

#[track_caller]
fn is_refused(answer: Answer) {
    assert_eq!(answer.status, 400);
    let message = answer.message();
    assert!(message.contains("Last-Event-ID"), "{message}");
}

#[test]
fn a_client_that_lost_its_stream_comes_back_for_the_answer() {
    let gateway = before_program("");
    let session = gateway.open();
    let mut answer = session.post(&slow_call(1));
    primed(&mut answer);
    let progress = answer.event().unwrap();
    assert!(progress.data.contains("progress"), "{progress:?}");
    drop(answer);
    // The answer comes while nobody is there.
    thread::sleep(Duration::from_secs(2));
    let mut rest = session.listen(progress.id.as_deref());
    assert_eq!(rest.status, 200);
    let result = rest.event().unwrap();
    assert!(result.data.contains(r#""id":1,"result""#), "{result:?}");
    assert!(result.data.contains("slowly"));
    assert_eq!(rest.event(), None);
    // And again, as long as it is kept; after the last there is nothing.
    let mut again = session.listen(progress.id.as_deref());
    assert_eq!(again.event(), Some(result.clone()));
    assert_eq!(session.listen(result.id.as_deref()).event(), None);
    assert!(session.answer(1, "x").contains("plain"));
}

#[test]
fn the_stream_of_a_request_that_its_client_cancels_ends() {
    let gateway = before_program("");
    let session = gateway.open();
    let mut answer = session.post(&slow_call(1));
    let id = primed(&mut answer);
    assert!(answer.event().unwrap().data.contains("progress"));
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    assert_eq!(session.post(cancel).status, 202);
    assert_eq!(answer.event(), None);
    is_refused(session.listen(Some(&id)));
    // The id is free again, and what the server says to the first request is not for the second.
    let again = session.call(2, "x");
    assert!(again.message().contains(r#""id":2,"result""#));
    assert!(session.answer(1, "x").contains("plain"));

    // One that nobody has said anything of yet.
    let waiting = session.base.saying(&call(3, "slow"));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| waiting.send(gateway.address));
        thread::sleep(Duration::from_millis(300));
        assert_eq!(
            session.post(&cancel.replace("Id\":1", "Id\":3")).status,
            202
        );
        let mut ended = waiting.join().unwrap();
        assert_eq!((ended.status, ended.event()), (200, None));
    });
}

#[test]
fn an_answer_that_takes_its_time_can_be_fetched_later() {
    // It says nothing before it answers.
    let upstream = Upstream::scripted(|received, reply| {
        if received.tool() == Some("late") {
            thread::sleep(Duration::from_millis(2500));
        }
        Some(reply)
    });
    let gateway = Gateway::before(&upstream, "streams: { keep_alive: 1s }\n");
    let session = gateway.open();
    let mut answer = session.call(1, "late");
    let id = primed(&mut answer);
    drop(answer);
    let mut rest = session.listen(Some(&id));
    let result = rest.event().unwrap();
    assert!(result.data.contains(r#""id":1,"result""#), "{result:?}");
    assert_eq!(rest.event(), None);
    assert_eq!(session.listen(result.id.as_deref()).event(), None);
}

#[test]
fn a_server_with_ids_that_is_late_is_resumed_by_the_gateway() {
    let upstream = Upstream::scripted(|received, reply| {
        if received.is_get() {
            assert_eq!(received.headers.get("Last-Event-ID"), Some("e1"));
            let mut events = reply.events();
            events.send(r#"data: {"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#);
            events.end();
            return None;
        }
        if received.tool() != Some("late") {
            return Some(reply);
        }
        thread::sleep(Duration::from_millis(2500));
        let mut events = reply.events();
        events.send("id: e1\nretry: 250\ndata:");
        events.end();
        None
    });
    let gateway = Gateway::before(&upstream, "streams: { keep_alive: 1s }\n");
    let session = gateway.open();
    let mut answer = session.call(1, "late");
    let id = primed(&mut answer);
    let result = answer.event().unwrap();
    assert!(result.data.contains(r#""id":1,"result""#), "{result:?}");
    assert_eq!(answer.event(), None);
    assert_eq!(session.listen(Some(&id)).event(), Some(result));
}

#[test]
fn the_stream_of_no_request_goes_on_where_it_was() {
    let gateway = before_program("");
    let session = gateway.open();
    let mut stream = session.listen(None);
    let prime = primed(&mut stream);
    assert_eq!(session.listen(None).status, 409);
    assert_eq!(session.post(ROOTS_CHANGED).status, 202);
    let first = stream.event().unwrap();
    assert!(first.data.contains(r#""data":"roots""#), "{first:?}");
    // Its connection is half dead: who comes back takes its place.
    let mut back = session.listen(first.id.as_deref());
    assert_eq!(stream.event(), None);
    assert_eq!(session.post(ROOTS_CHANGED).status, 202);
    let second = back.event().unwrap();
    assert_ne!(second.id, first.id);
    drop(back);
    assert_eq!(session.post(ROOTS_CHANGED).status, 202);
    let mut whole = session.listen(Some(&prime));
    assert_eq!(whole.event(), Some(first));
    assert_eq!(whole.event(), Some(second));
    assert!(whole.event().is_some());
}

#[test]
fn an_id_that_was_never_given_is_refused() {
    let gateway = before_program("");
    let (session, other) = (gateway.open(), gateway.open());
    let ids = [&session, &other].map(|session| primed(&mut session.listen(None)));
    is_refused(session.listen(Some(&ids[1])));
    is_refused(other.listen(Some(&ids[0])));
    is_refused(session.listen(Some("e1")));
    is_refused(session.listen(Some(&format!("{}0", ids[0]))));
    assert_eq!(session.listen(Some(&ids[0])).status, 200);

    let upstream = Upstream::scripted(|received, reply| {
        if received.is_get() {
            let mut events = reply.events();
            events.send("id: e1\ndata:");
            events.end();
            return None;
        }
        Some(reply)
    });
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    is_refused(session.listen(Some("e1")));
    assert_eq!(
        session.listen(None).event().unwrap().id.as_deref(),
        Some("e1")
    );
    assert_eq!(session.listen(Some("e1")).status, 200);
    is_refused(session.listen(Some("e2")));
}

#[test]
fn older_clients_get_ids_and_no_empty_events() {
    let gateway = before_program("");
    let session = gateway.open_with("2025-06-18", &Request::new("GET", PATH));
    let mut answer = session.post(&slow_call(1));
    let progress = answer.event().unwrap();
    assert!(progress.data.contains("progress"), "{progress:?}");
    drop(answer);
    let result = session.listen(progress.id.as_deref()).event().unwrap();
    assert!(result.data.contains("slowly"), "{result:?}");
}

#[test]
fn a_client_that_does_not_read_loses_its_stream_and_nothing_else() {
    let gateway = before_program("");
    let session = gateway.open();
    let mut unread = session.listen(None);
    let flood = session.base.saying(&call(1, "flood"));
    let flooded = flood.say(gateway.address);
    // It has begun, so that its server answers what comes now after all of it.
    primed(&mut unread);
    assert!(unread.event().unwrap().data.contains(r#""data":"1 "#));
    assert!(session.answer(2, "x").contains("plain"));
    drop(flooded);
    let read: Vec<Event> = std::iter::from_fn(|| unread.event()).collect();
    // It was closed before it had all, and what it missed is not passed over in silence.
    assert!(read.len() < 2500, "{}", read.len());
    let last = read.last().and_then(|event| event.id.as_deref());
    let rest = session.listen(last);
    assert!(matches!(rest.status, 200 | 400), "{}", rest.status);
    assert!(session.answer(3, "x").contains("plain"));
}

const NO_ROOTS: &str = r#"guardrails:
  - name: g
    policy: |
      raise "no" if:
          (call: ToolCall)
          call.function.name == "notifications/message"
          "roots" in call.function.arguments.data
"#;

#[test]
fn what_other_guardrails_have_judged_is_not_sent_again() {
    let gateway = before_program("");
    let session = gateway.open();
    let mut stream = session.listen(None);
    let prime = primed(&mut stream);
    assert_eq!(session.post(ROOTS_CHANGED).status, 202);
    let first = stream.event().unwrap();
    drop(stream);
    gateway.configure(NO_ROOTS);
    eventually("what was judged before is still sent", || {
        session.listen(Some(&prime)).status == 400
    });
    is_refused(session.listen(Some(&prime)));
    // What the client has is not sent again anyway.
    assert_eq!(session.listen(first.id.as_deref()).status, 200);
}

#[test]
fn an_open_stream_gets_the_changed_guardrails() {
    let gateway = before_program("");
    let session = gateway.open();
    let mut stream = session.listen(None);
    primed(&mut stream);
    assert_eq!(session.post(ROOTS_CHANGED).status, 202);
    assert!(stream.event().unwrap().data.contains("roots"));
    gateway.configure(NO_ROOTS);
    eventually("the change is not in force", || {
        assert_eq!(session.post(ROOTS_CHANGED).status, 202);
        gateway.log().contains("dropped: blocked by a guardrail")
    });
    let before = std::iter::from_fn(|| stream.event());
    // What is said after it has passed, and nothing else between.
    let flood = session.base.saying(&call(1, "flood"));
    let flooded = flood.say(gateway.address);
    let mut after = before.skip_while(|event| event.data.contains("roots"));
    assert!(after.next().unwrap().data.contains(r#""data":"1 "#));
    assert!(after.next().unwrap().data.contains(r#""data":"2 "#));
    drop(flooded);
}
