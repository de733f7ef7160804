use std::collections::BTreeSet;

use super::*;
use crate::shape::text_at;
use crate::{
    Diagnostic, MAX_INTEGER_DIGITS, MAX_NESTING, MAX_SOURCE_BYTES, MAX_TREE_HEIGHT, format, parse,
};

/// What the wrong example of the code's page is answered with.
struct Case {
    code: Code,
    message: &'static str,
    underlined: &'static str,
    help: &'static str,
}

const CASES: &[Case] = &[
    Case {
        code: ASSIGNED_LITERAL,
        message: "`True` is a value and cannot get another one",
        underlined: "True",
        help: "choose another name",
    },
    Case {
        code: DEF_STATEMENT,
        message: "there is no `def` in the policy language",
        underlined: "def",
        help: "a constant is written `name := value`, a predicate `name(parameter: kind) := condition`",
    },
    Case {
        code: DOTTED_IMPORT,
        message: "`invariant.detectors` needs a name of its own",
        underlined: "invariant.detectors",
        help: "write `import invariant.detectors as detectors`, or `from invariant.detectors import …`",
    },
    Case {
        code: EXPECTED_EXPRESSION,
        message: "expected an expression, found `,`",
        underlined: ",",
        help: "an expression is a name, a value, a call, or a condition made of these",
    },
    Case {
        code: EXPECTED_NAME,
        message: "expected a member's name, found `\"role\"`",
        underlined: "\"role\"",
        help: "names are made of letters, digits and `_`, and do not begin with a digit",
    },
    Case {
        code: EXPECTED_STATEMENT,
        message: "`riase` begins no statement",
        underlined: "riase",
        help: "did you mean `raise`?",
    },
    Case {
        code: FOREIGN_OPERATOR,
        message: "`&&` is not an operator of the policy language",
        underlined: "&&",
        help: "write `and`",
    },
    Case {
        code: INCONSISTENT_INDENTATION,
        message: "this line goes back to a depth where no block is open",
        underlined: "    ",
        help: "indent it exactly like another line of the block it belongs to",
    },
    Case {
        code: INLINE_BODY,
        message: "conditions cannot stand behind the colon",
        underlined: "(m: Message)",
        help: "write them on the lines below, indented, one per line",
    },
    Case {
        code: INVALID_BINDER,
        message: "this is not a binder",
        underlined: "(m: Message,",
        help: "a binder names one variable and its kind: `(name: Message)`",
    },
    Case {
        code: INVALID_IMPORT,
        message: "expected the names to import, found `*`",
        underlined: "*",
        help: "write `from module import name, other`, without brackets or `*`",
    },
    Case {
        code: INVALID_OBJECT_KEY,
        message: "expected a key, found `1`",
        underlined: "1",
        help: "keys are plain names or texts on one line",
    },
    Case {
        code: INVALID_RAISE,
        message: "only a text, a name or a call can be raised",
        underlined: "\"a\" + \"b\"",
        help: "write `raise \"…\" if:` or `raise Violation(\"…\") if:`, the text on one line",
    },
    Case {
        code: KEYWORD_IN_PATTERN,
        message: "a tool pattern has no argument named `to`",
        underlined: "to",
        help: "match the tool's arguments with an object: `({to: …})`",
    },
    Case {
        code: MISMATCHED_BRACKET,
        message: "`)` does not close `[`",
        underlined: ")",
        help: "write `]`",
    },
    Case {
        code: MISPLACED_BLOCK,
        message: "no block can stand behind this colon",
        underlined: ":",
        help: "blocks follow `raise … if:` and quantifiers such as `forall:`",
    },
    Case {
        code: MISSING_BODY,
        message: "no conditions stand below this line",
        underlined: "if:",
        help: "write them on the lines below, indented deeper than this one",
    },
    Case {
        code: MISSING_COLON,
        message: "a colon is missing after `if`",
        underlined: "if",
        help: "end the line with `if:`; the conditions follow below, indented",
    },
    Case {
        code: MISSING_ELSE,
        message: "this conditional has no `else`",
        underlined: "if",
        help: "write `value if condition else other`; several conditions stand on lines of their own",
    },
    Case {
        code: MISSING_IF,
        message: "expected `if` behind what is raised",
        underlined: "\"x\"",
        help: "a rule is written `raise \"…\" if:`, with its conditions indented below",
    },
    Case {
        code: MISSING_OPERAND,
        message: "nothing stands on the right of `and`",
        underlined: "and",
        help: "write its right side, or remove it",
    },
    Case {
        code: MISSING_PARAMETER_KIND,
        message: "the parameter `text` has no kind",
        underlined: "text",
        help: "write `text: str`, or the kind it has",
    },
    Case {
        code: MISSING_TOOL_NAME,
        message: "no tool's name stands behind `tool:`",
        underlined: "tool:",
        help: "write `tool:name`; compare a name that is no plain word as text: `call.function.name == \"…\"`",
    },
    Case {
        code: OPERATOR_WITHOUT_BLANK,
        message: "a blank is missing behind `not`",
        underlined: "not",
        help: "write `not …`: without a blank it is an ordinary name",
    },
    Case {
        code: POSITIONAL_AFTER_KEYWORD,
        message: "a positional argument stands behind a named one",
        underlined: "\"b\"",
        help: "put it before the named ones, or name it: `name=…`",
    },
    Case {
        code: SINGLE_EQUALS,
        message: "`=` is not an operator of the policy language",
        underlined: "=",
        help: "use `==` to compare, and `:=` to name a value",
    },
    Case {
        code: SLICE,
        message: "the policy language has no slices",
        underlined: "[0:",
        help: "index a single element, or search the whole with `in` or `match`",
    },
    Case {
        code: TRAILING_COMMA,
        message: "nothing stands behind this comma",
        underlined: ",",
        help: "remove the comma",
    },
    Case {
        code: UNCLOSED_BRACKET,
        message: "`[` is not closed",
        underlined: "[",
        help: "close it behind the last thing that belongs into it",
    },
    Case {
        code: UNEXPECTED_TOKEN,
        message: "expected the end of the line, found `m`",
        underlined: "m",
        help: "an operator may be missing before it; each condition has its own line",
    },
    Case {
        code: UNKNOWN_CHARACTER,
        message: "unknown character `;`",
        underlined: ";",
        help: "conditions and statements end with their line",
    },
    Case {
        code: UNMATCHED_BRACKET,
        message: "`)` closes nothing",
        underlined: ")",
        help: "remove it, or open its bracket",
    },
    Case {
        code: UNTERMINATED_STRING,
        message: "this string is not closed",
        underlined: "\"x if:",
        help: "close it on its line, or use triple quotes for text of several lines",
    },
    Case {
        code: VALUE_ON_NEXT_LINE,
        message: "the value stands below its `:=`",
        underlined: ":=",
        help: "begin it on the line of the `:=`; brackets let it go on below",
    },
];

