//! Python's numbers: integers of any size and 64 bit floats, exact where Python is exact.

mod float;

use std::cmp::Ordering;
use std::fmt;
use std::num::TryFromIntError;

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{FromPrimitive, One, Pow, Signed, ToPrimitive, Zero};

pub(crate) use float::{float_mod, float_pow, float_repr};

/// Longest integer literal, in digits: the limit `CPython` sets for reading integers.
pub(crate) const DIGITS_MAX: usize = 4_300;

/// Largest integer a calculation may yield, in bits.
pub(crate) const BITS_MAX: u64 = 1 << 16;

/// How many bits of a quotient are calculated: the 53 of a float and enough to round them.
const QUOTIENT_BITS: i64 = 66;

/// Exponent of the smallest positive float.
const SUBNORMAL_EXPONENT: i64 = 1074;

/// An integer of any size up to [`BITS_MAX`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Integer(Repr);

/// What a calculation with numbers yields.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Number {
    Integer(Integer),
    Float(f64),
}

/// Why a calculation has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NumberError {
    #[error("the integer has more than {BITS_MAX} bits or {DIGITS_MAX} digits")]
    TooLarge,
    #[error("the result is too large for a float")]
    FloatOverflow,
    #[error("division or modulo by zero")]
    DivisionByZero,
    #[error("a negative number to a fractional power is complex, which policies do not have")]
    Complex,
    #[error("an integer is written with the digits 0 to 9 and a sign at most")]
    NotAnInteger,
}

/// INVARIANT: `Big` holds only what does not fit `Small`, so that equality can be derived.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Small(i64),
    Big(BigInt),
}

// === impl Integer ===

impl Integer {
    /// Reads decimal digits after an optional sign.
    pub(crate) fn parse(text: &str) -> Result<Self, NumberError> {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NumberError::NotAnInteger);
        }
        if digits.len() > DIGITS_MAX {
            return Err(NumberError::TooLarge);
        }
        if let Ok(small) = text.parse::<i64>() {
            return Ok(Self::from(small));
        }
        text.parse::<BigInt>()
            .map(Self::from)
            .map_err(|_| NumberError::NotAnInteger)
    }

    /// The integer nearest to `float` toward zero; `None` for infinities and NaN.
    pub(crate) fn truncate(float: f64) -> Option<Self> {
        BigInt::from_f64(float).map(Self::from)
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0 == Repr::Small(0)
    }

    pub(crate) fn is_negative(&self) -> bool {
        match &self.0 {
            Repr::Small(small) => *small < 0,
            Repr::Big(big) => big.is_negative(),
        }
    }

    pub(crate) fn to_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Small(small) => Some(*small),
            Repr::Big(_) => None,
        }
    }

    /// The nearest float, ties to even.
    pub(crate) fn to_f64(&self) -> Result<f64, NumberError> {
        let float = match &self.0 {
            Repr::Small(small) => small.to_f64(),
            Repr::Big(big) => big.to_f64(),
        };
        float
            .filter(|float| float.is_finite())
            .ok_or(NumberError::FloatOverflow)
    }

    /// The digits of the absolute value in base 2 to 36, lower case.
    pub(crate) fn magnitude_digits(&self, radix: u32) -> String {
        self.to_big().magnitude().to_str_radix(radix)
    }

    pub(crate) fn neg(&self) -> Self {
        match &self.0 {
            Repr::Small(small) if *small != i64::MIN => Self::from(-*small),
            _ => Self::from(-self.to_big()),
        }
    }

    pub(crate) fn add(&self, other: &Self) -> Result<Self, NumberError> {
        self.calculate(other, i64::checked_add, |a, b| a + b)
    }

    pub(crate) fn sub(&self, other: &Self) -> Result<Self, NumberError> {
        self.calculate(other, i64::checked_sub, |a, b| a - b)
    }

    pub(crate) fn mul(&self, other: &Self) -> Result<Self, NumberError> {
        self.calculate(other, i64::checked_mul, |a, b| a * b)
    }

    /// `self % other`, with the sign of `other`.
    pub(crate) fn floor_mod(&self, other: &Self) -> Result<Self, NumberError> {
        if other.is_zero() {
            return Err(NumberError::DivisionByZero);
        }
        let (this, other) = (self.to_big(), other.to_big());
        let remainder = &this % &other;
        let crosses_zero = !remainder.is_zero() && remainder.is_negative() != other.is_negative();
        Ok(Self::from(if crosses_zero {
            remainder + other
        } else {
            remainder
        }))
    }

    /// `self / other` as the nearest float.
    pub(crate) fn true_div(&self, other: &Self) -> Result<f64, NumberError> {
        if other.is_zero() {
            return Err(NumberError::DivisionByZero);
        }
        let (this, other) = (self.to_big(), other.to_big());
        let quotient = divide(this.magnitude(), other.magnitude())?;
        let is_negative = this.is_negative() != other.is_negative();
        Ok(if is_negative { -quotient } else { quotient })
    }

    /// `self ** exponent`: a float if the exponent is negative.
    pub(crate) fn pow(&self, exponent: &Self) -> Result<Number, NumberError> {
        if exponent.is_negative() {
            return float_pow(self.to_f64()?, exponent.to_f64()?).map(Number::Float);
        }
        let base = self.to_big();
        if base.magnitude().is_one() || base.is_zero() {
            return Ok(Number::Integer(Self::from(trivial_pow(
                base,
                &exponent.to_big(),
            ))));
        }
        let exponent = exponent
            .to_i64()
            .and_then(|exponent| u32::try_from(exponent).ok());
        let exponent = exponent.ok_or(NumberError::TooLarge)?;
        // One bit less for each factor is a lower bound of the result.
        if (base.bits() - 1).saturating_mul(u64::from(exponent)) > BITS_MAX {
            return Err(NumberError::TooLarge);
        }
        Self::bounded(base.pow(exponent)).map(Number::Integer)
    }

    /// Compares exactly, without rounding to a float first; `None` if `float` is NaN.
    pub(crate) fn compare_float(&self, float: f64) -> Option<Ordering> {
        if float.is_infinite() {
            return 0.0.partial_cmp(&float);
        }
        let whole = BigInt::from_f64(float)?;
        Some(self.to_big().cmp(&whole).then_with(|| {
            // Equal to the part before the point: the rest decides, it has the float's sign.
            0.0.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal)
        }))
    }

    fn calculate(
        &self,
        other: &Self,
        small: fn(i64, i64) -> Option<i64>,
        big: fn(BigInt, BigInt) -> BigInt,
    ) -> Result<Self, NumberError> {
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0)
            && let Some(result) = small(*a, *b)
        {
            return Ok(Self::from(result));
        }
        Self::bounded(big(self.to_big(), other.to_big()))
    }

    fn bounded(big: BigInt) -> Result<Self, NumberError> {
        if big.bits() > BITS_MAX {
            return Err(NumberError::TooLarge);
        }
        Ok(Self::from(big))
    }

    fn to_big(&self) -> BigInt {
        match &self.0 {
            Repr::Small(small) => BigInt::from(*small),
            Repr::Big(big) => big.clone(),
        }
    }
}

