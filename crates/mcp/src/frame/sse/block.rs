use super::{SseError, SseEvent, SseField};

/// The part of its length that a line may take in vain.
const SPARE: usize = 4;

/// What is known of an event whose blank line has not come.
#[derive(Debug, Default)]
pub(super) struct Block {
    event: SseEvent,
    not_utf8: Option<SseField>,
    bytes: usize,
}

// === impl Block ===

impl Block {
    /// How long its lines are that have a known field.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// As [`Self::read_line`]. Most long lines are data, which then need not be copied unless there is
    /// much more memory than is needed, which would be kept with a message.
    pub(super) fn take_line(&mut self, mut line: Vec<u8>) {
        let is_tight = line.capacity() - line.len() <= line.len() / SPARE;
        let is_first = is_tight && self.event.data.is_none();
        let name = ["data: ", "data:"].into_iter();
        let name = name.map(str::as_bytes).find(|name| line.starts_with(name));
        match name.filter(|_| is_first) {
            Some(name) => {
                self.bytes += line.len();
                line.drain(..name.len());
                self.event.data = Some(line);
            }
            None => self.read_line(&line),
        }
    }

    /// Reads a line without its end.
    pub(super) fn read_line(&mut self, line: &[u8]) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => self.add_data(value),
            b"event" => {
                if let Some(event) = self.text(SseField::Event, value) {
                    self.event.event = Some(event);
                }
            }
            // SPEC: HTML, 9.2.6: an id with NUL is ignored.
            b"id" if value.contains(&0) => {}
            b"id" => {
                if let Some(id) = self.text(SseField::Id, value) {
                    self.event.id = Some(id);
                }
            }
            b"retry" => {
                if let Some(retry) = milliseconds(value) {
                    self.event.retry = Some(retry);
                }
            }
            // A comment (its name is empty), or a field that nobody knows.
            _ => return,
        }
        self.bytes += line.len();
    }

    /// `None` if it had no known field.
    pub(super) fn into_event(self) -> Option<Result<SseEvent, SseError>> {
        if let Some(field) = self.not_utf8 {
            return Some(Err(SseError::NotUtf8 { field }));
        }
        (self.event != SseEvent::default()).then_some(Ok(self.event))
    }

    fn add_data(&mut self, value: &[u8]) {
        match &mut self.event.data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => self.event.data = Some(value.to_vec()),
        }
    }

    fn text(&mut self, field: SseField, value: &[u8]) -> Option<String> {
        let text = str::from_utf8(value).ok();
        if text.is_none() {
            self.not_utf8.get_or_insert(field);
        }
        text.map(str::to_owned)
    }
}

/// SPEC: HTML, 9.2.6: anything but ASCII digits is ignored. So is what no clock could wait for.
fn milliseconds(value: &[u8]) -> Option<u64> {
    if !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(value).ok()?.parse().ok()
}
