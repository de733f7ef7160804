//! Formats one value by a [`Spec`].

use super::decimal::{self, Kind, Notation};
use super::spec::{Align, Sign, Spec};
use super::{Argument, FormatError};
use crate::python::number::{Integer, float_repr};

/// Precision of floats where the specifier gives none.
pub(super) const DEFAULT_PRECISION: usize = 6;

/// A number taken apart for padding.
#[derive(Debug, Default)]
struct Parts {
    /// Sign and radix prefix.
    prefix: String,
    /// The digits before the point, which may be grouped.
    digits: String,
    /// Point, fraction, exponent, percent sign.
    suffix: String,
    /// How many digits a separator groups.
    group_size: usize,
}

/// `format(value, spec)`.
pub(super) fn render(value: &Argument, source: &str) -> Result<String, FormatError> {
    if source.is_empty() {
        return Ok(value.text());
    }
    let spec = Spec::parse(source)?;
    match value {
        Argument::Text(text) => render_text(text, &spec),
        Argument::Bool(bool) => render_integer(&Integer::from(i64::from(*bool)), &spec),
        Argument::Integer(integer) => render_integer(integer, &spec),
        Argument::Float(float) => render_float(*float, &spec),
        Argument::None | Argument::Other { .. } => {
            Err(spec.error("only texts and numbers take a specifier, convert with `!s`"))
        }
    }
}

fn render_text(text: &str, spec: &Spec) -> Result<String, FormatError> {
    let refused = [
        (
            !matches!(spec.kind, None | Some('s')),
            "this type does not fit a text",
        ),
        (spec.grouping.is_some(), "a text has no digits to group"),
        (
            spec.sign.is_some() || spec.no_negative_zero,
            "a text has no sign",
        ),
        (spec.alternate, "a text has no alternate form"),
        (
            spec.align == Some(Align::AfterSign),
            "a text has no sign to align after",
        ),
    ];
    if let Some((_, problem)) = refused.iter().find(|(applies, _)| *applies) {
        return Err(spec.error(problem));
    }
    let kept: String = match spec.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    };
    Ok(pad("", &kept, spec, Align::Left))
}

fn render_integer(integer: &Integer, spec: &Spec) -> Result<String, FormatError> {
    let kind = spec.kind.unwrap_or('d');
    if matches!(kind, 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') {
        return render_float(integer.to_f64()?, spec);
    }
    let (radix, prefix, group_size) = match kind {
        'd' | 'n' => (10, "", 3),
        'b' => (2, "0b", 4),
        'o' => (8, "0o", 4),
        'x' => (16, "0x", 4),
        'X' => (16, "0X", 4),
        'c' => (10, "", 0),
        _ => return Err(spec.error("this type does not fit an integer")),
    };
    let groups_badly = match spec.grouping {
        Some(',') => kind != 'd',
        Some(_) => matches!(kind, 'c' | 'n'),
        None => false,
    };
    let refused = [
        (spec.precision.is_some(), "an integer has no precision"),
        (spec.no_negative_zero, "an integer has no negative zero"),
        (groups_badly, "this type has no such groups"),
        (
            kind == 'c' && (spec.sign.is_some() || spec.alternate),
            "`c` has no sign and no `#`",
        ),
    ];
    if let Some((_, problem)) = refused.iter().find(|(applies, _)| *applies) {
        return Err(spec.error(problem));
    }
    if kind == 'c' {
        let c = character(integer).ok_or_else(|| spec.error("no character has this number"))?;
        let parts = Parts {
            digits: c.to_string(),
            ..Parts::default()
        };
        return Ok(render_parts(&parts, spec));
    }
    let mut digits = integer.magnitude_digits(radix);
    if kind == 'X' {
        digits.make_ascii_uppercase();
    }
    let sign = Sign::of(spec.sign, integer.is_negative());
    let prefix = format!("{sign}{}", if spec.alternate { prefix } else { "" });
    Ok(render_parts(
        &Parts {
            prefix,
            digits,
            suffix: String::new(),
            group_size,
        },
        spec,
    ))
}

