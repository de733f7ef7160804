//! What Python does with floats and Rust does differently.

use super::NumberError;

/// Decimal exponents from which on `repr` uses exponents: below the first, from the second.
const FIXED_EXPONENTS: std::ops::Range<i32> = -4..16;

/// `repr(float)`: the shortest digits that read back as the same float.
pub(crate) fn float_repr(float: f64) -> String {
    if float.is_nan() {
        return String::from("nan");
    }
    if float.is_infinite() {
        return String::from(if float > 0.0 { "inf" } else { "-inf" });
    }
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if FIXED_EXPONENTS.contains(&exponent) {
        return format!("{float:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// `dividend % divisor`, with the sign of the divisor.
pub(crate) fn float_mod(dividend: f64, divisor: f64) -> Result<f64, NumberError> {
    if divisor == 0.0 {
        return Err(NumberError::DivisionByZero);
    }
    let remainder = dividend % divisor;
    Ok(if remainder == 0.0 {
        0_f64.copysign(divisor)
    } else if remainder.is_sign_negative() == divisor.is_sign_negative() {
        remainder
    } else {
        remainder + divisor
    })
}

/// `base ** exponent`.
pub(crate) fn float_pow(base: f64, exponent: f64) -> Result<f64, NumberError> {
    let is_finite = base.is_finite() && exponent.is_finite();
    if is_finite && base == 0.0 && exponent < 0.0 {
        return Err(NumberError::DivisionByZero);
    }
    if is_finite && base < 0.0 && exponent.fract() != 0.0 {
        return Err(NumberError::Complex);
    }
    let power = base.powf(exponent);
    if is_finite && power.is_infinite() {
        return Err(NumberError::FloatOverflow);
    }
    Ok(power)
}
