use std::thread;
use std::time::{Duration, Instant};

use portcullis_store::{
    Comparison, Durability, Location, MetadataCondition, Search, SessionFilter, SessionOrder,
    Store, StoreError,
};
use portcullis_trace::record::{EventRecord, SessionRecord};

use crate::backend::{Place, client, on_every_backend, write};
use crate::records::{
    annotation, event, json_object, push, pushed, session, session_id, violation,
};

on_every_backend!(
    words_are_found_anywhere_in_the_trace,
    word_that_many_traces_hold_is_found_too,
    annotated_traces_are_told_from_others,
    metadata_is_compared_as_numbers_or_as_text,
    places_in_the_project_choose_and_order,
    deleted_trace_is_not_found,
    word_is_found_at_once_and_ever_after,
    sessions_are_counted_whatever_the_page,
    more_conditions_than_count_are_refused,
);

/// The numbers of the sessions that are found.
fn found(store: &mut dyn Store, filter: &SessionFilter) -> Vec<u64> {
    let all: Vec<_> = (0..2000).map(|n| session_id(n).to_string()).collect();
    let number = |id: &str| {
        all.binary_search_by(|known| known.as_str().cmp(id))
            .unwrap() as u64
    };
    let sessions = store.sessions(filter).unwrap();
    sessions
        .iter()
        .map(|found| number(found.session.id.as_str()))
        .collect()
}

fn search(search: Search) -> SessionFilter {
    SessionFilter {
        search,
        ..SessionFilter::newest(10)
    }
}

fn words(text: &str) -> SessionFilter {
    search(Search {
        words: vec![text.to_owned()],
        ..Search::default()
    })
}

