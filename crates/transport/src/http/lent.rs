//! Bodies that are not read.
//!
//! A client whose connection is closed while it writes does not get to read the answer. So what a
//! handler leaves of a request is read before the answer is written, and thrown away.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;

/// LIMIT: how much of a body is thrown away, and for how long.
const DISCARDED_BYTES_MAX: usize = 64 << 20;
const DISCARD_WAIT_MAX: Duration = Duration::from_secs(5);

/// A body that is given back when it is dropped.
#[derive(Debug)]
pub struct LentBody<B> {
    /// `None` once it is given back.
    body: Option<B>,
    was_read: bool,
    back: Arc<Mutex<Option<Rest<B>>>>,
}

/// Where a body is given back.
#[derive(Debug)]
pub struct Lender<B>(Arc<Mutex<Option<Rest<B>>>>);

/// What is left of a body.
#[derive(Debug)]
struct Rest<B> {
    body: B,
    /// Whether any of it was asked for.
    was_read: bool,
}

pub fn lend<B>(body: B) -> (LentBody<B>, Lender<B>) {
    let back = Arc::new(Mutex::new(None));
    let lent = LentBody {
        body: Some(body),
        was_read: false,
        back: Arc::clone(&back),
    };
    (lent, Lender(back))
}

// === impl LentBody ===

impl<B: Body + Unpin> Body for LentBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.get_mut();
        this.was_read = true;
        match &mut this.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl<B> Drop for LentBody<B> {
    fn drop(&mut self) {
        let was_read = self.was_read;
        let rest = self.body.take().map(|body| Rest { body, was_read });
        *self.back.lock().unwrap_or_else(PoisonError::into_inner) = rest;
    }
}

// === impl Lender ===

impl<B> Lender<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// Throws away what was left unread, within bounds. If the client waits to be asked for its body,
    /// it is not asked for what nobody wants.
    pub async fn discard(self, waits: bool) {
        let rest = {
            let mut back = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            back.take()
        };
        let Some(Rest { mut body, was_read }) = rest else {
            return;
        };
        if waits && !was_read {
            return;
        }
        let work = async {
            let mut bytes = 0;
            while bytes < DISCARDED_BYTES_MAX
                && let Some(Ok(frame)) = body.frame().await
            {
                bytes += frame.data_ref().map_or(0, Bytes::len);
            }
        };
        // Whether or not that was all of it, the answer follows.
        timeout(DISCARD_WAIT_MAX, work).await.ok();
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// So many chunks, and how often their end was seen.
    struct Chunks<'t>(usize, &'t AtomicUsize);

    impl Body for Chunks<'_> {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.0 == 0 {
                self.1.fetch_add(1, Ordering::Relaxed);
                return Poll::Ready(None);
            }
            self.0 -= 1;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    #[tokio::test]
    async fn what_is_left_of_a_body_is_thrown_away_unless_it_was_never_asked_for() {
        let check = async |read: usize, waits: bool, expected: usize| {
            let ends = AtomicUsize::new(0);
            let (mut lent, lender) = lend(Chunks(3, &ends));
            for _ in 0..read {
                lent.frame().await.unwrap().unwrap();
            }
            drop(lent);
            lender.discard(waits).await;
            assert_eq!(ends.into_inner(), expected, "{read} {waits}");
        };
        check(0, false, 1).await;
        check(1, false, 1).await;
        check(1, true, 1).await;
        check(0, true, 0).await;
    }
}
