//! `text % arguments`.

use std::iter::Peekable;
use std::str::Chars;

use super::decimal::{self, Kind, Notation};
use super::render::DEFAULT_PRECISION;
use super::{Argument, FIELD_WIDTH_MAX, FormatError, Output, field_width};
use crate::python::number::Integer;

/// The right side of `%`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PrintfArguments<'a> {
    Tuple(&'a [Argument]),
    /// One value, which must be used.
    Single(&'a Argument),
    /// A dictionary: `%(key)s` picks an entry, `%s` takes it as a whole, and it may stay unused.
    /// A list is the same, without keys.
    Mapping {
        whole: &'a Argument,
        entries: &'a [(String, Argument)],
    },
}

/// `template % arguments`.
pub(crate) fn printf(
    template: &str,
    arguments: PrintfArguments<'_>,
) -> Result<String, FormatError> {
    let mut supply = Supply {
        arguments,
        used: 0,
        picked: None,
    };
    let mut output = Output::default();
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            output.push(c)?;
            continue;
        }
        if chars.next_if_eq(&'%').is_some() {
            output.push('%')?;
            continue;
        }
        let conversion = Conversion::parse(&mut chars, &mut supply)?;
        let argument = supply.next()?;
        output.push_str(&conversion.apply(argument)?)?;
    }
    if supply.has_unused() {
        return Err(FormatError::TooManyArguments);
    }
    Ok(output.0)
}

/// The arguments not used yet.
struct Supply<'a> {
    arguments: PrintfArguments<'a>,
    used: usize,
    /// What the last `(key)` picked.
    picked: Option<&'a Argument>,
}

#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the flags of printf are independent"
)]
struct Conversion {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    kind: char,
}

// === impl Supply ===

impl<'a> Supply<'a> {
    fn pick(&mut self, key: &str) -> Result<(), FormatError> {
        let PrintfArguments::Mapping { entries, .. } = self.arguments else {
            return Err(FormatError::Template("`%(key)s` needs a dictionary"));
        };
        let found = entries
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value);
        self.picked = Some(found.ok_or_else(|| FormatError::MissingArgument(key.to_owned()))?);
        Ok(())
    }

    fn next(&mut self) -> Result<&'a Argument, FormatError> {
        if let Some(picked) = self.picked.take() {
            // After a key the dictionary as a whole cannot be taken any more.
            self.used = 1;
            return Ok(picked);
        }
        let next = match self.arguments {
            PrintfArguments::Tuple(tuple) => tuple.get(self.used),
            PrintfArguments::Single(whole) | PrintfArguments::Mapping { whole, .. } => {
                Some(whole).filter(|_| self.used == 0)
            }
        };
        self.used += 1;
        next.ok_or(FormatError::TooFewArguments)
    }

    fn has_unused(&self) -> bool {
        match self.arguments {
            PrintfArguments::Tuple(tuple) => self.used < tuple.len(),
            PrintfArguments::Single(_) => self.used == 0,
            PrintfArguments::Mapping { .. } => false,
        }
    }
}

// === impl Conversion ===

