//! The digits of floats under the type letters `e`, `f` and `g`.

/// How a float is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Notation {
    pub(super) kind: Kind,
    pub(super) precision: usize,
    /// Keep the point, and in [`Kind::General`] trailing zeros.
    pub(super) alternate: bool,
    /// Write at least one digit behind the point, and switch to an exponent one digit earlier.
    pub(super) is_float_literal: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Exponent,
    Fixed,
    General,
}

/// The absolute value of `float` in `notation`, lower case.
pub(super) fn digits(float: f64, notation: Notation) -> String {
    let float = float.abs();
    if float.is_nan() {
        return String::from("nan");
    }
    if float.is_infinite() {
        return String::from("inf");
    }
    match notation.kind {
        Kind::Exponent => exponential(float, notation.precision, notation.alternate),
        Kind::Fixed => {
            let mut digits = format!("{float:.*}", notation.precision);
            if notation.alternate && notation.precision == 0 {
                digits.push('.');
            }
            digits
        }
        Kind::General => general(float, notation),
    }
}

/// Mantissa and exponent with `precision` digits behind the point.
fn scientific(float: f64, precision: usize) -> (String, i32) {
    let text = format!("{float:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.to_owned(), exponent.parse().unwrap_or(0))
}

fn with_exponent(mantissa: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

fn exponential(float: f64, precision: usize, keep_point: bool) -> String {
    let (mut mantissa, exponent) = scientific(float, precision);
    if keep_point && precision == 0 {
        mantissa.push('.');
    }
    with_exponent(&mantissa, exponent)
}

/// `precision` significant digits, with an exponent only for very large and very small values.
fn general(float: f64, notation: Notation) -> String {
    let significant = notation.precision.max(1);
    let (mantissa, exponent) = scientific(float, significant - 1);
    let fixed_digits = i32::try_from(significant).unwrap_or(i32::MAX);
    let exponent_max = fixed_digits - i32::from(notation.is_float_literal);
    if (-4..exponent_max).contains(&exponent) {
        let behind_point = usize::try_from(fixed_digits - 1 - exponent).unwrap_or(0);
        let mut digits = trim_zeros(format!("{float:.behind_point$}"), notation.alternate);
        if notation.is_float_literal && !digits.contains('.') {
            digits.push_str(".0");
        }
        return digits;
    }
    with_exponent(&trim_zeros(mantissa, notation.alternate), exponent)
}

/// Removes trailing zeros behind the point, or makes sure of a point if they are kept.
fn trim_zeros(mut digits: String, keep: bool) -> String {
    match (digits.contains('.'), keep) {
        (true, false) => {
            let kept = digits.trim_end_matches('0').trim_end_matches('.').len();
            digits.truncate(kept);
        }
        (false, true) => digits.push('.'),
        (true, true) | (false, false) => {}
    }
    digits
}