fn render_float(float: f64, spec: &Spec) -> Result<String, FormatError> {
    let is_percent = spec.kind == Some('%');
    let kind = match spec.kind.map(|kind| kind.to_ascii_lowercase()) {
        None | Some('g') => Kind::General,
        Some('n') if spec.kind == Some('n') => Kind::General,
        Some('e') => Kind::Exponent,
        Some('f' | '%') => Kind::Fixed,
        Some(_) => return Err(spec.error("this type does not fit a float")),
    };
    if spec.kind == Some('n') && spec.grouping.is_some() {
        return Err(spec.error("this type has no such groups"));
    }
    let float = if is_percent { float * 100.0 } else { float };
    let mut digits = match (spec.kind, spec.precision) {
        (None, None) => shortest(float, spec.alternate),
        (_, precision) => {
            let notation = Notation {
                kind,
                precision: precision.unwrap_or(DEFAULT_PRECISION),
                alternate: spec.alternate,
                is_float_literal: spec.kind.is_none(),
            };
            decimal::digits(float, notation)
        }
    };
    if is_percent {
        digits.push('%');
    }
    if spec.kind.is_some_and(|kind| kind.is_ascii_uppercase()) {
        digits.make_ascii_uppercase();
    }
    let is_zero = digits
        .chars()
        .take_while(|c| *c != 'e')
        .all(|c| matches!(c, '0' | '.' | '%'));
    let is_negative =
        float.is_sign_negative() && !float.is_nan() && !(spec.no_negative_zero && is_zero);
    let whole = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let (whole, suffix) = digits.split_at_checked(whole).unwrap_or((&digits, ""));
    let parts = Parts {
        prefix: Sign::of(spec.sign, is_negative).to_owned(),
        digits: whole.to_owned(),
        suffix: suffix.to_owned(),
        group_size: 3,
    };
    Ok(render_parts(&parts, spec))
}

/// The absolute value as `repr` writes it.
fn shortest(float: f64, keep_point: bool) -> String {
    let repr = float_repr(float.abs());
    match repr.split_once('e') {
        Some((mantissa, exponent)) if keep_point && !mantissa.contains('.') => {
            format!("{mantissa}.e{exponent}")
        }
        _ => repr,
    }
}

fn character(integer: &Integer) -> Option<char> {
    integer
        .to_i64()
        .and_then(|code| u32::try_from(code).ok())
        .and_then(char::from_u32)
}

fn render_parts(parts: &Parts, spec: &Spec) -> String {
    let Parts {
        prefix,
        digits,
        suffix,
        group_size,
    } = parts;
    let pads_with_zeros = match spec.align {
        None => spec.zero_padded,
        Some(align) => align == Align::AfterSign && (spec.zero_padded || spec.fill == Some('0')),
    };
    let digits = match spec.grouping {
        Some(separator) if !digits.is_empty() => {
            let taken = prefix.len() + suffix.len();
            let width = if pads_with_zeros {
                spec.width.saturating_sub(taken)
            } else {
                0
            };
            group(digits, separator, *group_size, width)
        }
        _ => digits.clone(),
    };
    let default = if spec.zero_padded {
        Align::AfterSign
    } else {
        Align::Right
    };
    pad(prefix, &format!("{digits}{suffix}"), spec, default)
}

/// Groups `digits`, after filling them up with zeros to `width` including separators.
fn group(digits: &str, separator: char, size: usize, width: usize) -> String {
    let mut reversed = String::new();
    let mut digits = digits.chars().rev().peekable();
    let mut written = 0;
    while digits.peek().is_some() || written < width {
        // A separator never comes first, so it takes one more digit with it.
        if written % (size + 1) == size {
            reversed.push(separator);
            written += 1;
        }
        reversed.push(digits.next().unwrap_or('0'));
        written += 1;
    }
    reversed.chars().rev().collect()
}

fn pad(prefix: &str, body: &str, spec: &Spec, default: Align) -> String {
    let fill = spec
        .fill
        .unwrap_or(if spec.zero_padded { '0' } else { ' ' });
    let missing = spec
        .width
        .saturating_sub(prefix.len() + body.chars().count());
    let (left, after_sign, right) = match spec.align.unwrap_or(default) {
        Align::Left => (0, 0, missing),
        Align::Right => (missing, 0, 0),
        Align::Center => (missing / 2, 0, missing - missing / 2),
        Align::AfterSign => (0, missing, 0),
    };
    let fills = |count: usize| std::iter::repeat_n(fill, count);
    let mut padded: String = fills(left).collect();
    padded.push_str(prefix);
    padded.extend(fills(after_sign));
    padded.push_str(body);
    padded.extend(fills(right));
    padded
}
