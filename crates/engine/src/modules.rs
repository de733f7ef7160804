//! What policies can name without declaring it: built-ins, and modules to import from.

use crate::value::Value;

/// A function of the standard library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Function {
    Any,
    Empty,
    Find,
    Image,
    JsonLoads,
    Len,
    Match,
    Max,
    Min,
    Print,
    Server,
    ShouldAllowRbac,
    Sum,
    Text,
    ToolCall,
    Tuple,
    Violation,
    Count,
    Forall,
    Detector(Detector),
}

/// A function that the engine does not answer itself: it asks its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Detector {
    Copyright,
    EmbeddingSimilarity,
    FuzzyContains,
    HtmlCode,
    IpythonCode,
    IsPoisoned,
    IsSimilar,
    Links,
    Llm,
    LlmConfirm,
    Moderated,
    Ocr,
    Pii,
    PromptInjection,
    PythonCode,
    Secrets,
    Semgrep,
    ShellCode,
    ToolSignals,
    Unicode,
}

/// A module that policies import.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) name: &'static str,
    pub(crate) members: &'static [&'static str],
}

/// Names that need no import.
pub(crate) const BUILTINS: &[&str] = &[
    "AccessDenied",
    "Function",
    "Image",
    "Input",
    "LLM",
    "Message",
    "PolicyViolation",
    "TextChunk",
    "Tool",
    "ToolCall",
    "ToolOutput",
    "ToolParameter",
    "UpdateMessage",
    "UpdateMessageHandler",
    "Violation",
    "any",
    "bool",
    "dict",
    "empty",
    "find",
    "float",
    "image",
    "input",
    "int",
    "json_loads",
    "len",
    "list",
    "match",
    "max",
    "min",
    "print",
    "server",
    "str",
    "sum",
    "text",
    "tool_call",
    "tuple",
];

/// Built-ins that name something and cannot be called.
pub(crate) const NOT_CALLABLE: &[&str] = &[
    "str",
    "int",
    "float",
    "bool",
    "list",
    "dict",
    "AccessDenied",
];

/// What `<NAME>` in a pattern may name.
pub(crate) const VALUE_TYPES: &[&str] = &[
    "EMAIL_ADDRESS",
    "LOCATION",
    "PHONE_NUMBER",
    "PERSON",
    "MODERATED",
    "DUMMY",
];

pub(crate) static MODULES: &[Module] = &[
    Module {
        name: "invariant",
        members: &[
            "AccessDenied",
            "Contents",
            "ErrorInformation",
            "Event",
            "Function",
            "Image",
            "LLM",
            "Message",
            "PolicyViolation",
            "TextChunk",
            "Tool",
            "ToolCall",
            "ToolOutput",
            "ToolParameter",
            "UpdateMessage",
            "Violation",
            "count",
            "forall",
            "image",
            "llm",
            "llm_confirm",
            "text",
        ],
    },
    Module {
        name: "invariant.quantifiers",
        members: &["Quantifier", "count", "forall"],
    },
    Module {
        name: "invariant.builtins",
        members: &[
            "any",
            "empty",
            "find",
            "image",
            "json_loads",
            "len",
            "match",
            "max",
            "min",
            "print",
            "server",
            "sum",
            "text",
            "tool_call",
            "tuple",
        ],
    },
    Module {
        name: "invariant.nodes",
        members: &[
            "Contents",
            "Event",
            "Function",
            "Image",
            "Message",
            "TextChunk",
            "Tool",
            "ToolCall",
            "ToolOutput",
            "ToolParameter",
            "image",
            "text",
        ],
    },
    Module {
        name: "invariant.detectors",
        members: &[
            "copyright",
            "embedding_similarity",
            "fuzzy_contains",
            "ipython_code",
            "is_poisoned",
            "is_similar",
            "moderated",
            "pii",
            "prompt_injection",
            "python_code",
            "secrets",
            "semgrep",
            "shell_code",
            "tool_signals",
            "unicode",
        ],
    },
    Module {
        name: "invariant.detectors.secrets",
        members: &["secrets"],
    },
    Module {
        name: "invariant.detectors.code",
        members: &["ipython_code", "python_code", "semgrep", "shell_code"],
    },
    Module {
        name: "invariant.detectors.pii",
        members: &["pii"],
    },
    Module {
        name: "invariant.detectors.copyright",
        members: &["copyright"],
    },
    Module {
        name: "invariant.detectors.prompt_injection",
        members: &["prompt_injection", "unicode"],
    },
    Module {
        name: "invariant.detectors.moderation",
        members: &["moderated"],
    },
    Module {
        name: "invariant.detectors.fuzzy_matching",
        members: &["fuzzy_contains"],
    },
    Module {
        name: "invariant.detectors.sentence_similarity",
        members: &["embedding_similarity", "is_similar"],
    },
    Module {
        name: "invariant.detectors.tools",
        members: &["is_poisoned", "tool_signals"],
    },
    Module {
        name: "invariant.parsers",
        members: &["html_code", "links", "ocr"],
    },
    Module {
        name: "invariant.parsers.html",
        members: &["html_code", "links"],
    },
    Module {
        name: "invariant.access_control",
        members: &["should_allow_rbac"],
    },
];

