//! What the base64 of blobs says, where that is text.
//!
//! Clients decode what a server calls `text/plain` and show it to the model, and so do some with
//! what has no type or another one. What is text is seen as text, whatever it is called.

mod text;

use std::fmt;

use portcullis_json::{Object, Value};

use self::text::{Kind, Stop, texts};

/// LIMIT: bytes of text that the blobs of one message may say. A message with more is refused:
/// what is not seen must not pass. What is no text is not counted.
const TEXT_BYTES_MAX: usize = 8 << 20;
/// The texts that the blobs of one message say.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    texts: Vec<String>,
    bytes: usize,
}

/// Why the blobs of a message cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlobError {
    NotBase64 { member: &'static str },
    TooMuchText,
}

// === impl Blobs ===

impl Blobs {
    /// Reads the blobs of a result, which the protocol says are base64.
    pub(super) fn read_result(&mut self, method: &str, result: &Object) -> Result<(), BlobError> {
        match method {
            "tools/call" | "tasks/result" | "sampling/createMessage" => {
                self.read_content(result.get("content"))?;
            }
            "resources/read" => {
                for contents in items(result.get("contents")) {
                    self.read("blob", contents)?;
                }
            }
            "prompts/get" => self.read_messages(result.get("messages"))?,
            "tasks/get" => self.read_task(result)?,
            _ => return Ok(()),
        }
        self.read_input_requests(result.get("inputRequests"))
    }

    /// Reads the blobs of a request or a notification.
    pub(super) fn read_params(&mut self, method: &str, params: &Object) -> Result<(), BlobError> {
        match method {
            "sampling/createMessage" => self.read_messages(params.get("messages")),
            "notifications/tasks" => {
                self.read_task(params)?;
                self.read_input_requests(params.get("inputRequests"))
            }
            _ => self.read_input_responses(params.get("inputResponses")),
        }
    }

    /// Reads the blobs of one content block or a list of them.
    pub(super) fn read_content(&mut self, content: Option<&Value>) -> Result<(), BlobError> {
        for block in items(content) {
            match block.get("type").and_then(Value::as_str) {
                Some("image" | "audio") => self.read("data", block)?,
                Some("resource") => {
                    if let Some(contents) = block.get("resource") {
                        self.read("blob", contents)?;
                    }
                }
                Some("tool_result") => self.read_content(block.get("content"))?,
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn into_texts(self) -> Vec<String> {
        self.texts
    }

    fn read_messages(&mut self, messages: Option<&Value>) -> Result<(), BlobError> {
        for message in items(messages) {
            self.read_content(message.get("content"))?;
        }
        Ok(())
    }

    /// SPEC: MCP 2026-07-28, Tasks: what the task came to stands in the task.
    fn read_task(&mut self, task: &Object) -> Result<(), BlobError> {
        let result = task.get("result");
        self.read_content(result.and_then(|result| result.get("content")))
    }

    fn read_input_requests(&mut self, requests: Option<&Value>) -> Result<(), BlobError> {
        for (_, request) in members(requests) {
            let params = request.get("params");
            self.read_messages(params.and_then(|params| params.get("messages")))?;
        }
        Ok(())
    }

    /// Only what a model said has a role; what a person filled in is no content block.
    fn read_input_responses(&mut self, responses: Option<&Value>) -> Result<(), BlobError> {
        for (_, response) in members(responses) {
            if response.get("role").is_some() {
                self.read_content(response.get("content"))?;
            }
        }
        Ok(())
    }

    fn read(&mut self, member: &'static str, holder: &Value) -> Result<(), BlobError> {
        let Some(written) = holder.get(member).and_then(Value::as_str) else {
            return Ok(());
        };
        let mime_type = holder.get("mimeType").and_then(Value::as_str);
        let kind = Kind::of(mime_type.unwrap_or_default());
        let texts = texts(written, kind, TEXT_BYTES_MAX.saturating_sub(self.bytes));
        let texts = texts.map_err(|stop| match stop {
            Stop::NotBase64 => BlobError::NotBase64 { member },
            Stop::TooMuchText => BlobError::TooMuchText,
        })?;
        for text in texts {
            self.bytes = self.bytes.saturating_add(text.len());
            self.texts.push(text);
        }
        Ok(())
    }
}

fn items(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    let members = value.and_then(Value::as_object).into_iter();
    members.flat_map(|object| object.iter().map(|(name, value)| (&**name, value)))
}

// === impl BlobError ===

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBase64 { member } => write!(f, "a `{member}` is not base64"),
            Self::TooMuchText => write!(f, "its blobs say more than {TEXT_BYTES_MAX} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn a_message_may_not_say_more_in_blobs_than_is_shown() {
        let image = |length: usize, byte: u8| {
            let mut image = Object::new();
            image.insert("type", "image");
            image.insert("mimeType", "image/png");
            image.insert("data", STANDARD.encode(vec![byte; length]));
            Value::from(image)
        };
        let check = |blocks: Vec<Value>, expected: Result<(), BlobError>| {
            let read = Blobs::default().read_content(Some(&blocks.into()));
            assert_eq!(read, expected);
        };
        let half = TEXT_BYTES_MAX / 2;
        check(vec![image(half, b'a'), image(half, b'b')], Ok(()));
        let more = vec![image(half, b'a'), image(half + 1, b'b')];
        check(more, Err(BlobError::TooMuchText));
        // What is no text may have any length.
        check(vec![image(TEXT_BYTES_MAX + 1, 0xff)], Ok(()));
    }
}
