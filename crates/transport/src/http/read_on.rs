//! A connection that is still read when it can be written no more: servers answer early what they do
//! not want to read to its end, and close.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

/// See the module. Without an answer, reading says that it has ended.
#[derive(Debug)]
pub(super) struct ReadOn<S> {
    stream: S,
    /// Whether the other end takes nothing any more.
    is_unheard: bool,
}

// === impl ReadOn ===

impl<S> ReadOn<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            is_unheard: false,
        }
    }

    /// What is written to nobody counts as written.
    fn note<T>(&mut self, written: io::Result<T>, all: T) -> io::Result<T> {
        written.or_else(|error| match error.kind() {
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
                self.is_unheard = true;
                Ok(all)
            }
            _ => Err(error),
        })
    }
}

impl<S: Write + Unpin> Write for ReadOn<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_unheard {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        Poll::Ready(self.note(written, bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = parts.iter().map(|part| part.len()).sum();
        if self.is_unheard {
            return Poll::Ready(Ok(bytes));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, parts));
        Poll::Ready(self.note(written, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_unheard {
            return Poll::Ready(Ok(()));
        }
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(context));
        Poll::Ready(self.note(flushed, ()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: Read + Unpin> Read for ReadOn<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: Connection> Connection for ReadOn<S> {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

#[cfg(test)]
mod tests {
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn what_was_said_before_the_end_is_heard() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connected = TcpStream::connect(listener.local_addr().unwrap());
        let (connected, accepted) = tokio::join!(connected, listener.accept());
        let mut stream = TokioIo::new(ReadOn::new(TokioIo::new(connected.unwrap())));
        stream.write_all(b"question").await.unwrap();

        let (mut server, _) = accepted.unwrap();
        server.readable().await.unwrap();
        server.write_all(b"early").await.unwrap();
        // With something unread this resets the connection.
        drop(server);
        while !stream.inner().is_unheard {
            stream.write_all(b"the rest of it").await.unwrap();
            tokio::task::yield_now().await;
        }
        stream.write_all(b"and more").await.unwrap();
        stream.flush().await.unwrap();
        let mut heard = [0; 5];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"early");
        assert!(!matches!(stream.read(&mut heard).await, Ok(1..)));
    }
}
