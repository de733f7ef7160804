//! Where a message ends on a stream of bytes.
mod line;
mod sse;

pub use line::{LineDecoder, LineError};
pub use sse::{SseDecoder, SseError, SseEvent, SseField, write_comment, write_event};
