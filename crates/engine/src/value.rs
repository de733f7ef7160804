//! The values of the policy language: Python's, with the place in the trace that each came from.

use crate::kind::{BinderKind, Kind};
use crate::modules::{Function, Module};
use crate::place::Place;
use crate::python::number::Integer;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A name without a value yet: the third truth value.
    Unknown,
    /// What `x := e` yields; a conjunction passes over it.
    Nothing,
    None,
    Bool(bool),
    Integer(Integer),
    Float(f64),
    Text(Text),
    List(List),
    Tuple(List),
    /// Only `function_calls` is one; its elements are distinct.
    Set(List),
    /// What a method of a dictionary gives.
    View(View, List),
    Dict(Dict),
    Object(Object),
    Function(Function),
    Method(Arc<Method>),
    /// A predicate of the policy, by number.
    Predicate(usize),
    Module(&'static Module),
    /// `input`.
    Input,
    /// What `(x: Input)` binds.
    Session,
    /// `count(…)`, before its body.
    Count {
        min: Option<i64>,
        max: Option<i64>,
    },
    Forall,
    /// `tool:name` with or without a pattern, by number.
    Tool(usize),
    Violation(Arc<Violation>),
    /// `str`, `Message`, … used as values.
    Type(&'static str),
}

/// The methods of a dictionary that give a view of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View {
    Keys,
    Values,
    Items,
}

#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) text: Arc<str>,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) items: Arc<[Value]>,
    pub(crate) place: Place,
}

/// A dictionary with text keys, in the order of insertion.
#[derive(Clone, Debug)]
pub(crate) struct Dict {
    pub(crate) entries: Arc<[(Arc<str>, Value)]>,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) data: Arc<ObjectData>,
    pub(crate) place: Place,
}

#[derive(Debug)]
pub(crate) struct ObjectData {
    pub(crate) kind: Kind,
    /// As [`Kind::fields`].
    pub(crate) fields: Box<[Value]>,
    /// Place in the order of all events and calls.
    pub(crate) position: Option<u64>,
    /// Index of the event; chunks have that of their message.
    pub(crate) index: Option<u64>,
    /// The call that an output answers.
    pub(crate) call: Option<Object>,
}

/// A method with the value it was read from.
#[derive(Debug)]
pub(crate) enum Method {
    Text(Text, &'static str),
    Dict(Dict, &'static str),
    Contents(Object, &'static str),
}

#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) args: Vec<Value>,
    pub(crate) kwargs: Vec<(Arc<str>, Value)>,
}

// === impl Value ===

impl Value {
    pub(crate) fn text(text: impl Into<Arc<str>>) -> Self {
        Value::Text(Text {
            text: text.into(),
            place: Place::NOWHERE,
        })
    }

    pub(crate) fn list(items: impl Into<Arc<[Value]>>) -> Self {
        Value::List(List {
            items: items.into(),
            place: Place::NOWHERE,
        })
    }

    pub(crate) fn integer(value: i64) -> Self {
        Value::Integer(Integer::from(value))
    }

    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Value::Unknown)
    }

    /// Python's truth of a value. Unknown never decides anything; it counts as true.
    pub(crate) fn truth(&self) -> bool {
        match self {
            Value::None => false,
            Value::Bool(value) => *value,
            Value::Integer(value) => !value.is_zero(),
            Value::Float(value) => *value != 0.0,
            Value::Text(text) => !text.text.is_empty(),
            Value::List(list) | Value::Tuple(list) | Value::Set(list) | Value::View(_, list) => {
                !list.items.is_empty()
            }
            Value::Dict(dict) => !dict.entries.is_empty(),
            Value::Object(object) => match object.contents() {
                Some(chunks) => !chunks.is_empty(),
                None => true,
            },
            Value::Unknown
            | Value::Nothing
            | Value::Function(_)
            | Value::Method(_)
            | Value::Predicate(_)
            | Value::Module(_)
            | Value::Input
            | Value::Session
            | Value::Count { .. }
            | Value::Forall
            | Value::Tool(_)
            | Value::Violation(_)
            | Value::Type(_) => true,
        }
    }

    /// Unknown itself, or a list that holds it at any depth.
    pub(crate) fn holds_unknown(&self) -> bool {
        match self {
            Value::Unknown => true,
            Value::List(list) => list.items.iter().any(Value::holds_unknown),
            _ => false,
        }
    }

    /// Where the value sits, for the kinds of values that can sit in a trace.
    pub(crate) fn place(&self) -> &Place {
        match self {
            Value::Text(text) => &text.place,
            Value::List(list) => &list.place,
            Value::Dict(dict) => &dict.place,
            Value::Object(object) => &object.place,
            _ => &Place::NOWHERE,
        }
    }

