mod block;
#[cfg(test)]
mod tests;
mod write;

pub use write::{write_comment, write_event};

use block::Block;
use memchr::memchr2;

/// Of the memory that a long event took, how much is kept for the next.
const KEPT_BYTES: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One block of a stream that has at least one field that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseEvent {
    pub event: Option<String>,
    pub id: Option<String>,
    /// Milliseconds.
    pub retry: Option<u64>,
    /// Not necessarily UTF-8. `Some` and empty for a block with an empty `data` field, which a
    /// client of a browser would not be told of.
    pub data: Option<Vec<u8>>,
}

/// An event that is lost. The events after it are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    #[error("event is longer than {limit} bytes")]
    EventTooLong { limit: usize },
    #[error("`{field}` of an event is not UTF-8")]
    NotUtf8 { field: SseField },
    #[error("stream ended within an event, after {bytes} bytes of it")]
    Partial { bytes: usize },
}

/// A field whose value is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SseField {
    Event,
    Id,
}

/// Cuts a stream of bytes into Server-Sent Events.
///
/// Feed it with [`push`](Self::push), then take events until there are none: it holds no more than
/// one event and what was pushed since.
#[derive(Debug)]
pub struct SseDecoder {
    buffer: Vec<u8>,
    /// The first byte of the buffer that is not read yet.
    start: usize,
    /// The beginning of a line whose end has not come; of a line of a lost block one byte.
    line: Vec<u8>,
    block: Block,
    event_bytes_max: usize,
    /// Whether it is settled that the stream has no byte order mark, or one that is read.
    is_begun: bool,
    /// Whether the last line ended with CR, so that LF would still belong to its end.
    is_after_return: bool,
    /// Whether the block was too long, so that the rest of it is thrown away.
    is_block_lost: bool,
}

// === impl SseEvent ===

impl SseEvent {
    pub fn is_message(&self) -> bool {
        matches!(self.event.as_deref(), None | Some("" | "message"))
    }
}

// === impl SseField ===

impl std::fmt::Display for SseField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Event => "event",
            Self::Id => "id",
        })
    }
}

// === impl SseDecoder ===

impl SseDecoder {
    /// The limit is for the lines of an event that have a known field, and the line at hand.
    pub fn new(event_bytes_max: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            line: Vec::new(),
            block: Block::default(),
            event_bytes_max,
            is_begun: false,
            is_after_return: false,
            is_block_lost: false,
        }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        // Only what is the smaller part is moved, which keeps many small pushes linear.
        if self.start > self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next block that has a known field; others are left out.
    pub fn next_event(&mut self) -> Option<Result<SseEvent, SseError>> {
        if !self.is_begun {
            self.skip_byte_order_mark()?;
        }
        loop {
            self.skip_line_feed();
            let Some(length) = line_break(self.unread()) else {
                return self.keep_unread().map(Err);
            };
            let outcome = self.end_line(length);
            if outcome.is_some() {
                return outcome;
            }
        }
    }

    /// What the end of the stream leaves behind: to be called when no event is left.
    pub fn finish(&mut self) -> Result<(), SseError> {
        let mut ended = std::mem::replace(self, Self::new(self.event_bytes_max));
        if ended.is_block_lost {
            return Ok(());
        }
        let unread = ended.buffer.get(ended.start..).unwrap_or_default();
        ended.line.extend_from_slice(unread);
        if ended.line.starts_with(b":") {
            ended.line.clear();
        }
        match ended.block.bytes() + ended.line.len() {
            0 => Ok(()),
            bytes => Err(SseError::Partial { bytes }),
        }
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// `None`: too little has come to know whether there is one.
    fn skip_byte_order_mark(&mut self) -> Option<()> {
        let unread = self.unread();
        if unread.starts_with(BYTE_ORDER_MARK) {
            self.start += BYTE_ORDER_MARK.len();
        } else if BYTE_ORDER_MARK.starts_with(unread) {
            return None;
        }
        self.is_begun = true;
        Some(())
    }

    fn skip_line_feed(&mut self) {
        if let (true, Some(first)) = (self.is_after_return, self.unread().first()) {
            self.start += usize::from(*first == b'\n');
            self.is_after_return = false;
        }
    }

    /// Reads a line of which the last `length` bytes are unread, and the block if it ends with it.
    fn end_line(&mut self, length: usize) -> Option<Result<SseEvent, SseError>> {
        let (rest_of_line, rest) = self.buffer.get(self.start..)?.split_at_checked(length)?;
        self.is_after_return = rest.first() == Some(&b'\r');
        self.start += length + 1;

        let is_blank = self.line.is_empty() && rest_of_line.is_empty();
        if self.is_block_lost {
            self.is_block_lost = !is_blank;
            self.line.clear();
            return None;
        }
        if is_blank {
            return std::mem::take(&mut self.block).into_event();
        }
        if self.block.bytes() + self.line.len() + length > self.event_bytes_max {
            self.line.clear();
            return Some(Err(self.lose_block()));
        }
        if self.line.is_empty() {
            self.block.read_line(rest_of_line);
        } else {
            self.line.extend_from_slice(rest_of_line);
            self.block.take_line(std::mem::take(&mut self.line));
        }
        None
    }

    /// Takes what is unread for the beginning of a line.
    fn keep_unread(&mut self) -> Option<SseError> {
        let unread = self.buffer.get(self.start..).unwrap_or_default();
        self.line.extend_from_slice(unread);
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BYTES);
        self.start = 0;
        let is_too_long = self.block.bytes() + self.line.len() > self.event_bytes_max;
        let error = (is_too_long && !self.is_block_lost).then(|| self.lose_block());
        if self.is_block_lost {
            self.line.truncate(1);
            self.line.shrink_to(KEPT_BYTES);
        }
        error
    }

    fn lose_block(&mut self) -> SseError {
        self.block = Block::default();
        self.is_block_lost = true;
        SseError::EventTooLong {
            limit: self.event_bytes_max,
        }
    }
}

/// Where the first CR or LF is.
fn line_break(bytes: &[u8]) -> Option<usize> {
    memchr2(b'\n', b'\r', bytes)
}
