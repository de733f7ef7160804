use std::io::{self, Read};

use portcullis_mcp::frame::LineDecoder;

use super::LINE_BYTES_MAX;

const READ_BYTES: usize = 8 * 1024;

/// Lines of a peer, one after the other, until it closes its side. One that is too long is an
/// error.
#[derive(Debug)]
pub(super) struct Lines<R> {
    source: R,
    decoder: LineDecoder,
    buffer: Vec<u8>,
}

// === impl Lines ===

impl<R: Read> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            decoder: LineDecoder::new(LINE_BYTES_MAX),
            buffer: vec![0; READ_BYTES],
        }
    }
}

impl<R: Read> Iterator for Lines<R> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.decoder.next_line() {
                return Some(line.map_err(io::Error::other));
            }
            match self.source.read(&mut self.buffer) {
                Ok(0) => return None,
                Ok(count) => self.decoder.push(self.buffer.get(..count)?),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
