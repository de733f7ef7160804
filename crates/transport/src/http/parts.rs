use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::mpsc;

/// A body whose parts are made while it is sent. An error breaks the connection off.
#[derive(Debug)]
pub struct PartsBody<E> {
    parts: mpsc::Receiver<Result<Bytes, E>>,
}

// === impl PartsBody ===

impl<E> PartsBody<E> {
    pub fn new(parts: mpsc::Receiver<Result<Bytes, E>>) -> Self {
        Self { parts }
    }
}

impl<E> Body for PartsBody<E> {
    type Data = Bytes;
    type Error = E;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let part = self.get_mut().parts.poll_recv(context);
        part.map(|part| part.map(|part| part.map(Frame::data)))
    }
}
