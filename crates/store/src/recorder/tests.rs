use std::sync::{Condvar, Mutex};

use portcullis_json::Object;
use portcullis_trace::record::{
    Direction, EventRecord, Origin, Sequence, SessionEnd, SessionId, SessionRecord, Timestamp,
    Verdict,
};

use tokio::time::{Instant, resume};

use super::*;
use crate::FailureReason;

const STRANGER: u64 = 404;

/// A store that writes when it is let, and refuses what it is told to refuse.
#[derive(Clone, Default)]
struct ScriptedStore(Arc<(Mutex<Script>, Condvar)>);

#[derive(Default)]
struct Script {
    held: bool,
    waiting: bool,
    answer: Answer,
    batches: Vec<Vec<Entry>>,
}

#[derive(Clone, Copy, Default)]
enum Answer {
    #[default]
    Write,
    Full,
    Panic,
}

impl ScriptedStore {
    fn set(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    /// Waits until the writer thread stands before the closed gate.
    fn wait_until_waiting(&self) {
        let script = self.0.0.lock().unwrap();
        drop(
            self.0
                .1
                .wait_while(script, |script| !script.waiting)
                .unwrap(),
        );
    }

    fn written(&self) -> Vec<Entry> {
        self.0.0.lock().unwrap().batches.concat()
    }
}

impl ScriptedStore {
    fn write(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut script = self.0.0.lock().unwrap();
        script.waiting = script.held;
        self.0.1.notify_all();
        let mut script = self.0.1.wait_while(script, |script| script.held).unwrap();
        script.waiting = false;
        match script.answer {
            Answer::Write => {}
            Answer::Full => {
                let (operation, reason) = ("write", FailureReason::DiskFull);
                return Err(StoreError::Failed {
                    operation,
                    reason,
                    source: "no space".into(),
                });
            }
            Answer::Panic => panic!("told to panic"),
        }
        for entry in entries {
            let is_beginning = |entry: &Entry| matches!(entry, Entry::Session(record) if record.id == session_id(STRANGER));
            if let Entry::Event(event) = entry
                && event.session == session_id(STRANGER)
                && !script
                    .batches
                    .iter()
                    .flatten()
                    .chain(entries)
                    .any(is_beginning)
            {
                return Err(StoreError::UnknownSession {
                    session: event.session.clone(),
                });
            }
        }
        script.batches.push(entries.to_vec());
        Ok(())
    }
}

fn session_id(n: u64) -> SessionId {
    format!("0199a1b2-c3d4-7e5f-8a6b-{n:012x}").parse().unwrap()
}

fn session(n: u64) -> SessionRecord {
    SessionRecord {
        id: session_id(n),
        project: None,
        name: None,
        server: "files".to_owned(),
        client: None,
        started_at: Timestamp::from_micros(0),
        metadata: Object::new(),
        origin: Origin::Live,
        index: None,
        hierarchy_path: Vec::new(),
    }
}

fn event(n: u64, place: u64) -> EventRecord {
    EventRecord {
        session: session_id(n),
        sequence: Sequence::new(place).unwrap(),
        recorded_at: Timestamp::from_micros(0),
        direction: Direction::ToServer,
        method: None,
        message: None,
        events: "[]".into(),
        verdict: Verdict::Allow,
        violations: Vec::new(),
        failure: None,
    }
}

fn events(n: u64, places: impl IntoIterator<Item = u64>) -> Vec<Entry> {
    places
        .into_iter()
        .map(|place| event(n, place).into())
        .collect()
}

fn start(store: &ScriptedStore, durability: Durability, capacity: usize) -> Recorder {
    start_gathering(store, durability, capacity, writer::GATHERING)
}

fn start_gathering(
    store: &ScriptedStore,
    durability: Durability,
    capacity: usize,
    gathering: Duration,
) -> Recorder {
    let store = store.clone();
    Recorder::start(
        move || Ok(move |entries: &[Entry]| store.write(entries)),
        durability,
        NonZeroUsize::new(capacity).unwrap(),
        gathering,
    )
    .unwrap()
}

/// A recorder whose writer thread holds event 1 of session 1 and cannot get on.
async fn start_held(store: &ScriptedStore, capacity: usize) -> Recorder {
    store.set(|script| script.held = true);
    let recorder = start(store, Durability::Relaxed, capacity);
    recorder.record(event(1, 1)).await.unwrap();
    store.wait_until_waiting();
    recorder
}

#[tokio::test]
async fn close_writes_everything_that_was_queued_in_order() {
    let store = ScriptedStore::default();
    let recorder = start_held(&store, 16).await;
    let session = session(2);
    let end = SessionEnd {
        session: session_id(2),
        ended_at: Timestamp::from_micros(1),
        last_sequence: None,
    };
    recorder.record(event(1, 2)).await.unwrap();
    recorder.record(session.clone()).await.unwrap();
    recorder.record(end.clone()).await.unwrap();
    assert_eq!(store.written(), []);
    store.set(|script| script.held = false);
    recorder.close().await.unwrap();

    let mut expected = events(1, [1, 2]);
    expected.extend([session.into(), end.into()]);
    assert_eq!(store.written(), expected);
    assert_eq!(recorder.status().lost, 0);
}

#[tokio::test]
async fn what_waits_together_is_one_transaction() {
    let store = ScriptedStore::default();
    let recorder = start_held(&store, 16).await;
    for place in 2..=9 {
        recorder.record(event(1, place)).await.unwrap();
    }
    store.set(|script| script.held = false);
    recorder.close().await.unwrap();
    let batches = store.0.0.lock().unwrap().batches.clone();
    assert_eq!(batches, [events(1, [1]), events(1, 2..=9)]);
}

#[tokio::test(start_paused = true)]
async fn full_queue_loses_the_recording_and_counts_it() {
    let store = ScriptedStore::default();
    let recorder = start_held(&store, 2).await;
    for place in 2..=5 {
        recorder.record(event(1, place)).await.unwrap();
    }
    let status = recorder.status();
    assert_eq!(status.lost, 2);
    assert!(
        matches!(status.failure, Some(RecordError::TimedOut)),
        "{status:?}"
    );
    store.set(|script| script.held = false);
    resume();
    recorder.close().await.unwrap();
    assert_eq!(store.written(), events(1, [1, 2, 3]));
    assert!(recorder.status().failure.is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_for_a_queue_that_stayed_full() {
    let store = ScriptedStore::default();
    let recorder = start_held(&store, 1).await;
    let began = Instant::now();
    for place in 2..=20 {
        recorder.record(event(1, place)).await.unwrap();
    }
    assert_eq!(began.elapsed(), RELAXED_WAIT_MAX);
    assert_eq!(recorder.status().lost, 18);
    store.set(|script| script.held = false);
    resume();
    recorder.flush().await.unwrap();
    // There is room, and something was written: a message would wait again.
    assert!(!recorder.losses.is_losing());
}

#[tokio::test]
async fn a_full_queue_slows_messages_down_to_the_pace_of_the_disk() {
    let store = ScriptedStore::default();
    let recorder = start_held(&store, 1).await;
    recorder.record(event(1, 2)).await.unwrap();
    let mut third = Box::pin(recorder.record(event(1, 3)));
    let early = timeout(Duration::from_millis(20), &mut third).await;
    assert!(early.is_err(), "{early:?}");
    store.set(|script| script.held = false);
    third.await.unwrap();
    recorder.close().await.unwrap();
    assert_eq!(store.written(), events(1, [1, 2, 3]));
    assert_eq!(recorder.status().lost, 0);
}

#[tokio::test(start_paused = true)]
async fn queue_is_bounded_in_bytes_but_takes_one_entry_of_any_size() {
    let large = |place| EventRecord {
        message: Some("x".repeat(QUEUE_BYTES_MAX as usize + 1).into()),
        ..event(1, place)
    };
    let store = ScriptedStore::default();
    store.set(|script| script.held = true);
    let recorder = start(&store, Durability::Relaxed, 100);
    recorder.record(large(1)).await.unwrap();
    recorder.record(event(1, 2)).await.unwrap();
    assert_eq!(recorder.status().lost, 1);
    store.set(|script| script.held = false);
    resume();
    recorder.close().await.unwrap();
    assert_eq!(store.written(), [large(1).into()]);
}

#[tokio::test]
async fn what_fills_the_queue_is_written_before_it_has_gathered() {
    let large = EventRecord {
        message: Some("x".repeat(QUEUE_BYTES_MAX as usize * 2 / 3).into()),
        ..event(1, 1)
    };
    for (capacity, message) in [(1, None), (4, None), (100, large.message)] {
        let store = ScriptedStore::default();
        let gathering = 10 * RELAXED_WAIT_MAX;
        let recorder = start_gathering(&store, Durability::Relaxed, capacity, gathering);
        for place in 1..=50 {
            let message = message.clone();
            let event = EventRecord {
                message,
                ..event(1, place)
            };
            recorder.record(event).await.unwrap();
        }
        recorder.close().await.unwrap();
        assert_eq!((recorder.status().lost, store.written().len()), (0, 50));
    }
}

#[tokio::test]
async fn strict_record_returns_only_after_the_commit() {
    let store = ScriptedStore::default();
    store.set(|script| script.held = true);
    let recorder = start(&store, Durability::Strict, 4);
    let mut recorded = Box::pin(recorder.record(event(1, 1)));
    let early = timeout(Duration::from_millis(20), &mut recorded).await;
    assert!(early.is_err(), "{early:?}");
    store.wait_until_waiting();
    store.set(|script| script.held = false);
    recorded.await.unwrap();
    assert_eq!(store.written(), events(1, [1]));
}

#[tokio::test(start_paused = true)]
async fn strict_record_gives_up_in_the_end() {
    let store = ScriptedStore::default();
    store.set(|script| script.held = true);
    let recorder = start(&store, Durability::Strict, 4);
    let error = recorder.record(event(1, 1)).await.unwrap_err();
    assert!(matches!(error, RecordError::TimedOut), "{error:?}");
    store.set(|script| script.held = false);
}

#[tokio::test]
async fn full_disk_refuses_strict_messages_until_there_is_room() {
    let store = ScriptedStore::default();
    store.set(|script| script.answer = Answer::Full);
    let recorder = start(&store, Durability::Strict, 4);
    let error = recorder.record(event(1, 1)).await.unwrap_err();
    assert!(matches!(error, RecordError::Refused(_)), "{error:?}");
    assert_eq!(recorder.status().lost, 1);
    store.set(|script| script.answer = Answer::Write);
    recorder.record(event(1, 2)).await.unwrap();
    let status = recorder.status();
    assert_eq!((status.lost, status.failure.is_some()), (1, false));
}

#[tokio::test]
async fn full_disk_does_not_stop_relaxed_traffic() {
    let store = ScriptedStore::default();
    store.set(|script| script.answer = Answer::Full);
    let recorder = start(&store, Durability::Relaxed, 4);
    recorder.record(event(1, 1)).await.unwrap();
    recorder.close().await.unwrap();
    let status = recorder.status();
    assert_eq!(status.lost, 1);
    assert!(
        matches!(status.failure, Some(RecordError::Refused(_))),
        "{status:?}"
    );
}

#[tokio::test]
async fn one_refused_entry_does_not_spoil_the_others() {
    let store = ScriptedStore::default();
    let recorder = start_held(&store, 16).await;
    for entry in [event(1, 2), event(STRANGER, 1), event(1, 3)] {
        recorder.record(entry).await.unwrap();
    }
    store.set(|script| script.held = false);
    recorder.close().await.unwrap();
    assert_eq!(store.written(), events(1, [1, 2, 3]));
    assert_eq!(recorder.status().lost, 1);
}

#[tokio::test]
async fn a_beginning_that_was_lost_is_recorded_with_what_follows() {
    let store = ScriptedStore::default();
    store.set(|script| script.answer = Answer::Full);
    let recorder = start(&store, Durability::Relaxed, 16);
    recorder.record(session(STRANGER)).await.unwrap();
    recorder.record(event(STRANGER, 1)).await.unwrap();
    recorder.flush().await.unwrap();
    assert!(recorder.status().failure.is_some());
    store.set(|script| script.answer = Answer::Write);
    for place in 2..=3 {
        recorder.record(event(STRANGER, place)).await.unwrap();
        recorder.flush().await.unwrap();
    }
    recorder.close().await.unwrap();
    let mut expected = vec![session(STRANGER).into()];
    expected.extend(events(STRANGER, [2, 3]));
    assert_eq!(store.written(), expected);
    let status = recorder.status();
    assert_eq!((status.lost, status.failure.is_some()), (2, false));
}

#[tokio::test]
async fn closed_recorder_takes_nothing_more() {
    for (durability, refused) in [(Durability::Strict, true), (Durability::Relaxed, false)] {
        let store = ScriptedStore::default();
        let recorder = start(&store, durability, 4);
        recorder.close().await.unwrap();
        let recorded = recorder.record(event(1, 1)).await;
        assert_eq!(
            matches!(recorded, Err(RecordError::Closed)),
            refused,
            "{recorded:?}"
        );
        assert!(matches!(recorder.close().await, Err(RecordError::Closed)));
        assert_eq!(store.written(), []);
    }
}

#[tokio::test]
async fn dead_writer_thread_refuses_strict_messages() {
    let store = ScriptedStore::default();
    store.set(|script| script.answer = Answer::Panic);
    let recorder = start(&store, Durability::Strict, 4);
    for place in 1..=2 {
        let error = recorder.record(event(1, place)).await.unwrap_err();
        assert!(matches!(error, RecordError::Closed), "{error:?}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_is_opened_when_it_can() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("traces.db");
    std::fs::create_dir(&place).unwrap();
    let location = Location::Sqlite(place.clone());
    let open = |durability| Recorder::open(&location, durability, NonZeroUsize::MIN);
    let error = open(Durability::Strict).unwrap_err();
    assert!(matches!(error, StoreError::NotAFile { .. }), "{error:?}");

    let (recorder, away) = open(Durability::Relaxed).unwrap();
    assert!(
        matches!(away, Some(StoreError::NotAFile { .. })),
        "{away:?}"
    );
    recorder.record(session(1)).await.unwrap();
    recorder.flush().await.unwrap();
    assert_eq!(recorder.status().lost, 1);
    std::fs::remove_dir(&place).unwrap();
    recorder.record(event(1, 1)).await.unwrap();
    recorder.close().await.unwrap();
    let mut store = location.open_existing().unwrap();
    let found = store.session(session_id(1).as_str()).unwrap();
    assert_eq!((found.events, recorder.status().lost), (1, 1));
}

#[test]
fn a_status_says_how_much_was_lost_and_why() {
    let check = |lost, failure: Option<RecordError>, expected: &str| {
        let status = RecorderStatus { lost, failure };
        assert_eq!(status.to_string(), expected);
        assert_eq!(status.has_losses(), expected != "nothing was lost");
    };
    check(0, None, "nothing was lost");
    check(1, None, "1 record was lost; the log says why");
    let gone = StoreError::NotAFile {
        path: "t.db".into(),
    };
    check(
        12,
        Some(RecordError::Refused(Arc::new(gone))),
        "12 records were lost: the recording was refused by the store: `t.db` is not a file",
    );
    check(
        0,
        Some(RecordError::TimedOut),
        "the last records may be lost: the recording was not on disk in time",
    );
}
