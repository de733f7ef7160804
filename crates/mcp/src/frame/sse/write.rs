use super::line_break;

/// What most events have beside their data.
const REST_BYTES_EXPECTED: usize = 64;

/// Appends an event in its canonical form. Data with line breaks takes several lines, each of
/// which a reader ends with LF.
///
/// A name or an id that would end its line early is left out: it could forge an event.
pub fn write_event(
    out: &mut Vec<u8>,
    event: &str,
    id: Option<&str>,
    retry: Option<u64>,
    data: Option<&[u8]>,
) {
    // What comes behind the data has room too: it would move all of it.
    out.reserve(data.map_or(0, <[u8]>::len) + REST_BYTES_EXPECTED);
    write_text(out, "event", event);
    if let Some(id) = id {
        write_text(out, "id", id);
    }
    if let Some(retry) = retry {
        write_field(out, "retry", retry.to_string().as_bytes());
    }
    if let Some(data) = data {
        write_data(out, data);
    }
    out.push(b'\n');
}

/// Appends what keeps a connection alive and is no event.
pub fn write_comment(out: &mut Vec<u8>) {
    out.extend_from_slice(b":\n\n");
}

fn write_text(out: &mut Vec<u8>, name: &str, value: &str) {
    if !value.contains(['\r', '\n', '\0']) {
        write_field(out, name, value.as_bytes());
    }
}

fn write_data(out: &mut Vec<u8>, data: &[u8]) {
    let mut rest = data;
    while let Some((line, behind)) = line_break(rest).and_then(|end| rest.split_at_checked(end)) {
        write_field(out, "data", line);
        let break_bytes = if behind.starts_with(b"\r\n") { 2 } else { 1 };
        rest = behind.get(break_bytes..).unwrap_or_default();
    }
    write_field(out, "data", rest);
}

fn write_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.push(b'\n');
}
