//! Times as elements of a trace carry them.

use portcullis_trace::record::Timestamp;

const SECOND_MICROS: i64 = 1_000_000;

/// Writes times in ISO 8601, UTC. Most are in the second of the one before.
#[derive(Debug, Default)]
pub(crate) struct Times {
    second: Option<i64>,
    /// The last time, of which so many bytes stand for its second.
    text: String,
    second_bytes: usize,
}

// === impl Times ===

impl Times {
    pub(crate) fn write(&mut self, time: Timestamp) -> &str {
        let micros = time.as_micros();
        let second = micros.div_euclid(SECOND_MICROS);
        if self.second != Some(second) {
            let Ok(written) = jiff::Timestamp::from_second(second) else {
                return "1970-01-01T00:00:00Z";
            };
            self.text = written.to_string();
            self.second = Some(second);
            self.second_bytes = self.text.len() - "Z".len();
        }
        self.text.truncate(self.second_bytes);
        push_fraction(&mut self.text, micros.rem_euclid(SECOND_MICROS));
        self.text.push('Z');
        &self.text
    }
}

/// Without zeros at the end.
fn push_fraction(text: &mut String, micros: i64) {
    if micros > 0 {
        text.push('.');
    }
    let (mut left, mut unit) = (micros, SECOND_MICROS / 10);
    while left > 0 {
        let digit = u32::try_from(left / unit).ok();
        text.extend(digit.and_then(|digit| char::from_digit(digit, 10)));
        left %= unit;
        unit /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_jiff_writes_them() {
        let mut times = Times::default();
        let mut check = |micros: i64| {
            let expected = jiff::Timestamp::from_microsecond(micros).unwrap_or_default();
            let time = Timestamp::from_micros(micros);
            assert_eq!(times.write(time), expected.to_string(), "{micros}");
        };
        for second in [1_700_000_000, 0, -1, 951_782_400, -62_135_596_800] {
            for micros in [0, 1, 10, 999_999, 120_000, 5_400, 100_000] {
                check(second * SECOND_MICROS + micros);
            }
        }
        for out_of_range in [i64::MIN, i64::MAX] {
            check(out_of_range);
            check(7);
        }
    }
}