pub(crate) fn module(name: &str) -> Option<&'static Module> {
    MODULES.iter().find(|module| module.name == name)
}

/// The value of a library name, whether built in or imported.
pub(crate) fn value(name: &str) -> Value {
    if name == "input" {
        return Value::Input;
    }
    if let Some(function) = function(name) {
        return Value::Function(function);
    }
    let known = MODULES
        .iter()
        .flat_map(|module| module.members)
        .chain(BUILTINS);
    Value::Type(
        known
            .copied()
            .find(|known| *known == name)
            .unwrap_or("type"),
    )
}

fn function(name: &str) -> Option<Function> {
    Some(match name {
        "any" => Function::Any,
        "empty" => Function::Empty,
        "find" => Function::Find,
        "image" => Function::Image,
        "json_loads" => Function::JsonLoads,
        "len" => Function::Len,
        "match" => Function::Match,
        "max" => Function::Max,
        "min" => Function::Min,
        "print" => Function::Print,
        "server" => Function::Server,
        "should_allow_rbac" => Function::ShouldAllowRbac,
        "sum" => Function::Sum,
        "text" => Function::Text,
        "tool_call" => Function::ToolCall,
        "tuple" => Function::Tuple,
        "Violation" | "PolicyViolation" => Function::Violation,
        "count" => Function::Count,
        "forall" => Function::Forall,
        other => Function::Detector(Detector::named(other)?),
    })
}

// === impl Function ===

impl Function {
    /// Whether it says something of its arguments and nothing else.
    pub(crate) fn is_pure(self) -> bool {
        match self {
            Function::Match | Function::Find | Function::Violation | Function::Detector(_) => false,
            Function::Any
            | Function::Count
            | Function::Empty
            | Function::Forall
            | Function::Image
            | Function::JsonLoads
            | Function::Len
            | Function::Max
            | Function::Min
            | Function::Print
            | Function::Server
            | Function::ShouldAllowRbac
            | Function::Sum
            | Function::Text
            | Function::ToolCall
            | Function::Tuple => true,
        }
    }
}

// === impl Detector ===

impl Detector {
    const ALL: [Detector; 20] = [
        Detector::Copyright,
        Detector::EmbeddingSimilarity,
        Detector::FuzzyContains,
        Detector::HtmlCode,
        Detector::IpythonCode,
        Detector::IsPoisoned,
        Detector::IsSimilar,
        Detector::Links,
        Detector::Llm,
        Detector::LlmConfirm,
        Detector::Moderated,
        Detector::Ocr,
        Detector::Pii,
        Detector::PromptInjection,
        Detector::PythonCode,
        Detector::Secrets,
        Detector::Semgrep,
        Detector::ShellCode,
        Detector::ToolSignals,
        Detector::Unicode,
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|detector| detector.name() == name)
    }

    /// Steps of evaluation that 64 bytes of text cost, at some 50 ns a step.
    pub(crate) fn fuel(self) -> u64 {
        match self {
            Detector::Pii => 50,
            Detector::Secrets => 20,
            Detector::FuzzyContains | Detector::IsPoisoned | Detector::ToolSignals => 64,
            Detector::IpythonCode
            | Detector::PromptInjection
            | Detector::PythonCode
            | Detector::ShellCode => 32,
            Detector::Copyright | Detector::HtmlCode | Detector::Links | Detector::Unicode => 16,
            // Somebody else does the work.
            Detector::EmbeddingSimilarity
            | Detector::IsSimilar
            | Detector::Llm
            | Detector::LlmConfirm
            | Detector::Moderated
            | Detector::Ocr
            | Detector::Semgrep => 1,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Detector::Copyright => "copyright",
            Detector::EmbeddingSimilarity => "embedding_similarity",
            Detector::FuzzyContains => "fuzzy_contains",
            Detector::HtmlCode => "html_code",
            Detector::IpythonCode => "ipython_code",
            Detector::IsPoisoned => "is_poisoned",
            Detector::IsSimilar => "is_similar",
            Detector::Links => "links",
            Detector::Llm => "llm",
            Detector::LlmConfirm => "llm_confirm",
            Detector::Moderated => "moderated",
            Detector::Ocr => "ocr",
            Detector::Pii => "pii",
            Detector::PromptInjection => "prompt_injection",
            Detector::PythonCode => "python_code",
            Detector::Secrets => "secrets",
            Detector::Semgrep => "semgrep",
            Detector::ShellCode => "shell_code",
            Detector::ToolSignals => "tool_signals",
            Detector::Unicode => "unicode",
        }
    }
}
