use proptest::prelude::*;

use super::*;
use crate::MESSAGE_BYTES_DEFAULT;

const MAX: usize = 40;

/// What comes out of `chunks`, in the words of a reader.
fn decode(chunks: &[&[u8]]) -> Vec<String> {
    let mut decoder = SseDecoder::new(MAX);
    let mut seen = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(event) = decoder.next_event() {
            seen.push(match event {
                Ok(event) => shown(&event),
                Err(error) => error.to_string(),
            });
        }
        assert!(decoder.buffer.len() + decoder.line.len() <= MAX + 2);
    }
    seen.extend(decoder.finish().err().map(|error| error.to_string()));
    assert_eq!(decoder.finish(), Ok(()), "the end is reported once");
    seen
}

/// The fields in alphabetical order, those that are absent left out.
fn shown(event: &SseEvent) -> String {
    let data = event.data.as_deref().map(|data| data.escape_ascii());
    let fields = [
        data.map(|data| format!("data={data}")),
        event.event.as_ref().map(|event| format!("event={event}")),
        event.id.as_ref().map(|id| format!("id={id}")),
        event.retry.map(|retry| format!("retry={retry}")),
    ];
    fields.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn check(stream: impl AsRef<[u8]>, expected: &[&str]) {
    let stream = stream.as_ref();
    let name = stream.escape_ascii();
    assert_eq!(decode(&[stream]), expected, "{name} at once");
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(decode(&bytes), expected, "{name} byte by byte");
    for place in 0..=stream.len() {
        let (left, right) = stream.split_at(place);
        assert_eq!(decode(&[left, right]), expected, "{name} split at {place}");
    }
}

/// Row 88.
#[test]
fn lines_end_with_lf_crlf_or_cr() {
    check("", &[]);
    check("data: a\n\ndata: b\n\n", &["data=a", "data=b"]);
    check("data: a\r\n\r\ndata: b\r\n\r\n", &["data=a", "data=b"]);
    check("data: a\r\rdata: b\r\r", &["data=a", "data=b"]);
    check("data: a\n\rdata: b\r\r\n", &["data=a", "data=b"]);
    check(
        "data: a\ndata: b\r\ndata: c\rid: 1\n\n",
        &["data=a\\nb\\nc id=1"],
    );
    check("\r\n\n\r\r\n", &[]);
}

/// Row 89.
#[test]
fn fields_are_read_as_html_has_it() {
    check("data:a\n\n", &["data=a"]);
    check("data:  a\n\n", &["data= a"]);
    check("data: a: b\n\n", &["data=a: b"]);
    check("data\n\n", &["data="]);
    check("data:\ndata: \n\n", &["data=\\n"]);
    check("data: a\ndata: b\n\n", &["data=a\\nb"]);
    check(
        "event: message\nid: 1\nretry: 5\ndata: a\n\n",
        &["data=a event=message id=1 retry=5"],
    );
    check("event: a\nevent: b\nid: 1\nid: 2\n\n", &["event=b id=2"]);
    check("Data: a\n data: b\ndataa: c\nd: e\n\n", &[]);
    check(": keep-alive\n\n:\n\n:data: a\n\n", &[]);
    check(":a\ndata: b\n:c\n\n", &["data=b"]);
    check("\u{feff}data: a\n\n\u{feff}data: b\n\n", &["data=a"]);
    check("\u{feff}\u{feff}data: a\n\n", &[]);
    check("\u{feff}", &[]);
    check("retry: 1a\n\n", &[]);
    check("retry: +1\n\nretry:\n\n", &[]);
    check("retry: 99999999999999999999\nid: 1\n\n", &["id=1"]);
    check("id: a\0\ndata: b\n\n", &["data=b"]);
}

#[test]
fn blocks_without_data_are_events_too() {
    check("id: 1\ndata:\n\n", &["data= id=1"]);
    check("id: 1\n\n", &["id=1"]);
    check("id\n\n", &["id="]);
    check("event: ping\n\n", &["event=ping"]);
    check("retry: 3000\n\n", &["retry=3000"]);
}

/// Rows 90 and 91.
#[test]
fn messages_have_no_name_or_that_of_messages() {
    let check = |name: Option<&str>, expected: bool| {
        let event = SseEvent {
            event: name.map(str::to_owned),
            ..SseEvent::default()
        };
        assert_eq!(event.is_message(), expected, "{name:?}");
    };
    check(None, true);
    check(Some(""), true);
    check(Some("message"), true);
    check(Some("Message"), false);
    check(Some("endpoint"), false);
    check(Some("ping"), false);
}

#[test]
fn data_is_bytes_and_names_are_text() {
    check(b"data: \xff\xfe\n\n", &["data=\\xff\\xfe"]);
    check(
        b"id: \xff\ndata: a\n\ndata: b\n\n",
        &["`id` of an event is not UTF-8", "data=b"],
    );
    check(
        b"event: \xff\nid: \xff\nevent: a\n\ndata: b\n\n",
        &["`event` of an event is not UTF-8", "data=b"],
    );
}

/// Row 92.
#[test]
fn event_without_its_blank_line_is_none() {
    let partial = |bytes: usize| format!("stream ended within an event, after {bytes} bytes of it");
    check("data: a\n", &[&partial(7)]);
    check("data: a", &[&partial(7)]);
    check("data: a\r\n", &[&partial(7)]);
    check("data: a\n\nda", &["data=a", &partial(2)]);
    check("id: 1\ndata: a", &[&partial(12)]);
    check(b"data: \xe2\x82", &[&partial(8)]);
    check(b"\xef\xbb", &[&partial(2)]);
    check(": bye\n", &[]);
    check("data: a\n\n: bye", &["data=a"]);
}

/// Row 93.
#[test]
fn long_event_is_reported_once_and_the_next_is_read() {
    let long = "event is longer than 40 bytes";
    let fits = "x".repeat(MAX - 6);
    check(format!("data: {fits}\n\n"), &[&format!("data={fits}")]);
    check(format!("data: {fits}x\n\nid: 1\n\n"), &[long, "id=1"]);
    check(format!("data: {fits}\nid\n\nid: 1\n\n"), &[long, "id=1"]);
    check(format!("data: {fits}xxx"), &[long]);
    let lines = "data: 0123456789\r\n".repeat(20);
    check(format!("{lines}\r\nid: 1\r\n\r\n"), &[long, "id=1"]);
    let lines = "data: 0123456789\r".repeat(20);
    check(format!("{lines}\rid: 1\r\r"), &[long, "id=1"]);
    check(
        format!("{lines}\r{lines}\rid: 1\r\r"),
        &[long, long, "id=1"],
    );
    check(
        format!(":{}\n\nid: 1\n\n", "x".repeat(MAX)),
        &[long, "id=1"],
    );
    let comments = ": a comment\n".repeat(20);
    check(format!("id: 1\n{comments}\n"), &["id=1"]);
}

#[test]
fn endless_event_takes_no_memory() {
    let mut decoder = SseDecoder::new(MAX);
    let mut errors = 0;
    for _ in 0..10_000 {
        decoder.push(&[b'x'; 1000]);
        while let Some(event) = decoder.next_event() {
            assert_eq!(event, Err(SseError::EventTooLong { limit: MAX }));
            errors += 1;
        }
        assert!(decoder.buffer.capacity() + decoder.line.capacity() <= 4 * KEPT_BYTES);
    }
    assert_eq!(errors, 1);
}

#[test]
fn data_takes_little_more_memory_than_it_needs() {
    let events = |max: usize, lengths: &[usize]| {
        let mut decoder = SseDecoder::new(max);
        let stream = lengths.iter().map(|length| {
            let data = "x".repeat(*length);
            format!("data: {data}\n\n")
        });
        let mut events = Vec::new();
        for chunk in stream.collect::<String>().as_bytes().chunks(1000) {
            decoder.push(chunk);
            events.extend(std::iter::from_fn(|| decoder.next_event()));
        }
        events
    };
    let check = |max: usize, lengths: &[usize]| {
        for data in events(max, lengths).into_iter().flatten() {
            let data = data.data.unwrap();
            assert!(data.capacity() <= data.len() * 5 / 4 + 6, "{lengths:?}");
        }
    };
    for length in [1001, 4000, 17_000, 33_000, 65_500, 66_000] {
        check(100_000, &[length]);
    }
    // Behind one that was lost.
    assert!(events(50_000, &[50_100, 1000])[0].is_err());
    check(50_000, &[50_100, 1000]);
}

#[test]
fn many_small_pushes_before_a_read_are_kept() {
    let mut decoder = SseDecoder::new(MESSAGE_BYTES_DEFAULT);
    for round in 0..1000 {
        decoder.push(b"data: a\n\n");
        decoder.push(b"id: 1\n\n");
        if round % 2 == 0 {
            assert!(decoder.next_event().is_some());
        }
    }
    let rest = std::iter::from_fn(|| decoder.next_event()).count();
    assert_eq!(rest, 1500);
}

#[test]
fn events_are_written_in_one_form() {
    let check = |event, id, retry, data: Option<&str>, expected: &str| {
        let mut out = Vec::new();
        write_event(&mut out, event, id, retry, data.map(str::as_bytes));
        assert_eq!(String::from_utf8_lossy(&out), expected);
    };
    check(
        "message",
        None,
        None,
        Some("{}"),
        "event: message\ndata: {}\n\n",
    );
    check(
        "message",
        Some("7"),
        Some(500),
        Some(""),
        "event: message\nid: 7\nretry: 500\ndata: \n\n",
    );
    check("endpoint", None, None, None, "event: endpoint\n\n");
    check("a\nb", Some("1\r\ndata: x"), None, Some("y"), "data: y\n\n");
    check("a\0", Some("\0"), None, Some("y"), "data: y\n\n");
    check(
        "message",
        None,
        None,
        Some("a\nb\r\nc\rd\n"),
        "event: message\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n",
    );
    let mut out = Vec::new();
    write_comment(&mut out);
    assert_eq!(out, b":\n\n");
}

/// Parts of which streams are made that try every state.
fn part() -> impl Strategy<Value = &'static [u8]> {
    let parts: Vec<&[u8]> = vec![
        b"data",
        b"data: a",
        b"id: ",
        b"id:1",
        b"event:e",
        b"retry: 9",
        b":",
        b" ",
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"\r\r",
        b"\0",
        b"\xef\xbb\xbf",
        b"\xff",
        b"0123456789abcdef",
    ];
    prop::sample::select(parts)
}

