#[cfg(test)]
mod tests;

use memchr::memchr;

/// Cuts a stream of bytes into lines: the framing of stdio.
///
/// Feed it with [`push`](Self::push), then take lines until there are none: it holds no more than
/// one line and what was pushed since.
#[derive(Debug)]
pub struct LineDecoder {
    buffer: Vec<u8>,
    /// The first byte of the buffer that no line has used up.
    start: usize,
    /// No newline lies between `start` and here.
    searched: usize,
    line_bytes_max: usize,
    /// Of a line that is too long, how much is thrown away already.
    discarded: Option<usize>,
}

/// A line that is lost. The lines after it are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    #[error("line of {bytes} bytes is longer than {limit}")]
    TooLong { bytes: usize, limit: usize },
    #[error("stream ended within a line, after {bytes} bytes of it")]
    Partial { bytes: usize },
}

// === impl LineDecoder ===

impl LineDecoder {
    pub fn new(line_bytes_max: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            line_bytes_max,
            discarded: None,
        }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete line without its line break; lines that are empty are left out.
    pub fn next_line(&mut self) -> Option<Result<Vec<u8>, LineError>> {
        loop {
            let Some(mut line) = self.take_through_newline() else {
                self.discard_if_too_long();
                return None;
            };
            if let Err(error) = self.check_length(line.len()) {
                return Some(Err(error));
            }
            line.pop_if(|byte| *byte == b'\r');
            if !line.is_empty() {
                return Some(Ok(line));
            }
        }
    }

    /// What the end of the stream leaves behind: to be called when no line is left.
    pub fn finish(&mut self) -> Result<(), LineError> {
        let bytes = self.buffer.len() - self.start;
        self.buffer.clear();
        self.start = 0;
        self.searched = 0;
        self.check_length(bytes)?;
        if bytes > 0 {
            Err(LineError::Partial { bytes })
        } else {
            Ok(())
        }
    }

    fn take_through_newline(&mut self) -> Option<Vec<u8>> {
        let unsearched = self.buffer.get(self.searched..)?;
        let Some(place) = memchr(b'\n', unsearched) else {
            self.searched = self.buffer.len();
            return None;
        };
        let end = self.searched + place;
        let line = self.buffer.get(self.start..end)?.to_vec();
        self.start = end + 1;
        self.searched = self.start;
        Some(line)
    }

    fn discard_if_too_long(&mut self) {
        let pending = self.buffer.len() - self.start;
        if self.discarded.is_some() || pending > self.line_bytes_max {
            self.discarded = Some(self.discarded.unwrap_or(0).saturating_add(pending));
            self.buffer.clear();
            self.start = 0;
            self.searched = 0;
        }
    }

    /// Ends a line of which `rest` bytes were still in the buffer.
    fn check_length(&mut self, rest: usize) -> Result<(), LineError> {
        let bytes = self.discarded.take().unwrap_or(0).saturating_add(rest);
        if bytes > self.line_bytes_max {
            return Err(LineError::TooLong {
                bytes,
                limit: self.line_bytes_max,
            });
        }
        Ok(())
    }
}