impl Conversion {
    /// The rest of a conversion whose `%` is read.
    fn parse(
        chars: &mut Peekable<Chars<'_>>,
        supply: &mut Supply<'_>,
    ) -> Result<Self, FormatError> {
        let mut conversion = Self::default();
        if chars.next_if_eq(&'(').is_some() {
            supply.pick(&key(chars)?)?;
        }
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | ' ' | '#' | '0')) {
            match flag {
                '-' => conversion.left = true,
                '+' => conversion.plus = true,
                ' ' => conversion.space = true,
                '#' => conversion.alternate = true,
                _ => conversion.zero = true,
            }
        }
        if chars.next_if_eq(&'*').is_some() {
            let width = star(supply)?;
            conversion.left |= width < 0;
            conversion.width = bounded(width.unsigned_abs())?;
        } else {
            conversion.width = digits(chars)?.unwrap_or(0);
        }
        if chars.next_if_eq(&'.').is_some() {
            conversion.precision = Some(if chars.next_if_eq(&'*').is_some() {
                bounded(star(supply)?.max(0).unsigned_abs())?
            } else {
                digits(chars)?.unwrap_or(0)
            });
        }
        chars.next_if(|c| matches!(c, 'h' | 'l' | 'L'));
        conversion.kind = chars
            .next()
            .ok_or(FormatError::Template("unfinished `%`"))?;
        Ok(conversion)
    }

    fn apply(&self, argument: &Argument) -> Result<String, FormatError> {
        match self.kind {
            's' => Ok(self.text(&argument.text())),
            'r' => Ok(self.text(&argument.repr())),
            'a' => Ok(self.text(&argument.ascii())),
            'c' => Ok(self.pad("", "", &self.character(argument)?, ' ')),
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' => self.integer(argument),
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => self.float(argument),
            _ => Err(FormatError::Template(
                "the conversions are %s %r %a %c %d %x %o %e %f %g %%",
            )),
        }
    }

    fn text(&self, text: &str) -> String {
        let kept: String = text
            .chars()
            .take(self.precision.unwrap_or(usize::MAX))
            .collect();
        self.pad("", "", &kept, ' ')
    }

    fn character(&self, argument: &Argument) -> Result<String, FormatError> {
        let character = match argument {
            Argument::Text(text) if text.chars().nth(1).is_none() => text.chars().next(),
            Argument::Text(_) => None,
            other => other
                .integer()
                .and_then(|integer| integer.to_i64())
                .and_then(|code| u32::try_from(code).ok())
                .and_then(char::from_u32),
        };
        character
            .map(String::from)
            .ok_or_else(|| self.wrong_kind(argument))
    }

    fn integer(&self, argument: &Argument) -> Result<String, FormatError> {
        let is_decimal = matches!(self.kind, 'd' | 'i' | 'u');
        let integer = match argument {
            Argument::Float(float) if is_decimal => Integer::truncate(*float),
            other => other.integer(),
        };
        let integer = integer.ok_or_else(|| self.wrong_kind(argument))?;
        let (radix, prefix) = match self.kind {
            'o' => (8, "0o"),
            'x' => (16, "0x"),
            'X' => (16, "0X"),
            _ => (10, ""),
        };
        let mut digits = integer.magnitude_digits(radix);
        if self.kind == 'X' {
            digits.make_ascii_uppercase();
        }
        let zeros = self.precision.unwrap_or(0).saturating_sub(digits.len());
        digits.insert_str(0, &"0".repeat(zeros));
        let prefix = if self.alternate { prefix } else { "" };
        Ok(self.pad(
            self.sign(integer.is_negative()),
            prefix,
            &digits,
            self.numeric_fill(),
        ))
    }

    fn float(&self, argument: &Argument) -> Result<String, FormatError> {
        let float = match argument {
            Argument::Float(float) => *float,
            other => other
                .integer()
                .ok_or_else(|| self.wrong_kind(argument))?
                .to_f64()?,
        };
        let notation = Notation {
            kind: match self.kind.to_ascii_lowercase() {
                'e' => Kind::Exponent,
                'f' => Kind::Fixed,
                _ => Kind::General,
            },
            precision: self.precision.unwrap_or(DEFAULT_PRECISION),
            alternate: self.alternate,
            is_float_literal: false,
        };
        let mut digits = decimal::digits(float, notation);
        if self.kind.is_ascii_uppercase() {
            digits.make_ascii_uppercase();
        }
        let sign = self.sign(float.is_sign_negative() && !float.is_nan());
        Ok(self.pad(sign, "", &digits, self.numeric_fill()))
    }

    fn sign(&self, is_negative: bool) -> &'static str {
        match (is_negative, self.plus, self.space) {
            (true, _, _) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        }
    }

    fn numeric_fill(&self) -> char {
        if self.zero { '0' } else { ' ' }
    }

    /// Fills up to the width: blanks go around sign and prefix, zeros between them and the body.
    fn pad(&self, sign: &str, prefix: &str, body: &str, fill: char) -> String {
        let length = sign.len() + prefix.len() + body.chars().count();
        let missing = self.width.saturating_sub(length);
        let (left, zeros, right) = match (self.left, fill) {
            (true, _) => (0, 0, missing),
            (false, '0') => (0, missing, 0),
            (false, _) => (missing, 0, 0),
        };
        let (left, zeros, right) = (" ".repeat(left), "0".repeat(zeros), " ".repeat(right));
        format!("{left}{sign}{prefix}{zeros}{body}{right}")
    }

    fn wrong_kind(&self, argument: &Argument) -> FormatError {
        FormatError::WrongKind {
            kind: self.kind,
            value: argument.kind(),
        }
    }
}

/// The key up to its closing parenthesis; parentheses inside count.
fn key(chars: &mut Peekable<Chars<'_>>) -> Result<String, FormatError> {
    let mut key = String::new();
    let mut depth = 1_usize;
    for c in chars {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(key);
        }
        key.push(c);
    }
    Err(FormatError::Template("`%(` has no `)`"))
}

/// The argument a `*` stands for.
fn star(supply: &mut Supply<'_>) -> Result<i64, FormatError> {
    let argument = supply.next()?;
    let integer = argument
        .integer()
        .ok_or(FormatError::Template("`*` needs an integer"))?;
    integer.to_i64().ok_or(FormatError::TooWide)
}

fn digits(chars: &mut Peekable<Chars<'_>>) -> Result<Option<usize>, FormatError> {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    if digits.is_empty() {
        Ok(None)
    } else {
        field_width(&digits).map(Some)
    }
}

fn bounded(width: u64) -> Result<usize, FormatError> {
    let width = usize::try_from(width)
        .ok()
        .filter(|width| *width <= FIELD_WIDTH_MAX);
    width.ok_or(FormatError::TooWide)
}
