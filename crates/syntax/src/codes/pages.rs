//! The pages of `explain`, in the order of the codes.

use super::CodePage;
use crate::codes;

/// The page of every code of this crate.
pub fn pages() -> &'static [CodePage] {
    &PAGES
}

static PAGES: [CodePage; 38] = [
    CodePage {
        code: codes::ASSIGNED_LITERAL,
        title: "a literal cannot be assigned",
        wrong: "True := 1\n",
        right: "truth := 1\n",
        text: "`None`, `True` and `False` are values. They cannot be the name of a constant or a \
               variable.",
    },
    CodePage {
        code: codes::CHAIN_TOO_LONG,
        title: "too many operators in one expression",
        wrong: "",
        right: "",
        text: "An expression may put at most 1000 operators, calls and member accesses on top of \
               each other. Compare with a list, `x in [\"a\", \"b\"]`, instead of joining a \
               thousand comparisons with `or`, or split the condition over several lines or \
               predicates.",
    },
    CodePage {
        code: codes::DEF_STATEMENT,
        title: "there is no `def`",
        wrong: r#"def big(c: ToolCall):
    c.id == "1"
"#,
        right: r#"big(c: ToolCall) :=
    c.id == "1"
"#,
        text: "A predicate is its name, its parameters with their kinds, and `:=`. Its value is \
               true where all its lines are.",
    },
    CodePage {
        code: codes::DOTTED_IMPORT,
        title: "a dotted module needs a name of its own",
        wrong: "import invariant.detectors\n",
        right: "import invariant.detectors as detectors\n",
        text: "An imported module is used under one plain name. Give it one with `as`, or import \
               the names you need with `from … import …`.",
    },
    CodePage {
        code: codes::EXPECTED_EXPRESSION,
        title: "no expression where one must stand",
        wrong: "limit := ,\n",
        right: "limit := 3\n",
        text: "A value, a name, a call or a condition must stand here.",
    },
    CodePage {
        code: codes::EXPECTED_NAME,
        title: "no name where one must stand",
        wrong: r#"raise "x" if:
    (m: Message)
    m."role" == "user"
"#,
        right: r#"raise "x" if:
    (m: Message)
    m.role == "user"
"#,
        text: "Modules, variables, parameters, members and keyword arguments are plain names of \
               ASCII letters, digits and `_`, not beginning with a digit. A key that is no such \
               name is read with brackets, `object[\"a key\"]`.",
    },
    CodePage {
        code: codes::EXPECTED_STATEMENT,
        title: "this begins no statement",
        wrong: r#"riase "x" if:
    (m: Message)
"#,
        right: r#"raise "x" if:
    (m: Message)
"#,
        text: "A policy is made of rules (`raise … if:`), imports, constants (`name := value`) \
               and predicates (`name(parameter: kind) := condition`). Conditions stand indented \
               below the rule or predicate they belong to.",
    },
    CodePage {
        code: codes::FOREIGN_OPERATOR,
        title: "an operator of another language",
        wrong: r#"raise "x" if:
    (m: Message)
    m.role == "user" && m.content != ""
"#,
        right: r#"raise "x" if:
    (m: Message)
    m.role == "user" and m.content != ""
"#,
        text: "Conditions are joined with the words `and` and `or` and negated with `not`.",
    },
    CodePage {
        code: codes::INCONSISTENT_INDENTATION,
        title: "indentation that goes back to no open block",
        wrong: r#"raise "x" if:
        (m: Message)
    m.role == "user"
"#,
        right: r#"raise "x" if:
    (m: Message)
    m.role == "user"
"#,
        text: "The lines of a block stand in one column. A line that stands less deep ends the \
               block, and must stand in the column of a block around it. A tab counts as one \
               blank, so tabs and blanks do not mix well: use blanks.",
    },
    CodePage {
        code: codes::INLINE_BODY,
        title: "conditions behind the colon",
        wrong: r#"raise "x" if: (m: Message)
"#,
        right: r#"raise "x" if:
    (m: Message)
"#,
        text: "The conditions of a rule or a quantifier stand on the lines below its colon, \
               indented, one per line.",
    },
    CodePage {
        code: codes::INVALID_BINDER,
        title: "not a binder",
        wrong: r#"raise "x" if:
    (m: Message, c: ToolCall)
"#,
        right: r#"raise "x" if:
    (m: Message)
    (c: ToolCall)
"#,
        text: "A binder introduces one variable: its name, a colon and its kind, in parentheses.",
    },
    CodePage {
        code: codes::INVALID_IMPORT,
        title: "an import without names",
        wrong: "from invariant import *\n",
        right: "from invariant import count, forall\n",
        text: "The names to import are listed, with commas between them and without brackets. \
               There is no way to import all names of a module.",
    },
    CodePage {
        code: codes::INVALID_OBJECT_KEY,
        title: "not a key",
        wrong: r#"limits := {1: "a"}
"#,
        right: r#"limits := {"1": "a"}
"#,
        text: "The keys of an object are plain names or texts on one line.",
    },
    CodePage {
        code: codes::INVALID_RAISE,
        title: "this cannot be raised",
        wrong: r#"raise "a" + "b" if:
    (m: Message)
"#,
        right: r#"raise Violation("a" + "b") if:
    (m: Message)
"#,
        text: "A rule raises a text on one line, a name, or a call such as `Violation(\"…\", \
               call=c)`. Put anything else into the arguments of a call.",
    },
    CodePage {
        code: codes::KEYWORD_IN_PATTERN,
        title: "a keyword argument in a tool pattern",
        wrong: r#"raise "x" if:
    (c: ToolCall)
    c is tool:send(to="eve")
"#,
        right: r#"raise "x" if:
    (c: ToolCall)
    c is tool:send({to: "eve"})
"#,
        text: "A tool pattern describes the arguments of a tool call as one object. Keys it does \
               not list may have any value.",
    },
    CodePage {
        code: codes::MISMATCHED_BRACKET,
        title: "a bracket closed by another kind",
        wrong: r#"names := ["a", "b")
"#,
        right: r#"names := ["a", "b"]
"#,
        text: "`(` is closed by `)`, `[` by `]`, and `{` by `}`.",
    },
    CodePage {
        code: codes::MISPLACED_BLOCK,
        title: "a block where none can stand",
        wrong: r#"raise "x" if:
    (m: Message)
    m.role:
        m.content == ""
"#,
        right: r#"raise "x" if:
    (m: Message)
    m.role == ""
"#,
        text: "Blocks belong to rules, predicates and quantifiers. The head of a quantifier is a \
               name or a call: `forall:`, `count(min=2):`.",
    },
    CodePage {
        code: codes::MISSING_BODY,
        title: "nothing below a header",
        wrong: r#"raise "x" if:

limit := 3
"#,
        right: r#"raise "x" if:
    (m: Message)

limit := 3
"#,
        text: "A rule needs at least one condition on the lines below its colon, indented deeper \
               than the rule itself. A constant or variable needs its value behind the `:=`.",
    },
    CodePage {
        code: codes::MISSING_COLON,
        title: "a header without its colon",
        wrong: r#"raise "x" if
    (m: Message)
"#,
        right: r#"raise "x" if:
    (m: Message)
"#,
        text: "The header of a rule ends with `if:`, and the colon is the last thing on its line \
               (a comment may follow).",
    },
    CodePage {
        code: codes::MISSING_ELSE,
        title: "a conditional without `else`",
        wrong: r#"raise "x" if:
    (m: Message)
    m.role == "user" if m.content
"#,
        right: r#"raise "x" if:
    (m: Message)
    m.role == ("user" if m.content else "tool")
"#,
        text: "A conditional has two values: `value if condition else other`. Conditions that \
               must hold together stand on lines of their own. Inside a comprehension, behind its \
               list, `if` alone is the filter.",
    },
    CodePage {
        code: codes::MISSING_IF,
        title: "a rule without `if`",
        wrong: r#"raise "x":
    (m: Message)
"#,
        right: r#"raise "x" if:
    (m: Message)
"#,
        text: "What is raised is followed by `if:`.",
    },
    CodePage {
        code: codes::MISSING_OPERAND,
        title: "an operator without its right side",
        wrong: r#"raise "x" if:
    (m: Message)
    m.role == "user" and
"#,
        right: r#"raise "x" if:
    (m: Message)
    m.role == "user"
"#,
        text: "The expression ends behind an operator. In a block it may go on in the next line, \
               at the same or a deeper column.",
    },
    CodePage {
        code: codes::MISSING_PARAMETER_KIND,
        title: "a parameter without its kind",
        wrong: "long(text) := len(text) > 3\n",
        right: "long(text: str) := len(text) > 3\n",
        text: "Each parameter of a predicate has a name and a kind.",
    },
    CodePage {
        code: codes::MISSING_TOOL_NAME,
        title: "`tool:` without a name",
        wrong: r#"raise "x" if:
    (c: ToolCall)
    c is tool:"send-mail"
"#,
        right: r#"raise "x" if:
    (c: ToolCall)
    c.function.name == "send-mail"
"#,
        text: "A tool is named by a plain name directly behind `tool:`. Names with other \
               characters, such as `-`, are compared as text with `c.function.name`.",
    },
    CodePage {
        code: codes::NESTING_TOO_DEEP,
        title: "brackets or blocks nested too deep",
        wrong: "",
        right: "",
        text: "Brackets, blocks and conditionals nest at most 64 levels deep. Name an inner part \
               with `name := …` and use the name.",
    },
    CodePage {
        code: codes::NUMBER_TOO_LONG,
        title: "an integer of too many digits",
        wrong: "",
        right: "",
        text: "An integer has at most 4300 digits.",
    },
    CodePage {
        code: codes::OPERATOR_WITHOUT_BLANK,
        title: "a word operator without a blank",
        wrong: r#"raise "x" if:
    (m: Message)
    not(m.role == "user")
"#,
        right: r#"raise "x" if:
    (m: Message)
    not (m.role == "user")
"#,
        text: "`not`, `and`, `or`, `is`, `in` and `contains_only` are operators only when a blank \
               follows. Without it, `not(x)` would be a call of a function named `not`.",
    },
    CodePage {
        code: codes::POSITIONAL_AFTER_KEYWORD,
        title: "a positional argument behind a named one",
        wrong: r#"raise Violation(call="a", "b") if:
    (m: Message)
"#,
        right: r#"raise Violation("b", call="a") if:
    (m: Message)
"#,
        text: "Positional arguments come first.",
    },
    CodePage {
        code: codes::SINGLE_EQUALS,
        title: "`=` used as an operator",
        wrong: "limit = 3\n",
        right: "limit := 3\n",
        text: "`:=` names a value, `==` compares two. A single `=` stands only between the name \
               and the value of a keyword argument.",
    },
    CodePage {
        code: codes::SLICE,
        title: "a slice",
        wrong: r#"start := "abc"[0:2]
"#,
        right: r#"start := "abc"[0]
"#,
        text: "A single element can be indexed, a range cannot. To search in a text use `in`, \
               `match` or `find`.",
    },
    CodePage {
        code: codes::SOURCE_TOO_LONG,
        title: "the policy is too long",
        wrong: "",
        right: "",
        text: "A policy has at most 1 MiB of text.",
    },
    CodePage {
        code: codes::TRAILING_COMMA,
        title: "a comma with nothing behind it",
        wrong: r#"names := ["a", "b",]
"#,
        right: r#"names := ["a", "b"]
"#,
        text: "Commas stand between elements, not behind the last one.",
    },
    CodePage {
        code: codes::UNCLOSED_BRACKET,
        title: "a bracket that is not closed",
        wrong: r#"names := ["a", "b"
raise "x" if:
    (m: Message)
"#,
        right: r#"names := ["a", "b"]
raise "x" if:
    (m: Message)
"#,
        text: "Inside brackets lines do not count, so an open bracket takes in everything behind \
               it, up to the next rule.",
    },
    CodePage {
        code: codes::UNEXPECTED_TOKEN,
        title: "something unexpected behind an expression",
        wrong: r#"raise "x" if:
    (m: Message) m.role == "user"
"#,
        right: r#"raise "x" if:
    (m: Message)
    m.role == "user"
"#,
        text: "The expression is complete, and this does not continue it: an operator or a comma \
               may be missing, or a line break between two conditions.",
    },
    CodePage {
        code: codes::UNKNOWN_CHARACTER,
        title: "a character outside the language",
        wrong: "limit := 3;\n",
        right: "limit := 3\n",
        text: "Outside strings and comments a policy is made of ASCII letters, digits, blanks and \
               the symbols of the language. Editors and chat programs like to replace straight \
               quotes and blanks by others.",
    },
    CodePage {
        code: codes::UNMATCHED_BRACKET,
        title: "a closing bracket without an opening one",
        wrong: r#"limit := len("abc"))
"#,
        right: r#"limit := len("abc")
"#,
        text: "Every closing bracket needs an opening one before it.",
    },
    CodePage {
        code: codes::UNTERMINATED_STRING,
        title: "a string that is not closed",
        wrong: r#"raise "x if:
    (m: Message)
"#,
        right: r#"raise "x" if:
    (m: Message)
"#,
        text: "A string in single or double quotes ends on its line. Text of several lines stands \
               in triple quotes. A backslash keeps the quote behind it from closing the string.",
    },
    CodePage {
        code: codes::VALUE_ON_NEXT_LINE,
        title: "a value below its `:=`",
        wrong: r#"raise "x" if:
    (m: Message)
    text :=
        m.content
"#,
        right: r#"raise "x" if:
    (m: Message)
    text := m.content
"#,
        text: "Below a `:=` at the end of a line stands the body of a predicate or constant. The \
               value of a variable begins on the line of its `:=`; inside brackets it may go on \
               over several lines.",
    },
];
