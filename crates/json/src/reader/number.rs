use super::cursor::Cursor;
use crate::{Error, ErrorKind, NonFinite, Number, Value};

impl Cursor<'_> {
    pub(super) fn number(&mut self) -> Result<Number, Error> {
        let start = self.offset;
        if self.eat(b'-') && self.eat_word("Infinity") {
            return self.finite_or_allowed(f64::NEG_INFINITY, start);
        }
        if !self.eat(b'0') {
            self.digits("a digit")?;
        }
        let mut is_integer = true;
        if self.eat(b'.') {
            is_integer = false;
            self.digits("a digit after the decimal point")?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            is_integer = false;
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            self.digits("a digit of the exponent")?;
        }
        let limit = self.limits.number_bytes;
        if self.offset - start > limit {
            return Err(Error::new(ErrorKind::NumberTooLong { limit }, start));
        }
        let written = self.slice(start..self.offset);
        if is_integer {
            return Ok(integer(written));
        }
        let value = written.parse().unwrap_or(f64::NAN);
        self.finite_or_allowed(value, start)
    }

    pub(super) fn not_finite(&self, value: f64, start: usize) -> Result<Value, Error> {
        self.finite_or_allowed(value, start).map(Value::Number)
    }

    fn finite_or_allowed(&self, value: f64, start: usize) -> Result<Number, Error> {
        if !value.is_finite() && self.limits.non_finite == NonFinite::Reject {
            return Err(Error::new(ErrorKind::NotFinite, start));
        }
        Ok(Number::Float(value))
    }

    fn digits(&mut self, expected: &'static str) -> Result<(), Error> {
        let start = self.offset;
        while let Some(b'0'..=b'9') = self.peek() {
            self.offset += 1;
        }
        if self.offset == start {
            return Err(self.expected(expected));
        }
        Ok(())
    }
}

fn integer(written: &str) -> Number {
    match written.parse() {
        Ok(value) => Number::Integer(value),
        Err(_) => Number::BigInteger(written.into()),
    }
}
