//! Traces that somebody hands over, message by message.
use std::thread;

use portcullis_store::{Durability, EventPage, Push, SessionFilter, Store, StoreError};
use portcullis_trace::record::{Direction, SessionRecord};

use crate::backend::{Place, on_every_backend, write};
use crate::records::{
    annotation, json, json_object, push, pushed, sequence, session, session_id, time, violation,
};

on_every_backend!(
    pushed_message_is_an_event,
    messages_merge_by_time_and_the_new_one_wins_a_tie,
    rewritten_messages_keep_all_they_had,
    annotations_come_with_the_push_or_nothing_does,
    session_comes_with_its_push_or_not_at_all,
    nothing_is_pushed_to_a_live_session,
    sharing_is_kept,
);

fn contents(store: &mut dyn Store, n: u64) -> Vec<String> {
    let events = store
        .events(&session_id(n), EventPage::first(1000))
        .unwrap();
    let places: Vec<u64> = events.iter().map(|event| event.sequence.value()).collect();
    assert_eq!(places, (1..=events.len() as u64).collect::<Vec<_>>());
    let content = |events: &str| {
        let message = json(events).as_array().unwrap()[0].clone();
        message.get("content").unwrap().as_str().unwrap().to_owned()
    };
    events.iter().map(|event| content(&event.events)).collect()
}

fn pushed_message_is_an_event(store: &mut dyn Store) {
    let written = SessionRecord {
        hierarchy_path: vec!["nightly".to_owned(), "é".to_owned()],
        index: Some(0),
        ..pushed(1, "mail")
    };
    write(store, [written.clone()]);
    let mut sent = push(&[(5, "a")]);
    sent.messages[0].message = json(r#"{"role":"tool","content":"a","n":1.0}"#);
    store.append_messages(&session_id(1), &sent).unwrap();

    let events = store.events(&session_id(1), EventPage::first(9)).unwrap();
    assert_eq!(events, [sent.messages[0].event(session_id(1), sequence(1))]);
    assert_eq!(events[0].direction, Direction::ToClient);
    assert_eq!(
        &*events[0].events,
        r#"[{"role":"tool","content":"a","n":1.0}]"#
    );
    assert_eq!(
        (events[0].recorded_at, &events[0].message),
        (time(5), &None)
    );
    let found = store.session(session_id(1).as_str()).unwrap();
    assert_eq!(found.session, written);
    assert_eq!((found.events, found.events_lost), (1, 0));
    assert_eq!(found.last_pushed_at, Some(sent.pushed_at));
}

fn messages_merge_by_time_and_the_new_one_wins_a_tie(store: &mut dyn Store) {
    write(store, [pushed(1, "mail")]);
    let mut check = |messages: &[(i64, &str)], expected: &[&str]| {
        store
            .append_messages(&session_id(1), &push(messages))
            .unwrap();
        assert_eq!(contents(store, 1), expected);
    };
    check(&[(10, "a"), (20, "b")], &["a", "b"]);
    check(&[(30, "c")], &["a", "b", "c"]);
    check(&[(20, "d")], &["a", "d", "b", "c"]);
    check(&[(5, "e"), (25, "f")], &["e", "a", "d", "b", "f", "c"]);
    // The order of what is pushed together stays.
    check(
        &[(40, "h"), (30, "i")],
        &["e", "a", "d", "b", "f", "c", "h", "i"],
    );
    check(&[], &["e", "a", "d", "b", "f", "c", "h", "i"]);
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());
}

fn rewritten_messages_keep_all_they_had(store: &mut dyn Store) {
    let large = "walrus ".repeat(2000);
    write(store, [pushed(1, "mail")]);
    let sent = push(&[(10, "a"), (20, &large)]);
    let mut event = sent.messages[1].event(session_id(1), sequence(2));
    event.violations = vec![violation()];
    event.failure = Some("out of fuel".to_owned());
    write(
        store,
        [
            sent.messages[0].event(session_id(1), sequence(1)),
            event.clone(),
        ],
    );
    store
        .append_messages(&session_id(1), &push(&[(15, "between")]))
        .unwrap();

    let events = store.events(&session_id(1), EventPage::first(9)).unwrap();
    event.sequence = sequence(3);
    assert_eq!(events[2], event);
    let found = store.session(session_id(1).as_str()).unwrap();
    assert_eq!(
        (found.events, found.events_lost, found.violations),
        (3, 0, 2)
    );
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());
}

