use std::mem;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, SizeHint};
use http_body_util::BodyExt;

use super::within::within;

/// LIMIT: how long a body may take between two of its parts.
const PART_WAIT_MAX: Duration = Duration::from_secs(30);
/// LIMIT: for how long a body, as its sender announces it, there is memory before it comes.
const PREPARED_BYTES_MAX: usize = 2 << 20;
/// The part of its length that a body may take in vain.
const SPARE: usize = 4;
/// LIMIT: how long a body may take in all.
const WHOLE_WAIT_MAX: Duration = Duration::from_mins(2);

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("the body is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the body did not come in time")]
    TooSlow,
    #[error("the body ended early")]
    Broken,
}

/// Reads a body of at most `limit` bytes. What is beyond is not read, nor one that is announced to be
/// longer: what becomes of the rest is up to whoever [lent](super::lent) it.
pub async fn read_body<B>(body: B, limit: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let whole = within(WHOLE_WAIT_MAX, pin!(read_parts(body, limit))).await;
    whole.unwrap_or(Err(BodyError::TooSlow))
}

async fn read_parts<B>(mut body: B, limit: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let announced = body.size_hint().lower();
    if announced > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(BodyError::TooLong { limit });
    }
    let mut whole = Parts::expecting(&body.size_hint());
    loop {
        let frame = within(PART_WAIT_MAX, pin!(body.frame()))
            .await
            .map_err(|_| BodyError::TooSlow)?;
        match frame {
            None => return Ok(whole.join()),
            Some(Err(_)) => return Err(BodyError::Broken),
            Some(Ok(frame)) => {
                // Trailers say nothing that is looked at.
                if let Ok(part) = frame.into_data() {
                    whole.push(part);
                }
            }
        }
        if whole.len() > limit {
            return Err(BodyError::TooLong { limit });
        }
    }
}

/// The whole in memory of its own: a part shares that of what else was read with it, all of which
/// would be kept with a message.
#[derive(Debug, Default)]
pub(super) struct Parts {
    first: Bytes,
    all: BytesMut,
    /// How long the whole is, as far as it is worth preparing for.
    expected: usize,
}

// === impl Parts ===

impl Parts {
    pub(super) fn expecting(announced: &SizeHint) -> Self {
        let expected = usize::try_from(announced.lower()).unwrap_or(usize::MAX);
        Self {
            expected: expected.min(PREPARED_BYTES_MAX),
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> usize {
        self.first.len().saturating_add(self.all.len())
    }

    pub(super) fn push(&mut self, part: Bytes) {
        if self.len() == 0 {
            self.first = part;
            return;
        }
        if self.all.is_empty() {
            let needed = self.first.len().saturating_add(part.len());
            self.all.reserve(needed.max(self.expected));
            self.all.extend_from_slice(&mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&part);
    }

    pub(super) fn join(self) -> Bytes {
        let spare = self.all.capacity() - self.all.len();
        if self.all.is_empty() {
            Bytes::copy_from_slice(&self.first)
        } else if spare > self.all.len() / SPARE {
            Bytes::copy_from_slice(&self.all)
        } else {
            self.all.freeze()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body::Frame;

    use super::*;

    struct Chunks(VecDeque<&'static [u8]>);

    impl Body for Chunks {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let next = self.0.pop_front();
            Poll::Ready(next.map(|part| Ok(Frame::data(Bytes::from_static(part)))))
        }
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let check = async |parts: &[&'static [u8]], expected: Result<&'static [u8], BodyError>| {
            let body = Chunks(parts.iter().copied().collect());
            let read = read_body(body, 5).await;
            assert_eq!(read, expected.map(Bytes::from_static), "{parts:?}");
        };
        check(&[], Ok(b"")).await;
        check(&[b"abc"], Ok(b"abc")).await;
        check(&[b"ab", b"", b"cde"], Ok(b"abcde")).await;
        check(&[b"abc", b"def"], Err(BodyError::TooLong { limit: 5 })).await;
    }

    #[tokio::test]
    async fn a_body_takes_little_more_memory_than_it_needs() {
        for parts in [2, 9, 17, 33] {
            let body = Chunks(std::iter::repeat_n(&[b'x'; 1000][..], parts).collect());
            let read = read_body(body, 100_000).await.unwrap();
            let (length, writable) = (read.len(), BytesMut::from(read));
            assert_eq!(length, parts * 1000);
            assert!(writable.capacity() <= length * 5 / 4, "{parts}");
        }
    }

    #[tokio::test]
    async fn a_body_keeps_nothing_that_was_read_with_it() {
        let with_more = Bytes::from(b"abc and more".to_vec());
        let body = http_body_util::Full::new(with_more.slice(..3));
        let read = read_body(body, 5).await.unwrap();
        assert_eq!(&read[..], b"abc");
        assert!(with_more.is_unique());
    }
}
