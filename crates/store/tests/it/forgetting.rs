//! Retention, a bounded step at a time.
use portcullis_store::{EventPage, Forgotten, Retention, SessionFilter, Store};
use portcullis_trace::record::{EventRecord, SessionRecord};

use crate::backend::{on_every_backend, write};
use crate::records::{event, session, session_id, time};

on_every_backend!(
    old_sessions_are_forgotten,
    longest_idle_are_forgotten_until_the_rest_fits,
    active_sessions_are_spared,
    long_session_is_forgotten_in_steps,
);

const NEVER: Retention = Retention {
    idle_since: None,
    bytes_max: None,
    active_since: portcullis_trace::record::Timestamp::from_micros(i64::MAX),
};

/// Session `n` with one message of 100 bytes, at the time `at`.
fn put(store: &mut dyn Store, n: u64, at: i64) {
    let started = SessionRecord {
        started_at: time(at),
        project: Some("mail".to_owned()),
        ..session(n)
    };
    write(store, [started]);
    let message = EventRecord {
        recorded_at: time(at),
        message: None,
        events: "x".repeat(100),
        ..event(n, 1)
    };
    write(store, [message]);
}

fn left(store: &mut dyn Store) -> Vec<String> {
    let found = store.sessions(&SessionFilter::newest(100)).unwrap();
    found
        .iter()
        .map(|found| found.session.id.to_string())
        .collect()
}

fn ids(numbers: &[u64]) -> Vec<String> {
    numbers.iter().map(|n| session_id(*n).to_string()).collect()
}

fn old_sessions_are_forgotten(store: &mut dyn Store) {
    for n in 1..=4 {
        put(store, n, 100 * i64::try_from(n).unwrap());
    }
    assert_eq!(store.forget(&NEVER).unwrap(), Forgotten::default());
    let old = Retention {
        idle_since: Some(time(300)),
        ..NEVER
    };
    let forgotten = Forgotten {
        sessions: 2,
        events: 2,
        more: false,
    };
    assert_eq!(store.forget(&old).unwrap(), forgotten);
    assert_eq!(left(store), ids(&[4, 3]));
    assert_eq!(store.project_named("mail").unwrap().unwrap().traces, 2);
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());
}

fn longest_idle_are_forgotten_until_the_rest_fits(store: &mut dyn Store) {
    for (n, at) in [(1, 900), (2, 100), (3, 500)] {
        put(store, n, at);
    }
    let fits = |bytes_max| Retention {
        bytes_max: Some(bytes_max),
        ..NEVER
    };
    assert_eq!(store.forget(&fits(300)).unwrap(), Forgotten::default());
    assert_eq!(store.forget(&fits(150)).unwrap().sessions, 2);
    assert_eq!(left(store), ids(&[1]));
    assert_eq!(store.forget(&fits(0)).unwrap().sessions, 1);
}

fn active_sessions_are_spared(store: &mut dyn Store) {
    put(store, 1, 100);
    put(store, 2, 200);
    let all_but_active = Retention {
        idle_since: Some(time(1000)),
        bytes_max: Some(0),
        active_since: time(200),
    };
    assert_eq!(store.forget(&all_but_active).unwrap().sessions, 1);
    assert_eq!(left(store), ids(&[2]));
}

fn long_session_is_forgotten_in_steps(store: &mut dyn Store) {
    write(store, [session(1)]);
    write(store, (1..=4500).map(|place| event(1, place)));
    let all = Retention {
        idle_since: Some(time(i64::MAX)),
        ..NEVER
    };
    let first = store.forget(&all).unwrap();
    assert_eq!((first.sessions, first.more), (0, true));
    assert!(first.events > 0 && first.events < 4500, "{first:?}");
    let events = store.events(&session_id(1), EventPage::first(1)).unwrap();
    assert_eq!(events[0].sequence.value(), first.events + 1);
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());

    let mut events = first.events;
    while !left(store).is_empty() {
        events += store.forget(&all).unwrap().events;
    }
    assert_eq!(events, 4500);
    assert_eq!(store.forget(&all).unwrap(), Forgotten::default());
}
