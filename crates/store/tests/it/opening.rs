//! What the SQLite store makes of the file it finds.
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use portcullis_store::{
    Durability, EventPage, Search, SessionFilter, SqliteStore, Store, StoreError,
};
use portcullis_trace::record::EventRecord;
use rusqlite::Connection;

use crate::records::{event, session, session_id};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_created_belongs_to_its_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("share").join("portcullis");
    let path = data.join("traces.db");
    let mut store = SqliteStore::open(&path, Durability::Strict).unwrap();
    store.write(&[session(1).into()]).unwrap();

    assert_eq!(mode(&directory.path().join("share")), 0o700);
    assert_eq!(mode(&data), 0o700);
    for name in ["traces.db", "traces.db-wal", "traces.db-shm"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
}

#[test]
fn loose_file_is_tightened_and_foreign_directory_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("shared");
    fs::DirBuilder::new().mode(0o755).create(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let path = data.join("traces.db");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();

    SqliteStore::open(&path, Durability::Relaxed).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&data), 0o755);
}

#[test]
fn records_outlive_the_store_that_wrote_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.db");
    let mut store = SqliteStore::open(&path, Durability::Relaxed).unwrap();
    store
        .write(&[session(1).into(), event(1, 1).into()])
        .unwrap();
    drop(store);

    let mut store = SqliteStore::open_existing(&path).unwrap();
    assert_eq!(store.session(session_id(1).as_str()).unwrap().events, 1);
}

#[test]
fn looking_creates_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.db");
    let error = SqliteStore::open_existing(&path).unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error:?}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn newer_schema_is_refused_with_both_versions() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.db");
    drop(SqliteStore::open(&path, Durability::Relaxed).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection
        .execute("INSERT INTO schema_version (version) VALUES (999)", [])
        .unwrap();
    drop(connection);

    let error = SqliteStore::open(&path, Durability::Relaxed).unwrap_err();
    assert!(
        matches!(error, StoreError::NewerSchema { found: 999, .. }),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .contains("schema version 999, this program knows up to"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("upgrade"));
}

#[test]
fn failed_migration_leaves_no_schema_behind() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.db");
    let connection = Connection::open(&path).unwrap();
    // A database that lost its first migration half-way: the version is known, the tables are not.
    let version_zero = "CREATE TABLE schema_version (version INTEGER); CREATE TABLE events (x);";
    connection.execute_batch(version_zero).unwrap();

    let error = SqliteStore::open(&path, Durability::Relaxed).unwrap_err();
    assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
    assert!(!connection.table_exists(None, "sessions").unwrap());
}

#[test]
fn what_is_no_trace_database_is_refused_untouched() {
    let check = |prepare: fn(&Path), expected: fn(&StoreError) -> bool| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("traces.db");
        prepare(&path);
        let before = (fs::read(&path).ok(), mode(&path));
        let error = SqliteStore::open(&path, Durability::Relaxed).unwrap_err();
        assert!(expected(&error), "{error:?}");
        assert!(error.to_string().contains("traces.db"), "{error}");
        assert!(error.hint().is_some(), "{error}");
        assert_eq!((fs::read(&path).ok(), mode(&path)), before);
    };
    check(
        |path| fs::write(path, "x").unwrap(),
        |e| matches!(e, StoreError::NotADatabase { .. }),
    );
    check(
        |path| fs::create_dir(path).unwrap(),
        |e| matches!(e, StoreError::NotAFile { .. }),
    );
    check(
        |path| {
            fs::write(
                path,
                "a diary, not a database, long enough for a header".repeat(9),
            )
            .unwrap();
        },
        |e| matches!(e, StoreError::NotADatabase { .. }),
    );
    check(
        |path| {
            let connection = Connection::open(path).unwrap();
            connection
                .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE diary (day)")
                .unwrap();
        },
        |e| matches!(e, StoreError::NotADatabase { .. }),
    );
}

#[test]
fn directory_that_cannot_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let path = file.join("traces.db");
    let error = SqliteStore::open(&path, Durability::Relaxed).unwrap_err();
    assert!(matches!(error, StoreError::Unprotected { .. }), "{error:?}");
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
}

#[test]
fn empty_file_becomes_a_database() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.db");
    fs::write(&path, "").unwrap();
    let mut store = SqliteStore::open_existing(&path).unwrap();
    assert_eq!(store.sessions(&SessionFilter::newest(1)).unwrap(), []);
}