fn annotations_come_with_the_push_or_nothing_does(store: &mut dyn Store) {
    write(store, [pushed(1, "mail")]);
    let sent = Push {
        annotations: vec![annotation(1, "a")],
        ..push(&[(1, "a")])
    };
    store.append_messages(&session_id(1), &sent).unwrap();
    assert_eq!(store.annotations(&session_id(1)).unwrap(), sent.annotations);
    // The same id again.
    store.append_messages(&session_id(1), &sent).unwrap_err();
    assert_eq!(contents(store, 1), ["a"]);
}

fn session_comes_with_its_push_or_not_at_all(store: &mut dyn Store) {
    let twice = Push {
        annotations: vec![annotation(1, "a"), annotation(1, "a")],
        ..push(&[(1, "a")])
    };
    store
        .push_sessions(&[
            (pushed(2, "mail"), push(&[(1, "a")])),
            (pushed(1, "mail"), twice),
        ])
        .unwrap_err();
    assert_eq!(store.sessions(&SessionFilter::newest(9)).unwrap(), []);
    assert_eq!(store.project_named("mail").unwrap(), None);
    let sent = push(&[(1, "a"), (2, "b")]);
    store.push_sessions(&[(pushed(1, "mail"), sent)]).unwrap();
    assert_eq!(contents(store, 1), ["a", "b"]);
}

fn nothing_is_pushed_to_a_live_session(store: &mut dyn Store) {
    write(store, [session(1)]);
    let error = store
        .append_messages(&session_id(1), &push(&[(1, "a")]))
        .unwrap_err();
    assert!(matches!(error, StoreError::NotPushed { .. }), "{error:?}");
    let error = store
        .append_messages(&session_id(2), &push(&[(1, "a")]))
        .unwrap_err();
    assert!(
        matches!(error, StoreError::UnknownSession { .. }),
        "{error:?}"
    );
}

fn sharing_is_kept(store: &mut dyn Store) {
    write(store, [session(1)]);
    for is_shared in [true, false] {
        store.share_session(&session_id(1), is_shared).unwrap();
        assert_eq!(
            store.session(session_id(1).as_str()).unwrap().is_shared,
            is_shared
        );
    }
    let error = store.share_session(&session_id(2), true).unwrap_err();
    assert!(
        matches!(error, StoreError::UnknownSession { .. }),
        "{error:?}"
    );
}

#[test]
fn pushes_to_one_sqlite_session_at_the_same_time_all_arrive() {
    pushes_at_the_same_time_all_arrive(&Place::sqlite());
}

#[test]
fn pushes_to_one_postgres_session_at_the_same_time_all_arrive() {
    if let Some(place) = Place::postgres() {
        pushes_at_the_same_time_all_arrive(&place);
    }
}

fn pushes_at_the_same_time_all_arrive(place: &Place) {
    const PUSHERS: i64 = 4;
    const PUSHES: i64 = 10;
    let mut store = place.open(Durability::Relaxed);
    let record = SessionRecord {
        metadata: json_object("{}"),
        ..pushed(1, "mail")
    };
    write(store.as_mut(), [record]);
    thread::scope(|scope| {
        for pusher in 0..PUSHERS {
            scope.spawn(move || {
                let mut store = place.open(Durability::Relaxed);
                for n in 0..PUSHES {
                    let at = n * PUSHERS + pusher;
                    let sent = push(&[(at, &at.to_string())]);
                    store.append_messages(&session_id(1), &sent).unwrap();
                }
            });
        }
    });
    let expected: Vec<String> = (0..PUSHERS * PUSHES).map(|at| at.to_string()).collect();
    assert_eq!(contents(store.as_mut(), 1), expected);
    let found = store.sessions(&SessionFilter::newest(1)).unwrap();
    assert_eq!(found[0].events, expected.len() as u64);
}
