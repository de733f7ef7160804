use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

/// An address and a port as they are written. It is a type of its own so that a port alone, which
/// is a number, is told to lack the address, and not to be put in quotes.
pub(in crate::config) struct WrittenAddress(pub(in crate::config) String);

struct AddressVisitor;

impl<'de> Deserialize<'de> for WrittenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AddressVisitor)
    }
}

impl Visitor<'_> for AddressVisitor {
    type Value = WrittenAddress;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an IP address and a port, such as `127.0.0.1:8787`")
    }

    fn visit_str<E>(self, text: &str) -> Result<WrittenAddress, E> {
        Ok(WrittenAddress(text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<WrittenAddress, E> {
        Ok(WrittenAddress(number.to_string()))
    }
}
