//! What goes on after a gateway: uploads and sessions.
use std::slice;

use portcullis_store::{Claim, Entry, EventPage, Resumption, Store, StoreError, Upload};
use portcullis_trace::record::SessionEnd;

use crate::backend::{on_every_backend, write};
use crate::records::{event, sequence, session, session_id, time};

on_every_backend!(
    upload_is_claimed_by_one_at_a_time,
    upload_with_nothing_to_send_is_not_claimed,
    upload_keeps_how_far_it_is,
    uploads_of_another_destination_are_left_alone,
    resumption_is_found_by_its_key_until_the_session_ends,
    resumption_is_taken_over,
    what_goes_on_of_an_unknown_session_is_refused_as_such,
);

const HERE: &str = "http://here/";

fn claim(claimant: &str, now: i64) -> Claim<'_> {
    Claim {
        destination: HERE,
        claimant,
        now: time(now),
        until: time(now + 10),
        limit: 10,
    }
}

/// A session with messages, on its way to `HERE`.
fn sent(store: &mut dyn Store, n: u64, messages: u64) {
    write(store, [session(n)]);
    write(store, (1..=messages).map(|place| event(n, place)));
    write(store, [Upload::new(session_id(n), HERE)]);
}

fn upload_is_claimed_by_one_at_a_time(store: &mut dyn Store) {
    sent(store, 1, 2);
    let upload = Upload::new(session_id(1), HERE);
    assert_eq!(
        store.claim_uploads(claim("a", 0)).unwrap(),
        slice::from_ref(&upload)
    );
    assert_eq!(store.claim_uploads(claim("b", 5)).unwrap(), []);
    assert_eq!(
        store.claim_uploads(claim("a", 5)).unwrap(),
        slice::from_ref(&upload)
    );
    assert_eq!(store.claim_uploads(claim("b", 14)).unwrap(), []);
    assert_eq!(store.claim_uploads(claim("b", 15)).unwrap(), [upload]);
    assert_eq!(store.claim_uploads(claim("a", 16)).unwrap(), []);
}

fn upload_with_nothing_to_send_is_not_claimed(store: &mut dyn Store) {
    sent(store, 1, 1);
    let mut upload = Upload::new(session_id(1), HERE);
    upload.pushed = 1;
    store.put_upload(&upload).unwrap();
    assert_eq!(store.claim_uploads(claim("a", 0)).unwrap(), []);
    write(store, [event(1, 2)]);
    assert_eq!(
        store.claim_uploads(claim("a", 0)).unwrap(),
        slice::from_ref(&upload)
    );
    store.delete_upload(&upload.session).unwrap();
    assert_eq!(store.claim_uploads(claim("a", 0)).unwrap(), []);
}

fn upload_keeps_how_far_it_is(store: &mut dyn Store) {
    sent(store, 1, 3);
    let mut upload = Upload::new(session_id(1), HERE);
    upload.trace = Some("there".to_owned());
    upload.pushed = 2;
    store.put_upload(&upload).unwrap();
    assert_eq!(store.claim_uploads(claim("a", 0)).unwrap(), [upload]);
}

fn uploads_of_another_destination_are_left_alone(store: &mut dyn Store) {
    sent(store, 1, 1);
    let elsewhere = Claim {
        destination: "http://elsewhere/",
        ..claim("a", 0)
    };
    assert_eq!(store.claim_uploads(elsewhere).unwrap(), []);
}

fn resumption(key: &str, holder: &str) -> Resumption {
    Resumption {
        key: key.to_owned(),
        session: session_id(1),
        holder: holder.to_owned(),
        upstream_session: Some("secret".to_owned()),
    }
}

fn resumption_is_found_by_its_key_until_the_session_ends(store: &mut dyn Store) {
    write(store, [session(1)]);
    write(store, [resumption("k", "a")]);
    assert_eq!(store.resumption("k").unwrap(), Some(resumption("k", "a")));
    assert_eq!(store.resumption("other").unwrap(), None);
    let end = SessionEnd {
        session: session_id(1),
        ended_at: time(9),
        last_sequence: Some(sequence(1)),
    };
    write(store, [end]);
    assert_eq!(store.resumption("k").unwrap(), None);
}

fn resumption_is_taken_over(store: &mut dyn Store) {
    write(store, [session(1)]);
    write(store, [resumption("k", "a")]);
    write(store, [resumption("k", "b")]);
    assert_eq!(store.resumption("k").unwrap(), Some(resumption("k", "b")));
    assert!(store.delete_session(&session_id(1)).unwrap());
    assert_eq!(store.resumption("k").unwrap(), None);
}

fn what_goes_on_of_an_unknown_session_is_refused_as_such(store: &mut dyn Store) {
    write(store, [session(1)]);
    let resumption = Resumption {
        session: session_id(7),
        ..resumption("k", "a")
    };
    let upload = Upload::new(session_id(7), HERE);
    for entry in [Entry::from(upload), resumption.into()] {
        let error = store.write(&[event(1, 1).into(), entry]).unwrap_err();
        assert!(
            matches!(&error, StoreError::UnknownSession { session } if *session == session_id(7)),
            "{error:?}"
        );
    }
    assert_eq!(
        store.events(&session_id(1), EventPage::first(9)).unwrap(),
        []
    );
    assert_eq!(store.resumption("k").unwrap(), None);
}