impl From<i64> for Integer {
    fn from(small: i64) -> Self {
        Self(Repr::Small(small))
    }
}

impl TryFrom<usize> for Integer {
    type Error = TryFromIntError;

    fn try_from(size: usize) -> Result<Self, TryFromIntError> {
        i64::try_from(size).map(Self::from)
    }
}

impl From<BigInt> for Integer {
    fn from(big: BigInt) -> Self {
        Self(big.to_i64().map_or(Repr::Big(big), Repr::Small))
    }
}

impl Ord for Integer {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Small(a), Repr::Small(b)) => a.cmp(b),
            _ => self.to_big().cmp(&other.to_big()),
        }
    }
}

impl PartialOrd for Integer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Small(small) => small.fmt(f),
            Repr::Big(big) => big.fmt(f),
        }
    }
}

impl fmt::Debug for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A power of -1, 0 or 1, which no exponent makes large.
fn trivial_pow(base: BigInt, exponent: &BigInt) -> BigInt {
    if exponent.is_zero() {
        return BigInt::one();
    }
    if base.sign() == Sign::Minus && !exponent.bit(0) {
        -base
    } else {
        base
    }
}

/// The float nearest to `dividend / divisor`, ties to even.
fn divide(dividend: &BigUint, divisor: &BigUint) -> Result<f64, NumberError> {
    let bits = |number: &BigUint| i64::try_from(number.bits()).unwrap_or(i64::MAX);
    // The quotient lies between 2^(magnitude - 1) and 2^(magnitude + 1).
    let magnitude = bits(dividend) - bits(divisor);
    if dividend.is_zero() || magnitude < -SUBNORMAL_EXPONENT - 2 {
        return Ok(0.0);
    }
    if magnitude > i64::from(f64::MAX_EXP) + 1 {
        return Err(NumberError::FloatOverflow);
    }
    if magnitude <= i64::from(f64::MIN_EXP) {
        return subnormal_quotient(dividend, divisor);
    }
    let shift = QUOTIENT_BITS - magnitude;
    let (quotient, remainder) = shifted_quotient(dividend, divisor, shift);
    // The last bit stands for everything behind it, so that the one rounding is the right one.
    let sticky = BigUint::from(u8::from(!remainder.is_zero()));
    let rounded = (quotient | sticky).to_f64().unwrap_or(f64::INFINITY);
    let exponent = i32::try_from(-shift).map_err(|_| NumberError::FloatOverflow)?;
    // Two steps, because one power alone may be out of range.
    let scaled = rounded * 2_f64.powi(exponent / 2) * 2_f64.powi(exponent - exponent / 2);
    if scaled.is_finite() {
        Ok(scaled)
    } else {
        Err(NumberError::FloatOverflow)
    }
}

/// A quotient that has, or may have, fewer than 53 significant bits.
fn subnormal_quotient(dividend: &BigUint, divisor: &BigUint) -> Result<f64, NumberError> {
    let (quotient, remainder) = shifted_quotient(dividend, divisor, SUBNORMAL_EXPONENT);
    let is_odd = quotient.bit(0);
    let round_up = match (remainder << 1_u8).cmp(divisor) {
        Ordering::Less => false,
        Ordering::Equal => is_odd,
        Ordering::Greater => true,
    };
    let units = quotient + u8::from(round_up);
    // Up to the smallest normal floats, the bits of a float count its smallest units.
    units
        .to_u64()
        .map(f64::from_bits)
        .ok_or(NumberError::FloatOverflow)
}

fn shifted_quotient(dividend: &BigUint, divisor: &BigUint, shift: i64) -> (BigUint, BigUint) {
    let distance = shift.unsigned_abs();
    let (dividend, divisor) = if shift >= 0 {
        (dividend << distance, divisor.clone())
    } else {
        (dividend.clone(), divisor << distance)
    };
    let quotient = &dividend / &divisor;
    let remainder = dividend - &quotient * divisor;
    (quotient, remainder)
}

#[cfg(test)]
mod tests;