fn says(n: u64, place: u64, text: &str) -> EventRecord {
    EventRecord {
        events: format!(r#"[{{"role":"user","content":"{text}"}}]"#),
        ..event(n, place)
    }
}

fn words_are_found_anywhere_in_the_trace(store: &mut dyn Store) {
    write(store, [session(1), session(2)]);
    write(
        store,
        [
            says(1, 1, "Read /etc/PASSWD"),
            says(1, 2, "Überfall\\nat noon"),
        ],
    );
    write(store, [says(2, 1, "read the mail, 100% at noon")]);
    let mut check = |text: &str, expected: &[u64]| {
        assert_eq!(found(store, &words(text)), expected, "{text:?}");
    };
    check("read", &[2, 1]);
    check("passwd NOON", &[1]);
    check("überfall", &[1]);
    check("etc/passwd", &[1]);
    check("passw", &[]);
    check("passwd mail", &[]);
    check("100", &[2]);
    check("nat", &[]);
    check("content", &[]);
    // What is no word is nowhere; nothing is no condition.
    check("%", &[]);
    check("… !", &[]);
    check("read %", &[2, 1]);
    check(" ", &[2, 1]);
    check("", &[2, 1]);
    check(&"Read noon ".repeat(50), &[2, 1]);
    let elsewhere = SessionFilter {
        server: Some("mail".to_owned()),
        ..words("read")
    };
    assert_eq!(found(store, &elsewhere), [0_u64; 0]);
}

fn word_that_many_traces_hold_is_found_too(store: &mut dyn Store) {
    write(store, (1..=1200).map(session));
    write(
        store,
        (1..=1200).map(|n| {
            says(
                n,
                1,
                if n % 600 == 0 {
                    "common rare"
                } else {
                    "common"
                },
            )
        }),
    );
    let page = |text: &str, limit, offset| SessionFilter {
        limit,
        offset,
        ..words(text)
    };
    assert_eq!(found(store, &page("common", 3, 0)), [1200, 1199, 1198]);
    assert_eq!(found(store, &page("common", 2, 1198)), [2, 1]);
    assert_eq!(found(store, &page("common rare", 3, 0)), [1200, 600]);
    assert_eq!(found(store, &page("common missing", 3, 0)), [0_u64; 0]);
}

fn annotated_traces_are_told_from_others(store: &mut dyn Store) {
    write(store, [session(1), session(2)]);
    store.annotate(&[annotation(1, "a")]).unwrap();
    let annotated = |is_annotated| {
        search(Search {
            is_annotated: Some(is_annotated),
            ..Search::default()
        })
    };
    assert_eq!(found(store, &annotated(true)), [1]);
    assert_eq!(found(store, &annotated(false)), [2]);
    write(
        store,
        [EventRecord {
            violations: vec![violation()],
            ..event(2, 1)
        }],
    );
    assert_eq!(found(store, &annotated(true)), [2, 1]);
    assert_eq!(found(store, &annotated(false)), [0_u64; 0]);
}

fn metadata_is_compared_as_numbers_or_as_text(store: &mut dyn Store) {
    let with = |n, metadata: &str| SessionRecord {
        metadata: json_object(metadata),
        ..session(n)
    };
    write(
        store,
        [
            with(1, r#"{"score":9,"user":"ann","ok":true,"deep":{"a":1}}"#),
            with(2, r#"{"score":10.5,"user":"bob%"}"#),
            with(3, r#"{"score":"none","user":"Ann"}"#),
        ],
    );
    let mut check = |key: &str, comparison, value: &str, expected: &[u64]| {
        let condition = MetadataCondition {
            key: key.to_owned(),
            comparison,
            value: value.to_owned(),
        };
        let filter = search(Search {
            metadata: vec![condition.clone()],
            ..Search::default()
        });
        assert_eq!(found(store, &filter), expected, "{condition:?}");
    };
    check("score", Comparison::Equal, "9.0", &[1]);
    check("score", Comparison::Greater, "9", &[3, 2]);
    check("score", Comparison::LessOrEqual, "10.5", &[2, 1]);
    check("score", Comparison::Equal, "none", &[3]);
    check("user", Comparison::Equal, "ann", &[1]);
    check("user", Comparison::Less, "a", &[3]);
    check("user", Comparison::GreaterOrEqual, "b", &[2]);
    check("user", Comparison::Contains, "nn", &[3, 1]);
    check("user", Comparison::Contains, "%", &[2]);
    check("ok", Comparison::Equal, "true", &[1]);
    check("deep", Comparison::Contains, "a", &[]);
    check("none", Comparison::Equal, "9", &[]);
    // What is known now counts, not what was known first.
    write(store, [with(1, r#"{"score":8}"#)]);
    let now = search(Search {
        metadata: vec![MetadataCondition {
            key: "score".to_owned(),
            comparison: Comparison::Less,
            value: "9".to_owned(),
        }],
        ..Search::default()
    });
    assert_eq!(found(store, &now), [1]);
}

fn places_in_the_project_choose_and_order(store: &mut dyn Store) {
    write(store, [pushed(3, "mail")]);
    write(store, [pushed(1, "mail")]);
    write(store, [pushed(2, "mail"), pushed(4, "other")]);
    let by_index = |indices: Option<Vec<u64>>| SessionFilter {
        project: Some("mail".to_owned()),
        indices,
        order: SessionOrder::ByIndex,
        ..SessionFilter::newest(10)
    };
    assert_eq!(found(store, &by_index(None)), [3, 1, 2]);
    assert_eq!(
        found(store, &by_index(Some(vec![2, 0, 9, u64::MAX]))),
        [3, 2]
    );
    assert_eq!(found(store, &by_index(Some(vec![]))), [0_u64; 0]);
}

fn deleted_trace_is_not_found(store: &mut dyn Store) {
    write(store, [pushed(1, "mail")]);
    store
        .append_messages(&session_id(1), &push(&[(1, "walrus")]))
        .unwrap();
    assert_eq!(found(store, &words("walrus")), [1]);
    assert!(store.delete_session(&session_id(1)).unwrap());
    assert_eq!(found(store, &words("walrus")), [0_u64; 0]);
    // A later trace does not inherit its words.
    write(store, [pushed(2, "mail")]);
    assert_eq!(found(store, &words("walrus")), [0_u64; 0]);
}

/// Words wait for their turn to go into the index, and nobody who searches may notice.
fn word_is_found_at_once_and_ever_after(store: &mut dyn Store) {
    const EVENTS: u64 = 150;
    // So many that they go into the index several times.
    let text = |place: u64| {
        let words: Vec<_> = (0..1900).map(|n| format!("{place}x{n}")).collect();
        words.join(" ")
    };
    write(store, [session(1), session(2)]);
    for place in 1..=EVENTS {
        write(
            store,
            [says(1, place, &text(place)), says(2, place, "same")],
        );
        assert_eq!(found(store, &words(&format!("{place}x7"))), [1]);
        assert_eq!(
            found(store, &words(&format!("{place}x1899 same"))),
            [0_u64; 0]
        );
    }
    for place in 1..=EVENTS {
        assert_eq!(found(store, &words(&format!("1x0 {place}x1899"))), [1]);
    }
    assert_eq!(found(store, &words("same")), [2]);
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());
    assert!(store.delete_session(&session_id(1)).unwrap());
    for place in 1..=EVENTS {
        assert_eq!(found(store, &words(&format!("{place}x7"))), [0_u64; 0]);
    }
}

fn sessions_are_counted_whatever_the_page(store: &mut dyn Store) {
    write(store, [session(1), session(2), session(3)]);
    write(store, [says(1, 1, "found"), says(3, 1, "found")]);
    let mut count = |filter: SessionFilter| {
        let page = SessionFilter {
            limit: 1,
            offset: 1,
            ..filter
        };
        store.count_sessions(&page).unwrap()
    };
    assert_eq!(count(words("")), 3);
    assert_eq!(count(words("found")), 2);
    assert_eq!(count(words("missing")), 0);
}

/// Of so small a table PostgreSQL believes that it is read faster without its index. So it does of
/// large ones, since it does not count what it costs to read the words.
#[test]
fn postgres_asks_its_index_for_words() {
    const WAIT: Duration = Duration::from_secs(30);
    let Some(place) = Place::postgres() else {
        return;
    };
    let mut store = place.open(Durability::Relaxed);
    write(store.as_mut(), [session(1)]);
    write(store.as_mut(), [says(1, 1, "walrus")]);
    let Location::Postgres(url) = &place.location else {
        panic!("{:?} is no database", place.location);
    };
    client(url).batch_execute("ANALYZE session_words").unwrap();
    assert_eq!(found(store.as_mut(), &words("walrus")), [1]);
    // The server counts at the latest when the connection ends.
    drop(store);
    let looks = "SELECT idx_scan FROM pg_stat_user_indexes
        WHERE indexrelid = 'session_words_by_word'::regclass";
    let started = Instant::now();
    while client(url).query_one(looks, &[]).unwrap().get::<_, i64>(0) == 0 {
        assert!(started.elapsed() < WAIT, "the index was not asked");
        thread::sleep(Duration::from_millis(50));
    }
}

fn more_conditions_than_count_are_refused(store: &mut dyn Store) {
    let words = |count: usize| (0..count).map(|n| format!("w{n}")).collect::<Vec<_>>();
    write(store, [session(1)]);
    write(store, [says(1, 1, &words(40).join(" "))]);
    let condition = MetadataCondition {
        key: "k".to_owned(),
        comparison: Comparison::Equal,
        value: "v".to_owned(),
    };
    let mut check = |words: Vec<String>, conditions: usize, expected: Option<&[u64]>| {
        let filter = search(Search {
            words,
            metadata: vec![condition.clone(); conditions],
            ..Search::default()
        });
        if let Some(expected) = expected {
            assert_eq!(found(store, &filter), expected);
        } else {
            let listed = store.sessions(&filter);
            assert!(matches!(listed, Err(StoreError::TooManyConditions)));
            let counted = store.count_sessions(&filter);
            assert!(matches!(counted, Err(StoreError::TooManyConditions)));
        }
    };
    check(words(32), 0, Some(&[1]));
    // Each word counts once, however often it is asked for.
    check([words(32), words(32)].concat(), 0, Some(&[1]));
    check(words(33), 0, None);
    check(vec![words(33).join(" ")], 0, None);
    check(words(31), 1, Some(&[]));
    check(words(32), 1, None);
    check(Vec::new(), 33, None);
}
