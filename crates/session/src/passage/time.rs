//! Which times of a server's a client may be told.

use std::cmp::Ordering;

use portcullis_json::{Number, Value};

/// LIMIT: how long a client may be told to keep a result. What guardrails would say of it changes.
const TIME_TO_LIVE_MS_MAX: i64 = 24 * 60 * 60 * 1000;
/// LIMIT: how soon, and how late, a client may be told to ask again. What is much longer counts as
/// no time at all where timers have 32 bits.
const PAUSE_MS_MIN: i64 = 250;
const PAUSE_MS_MAX: i64 = TIME_TO_LIVE_MS_MAX;

/// What is to be said instead of this `ttlMs`; `None` if nothing is wrong with it.
///
/// SPEC: MCP 2026-07-28, Caching: what is negative counts as 0. So does here what is no number of
/// milliseconds at all.
pub(super) fn time_to_live(value: &Value) -> Option<i64> {
    let Value::Number(number) = value else {
        return Some(0);
    };
    if is_greater(number, TIME_TO_LIVE_MS_MAX) {
        return Some(TIME_TO_LIVE_MS_MAX);
    }
    (is_less(number, 0) || is_fraction(number)).then_some(0)
}

/// What is to be said instead of this `pollInterval` or `pollIntervalMs`; `None` if nothing is
/// wrong with it.
pub(super) fn pause(value: &Value) -> Option<i64> {
    let number = match value {
        Value::Null => return None,
        Value::Number(number) => number,
        _ => return Some(PAUSE_MS_MIN),
    };
    if is_greater(number, PAUSE_MS_MAX) {
        return Some(PAUSE_MS_MAX);
    }
    is_less(number, PAUSE_MS_MIN).then_some(PAUSE_MS_MIN)
}

fn is_less(number: &Number, than: i64) -> bool {
    let order = number.compare(&Number::Integer(than));
    order.is_some_and(Ordering::is_lt)
}

fn is_greater(number: &Number, than: i64) -> bool {
    let order = number.compare(&Number::Integer(than));
    order.is_some_and(Ordering::is_gt)
}

fn is_fraction(number: &Number) -> bool {
    matches!(number, Number::Float(value) if value.fract() != 0.0)
}
