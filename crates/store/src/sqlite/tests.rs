use std::path::Path;
use std::slice;

use portcullis_json::Object;
use portcullis_trace::record::{Origin, SessionRecord, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::sql::GUARDRAILS_MAX;
use crate::{Entry, GuardrailRecord, GuardrailScope, SessionFilter, Store, Upload};

fn session(n: u64, name: Option<String>) -> Entry {
    Entry::Session(SessionRecord {
        id: format!("0199a1b2-c3d4-7e5f-8a6b-{n:012x}").parse().unwrap(),
        project: None,
        name,
        server: "files".to_owned(),
        client: None,
        started_at: Timestamp::from_micros(1),
        metadata: Object::new(),
        origin: Origin::Live,
        index: None,
        hierarchy_path: Vec::new(),
    })
}

fn guardrail(n: u64) -> GuardrailRecord {
    GuardrailRecord {
        id: format!("0199a1b2-c3d4-7e5f-8a6b-{n:012x}").parse().unwrap(),
        project: None,
        name: "one".to_owned(),
        content: String::new(),
        enabled: true,
        action: "block".to_owned(),
        scope: GuardrailScope::default(),
        metadata: Object::new(),
        version: 1,
        updated_at: Timestamp::from_micros(1),
    }
}

fn open(directory: &TempDir, durability: Durability) -> SqliteStore {
    SqliteStore::open(&directory.path().join("traces.db"), durability).unwrap()
}

fn pragma<T: rusqlite::types::FromSql>(store: &SqliteStore, name: &str) -> T {
    store
        .connection
        .pragma_query_value(None, name, |row| row.get(0))
        .unwrap()
}

#[test]
fn durability_decides_what_a_commit_waits_for() {
    const NORMAL: i64 = 1;
    const FULL: i64 = 2;
    for (durability, synchronous) in [(Durability::Relaxed, NORMAL), (Durability::Strict, FULL)] {
        let directory = tempfile::tempdir().unwrap();
        let store = open(&directory, durability);
        assert_eq!(pragma::<i64>(&store, "synchronous"), synchronous);
        assert_eq!(pragma::<String>(&store, "journal_mode"), "wal");
        assert_eq!(pragma::<i64>(&store, "foreign_keys"), 1);
    }
}

#[test]
fn references_are_enforced_except_while_recording() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory, Durability::Relaxed);
    let begun = session(1, None);
    store.write(slice::from_ref(&begun)).unwrap();
    assert_eq!(pragma::<i64>(&store, "foreign_keys"), 0);
    let Entry::Session(begun) = begun else {
        panic!("it is a session");
    };
    store
        .write(&[Upload::new(begun.id.clone(), "http://here/").into()])
        .unwrap();
    assert!(store.delete_session(&begun.id).unwrap());
    assert_eq!(pragma::<i64>(&store, "foreign_keys"), 1);
    let left = store.query("count", "SELECT count(*) FROM uploads", &[]);
    assert_eq!(left.unwrap(), [vec![Cell::Integer(0)]]);
}

#[test]
fn full_disk_refuses_the_batch_and_recovers() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory, Durability::Strict);
    store.write(&[session(1, None)]).unwrap();
    let pages: i64 = pragma(&store, "page_count");
    store
        .connection
        .pragma_update(None, "max_page_count", pages)
        .unwrap();

    let large = session(3, Some("x".repeat(1 << 20)));
    let error = store.write(&[session(2, None), large.clone()]).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Failed {
                reason: FailureReason::DiskFull,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "cannot record the session: the disk is full"
    );
    assert!(error.hint().unwrap().contains("make room"));
    assert!(!error.blames_entry());
    assert_eq!(store.sessions(&SessionFilter::newest(9)).unwrap().len(), 1);

    store
        .connection
        .pragma_update(None, "max_page_count", 1 << 20)
        .unwrap();
    store.write(&[session(2, None), large]).unwrap();
    assert_eq!(store.sessions(&SessionFilter::newest(9)).unwrap().len(), 3);
}

