use super::*;
use crate::parse;
use crate::shape::{policy, text_at};

fn shape(source: &str) -> String {
    policy(&parse(source).policy)
}

fn comments(source: &str) -> Vec<&str> {
    let comments = parse(source).comments.into_iter();
    comments
        .map(|comment| text_at(source, comment.span).trim_end())
        .collect()
}

/// Formats a source; the result must be canonical and mean the same.
fn formatted(source: &str) -> String {
    let formatted = format(source).unwrap_or_else(|problems| panic!("{source}\n{problems:#?}"));
    assert_eq!(
        format(&formatted).as_deref(),
        Ok(formatted.as_str()),
        "{source}"
    );
    assert_eq!(shape(&formatted), shape(source), "{source}\n{formatted}");
    assert_eq!(
        comments(&formatted),
        comments(source),
        "{source}\n{formatted}"
    );
    formatted
}

fn check(source: &str, expected: &str) {
    assert_eq!(formatted(source), expected);
}

#[test]
fn blanks_stand_around_operators_and_behind_commas() {
    check("x:=a+b*-c", "x := a + b * -c\n");
    check("x  :=  f( a,b = 1 ) [ 0 ] . c", "x := f(a, b=1)[0].c\n");
    check("x := [ 1 ,2 ]", "x := [1, 2]\n");
    check("x := {a:1,\"b\" : [ ]}", "x := {a: 1, \"b\": []}\n");
    check("f(a:str,b :int):=a", "f(a: str, b: int) := a\n");
    check("x := ( m:Message )", "x := (m: Message)\n");
    check(
        "x := c is tool : f( {a : *,b:<B>} )",
        "x := c is tool:f({a: *, b: <B>})\n",
    );
    check("x := not  (a)", "x := not (a)\n");
    check("x := a-b - -c", "x := a - b - -c\n");
    check("x := a <b> c", "x := a < b > c\n");
    check("import  a . b  as c", "import a.b as c\n");
}

#[test]
fn blanks_that_decide_the_meaning_stay_as_they_are() {
    check("x := 1 .real", "x := 1 .real\n");
    check("x := in==1", "x := in== 1\n");
    check("x := \"a  b\"", "x := \"a  b\"\n");
    check(
        "x := '''\n  a:\n      b   \n\n  '''",
        "x := '''\n  a:\n      b   \n\n  '''\n",
    );
}

#[test]
fn blocks_stand_four_blanks_deep() {
    check(
        "raise \"e\" if :\n a\n forall :\n   b\n   c\n d",
        "raise \"e\" if:\n    a\n    forall:\n        b\n        c\n    d\n",
    );
    check("f(a: str):\n\ta", "f(a: str) :=\n    a\n");
    check("  x := 1\n  y := 2", "x := 1\ny := 2\n");
    check("x := 1 y := 2", "x := 1\ny := 2\n");
}

#[test]
fn broken_lines_stay_broken_and_stand_deeper() {
    check(
        "raise \"e\" if:\n  a\n  and b\n  c",
        "raise \"e\" if:\n    a\n        and b\n    c\n",
    );
    check(
        "x := f(\na,\n      [b,\nc]\n)",
        "x := f(\n    a,\n    [b,\n        c]\n)\n",
    );
    check(
        "raise E(\n\"a\"\n) if:\n a",
        "raise E(\n    \"a\"\n) if:\n    a\n",
    );
    check(
        "raise \"e\" if:\n forall:\n  a\n and b",
        "raise \"e\" if:\n    forall:\n        a\n    and b\n",
    );
}

#[test]
fn blank_lines_between_lines_stay_one_at_most() {
    check(
        "\n\nx := 1\n\n\n\ny := 2\nz := 3\n\n",
        "x := 1\n\ny := 2\nz := 3\n",
    );
    check(
        "raise \"e\" if:\n\n a\n\n\n b",
        "raise \"e\" if:\n    a\n\n    b\n",
    );
    check("x := [\n\n1,\n\n\n2\n\n]", "x := [\n    1,\n\n    2\n]\n");
    check("", "");
    check("\n \n", "");
}

#[test]
fn comments_stay_with_their_lines_and_blocks() {
    check("# a\n\n#b\nx:=1#c", "# a\n\n#b\nx := 1  #c\n");
    check(
        "raise \"e\" if:# a\n  # b\n  a\n  # c\n# d\nx := 1\n# e",
        "raise \"e\" if:  # a\n    # b\n    a\n    # c\n# d\nx := 1\n# e\n",
    );
    check(
        "raise \"e\" if:\n  forall:\n     a\n     # in forall\n    # in raise\n # out",
        "raise \"e\" if:\n    forall:\n        a\n        # in forall\n    # in raise\n# out\n",
    );
    check(
        "x := [ # a\n1, 2 # b\n  # c\n]",
        "x := [  # a\n    1, 2  # b\n    # c\n]\n",
    );
    check(
        "raise \"e\" if:\n a\n # why\n and b",
        "raise \"e\" if:\n    a\n        # why\n        and b\n",
    );
}

