//! Reads `[[fill]align][sign][z][#][0][width][,_][.precision][type]`.

use std::iter::Peekable;
use std::str::Chars;

use super::{FormatError, field_width};

/// One format specifier; what is absent takes the default of the value's kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Spec {
    pub(super) fill: Option<char>,
    pub(super) align: Option<Align>,
    pub(super) sign: Option<Sign>,
    pub(super) no_negative_zero: bool,
    pub(super) alternate: bool,
    pub(super) zero_padded: bool,
    pub(super) width: usize,
    pub(super) grouping: Option<char>,
    pub(super) precision: Option<usize>,
    pub(super) kind: Option<char>,
    /// As written, for errors.
    pub(super) source: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
    Center,
    /// Padding goes between the sign and the digits.
    AfterSign,
}

/// What is written before numbers that are not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Minus,
    Plus,
    Space,
}

// === impl Spec ===

impl Spec {
    pub(super) fn parse(source: &str) -> Result<Self, FormatError> {
        let mut spec = Self {
            source: source.to_owned(),
            ..Self::default()
        };
        let mut chars = source.chars().peekable();
        spec.parse_align(source, &mut chars);
        spec.sign = chars.peek().copied().and_then(Sign::from_char);
        if spec.sign.is_some() {
            chars.next();
        }
        spec.no_negative_zero = chars.next_if_eq(&'z').is_some();
        spec.alternate = chars.next_if_eq(&'#').is_some();
        spec.zero_padded = spec.fill.is_none() && chars.next_if_eq(&'0').is_some();
        let width = digits(&mut chars);
        if !width.is_empty() {
            spec.width = field_width(&width)?;
        }
        spec.grouping = chars.next_if(|c| matches!(c, ',' | '_'));
        if chars.next_if_eq(&'.').is_some() {
            let precision = digits(&mut chars);
            if precision.is_empty() {
                return Err(spec.error("a precision is missing after the point"));
            }
            spec.precision = Some(field_width(&precision)?);
        }
        spec.kind = chars.next();
        if chars.next().is_some() {
            return Err(
                spec.error("expected [[fill]align][sign][z][#][0][width][,_][.digits][type]")
            );
        }
        Ok(spec)
    }

    fn parse_align(&mut self, source: &str, chars: &mut Peekable<Chars<'_>>) {
        let mut ahead = source.chars();
        let first = ahead.next();
        if let Some(align) = ahead.next().and_then(Align::from_char) {
            self.fill = first;
            self.align = Some(align);
            chars.next();
            chars.next();
        } else if let Some(align) = first.and_then(Align::from_char) {
            self.align = Some(align);
            chars.next();
        }
    }

    pub(super) fn error(&self, problem: &'static str) -> FormatError {
        FormatError::Spec {
            spec: self.source.clone(),
            problem,
        }
    }
}

// === impl Align ===

impl Align {
    fn from_char(c: char) -> Option<Self> {
        match c {
            '<' => Some(Self::Left),
            '>' => Some(Self::Right),
            '^' => Some(Self::Center),
            '=' => Some(Self::AfterSign),
            _ => None,
        }
    }
}

// === impl Sign ===

impl Sign {
    fn from_char(c: char) -> Option<Self> {
        match c {
            '-' => Some(Self::Minus),
            '+' => Some(Self::Plus),
            ' ' => Some(Self::Space),
            _ => None,
        }
    }

    /// The sign of a number, if one is written.
    pub(super) fn of(sign: Option<Self>, is_negative: bool) -> &'static str {
        match (is_negative, sign) {
            (true, _) => "-",
            (false, Some(Self::Plus)) => "+",
            (false, Some(Self::Space)) => " ",
            (false, Some(Self::Minus) | None) => "",
        }
    }
}

fn digits(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    digits
}
