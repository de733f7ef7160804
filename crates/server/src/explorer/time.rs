//! Times as the reference writes them: as Python's `datetime` in ISO 8601, in UTC.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use portcullis_trace::record::Timestamp;

/// `2026-01-23T10:30:00.000000+00:00`: always of one length, so that the order of the texts is the
/// order of the times.
pub(crate) fn stamp(time: Timestamp) -> String {
    formatted(time, "%Y-%m-%dT%H:%M:%S%.6f+00:00")
}

/// `2026-01-23 10:30:00`.
pub(crate) fn to_the_second(time: Timestamp) -> String {
    formatted(time, "%Y-%m-%d %H:%M:%S")
}

/// A time in ISO 8601; one without an offset is in UTC.
pub(crate) fn parse(written: &str) -> Option<Timestamp> {
    let with_offset = written.parse::<jiff::Timestamp>().ok();
    let naive = || {
        let time = written.parse::<DateTime>().ok()?;
        Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    let time = with_offset.or_else(naive)?;
    Some(Timestamp::from_micros(time.as_microsecond()))
}

fn formatted(time: Timestamp, format: &str) -> String {
    let time = jiff::Timestamp::from_microsecond(time.as_micros()).unwrap_or_default();
    time.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_utc_and_written_in_one_length() {
        let check = |written: &str, expected: Option<&str>| {
            assert_eq!(parse(written).map(stamp).as_deref(), expected, "{written}");
        };
        let exact = Some("2026-01-23T10:30:00.000000+00:00");
        check("2026-01-23T10:30:00+00:00", exact);
        check("2026-01-23T10:30:00Z", exact);
        check("2026-01-23T12:30:00+02:00", exact);
        check("2026-01-23T10:30:00", exact);
        check("2026-01-23 10:30:00", exact);
        check("2026-01-23", Some("2026-01-23T00:00:00.000000+00:00"));
        check(
            "2026-01-23T10:30:00.12+00:00",
            Some("2026-01-23T10:30:00.120000+00:00"),
        );
        check("yesterday", None);
        check("", None);
        assert_eq!(
            to_the_second(Timestamp::from_micros(1_700_000_000_999_999)),
            "2023-11-14 22:13:20"
        );
    }
}
