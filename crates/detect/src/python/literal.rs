//! Constants as Python's `repr` and `ast.unparse` write them.

use crate::unicode::category;
use num_bigint::BigUint;
use ruff_python_ast::{Int, Number};
use std::fmt::Write;

/// Quotes in the order in which `ast.unparse` prefers them.
pub(super) const QUOTES: [&str; 4] = ["'", "\"", "\"\"\"", "'''"];

pub(super) fn number(number: &Number) -> String {
    match number {
        Number::Int(value) => integer(value),
        Number::Float(value) => float(*value),
        Number::Complex { imag, .. } => {
            let imaginary = float(*imag);
            format!("{}j", imaginary.strip_suffix(".0").unwrap_or(&imaginary))
        }
    }
}

fn integer(value: &Int) -> String {
    let source = value.to_string().replace('_', "");
    let radix = match source.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0o" | "0O") => 8,
        Some("0b" | "0B") => 2,
        _ => return source,
    };
    let digits = source.get(2..).unwrap_or_default();
    BigUint::parse_bytes(digits.as_bytes(), radix).map_or(source, |value| value.to_string())
}

/// The shortest digits that read back as the same number; what overflows is written as such.
fn float(value: f64) -> String {
    if value.is_infinite() {
        return "1e309".to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(-4..16) | Err(_) => format!("{value:?}"),
        Ok(exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
        }
    }
}

/// A text in the quotes that `repr` chooses.
pub(super) fn text(value: &str) -> String {
    let quote = if value.contains('\'') && !value.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut written = String::from(quote);
    for character in value.chars() {
        if character == quote {
            written.push('\\');
            written.push(character);
        } else {
            written.push_str(&escaped(character, true));
        }
    }
    written.push(quote);
    written
}

pub(super) fn bytes(value: impl Iterator<Item = u8> + Clone) -> String {
    let has = |wanted| value.clone().any(|byte| byte == wanted);
    let quote = if has(b'\'') && !has(b'"') {
        b'"'
    } else {
        b'\''
    };
    let mut written = format!("b{}", char::from(quote));
    for byte in value {
        match byte {
            _ if byte == quote => written.extend(['\\', char::from(byte)]),
            b'\\' | b'\n' | b'\r' | b'\t' | b' '..=b'~' => {
                written.push_str(&escaped(char::from(byte), true));
            }
            _ => hexadecimal(&mut written, 'x', u32::from(byte), 2),
        }
    }
    written.push(char::from(quote));
    written
}

/// A text in any of the quotes, chosen so that no backslash is needed if that can be.
pub(super) fn text_avoiding_backslashes(value: &str) -> String {
    let (body, quotes) = body_and_quotes(value, &QUOTES, false);
    let quote = quotes.first().copied().unwrap_or("'");
    format!("{quote}{body}{quote}")
}

/// The inside of a literal, and those of `quotes` that may stand around it.
pub(super) fn body_and_quotes(
    value: &str,
    quotes: &[&'static str],
    escapes_line_breaks: bool,
) -> (String, Vec<&'static str>) {
    let mut body: String = value
        .chars()
        .map(|character| escaped(character, escapes_line_breaks))
        .collect();
    let mut possible: Vec<_> = quotes
        .iter()
        .copied()
        .filter(|quote| !body.contains('\n') || quote.len() == 3)
        .filter(|quote| !body.contains(quote))
        .collect();
    if possible.is_empty() {
        let literal = text(value);
        let plain = literal.get(..1).unwrap_or("'");
        let fallback = if plain == "'" { "'" } else { "\"" };
        let quote = quotes
            .iter()
            .copied()
            .find(|quote| quote.starts_with(fallback));
        let inside = literal.get(1..literal.len() - 1).unwrap_or_default();
        return (inside.to_owned(), vec![quote.unwrap_or(fallback)]);
    }
    if let Some(last) = body.pop() {
        possible.sort_by_key(|quote| quote.starts_with(last));
        if possible
            .first()
            .is_some_and(|quote| quote.starts_with(last))
        {
            body.push('\\');
        }
        body.push(last);
    }
    (body, possible)
}

fn escaped(character: char, escapes_line_breaks: bool) -> String {
    match character {
        '\n' | '\t' if !escapes_line_breaks => character.to_string(),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        '\r' => "\\r".to_owned(),
        '\\' => "\\\\".to_owned(),
        _ if is_printable(character) => character.to_string(),
        _ => {
            let mut written = String::new();
            match u32::from(character) {
                code @ ..=0xff => hexadecimal(&mut written, 'x', code, 2),
                code @ ..=0xffff => hexadecimal(&mut written, 'u', code, 4),
                code => hexadecimal(&mut written, 'U', code, 8),
            }
            written
        }
    }
}

fn hexadecimal(written: &mut String, letter: char, code: u32, width: usize) {
    // Writing to a text cannot fail.
    let _infallible = write!(written, "\\{letter}{code:0width$x}");
}

fn is_printable(character: char) -> bool {
    character == ' ' || !matches!(category(character).as_bytes(), [b'C' | b'Z', _])
}