#[test]
fn database_of_version_1_opens_and_its_sessions_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.db");
    fs::write(&path, include_bytes!("../fixtures/version-1.db")).unwrap();
    let mut store = SqliteStore::open(&path, Durability::Relaxed).unwrap();

    let newest = SessionFilter::newest(9);
    let sessions = store.sessions(&newest).unwrap();
    let told: Vec<_> = sessions
        .iter()
        .map(|found| {
            let session = &found.session;
            (
                session.server.as_str(),
                session.project.as_deref(),
                session.index,
                found.events,
            )
        })
        .collect();
    let in_harbour = |index| ("notes", Some("harbour"), Some(index), 9);
    assert_eq!(
        told,
        [in_harbour(1), ("mail", None, None, 9), in_harbour(0)]
    );
    let harbour = store.project_named("harbour").unwrap().unwrap();
    assert_eq!(harbour.traces, 2);
    assert_eq!(
        harbour.latest_trace_at,
        Some(sessions[0].session.started_at)
    );

    let oldest = &sessions[2].session.id;
    let events = store.events(oldest, EventPage::first(100)).unwrap();
    assert_eq!(
        events
            .iter()
            .map(|event| event.violations.len())
            .sum::<usize>(),
        1
    );
    assert!(events.iter().any(|event| event.events.len() > 20_000));
    let secret = SessionFilter {
        search: Search {
            words: vec!["AKIAIOSFODNN7EXAMPLE walrus".to_owned()],
            ..Search::default()
        },
        ..newest
    };
    assert_eq!(store.sessions(&secret).unwrap().len(), 3);
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());
    store.vacuum().unwrap();
    assert_eq!(store.sessions(&secret).unwrap().len(), 3);

    let mut written = session(1);
    written.project = Some("harbour".to_owned());
    store.write(&[written.into(), event(1, 1).into()]).unwrap();
    let next = store.session(session_id(1).as_str()).unwrap();
    assert_eq!(next.session.index, Some(2));
}

#[test]
fn database_of_version_3_opens_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.db");
    fs::write(&path, include_bytes!("../fixtures/version-3.db")).unwrap();
    let mut store = SqliteStore::open(&path, Durability::Relaxed).unwrap();
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());

    let newest = SessionFilter::newest(9);
    let sessions = store.sessions(&newest).unwrap();
    assert_eq!(sessions.len(), 2);
    for found in &sessions {
        let first = EventPage::first(9);
        let events = store.events(&found.session.id, first).unwrap();
        assert_eq!(events.len(), 4);
        for place in [2, 3] {
            assert!(
                events[place]
                    .events
                    .contains(&"The tide tables of the harbour. ".repeat(700))
            );
        }
    }

    store
        .write(&[session(1).into(), event(1, 1).into()])
        .unwrap();
    let check = |store: &mut SqliteStore, word: &str, expected: usize| {
        let filter = SessionFilter {
            search: Search {
                words: vec![word.to_owned()],
                ..Search::default()
            },
            ..newest.clone()
        };
        assert_eq!(store.sessions(&filter).unwrap().len(), expected, "{word}");
    };
    check(&mut store, "zeppelin", 1);
    check(&mut store, "äpfel", 1);
    check(&mut store, "tide", 2);
    assert!(store.delete_session(&sessions[0].session.id).unwrap());
    check(&mut store, "tide", 1);
}

#[test]
fn database_of_version_5_opens_and_its_recent_words_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.db");
    fs::write(&path, include_bytes!("../fixtures/version-5.db")).unwrap();
    let mut store = SqliteStore::open(&path, Durability::Relaxed).unwrap();
    let search = |store: &mut SqliteStore, word: &str| {
        let search = Search {
            words: vec![word.to_owned()],
            ..Search::default()
        };
        let filter = SessionFilter {
            search,
            ..SessionFilter::newest(9)
        };
        store.sessions(&filter).unwrap()
    };
    let found = search(&mut store, "wizards");
    assert_eq!(found.len(), 2);
    store
        .write(&[session(7).into(), event(7, 1).into()])
        .unwrap();
    assert!(store.delete_session(&found[0].session.id).unwrap());
    assert_eq!(search(&mut store, "wizards"), found[1..]);
    assert_eq!(search(&mut store, "message").len(), 1);
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());
}

