//! Events as the values that policies read.

use crate::kind::Kind;
use crate::place::{EVENT, Place, PlacesBuilder};
use crate::program::Program;
use crate::python::number::Integer;
use crate::text_form;
use crate::value::{Dict, List, Object, ObjectData, Text, Value};
use portcullis_json::{self as json, Number};
use portcullis_trace::{
    Answers, Attribution, Chunk, ChunkBody, Content, Event, Message, Parameter, Tool, ToolCall,
    ToolOutput,
};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// A key of every event's metadata.
static TRACE_INDEX: LazyLock<Arc<str>> = LazyLock::new(|| "trace_idx".into());

/// Turns events into values: numbers them, orders them, and links outputs with their calls.
#[derive(Debug)]
pub(crate) struct Reader {
    next_index: u64,
    next_position: u64,
    latest_call: Option<Arc<str>>,
    answered: Answered,
    /// Whether anybody sees more of a message than its calls.
    messages: bool,
    /// Those of the calls wanted that an output may still name; the latest of an id wins.
    calls: HashMap<Option<Arc<str>>, Object>,
    /// What `calls` held before the events that are staged, latest change last.
    replaced: Vec<(Option<Arc<str>>, Option<Object>)>,
}

/// Where a reader stood, to go back there.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    next_index: u64,
    next_position: u64,
    latest_call: Option<Arc<str>>,
}

/// The calls that anybody wants to know of an output which answers them.
#[derive(Debug)]
enum Answered {
    All,
    /// Those that a test about outputs may find.
    Named(Vec<Arc<str>>),
}

/// One event while it is read.
struct Reading {
    places: PlacesBuilder,
    index: u64,
}

// === impl Reader ===

impl Reader {
    pub(crate) fn new(program: &Program) -> Self {
        Self {
            next_index: 0,
            next_position: 0,
            latest_call: None,
            answered: Answered::of(program),
            messages: program.reads_messages,
            calls: HashMap::new(),
            replaced: Vec::new(),
        }
    }

    /// Begins a stage that [`Reader::rewind`] can undo.
    pub(crate) fn checkpoint(&mut self) -> Checkpoint {
        self.replaced.clear();
        Checkpoint {
            next_index: self.next_index,
            next_position: self.next_position,
            latest_call: self.latest_call.clone(),
        }
    }

    pub(crate) fn rewind(&mut self, checkpoint: Checkpoint) {
        self.next_index = checkpoint.next_index;
        self.next_position = checkpoint.next_position;
        self.latest_call = checkpoint.latest_call;
        while let Some((id, call)) = self.replaced.pop() {
            match call {
                Some(call) => self.calls.insert(id, call),
                None => self.calls.remove(&id),
            };
        }
    }

    pub(crate) fn next_index(&self) -> u64 {
        self.next_index
    }

