use crate::reader::Reader;
use crate::{Error, Limits, Value};

#[cfg(test)]
mod tests;

/// Reads `text` as one JSON value.
pub fn parse(text: &str, limits: &Limits) -> Result<Value, Error> {
    let mut reader = Reader::new(text, 0..text.len(), limits);
    let value = reader.value("a value")?;
    reader.end()?;
    Ok(value)
}
