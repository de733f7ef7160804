//! Python's text methods where Rust's differ.
//!
//! `lower` and `upper` are not here: [`str::to_lowercase`] and [`str::to_uppercase`] apply the same
//! full Unicode mappings.

use std::collections::BTreeSet;

use super::re::{is_printable, is_space};

/// `str.split` was given an empty separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the separator of `split` is empty, leave it out to split at white space")]
pub(crate) struct EmptySeparator;

/// `text.strip(chars)`: without `chars` removes white space.
pub(crate) fn strip<'t>(text: &'t str, chars: Option<&str>) -> &'t str {
    match chars {
        None => text.trim_matches(is_space),
        Some(chars) => {
            let chars: BTreeSet<char> = chars.chars().collect();
            text.trim_matches(|c| chars.contains(&c))
        }
    }
}

/// `text.split(separator, max)`; a negative `max` is no limit.
///
/// Without a separator, runs of white space separate and there are no empty parts.
pub(crate) fn split<'t>(
    text: &'t str,
    separator: Option<&str>,
    max: i64,
) -> Result<Vec<&'t str>, EmptySeparator> {
    // A text has fewer parts than `usize` can count, so a limit beyond it is none.
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    match separator {
        None => Ok(split_white_space(text, max)),
        Some("") => Err(EmptySeparator),
        Some(separator) => Ok(text.splitn(max.saturating_add(1), separator).collect()),
    }
}

fn split_white_space(text: &str, max: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let (part, behind) = match rest.split_once(is_space) {
            Some(pair) if parts.len() < max => pair,
            _ => (rest, ""),
        };
        parts.push(part);
        rest = behind.trim_start_matches(is_space);
    }
    parts
}

/// `text.splitlines()`.
pub(crate) fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, behind) = rest.split_once(is_line_end).unwrap_or((rest, ""));
        lines.push(line);
        let ended_by_return = rest
            .strip_prefix(line)
            .is_some_and(|end| end.starts_with("\r\n"));
        rest = if ended_by_return {
            behind.strip_prefix('\n').unwrap_or(behind)
        } else {
            behind
        };
    }
    lines
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// `repr(text)`.
pub(crate) fn repr_str(text: &str) -> String {
    quoted(text, is_printable)
}

/// `ascii(text)`.
pub(crate) fn ascii_str(text: &str) -> String {
    quoted(text, |c| (' '..='~').contains(&c))
}

/// `repr` already made ASCII: everything else in `repr` becomes an escape.
pub(crate) fn ascii_repr(repr: &str) -> String {
    let mut ascii = String::with_capacity(repr.len());
    for c in repr.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            ascii.push_str(&escape(c));
        }
    }
    ascii
}

fn quoted(text: &str, is_plain: fn(char) -> bool) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for c in text.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\\' => quoted.push_str("\\\\"),
            c if c == quote => quoted.extend(['\\', c]),
            c if is_plain(c) => quoted.push(c),
            c => quoted.push_str(&escape(c)),
        }
    }
    quoted.push(quote);
    quoted
}

fn escape(c: char) -> String {
    let code = u32::from(c);
    let (kind, width) = match code {
        0..=0xff => ('x', 2),
        0x100..=0xffff => ('u', 4),
        _ => ('U', 8),
    };
    format!("\\{kind}{code:0width$x}")
}

#[cfg(test)]
mod tests;
