//! What is kept, and who has yet to read it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

/// LIMIT: events that are kept of one conversation, and their bytes; a message that is longer is
/// kept alone.
pub(super) const EVENTS_MAX: usize = 1024;
pub(super) const BYTES_MAX: usize = 4 << 20;

/// The events of all streams of a conversation, oldest first.
#[derive(Debug, Default)]
pub(super) struct Kept {
    events: VecDeque<Event>,
    bytes: usize,
    streams: HashMap<StreamNumber, Stream>,
    last_stream: u64,
    last_sequence: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StreamNumber(pub(super) u64);

#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) stream: StreamNumber,
    /// Counted over all streams.
    pub(super) sequence: u64,
    /// None for an event that is there for its id.
    pub(super) bytes: Bytes,
    pub(super) retry: Option<u64>,
    at: Instant,
}

/// A stream that is not over, or of which something is kept.
#[derive(Debug)]
struct Stream {
    last: u64,
    /// The last of its events that is not kept any more.
    dropped: Option<u64>,
    kept: usize,
    is_over: bool,
    /// The last event that its reader took.
    taken: u64,
    /// Told when there is more to read, and when the reader is none any more; it is known by this.
    reader: Option<Arc<Notify>>,
}

/// What a reader finds.
#[derive(Debug)]
pub(super) enum Next {
    Event(Event),
    Later,
    Over,
}

// === impl Kept ===

impl Kept {
    /// A stream, and the news for its first reader.
    pub(super) fn begin(&mut self) -> (StreamNumber, Arc<Notify>) {
        self.last_stream += 1;
        let number = StreamNumber(self.last_stream);
        let news = Arc::new(Notify::new());
        let stream = Stream {
            last: self.last_sequence,
            dropped: None,
            kept: 0,
            is_over: false,
            taken: self.last_sequence,
            reader: Some(Arc::clone(&news)),
        };
        self.streams.insert(number, stream);
        (number, news)
    }

    /// The news for a reader that goes on after this event; `None` unless all that follows is kept.
    pub(super) fn attach(&mut self, number: StreamNumber, after: u64) -> Option<Arc<Notify>> {
        let kept = self
            .events
            .binary_search_by_key(&after, |event| event.sequence);
        let event = kept.ok().and_then(|index| self.events.get(index));
        let stream = self.streams.get_mut(&number)?;
        let is_its_own = match event {
            Some(event) => event.stream == number,
            None => stream.dropped == Some(after),
        };
        if !is_its_own {
            return None;
        }
        stream.detach();
        let news = Arc::new(Notify::new());
        stream.taken = after;
        stream.reader = Some(Arc::clone(&news));
        Some(news)
    }

    /// Whether the reader of this stream has yet to read just this.
    pub(super) fn is_unread(&self, number: StreamNumber, bytes: &[u8]) -> bool {
        let taken = self.streams.get(&number).map(|stream| stream.taken);
        let mut unread = self.after(taken.unwrap_or(self.last_sequence));
        unread.any(|event| event.stream == number && event.bytes == bytes)
    }

    /// Drops the oldest that nobody has yet to read until so much more can be kept. Whether it can.
    pub(super) fn make_room(&mut self, bytes: usize) -> bool {
        while self.is_full(bytes) {
            let oldest = self.events.iter().position(|event| !self.is_due(event));
            match oldest {
                Some(index) => self.drop_event(index),
                None => return false,
            }
        }
        true
    }

    /// Like [`Self::make_room`], with the readers detached that are furthest behind.
    pub(super) fn force_room(&mut self, bytes: usize) {
        while !self.make_room(bytes) {
            self.detach_oldest();
        }
    }

    pub(super) fn push(
        &mut self,
        number: StreamNumber,
        bytes: Bytes,
        retry: Option<u64>,
        at: Instant,
    ) {
        let Some(stream) = self.streams.get_mut(&number) else {
            return;
        };
        self.last_sequence += 1;
        self.bytes = self.bytes.saturating_add(bytes.len());
        stream.last = self.last_sequence;
        stream.kept += 1;
        self.events.push_back(Event {
            stream: number,
            sequence: self.last_sequence,
            bytes,
            retry,
            at,
        });
        stream.tell();
    }

