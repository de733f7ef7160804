use std::borrow::Cow;
use std::ops::Range;

use crate::parse::Builder;
use crate::reader::{Reader, Token, TokenKind};
use crate::{Error, Limits, Value};

#[cfg(test)]
mod tests;

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
    shape(Reader::new(text, limits))
}

/// The parts of a value at `range` of a `text` that [`scan`] accepted under the same limits.
///
/// Names that repeat are not looked for again. Ranges are byte ranges in `text`.
pub fn rescan<'t>(
    text: &'t str,
    range: Range<usize>,
    limits: &'t Limits,
) -> Result<Shape<'t>, Error> {
    shape(Reader::again(text, range, limits))
}

fn shape(mut reader: Reader<'_>) -> Result<Shape<'_>, Error> {
    let Some(first) = reader.read()? else {
        return Ok(Shape::Scalar);
    };
    let mut shape = match first.kind {
        TokenKind::ObjectStart => Shape::Object(Vec::new()),
        TokenKind::ArrayStart => Shape::Array(Vec::new()),
        _ => Shape::Scalar,
    };
    let mut builder = Builder::default();
    let mut depth = 1_usize;
    while let Some(token) = reader.read()? {
        let is_start = matches!(token.kind, TokenKind::ArrayStart | TokenKind::ObjectStart);
        let is_end = matches!(token.kind, TokenKind::ArrayEnd | TokenKind::ObjectEnd);
        if is_end {
            depth = depth.saturating_sub(1);
        }
        if depth == 1 {
            shape.note(&token);
        }
        if let Shape::Object(members) = &mut shape {
            let is_name = depth == 1 && matches!(token.kind, TokenKind::Name { .. });
            if !is_name {
                builder.push(token.kind);
            }
            if depth == 1
                && !is_name
                && !is_start
                && let Some(member) = members.last_mut()
            {
                member.content = builder.take();
            }
        }
        if is_start {
            depth += 1;
        }
    }
    Ok(shape)
}

// === impl Shape ===

impl<'t> Shape<'t> {
    /// Takes in a token of a direct part: its name, its first token or its end.
    fn note(&mut self, token: &Token<'t>) {
        let is_end = matches!(token.kind, TokenKind::ArrayEnd | TokenKind::ObjectEnd);
        let span = token.span.clone();
        match (self, &token.kind) {
            (Shape::Object(members), TokenKind::Name { name, .. }) => {
                let value = span.end..span.end;
                members.push(Member {
                    name: name.clone(),
                    name_range: span,
                    value,
                    content: Value::Null,
                });
            }
            (Shape::Object(members), _) => {
                if let Some(member) = members.last_mut() {
                    let start = if is_end {
                        member.value.start
                    } else {
                        span.start
                    };
                    member.value = start..span.end;
                }
            }
            (Shape::Array(items), _) if is_end => {
                if let Some(item) = items.last_mut() {
                    item.end = span.end;
                }
            }
            (Shape::Array(items), _) => items.push(span),
            (Shape::Scalar, _) => {}
        }
    }
}
