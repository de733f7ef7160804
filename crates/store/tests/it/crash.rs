//! `kill -9` at any moment: nothing is corrupt, and nothing that was promised is missing.
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write, stdout};
use std::num::NonZeroUsize;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use portcullis_store::{Durability, EventPage, Location, Recorder, Store};

use crate::backend::Place;
use crate::records::{event, session, session_id};
use crate::second_process;

const KILLS: u64 = 30;
const KILLS_WHEN_SLOW: u64 = 200;
/// Set to run the slow form of these tests.
const SLOW: &str = "PORTCULLIS_SLOW_TESTS";

const SESSIONS_PER_WRITER: u64 = 3;
const CAPACITY: usize = 32;
/// What the writer thread may have taken out of the queue without having written it.
const BATCH: u64 = 256;
const QUEUED: u64 = CAPACITY as u64 + BATCH;
const ACKNOWLEDGED: &str = "acknowledged ";

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no other configuration"
)]
fn kills() -> u64 {
    std::env::var(SLOW).map_or(KILLS, |_| KILLS_WHEN_SLOW)
}

#[test]
fn strict_event_that_was_acknowledged_survives() {
    survives_kills(
        "crash::strict_event_that_was_acknowledged_survives",
        || Some(Place::sqlite()),
        Durability::Strict,
        0,
    );
}

#[test]
fn relaxed_writer_loses_at_most_what_was_queued() {
    survives_kills(
        "crash::relaxed_writer_loses_at_most_what_was_queued",
        || Some(Place::sqlite()),
        Durability::Relaxed,
        QUEUED,
    );
}

#[test]
fn strict_event_that_was_acknowledged_survives_in_postgres() {
    survives_kills(
        "crash::strict_event_that_was_acknowledged_survives_in_postgres",
        Place::postgres,
        Durability::Strict,
        0,
    );
}

#[test]
fn relaxed_writer_to_postgres_loses_at_most_what_was_queued() {
    survives_kills(
        "crash::relaxed_writer_to_postgres_loses_at_most_what_was_queued",
        Place::postgres,
        Durability::Relaxed,
        QUEUED,
    );
}

fn survives_kills(test: &str, place: fn() -> Option<Place>, durability: Durability, lost_max: u64) {
    if let Some(writer) = second_process::argument() {
        let (first_session, location) = writer.split_once(' ').unwrap();
        let location = location.parse().unwrap();
        return write_until_killed(&location, first_session.parse().unwrap(), durability);
    }
    let Some(place) = place() else { return };
    let kills = kills();
    let mut acknowledged = BTreeMap::new();
    for kill in 0..kills {
        let latest = kill_a_writer(test, &place.argument(), kill);
        let mut store = place.open(Durability::Relaxed);
        assert_eq!(store.problems().unwrap(), Vec::<String>::new());
        check_sessions(store.as_mut(), &latest, lost_max);
        acknowledged.extend(latest);
    }
    // What later writers did, and how they died, took nothing away from earlier ones.
    check_sessions(
        place.open(Durability::Relaxed).as_mut(),
        &acknowledged,
        lost_max,
    );
    assert!(
        acknowledged.len() as u64 >= kills,
        "the writers were killed before they wrote"
    );
}

/// Starts a writer, kills it some time after its first acknowledgement, and returns the last
/// event it acknowledged for each of its sessions.
fn kill_a_writer(test: &str, location: &str, kill: u64) -> BTreeMap<u64, u64> {
    let mut writer = start_writer(test, location, kill * SESSIONS_PER_WRITER);
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let mut acknowledged = BTreeMap::new();
    // Some die during their first commits, others after hundreds and a checkpoint.
    let acknowledgements = 1 + (kill * kill / 4) % 250;
    let moment = Duration::from_micros(kill * 733 % 5_000);
    for line in lines.by_ref() {
        if note_acknowledgement(&line.unwrap(), &mut acknowledged) >= acknowledgements {
            break;
        }
    }
    thread::sleep(moment);
    writer.kill().unwrap();
    writer.wait().unwrap();
    for line in lines {
        note_acknowledgement(&line.unwrap(), &mut acknowledged);
    }
    acknowledged
}

fn start_writer(test: &str, location: &str, first_session: u64) -> Child {
    let argument = format!("{first_session} {location}");
    second_process::running(test, &argument)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads `acknowledged <session> <sequence>`, which the test harness may have put words before.
/// Returns how many events were acknowledged until now. The line that the kill cut off is ignored.
fn note_acknowledgement(line: &str, acknowledged: &mut BTreeMap<u64, u64>) -> u64 {
    if let Some((_, event)) = line.split_once(ACKNOWLEDGED)
        && let Some((n, place)) = event
            .strip_suffix(';')
            .and_then(|event| event.split_once(' '))
    {
        acknowledged.insert(n.parse().unwrap(), place.parse().unwrap());
    }
    acknowledged.values().sum()
}

#[tokio::main(flavor = "current_thread")]
async fn write_until_killed(location: &Location, first_session: u64, durability: Durability) {
    let capacity = NonZeroUsize::new(CAPACITY).unwrap();
    let (recorder, _) = Recorder::open(location, durability, capacity).unwrap();
    tokio::join!(
        write_session(&recorder, first_session),
        write_session(&recorder, first_session + 1),
        write_session(&recorder, first_session + 2),
    );
}

async fn write_session(recorder: &Recorder, n: u64) {
    recorder.record(session(n)).await.unwrap();
    // A recording that was lost to a slow disk, not to a kill, ends the writer.
    for place in (1..).take_while(|_| recorder.status().lost == 0) {
        recorder.record(event(n, place)).await.unwrap();
        // The test harness writes to the same pipe, and must not tear this line apart.
        let mut out = stdout().lock();
        writeln!(out, "{ACKNOWLEDGED}{n} {place};").unwrap();
        out.flush().unwrap();
    }
}

fn check_sessions(store: &mut dyn Store, acknowledged: &BTreeMap<u64, u64>, lost_max: u64) {
    for (n, last_acknowledged) in acknowledged {
        check_session(store, *n, *last_acknowledged, lost_max);
    }
}

fn check_session(store: &mut dyn Store, n: u64, last_acknowledged: u64, lost_max: u64) {
    let mut last = 0;
    let mut page = EventPage::first(1000);
    loop {
        let events = store.events(&session_id(n), page).unwrap();
        for event in &events {
            assert_eq!(event.sequence.value(), last + 1, "gap in session {n}");
            last += 1;
        }
        match events.last() {
            Some(event) => page = page.after(event.sequence),
            None => break,
        }
    }
    assert!(
        last + lost_max >= last_acknowledged,
        "session {n}: {last} of {last_acknowledged}"
    );
}
