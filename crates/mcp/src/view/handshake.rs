use std::sync::Arc;

use portcullis_json::Value;

use super::{ViewError, optional_text, required_text};

/// The result of `initialize`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InitializeResult<'v> {
    pub protocol_version: &'v Arc<str>,
    /// What the server says it is; nobody has verified it.
    pub server_name: Option<&'v Arc<str>>,
    /// Text for the model's system prompt.
    pub instructions: Option<&'v Arc<str>>,
}

// === impl InitializeResult ===

impl<'v> InitializeResult<'v> {
    pub fn read(result: &'v Value) -> Result<Self, ViewError> {
        Ok(Self {
            protocol_version: required_text(result, "protocolVersion")?,
            server_name: name(result, "serverInfo")?,
            instructions: optional_text(result, "instructions")?,
        })
    }
}

fn name<'v>(value: &'v Value, implementation: &str) -> Result<Option<&'v Arc<str>>, ViewError> {
    value
        .get(implementation)
        .map_or(Ok(None), |found| optional_text(found, "name"))
}