    /// How many calls it keeps.
    pub(crate) fn size(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn forget(&mut self) {
        self.calls.clear();
        self.replaced.clear();
    }

    /// Leaves out the indices that events before took, though those events did not happen.
    pub(crate) fn skip_to(&mut self, index: u64) {
        self.next_index = index;
    }

    /// The event, or as much of it as any rule can see.
    pub(crate) fn read(&mut self, event: &Event) -> Value {
        let index = self.next_index;
        self.next_index += 1;
        if let Event::Message(message) = event
            && message.tool_calls.is_none()
            && !self.messages
        {
            self.take_position();
            return Value::None;
        }
        let mut reading = Reading {
            places: PlacesBuilder::new(index),
            index,
        };
        let value = match event {
            Event::Message(message) if self.messages => self.message(&mut reading, message),
            Event::Message(message) => {
                self.take_position();
                self.calls(&mut reading, message)
            }
            Event::ToolCall(call) => {
                let call = reading.call(call, EVENT, &mut self.next_position);
                self.remember(&call);
                Value::Object(call)
            }
            Event::ToolOutput(output) => self.output(&mut reading, output),
            Event::Tool(tool) => reading.tool(tool, self.take_position()),
        };
        reading.places.finish();
        value
    }

    fn message(&mut self, reading: &mut Reading, message: &Message) -> Value {
        let position = self.take_position();
        let [metadata, server] = reading.attribution(&message.attribution, EVENT, true);
        let role = reading.text_at(EVENT, "role", &message.role);
        let content = reading.content(&message.content);
        let tool_calls = self.calls(reading, message);
        let fields = [metadata, server, role, content, tool_calls];
        reading.event(Kind::Message, fields, position, None)
    }

    fn calls(&mut self, reading: &mut Reading, message: &Message) -> Value {
        let Some(calls) = &message.tool_calls else {
            return Value::None;
        };
        let list = reading.places.key(EVENT, "tool_calls");
        let mut items = Vec::with_capacity(calls.len());
        for (index, call) in calls.iter().enumerate() {
            let node = reading.places.index(list, index);
            let call = reading.call(call, node, &mut self.next_position);
            self.remember(&call);
            items.push(Value::Object(call));
        }
        Value::List(List {
            items: items.into(),
            place: reading.places.place(list),
        })
    }

    fn output(&mut self, reading: &mut Reading, output: &ToolOutput) -> Value {
        let position = self.take_position();
        let id = match &output.answers {
            Answers::Latest => self.latest_call.clone(),
            Answers::None => None,
            Answers::Call(id) => Some(id.clone()),
        };
        let call = self.calls.get(&id).cloned();
        let [metadata, server] = reading.attribution(&output.attribution, EVENT, true);
        let role = reading.text_at(EVENT, "role", &output.role);
        let content = reading.content(&output.content);
        let id = reading.optional_text_at(EVENT, "tool_call_id", id.as_ref());
        let fields = [metadata, server, role, content, id];
        reading.event(Kind::ToolOutput, fields, position, call)
    }

    fn remember(&mut self, call: &Object) {
        let id = match call.field("id") {
            Some(Value::Text(id)) => Some(id.text.clone()),
            _ => None,
        };
        self.latest_call.clone_from(&id);
        // An output that names the id answers this call, wanted or not.
        let before = if self.answered.includes(call) {
            self.calls.insert(id.clone(), call.clone())
        } else if !self.calls.is_empty()
            && let Some(before) = self.calls.remove(&id)
        {
            Some(before)
        } else {
            return;
        };
        self.replaced.push((id, before));
    }

    fn take_position(&mut self) -> u64 {
        let position = self.next_position;
        self.next_position += 1;
        position
    }
}

// === impl Answered ===

impl Answered {
    fn of(program: &Program) -> Self {
        if program.reads_answered_calls {
            return Self::All;
        }
        let tests = program.tools.iter().filter(|test| test.takes_outputs);
        Self::Named(tests.map(|test| test.name.clone()).collect())
    }

    fn includes(&self, call: &Object) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| call.calls(name)),
        }
    }
}

// === impl Reading ===

impl Reading {
    fn event(
        &mut self,
        kind: Kind,
        fields: [Value; 5],
        position: u64,
        call: Option<Object>,
    ) -> Value {
        let data = ObjectData {
            kind,
            fields: Box::new(fields),
            position: Some(position),
            index: Some(self.index),
            call,
        };
        Value::Object(Object {
            data: Arc::new(data),
            place: self.places.place(EVENT),
        })
    }

    fn call(&mut self, call: &ToolCall, node: u32, next_position: &mut u64) -> Object {
        let position = *next_position;
        *next_position += 1;
        let [metadata, server] = self.attribution(&call.attribution, node, node == EVENT);
        let id = self.optional_text_at(node, "id", call.id.as_ref());
        let kind = self.text_at(node, "type", &call.kind);
        let function_node = self.places.key(node, "function");
        let name = self.text_at(function_node, "name", &call.name);
        let arguments_node = self.places.key(function_node, "arguments");
        let arguments = self.object(&call.arguments, arguments_node);
        let mut function = Object::new(Kind::Function, vec![name, arguments]);
        function.place = self.places.place(function_node);
        let data = ObjectData {
            kind: Kind::ToolCall,
            fields: Box::new([metadata, server, id, kind, Value::Object(function)]),
            position: Some(position),
            index: Some(self.index),
            call: None,
        };
        Object {
            data: Arc::new(data),
            place: self.places.place(node),
        }
    }

