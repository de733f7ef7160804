use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::{Node, NodeKind};

/// What the YAML reader makes of a value without being told a type.
pub(super) enum Raw {
    Null,
    Bool(bool),
    Integer(i64),
    BigInteger(String),
    /// Or an integer that is outside `u64`.
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

struct RawVisitor;

/// Finds out what was written at each place.
pub(super) fn located(raw: Spanned<Raw>, source: &str) -> Node {
    let span = span(&raw, source);
    let written = source.get(span.clone()).unwrap_or_default();
    let kind = match raw.value {
        Raw::Null => NodeKind::Null,
        Raw::Bool(value) => NodeKind::Bool(value),
        Raw::Integer(value) => NodeKind::Integer(value),
        Raw::BigInteger(digits) => NodeKind::BigInteger(digits),
        Raw::Float(_) if is_integer(written) => NodeKind::BigInteger(written.to_owned()),
        Raw::Float(value) => NodeKind::Float(value),
        Raw::Text(text) => NodeKind::Text(text),
        Raw::List(items) => {
            let items = items.into_iter().map(|item| located(item, source));
            NodeKind::List(items.collect())
        }
        Raw::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| {
                let key = Node {
                    span: self::span(&key, source),
                    kind: NodeKind::Text(key.value),
                };
                (key, located(value, source))
            });
            NodeKind::Map(entries.collect())
        }
    };
    Node { span, kind }
}

fn span<T>(spanned: &Spanned<T>, source: &str) -> Range<usize> {
    let span = spanned.defined.span();
    let number = |bytes: Option<u64>| bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let start = number(span.byte_offset()).unwrap_or_default();
    match number(span.byte_len()).unwrap_or_default() {
        // A block has no first character of its own: its first line stands for it.
        0 => {
            let rest = source.get(start..).unwrap_or_default();
            let line = rest.lines().next().unwrap_or_default();
            start..start + line.trim_end().len()
        }
        bytes => start..start + bytes,
    }
}

fn is_integer(written: &str) -> bool {
    let digits = written.strip_prefix('-').unwrap_or(written);
    !digits.is_empty()
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(i64::try_from(value).map_or_else(|_| Raw::BigInteger(value.to_string()), Raw::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}
