//! Numbers of messages in their order.

use portcullis_json::Number;

/// Integers exactly, all others as a peer reads them that has nothing but doubles.
pub(crate) fn is_less(left: &Number, right: &Number) -> bool {
    match (left, right) {
        (Number::Integer(left), Number::Integer(right)) => left < right,
        _ => double(left) < double(right),
    }
}

fn double(number: &Number) -> f64 {
    match number {
        Number::Integer(value) => value.to_string().parse(),
        Number::BigInteger(digits) => digits.parse(),
        Number::Float(value) => Ok(*value),
    }
    .unwrap_or(f64::NAN)
}
