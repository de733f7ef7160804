use std::sync::Arc;

use portcullis_json::Value;

use super::{ViewError, optional_text, required_text};

/// One content block of a tool result, a prompt or a sampling message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Content<'v> {
    Text(&'v Arc<str>),
    /// Base64, not decoded.
    Image {
        data: &'v Arc<str>,
        mime_type: Option<&'v Arc<str>>,
    },
    /// Base64, not decoded.
    Audio {
        data: &'v Arc<str>,
        mime_type: Option<&'v Arc<str>>,
    },
    Resource(ResourceContents<'v>),
    ResourceLink {
        uri: &'v Arc<str>,
        block: &'v Value,
    },
    /// A type we do not know: to be inspected as plain JSON or refused, never skipped.
    Unknown {
        block: &'v Value,
    },
}

/// What a resource holds: an element of `contents`, or what a content block embeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResourceContents<'v> {
    pub uri: &'v Arc<str>,
    pub mime_type: Option<&'v Arc<str>>,
    pub text: Option<&'v Arc<str>>,
    /// Base64, not decoded.
    pub blob: Option<&'v Arc<str>>,
}

/// The blocks of a `content` member: an array, or a single block as in sampling.
pub fn content(content: &Value) -> Result<Vec<Content<'_>>, ViewError> {
    match content {
        Value::Array(blocks) => blocks.iter().map(Content::read).collect(),
        block => Content::read(block).map(|block| vec![block]),
    }
}

// === impl Content ===

impl<'v> Content<'v> {
    pub fn read(block: &'v Value) -> Result<Self, ViewError> {
        Ok(match &**required_text(block, "type")? {
            "text" => Self::Text(required_text(block, "text")?),
            "image" => Self::Image {
                data: required_text(block, "data")?,
                mime_type: optional_text(block, "mimeType")?,
            },
            "audio" => Self::Audio {
                data: required_text(block, "data")?,
                mime_type: optional_text(block, "mimeType")?,
            },
            "resource" => {
                let missing = ViewError {
                    member: "resource",
                    expected: "an object",
                };
                Self::Resource(ResourceContents::read(
                    block.get("resource").ok_or(missing)?,
                )?)
            }
            "resource_link" => Self::ResourceLink {
                uri: required_text(block, "uri")?,
                block,
            },
            _ => Self::Unknown { block },
        })
    }
}

// === impl ResourceContents ===

impl<'v> ResourceContents<'v> {
    pub fn read(contents: &'v Value) -> Result<Self, ViewError> {
        Ok(Self {
            uri: required_text(contents, "uri")?,
            mime_type: optional_text(contents, "mimeType")?,
            text: optional_text(contents, "text")?,
            blob: optional_text(contents, "blob")?,
        })
    }
}
