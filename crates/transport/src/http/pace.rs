//! How long a connection may keep its place without a request.
//!
//! A head must come at once; between two requests a connection may rest, for longer than clients
//! keep one for their next request: whoever writes while the other side closes has lost what was
//! written, and only the client knows that it is not about to write.

use std::cell::Cell;
use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

/// LIMIT: how long the head of a request may take, and how long a connection may take to begin the
/// first.
pub(super) const HEAD_WAIT_MAX: Duration = Duration::from_secs(10);
/// LIMIT: how long a connection may rest between two requests. The clients of Go's and Rust's
/// libraries keep one for 90 seconds.
pub(super) const REST_MAX: Duration = Duration::from_mins(2);

/// What a connection does, as its parts see it.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    stage: Rc<Cell<Stage>>,
    /// Since when what is to be written finds no room, because nobody reads.
    blocked: Rc<Cell<Option<Instant>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Reads the head of a request, or waits for the first.
    Head { since: Instant },
    /// Takes a request and answers it.
    Exchange,
    /// Writes the rest of an answer.
    Writing { since: Instant },
    /// Waits for another request.
    Rest { since: Instant },
}

/// The bytes of a connection.
#[derive(Debug)]
pub(super) struct PacedStream<T> {
    stream: T,
    pace: Pace,
}

/// The body of a response, after which the connection rests as soon as it is written.
#[derive(Debug)]
pub(super) struct PacedBody<B> {
    body: B,
    pace: Pace,
}

// === impl Pace ===

impl Pace {
    /// That of a connection which begins.
    pub(super) fn begin() -> Self {
        let since = Instant::now();
        Self {
            stage: Rc::new(Cell::new(Stage::Head { since })),
            blocked: Rc::default(),
        }
    }

    pub(super) fn stream<T>(&self, stream: T) -> PacedStream<T> {
        let pace = self.clone();
        PacedStream { stream, pace }
    }

    pub(super) fn service<S, B>(
        &self,
        service: S,
    ) -> impl Service<
        Request<Incoming>,
        Response = Response<PacedBody<B>>,
        Error = Infallible,
        Future: Future<Output = Result<Response<PacedBody<B>>, Infallible>>,
    >
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        B: Body + Unpin,
    {
        let pace = self.clone();
        service_fn(move |request| {
            pace.stage.set(Stage::Exchange);
            let pace = pace.clone();
            let response = service.call(request);
            async move { Ok(response.await?.map(|body| PacedBody { body, pace })) }
        })
    }

    /// Waits until the connection has waited for too long.
    pub(super) async fn overdue(&self, rest_max: impl Fn() -> Duration) {
        loop {
            let now = Instant::now();
            let next_look = now + HEAD_WAIT_MAX;
            let end = match self.stage.get() {
                Stage::Head { since } => since + HEAD_WAIT_MAX,
                // A slow reader may take its time, if it reads at all.
                Stage::Writing { since } => since + REST_MAX,
                Stage::Rest { since } => since + rest_max(),
                Stage::Exchange => next_look,
            };
            let is_blocked = |since: Instant| since + REST_MAX <= now;
            if end <= now || self.blocked.get().is_some_and(is_blocked) {
                return;
            }
            sleep_until(end.min(next_look)).await;
        }
    }

    fn note_read(&self, bytes: &[u8]) {
        // RFC 9112, 2.2: some clients send an empty line behind a body.
        let begins = bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n'));
        if let (Stage::Rest { .. }, true) = (self.stage.get(), begins) {
            let since = Instant::now();
            self.stage.set(Stage::Head { since });
        }
    }

    fn note_blocked(&self) {
        let since = self.blocked.get().unwrap_or_else(Instant::now);
        self.blocked.set(Some(since));
    }

    fn note_written(&self) {
        if self.blocked.take().is_some()
            && let Stage::Writing { .. } = self.stage.get()
        {
            let since = Instant::now();
            self.stage.set(Stage::Writing { since });
        }
    }

    fn note_write(&self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Pending => self.note_blocked(),
            Poll::Ready(_) => self.note_written(),
        }
    }

    /// Nothing is left to write.
    fn note_flushed(&self) {
        if let Stage::Writing { .. } = self.stage.get() {
            let since = Instant::now();
            self.stage.set(Stage::Rest { since });
        }
    }
}

// === impl PacedStream ===

impl<T: AsyncRead + Unpin> AsyncRead for PacedStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        self.pace.note_read(read);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for PacedStream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.pace.note_write(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.pace.note_flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.pace.note_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

// === impl PacedBody ===

impl<B: Body + Unpin> Body for PacedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for PacedBody<B> {
    fn drop(&mut self) {
        let since = Instant::now();
        self.pace.stage.set(Stage::Writing { since });
    }
}

#[cfg(test)]
mod tests;
