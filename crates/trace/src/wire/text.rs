use portcullis_json::{
    Object, Value, Written, rewrite_string_to, rewrite_to, write_string_to, write_to,
};

use super::Level;
use crate::event::{
    Answers, Attribution, Chunk, ChunkBody, Content, Message, ToolCall, ToolOutput,
};

/// Room for the text of most messages, so that it need not move as it grows.
const TEXT_BYTES_EXPECTED: usize = 1024;

/// Elements as the JSON text of a trace, written one behind the other.
///
/// [`events`](super::events) makes the same events of them. Times are ISO 8601; they are no part of
/// an event. What was read from a text is written as it is there.
#[derive(Clone, Debug, Default)]
pub struct TraceText {
    /// Without the bracket at the end; empty before the first element.
    text: String,
}

// === impl TraceText ===

impl TraceText {
    pub fn push_message(&mut self, message: &Message, timestamp: &str, written: Written<'_>) {
        self.begin();
        self.text.push_str(r#"{"role":"#);
        self.string(&message.role);
        self.content(&message.content, written);
        match message.tool_calls.as_deref() {
            Some([]) => {}
            Some(calls) => {
                self.text.push_str(r#","tool_calls":["#);
                self.list(calls, |text, call| text.call(call, written));
                self.text.push(']');
            }
            None => self.text.push_str(r#","tool_calls":null"#),
        }
        self.end(&message.attribution, timestamp);
    }

    pub fn push_output(&mut self, output: &ToolOutput, timestamp: &str, written: Written<'_>) {
        self.begin();
        self.text.push_str(r#"{"role":"#);
        self.string(&output.role);
        match &output.answers {
            Answers::Latest => {}
            Answers::None => self.text.push_str(r#","tool_call_id":null"#),
            Answers::Call(id) => {
                self.text.push_str(r#","tool_call_id":"#);
                self.string(id);
            }
        }
        self.content(&output.content, written);
        self.end(&output.attribution, timestamp);
    }

    /// An element that has more than its events keep, such as a listing of tools.
    pub fn push_element(&mut self, element: &Value) {
        self.begin();
        write_to(&mut self.text, element);
    }

    pub fn append(&mut self, other: &Self) {
        if let Some(elements) = other.text.get(1..) {
            self.begin();
            self.text.push_str(elements);
        }
    }

    /// The whole as a list.
    pub fn into_list(mut self) -> String {
        if self.text.is_empty() {
            self.text.push('[');
        }
        self.text.push(']');
        self.text
    }

    fn begin(&mut self) {
        if self.text.is_empty() {
            self.text = String::with_capacity(TEXT_BYTES_EXPECTED);
            self.text.push('[');
        } else {
            self.text.push(',');
        }
    }

    fn end(&mut self, attribution: &Attribution, timestamp: &str) {
        self.text.push_str(r#","timestamp":"#);
        self.string(timestamp);
        self.attribution(attribution, Level::Event);
        self.text.push('}');
    }

    fn attribution(&mut self, attribution: &Attribution, level: Level) {
        let Attribution { metadata, server } = attribution;
        if !metadata.is_empty() {
            self.text.push_str(r#","metadata":"#);
            self.object(metadata, Written::default());
        }
        let is_named = || level == Level::Event && metadata.contains("server");
        if let Some(server) = server
            && !is_named()
        {
            self.text.push_str(r#","server":"#);
            self.string(server);
        }
    }

    fn content(&mut self, content: &Content, written: Written<'_>) {
        self.text.push_str(r#","content":"#);
        match content {
            Content::None => self.text.push_str("null"),
            Content::Text(text) => rewrite_string_to(&mut self.text, text, written),
            Content::Chunks(chunks) => {
                self.text.push('[');
                self.list(chunks, |text, chunk| text.chunk(chunk, written));
                self.text.push(']');
            }
            Content::Object(object) => self.object(object, written),
        }
    }

    fn call(&mut self, call: &ToolCall, written: Written<'_>) {
        self.text.push('{');
        if let Some(id) = &call.id {
            self.text.push_str(r#""id":"#);
            self.string(id);
            self.text.push(',');
        }
        self.text.push_str(r#""type":"#);
        self.string(&call.kind);
        self.text.push_str(r#","function":{"name":"#);
        self.string(&call.name);
        self.text.push_str(r#","arguments":"#);
        self.object(&call.arguments, written);
        self.text.push('}');
        self.attribution(&call.attribution, Level::Part);
        self.text.push('}');
    }

    fn chunk(&mut self, chunk: &Chunk, written: Written<'_>) {
        self.text.push_str(r#"{"type":"#);
        self.string(&chunk.kind);
        match &chunk.body {
            ChunkBody::Text(text) => {
                self.text.push_str(r#","text":"#);
                rewrite_string_to(&mut self.text, text, written);
            }
            ChunkBody::Image(urls) => {
                self.text.push_str(r#","image_url":"#);
                self.object(urls, written);
            }
        }
        self.attribution(&chunk.attribution, Level::Part);
        self.text.push('}');
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.text.push(',');
            }
            write(self, item);
        }
    }

    fn object(&mut self, object: &Object, written: Written<'_>) {
        self.text.push('{');
        for (place, (name, value)) in object.iter().enumerate() {
            if place > 0 {
                self.text.push(',');
            }
            self.string(name);
            self.text.push(':');
            rewrite_to(&mut self.text, value, written);
        }
        self.text.push('}');
    }

    fn string(&mut self, text: &str) {
        write_string_to(&mut self.text, text);
    }
}

#[cfg(test)]
mod tests {
    use portcullis_json::{Limits, parse};

    use super::*;
    use crate::Event;
    use crate::wire::{events, trace};

    fn written(elements: &[Value]) -> TraceText {
        let mut text = TraceText::default();
        for element in elements {
            for event in events(element).unwrap() {
                match event {
                    Event::Message(message) => text.push_message(&message, "T", Written::default()),
                    Event::ToolOutput(output) => text.push_output(&output, "T", Written::default()),
                    Event::ToolCall(_) | Event::Tool(_) => text.push_element(element),
                }
            }
        }
        text
    }

    #[test]
    fn what_was_read_is_written_as_it_was() {
        let check = |elements: &str| {
            let read = parse(elements, &Limits::lenient()).unwrap();
            let text = written(read.as_array().unwrap()).into_list();
            assert_eq!(text, elements);
        };
        check("[]");
        check(r#"[{"role":"user","content":null,"timestamp":"T"}]"#);
        check(r#"[{"role":"a\"","content":"b\n","tool_calls":null,"timestamp":"T","server":"s"}]"#);
        check(
            r#"[{"role":"assistant","content":"","tool_calls":[{"type":"function","function":{"name":"t\\","arguments":{}}},{"id":"c\u0001","type":"function","function":{"name":"t","arguments":{"a":[1,{"b":null}],"c":"\t"}},"metadata":{"server":"x"},"server":"y"}],"timestamp":"T","metadata":{"server":"s","other":1.5}}]"#,
        );
        check(r#"[{"role":"tool","content":{"a":1},"timestamp":"T"}]"#);
        check(r#"[{"role":"tool","tool_call_id":null,"content":[],"timestamp":"T"}]"#);
        check(
            r#"[{"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"\""},{"type":"image","image_url":{"url":"u"},"server":"p"}],"timestamp":"T","metadata":{"server":"s"}},{"tools":[{"name":"n","inputSchema":{"x":1}}]}]"#,
        );
    }

    #[test]
    fn texts_are_joined() {
        let one = r#"{"role":"user","content":"a","timestamp":"T"}"#;
        let read = parse(one, &Limits::lenient()).unwrap();
        let mut text = TraceText::default();
        text.append(&TraceText::default());
        text.append(&written(&[read.clone(), read.clone()]));
        text.append(&written(&[]));
        text.append(&written(std::slice::from_ref(&read)));
        let joined = text.into_list();
        assert_eq!(joined, format!("[{one},{one},{one}]"));
        let again = parse(&joined, &Limits::lenient()).unwrap();
        assert_eq!(trace(again.as_array().unwrap()).unwrap().len(), 3);
    }
}
