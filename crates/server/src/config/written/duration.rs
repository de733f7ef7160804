use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

/// A duration as it is written: a number and its unit. It is a type of its own so that a number
/// alone is told to lack a unit, and not to be put in quotes.
pub(in crate::config) struct WrittenDuration(pub(in crate::config) String);

struct DurationVisitor;

impl<'de> Deserialize<'de> for WrittenDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DurationVisitor)
    }
}

impl Visitor<'_> for DurationVisitor {
    type Value = WrittenDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as `500ms`, `30s`, `15m` or `12h`")
    }

    fn visit_str<E>(self, text: &str) -> Result<WrittenDuration, E> {
        Ok(WrittenDuration(text.to_owned()))
    }
}

impl JsonSchema for WrittenDuration {
    fn inline_schema() -> bool {
        String::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}
