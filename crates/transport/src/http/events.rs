use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use portcullis_mcp::frame::write_comment;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep};

/// A body of Server-Sent Events, which ends when all who may send to it are gone.
///
/// While nothing is sent it says so now and then, lest somebody between takes it for dead.
#[derive(Debug)]
pub struct EventBody<T, G> {
    first: Option<T>,
    parts: mpsc::Receiver<T>,
    write: fn(T, &mut Vec<u8>),
    keep_alive: Duration,
    /// When the next sign of life is due.
    due: Pin<Box<Sleep>>,
    /// Dropped with the body, which tells that the client is gone or has all.
    _guard: G,
}

// === impl EventBody ===

impl<T, G> EventBody<T, G> {
    /// `write` may write nothing for a part.
    pub fn new(
        first: Option<T>,
        parts: mpsc::Receiver<T>,
        write: fn(T, &mut Vec<u8>),
        keep_alive: Duration,
        guard: G,
    ) -> Self {
        Self {
            first,
            parts,
            write,
            keep_alive,
            due: Box::pin(sleep(keep_alive)),
            _guard: guard,
        }
    }

    /// What can be sent now; `None` at the end.
    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        loop {
            let part = match self.first.take() {
                Some(part) => Poll::Ready(Some(part)),
                None => self.parts.poll_recv(context),
            };
            match part {
                Poll::Ready(Some(part)) => (self.write)(part, &mut bytes),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending if self.due.as_mut().poll(context).is_pending() => {
                    return Poll::Pending;
                }
                Poll::Pending => write_comment(&mut bytes),
            }
            if !bytes.is_empty() {
                return Poll::Ready(Some(bytes));
            }
        }
    }
}

impl<T: Unpin, G: Unpin> Body for EventBody<T, G> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let bytes = match this.poll_bytes(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(bytes)) => bytes,
        };
        this.due.as_mut().reset(Instant::now() + this.keep_alive);
        Poll::Ready(Some(Ok(Frame::data(bytes.into()))))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_idle_stream_shows_that_it_lives() {
        let (sender, parts) = mpsc::channel(1);
        let write = |part: &'static str, out: &mut Vec<u8>| out.extend_from_slice(part.as_bytes());
        let mut body = EventBody::new(Some(""), parts, write, Duration::from_secs(15), ());
        let begun = Instant::now();
        let next = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(next, ":\n\n");
        assert_eq!(begun.elapsed(), Duration::from_secs(15));
        sender.send("data: 1\n\n").await.unwrap();
        let next = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(next, "data: 1\n\n");
        drop(sender);
        assert!(body.frame().await.is_none());
    }
}
