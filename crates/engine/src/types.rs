//! What kinds of values an expression can have, as far as that is known without evaluating it.

use crate::kind::{BinderKind, Kind};

/// A set of kinds of values. Unknown is never counted: every expression may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Type(u32);

impl Type {
    pub(crate) const EMPTY: Type = Type(0);
    pub(crate) const NONE: Type = Type(1);
    pub(crate) const BOOL: Type = Type(1 << 1);
    pub(crate) const INTEGER: Type = Type(1 << 2);
    pub(crate) const FLOAT: Type = Type(1 << 3);
    pub(crate) const TEXT: Type = Type(1 << 4);
    pub(crate) const LIST: Type = Type(1 << 5);
    pub(crate) const TUPLE: Type = Type(1 << 6);
    pub(crate) const SET: Type = Type(1 << 7);
    pub(crate) const VIEW: Type = Type(1 << 8);
    pub(crate) const DICT: Type = Type(1 << 9);
    pub(crate) const MESSAGE: Type = Type(1 << 10);
    pub(crate) const TOOL_CALL: Type = Type(1 << 11);
    pub(crate) const TOOL_OUTPUT: Type = Type(1 << 12);
    pub(crate) const FUNCTION: Type = Type(1 << 13);
    pub(crate) const TEXT_CHUNK: Type = Type(1 << 14);
    pub(crate) const IMAGE: Type = Type(1 << 15);
    pub(crate) const CONTENTS: Type = Type(1 << 16);
    pub(crate) const TOOL: Type = Type(1 << 17);
    pub(crate) const TOOL_PARAMETER: Type = Type(1 << 18);
    pub(crate) const PYTHON_CODE: Type = Type(1 << 19);
    pub(crate) const HTML: Type = Type(1 << 20);
    /// `:=` and imports: no value at all.
    pub(crate) const NOTHING: Type = Type(1 << 21);
    /// Functions, modules, patterns and the like.
    pub(crate) const OTHER: Type = Type(1 << 22);
    pub(crate) const SHELL_CODE: Type = Type(1 << 23);
    pub(crate) const ANY: Type = Type((1 << 24) - 1);

    pub(crate) const NUMBER: Type = Type::BOOL.or(Type::INTEGER).or(Type::FLOAT);
    pub(crate) const EVENT: Type = Type::MESSAGE
        .or(Type::TOOL_CALL)
        .or(Type::TOOL_OUTPUT)
        .or(Type::TOOL);
    /// Objects whose attributes are known by their kind, and which are never falsy.
    pub(crate) const STRUCTURE: Type = Type::EVENT
        .or(Type::FUNCTION)
        .or(Type::TEXT_CHUNK)
        .or(Type::IMAGE)
        .or(Type::TOOL_PARAMETER)
        .or(Type::PYTHON_CODE)
        .or(Type::SHELL_CODE)
        .or(Type::HTML);
    pub(crate) const SEQUENCE: Type = Type::LIST.or(Type::TUPLE).or(Type::SET).or(Type::VIEW);
    /// What `Message.content` can be.
    const CONTENT: Type = Type::NONE.or(Type::TEXT).or(Type::CONTENTS);
    /// What `ToolOutput.content` can be, and nothing else is.
    pub(crate) const OUTPUT_CONTENT: Type = Type::CONTENT.or(Type::DICT);

    const KINDS: [(Type, Kind); 12] = [
        (Type::MESSAGE, Kind::Message),
        (Type::TOOL_CALL, Kind::ToolCall),
        (Type::TOOL_OUTPUT, Kind::ToolOutput),
        (Type::FUNCTION, Kind::Function),
        (Type::TEXT_CHUNK, Kind::TextChunk),
        (Type::IMAGE, Kind::Image),
        (Type::CONTENTS, Kind::Contents),
        (Type::TOOL, Kind::Tool),
        (Type::TOOL_PARAMETER, Kind::ToolParameter),
        (Type::PYTHON_CODE, Kind::PythonCode),
        (Type::SHELL_CODE, Kind::ShellCode),
        (Type::HTML, Kind::Html),
    ];

    pub(crate) const fn or(self, other: Type) -> Type {
        Type(self.0 | other.0)
    }

    /// Whether every value of this type is one of the other.
    pub(crate) fn is_within(self, other: Type) -> bool {
        self.0 & !other.0 == 0
    }

    pub(crate) fn overlaps(self, other: Type) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn without(self, other: Type) -> Type {
        Type(self.0 & !other.0)
    }

    pub(crate) fn bound_by(kind: BinderKind) -> Type {
        match kind {
            BinderKind::Object(kind) => Type::of_kind(kind),
            BinderKind::Text => Type::TEXT,
            BinderKind::Integer => Type::INTEGER,
            BinderKind::Float => Type::FLOAT,
            BinderKind::Bool => Type::BOOL,
            BinderKind::List => Type::LIST,
            BinderKind::Dict => Type::DICT,
            BinderKind::Tuple => Type::TUPLE,
            BinderKind::Input | BinderKind::Nothing => Type::OTHER,
        }
    }

    /// The kinds of objects among the values.
    pub(crate) fn kinds(self) -> impl Iterator<Item = Kind> {
        Self::KINDS
            .into_iter()
            .filter(move |(ty, _)| ty.overlaps(self))
            .map(|(_, kind)| kind)
    }

    /// The type of `x.name` for an object of this kind; nothing if it has no such attribute.
    pub(crate) fn of_attribute(kind: Kind, name: &str) -> Option<Type> {
        let text_or_none = Type::TEXT.or(Type::NONE);
        if !kind.attributes().contains(&name) {
            return None;
        }
        Some(match (kind, name) {
            (Kind::Message, "content") => Type::CONTENT,
            (Kind::ToolOutput, "content") => Type::OUTPUT_CONTENT,
            (Kind::Message, "tool_calls") => Type::LIST.or(Type::NONE),
            (_, "metadata" | "arguments" | "image_url") => Type::DICT,
            (Kind::ToolCall, "function") => Type::FUNCTION,
            (Kind::ToolCall, "id") | (Kind::ToolOutput, "tool_call_id") | (_, "server") => {
                text_or_none
            }
            (Kind::Contents, _) => Type::OTHER,
            (Kind::ToolParameter, "type") => Type::TEXT.or(Type::LIST),
            (Kind::ToolParameter, "required")
            | (Kind::PythonCode | Kind::ShellCode, "syntax_error") => Type::BOOL,
            (Kind::ToolParameter, "properties") => Type::DICT.or(Type::NONE),
            (Kind::ToolParameter, "additionalProperties") => Type::BOOL.or(Type::NONE),
            (Kind::ToolParameter, "items") => Type::TOOL_PARAMETER.or(Type::NONE),
            (Kind::ToolParameter, "enum") => Type::ANY,
            (Kind::PythonCode, "function_calls") => Type::SET,
            (Kind::PythonCode | Kind::ShellCode, "syntax_error_exception") => text_or_none,
            (Kind::Tool, "inputSchema") | (Kind::PythonCode | Kind::ShellCode | Kind::Html, _) => {
                Type::LIST
            }
            _ => Type::TEXT,
        })
    }

    fn of_kind(kind: Kind) -> Type {
        let found = Self::KINDS.into_iter().find(|(_, known)| *known == kind);
        found.map_or(Type::OTHER, |(ty, _)| ty)
    }
}
