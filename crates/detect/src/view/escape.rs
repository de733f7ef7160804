//! One escaped character: percent, HTML reference, or the escapes of JSON and programs.

use crate::html;

/// LIMIT: bytes of an HTML reference.
const REFERENCE_BYTES_MAX: usize = 32;

/// Bytes of a percent escape.
const PERCENT_BYTES: usize = 3;

/// The character that the text begins with in escaped form, and the bytes of that form.
pub(super) fn read(text: &str) -> Option<(char, usize)> {
    match text.bytes().next()? {
        b'%' => percent(text),
        b'&' => reference(text),
        b'\\' => escape(text),
        _ => None,
    }
}

/// The shortest run of escapes that is a character in UTF-8.
fn percent(text: &str) -> Option<(char, usize)> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while bytes.len() < 4 {
        let code = rest.strip_prefix('%')?.get(..2)?;
        bytes.push(hexadecimal(code)?.try_into().ok()?);
        if let Ok(read) = str::from_utf8(&bytes) {
            return Some((read.chars().next()?, bytes.len() * PERCENT_BYTES));
        }
        rest = rest.get(PERCENT_BYTES..)?;
    }
    None
}

fn reference(text: &str) -> Option<(char, usize)> {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#';
    let name = text.bytes().skip(1).take(REFERENCE_BYTES_MAX);
    let length = name.take_while(is_of_name).count() + 2;
    let source = text.get(..length).filter(|it| it.ends_with(';'))?;
    let read = html::unescape(source);
    let mut characters = read.chars();
    let (first, second) = (characters.next()?, characters.next());
    second.is_none().then_some((first, length))
}

fn escape(text: &str) -> Option<(char, usize)> {
    let digits = match text.as_bytes().get(1)? {
        b'u' => 4,
        b'x' => 2,
        _ => return None,
    };
    let code = hexadecimal(text.get(2..2 + digits)?)?;
    Some((char::from_u32(code)?, 2 + digits))
}

/// Unlike the standard library's reading, without a sign.
fn hexadecimal(digits: &str) -> Option<u32> {
    let is_plain = digits.bytes().all(|it| it.is_ascii_hexdigit());
    is_plain.then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_read_with_its_length() {
        for (text, expected) in [
            ("%40x", Some(('@', 3))),
            ("%c3%A9x", Some(('é', 6))),
            ("%c3x", None),
            ("%ff%ff%ff%ff", None),
            ("%+1", None),
            ("%é0", None),
            ("&amp;x", Some(('&', 5))),
            ("&#x40;", Some(('@', 6))),
            ("&amp", None),
            ("&unknown;", None),
            (r"\u0040x", Some(('@', 6))),
            (r"\x40", Some(('@', 4))),
            (r"\ud800", None),
            (r"\n", None),
            ("é", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
