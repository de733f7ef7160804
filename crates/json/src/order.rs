//! Numbers in their order, however they are written.

use std::cmp::Ordering;

use crate::Number;

/// A number before and behind its point.
struct Parts {
    is_negative: bool,
    /// Decimal digits without zeros before them; none for 0.
    digits: String,
    /// With the sign of the number.
    fraction: f64,
}

// === impl Number ===

impl Number {
    /// Which of the two is greater, by all digits that they have; `None` if one is not a number at
    /// all.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(this), Self::Integer(other)) => Some(this.cmp(other)),
            (Self::Float(this), Self::Float(other)) => this.partial_cmp(other),
            (Self::Float(this), _) if !this.is_finite() => this.partial_cmp(&0.0),
            (_, Self::Float(other)) if !other.is_finite() => 0.0.partial_cmp(other),
            _ => Parts::of(self).compare(&Parts::of(other)),
        }
    }
}

// === impl Parts ===

impl Parts {
    fn of(number: &Number) -> Self {
        let (written, fraction) = match number {
            Number::Integer(value) => (value.to_string(), 0.0),
            Number::BigInteger(digits) => (digits.to_string(), 0.0),
            // The digits of a double before its point are written out exactly.
            Number::Float(value) => (format!("{:.0}", value.trunc()), value.fract()),
        };
        let digits = written.trim_start_matches('-').trim_start_matches('0');
        Self {
            is_negative: written.starts_with('-') && !digits.is_empty(),
            digits: digits.to_owned(),
            fraction,
        }
    }

    fn compare(&self, other: &Self) -> Option<Ordering> {
        let size = |this: &Self, other: &Self| {
            let longer = this.digits.len().cmp(&other.digits.len());
            longer.then_with(|| this.digits.cmp(&other.digits))
        };
        let whole = match (self.is_negative, other.is_negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        };
        Some(whole.then(self.fraction.partial_cmp(&other.fraction)?))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Value, parse};

    use super::*;

    fn number(text: &str) -> Number {
        match parse(text, &Limits::strict()) {
            Ok(Value::Number(number)) => number,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn numbers_are_in_order_to_their_last_digit() {
        let ascending = [
            "-1e300",
            "-18446744073709551617",
            "-18446744073709551616",
            "-9223372036854775809",
            "-9223372036854775808",
            "-1.5",
            "-1",
            "-0.5",
            "0",
            "0.5",
            "1",
            "1.5",
            "9007199254740992",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808.0",
            "18446744073709551615",
            "18446744073709551616",
            "18446744073709551617",
            "184467440737095516150",
            "1e300",
        ];
        for (place, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                let found = number(left).compare(&number(right));
                assert_eq!(found, Some(place.cmp(&other)), "{left} and {right}");
            }
        }
    }

    #[test]
    fn numbers_are_equal_however_they_are_written() {
        for (left, right) in [
            ("42", "42.0"),
            ("42", "4.2e1"),
            ("0", "-0.0"),
            ("18446744073709551616", "18446744073709551616.0"),
            ("-18446744073709551616", "-1.8446744073709551616e19"),
        ] {
            let found = number(left).compare(&number(right));
            assert_eq!(found, Some(Ordering::Equal), "{left} and {right}");
        }
    }

    #[test]
    fn what_is_no_number_has_no_place() {
        let nan = Number::Float(f64::NAN);
        assert_eq!(nan.compare(&number("1")), None);
        assert_eq!(number("1").compare(&nan), None);
        let infinite = Number::Float(f64::INFINITY);
        let huge = number(&"9".repeat(400));
        assert_eq!(infinite.compare(&huge), Some(Ordering::Greater));
        assert_eq!(huge.compare(&infinite), Some(Ordering::Less));
    }
}