proptest! {
    #[test]
    fn any_chunks_give_the_events_of_the_whole(
        parts in prop::collection::vec(part(), 0..24),
        cuts in prop::collection::vec(0_usize..6, 0..60),
    ) {
        let whole = parts.concat();
        let mut rest = whole.as_slice();
        let mut chunks = Vec::new();
        for cut in cuts {
            let (chunk, behind) = rest.split_at(cut.min(rest.len()));
            chunks.push(chunk);
            rest = behind;
        }
        chunks.push(rest);
        prop_assert_eq!(decode(&chunks), decode(&[&whole]));
    }

    #[test]
    fn what_is_written_is_read_again(
        event in "[a-z é]{1,12}",
        id in prop::option::of("[ -~é]{0,12}"),
        retry in prop::option::of(any::<u64>()),
        data in prop::option::of(prop::collection::vec(any::<u8>(), 0..80)),
    ) {
        let mut out = Vec::new();
        write_comment(&mut out);
        write_event(&mut out, &event, id.as_deref(), retry, data.as_deref());
        let mut decoder = SseDecoder::new(MESSAGE_BYTES_DEFAULT);
        decoder.push(&out);
        let read = decoder.next_event();
        let data = data.map(|data| with_line_feeds(&data));
        prop_assert_eq!(read, Some(Ok(SseEvent { event: Some(event), id, retry, data })));
        prop_assert_eq!(decoder.next_event(), None);
        prop_assert_eq!(decoder.finish(), Ok(()));
    }
}

/// What no event can carry: the kind of a line break.
fn with_line_feeds(data: &[u8]) -> Vec<u8> {
    let mut written = Vec::new();
    let mut bytes = data.iter().peekable();
    while let Some(&byte) = bytes.next() {
        if byte == b'\r' {
            bytes.next_if_eq(&&b'\n');
            written.push(b'\n');
        } else {
            written.push(byte);
        }
    }
    written
}