    /// The next event for a reader.
    pub(super) fn take(&mut self, number: StreamNumber, news: &Arc<Notify>) -> Next {
        let Some(stream) = self.streams.get(&number) else {
            return Next::Over;
        };
        if !stream.is_known_by(news) {
            return Next::Over;
        }
        let (taken, last, is_over) = (stream.taken, stream.last, stream.is_over);
        let unread = (taken < last)
            .then(|| self.after(taken).find(|event| event.stream == number))
            .flatten()
            .cloned();
        match (unread, self.streams.get_mut(&number)) {
            (Some(event), Some(stream)) => {
                stream.taken = event.sequence;
                Next::Event(event)
            }
            _ if is_over => Next::Over,
            _ => Next::Later,
        }
    }

    /// Nothing more comes on this stream.
    pub(super) fn close(&mut self, number: StreamNumber) {
        if let Some(stream) = self.streams.get_mut(&number) {
            stream.is_over = true;
            stream.tell();
        }
        self.forget_stream_if_done(number);
    }

    /// Nothing more comes on this stream, and what was read of it is not kept.
    pub(super) fn end(&mut self, number: StreamNumber) {
        let is_read = |kept: &Self| {
            let mut events = kept.events.iter();
            events.position(|event| event.stream == number && !kept.is_due(event))
        };
        while let Some(index) = is_read(self) {
            self.drop_event(index);
        }
        self.close(number);
    }

    pub(super) fn detach(&mut self, number: StreamNumber, news: &Arc<Notify>) {
        if let Some(stream) = self.streams.get_mut(&number)
            && stream.is_known_by(news)
        {
            stream.reader = None;
        }
        self.forget_stream_if_done(number);
    }

    pub(super) fn is_reader(&self, number: StreamNumber, news: &Arc<Notify>) -> bool {
        let stream = self.streams.get(&number);
        stream.is_some_and(|stream| stream.is_known_by(news))
    }

    pub(super) fn is_read(&self, number: StreamNumber) -> bool {
        let stream = self.streams.get(&number);
        stream.is_some_and(|stream| stream.reader.is_some())
    }

    pub(super) fn is_over(&self, number: StreamNumber) -> bool {
        self.streams
            .get(&number)
            .is_none_or(|stream| stream.is_over)
    }

    /// Drops what is older than this, and closes streams that are so far behind.
    pub(super) fn expire(&mut self, oldest: Instant) {
        while self.events.front().is_some_and(|event| event.at < oldest) {
            self.detach_oldest();
            self.drop_event(0);
        }
    }

    /// Drops all that nobody has yet to read.
    pub(super) fn forget(&mut self) {
        while let Some(index) = self.events.iter().position(|event| !self.is_due(event)) {
            self.drop_event(index);
        }
    }

    fn is_full(&self, bytes: usize) -> bool {
        let is_too_much = self.bytes.saturating_add(bytes) > BYTES_MAX;
        self.events.len() >= EVENTS_MAX || (is_too_much && !self.events.is_empty())
    }

    /// Whether a reader has yet to read it.
    fn is_due(&self, event: &Event) -> bool {
        let stream = self.streams.get(&event.stream);
        stream.is_some_and(|stream| stream.reader.is_some() && stream.taken < event.sequence)
    }

    fn after(&self, sequence: u64) -> impl Iterator<Item = &Event> {
        let events = &self.events;
        events.range(events.partition_point(|event| event.sequence <= sequence)..)
    }

    /// The oldest event is not kept for its reader any more.
    fn detach_oldest(&mut self) {
        if let Some(event) = self.events.front()
            && self.is_due(event)
            && let Some(stream) = self.streams.get_mut(&event.stream)
        {
            stream.detach();
        }
    }

    fn drop_event(&mut self, index: usize) {
        let Some(event) = self.events.remove(index) else {
            return;
        };
        self.bytes = self.bytes.saturating_sub(event.bytes.len());
        if let Some(stream) = self.streams.get_mut(&event.stream) {
            stream.kept = stream.kept.saturating_sub(1);
            stream.dropped = Some(event.sequence);
        }
        self.forget_stream_if_done(event.stream);
    }

    fn forget_stream_if_done(&mut self, number: StreamNumber) {
        let stream = self.streams.get(&number);
        let is_done =
            |stream: &Stream| stream.is_over && stream.kept == 0 && stream.reader.is_none();
        if stream.is_some_and(is_done) {
            self.streams.remove(&number);
        }
    }
}

// === impl Stream ===

impl Stream {
    fn is_known_by(&self, news: &Arc<Notify>) -> bool {
        let reader = self.reader.as_ref();
        reader.is_some_and(|reader| Arc::ptr_eq(reader, news))
    }

    fn tell(&self) {
        if let Some(reader) = &self.reader {
            reader.notify_one();
        }
    }

    fn detach(&mut self) {
        self.tell();
        self.reader = None;
    }
}
