//! What every back end promises about live sessions.
use portcullis_store::{EventPage, SessionFilter, Store, StoreError, export_trace};
use portcullis_trace::record::{
    Direction, EventRecord, Implementation, SessionEnd, Timestamp, Verdict, ViolationRecord,
};

use crate::backend::{on_every_backend, write};
use crate::records::{event, json, json_object, sequence, session, session_id, violation};

on_every_backend!(
    session_reads_back_as_written,
    event_reads_back_as_written,
    session_written_again_keeps_only_its_start,
    sessions_are_listed_newest_first_in_pages,
    filters_narrow_the_list,
    prefix_finds_one_session_or_says_why_not,
    refused_entry_takes_its_batch_along,
    gap_counts_as_lost_until_it_is_filled,
    end_reveals_what_was_lost_last,
    pages_follow_each_other_without_overlap,
    page_is_bounded_in_bytes,
    export_is_the_list_of_all_messages,
    export_of_damaged_events_names_the_message,
);

fn session_reads_back_as_written(store: &mut dyn Store) {
    let mut written = session(1);
    written.project = Some("payments".to_owned());
    written.name = Some("Ünïcode \0 'quoted'".to_owned());
    written.client = Some(Implementation {
        name: "editor".to_owned(),
        version: Some("1.2".to_owned()),
    });
    written.metadata = json_object(r#"{"z":1,"a":{"n":123456789012345678901234567890},"e":[]}"#);
    write(store, [written.clone()]);

    let found = store.session(written.id.as_str()).unwrap();
    written.index = Some(0);
    assert_eq!(found.session, written);
    assert_eq!(
        (found.ended_at, found.events, found.events_lost),
        (None, 0, 0)
    );
}

fn event_reads_back_as_written(store: &mut dyn Store) {
    let message = "{ \"jsonrpc\" : \"2.0\",\t\"id\":1.0e0, \"x\":\"\\u0000\u{1F512}\" }";
    let violation = violation();
    let full = EventRecord {
        direction: Direction::ToClient,
        message: Some(message.into()),
        verdict: Verdict::Block,
        violations: vec![
            violation.clone(),
            ViolationRecord {
                ranges: vec![],
                ..violation
            },
        ],
        failure: Some("out of fuel".to_owned()),
        ..event(1, 1)
    };
    let bare = EventRecord {
        method: None,
        message: None,
        events: "[]".into(),
        ..event(1, 2)
    };
    write(store, [session(1)]);
    write(store, [full.clone(), bare.clone()]);

    assert_eq!(
        store.events(&session_id(1), EventPage::first(10)).unwrap(),
        [full, bare]
    );
    // What could not be judged is one more.
    assert_eq!(store.session(session_id(1).as_str()).unwrap().violations, 3);
}

fn session_written_again_keeps_only_its_start(store: &mut dyn Store) {
    let first = session(1);
    let mut again = first.clone();
    again.started_at = Timestamp::from_micros(7);
    again.client = None;
    again.name = Some("renamed".to_owned());
    write(store, [first.clone()]);
    write(store, [event(1, 1)]);
    write(store, [again.clone()]);

    let found = store.session(first.id.as_str()).unwrap();
    again.started_at = first.started_at;
    assert_eq!(found.session, again);
    assert_eq!(found.events, 1);
}

fn listed(store: &mut dyn Store, filter: &SessionFilter) -> Vec<String> {
    let sessions = store.sessions(filter).unwrap();
    sessions
        .into_iter()
        .map(|found| found.session.id.to_string())
        .collect()
}

fn ids(numbers: &[u64]) -> Vec<String> {
    numbers.iter().map(|n| session_id(*n).to_string()).collect()
}

fn sessions_are_listed_newest_first_in_pages(store: &mut dyn Store) {
    assert_eq!(listed(store, &SessionFilter::newest(10)), ids(&[]));
    write(store, [session(2), session(1), session(3)]);

    assert_eq!(listed(store, &SessionFilter::newest(10)), ids(&[3, 2, 1]));
    assert_eq!(listed(store, &SessionFilter::newest(2)), ids(&[3, 2]));
    let second = SessionFilter {
        offset: 2,
        ..SessionFilter::newest(2)
    };
    assert_eq!(listed(store, &second), ids(&[1]));
    assert_eq!(listed(store, &SessionFilter::newest(0)), ids(&[]));
}

fn filters_narrow_the_list(store: &mut dyn Store) {
    let mut sessions = [session(1), session(2), session(3)];
    sessions[0].server = "mail".to_owned();
    sessions[1].name = Some("monday".to_owned());
    sessions[2].project = Some("payments".to_owned());
    write(store, sessions);
    write(
        store,
        [EventRecord {
            failure: Some("out of fuel".to_owned()),
            ..event(2, 1)
        }],
    );

    let all = SessionFilter::newest(10);
    let mut check = |filter: SessionFilter, expected: &[u64]| {
        assert_eq!(listed(store, &filter), ids(expected), "{filter:?}");
    };
    check(
        SessionFilter {
            server: Some("mail".to_owned()),
            ..all.clone()
        },
        &[1],
    );
    check(
        SessionFilter {
            server: Some("mai".to_owned()),
            ..all.clone()
        },
        &[],
    );
    check(
        SessionFilter {
            name: Some("monday".to_owned()),
            ..all.clone()
        },
        &[2],
    );
    check(
        SessionFilter {
            project: Some("payments".to_owned()),
            ..all.clone()
        },
        &[3],
    );
    check(
        SessionFilter {
            with_violations_only: true,
            ..all.clone()
        },
        &[2],
    );
    check(
        SessionFilter {
            going_on_since: Some(session(2).started_at),
            ..all.clone()
        },
        &[3, 2],
    );
    let files = SessionFilter {
        server: Some("files".to_owned()),
        ..all
    };
    check(
        SessionFilter {
            with_violations_only: true,
            ..files.clone()
        },
        &[2],
    );
    check(files, &[3, 2]);
}

fn prefix_finds_one_session_or_says_why_not(store: &mut dyn Store) {
    write(store, [session(0x10), session(0x11), session(0x20)]);

    let mut found = |prefix: &str| {
        store
            .session(prefix)
            .map(|found| found.session.id.to_string())
    };
    assert_eq!(
        found("0199a1b2-c3d4-7e5f-8a6b-00000000002").unwrap(),
        ids(&[0x20])[0]
    );
    assert_eq!(found(session_id(0x11).as_str()).unwrap(), ids(&[0x11])[0]);
    let ambiguous = found("0199a1b2").unwrap_err();
    assert_eq!(
        ambiguous.to_string(),
        format!(
            "several recorded sessions begin with `0199a1b2`: {}",
            ids(&[0x10, 0x11, 0x20]).join(", ")
        )
    );
    let missing = found("f").unwrap_err();
    assert!(matches!(missing, StoreError::Unknown { .. }), "{missing:?}");
    for invalid in ["", "%", "0199A", "0199a1b2 ", "é", "' OR 1=1"] {
        let error = found(invalid).unwrap_err();
        assert!(
            matches!(error, StoreError::InvalidPrefix { .. }),
            "{invalid:?}: {error:?}"
        );
    }
}

fn refused_entry_takes_its_batch_along(store: &mut dyn Store) {
    write(store, [session(1)]);
    write(store, [event(1, 1)]);
    let before = store.session(session_id(1).as_str()).unwrap();

    let stranger = store
        .write(&[event(1, 2).into(), event(2, 1).into()])
        .unwrap_err();
    assert!(
        matches!(&stranger, StoreError::UnknownSession { session } if *session == session_id(2))
    );
    let taken = store
        .write(&[event(1, 2).into(), event(1, 1).into()])
        .unwrap_err();
    assert!(matches!(&taken, StoreError::SequenceTaken { sequence, .. } if sequence.value() == 1));
    let too_large = store
        .write(&[event(1, 2).into(), event(1, u64::MAX).into()])
        .unwrap_err();
    assert!(too_large.blames_entry(), "{too_large:?}");
    let end = SessionEnd {
        session: session_id(2),
        ended_at: Timestamp::from_micros(1),
        last_sequence: None,
    };
    let unknown = store.write(&[event(1, 2).into(), end.into()]).unwrap_err();
    assert!(
        matches!(unknown, StoreError::UnknownSession { .. }),
        "{unknown:?}"
    );

    assert_eq!(store.session(session_id(1).as_str()).unwrap(), before);
    assert_eq!(
        store.events(&session_id(1), EventPage::first(9)).unwrap(),
        [event(1, 1)]
    );
    write(store, [event(1, 2)]);
}

fn gap_counts_as_lost_until_it_is_filled(store: &mut dyn Store) {
    let lost = |store: &mut dyn Store| {
        let found = store.session(session_id(1).as_str()).unwrap();
        (found.events, found.events_lost)
    };
    write(store, [session(1)]);
    write(store, [event(1, 1), event(1, 5)]);
    assert_eq!(lost(store), (2, 3));
    write(store, [event(1, 3)]);
    assert_eq!(lost(store), (3, 2));
    let places: Vec<u64> = store
        .events(&session_id(1), EventPage::first(9))
        .unwrap()
        .iter()
        .map(|event| event.sequence.value())
        .collect();
    assert_eq!(places, [1, 3, 5]);
}

fn end_reveals_what_was_lost_last(store: &mut dyn Store) {
    write(store, [session(1)]);
    write(store, [event(1, 1)]);
    let ended_at = Timestamp::from_micros(1_767_225_700_000_000);
    let end = |last| SessionEnd {
        session: session_id(1),
        ended_at,
        last_sequence: Some(sequence(last)),
    };
    write(store, [end(3)]);
    let found = store.session(session_id(1).as_str()).unwrap();
    assert_eq!(
        (found.ended_at, found.events, found.events_lost),
        (Some(ended_at), 1, 2)
    );
}

fn pages_follow_each_other_without_overlap(store: &mut dyn Store) {
    write(store, [session(1), session(2)]);
    write(store, (1..=7).map(|place| event(1, place)));
    write(store, [event(2, 1)]);

    let mut page = EventPage::first(3);
    let mut lengths = Vec::new();
    let mut places = Vec::new();
    loop {
        let events = store.events(&session_id(1), page).unwrap();
        let Some(last) = events.last() else { break };
        page = page.after(last.sequence);
        lengths.push(events.len());
        places.extend(events.iter().map(|event| event.sequence.value()));
    }
    assert_eq!(lengths, [3, 3, 1]);
    assert_eq!(places, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(
        store.events(&session_id(3), EventPage::first(3)).unwrap(),
        []
    );
}

fn page_is_bounded_in_bytes(store: &mut dyn Store) {
    let large = |place| EventRecord {
        message: Some("x".repeat(10 << 20).into()),
        ..event(1, place)
    };
    write(store, [session(1)]);
    write(store, [large(1), large(2), large(3)]);

    let first = store.events(&session_id(1), EventPage::first(10)).unwrap();
    assert_eq!(first.len(), 2);
    let rest = store
        .events(&session_id(1), EventPage::first(10).after(sequence(2)))
        .unwrap();
    assert_eq!(rest, [large(3)]);
}

fn exported(store: &mut dyn Store, n: u64) -> Result<String, StoreError> {
    let mut out = Vec::new();
    export_trace(store, &session_id(n), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn export_is_the_list_of_all_messages(store: &mut dyn Store) {
    write(store, [session(1), session(2)]);
    let two = r#"[{"role":"user","content":"a"}, {"role":"tool","content":"b"}]"#;
    write(
        store,
        [
            EventRecord {
                events: two.into(),
                ..event(1, 1)
            },
            EventRecord {
                events: "[]".into(),
                ..event(1, 2)
            },
            EventRecord {
                verdict: Verdict::Block,
                ..event(1, 3)
            },
        ],
    );
    write(store, (4..=500).map(|place| event(1, place)));

    let text = exported(store, 1).unwrap();
    assert!(
        text.starts_with(concat!(
            "[\n",
            "{\"role\":\"user\",\"content\":\"a\"},\n",
            "{\"role\":\"tool\",\"content\":\"b\"},\n",
            "{\"role\":\"user\",\"content\":\"message 3\"},\n",
        )),
        "{text}"
    );
    assert_eq!(json(&text).as_array().unwrap().len(), 2 + 498);
    assert_eq!(exported(store, 2).unwrap(), "[]\n");
}

fn export_of_damaged_events_names_the_message(store: &mut dyn Store) {
    write(store, [session(1), session(2)]);
    for (n, damaged) in [(1, "[1"), (2, "{}")] {
        write(
            store,
            [
                event(n, 1),
                EventRecord {
                    events: damaged.into(),
                    ..event(n, 2)
                },
            ],
        );
        let error = exported(store, n).unwrap_err().to_string();
        assert!(
            error.contains(session_id(n).as_str()) && error.contains("message 2"),
            "{error}"
        );
    }
}
