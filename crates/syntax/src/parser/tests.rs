use crate::shape::{expr, shape_of, text_at};
use crate::{Parsed, ast, parse};

/// The only expression of a constant's value.
fn check(source: &str, expected: &str) {
    let shape = shape_of(&format!("x := {source}"));
    assert_eq!(shape, format!("declare x None [{expected}]"), "{source}");
}

/// The lines of a rule's body.
fn check_body(lines: &str, expected: &str) {
    let body = lines.replace('\n', "\n    ");
    let shape = shape_of(&format!("raise \"e\" if:\n    {body}\n"));
    assert_eq!(shape, format!("raise \"e\" [{expected}]"), "{lines}");
}

fn check_policy(source: &str, expected: &str) {
    assert_eq!(shape_of(source), expected, "{source}");
}

fn codes(source: &str) -> Vec<&'static str> {
    let diagnostics = parse(source).diagnostics;
    diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code.0)
        .collect()
}

#[test]
fn and_and_or_bind_alike_and_to_the_left() {
    check("a or b and c", "((a or b) and c)");
    check("a and b or c and d", "(((a and b) or c) and d)");
}

#[test]
fn not_binds_tighter_than_every_binary_operator() {
    check("not a == b", "((not a) == b)");
    check("not a in b", "((not a) in b)");
    check("not c is tool:x", "((not c) is tool:x)");
    check("not a and b", "((not a) and b)");
    check("not a.b(c)", "(not a.b(c; ))");
    check("x is not None", "(x is (not None))");
    check("not not a", "(not (not a))");
}

#[test]
fn comparisons_chain_to_the_left() {
    check("a == b == c", "((a == b) == c)");
    check("a -> b -> c ~> d", "(((a -> b) -> c) ~> d)");
    check("a not in b", "(a not in b)");
    check("a not in b == c", "((a not in b) == c)");
    check(
        "a contains_only b and c >= d",
        "((a contains_only b) and (c >= d))",
    );
}

#[test]
fn arithmetic_has_the_usual_levels_but_powers_go_left() {
    check("a + b * c - d", "((a + (b * c)) - d)");
    check("-a ** b", "((-a) ** b)");
    check("a ** b ** c", "((a ** b) ** c)");
    check("a % b / c == d + e", "(((a % b) / c) == (d + e))");
    check("-1", "(-1)");
    check("- -1.50", "(-(-1.5f))");
    check("c is tool:a-b", "(c is (tool:a - b))");
}

#[test]
fn conditionals_bind_like_members() {
    check("x == a if c else b", "(x == (a if c else b))");
    check("a if c else b == d", "((a if c else b) == d)");
    check("a if c else b.d", "(a if c else b).d");
    check("a if c else f(x)", "(a if c else f)(x; )");
    check("-a.b if c else d", "(-(a.b if c else d))");
    check("a if c else -b", "(a if c else (-b))");
    check("a if b else c if d else e", "((a if b else c) if d else e)");
}

#[test]
fn an_if_behind_the_list_of_a_comprehension_is_its_filter_unless_else_follows() {
    check("[x for x in xs]", "[x for x in xs]");
    check("[x for x in xs if x == 1]", "[x for x in xs if (x == 1)]");
    check(
        "[x for x in xs if c else ys]",
        "[x for x in (xs if c else ys)]",
    );
    check(
        "[x for x in a if b else c if d]",
        "[x for x in (a if b else c) if d]",
    );
    check("[x for x in a + -b if c]", "[x for x in (a + (-b)) if c]");
    check(
        "[x for x in [y for y in a if b] if c]",
        "[x for x in [y for y in a if b] if c]",
    );
    check(
        "[x for x in a if [y for y in b if c]]",
        "[x for x in a if [y for y in b if c]]",
    );
    check(
        "[a if b else c for x in xs]",
        "[(a if b else c) for x in xs]",
    );
    assert_eq!(codes("x := [a if b for x in xs]"), ["missing-else"]);
    assert_eq!(codes("x := [x for x in xs if a if b]"), ["missing-else"]);
}

#[test]
fn brackets_make_groups_lists_objects_and_binders() {
    check("(a, b)", "<a, b>");
    check("(m: Message)", "(m: Message)");
    check("(tool: ToolCall)", "(tool: ToolCall)");
    check("(tool:send({}))", "<tool:send({})>");
    check("[]", "[]");
    check("[[1], (2)]", "[[1], <2>]");
    check(
        "{a: 1, \"b c\": {}, in: 2}",
        r#"{"a": 1, "b c": {}, "in": 2}"#,
    );
    check("f(a, b=1, in=2)[0].c", "f(a; b=1, in=2)[0].c");
    check("f(, a=1)", "f(; a=1)");
}