/// Codes of limits: what goes beyond them fits on no page.
const LIMITS: &[Code] = &[
    CHAIN_TOO_LONG,
    NESTING_TOO_DEEP,
    NUMBER_TOO_LONG,
    SOURCE_TOO_LONG,
];

fn page(code: Code) -> &'static CodePage {
    let page = pages().iter().find(|page| page.code == code);
    page.unwrap_or_else(|| panic!("no page for {}", code.0))
}

fn only_diagnostic(source: &str) -> Diagnostic {
    let diagnostics = parse(source).diagnostics;
    assert_eq!(diagnostics.len(), 1, "{source}\n{diagnostics:#?}");
    diagnostics[0].clone()
}

#[test]
fn each_wrong_example_is_answered_with_its_code_and_nothing_else() {
    for case in CASES {
        let source = page(case.code).wrong;
        let diagnostic = only_diagnostic(source);
        let underlined = text_at(source, diagnostic.span());
        let found = (diagnostic.code.0, diagnostic.message.as_str(), underlined);
        assert_eq!(
            found,
            (case.code.0, case.message, case.underlined),
            "{source}"
        );
        assert_eq!(diagnostic.help.as_deref(), Some(case.help), "{source}");
    }
}

#[test]
fn each_right_example_is_free_of_problems_and_canonical() {
    for page in pages() {
        assert_eq!(
            format(page.right).as_deref(),
            Ok(page.right),
            "{}",
            page.code.0
        );
    }
}

#[test]
fn every_code_has_a_page_and_a_test() {
    let declared = include_str!("../codes.rs").matches("pub const ").count();
    assert_eq!(pages().len(), declared);
    let documented: BTreeSet<Code> = pages().iter().map(|page| page.code).collect();
    assert_eq!(documented.len(), declared);
    let cases = CASES.iter().map(|case| case.code);
    let tested: BTreeSet<Code> = cases.chain(LIMITS.iter().copied()).collect();
    assert_eq!(documented, tested);
}

