//! The kinds of objects that policies see, and what each of them shows.

/// A kind of object. Its fields are kept in the order in which they are dumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Message,
    ToolCall,
    ToolOutput,
    Function,
    TextChunk,
    Image,
    Contents,
    Tool,
    ToolParameter,
    PythonCode,
    ShellCode,
    Html,
}

/// What `(x: T)` ranges over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum BinderKind {
    Object(Kind),
    Text,
    Integer,
    Float,
    Bool,
    List,
    Dict,
    Tuple,
    Input,
    /// A name that resolves and selects nothing.
    Nothing,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Message => "Message",
            Kind::ToolCall => "ToolCall",
            Kind::ToolOutput => "ToolOutput",
            Kind::Function => "Function",
            Kind::TextChunk => "TextChunk",
            Kind::Image => "Image",
            Kind::Contents => "Contents",
            Kind::Tool => "Tool",
            Kind::ToolParameter => "ToolParameter",
            Kind::PythonCode => "PythonDetectorResult",
            Kind::ShellCode => "ShellDetectorResult",
            Kind::Html => "HiddenHTMLData",
        }
    }

    pub(crate) fn fields(self) -> &'static [&'static str] {
        match self {
            Kind::Message => &["metadata", "server", "role", "content", "tool_calls"],
            Kind::ToolCall => &["metadata", "server", "id", "type", "function"],
            Kind::ToolOutput => &["metadata", "server", "role", "content", "tool_call_id"],
            Kind::Function => &["name", "arguments"],
            Kind::TextChunk => &["metadata", "server", "type", "text"],
            Kind::Image => &["metadata", "server", "type", "image_url"],
            Kind::Contents => &["root"],
            Kind::Tool => &["metadata", "server", "name", "description", "inputSchema"],
            Kind::ToolParameter => &[
                "type",
                "name",
                "description",
                "required",
                "properties",
                "additionalProperties",
                "items",
                "enum",
            ],
            Kind::PythonCode => &[
                "imports",
                "builtins",
                "syntax_error",
                "syntax_error_exception",
                "function_calls",
            ],
            Kind::ShellCode => &[
                "commands",
                "programs",
                "pipelines",
                "redirects",
                "substitutions",
                "variables",
                "assignments",
                "dynamic",
                "syntax_error",
                "syntax_error_exception",
            ],
            Kind::Html => &["alt_texts", "links"],
        }
    }

    /// The fields that `x.name` reads; the others are only dumped.
    pub(crate) fn attributes(self) -> &'static [&'static str] {
        match self {
            Kind::Message => &["role", "content", "tool_calls", "metadata"],
            Kind::ToolCall => &["id", "type", "function", "metadata"],
            Kind::ToolOutput => &["role", "content", "tool_call_id", "metadata"],
            Kind::TextChunk => &["type", "text"],
            Kind::Image => &["type", "image_url"],
            Kind::Contents => &["text", "image"],
            Kind::Tool => &["name", "description", "inputSchema", "server"],
            Kind::Function
            | Kind::ToolParameter
            | Kind::PythonCode
            | Kind::ShellCode
            | Kind::Html => self.fields(),
        }
    }

    /// Where a binder looks inside an object of this kind, in order.
    pub(crate) fn searched(self) -> &'static [&'static str] {
        match self {
            Kind::Message => &["content", "role", "tool_calls"],
            Kind::ToolCall => &["id", "type", "function"],
            Kind::ToolOutput => &["role", "content", "tool_call_id"],
            Kind::TextChunk => &["text"],
            Kind::Image => &["image_url"],
            Kind::Contents => &["root"],
            Kind::Tool => &["inputSchema"],
            Kind::Function
            | Kind::ToolParameter
            | Kind::PythonCode
            | Kind::ShellCode
            | Kind::Html => &[],
        }
    }
}

impl BinderKind {
    pub(crate) fn is_event(self) -> bool {
        let BinderKind::Object(kind) = self else {
            return false;
        };
        matches!(
            kind,
            Kind::Message | Kind::ToolCall | Kind::ToolOutput | Kind::Tool
        )
    }

    /// Whether a value of this kind knows the index of its event.
    pub(crate) fn is_indexed(self) -> bool {
        match self {
            BinderKind::Object(kind) => match kind {
                Kind::Message
                | Kind::ToolCall
                | Kind::ToolOutput
                | Kind::TextChunk
                | Kind::Image
                | Kind::Tool => true,
                Kind::Function
                | Kind::Contents
                | Kind::ToolParameter
                | Kind::PythonCode
                | Kind::ShellCode
                | Kind::Html => false,
            },
            BinderKind::Text
            | BinderKind::Integer
            | BinderKind::Float
            | BinderKind::Bool
            | BinderKind::List
            | BinderKind::Dict
            | BinderKind::Tuple
            | BinderKind::Input
            | BinderKind::Nothing => false,
        }
    }

    /// Whether a value of this kind can be found in the trace again.
    pub(crate) fn is_placed(self) -> bool {
        match self {
            BinderKind::Object(_) | BinderKind::Text | BinderKind::List | BinderKind::Dict => true,
            BinderKind::Integer
            | BinderKind::Float
            | BinderKind::Bool
            | BinderKind::Tuple
            | BinderKind::Input
            | BinderKind::Nothing => false,
        }
    }

    /// Whether it can find anything in a message beside what is in its calls.
    pub(crate) fn looks_into_messages(self) -> bool {
        !matches!(
            self,
            BinderKind::Object(
                Kind::ToolCall
                    | Kind::ToolOutput
                    | Kind::Function
                    | Kind::Tool
                    | Kind::ToolParameter
            )
        )
    }

    /// The kind written as `name`: names that resolve to something else select nothing.
    pub(crate) fn named(name: &str) -> Self {
        let object = [
            Kind::Message,
            Kind::ToolCall,
            Kind::ToolOutput,
            Kind::Function,
            Kind::TextChunk,
            Kind::Image,
            Kind::Contents,
            Kind::Tool,
            Kind::ToolParameter,
        ];
        if let Some(kind) = object.into_iter().find(|kind| kind.name() == name) {
            return BinderKind::Object(kind);
        }
        match name {
            "str" => BinderKind::Text,
            "int" => BinderKind::Integer,
            "float" => BinderKind::Float,
            "bool" => BinderKind::Bool,
            "list" => BinderKind::List,
            "dict" => BinderKind::Dict,
            "tuple" => BinderKind::Tuple,
            "Input" => BinderKind::Input,
            _ => BinderKind::Nothing,
        }
    }
}
