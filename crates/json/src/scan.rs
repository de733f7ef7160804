use std::borrow::Cow;
use std::ops::Range;

use crate::reader::{Begun, Names, Reader};
use crate::{Error, Limits, Spellings, Value};

#[cfg(test)]
mod tests;

/// Room for the members of most messages.
const MEMBERS_EXPECTED: usize = 4;

/// Where the direct parts of a value are.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape<'t> {
    /// In the order they are written. Under `Duplicates::LastWins` a name may occur again, and the
    /// last one counts.
    Object(Vec<Member<'t>>),
    Array(Vec<Range<usize>>),
    Scalar,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Member<'t> {
    /// Unescaped.
    pub name: Cow<'t, str>,
    /// Where the name is written, with its quotes.
    pub name_range: Range<usize>,
    pub value: Range<usize>,
    pub content: Value,
}

/// Accepts exactly what [`parse`](crate::parse) accepts, and says where the value's parts are.
/// Ranges are byte ranges in `text`.
pub fn scan<'t>(text: &'t str, limits: &'t Limits) -> Result<Shape<'t>, Error> {
    rescan(text, 0..text.len(), limits)
}

/// The same of the value that takes all of `range`. Ranges are byte ranges in `text`.
pub fn rescan<'t>(
    text: &'t str,
    range: Range<usize>,
    limits: &'t Limits,
) -> Result<Shape<'t>, Error> {
    scan_spellings(text, range, limits).map(|(shape, _)| shape)
}

/// As [`rescan`], and how the long strings are written.
pub fn scan_spellings<'t>(
    text: &'t str,
    range: Range<usize>,
    limits: &'t Limits,
) -> Result<(Shape<'t>, Spellings), Error> {
    let mut reader = Reader::new(text, range, limits);
    let shape = match reader.begin("a value")? {
        Begun::Object => Shape::Object(members(&mut reader)?),
        Begun::Array => Shape::Array(items(&mut reader)?),
        Begun::Scalar(_) => Shape::Scalar,
    };
    reader.end()?;
    Ok((shape, reader.into_spellings()))
}

fn members<'t>(reader: &mut Reader<'t>) -> Result<Vec<Member<'t>>, Error> {
    let mut members: Vec<Member<'t>> = Vec::with_capacity(MEMBERS_EXPECTED);
    let mut names = Names::default();
    while let Some(name) = reader.name(members.is_empty())? {
        let known = members.iter().map(|member| &member.name);
        if names.place_or_add(&name.text, known).is_some() {
            reader.repeated(&name.range)?;
        }
        reader.colon()?;
        let start = reader.offset();
        let content = reader.value("a value")?;
        members.push(Member {
            name: name.text,
            name_range: name.range,
            value: start..reader.offset(),
            content,
        });
    }
    Ok(members)
}

fn items(reader: &mut Reader<'_>) -> Result<Vec<Range<usize>>, Error> {
    let mut items = Vec::new();
    while let Some(expected) = reader.item(items.is_empty())? {
        let start = reader.offset();
        reader.value(expected)?;
        items.push(start..reader.offset());
    }
    Ok(items)
}
