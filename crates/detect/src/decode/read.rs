//! What a run of characters says in another writing.

use crate::fold::selected_byte;
use std::borrow::Cow;

/// Bytes that are looked at before a whole run of base64 is decoded.
const BEGINNING: usize = 12;

/// The lines may be broken as they are or as JSON writes it. An end that is no text, since it was cut off
/// or belongs to something else, is left out.
pub(super) fn base64(run: &str) -> Option<String> {
    let mut run = Cow::Borrowed(run);
    if run.contains('\\') {
        run = run.replace(r"\r", "").replace(r"\n", "").into();
    }
    let mut bytes = Vec::with_capacity(run.len() * 3 / 4);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for value in run.bytes().filter_map(base64_value) {
        buffer = (buffer << 6 | u32::from(value)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(low_byte(buffer >> bits));
        }
    }
    if let Err(error) = str::from_utf8(&bytes)
        && 2 * error.valid_up_to() >= bytes.len()
    {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8(bytes).ok()
}

/// The same of a run that may be a text with no controls in it. Most runs are none, and already their
/// beginning tells.
pub(super) fn base64_text(run: &str) -> Option<String> {
    begins_text(run.as_bytes()).then(|| base64(run)).flatten()
}

/// Whether the first digits leave open that a text comes of the run.
fn begins_text(run: &[u8]) -> bool {
    let Some(digits) = run.first_chunk::<{ BEGINNING / 3 * 4 }>() else {
        return true;
    };
    let mut bytes = [0; BEGINNING];
    let places = bytes.as_chunks_mut::<3>().0;
    for (digits, place) in digits.as_chunks::<4>().0.iter().zip(places) {
        let mut group = 0;
        for digit in digits {
            let Some(value) = base64_value(*digit) else {
                return true;
            };
            group = group << 6 | u32::from(value);
        }
        let [_, read @ ..] = u32::to_be_bytes(group);
        *place = read;
    }
    // There are no fewer bytes in the whole, of which half must be valid.
    let valid = match str::from_utf8(&bytes) {
        Ok(_) => BEGINNING,
        Err(error) => error.valid_up_to(),
    };
    let is_strange = |byte: &u8| byte.is_ascii_control() && !char::from(*byte).is_whitespace();
    2 * valid >= BEGINNING && !bytes.iter().take(valid).any(is_strange)
}

fn base64_value(symbol: u8) -> Option<u8> {
    match symbol {
        b'A'..=b'Z' => Some(symbol - b'A'),
        b'a'..=b'z' => Some(symbol - b'a' + 26),
        b'0'..=b'9' => Some(symbol - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

pub(super) fn selectors(run: &str) -> Option<String> {
    let bytes = run.chars().filter_map(selected_byte).collect();
    String::from_utf8(bytes).ok()
}

fn low_byte(value: u32) -> u8 {
    u8::try_from(value & 0xff).unwrap_or_default()
}

pub(super) fn hex(run: &str) -> Option<String> {
    let digits: Vec<u32> = run.chars().filter_map(|it| it.to_digit(16)).collect();
    let bytes = digits.as_chunks::<2>().0;
    let bytes = bytes
        .iter()
        .map(|[high, low]| low_byte(high << 4 | low))
        .collect();
    String::from_utf8(bytes).ok()
}

pub(super) fn percent(run: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(run.len());
    let mut rest = run;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        let code = after
            .get(..2)
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(code) => bytes.push(code),
            None => bytes.push(b'%'),
        }
        rest = if code.is_some() {
            after.get(2..)?
        } else {
            after
        };
    }
    bytes.extend(rest.bytes());
    String::from_utf8(bytes).ok().map(|it| it.replace('+', " "))
}

pub(super) fn escapes(run: &str) -> Option<String> {
    let codes = run.split('\\').skip(1);
    codes
        .map(|code| {
            u32::from_str_radix(code.get(1..)?, 16)
                .ok()
                .and_then(char::from_u32)
        })
        .collect()
}

/// Every second character; `_` is what such writing puts for the blank that it lost.
pub(super) fn spaced(run: &str) -> String {
    let letters = run.chars().step_by(2);
    letters.map(|it| if it == '_' { ' ' } else { it }).collect()
}

pub(super) fn rot13(line: &str) -> String {
    let turned = |start: u8, letter: char| {
        let offset = u32::from(letter).saturating_sub(u32::from(start));
        char::from_u32(u32::from(start) + (offset + 13) % 26).unwrap_or(letter)
    };
    let letters = line.chars().map(|letter| match letter {
        'a'..='z' => turned(b'a', letter),
        'A'..='Z' => turned(b'A', letter),
        other => other,
    });
    letters.collect()
}

pub(super) fn reversed(line: &str) -> String {
    line.chars().rev().collect()
}
