use portcullis_json::{Object, Value};
use std::sync::Arc;

/// What policies see: one element of a session's history.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Message(Message),
    ToolCall(ToolCall),
    ToolOutput(ToolOutput),
    Tool(Tool),
}

/// What any event may carry beside its own fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attribution {
    pub metadata: Object,
    /// The server the event belongs to; `metadata.server` where that is present.
    pub server: Option<Arc<str>>,
}

/// Text from the system, the user or the assistant, with the calls it makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub attribution: Attribution,
    pub role: Arc<str>,
    pub content: Content,
    /// `None` where the trace says `null`, which differs from an empty list.
    pub tool_calls: Option<Vec<ToolCall>>,
}

/// A call of a tool, inside a message or standing alone.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    pub attribution: Attribution,
    pub id: Option<Arc<str>>,
    pub kind: Arc<str>,
    pub name: Arc<str>,
    pub arguments: Arc<Object>,
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolOutput {
    pub attribution: Attribution,
    pub role: Arc<str>,
    pub content: Content,
    pub answers: Answers,
}

/// Which call an output belongs to.
#[derive(Clone, Debug, PartialEq)]
pub enum Answers {
    /// The field is absent: the latest call before it.
    Latest,
    /// The field is `null`.
    None,
    Call(Arc<str>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    None,
    Text(Arc<str>),
    Chunks(Vec<Chunk>),
    /// Only in tool outputs.
    Object(Arc<Object>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    pub attribution: Attribution,
    pub kind: Arc<str>,
    pub body: ChunkBody,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ChunkBody {
    Text(Arc<str>),
    /// The members of `image_url`, all of them texts.
    Image(Arc<Object>),
}

/// One tool of a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    pub server: Option<Arc<str>>,
    pub name: Arc<str>,
    /// A text, unless the tool's author wrote something else.
    pub description: Value,
    pub parameters: Vec<Parameter>,
}

/// A property of a tool's input schema, in the shape policies read.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub name: Arc<str>,
    /// A text, or a list of texts where the schema gives a list.
    pub kind: Value,
    /// As [`Tool::description`].
    pub description: Value,
    pub required: bool,
    pub properties: Option<Vec<(Arc<str>, Parameter)>>,
    pub additional_properties: Option<bool>,
    pub items: Option<Box<Parameter>>,
    /// The schema's `enum`, or null.
    pub allowed: Value,
}
