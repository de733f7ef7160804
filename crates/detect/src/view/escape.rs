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
        b'\\' => json(text).or_else(|| byte(text)),
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

/// `\x40` of programs.
fn byte(text: &str) -> Option<(char, usize)> {
    let code = hexadecimal(text.strip_prefix(r"\x")?.get(..2)?)?;
    Some((char::from_u32(code)?, 4))
}

/// An escape of JSON.
pub(super) fn json(text: &str) -> Option<(char, usize)> {
    match text.as_bytes().get(1)? {
        b'n' => Some(('\n', 2)),
        b'r' => Some(('\r', 2)),
        b't' => Some(('\t', 2)),
        b'b' | b'f' => Some((' ', 2)),
        mark @ (b'"' | b'/' | b'\\') => Some((char::from(*mark), 2)),
        b'u' => utf16(text),
        _ => None,
    }
}

/// `\u0040`, or two of them if the first says half a character.
fn utf16(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| u16::try_from(hexadecimal(text.get(at + 2..at + 6)?)?).ok();
    let first = unit(0)?;
    if let Some(read) = char::from_u32(first.into()) {
        return Some((read, 6));
    }
    let second = unit(6).filter(|_| text.get(6..8) == Some("\\u"))?;
    let read = char::decode_utf16([first, second]).next()?.ok()?;
    Some((read, 12))
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
            (r"\ud83d\ude00x", Some(('😀', 12))),
            (r"\ud800", None),
            (r"\ud800\u0040", None),
            (r"\nx", Some(('\n', 2))),
            (r"\bx", Some((' ', 2))),
            (r#"\"x"#, Some(('"', 2))),
            (r"\\n", Some(('\\', 2))),
            (r"\d", None),
            (r"\", None),
            ("é", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