    fn tool(&mut self, tool: &Tool, position: u64) -> Value {
        let metadata_node = self.places.key(EVENT, "metadata");
        let metadata = self.metadata(&json::Object::new(), metadata_node);
        let server = self.optional_text_at(EVENT, "server", tool.server.as_ref());
        let name = self.text_at(EVENT, "name", &tool.name);
        let description = self.description_at(EVENT, &tool.description);
        let list = self.places.key(EVENT, "inputSchema");
        let parameters = tool
            .parameters
            .iter()
            .enumerate()
            .map(|(index, parameter)| {
                let node = self.places.index(list, index);
                self.parameter(parameter, node)
            });
        let items = parameters.collect();
        let parameters = Value::List(List {
            items,
            place: self.places.place(list),
        });
        self.event(
            Kind::Tool,
            [metadata, server, name, description, parameters],
            position,
            None,
        )
    }

    fn parameter(&mut self, parameter: &Parameter, node: u32) -> Value {
        let properties = match &parameter.properties {
            None => Value::None,
            Some(properties) => {
                let map = self.places.key(node, "properties");
                let entries = properties.iter().map(|(key, parameter)| {
                    let node = self.places.key(map, key);
                    (key.clone(), self.parameter(parameter, node))
                });
                let entries = entries.collect();
                Value::Dict(Dict {
                    entries,
                    place: self.places.place(map),
                })
            }
        };
        let items = match &parameter.items {
            None => Value::None,
            Some(items) => {
                let node = self.places.key(node, "items");
                self.parameter(items, node)
            }
        };
        let kind_node = self.places.key(node, "type");
        let allowed_node = self.places.key(node, "enum");
        let fields = vec![
            self.json(&parameter.kind, kind_node),
            self.text_at(node, "name", &parameter.name),
            self.description_at(node, &parameter.description),
            Value::Bool(parameter.required),
            properties,
            parameter
                .additional_properties
                .map_or(Value::None, Value::Bool),
            items,
            self.json(&parameter.allowed, allowed_node),
        ];
        let mut object = Object::new(Kind::ToolParameter, fields);
        object.place = self.places.place(node);
        Value::Object(object)
    }

    /// `metadata` and `server`. At an event the server named in the metadata is one text at both.
    fn attribution(&mut self, attribution: &Attribution, node: u32, shared: bool) -> [Value; 2] {
        let metadata_node = self.places.key(node, "metadata");
        let metadata = self.metadata(&attribution.metadata, metadata_node);
        let named = match &metadata {
            Value::Dict(dict) if shared => dict.get("server").cloned(),
            _ => None,
        };
        let server = match (named, &attribution.server) {
            (Some(named @ Value::Text(_)), _) => named,
            (_, server) => self.optional_text_at(node, "server", server.as_ref()),
        };
        [metadata, server]
    }

    fn metadata(&mut self, metadata: &json::Object, node: u32) -> Value {
        let mut entries = Vec::with_capacity(metadata.len() + 1);
        for (key, value) in metadata.iter().filter(|(key, _)| **key != *TRACE_INDEX) {
            let child = self.places.key(node, key);
            if &**key == "server" && value.as_str().is_some() {
                self.places.alias_server(child);
            }
            entries.push((key.clone(), self.json(value, child)));
        }
        let index = i64::try_from(self.index).unwrap_or(i64::MAX);
        entries.push((TRACE_INDEX.clone(), Value::integer(index)));
        Value::Dict(Dict {
            entries: entries.into(),
            place: self.places.place(node),
        })
    }

    fn content(&mut self, content: &Content) -> Value {
        match content {
            Content::None => Value::None,
            Content::Text(text) => self.text_at(EVENT, "content", text),
            Content::Object(object) => {
                let node = self.places.key(EVENT, "content");
                self.object(object, node)
            }
            Content::Chunks(chunks) => {
                let node = self.places.key(EVENT, "content");
                let items = chunks.iter().enumerate().map(|(index, chunk)| {
                    let child = self.places.index(node, index);
                    self.chunk(chunk, child)
                });
                let items = items.collect();
                let chunks = Value::List(List {
                    items,
                    place: Place::NOWHERE,
                });
                let mut contents = Object::new(Kind::Contents, vec![chunks]);
                contents.place = self.places.place(node);
                Value::Object(contents)
            }
        }
    }

