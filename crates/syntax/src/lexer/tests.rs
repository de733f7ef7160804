use super::LineStart::{Aligned, Deeper, No};
use super::*;
use crate::shape::text_at;

/// The tokens of a source as words: kinds, with the text where the kind leaves it open.
fn tokens(source: &str) -> String {
    let mut problems = Problems::default();
    let lexed = lex(source, &mut problems);
    let words: Vec<String> = lexed
        .tokens
        .iter()
        .map(|token| {
            let text = text_at(source, token.span);
            match token.kind {
                TokenKind::Indent => "{".to_owned(),
                TokenKind::Dedent => "}".to_owned(),
                TokenKind::End => "end".to_owned(),
                TokenKind::Name => text.to_owned(),
                kind => format!("{kind:?}={text}"),
            }
        })
        .collect();
    words.join(" ")
}

fn check(source: &str, expected: &str) {
    assert_eq!(tokens(source), expected, "{source:?}");
}

#[test]
fn numbers_have_points_and_exponents_but_no_signs() {
    check("12 007", "Integer=12 Integer=007 end");
    check("1.5 1. .5", "Float=1.5 Float=1. Float=.5 end");
    check(
        "1e3 1.e1 2.5E-3 .5e+2",
        "Float=1e3 Float=1.e1 Float=2.5E-3 Float=.5e+2 end",
    );
    check("1e 1e+", "Integer=1 e Integer=1 e Plus=+ end");
    check("1.x x.5", "Float=1. x x Float=.5 end");
    check("1_0 0x1", "Integer=1 _0 Integer=0 x1 end");
}

#[test]
fn word_operators_need_white_space_behind_them() {
    check("a and b", "a And=and b end");
    check("not(a)", "not LeftParenthesis=( a RightParenthesis=) end");
    check("in\tx is\ny or#c\n", "In=in x Is=is y Or=or end");
    check("a contains_only b", "a ContainsOnly=contains_only b end");
    check("notes android", "notes android end");
    check("not", "Not=not end");
}

#[test]
fn longer_symbols_win() {
    check("a:=b:c=d", "a ColonEqual=:= b Colon=: c Equal== d end");
    check("a->b-c~>d", "a Arrow=-> b Minus=- c TildeArrow=~> d end");
    check("**a*", "StarStar=** a Star=* end");
    check(
        "a===b!==c!d",
        "a EqualEqual==== b NotEqual=!== c Not=! d end",
    );
    check(
        "<=<>= >==!=",
        "LessEqual=<= Less=< GreaterEqual=>= GreaterEqual=>= Equal== NotEqual=!= end",
    );
}

#[test]
fn strings_end_at_their_own_quote_unless_it_is_escaped() {
    check(r#""a'b" 'a"b'"#, r#"Text="a'b" Text='a"b' end"#);
    check(r#""a\"b" "\\" x"#, r#"Text="a\"b" Text="\\" x end"#);
    check(
        r#"r"\"" f'a' rf"x""#,
        r#"Text=r"\"" Text=f'a' rf Text="x" end"#,
    );
    check("\"a # b\" # c", "Text=\"a # b\" end");
    check("''''a''' \"\" b", "LongText=''''a''' Text=\"\" b end");
    check(
        "\"\"\"a\n\"b\\\"\"\"\" c",
        "LongText=\"\"\"a\n\"b\\\"\"\"\" c end",
    );
}

#[test]
fn a_colon_with_a_deeper_line_below_opens_a_block() {
    check("a:\n  b\n  c\nd", "a { b c } d end");
    check("a :=\n  b", "a { b } end");
    check("a:\nb", "a Colon=: b end");
    check("a: b\n  c", "a Colon=: b c end");
    check("a\n  b\nc", "a b c end");
    check("a:\n b:\n  c:\n   d\ne", "a { b { c { d } } } e end");
    check("a:\n    b:\n      c\n    d", "a { b { c } d } end");
}

#[test]
fn comments_blank_lines_strings_and_brackets_take_no_part_in_indentation() {
    check("a: # why\n\n# out\n    b\n  # half\n    c", "a { b c } end");
    check(
        "a:\n    f(\nb,\n  c)\n    d",
        "a { f LeftParenthesis=( b Comma=, c RightParenthesis=) d } end",
    );
    check(
        "a:\n    '''x:\ny'''\n    d",
        "a { LongText='''x:\ny''' d } end",
    );
    check("a:\n  b\n \t \n  c", "a { b c } end");
}

#[test]
fn the_whole_source_may_stand_indented_and_end_its_lines_like_windows() {
    check("    a:\n      b\n    c", "a { b } c end");
    check("a:\r\n  b\r\n", "a { b } end");
    check("\u{feff}a:\n  b", "a { b } end");
}

#[test]
fn line_starts_are_aligned_deeper_or_absent() {
    let source = "a:\n  b c\n    d\n  e";
    let lexed = lex(source, &mut Problems::default());
    let lines: Vec<LineStart> = lexed.tokens.iter().map(|token| token.line).collect();
    // a : b c d e, the end of the block, the end
    assert_eq!(
        lines,
        [Aligned, No, Aligned, No, Deeper, Aligned, No, Aligned]
    );
}

#[test]
fn comments_are_kept_with_their_place() {
    let source = "# a\nx # b\r\nf([ # c\n  # d\n])";
    let lexed = lex(source, &mut Problems::default());
    let comments: Vec<(&str, bool)> = lexed
        .comments
        .iter()
        .map(|comment| (text_at(source, comment.span), comment.own_line))
        .collect();
    assert_eq!(
        comments,
        [("# a", true), ("# b", false), ("# c", false), ("# d", true)]
    );
}

#[test]
fn an_open_bracket_ends_before_the_next_rule() {
    check(
        "f(a\nraise \"x\"",
        "f LeftParenthesis=( a Broken= raise Text=\"x\" end",
    );
    let inside = "f(a,\nraise and b)";
    check(
        inside,
        "f LeftParenthesis=( a Comma=, raise And=and b RightParenthesis=) end",
    );
}
