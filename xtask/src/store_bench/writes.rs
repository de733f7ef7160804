use super::{percentile, sessions, told};
use portcullis_store::{Durability, Entry, Location, Recorder};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// As many as a recorder writes at once.
const BATCH: usize = 1024;
const STRICT_EVENTS: u64 = 20_000;
/// Sessions that live traffic interleaves.
const INTERLEAVED: usize = 8;

/// Messages whose recording is timed, and the time between two of them.
const RECORDED: u64 = 2000;
const PACE: Duration = Duration::from_micros(500);

/// Sessions of measurements stand behind all others.
const STRICT_SESSIONS: u64 = 1 << 30;
const RECORDED_SESSION: u64 = 1 << 31;

/// Fills the store.
pub(super) fn throughput(location: &Location, events: u64) -> Result<Vec<String>, String> {
    let relaxed = fill(location, Durability::Relaxed, 0, events)?;
    let strict = fill(location, Durability::Strict, STRICT_SESSIONS, STRICT_EVENTS)?;
    Ok(vec![
        format!(
            "  writes, relaxed, batches of {BATCH}: {} events/s",
            rate(events, relaxed)
        ),
        format!(
            "  writes, strict, batches of {BATCH}: {} events/s",
            rate(STRICT_EVENTS, strict)
        ),
    ])
}

fn rate(events: u64, time: Duration) -> u128 {
    u128::from(events) * 1_000_000 / time.as_micros().max(1)
}

/// The time that the store took; to make the events up is not counted.
fn fill(
    location: &Location,
    durability: Durability,
    first_session: u64,
    events: u64,
) -> Result<Duration, String> {
    let mut store = location.open(durability).map_err(told)?;
    let mut taken = Duration::ZERO;
    let mut batch: Vec<Entry> = Vec::with_capacity(BATCH);
    let sessions = events / sessions::EVENTS;
    for group in (0..sessions).step_by(INTERLEAVED) {
        let end = sessions.min(group + INTERLEAVED as u64);
        let numbers = first_session + group..first_session + end;
        for number in numbers.clone() {
            batch.push(sessions::session(number)?);
        }
        for place in 1..=sessions::EVENTS {
            for number in numbers.clone() {
                batch.push(sessions::event(number, place)?);
                if batch.len() >= BATCH {
                    let start = Instant::now();
                    store.write(&batch).map_err(told)?;
                    taken += start.elapsed();
                    batch.clear();
                }
            }
        }
    }
    let start = Instant::now();
    store.write(&batch).map_err(told)?;
    Ok(taken + start.elapsed())
}

/// What a message waits for its recording. Without recording it waits for nothing.
pub(super) fn latency(location: &Location) -> Result<Vec<String>, String> {
    let mut report = Vec::new();
    for (session, name, durability) in [
        (RECORDED_SESSION, "relaxed", Durability::Relaxed),
        (RECORDED_SESSION + 1, "strict", Durability::Strict),
    ] {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(told)?;
        let mut waits = runtime.block_on(record(location, durability, session))?;
        waits.sort_by(f64::total_cmp);
        report.push(format!(
            "  recording a message, {name}: p50 {:.1} µs, p99 {:.1} µs",
            percentile(&waits, 50),
            percentile(&waits, 99)
        ));
    }
    Ok(report)
}

async fn record(
    location: &Location,
    durability: Durability,
    session: u64,
) -> Result<Vec<f64>, String> {
    let capacity = NonZeroUsize::new(4096).ok_or("a queue has room")?;
    let (recorder, why_away) = Recorder::open(location, durability, capacity).map_err(told)?;
    if let Some(error) = why_away {
        return Err(told(error));
    }
    recorder
        .record(sessions::session(session)?)
        .await
        .map_err(told)?;
    let mut waits = Vec::new();
    for place in 1..=RECORDED {
        let event = sessions::event(session, place)?;
        let start = Instant::now();
        recorder.record(event).await.map_err(told)?;
        waits.push(start.elapsed().as_secs_f64() * 1e6);
        tokio::time::sleep(PACE).await;
    }
    recorder.close().await.map_err(told)?;
    match recorder.status().lost {
        0 => Ok(waits),
        lost => Err(format!("{lost} recordings were lost")),
    }
}
