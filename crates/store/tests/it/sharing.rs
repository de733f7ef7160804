//! Several gateway processes, one file.
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Barrier;
use std::thread;

use portcullis_store::{Durability, EventPage, SessionFilter, SqliteStore, Store};

use crate::records::{event, session, session_id};
use crate::second_process;

const WRITERS: u64 = 4;
/// How often writers meet where no file is yet: only sometimes do they get in each other's way.
const MEETINGS: u32 = 100;
const EVENTS_EACH: u64 = 500;

#[test]
fn writer_processes_share_one_file() {
    if let Some(writer) = second_process::argument() {
        let (n, path) = writer.split_once(':').unwrap();
        return write_session(Path::new(path), n.parse().unwrap());
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.db");
    let writers: Vec<Child> = (0..WRITERS)
        .map(|n| {
            let argument = format!("{n}:{}", path.display());
            let test = "sharing::writer_processes_share_one_file";
            second_process::running(test, &argument)
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }

    let mut store = SqliteStore::open_existing(&path).unwrap();
    let sessions = store.sessions(&SessionFilter::newest(10)).unwrap();
    let counts: Vec<_> = sessions
        .iter()
        .map(|found| (found.events, found.events_lost))
        .collect();
    assert_eq!(counts, [(EVENTS_EACH, 0); 4]);
    let written: Vec<_> = (1..=EVENTS_EACH).map(|place| event(2, place)).collect();
    assert_eq!(
        store
            .events(&session_id(2), EventPage::first(1000))
            .unwrap(),
        written
    );
}

fn write_session(path: &Path, n: u64) {
    let mut store = SqliteStore::open(path, Durability::Relaxed).unwrap();
    store.write(&[session(n).into()]).unwrap();
    for place in 1..=EVENTS_EACH {
        store.write(&[event(n, place).into()]).unwrap();
    }
}

#[test]
fn writers_that_create_the_file_together_all_open_it() {
    for _ in 0..MEETINGS {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("traces.db");
        let together = Barrier::new(usize::try_from(WRITERS).unwrap());
        thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    together.wait();
                    SqliteStore::open(&path, Durability::Relaxed)
                        .map(drop)
                        .unwrap();
                });
            }
        });
    }
}

#[test]
fn reader_sees_each_transaction_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.db");
    let mut writer = SqliteStore::open(&path, Durability::Relaxed).unwrap();
    writer.write(&[session(1).into()]).unwrap();
    let mut reader = SqliteStore::open_existing(&path).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            for pair in 0..200 {
                let first = 2 * pair + 1;
                writer
                    .write(&[event(1, first).into(), event(1, first + 1).into()])
                    .unwrap();
            }
        });
        let mut seen = 0;
        while seen < 400 {
            seen = reader.session(session_id(1).as_str()).unwrap().events;
            assert_eq!(seen % 2, 0);
        }
    });
}
