use std::cell::RefCell;
use std::fmt::{self, Display};

use portcullis_syntax::nearest;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::spot::SPOT;
use super::{Node, NodeKind};
use crate::config::problem::Problem;

const TEXT: &str = "text";

/// Reads a type from a node. Whatever goes wrong becomes a problem at the innermost node that it
/// is about; what comes out is only whether anything did.
#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'n> {
    node: &'n Node,
    problems: &'n RefCell<Vec<Problem>>,
}

#[derive(Debug)]
pub(super) enum ReadError {
    /// Not yet at a place.
    New {
        message: String,
        help: Option<String>,
    },
    /// Not yet at a place, and something else than what was expected.
    Mismatch {
        expected: String,
    },
    Reported,
}

/// A text that is one of a few.
struct Variant<'n>(NodeDeserializer<'n>);

// === impl NodeDeserializer ===

impl<'n> NodeDeserializer<'n> {
    pub(super) fn new(node: &'n Node, problems: &'n RefCell<Vec<Problem>>) -> Self {
        Self { node, problems }
    }

    fn at(self, node: &'n Node) -> Self {
        Self { node, ..self }
    }

    fn report<T>(self, result: Result<T, ReadError>) -> Result<T, ReadError> {
        result.map_err(|error| {
            let (message, help) = match error {
                ReadError::New { message, help } => (message, help),
                ReadError::Mismatch { expected } => (
                    format!("expected {expected}, found {}", self.node.name()),
                    (expected == TEXT && self.node.is_scalar())
                        .then(|| "put it in quotes".to_owned()),
                ),
                ReadError::Reported => return ReadError::Reported,
            };
            let problem = Problem::error(self.node.span.clone(), message);
            let problem = Problem { help, ..problem };
            self.problems.borrow_mut().push(problem);
            ReadError::Reported
        })
    }

    fn mismatch<T>(self, expected: &str) -> Result<T, ReadError> {
        self.report(Err(ReadError::Mismatch {
            expected: expected.to_owned(),
        }))
    }

    fn entries(self, entries: &'n [(Node, Node)]) -> impl Iterator<Item = (Self, Self)> {
        let at = move |(key, value)| (self.at(key), self.at(value));
        entries.iter().map(|(key, value)| (key, value)).map(at)
    }

    fn check_key(self, known: &'static [&'static str]) -> bool {
        let NodeKind::Text(key) = &self.node.kind else {
            return false;
        };
        let is_known = known.contains(&key.as_str());
        if !is_known {
            self.report::<()>(Err(de::Error::unknown_field(key, known)))
                .ok();
        }
        is_known
    }
}