#[test]
fn read_only_database_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory, Durability::Relaxed);
    store
        .connection
        .pragma_update(None, "query_only", true)
        .unwrap();
    let error = store.write(&[session(1, None)]).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Failed {
                reason: FailureReason::ReadOnly,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn writer_waits_for_another_and_then_says_busy() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(&directory, Durability::Relaxed);
    let mut second = open(&directory, Durability::Relaxed);
    second
        .connection
        .busy_timeout(Duration::from_millis(20))
        .unwrap();
    let lock = first.connection.unchecked_transaction().unwrap();
    lock.execute_batch("UPDATE sessions SET name = NULL")
        .unwrap();
    let error = second.write(&[session(1, None)]).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Failed {
                reason: FailureReason::Busy,
                ..
            }
        ),
        "{error:?}"
    );
    drop(lock);
    second.write(&[session(1, None)]).unwrap();
}

#[test]
fn damaged_value_names_the_session_and_the_column() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory, Durability::Relaxed);
    let check = |store: &mut SqliteStore, column: &str| {
        let error = store.sessions(&SessionFilter::newest(9)).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert!(
            error.to_string().contains(&format!("`{column}`")),
            "{error}"
        );
    };
    store.write(&[session(1, None)]).unwrap();
    for metadata in ["", "[]", "{\"a\":"] {
        store
            .connection
            .execute("UPDATE sessions SET metadata = ?1", [metadata])
            .unwrap();
        check(&mut store, "metadata");
    }
    store
        .connection
        .execute("UPDATE sessions SET metadata = '{}', id = 'x'", [])
        .unwrap();
    check(&mut store, "id");
}

#[test]
fn directory_is_the_working_one_if_the_path_names_none() {
    assert_eq!(open::directory_of(Path::new("traces.db")), Path::new("."));
    assert_eq!(
        open::directory_of(Path::new("data/traces.db")),
        Path::new("data")
    );
}

#[test]
fn guardrails_that_would_not_be_in_force_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory, Durability::Relaxed);
    let fill = |store: &SqliteStore, first: u32, last: u32| {
        let statement = format!(
            "WITH RECURSIVE n (n) AS (VALUES ({first}) UNION ALL SELECT n + 1 FROM n WHERE n < {last})
             INSERT INTO guardrails
                 (id, name, content, enabled, action, metadata, version, updated_at, created_at)
             SELECT printf('0199a1b2-c3d4-7e5f-9a6b-%012x', n), 'one', '', 1, 'block', '{{}}', 1, 1, 1
             FROM n"
        );
        store.connection.execute_batch(&statement).unwrap();
    };
    fill(&store, 1, GUARDRAILS_MAX - 1);
    store.create_guardrail(&guardrail(1)).unwrap();
    assert_eq!(store.guardrails(None).unwrap().len(), 10_000);
    let error = store.create_guardrail(&guardrail(2)).unwrap_err();
    assert!(matches!(error, StoreError::TooManyGuardrails), "{error:?}");

    // An older version of this program may have kept more.
    fill(&store, GUARDRAILS_MAX, GUARDRAILS_MAX);
    let error = store.guardrails(None).unwrap_err();
    assert!(matches!(error, StoreError::TooManyGuardrails), "{error:?}");
}

#[test]
fn real_number_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(&directory, Durability::Relaxed);
    let error = store.query("read", "SELECT 0.5", &[]).unwrap_err();
    assert!(error.is_damage(), "{error:?}");
}

#[test]
fn a_file_that_was_removed_or_replaced_is_not_used_any_more() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("traces.db");
    let mut store = open(&directory, Durability::Relaxed);
    store.write(&[session(1, None)]).unwrap();
    fs::remove_file(&place).unwrap();
    let error = store.write(&[session(2, None)]).unwrap_err();
    assert!(matches!(error, StoreError::Replaced { .. }), "{error:?}");
    drop(open(&directory, Durability::Relaxed));
    let error = store.guardrails_changed().unwrap_err();
    assert!(matches!(error, StoreError::Replaced { .. }), "{error:?}");
}

#[test]
fn what_cannot_be_looked_for_is_not_missing() {
    let directory = tempfile::tempdir().unwrap();
    // A file in the place of a directory is an error for everybody, also for who may do anything.
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = SqliteStore::open_existing(&file.join("traces.db")).unwrap_err();
    assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
}
