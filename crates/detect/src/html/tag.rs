//! Start tags and their attributes.

use super::entity;
use crate::pattern::is_python_space;

/// A whole start tag.
#[derive(Debug)]
pub(super) struct StartTag {
    /// In lower case.
    pub(super) name: String,
    /// Whether it ends with `/>`.
    pub(super) is_empty: bool,
    attributes: Vec<(String, String)>,
}

/// Where an attribute lies, in bytes of the markup.
#[derive(Debug)]
struct Attribute<'a> {
    name: &'a str,
    value: &'a str,
    end: usize,
}

// === impl StartTag ===

impl StartTag {
    /// The tag in `source`, the first part of `markup`, or `None` if it ends in rubbish.
    pub(super) fn parse(source: &str, markup: &str) -> Option<Self> {
        let name_end = name_end(markup)?;
        let name = markup.get(1..name_end)?.to_lowercase();
        let mut place = skip_gap(markup, name_end);
        let mut attributes = Vec::new();
        while place < source.len()
            && let Some(attribute) = attribute(markup, place)
        {
            let value = entity::decode(attribute.value);
            attributes.push((attribute.name.to_lowercase(), value));
            place = attribute.end;
        }
        let ending = source.get(place..)?.trim_matches(is_python_space);
        let is_whole = matches!(ending, ">" | "/>");
        is_whole.then(|| Self {
            name,
            is_empty: ending == "/>",
            attributes,
        })
    }

    /// The values of all attributes of that name, in order.
    pub(super) fn values(self, name: &str) -> impl Iterator<Item = String> {
        self.attributes
            .into_iter()
            .filter(move |(found, _)| found == name)
            .map(|(_, value)| value)
    }
}

/// Where the start tag ends that `markup` starts with, or `None` if the text ends within.
pub(super) fn end(markup: &str) -> Option<usize> {
    let mut place = name_end(markup)?;
    place = skip(markup, place, |character| {
        is_python_space(character) || character == '/'
    });
    while let Some(attribute) = attribute(markup, place) {
        place = attribute.end;
    }
    place = skip(markup, place, is_python_space);
    match markup.get(place..)?.as_bytes() {
        [b'>', ..] => Some(place + 1),
        [b'/', b'>', ..] => Some(place + 2),
        [] | [b'/' | b'=' | b'a'..=b'z' | b'A'..=b'Z', ..] => None,
        _ => Some(place),
    }
}

fn name_end(markup: &str) -> Option<usize> {
    let ends_name = ['\t', '\n', '\r', '\u{c}', ' ', '/', '>', '\0'];
    let name = markup.get(1..)?;
    Some(1 + name.find(ends_name).unwrap_or(name.len()))
}

fn skip(markup: &str, place: usize, skipped: impl Fn(char) -> bool) -> usize {
    let rest = markup.get(place..).unwrap_or_default();
    place
        + rest
            .find(|character| !skipped(character))
            .unwrap_or(rest.len())
}

/// Skips white space and slashes, but not the slash of `/>`.
fn skip_gap(markup: &str, mut place: usize) -> usize {
    loop {
        place = skip(markup, place, is_python_space);
        match markup.get(place..).unwrap_or_default().as_bytes() {
            [b'/', b'>', ..] => return place,
            [b'/', ..] => place += 1,
            _ => return place,
        }
    }
}

fn attribute(markup: &str, place: usize) -> Option<Attribute<'_>> {
    let before = markup.get(..place)?.chars().next_back()?;
    let first = markup.get(place..)?.chars().next()?;
    let may_start = is_python_space(before) || matches!(before, '\'' | '"' | '/');
    if !may_start || is_python_space(first) || matches!(first, '/' | '>') {
        return None;
    }
    let name_end = skip(markup, place + first.len_utf8(), |character| {
        !is_python_space(character) && !matches!(character, '/' | '=' | '>')
    });
    let (value, value_end) = value(markup, name_end).unwrap_or(("", name_end));
    let name = markup.get(place..name_end)?;
    Some(Attribute {
        name,
        value,
        end: skip_gap(markup, value_end),
    })
}

/// The value after an attribute's name, without quotes, and where it ends.
fn value(markup: &str, name_end: usize) -> Option<(&str, usize)> {
    let signs_start = skip(markup, name_end, is_python_space);
    let signs_end = skip(markup, signs_start, |character| character == '=');
    if signs_start == signs_end {
        return None;
    }
    let start = skip(markup, signs_end, is_python_space);
    let Some(quote) = markup
        .get(start..)?
        .chars()
        .next()
        .filter(|it| matches!(it, '\'' | '"'))
    else {
        return bare_value(markup, start);
    };
    if let Some((quoted, _)) = markup.get(start + 1..)?.split_once(quote) {
        return Some((quoted, start + quoted.len() + 2));
    }
    // The quote is never closed: the value ends before it, or takes in the last of several `=`.
    if start > signs_end {
        Some(("", start))
    } else if signs_end - signs_start > 1 {
        bare_value(markup, signs_end - 1)
    } else {
        None
    }
}

fn bare_value(markup: &str, start: usize) -> Option<(&str, usize)> {
    let end = skip(markup, start, |character| {
        !is_python_space(character) && character != '>'
    });
    Some((markup.get(start..end)?, end))
}