#[test]
fn patterns_have_wildcards_and_value_references() {
    check(
        "c is tool:f({a: *, b: <EMAIL_ADDRESS>})",
        r#"(c is tool:f({"a": *, "b": <EMAIL_ADDRESS>}))"#,
    );
    check("[<A:B>, <c>]", "[<A:B>, <c>]");
    check("a <b> c", "((a < b) > c)");
    check("2 * *", "(2 * *)");
}

#[test]
fn literals_keep_their_value() {
    check("007", "007");
    check("[1.5, .5, 1.e1]", "[1.5f, 0.5f, 10.0f]");
    check("[True, False, None]", "[true, false, None]");
    check(r#"["\n", 'it\'s', r"\d"]"#, r#"["\\n", "it's", "\\d"]"#);
    check("'''\n  a\n    b\n  '''", r#""\na\n  b\n""#);
}

#[test]
fn keywords_are_names_where_no_keyword_can_stand() {
    check("raise.from", "raise.from");
    check("import + tool", "(import + tool)");
    check_policy(
        "import := 1\nfrom(as: str) := as",
        "declare import None [1]\ndeclare from Some(\"as:str\") [as]",
    );
}

#[test]
fn a_new_line_ends_an_expression_if_it_can_begin_one() {
    for begin in [
        "b", "'b'", "'''b'''", "1", "1.5", "(b)", "[b]", "{}", "not b", "-b", "+b", "<B>",
    ] {
        let lines = format!("a\n{begin}");
        let body = shape_of(&format!("raise \"e\" if:\n  a\n  {begin}\n"));
        assert!(body.starts_with("raise \"e\" [a | "), "{lines}: {body}");
    }
}

#[test]
fn a_new_line_that_cannot_begin_an_expression_goes_on() {
    let words = [
        "and b",
        "or b",
        "is b",
        "in b",
        "not in b",
        "contains_only b",
        "if b else c",
        ".b",
    ];
    let symbols = [
        "== b", "!= b", "< b", "> b", "<= b", ">= b", "-> b", "~> b", "* b", "/ b", "% b", "** b",
    ];
    for rest in words.into_iter().chain(symbols) {
        let joined = shape_of(&format!("raise \"e\" if:\n  a {rest}\n"));
        let broken = shape_of(&format!("raise \"e\" if:\n  a\n  {rest}\n"));
        let deeper = shape_of(&format!("raise \"e\" if:\n  a\n    {rest}\n"));
        assert_eq!((&broken, &deeper), (&joined, &joined), "{rest}");
    }
    check_body("a ==\nb\nc", "(a == b) | c");
    check_body("a if b\nelse c", "(a if b else c)");
}

#[test]
fn lines_in_brackets_never_end() {
    check_body("f(a,\n  b\n)\nc", "f(a, b; ) | c");
    check_body("[a\n+ b\n- c]\n[d]", "[((a + b) - c)] | [d]");
    check("a\n  + b\n  (c)", "(a + b(c; ))");
}

#[test]
fn quantifiers_have_blocks_and_lets_have_values() {
    check_body(
        "not count(min=2):\n  (a: ToolCall)\n  forall:\n    a.b\nx := y := 1",
        "(not count(; min=2): [(a: ToolCall) | forall: [a.b]]) | (x := (y := 1))",
    );
    check_body("forall:\n  a\nand b", "(forall: [a] and b)");
    check_policy("x := forall:\n  a", "declare x None [forall: [a]]");
}

#[test]
fn imports_have_modules_names_and_aliases() {
    check_policy("import a", "import a");
    check_policy("import a.b as c", "import a.b as c");
    check_policy(
        "from a.b import c, d as e,\n    f.g as h",
        "from a.b import c, d as e, f.g as h",
    );
    check_body("from a import b\nb", "(from a import b) | b");
}

#[test]
fn declarations_are_constants_or_predicates_with_values_or_blocks() {
    check_policy("x := 1", "declare x None [1]");
    check_policy("f() := a", "declare f Some(\"\") [a]");
    check_policy(
        "f(a: str, b: int) :=\n  a\n  b",
        "declare f Some(\"a:str, b:int\") [a | b]",
    );
    check_policy("x := 1\n\ny := 2", "declare x None [1]\ndeclare y None [2]");
    check_policy("", "");
    check_policy("# nothing\n", "");
}

#[test]
fn rules_raise_texts_names_and_calls() {
    check_policy("raise E if:\n  a", "raise E [a]");
    check_policy("raise 'a' if:\n  a", "raise \"a\" [a]");
    check_policy("raise E(\"a\",\n  b=c) if:\n  a", "raise E(\"a\"; b=c) [a]");
    check_policy(
        "raise \"{}\".format(a)\n  if:\n  a",
        "raise \"{}\".format(a; ) [a]",
    );
    check_policy("raise E if\n:\n  a", "raise E [a]");
    check_policy("raise E if # b\n\n  :\n  a\n  c", "raise E [a | c]");
}

#[test]
fn spans_are_offsets_into_the_source_as_given() {
    let source = "    raise \"é\" if:\n        a  ==  b\n";
    let Parsed { policy, .. } = parse(source);
    let ast::Statement::Raise(raise) = &policy.statements[0] else {
        panic!("not a rule: {policy:?}");
    };
    let text = |span| text_at(source, span);
    assert_eq!(text(raise.span), "raise \"é\" if:\n        a  ==  b");
    assert_eq!(text(raise.error.span), "\"é\"");
    assert_eq!(text(raise.body.span), "a  ==  b");
}

#[test]
fn each_broken_line_is_reported_and_the_others_are_read() {
    let source =
        "raise \"e\" if:\n    a ==\n    b )\n    c\n    d e\nx = 1\nraise \"f\" if:\n    g\n";
    assert_eq!(
        codes(source),
        ["unmatched-bracket", "unexpected-token", "single-equals"]
    );
    let policy = parse(source).policy;
    assert_eq!(policy.statements.len(), 3);
    let ast::Statement::Raise(raise) = &policy.statements[0] else {
        panic!("not a rule: {policy:?}");
    };
    let lines: Vec<String> = raise.body.lines.iter().map(expr).collect();
    assert_eq!(lines, ["error", "c", "error"]);
}

#[test]
fn a_broken_header_does_not_spoil_the_next_statement() {
    for broken in [
        "raise \"a if:\n  b",
        "raise",
        "def f():\n  a\n  b",
        "f(x, y) := 1",
        "x :=",
        "(a)",
        "x := f(a",
    ] {
        let source = format!("{broken}\nraise \"next\" if:\n    c\n");
        let parsed = parse(&source);
        assert_eq!(
            parsed.diagnostics.len(),
            1,
            "{source}\n{:?}",
            parsed.diagnostics
        );
        let last = parsed.policy.statements.last();
        assert!(matches!(last, Some(ast::Statement::Raise(_))), "{source}");
    }
}

#[test]
fn problems_are_told_in_order_and_up_to_a_limit() {
    let source = "x = 1\ny = §\n".repeat(1000);
    let diagnostics = parse(&source).diagnostics;
    assert_eq!(diagnostics.len(), crate::MAX_DIAGNOSTICS);
    assert!(diagnostics.is_sorted_by_key(crate::Diagnostic::span));
}

mod any_text {
    use proptest::prelude::*;

    use crate::{format, parse};

    /// Pieces that policies are made of, in no sensible order.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "raise ",
            "\"e\"",
            " if",
            ":",
            "\n",
            "\n    ",
            "\n        ",
            "\n\t",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "a",
            "tool",
            " not ",
            " in ",
            " is ",
            "->",
            " := ",
            "=",
            "==",
            ",",
            ".",
            "1",
            "1.5",
            "-",
            "*",
            "<A>",
            "<",
            "# c",
            "'''",
            "'",
            "\\",
            " for ",
            " else ",
            "import ",
            "from ",
            " as ",
            "(m: Message)",
            "forall:",
            "f(x: str)",
            "&&",
            "é",
            "\r\n",
            "not(",
        ]);
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    fn check(source: &str) -> Result<(), TestCaseError> {
        let parsed = parse(source);
        for label in parsed
            .diagnostics
            .iter()
            .flat_map(|diagnostic| &diagnostic.labels)
        {
            prop_assert!(
                source.get(label.span.range()).is_some(),
                "{source:?}: {label:?}"
            );
        }
        prop_assert_eq!(format(source).is_ok(), parsed.diagnostics.is_empty());
        Ok(())
    }

    proptest! {
        #[test]
        fn never_panics_and_is_labelled_within_its_bounds(source in any::<String>()) {
            check(&source)?;
        }

        #[test]
        fn made_of_pieces_never_panics(source in pieces()) {
            check(&source)?;
        }
    }
}