    fn chunk(&mut self, chunk: &Chunk, node: u32) -> Value {
        let metadata_node = self.places.key(node, "metadata");
        let metadata = self.object(&chunk.attribution.metadata, metadata_node);
        let server = self.optional_text_at(node, "server", chunk.attribution.server.as_ref());
        let kind = self.text_at(node, "type", &chunk.kind);
        let (chunk_kind, body) = match &chunk.body {
            ChunkBody::Text(text) => (Kind::TextChunk, self.text_at(node, "text", text)),
            ChunkBody::Image(urls) => {
                let child = self.places.key(node, "image_url");
                (Kind::Image, self.object(urls, child))
            }
        };
        let data = ObjectData {
            kind: chunk_kind,
            fields: Box::new([metadata, server, kind, body]),
            position: None,
            index: Some(self.index),
            call: None,
        };
        Value::Object(Object {
            data: Arc::new(data),
            place: self.places.place(node),
        })
    }

    fn text_at(&mut self, parent: u32, key: &'static str, text: &Arc<str>) -> Value {
        let node = self.places.key(parent, key);
        Value::Text(Text {
            text: text.clone(),
            place: self.places.place(node),
        })
    }

    /// To policies every description is a text.
    fn description_at(&mut self, parent: u32, description: &json::Value) -> Value {
        let text = match description {
            json::Value::String(text) => text.clone(),
            other => text_form::text(&Value::from(other)).into(),
        };
        self.text_at(parent, "description", &text)
    }

    fn optional_text_at(
        &mut self,
        parent: u32,
        key: &'static str,
        text: Option<&Arc<str>>,
    ) -> Value {
        text.map_or(Value::None, |text| self.text_at(parent, key, text))
    }

    fn object(&mut self, object: &json::Object, node: u32) -> Value {
        let entries = object.iter().map(|(key, value)| {
            let child = self.places.key(node, key);
            (key.clone(), self.json(value, child))
        });
        let entries = entries.collect();
        Value::Dict(Dict {
            entries,
            place: self.places.place(node),
        })
    }

    fn json(&mut self, value: &json::Value, node: u32) -> Value {
        match value {
            json::Value::String(text) => Value::Text(Text {
                text: text.clone(),
                place: self.places.place(node),
            }),
            json::Value::Array(items) => {
                let items = items.iter().enumerate().map(|(index, item)| {
                    let child = self.places.index(node, index);
                    self.json(item, child)
                });
                let items = items.collect();
                Value::List(List {
                    items,
                    place: self.places.place(node),
                })
            }
            json::Value::Object(object) => self.object(object, node),
            json::Value::Null | json::Value::Bool(_) | json::Value::Number(_) => Value::from(value),
        }
    }
}

/// Decoded JSON that sits nowhere in the trace.
impl From<&json::Value> for Value {
    fn from(value: &json::Value) -> Self {
        match value {
            json::Value::Null => Value::None,
            json::Value::Bool(value) => Value::Bool(*value),
            json::Value::Number(Number::Integer(value)) => Value::integer(*value),
            json::Value::Number(Number::BigInteger(digits)) => {
                Integer::parse(digits).map_or(Value::None, Value::Integer)
            }
            json::Value::Number(Number::Float(value)) => Value::Float(*value),
            json::Value::String(text) => Value::text(text.clone()),
            json::Value::Array(items) => {
                Value::list(items.iter().map(Value::from).collect::<Vec<_>>())
            }
            json::Value::Object(object) => {
                let entries = object
                    .iter()
                    .map(|(key, value)| (key.clone(), Value::from(value)));
                Value::Dict(Dict {
                    entries: entries.collect(),
                    place: Place::NOWHERE,
                })
            }
        }
    }
}