#[test]
fn database_of_version_7_opens_and_its_rows_refer_by_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.db");
    fs::write(&path, include_bytes!("../fixtures/version-7.db")).unwrap();
    let mut store = SqliteStore::open(&path, Durability::Relaxed).unwrap();
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());

    let sessions = store.sessions(&SessionFilter::newest(9)).unwrap();
    let told = sessions.iter().map(|found| {
        let server = found.session.server.as_str();
        (server, found.events, found.events_lost, found.violations)
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [("mail", 11, 0, 0), ("notes", 10, 0, 1)]
    );
    let (mail, notes) = (&sessions[0].session.id, &sessions[1].session.id);
    let table = "The tide tables of the harbour. ".repeat(300);
    let of_table = |store: &mut SqliteStore, session| {
        let events = store.events(session, EventPage::first(99)).unwrap();
        assert!(
            events
                .iter()
                .zip(1..)
                .all(|(it, place)| it.sequence.value() == place)
        );
        let holds = |event: &&EventRecord| {
            let message = event.message.as_deref().unwrap();
            message.contains(&table) && event.events.contains(&table)
        };
        events.iter().filter(holds).count()
    };
    assert_eq!(of_table(&mut store, mail), 2);
    assert_eq!(of_table(&mut store, notes), 2);
    let events = store.events(notes, EventPage::first(99)).unwrap();
    let blocked = events.iter().find(|event| !event.violations.is_empty());
    assert_eq!(blocked.unwrap().violations[0].message, "no zeppelins");

    // The same text is kept under the hash of this version, too.
    let again = EventRecord {
        message: Some(format!("[\"{table}\"]").into()),
        events: format!("[{{\"content\":\"{table}\"}}]"),
        ..event(1, 1)
    };
    store
        .write(&[session(1).into(), again.clone().into()])
        .unwrap();
    let first = EventPage::first(9);
    assert_eq!(store.events(&session_id(1), first).unwrap(), [again]);
    assert!(store.delete_session(notes).unwrap());
    assert_eq!(of_table(&mut store, mail), 2);
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());
    assert!(store.delete_session(mail).unwrap());
    assert!(store.delete_session(&session_id(1)).unwrap());
    let rows = "SELECT (SELECT count(*) FROM contents) + (SELECT count(*) FROM event_contents)
            + (SELECT count(*) FROM events) + (SELECT count(*) FROM violations)";
    let connection = Connection::open(&path).unwrap();
    let left: u64 = connection.query_row(rows, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn what_a_damaged_database_of_version_7_has_lost_stays_damage() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.db");
    fs::write(&path, include_bytes!("../fixtures/version-7.db")).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("PRAGMA foreign_keys = OFF")
        .unwrap();
    let lose = "DELETE FROM contents WHERE packed IS NOT NULL";
    assert_eq!(connection.execute(lose, []).unwrap(), 1);
    drop(connection);

    let mut store = SqliteStore::open(&path, Durability::Relaxed).unwrap();
    assert_eq!(store.problems().unwrap().len(), 1);
    let sessions = store.sessions(&SessionFilter::newest(9)).unwrap();
    let read = store.events(&sessions[0].session.id, EventPage::first(99));
    assert!(matches!(read, Err(StoreError::Damaged { .. })), "{read:?}");
}

#[test]
fn a_damaged_database_of_version_7_opens() {
    let check = |damage: &str| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("traces.db");
        fs::write(&path, include_bytes!("../fixtures/version-7.db")).unwrap();
        let connection = Connection::open(&path).unwrap();
        let damage = format!("PRAGMA foreign_keys = OFF; {damage}");
        connection.execute_batch(&damage).unwrap();
        drop(connection);
        let mut store = SqliteStore::open(&path, Durability::Relaxed).unwrap();
        let sessions = store.sessions(&SessionFilter::newest(9)).unwrap();
        assert!(!sessions.is_empty(), "{damage}");
        let unbound = "SELECT count(*) FROM pragma_foreign_key_check";
        let connection = Connection::open(&path).unwrap();
        let unbound: u64 = connection.query_row(unbound, [], |row| row.get(0)).unwrap();
        assert_eq!(unbound, 0, "{damage}");
    };
    check(
        "DELETE FROM events WHERE (session, sequence) IN (SELECT session, sequence FROM violations)",
    );
    check(
        "DELETE FROM events WHERE (session, sequence) IN (SELECT session, sequence FROM event_contents)",
    );
    check("DELETE FROM sessions WHERE rowid = 1");
    check("UPDATE contents SET hash = 'zz' || substr(hash, 3)");
    check("UPDATE sessions SET number = NULL");
}
