use std::sync::Arc;

use portcullis_json::{Object, Value};

use super::{ViewError, optional_array, optional_object, optional_text, required_text};

/// The params of `tools/call`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToolCall<'v> {
    pub name: &'v Arc<str>,
    pub arguments: Option<&'v Object>,
}

/// The result of `tools/list`.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolList<'v> {
    pub tools: Vec<Tool<'v>>,
    /// Not to be looked into; an empty one is one too.
    pub next_cursor: Option<&'v Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tool<'v> {
    pub name: &'v Arc<str>,
    pub description: Option<&'v Arc<str>>,
    pub input_schema: Option<&'v Object>,
    /// All the server says of the tool, members above included.
    pub definition: &'v Value,
}

// === impl ToolCall ===

impl<'v> ToolCall<'v> {
    pub fn read(params: &'v Value) -> Result<Self, ViewError> {
        Ok(Self {
            name: required_text(params, "name")?,
            arguments: optional_object(params, "arguments")?,
        })
    }
}

// === impl ToolList ===

impl<'v> ToolList<'v> {
    pub fn read(result: &'v Value) -> Result<Self, ViewError> {
        let missing = ViewError {
            member: "tools",
            expected: "an array",
        };
        let tools = optional_array(result, "tools")?.ok_or(missing)?;
        Ok(Self {
            tools: tools.iter().map(Tool::read).collect::<Result<_, _>>()?,
            next_cursor: optional_text(result, "nextCursor")?,
        })
    }
}

// === impl Tool ===

impl<'v> Tool<'v> {
    pub fn read(definition: &'v Value) -> Result<Self, ViewError> {
        Ok(Self {
            name: required_text(definition, "name")?,
            description: optional_text(definition, "description")?,
            input_schema: optional_object(definition, "inputSchema")?,
            definition,
        })
    }
}
