//! The pages of warnings: the policy loads, and probably does not do what its author meant.

use crate::codes;
use portcullis_syntax::CodePage;

pub(super) static PAGES: &[CodePage] = &[
    CodePage {
        code: codes::ALWAYS_FAILS,
        title: "evaluating this is always a run-time error",
        wrong: r#"raise "secret path" if:
    (m: Message)
    any(find("/etc/.*", m))
"#,
        right: r#"raise "secret path" if:
    (m: Message)
    m.role == "user"
    any(find("/etc/.*", m.content))
"#,
        text: "The operation does not exist for these kinds of values. A run-time error is no \
               answer: the whole analysis fails, whatever the other rules say.",
    },
    CodePage {
        code: codes::ALWAYS_FALSE,
        title: "this is never true",
        wrong: r#"raise "tool said it" if:
    (m: Message)
    m.role == "tool"
    "password" in m.content
"#,
        right: r#"raise "tool said it" if:
    (m: ToolOutput)
    "password" in m.content
"#,
        text: "Values of different kinds are never equal, `is` compares identity and not content, \
               results of tools are no messages, and an object is never false. A line that is \
               never true makes its whole rule silent.",
    },
    CodePage {
        code: codes::ALWAYS_TRUE,
        title: "this is never false",
        wrong: r#"raise "not a user" if:
    (m: Message)
    m.role != 1
"#,
        right: r#"raise "not a user" if:
    (m: Message)
    m.role != "user"
"#,
        text: "Values of different kinds are always unequal, so the comparison excludes nothing.",
    },
    CodePage {
        code: codes::BINDERS_ONLY,
        title: "no condition needs a value of the variables",
        wrong: r#"raise "a tool was called" if:
    (c: ToolCall)
"#,
        right: r#"raise Violation("a tool was called", c) if:
    (c: ToolCall)
"#,
        text: "A binder is true by itself. A body is decided as soon as all its lines are, and \
               where no line needs a variable, that is before any is bound: once, without a \
               place, and on an empty trace too. Use the variable in a condition (`c is not None` \
               is enough), or in the error.",
    },
    CodePage {
        code: codes::COMPARISON_CHAIN,
        title: "comparisons do not chain",
        wrong: r#"raise "in between" if:
    (c: ToolCall)
    1 < c.function.arguments.n < 10
"#,
        right: r#"raise "in between" if:
    (c: ToolCall)
    1 < c.function.arguments.n
    c.function.arguments.n < 10
"#,
        text: "`a < b < c` compares the outcome of `a < b` with `c`. Write two comparisons, or \
               brackets if that is meant. Only the flows `a -> b -> c` chain.",
    },
    CodePage {
        code: codes::CONTENT_IN_CHUNKS,
        title: "an output may consist of chunks, which are not one text",
        wrong: r#"raise "path in an output" if:
    (o: ToolOutput)
    any(find("/etc/.*", o.content))
"#,
        right: r#"raise "path in an output" if:
    (o: ToolOutput)
    (part: str) in text(o)
    any(find("/etc/.*", part))
"#,
        text: "The content of a tool output is a text or a list of chunks, as its server has \
               written it. A function of one text is a run-time error on a list of chunks, and \
               then the whole analysis fails. `text(o)` is the list of all texts of an output, \
               however it is written.",
    },
    CodePage {
        code: codes::COUNT_WITHOUT_BOUNDS,
        title: "a count without bounds is always true",
        wrong: r#"from invariant import count
raise "calls" if:
    count:
        (c: ToolCall)
        c is tool:send
"#,
        right: r#"from invariant import count
raise "calls" if:
    count(min=1):
        (c: ToolCall)
        c is tool:send
"#,
        text: "`count` compares the number of matches with `min` and `max`. Without either, or \
               with `min=0` only, every number will do.",
    },
    CodePage {
        code: codes::EMPTY_KIND,
        title: "nothing is of this kind",
        wrong: r#"from invariant import ToolCall as Call
raise "sent" if:
    (c: Call)
    c is tool:send
"#,
        right: r#"raise "sent" if:
    (c: ToolCall)
    c is tool:send
"#,
        text: "Binders go by the name as it is written. Another name for a kind, or something \
               that is no kind of value, selects nothing, so that the rule is silent.",
    },
    CodePage {
        code: codes::IGNORED_ARGUMENT,
        title: "the predicate does not see this argument",
        wrong: r#"sends(c: ToolCall) := c is tool:send
raise "sent" if:
    (c: ToolCall)
    sends(c, "mail")
"#,
        right: r#"sends(c: ToolCall) := c is tool:send
raise "sent" if:
    (c: ToolCall)
    sends(c)
"#,
        text: "Predicates take their arguments by position. Arguments beyond their parameters, \
               and keyword arguments, are evaluated and dropped.",
    },
    CodePage {
        code: codes::IGNORED_PARTS,
        title: "only the first value in brackets counts",
        wrong: r#"raise "internal" if:
    (c: ToolCall)
    c.function.name in ("send", "post")
"#,
        right: r#"raise "internal" if:
    (c: ToolCall)
    c.function.name in ["send", "post"]
"#,
        text: "`(a, b)` is `a`. Lists are written with square brackets.",
    },
    CodePage {
        code: codes::INVALID_REGEX,
        title: "this is no regular expression",
        wrong: r#"raise "key" if:
    (m: Message)
    match("key-[0-9", m.role)
"#,
        right: r#"raise "key" if:
    (m: Message)
    match("key-[0-9]", m.role)
"#,
        text: "`match` and `find` take regular expressions in Python's notation, and so do texts \
               in the pattern of a tool. One that cannot be read is a run-time error as soon as \
               it is used. To search for a text as it is, write `\"text\" in value`.",
    },
    CodePage {
        code: codes::LIST_MEMBERSHIP,
        title: "a list on the left of `in` gives a list",
        wrong: r#"raise "swearing" if:
    (m: Message)
    ["darn", "heck"] in m.content
"#,
        right: r#"raise "swearing" if:
    (m: Message)
    any(["darn", "heck"] in m.content)
"#,
        text: "`[a, b] in x` is the list `[a in x, b in x]`. It is never True itself, and true \
               for `and`, `or` and `not` whenever it has any element. Ask `any(…)` of it.",
    },
    CodePage {
        code: codes::LITERAL_BACKSLASH,
        title: "the backslash stays in the text",
        wrong: r#"raise "two lines" if:
    (m: Message)
    "\n" in m.content
"#,
        right: r#"raise "two lines" if:
    (m: Message)
    m.role == "user"
    any(find("\n", m.content))
"#,
        text: "Texts have no escapes but that of their own quote: `\"\\n\"` is a backslash and \
               the letter n. Regular expressions read it as a line break; elsewhere, write the \
               text in triple quotes with a real one.",
    },
    CodePage {
        code: codes::MIXED_AND_OR,
        title: "`and` binds no tighter than `or`",
        wrong: r#"raise "x" if:
    (m: Message)
    m.role == "system" or m.role == "user" and "key" in m.content
"#,
        right: r#"raise "x" if:
    (m: Message)
    m.role == "system" or (m.role == "user" and "key" in m.content)
"#,
        text: "Both have one precedence and are read from left to right: `a or b and c` is \
               `(a or b) and c`. Write the brackets.",
    },
    CodePage {
        code: codes::NEVER_BOOLEAN,
        title: "the line can never be True",
        wrong: r#"raise "key" if:
    (c: ToolCall)
    find("key", c.function.name)
"#,
        right: r#"raise "key" if:
    (c: ToolCall)
    any(find("key", c.function.name))
"#,
        text: "A line of a body holds only where its value is exactly True. A list, a text, a \
               number or None never is, however long or large, so the rule can never fire. Turn \
               the value into a condition: `any(list)`, `value is not None`, `number > 0`.",
    },
    CodePage {
        code: codes::NO_INTERPOLATION,
        title: "texts are not interpolated",
        wrong: r#"raise Violation(f"called {c.function.name}", c) if:
    (c: ToolCall)
"#,
        right: r#"raise Violation("called {}".format(c.function.name), c) if:
    (c: ToolCall)
"#,
        text: "The prefix `f` is accepted and has no effect: braces stay in the text. Use \
               `\"…{}…\".format(value)`.",
    },
    CodePage {
        code: codes::NOT_A_QUANTIFIER,
        title: "a block behind something that is no quantifier",
        wrong: r#"raise "mail" if:
    any:
        (c: ToolCall)
        c is tool:send
"#,
        right: r#"from invariant import count
raise "mail" if:
    count(min=1):
        (c: ToolCall)
        c is tool:send
"#,
        text: "Only `forall` and `count`, imported from `invariant`, take a block of conditions. \
               Anything else is a run-time error when it is evaluated.",
    },
    CodePage {
        code: codes::NOT_BINDS_TIGHTER,
        title: "`not` binds tighter than comparisons",
        wrong: r#"raise "unknown tool" if:
    (c: ToolCall)
    not c.function.name in ["read", "list"]
"#,
        right: r#"raise "unknown tool" if:
    (c: ToolCall)
    not (c.function.name in ["read", "list"])
"#,
        text: "`not a == b` is `(not a) == b`, and `not a in b` is `(not a) in b`. Put the \
               comparison in brackets, or write `a != b`, `a not in b`, `a is not None`.",
    },
    CodePage {
        code: codes::NOTHING_SEARCHED,
        title: "there is no text to search in this value",
        wrong: r#"from invariant.detectors import secrets
raise "leak" if:
    (c: ToolCall)
    any(secrets(c))
"#,
        right: r#"from invariant.detectors import secrets
raise "leak" if:
    (c: ToolCall)
    any(secrets([value for value in c.function.arguments.values()]))
"#,
        text: "`text` and the detectors of secrets, personal data and the like look at texts, \
               messages, tool outputs, and lists of these. In anything else they find nothing, \
               without an error.",
    },
    CodePage {
        code: codes::RESERVED_PARAMETER,
        title: "`input.data` is reserved",
        wrong: r#"raise "x" if:
    (m: Message)
    m.role == input.data
"#,
        right: r#"raise "x" if:
    (m: Message)
    m.role == input.role
"#,
        text: "No policy parameter can be named `data`, so reading it always fails.",
    },
    CodePage {
        code: codes::UNFIT_ERROR_ARGUMENT,
        title: "an error cannot carry this value",
        wrong: r#"raise Violation("called", c.function) if:
    (c: ToolCall)
"#,
        right: r#"raise Violation("called", c) if:
    (c: ToolCall)
"#,
        text: "An error carries texts, numbers, booleans, events, chunks and contents. With None, \
               a list, a dictionary, a function or a parameter of a tool, reporting it is a \
               run-time error.",
    },
    CodePage {
        code: codes::UNKNOWN_ATTRIBUTE,
        title: "values of this kind have no such attribute",
        wrong: r#"raise "sent" if:
    (c: ToolCall)
    c.name == "send"
"#,
        right: r#"raise "sent" if:
    (c: ToolCall)
    c.function.name == "send"
"#,
        text: "Each kind of object has a fixed set of attributes; reading another one is a \
               run-time error. The server of an event is `server(event)`, the call of a tool \
               output `tool_call(output)`.",
    },
    CodePage {
        code: codes::UNKNOWN_CATEGORY,
        title: "the detector does not know this kind",
        wrong: r#"from invariant.detectors import pii
raise "mail address" if:
    (m: Message)
    any(pii(m, ["EMAIL"]))
"#,
        right: r#"from invariant.detectors import pii
raise "mail address" if:
    (m: Message)
    any(pii(m, ["EMAIL_ADDRESS"]))
"#,
        text: "`pii` knows the kinds of the built-in detector and of Presidio, by their names in \
               capitals, and `unicode` the general categories by their two letters. The check \
               fails where `pii` is asked for a kind that nobody finds, and a category that does \
               not exist is never found. A Presidio analyzer of your own may know more kinds.",
    },
    CodePage {
        code: codes::UNKNOWN_METHOD,
        title: "there is no such method",
        wrong: r#"raise "greeting" if:
    (m: Message)
    m.content.startswith("hello")
"#,
        right: r#"raise "greeting" if:
    (m: Message)
    m.content.lower() == "hello"
"#,
        text: "Texts have `strip`, `lower`, `upper`, `split`, `splitlines`, `join` and `format`, \
               dictionaries `keys`, `values`, `items` and `get`, contents `text` and `image`. No \
               other method exists, whatever Python has.",
    },
    CodePage {
        code: codes::USED_BEFORE_LET,
        title: "the variable has no value yet",
        wrong: r#"raise "shouting" if:
    (c: ToolCall)
    name == "SEND"
    name := c.function.name.upper()
"#,
        right: r#"raise "shouting" if:
    (c: ToolCall)
    name := c.function.name.upper()
    name == "SEND"
"#,
        text: "`name := value` gives the variable its value for the lines below. A line above \
               stays undecided, so that the body is never true.",
    },
    CodePage {
        code: codes::WRONG_ARGUMENTS,
        title: "these are not the arguments of the function",
        wrong: r#"raise "path" if:
    (c: ToolCall)
    any(find(c.function.name))
"#,
        right: r#"raise "path" if:
    (c: ToolCall)
    any(find("path", c.function.name))
"#,
        text: "An argument is missing, is one too many, or has a name that the function does not \
               know. The call is a run-time error when it is evaluated.",
    },
];
