//! The events of one message, as they are gathered and written down.

use std::sync::Arc;

use portcullis_json::{Object, Value, Written, write};
use portcullis_trace::wire::{self, TraceError, TraceText};
use portcullis_trace::{Answers, Attribution, Content, Event, Message, ToolCall, ToolOutput};

use super::content::{Chunks, TEXT, unescaped};

/// Most messages are one event.
const EVENTS_EXPECTED: usize = 1;

/// What the events of a session have in common, made once for all.
#[derive(Debug)]
pub(crate) struct Common {
    attribution: Attribution,
    assistant: Arc<str>,
    tool: Arc<str>,
    function: Arc<str>,
    text: Arc<str>,
    nothing: Arc<str>,
}

/// A message as policies see it.
#[derive(Debug, Default)]
pub(crate) struct Lowered {
    pub(crate) events: Vec<Event>,
    /// The events as they are recorded.
    pub(crate) text: TraceText,
}

/// A message while it is lowered.
pub(super) struct Lowering<'c> {
    common: &'c Common,
    /// ISO 8601, UTC.
    timestamp: &'c str,
    /// How the message is written.
    written: Written<'c>,
    lowered: Lowered,
}

// === impl Common ===

impl Common {
    pub(crate) fn new(server: &Arc<str>) -> Self {
        let metadata = [("server", Value::String(Arc::clone(server)))].into();
        Self {
            attribution: Attribution {
                metadata,
                server: Some(Arc::clone(server)),
            },
            assistant: "assistant".into(),
            tool: "tool".into(),
            function: "function".into(),
            text: TEXT.into(),
            nothing: "".into(),
        }
    }
}

// === impl Lowering ===

impl<'c> Lowering<'c> {
    pub(super) fn new(common: &'c Common, timestamp: &'c str, written: Written<'c>) -> Self {
        Self {
            common,
            timestamp,
            written,
            lowered: Lowered {
                events: Vec::with_capacity(EVENTS_EXPECTED),
                text: TraceText::default(),
            },
        }
    }

    pub(super) fn into_lowered(self) -> Lowered {
        self.lowered
    }

    /// A value as JSON text, with texts behind it if there are any.
    pub(super) fn push_json(&mut self, call_id: &Arc<str>, value: &Value, texts: Vec<String>) {
        let written = write(value);
        if texts.is_empty() {
            return self.push_text(call_id, written);
        }
        let mut chunks = self.chunks();
        chunks.push_text(written);
        self.push_chunks(call_id, chunks, texts);
    }

    /// A value as JSON text, with texts behind it if there are any, and what of it reads otherwise
    /// there.
    pub(super) fn push_value(&mut self, call_id: &Arc<str>, value: &Value, texts: Vec<String>) {
        self.push_json(call_id, value, texts);
        self.push_plain(call_id, unescaped(value));
    }

    /// Another output with what reads otherwise than it is written in the one before.
    pub(super) fn push_plain(&mut self, call_id: &Arc<str>, plain: Option<String>) {
        if let Some(plain) = plain {
            self.push_text(call_id, plain);
        }
    }

    pub(super) fn push_text(&mut self, call_id: &Arc<str>, text: String) {
        self.push_output(call_id, Content::Text(text.into()));
    }

    pub(super) fn push_chunks(
        &mut self,
        call_id: &Arc<str>,
        mut chunks: Chunks<'_>,
        texts: Vec<String>,
    ) {
        chunks.push_texts(texts);
        self.push_output(call_id, chunks.into_content());
    }

    pub(super) fn push_output(&mut self, call_id: &Arc<str>, content: Content) {
        let output = ToolOutput {
            attribution: self.common.attribution.clone(),
            role: Arc::clone(&self.common.tool),
            content,
            answers: Answers::Call(Arc::clone(call_id)),
        };
        let text = &mut self.lowered.text;
        text.push_output(&output, self.timestamp, self.written);
        self.lowered.events.push(Event::ToolOutput(output));
    }

    pub(super) fn push_calls(&mut self, calls: Vec<ToolCall>) {
        let nothing = Content::Text(Arc::clone(&self.common.nothing));
        self.push(Arc::clone(&self.common.assistant), nothing, calls);
    }

    pub(super) fn push_message(&mut self, role: Arc<str>, content: Content) {
        self.push(role, content, Vec::new());
    }

    fn push(&mut self, role: Arc<str>, content: Content, calls: Vec<ToolCall>) {
        let message = Message {
            attribution: self.common.attribution.clone(),
            role,
            content,
            tool_calls: Some(calls),
        };
        let text = &mut self.lowered.text;
        text.push_message(&message, self.timestamp, self.written);
        self.lowered.events.push(Event::Message(message));
    }

    pub(super) fn chunks(&self) -> Chunks<'c> {
        Chunks::new(&self.common.text)
    }

    pub(super) fn call(
        &self,
        id: Option<&Arc<str>>,
        name: Arc<str>,
        arguments: Arc<Object>,
    ) -> ToolCall {
        ToolCall {
            attribution: Attribution::default(),
            id: id.cloned(),
            kind: Arc::clone(&self.common.function),
            name,
            arguments,
        }
    }

    /// An element of which its events do not keep all.
    pub(super) fn push_element(&mut self, element: &Value) -> Result<(), TraceError> {
        self.lowered.events.extend(wire::events(element)?);
        self.lowered.text.push_element(element);
        Ok(())
    }

    pub(super) fn metadata(&self) -> Object {
        self.common.attribution.metadata.clone()
    }
}