#[test]
fn strings_over_several_lines_lose_the_margin_of_the_source_only() {
    check("  x := '''a\n    b\n   \n  '''", "x := '''a\n  b\n\n'''\n");
    check("x := '''a\r\nb'''\r\n", "x := '''a\nb'''\n");
}

#[test]
fn a_policy_with_problems_is_not_touched() {
    let problems = format("x = 1\n").unwrap_err();
    assert_eq!(problems[0].code, crate::codes::SINGLE_EQUALS);
}

mod any_policy {
    use proptest::prelude::*;

    use super::formatted;

    /// White space, and now and then a comment, between two tokens inside brackets.
    fn gap() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "",
            " ",
            "   ",
            "\n",
            "\n\n\n  ",
            " # gap\n",
            "\n# own\n ",
        ])
    }

    fn operator() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            " and ",
            " or ",
            " == ",
            " != ",
            "<",
            ">=",
            " is ",
            " in ",
            " not in ",
            "->",
            "~>",
            "+",
            "-",
            " * ",
            "/",
            "%",
            " ** ",
            " contains_only ",
        ])
    }

    fn leaf() -> impl Strategy<Value = String> {
        let leaves = prop::sample::select(vec![
            "a",
            "b",
            "iffy",
            "1",
            "1.5",
            ".5",
            "007",
            "\"s\"",
            "'it\\'s'",
            "r'\\d'",
            "None",
            "True",
            "tool:send",
            "(m: Message)",
            "[*]",
            "<EMAIL>",
            "'''\n  a:\n     b\n'''",
            "[]",
        ]);
        leaves.prop_map(str::to_owned)
    }

    fn expression() -> impl Strategy<Value = String> {
        leaf().prop_recursive(5, 40, 4, |inner| {
            let inside = (gap(), inner.clone(), gap());
            let inside = inside
                .prop_map(|(l, part, r)| format!("{l}{part}{r}"))
                .boxed();
            prop_oneof![
                (inner.clone(), operator(), inner.clone())
                    .prop_map(|(l, o, r)| format!("{l}{o}{r}")),
                inner.clone().prop_map(|operand| format!("not {operand}")),
                inner.clone().prop_map(|operand| format!("-{operand}")),
                inside.clone().prop_map(|part| format!("({part})")),
                (inside.clone(), inside.clone()).prop_map(|(l, r)| format!("[{l},{r}]")),
                (inside.clone(), inside.clone()).prop_map(|(l, r)| format!("f({l},k={r}).m")),
                inside
                    .clone()
                    .prop_map(|part| format!("{{a:{part},'b' :1}}")),
                inside.clone().prop_map(|part| format!("a[{part}]")),
                (inner.clone(), inner.clone(), leaf())
                    .prop_map(|(a, b, c)| format!("({a}) if {b} else {c}")),
                (inside.clone(), inner.clone(), inside)
                    .prop_map(|(a, b, c)| format!("[{a} for x in {b} if {c}]")),
            ]
        })
    }

    fn line() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => expression(),
            1 => expression().prop_map(|value| format!("v:={value}")),
            1 => (leaf(), operator(), leaf()).prop_map(|(l, o, r)| format!("{l}\n         {o}{r}")),
            1 => Just("# a line of its own".to_owned()),
            1 => Just(String::new()),
        ]
    }

    /// A rule with a quantifier in the middle, and what may stand around it.
    fn policy() -> impl Strategy<Value = String> {
        let lines = || prop::collection::vec(line(), 0..3);
        (lines(), lines(), lines(), expression(), 1..4_usize).prop_map(
            |(before, inside, after, value, indentation)| {
                let outer = " ".repeat(indentation);
                let inner = " ".repeat(2 * indentation);
                let block = |margin: &str, lines: Vec<String>| {
                    let lines = lines.into_iter();
                    lines
                        .flat_map(|line| [margin.to_owned(), line, "\n".to_owned()])
                        .collect()
                };
                [
                    format!("LIMIT:={value} # why\n\n\n\nraise E( 'e',c=c ) if: # e\n"),
                    block(&outer, before),
                    format!("{outer}count( min=1 ):\n"),
                    block(&inner, inside),
                    format!("{inner}last\n{inner}# of the block\n"),
                    block(&outer, after),
                    "# end".to_owned(),
                ]
                .concat()
            },
        )
    }

    proptest! {
        #[test]
        fn keeps_its_tree_and_comments_and_is_formatted_once_for_all(source in policy()) {
            formatted(&source);
        }
    }
}
