//! The time of day, which only this crate knows.

use std::time::{SystemTime, UNIX_EPOCH};

use portcullis_trace::record::Timestamp;

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = since.map_or(0, |since| since.as_micros());
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}
