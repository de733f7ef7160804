use portcullis_mcp::MESSAGE_BYTES_DEFAULT;
use portcullis_mcp::frame::{SseDecoder, SseError, SseEvent, write_event};

/// LIMIT: an event of the decoder, so that short inputs have events that are too long.
const EVENT_BYTES: usize = 40;

type Events = (Vec<Result<SseEvent, SseError>>, Result<(), SseError>);

/// A byte that says how many bytes come at a time, then a stream of Server-Sent Events.
///
/// It says the same however it comes, and each event can be written and is read again as it was.
pub fn sse(data: &[u8]) {
    let Some((chunk, stream)) = data.split_first() else {
        return;
    };
    let size = usize::from(*chunk).max(1);
    let whole = decode(std::iter::once(stream));
    assert_eq!(decode(stream.chunks(size)), whole);
    for event in whole.0.into_iter().flatten() {
        check_event(event);
    }
}

fn decode<'s>(chunks: impl Iterator<Item = &'s [u8]>) -> Events {
    let mut decoder = SseDecoder::new(EVENT_BYTES);
    let mut taken = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(event) = decoder.next_event() {
            taken.push(event);
        }
    }
    (taken, decoder.finish())
}

fn check_event(mut event: SseEvent) {
    let data_bytes = event.data.as_ref().map_or(0, Vec::len);
    assert!(data_bytes <= EVENT_BYTES);
    // What is written always has a name, unless that could forge an event.
    let name = event.event.take().unwrap_or_default();
    event.event = (!name.contains('\0')).then_some(name.clone());
    let mut written = Vec::new();
    write_event(
        &mut written,
        &name,
        event.id.as_deref(),
        event.retry,
        event.data.as_deref(),
    );
    let mut decoder = SseDecoder::new(MESSAGE_BYTES_DEFAULT);
    decoder.push(&written);
    let is_empty = event == SseEvent::default();
    assert_eq!(decoder.next_event(), (!is_empty).then_some(Ok(event)));
    assert_eq!(decoder.next_event(), None);
    assert_eq!(decoder.finish(), Ok(()));
}
