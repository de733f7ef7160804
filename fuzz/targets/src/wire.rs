use portcullis_json::{self as json, Value};
use portcullis_mcp::frame::{LineDecoder, LineError};
use portcullis_mcp::view::{self, InitializeResult, ToolCall, ToolList};
use portcullis_mcp::{EnvelopeLimits, Incoming, Message, MessageKind, Outcome, Peer, Revision};
use portcullis_mcp::{Malformed, write};

/// LIMIT: a line of the decoder, so that short inputs have lines that are too long.
const LINE_BYTES: usize = 24;

/// A byte that chooses the sender and the revision, then what they wrote.
///
/// What is accepted is one message on one line, says the same when it is read again, and can be
/// written by us. What is refused is answered with a message that its sender accepts.
pub fn message(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else {
        return;
    };
    let sender = if choice & 1 == 0 {
        Peer::Client
    } else {
        Peer::Server
    };
    let mut limits = EnvelopeLimits::new(sender);
    limits.revision = Revision::ALL.get(usize::from(choice >> 1) % 8).copied();
    match Incoming::parse(text, &limits) {
        Ok(Incoming::Single(message)) => check_message(&message, &limits),
        Ok(Incoming::Batch(messages)) => {
            assert!(limits.revision.is_some_and(Revision::has_batches));
            assert!(!messages.is_empty());
            for message in &messages {
                check_message(message, &limits);
            }
        }
        Err(malformed) => check_refusal(&malformed, sender),
    }
}

/// A byte that says how many bytes come at a time, then a stream that is cut into lines.
pub fn lines(data: &[u8]) {
    let Some((chunk, stream)) = data.split_first() else {
        return;
    };
    let mut decoder = LineDecoder::new(LINE_BYTES);
    let mut taken = Vec::new();
    for chunk in stream.chunks(usize::from(*chunk).max(1)) {
        decoder.push(chunk);
        while let Some(line) = decoder.next_line() {
            taken.push(line);
        }
    }
    assert_eq!((taken, decoder.finish()), cut(stream));
}

fn check_message(message: &Message, limits: &EnvelopeLimits) {
    let line = message.line();
    assert!(!line.contains(&b'\n') && !line.contains(&b'\r'));
    let again = Message::parse(&line, limits);
    let again = again.unwrap_or_else(|malformed| panic_at(&line, &malformed));
    assert_eq!(again.kind(), message.kind());
    let body = message
        .params()
        .or_else(|| message.result())
        .or_else(|| message.error());
    let same = again
        .params()
        .or_else(|| again.result())
        .or_else(|| again.error());
    assert_eq!(body.map(Value::to_string), same.map(Value::to_string));
    if let (Some(body), Some(range)) = (body, message.body_range()) {
        let written = message.raw().get(range).unwrap_or_default();
        let read = json::parse(&String::from_utf8_lossy(written), &limits.json);
        assert_eq!(read.ok().as_ref(), Some(body));
        look(body);
    }
    check_own(message, body, limits);
}

/// The same message, written by us.
fn check_own(message: &Message, body: Option<&Value>, limits: &EnvelopeLimits) {
    let own = match (message.kind(), body) {
        (MessageKind::Request { id, method }, params) => {
            write::request(id, method.as_str(), params)
        }
        (MessageKind::Notification { method }, params) => {
            write::notification(method.as_str(), params)
        }
        (
            MessageKind::Response {
                id: Some(id),
                outcome: Outcome::Result,
            },
            Some(result),
        ) => write::result_response(id, result),
        (MessageKind::Response { .. }, _) => return,
    };
    let read = Message::parse(&own, limits);
    let read = read.unwrap_or_else(|malformed| panic_at(&own, &malformed));
    assert_eq!(read.kind(), message.kind());
}

/// Reads a body as everything that it may be; it is enough that this ends.
fn look(body: &Value) {
    let named = ToolCall::read(body).map(|call| call.name);
    let listed = ToolList::read(body).map(|list| list.tools.len());
    let version = InitializeResult::read(body).map(|result| result.protocol_version);
    let tokens = (
        view::progress_token(body),
        view::progressed_token(body),
        view::progress(body),
        view::cancelled_request(body),
    );
    let read = (named, listed, version, tokens);
    assert!(!format!("{read:?}").is_empty());
}

fn check_refusal(malformed: &Malformed, sender: Peer) {
    let answer = malformed.response();
    let mut limits = EnvelopeLimits::new(sender.other());
    limits.revision = Some(Revision::V2025_11_25);
    let answer = Message::parse(&answer, &limits);
    let answer = answer.unwrap_or_else(|refused| panic_at(&malformed.response(), &refused));
    assert_eq!(answer.id(), malformed.id.as_ref());
    let code = answer.error().and_then(|error| error.get("code"));
    assert_eq!(code.and_then(Value::as_i64), Some(malformed.code()));
}

type Lines = (Vec<Result<Vec<u8>, LineError>>, Result<(), LineError>);

/// What the decoder must say of a stream, worked out with the whole of it at hand.
fn cut(stream: &[u8]) -> Lines {
    let too_long = |line: &[u8]| LineError::TooLong {
        bytes: line.len(),
        limit: LINE_BYTES,
    };
    let mut parts: Vec<&[u8]> = stream.split(|byte| *byte == b'\n').collect();
    let rest = parts.pop().unwrap_or_default();
    let lines = parts.into_iter().filter_map(|line| {
        if line.len() > LINE_BYTES {
            return Some(Err(too_long(line)));
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        (!line.is_empty()).then(|| Ok(line.to_vec()))
    });
    let end = match rest.len() {
        0 => Ok(()),
        bytes if bytes > LINE_BYTES => Err(too_long(rest)),
        bytes => Err(LineError::Partial { bytes }),
    };
    (lines.collect(), end)
}

#[expect(clippy::panic, reason = "a panic is how a target tells what it found")]
fn panic_at(text: &[u8], malformed: &Malformed) -> ! {
    panic!("{malformed}: {}", String::from_utf8_lossy(text))
}
