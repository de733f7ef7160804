//! Large texts and images are kept once and read back as they came.
use portcullis_store::{EventPage, Store, StoreError};
use portcullis_trace::record::EventRecord;
use rusqlite::Connection;

use crate::backend::{Place, on_every_backend, write};
use crate::records::{event, push, pushed, session, session_id};
use portcullis_store::{Durability, Location};

on_every_backend!(
    large_texts_read_back_as_written,
    strings_of_the_message_read_back_as_written,
    texts_that_are_no_json_read_back_too,
);

/// An event with one large string that is also in its message.
fn large(n: u64, place: u64, text: &str) -> EventRecord {
    EventRecord {
        message: Some(format!(r#"{{"id":{place},"image":"{text}","é":"{text}"}}"#).into()),
        events: format!(r#"[{{"role":"tool","content":"{text}"}}]"#),
        ..event(n, place)
    }
}

fn check(store: &mut dyn Store, events: &[EventRecord]) {
    write(store, [session(1)]);
    write(store, events.to_vec());
    let found = store.events(&session_id(1), EventPage::first(9)).unwrap();
    assert_eq!(found, events);
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());
    assert!(store.delete_session(&session_id(1)).unwrap());
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());
}

fn large_texts_read_back_as_written(store: &mut dyn Store) {
    let image = "iVBORw0KGgo".repeat(1000);
    let text = "walrus \\\" and \\n ünïcode ".repeat(400);
    check(
        store,
        &[
            large(1, 1, &image),
            event(1, 2),
            large(1, 3, &text),
            large(1, 4, &image),
        ],
    );
}

/// What policies saw is often made of strings of the message.
fn strings_of_the_message_read_back_as_written(store: &mut dyn Store) {
    let seen = |place, message: Option<&str>, text: &str| EventRecord {
        message: message.map(|strings| format!(r#"{{"id":{place},"result":{strings}}}"#).into()),
        events: format!(
            r#"[{{"role":"tool","content":{text},"n":"{}"}}]"#,
            "-".repeat(1024)
        ),
        ..event(1, place)
    };
    let one = format!("\"{}\"", "one ünïcode \\n".repeat(60));
    let large = format!("\"{}\"", "large \\u00e9\u{F8FF}".repeat(1000));
    let both = format!("[{one},{large}]");
    check(
        store,
        &[
            seen(1, Some(&one), &one),
            seen(2, Some(&both), &both),
            seen(3, Some(&both), &format!("[{large},{one},{large}]")),
            seen(4, None, &both),
            seen(5, Some(&one), &large),
        ],
    );
}

fn texts_that_are_no_json_read_back_too(store: &mut dyn Store) {
    let message = |place, text: String| EventRecord {
        message: Some(text.into()),
        ..event(1, place)
    };
    check(
        store,
        &[
            message(1, "\"".repeat(10_000)),
            message(2, format!("{}\\", "\u{F8FF}\0".repeat(9000))),
            message(3, "[1,2]".repeat(9000)),
        ],
    );
}

fn file(place: &Place) -> Connection {
    let Location::Sqlite(path) = &place.location else {
        panic!("{:?} is no file", place.location);
    };
    Connection::open(path).unwrap()
}

/// How many large texts the file holds.
fn kept(place: &Place) -> u64 {
    let count = "SELECT count(*) FROM contents";
    let row = file(place).query_row(count, [], |row| row.get(0));
    row.unwrap()
}

#[test]
fn each_is_kept_once_and_goes_with_its_last_reference() {
    let place = Place::sqlite();
    let mut store = place.open(Durability::Relaxed);
    let store = store.as_mut();
    let image = "A".repeat(10_000);
    write(store, [session(1), session(2)]);
    write(store, [large(1, 1, &image), large(1, 2, &image)]);
    write(store, [large(2, 1, &image)]);
    assert_eq!(kept(&place), 1);
    assert!(store.delete_session(&session_id(1)).unwrap());
    assert_eq!(kept(&place), 1);
    assert!(store.delete_session(&session_id(2)).unwrap());
    assert_eq!(kept(&place), 0);
}

#[test]
fn refused_batch_leaves_none_behind() {
    let place = Place::sqlite();
    let mut store = place.open(Durability::Relaxed);
    let store = store.as_mut();
    write(store, [session(1)]);
    let image = "A".repeat(10_000);
    store
        .write(&[large(1, 1, &image).into(), large(1, 1, &image).into()])
        .unwrap_err();
    assert_eq!(kept(&place), 0);
}

#[test]
fn message_that_moves_takes_its_texts_along() {
    let place = Place::sqlite();
    let mut store = place.open(Durability::Relaxed);
    let store = store.as_mut();
    write(store, [pushed(1, "mail")]);
    let text = "B".repeat(10_000);
    store
        .append_messages(&session_id(1), &push(&[(10, &text)]))
        .unwrap();
    store
        .append_messages(&session_id(1), &push(&[(5, "before")]))
        .unwrap();
    assert_eq!(kept(&place), 1);
    let events = store.events(&session_id(1), EventPage::first(9)).unwrap();
    assert!(events[1].events.contains(&text));
}

#[test]
fn large_texts_are_kept_compressed_and_those_of_older_versions_are_read() {
    let place = Place::sqlite();
    let mut store = place.open(Durability::Relaxed);
    let store = store.as_mut();
    let text = "walrus and ünïcode ".repeat(1000);
    let events = [large(1, 1, &text)];
    write(store, [session(1)]);
    write(store, events.clone());
    let file = file(&place);
    let sizes = "SELECT length(text), length(packed) FROM contents";
    let sizes = file.query_row(sizes, [], |row| Ok((row.get(0)?, row.get(1)?)));
    let (plain, packed): (u64, usize) = sizes.unwrap();
    assert!(plain == 0 && packed < text.len() / 10, "{plain} {packed}");
    let mut read = || store.events(&session_id(1), EventPage::first(9));
    assert_eq!(read().unwrap(), events);

    file.execute("UPDATE contents SET text = ?1, packed = NULL", [&text])
        .unwrap();
    assert_eq!(read().unwrap(), events);
    for damaged in ["", "abc", "\u{1}\u{1}\u{1}\u{1}abc"] {
        file.execute("UPDATE contents SET packed = ?1", [damaged.as_bytes()])
            .unwrap();
        let error = read().unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    }
}

#[test]
fn a_compressed_text_that_was_changed_is_a_problem() {
    let place = Place::sqlite();
    let mut store = place.open(Durability::Relaxed);
    let store = store.as_mut();
    write(store, [session(1)]);
    for n in 1..40 {
        let text = format!("walrus {n} ").repeat(1000);
        write(store, [large(1, n, &text)]);
    }
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());
    let other = "UPDATE contents SET packed = (SELECT packed FROM contents ORDER BY hash LIMIT 1)
        WHERE hash = (SELECT max(hash) FROM contents)";
    file(&place).execute(other, []).unwrap();
    let problems = store.problems().unwrap();
    let [problem] = problems.as_slice() else {
        panic!("{problems:?}");
    };
    assert!(problem.ends_with("is not what was written"), "{problem}");
    file(&place)
        .execute("UPDATE contents SET packed = x'00'", [])
        .unwrap();
    assert!(store.problems().unwrap().len() >= 20);
}
