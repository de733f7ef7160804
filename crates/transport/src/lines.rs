use std::io;

use portcullis_mcp::frame::{LineDecoder, LineError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How much is asked of a peer's pipe at once: what a Linux pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// Lines from a peer. Empty lines are no lines.
#[derive(Debug)]
pub struct LineReader<R> {
    source: R,
    decoder: LineDecoder,
    buffer: Vec<u8>,
    has_ended: bool,
}

/// Lines to a peer, each handed over whole before the next.
#[derive(Debug)]
pub struct LineWriter<W> {
    sink: W,
    buffer: Vec<u8>,
}

// === impl LineReader ===

impl<R: AsyncRead + Unpin> LineReader<R> {
    /// Lines longer than `line_bytes` are discarded and reported as [`LineError`].
    pub fn new(source: R, line_bytes: usize) -> Self {
        Self {
            source,
            decoder: LineDecoder::new(line_bytes),
            buffer: vec![0; READ_BYTES],
            has_ended: false,
        }
    }

    /// The next line without its end; `None` when the peer has closed its side.
    ///
    /// Dropping the future loses nothing that was read.
    pub async fn next(&mut self) -> io::Result<Option<Result<Vec<u8>, LineError>>> {
        loop {
            if let Some(line) = self.decoder.next_line() {
                return Ok(Some(line));
            }
            if self.has_ended {
                return Ok(None);
            }
            let count = match self.source.read(&mut self.buffer).await {
                Ok(count) => count,
                // A peer that died with our bytes unread resets its socket: its side is closed.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => 0,
                Err(error) => return Err(error),
            };
            if count == 0 {
                self.has_ended = true;
                if let Err(error) = self.decoder.finish() {
                    return Ok(Some(Err(error)));
                }
            } else if let Some(bytes) = self.buffer.get(..count) {
                self.decoder.push(bytes);
            }
        }
    }
}

// === impl LineWriter ===

impl<W: AsyncWrite + Unpin> LineWriter<W> {
    pub fn new(sink: W) -> Self {
        Self {
            sink,
            buffer: Vec::new(),
        }
    }

    /// Writes one line, which must not hold a line feed itself, and hands it to the peer.
    pub async fn send(&mut self, line: &[u8]) -> io::Result<()> {
        self.buffer.clear();
        self.buffer.extend_from_slice(line);
        self.buffer.push(b'\n');
        self.sink.write_all(&self.buffer).await?;
        self.sink.flush().await
    }
}

#[cfg(test)]
mod tests;
