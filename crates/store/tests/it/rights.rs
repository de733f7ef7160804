//! What a role needs in PostgreSQL.
use portcullis_store::{Durability, Entry, EventPage, Search, SessionFilter};
use portcullis_trace::record::EventRecord;
use postgres::error::SqlState;

use crate::backend::{Place, client, write};
use crate::records::{event, session, session_id};

#[test]
fn no_right_to_make_what_is_temporary() {
    let Some(place) = Place::postgres_without_temporary() else {
        return;
    };
    let refused = client(&place.argument()).batch_execute("CREATE TEMPORARY TABLE t (x INT)");
    let code = refused.unwrap_err().code().cloned();
    assert_eq!(code, Some(SqlState::INSUFFICIENT_PRIVILEGE));

    let mut store = place.open(Durability::Strict);
    let large = EventRecord {
        events: format!(
            r#"[{{"role":"user","content":"{}"}}]"#,
            "walrus ".repeat(999)
        ),
        ..event(1, 2)
    };
    let entries = [session(1).into(), event(1, 1).into(), large.clone().into()];
    write(store.as_mut(), entries as [Entry; 3]);
    let first = EventPage::first(9);
    let events = store.events(&session_id(1), first).unwrap();
    assert_eq!(events, [event(1, 1), large]);
    let found = store.sessions(&SessionFilter {
        search: Search {
            words: vec!["walrus".to_owned()],
            ..Search::default()
        },
        ..SessionFilter::newest(9)
    });
    assert_eq!(found.unwrap().len(), 1);
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());
    store.vacuum().unwrap();
    assert!(store.delete_session(&session_id(1)).unwrap());
}