#[test]
fn pages_and_messages_keep_the_house_style() {
    for page in pages() {
        let code = page.code.0;
        assert!(
            code.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
            "{code}"
        );
        assert!(
            page.text.ends_with('.') && !page.title.ends_with('.'),
            "{code}"
        );
        assert_eq!(page.wrong.is_empty(), LIMITS.contains(&page.code), "{code}");
    }
    for case in CASES {
        let first = case.message.chars().next();
        assert!(
            first.is_some_and(|first| !first.is_uppercase()),
            "{}",
            case.message
        );
        assert!(
            !case.message.ends_with('.') && !case.help.ends_with('.'),
            "{}",
            case.message
        );
        assert!(!case.message.contains('\n'), "{}", case.message);
    }
}

fn check_limit(code: Code, just_right: &str, too_much: &str, message: &str) {
    assert_eq!(parse(just_right).diagnostics, [], "{}", code.0);
    let diagnostic = only_diagnostic(too_much);
    assert_eq!(
        (diagnostic.code, diagnostic.message.as_str()),
        (code, message)
    );
    assert!(diagnostic.help.is_some());
}

#[test]
fn long_sources_are_refused() {
    let source = |length: usize| format!("x := 1 #{}", "a".repeat(length - 8));
    check_limit(
        SOURCE_TOO_LONG,
        &source(MAX_SOURCE_BYTES),
        &source(MAX_SOURCE_BYTES + 1),
        "a policy of 1048577 bytes is too long",
    );
}

#[test]
fn long_integers_are_refused() {
    let source = |digits: usize| format!("x := {}", "7".repeat(digits));
    check_limit(
        NUMBER_TOO_LONG,
        &source(MAX_INTEGER_DIGITS),
        &source(MAX_INTEGER_DIGITS + 1),
        "an integer of 4301 digits is too long",
    );
}

#[test]
fn deep_nesting_is_refused() {
    let limit = MAX_NESTING as usize - 1;
    let message = "this is nested more than 64 levels deep";
    let pairs = [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("{a: ", "}"),
        ("x if ", " else y"),
        ("a or b == c + d * e ** f(", ")"),
    ];
    for (open, close) in pairs {
        let source = |depth: usize| format!("x := {}1{}", open.repeat(depth), close.repeat(depth));
        check_limit(
            NESTING_TOO_DEEP,
            &source(limit),
            &source(limit + 1),
            message,
        );
    }
    let lets = |depth: usize| format!("x := {}1", "y := ".repeat(depth));
    check_limit(NESTING_TOO_DEEP, &lets(limit), &lets(limit + 1), message);
    let blocks = |depth: usize| {
        let lines = (0..depth).map(|level| format!("{}forall:\n", " ".repeat(level)));
        format!(
            "x :=\n{}{}y\n",
            lines.collect::<String>(),
            " ".repeat(depth)
        )
    };
    let indented = |depth: usize| blocks(depth).replace('\n', "\n ");
    check_limit(
        NESTING_TOO_DEEP,
        &indented(limit),
        &indented(limit + 1),
        message,
    );
}

#[test]
fn tall_trees_are_refused() {
    let limit = MAX_TREE_HEIGHT as usize - 1;
    let message = "a chain of more than 1000 operators is too long";
    for part in [" + a", ".a", "[0]", "()", " -> b", " if b else c"] {
        let source = |length: usize| format!("x := a{}", part.repeat(length));
        // An index, an argument and a condition are one higher than the operand itself.
        check_limit(
            CHAIN_TOO_LONG,
            &source(limit - 1),
            &source(limit + 1),
            message,
        );
    }
    for part in ["not ", "- "] {
        let source = |length: usize| format!("x := {}a", part.repeat(length));
        check_limit(CHAIN_TOO_LONG, &source(limit), &source(limit + 1), message);
    }
}

#[test]
fn wide_policies_are_not_tall() {
    let words = vec!["\"word\" in a.b.c"; 900].join(" or ");
    assert_eq!(parse(&format!("x := {words}")).diagnostics, []);
    let elements = vec!["a.b + c"; 20_000].join(", ");
    assert_eq!(parse(&format!("x := [{elements}]")).diagnostics, []);
}