    /// How much there is to look at: items at the top, and bytes of text.
    pub(crate) fn size(&self) -> (u64, usize) {
        match self {
            Value::Text(text) => (0, text.text.len()),
            Value::List(list) | Value::Tuple(list) | Value::Set(list) | Value::View(_, list) => {
                (list.items.len() as u64, 0)
            }
            Value::Dict(dict) => (dict.entries.len() as u64, 0),
            _ => (0, 0),
        }
    }

    pub(crate) fn object(&self) -> Option<&Object> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(&text.text),
            _ => None,
        }
    }

    /// The name of the value's kind, as error messages say it.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self {
            Value::Unknown | Value::Nothing => "a name without a value",
            Value::None => "None",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Tuple(_) => "a tuple",
            Value::Set(_) => "a set",
            Value::View(..) => "a dictionary view",
            Value::Dict(_) => "a dictionary",
            Value::Object(object) => object.data.kind.name(),
            Value::Function(_) | Value::Method(_) => "a function",
            Value::Predicate(_) => "a predicate",
            Value::Module(_) => "a module",
            Value::Input | Value::Session => "the input",
            Value::Count { .. } | Value::Forall => "a quantifier",
            Value::Tool(_) => "a tool reference",
            Value::Violation(_) => "a violation",
            Value::Type(_) => "a type",
        }
    }

    pub(crate) fn is_of(&self, kind: BinderKind) -> bool {
        match (self, kind) {
            (Value::Object(object), BinderKind::Object(kind)) => object.data.kind == kind,
            (Value::Text(_), BinderKind::Text)
            | (Value::Integer(_), BinderKind::Integer)
            | (Value::Float(_), BinderKind::Float)
            | (Value::Bool(_), BinderKind::Bool)
            | (Value::List(_), BinderKind::List)
            | (Value::Dict(_), BinderKind::Dict)
            | (Value::Tuple(_), BinderKind::Tuple)
            | (Value::Session, BinderKind::Input) => true,
            _ => false,
        }
    }

    /// Shows every value of `kind` in this one, in the order of the language; what is of the kind
    /// is not searched further.
    pub(crate) fn select<'v>(&'v self, kind: BinderKind, found: &mut impl FnMut(&'v Value)) {
        if self.is_of(kind) {
            found(self);
            return;
        }
        match self {
            Value::List(list) | Value::Tuple(list) | Value::View(_, list) | Value::Set(list) => {
                list.items.iter().for_each(|item| item.select(kind, found));
            }
            Value::Dict(dict) => {
                dict.entries
                    .iter()
                    .for_each(|(_, value)| value.select(kind, found));
            }
            // Calls are the only events inside of others.
            Value::Object(object)
                if kind.is_event()
                    && (object.data.kind != Kind::Message
                        || kind != BinderKind::Object(Kind::ToolCall)) => {}
            Value::Object(object) => {
                let searched = object.data.kind.searched();
                for value in searched.iter().filter_map(|name| object.field(name)) {
                    match (object.data.kind, value) {
                        // The list of chunks is no list to policies.
                        (Kind::Contents, Value::List(chunks)) => {
                            chunks
                                .items
                                .iter()
                                .for_each(|chunk| chunk.select(kind, found));
                        }
                        _ => value.select(kind, found),
                    }
                }
            }
            _ => {}
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

// === impl View ===

impl View {
    pub(crate) fn name(self) -> &'static str {
        match self {
            View::Keys => "keys",
            View::Values => "values",
            View::Items => "items",
        }
    }
}

// === impl Method ===

impl Method {
    /// The value it was read from.
    pub(crate) fn subject(&self) -> Value {
        match self {
            Method::Text(text, _) => Value::Text(text.clone()),
            Method::Dict(dict, _) => Value::Dict(dict.clone()),
            Method::Contents(object, _) => Value::Object(object.clone()),
        }
    }
}

// === impl Dict ===

impl Dict {
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.entries
            .iter()
            .find(|(name, _)| &**name == key)
            .map(|(_, value)| value)
    }
}

// === impl Object ===

impl Object {
    pub(crate) fn new(kind: Kind, fields: Vec<Value>) -> Self {
        let data = ObjectData {
            kind,
            fields: fields.into(),
            position: None,
            index: None,
            call: None,
        };
        Self {
            data: Arc::new(data),
            place: Place::NOWHERE,
        }
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        let index = self
            .data
            .kind
            .fields()
            .iter()
            .position(|field| *field == name)?;
        self.data.fields.get(index)
    }

    pub(crate) fn named_fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        let names = self.data.kind.fields().iter().copied();
        names.zip(self.data.fields.iter())
    }

    /// A field that policies may read.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Value> {
        if self.data.kind.attributes().contains(&name) {
            self.field(name)
        } else {
            None
        }
    }

    /// The chunks, if this is the content of a message.
    pub(crate) fn contents(&self) -> Option<&[Value]> {
        match (self.data.kind, self.data.fields.first()) {
            (Kind::Contents, Some(Value::List(chunks))) => Some(&chunks.items),
            _ => None,
        }
    }
}
