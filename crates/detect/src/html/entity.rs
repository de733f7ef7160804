//! Character references, decoded as Python's `html.unescape` does.

use crate::pattern::{Pattern, compile};
use entities::ENTITIES;
use regex::Captures;
use std::collections::HashMap;
use std::sync::LazyLock;

static REFERENCE: Pattern =
    LazyLock::new(|| compile(r"&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\x0c <&#;]{1,32};?)"));

/// Name, with its semicolon if it has one, to text.
static NAMED: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let without_sign = |name: &'static str| name.strip_prefix('&').unwrap_or(name);
    ENTITIES
        .iter()
        .map(|it| (without_sign(it.entity), it.characters))
        .collect()
});

/// What HTML makes of the numbers 128 to 159; a number without a character stands for itself.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

pub(super) fn decode(text: &str) -> String {
    REFERENCE
        .replace_all(text, |captures: &Captures<'_>| {
            let reference = captures.get(1).map_or("", |it| it.as_str());
            match reference.strip_prefix('#') {
                Some(number) => numbered(number.trim_end_matches(';')),
                None => named(reference),
            }
        })
        .into_owned()
}

/// The longest known name that the reference starts with; an unknown one stays as it is.
fn named(reference: &str) -> String {
    let ends = reference
        .char_indices()
        .skip(2)
        .map(|(end, _)| end)
        .chain([reference.len()]);
    let mut longest = None;
    for end in ends {
        if let Some((name, rest)) = reference.split_at_checked(end)
            && let Some(characters) = NAMED.get(name)
        {
            longest = Some(format!("{characters}{rest}"));
        }
    }
    longest.unwrap_or_else(|| format!("&{reference}"))
}

fn numbered(number: &str) -> String {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    let Ok(code) = code else {
        return '\u{fffd}'.to_string();
    };
    let windows = code
        .checked_sub(0x80)
        .and_then(|index| WINDOWS_1252.get(index as usize));
    match (windows, char::from_u32(code)) {
        (Some(character), _) => character.to_string(),
        (None, None | Some('\0')) => '\u{fffd}'.to_string(),
        (None, Some(character)) if is_noncharacter(character) => String::new(),
        (None, Some(character)) => character.to_string(),
    }
}

fn is_noncharacter(character: char) -> bool {
    let is_control = character.is_control() && !matches!(character, '\t' | '\n' | '\u{c}' | '\r');
    is_control
        || ('\u{fdd0}'..='\u{fdef}').contains(&character)
        || u32::from(character) & 0xfffe == 0xfffe
}
