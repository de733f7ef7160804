//! The pages of load errors.

use crate::codes;
use portcullis_syntax::CodePage;

pub(super) static PAGES: &[CodePage] = &[
    CodePage {
        code: codes::DUPLICATE_NAME,
        title: "a name is declared twice",
        wrong: r#"raise "repeated" if:
    (c: ToolCall) -> (c: ToolCall)
"#,
        right: r#"raise "repeated" if:
    (c: ToolCall) -> (d: ToolCall)
"#,
        text: "Constants and predicates of a file have different names, and so have the \
               variables of one body. Parameters and variables of an enclosing body may be \
               hidden.",
    },
    CodePage {
        code: codes::NOT_CALLABLE,
        title: "this cannot be called",
        wrong: r#"raise "long" if:
    (c: ToolCall)
    str(c.function.arguments.n) == "1"
"#,
        right: r#"raise "long" if:
    (c: ToolCall)
    "{}".format(c.function.arguments.n) == "1"
"#,
        text: "Texts, booleans and None are no functions. The names `str`, `int`, `float`, \
               `bool`, `list` and `dict` stand for kinds of values in binders and convert \
               nothing.",
    },
    CodePage {
        code: codes::PATTERN_OUTSIDE_TOOL,
        title: "a pattern outside the pattern of a tool",
        wrong: r#"raise "mail" if:
    (c: ToolCall)
    c.function.arguments.to == <EMAIL_ADDRESS>
"#,
        right: r#"raise "mail" if:
    (c: ToolCall)
    c is tool:send({to: <EMAIL_ADDRESS>})
"#,
        text: "`*` and `<NAME>` match values inside `tool:name(…)`. They are no values themselves.",
    },
    CodePage {
        code: codes::UNBOUND_IN_RAISE,
        title: "the error names a variable of an inner block",
        wrong: r#"from invariant import count
raise Violation("too many", c) if:
    count(min=3):
        (c: ToolCall)
        c is tool:send
"#,
        right: r#"from invariant import count
raise Violation("too many", c) if:
    (c: ToolCall)
    c is tool:send
    count(min=3):
        (d: ToolCall)
        d is tool:send
"#,
        text: "Variables of a quantifier's block range over many values and have none outside. \
               Bind what the error shows in the body of the rule itself.",
    },
    CodePage {
        code: codes::UNKNOWN_IMPORT,
        title: "the module has no such member",
        wrong: "from invariant.detectors import secret\n",
        right: "from invariant.detectors import secrets\n",
        text: "Only names that the module has can be imported from it.",
    },
    CodePage {
        code: codes::UNKNOWN_KIND,
        title: "there is no such kind of value",
        wrong: r#"raise "x" if:
    (c: Toolcall)
    c is tool:send
"#,
        right: r#"raise "x" if:
    (c: ToolCall)
    c is tool:send
"#,
        text: "A binder names what it ranges over: `Message`, `ToolCall`, `ToolOutput`, \
               `Function`, `TextChunk`, `Image`, `Tool`, `ToolParameter`, or inside another value \
               also `str`, `int`, `float`, `bool`, `list`, `dict`.",
    },
    CodePage {
        code: codes::UNKNOWN_MODULE,
        title: "there is no such module",
        wrong: "from invariant.detector import secrets\n",
        right: "from invariant.detectors import secrets\n",
        text: "Policies import from the modules of the policy library only, never Python's own.",
    },
    CodePage {
        code: codes::UNKNOWN_NAME,
        title: "a name is not defined",
        wrong: r#"raise "key" if:
    (m: Message)
    any(secrets(m.content))
"#,
        right: r#"from invariant.detectors import secrets
raise "key" if:
    (m: Message)
    any(secrets(m.content))
"#,
        text: "Every name is a variable or parameter of the body, a constant or predicate of the \
               file, an import, or built in. A variable of a quantifier's block exists in that \
               block only.",
    },
    CodePage {
        code: codes::UNKNOWN_VALUE_TYPE,
        title: "there is no such value type",
        wrong: r#"raise "mail" if:
    (c: ToolCall)
    c is tool:send({to: <EMAIL>})
"#,
        right: r#"raise "mail" if:
    (c: ToolCall)
    c is tool:send({to: <EMAIL_ADDRESS>})
"#,
        text: "`<NAME>` in a pattern is one of `EMAIL_ADDRESS`, `LOCATION`, `PHONE_NUMBER`, \
               `PERSON`, `MODERATED` and `DUMMY`.",
    },
];