fn did_you_mean(word: &str, known: &[&'static str]) -> Option<String> {
    // Clients' files have `mcpServers`.
    let ends_so = |known: &str| {
        let end = word.len().checked_sub(known.len());
        let end = end.and_then(|end| word.get(end..)).unwrap_or_default();
        end.eq_ignore_ascii_case(known) && end.starts_with(|first: char| first.is_ascii_uppercase())
    };
    let meant = nearest(word, known.iter().copied());
    let meant = meant.or_else(|| known.iter().copied().find(|known| ends_so(known)))?;
    Some(format!("did you mean `{meant}`?"))
}

/// What may stand there, where that can be said in a line.
fn keys(expected: &[&str]) -> Option<String> {
    const KEYS_MAX: usize = 12;
    match expected.len() {
        0 => None,
        // A policy without the `|` in front of it is taken for a mapping.
        1 if expected.contains(&"file") => Some(
            "known here: `file`; a policy that stands here is a text: write `policy: |`, and it below"
                .to_owned(),
        ),
        1..=KEYS_MAX => Some(format!("known here: {}", listed(expected))),
        _ => Some("`portcullis config schema` has all keys, as docs/CONFIGURATION.md does".into()),
    }
}

fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

impl<'n> Deserializer<'n> for NodeDeserializer<'n> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.node.kind {
            NodeKind::Null => visitor.visit_unit(),
            NodeKind::Bool(value) => visitor.visit_bool(*value),
            NodeKind::Integer(value) => visitor.visit_i64(*value),
            // Only `Json` has a use for it, and knows that it is one.
            NodeKind::BigInteger(digits) => visitor.visit_bytes(digits.as_bytes()),
            NodeKind::Float(value) => visitor.visit_f64(*value),
            NodeKind::Text(text) => visitor.visit_str(text),
            NodeKind::List(items) => {
                let items = items.iter().map(|item| self.at(item));
                visitor.visit_seq(SeqDeserializer::new(items))
            }
            NodeKind::Map(entries) => {
                visitor.visit_map(MapDeserializer::new(self.entries(entries)))
            }
        };
        self.report(result)
    }

    fn deserialize_bool<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node.kind {
            NodeKind::Bool(value) => visitor.visit_bool(value),
            _ => self.mismatch("`true` or `false`"),
        }
    }

    fn deserialize_u64<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node.kind {
            NodeKind::Integer(value) if value >= 0 => {
                let result = visitor.visit_i64(value);
                self.report(result)
            }
            _ => self.mismatch("a whole number"),
        }
    }

    fn deserialize_str<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.kind {
            NodeKind::Text(text) => self.report(visitor.visit_str(text)),
            _ => self.mismatch(TEXT),
        }
    }

    fn deserialize_string<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.node.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_seq<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let NodeKind::List(items) = &self.node.kind else {
            return self.mismatch("a list");
        };
        let items = items.iter().map(|item| self.at(item));
        self.report(visitor.visit_seq(SeqDeserializer::new(items)))
    }

    fn deserialize_map<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let NodeKind::Map(entries) = &self.node.kind else {
            return self.mismatch("a mapping");
        };
        self.report(visitor.visit_map(MapDeserializer::new(self.entries(entries))))
    }

    fn deserialize_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let NodeKind::Map(entries) = &self.node.kind else {
            return self.report(Err(ReadError::New {
                message: format!("expected a mapping, found {}", self.node.name()),
                help: keys(fields),
            }));
        };
        // A key with nothing behind it is as good as absent.
        let entries = self.entries(entries);
        let given = entries.filter(|(key, value)| key.check_key(fields) && !value.node.is_null());
        self.report(visitor.visit_map(MapDeserializer::new(given)))
    }

    fn deserialize_enum<V: Visitor<'n>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.report(visitor.visit_enum(Variant(self)))
    }

    /// What asks under the name [`SPOT`] is given the span and then the value itself.
    fn deserialize_newtype_struct<V: Visitor<'n>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name != SPOT {
            return visitor.visit_newtype_struct(self);
        }
        visitor.visit_seq(SpotParts {
            deserializer: self,
            next: 0,
        })
    }

    forward_to_deserialize_any! {
        <V: Visitor<'n>>
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct ignored_any
    }
}

impl<'n> de::IntoDeserializer<'n, ReadError> for NodeDeserializer<'n> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Start, end, value.
struct SpotParts<'n> {
    deserializer: NodeDeserializer<'n>,
    next: u8,
}

impl<'n> de::SeqAccess<'n> for SpotParts<'n> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'n>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        let span = &self.deserializer.node.span;
        let part = self.next;
        self.next = part.saturating_add(1);
        match part {
            0 => seed.deserialize(number(span.start)).map(Some),
            1 => seed.deserialize(number(span.end)).map(Some),
            2 => seed.deserialize(self.deserializer).map(Some),
            _ => Ok(None),
        }
    }
}

fn number(offset: usize) -> de::value::U64Deserializer<ReadError> {
    de::IntoDeserializer::into_deserializer(offset as u64)
}

// === impl Variant ===

impl<'n> EnumAccess<'n> for Variant<'n> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'n>>(self, seed: V) -> Result<(V::Value, Self), ReadError> {
        seed.deserialize(self.0).map(|value| (value, self))
    }
}

/// Only variants that are no more than their name can be written.
impl<'n> VariantAccess<'n> for Variant<'n> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'n>>(self, seed: T) -> Result<T::Value, ReadError> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'n>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.0.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'n>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.0.deserialize_map(visitor)
    }
}

// === impl ReadError ===

impl de::Error for ReadError {
    fn custom<T: Display>(message: T) -> Self {
        Self::New {
            message: message.to_string(),
            help: None,
        }
    }

    /// What was found is not said: it may be a secret.
    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Mismatch {
            expected: expected.to_string(),
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::New {
            message: format!("`{variant}` is none of {}", listed(expected)),
            help: did_you_mean(variant, expected),
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::New {
            message: format!("unknown key `{field}`"),
            help: did_you_mean(field, expected).or_else(|| keys(expected)),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format!("`{field}` is missing"))
    }
}

impl Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New { message, .. } => f.write_str(message),
            Self::Mismatch { expected } => write!(f, "expected {expected}"),
            Self::Reported => f.write_str("reported"),
        }
    }
}

impl std::error::Error for ReadError {}
