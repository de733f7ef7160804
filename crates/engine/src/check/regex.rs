//! Regular expressions written as literals.

use super::Warnings;
use crate::codes;
use crate::python::re::{Flags, Pattern};
use portcullis_syntax::ast::{Expr, ExprKind};
use portcullis_syntax::{Diagnostic, Span};

/// The pattern of `match` and `find`.
pub(super) fn check(text: &str, literal: Span, warnings: &mut Warnings<'_>) {
    if let Err(problem) = Pattern::compile(text, Flags::NONE) {
        let help = "mend it, or search for the text as it is: `\"text\" in value`";
        report(
            text,
            literal,
            &problem.message,
            problem.position,
            help,
            warnings,
        );
    }
}

/// The texts in the pattern of a tool.
pub(super) fn check_pattern(arguments: &[Expr], warnings: &mut Warnings<'_>) {
    let mut pending: Vec<&Expr> = arguments.iter().rev().collect();
    while let Some(tree) = pending.pop() {
        if let ExprKind::String(text) = &tree.kind
            && let Err(problem) = Pattern::compile(&format!("{text}$"), Flags::DOT_ALL)
        {
            let help = "mend it; a text that only matches itself is compared with `==`";
            report(
                text,
                tree.span,
                &problem.message,
                problem.position,
                help,
                warnings,
            );
        }
        pending.extend(tree.children().into_iter().rev());
    }
}

fn report(
    text: &str,
    literal: Span,
    problem: &str,
    position: usize,
    help: &str,
    warnings: &mut Warnings<'_>,
) {
    let last = text.chars().count().saturating_sub(1);
    let message = format!("this is no regular expression: {problem}");
    let place = place(warnings.source, literal, text, position.min(last));
    warnings.add(if let Some(place) = place {
        Diagnostic::warning(codes::INVALID_REGEX, place, message)
            .label(literal, "in this expression")
            .help(help)
    } else {
        let message = format!("{message} at position {position}");
        Diagnostic::warning(codes::INVALID_REGEX, literal, message).help(help)
    });
}

/// The stretch of a literal that stands for one code point of its value; nothing if the value is
/// not written as one literal.
fn place(source: &str, literal: Span, value: &str, position: usize) -> Option<Span> {
    let raw = source.get(literal.range())?;
    let quoted = raw.trim_start_matches(['r', 'f']);
    let prefix = raw.len() - quoted.len();
    let long = ["\"\"\"", "'''"]
        .into_iter()
        .find(|quotes| quoted.starts_with(quotes));
    let (start, end) = if let Some(quotes) = long {
        let body = quoted.strip_prefix(quotes)?.strip_suffix(quotes)?;
        let (start, end) = place_in_lines(body, value, position)?;
        (start + quotes.len(), end + quotes.len())
    } else {
        let quote = quoted.chars().next()?;
        let body = quoted.strip_prefix(quote)?.strip_suffix(quote)?;
        if body.replace(&format!("\\{quote}"), &quote.to_string()) != value {
            return None;
        }
        let (start, end) = place_in_line(body, quote, position)?;
        (start + quote.len_utf8(), end + quote.len_utf8())
    };
    let origin = literal.range().start + prefix;
    Some(Span::new(origin + start, origin + end))
}

/// In a string on one line, where an escaped quote stands for one code point.
fn place_in_line(body: &str, quote: char, position: usize) -> Option<(usize, usize)> {
    let mut characters = body.char_indices().peekable();
    for _ in 0..position {
        step(&mut characters, quote)?;
    }
    let start = characters.peek()?.0;
    step(&mut characters, quote)?;
    Some((start, characters.peek().map_or(body.len(), |(end, _)| *end)))
}

type Characters<'t> = std::iter::Peekable<std::str::CharIndices<'t>>;

fn step(characters: &mut Characters<'_>, quote: char) -> Option<()> {
    let (_, character) = characters.next()?;
    if character == '\\' {
        characters.next_if(|(_, next)| *next == quote);
    }
    Some(())
}

/// In a string in triple quotes, whose lines lost the indentation they share.
fn place_in_lines(body: &str, value: &str, position: usize) -> Option<(usize, usize)> {
    let mut left = position;
    let mut offset = 0;
    for (raw, line) in body.split('\n').zip(value.split('\n')) {
        if !raw.trim_end_matches('\r').ends_with(line) {
            return None;
        }
        let length = line.chars().count();
        if left <= length {
            let lost = raw.trim_end_matches('\r').len().checked_sub(line.len())?;
            let (start, character) = line.char_indices().nth(left)?;
            let start = offset + lost + start;
            return Some((start, start + character.len_utf8()));
        }
        left -= length + 1;
        offset += raw.len() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(literal: &str, value: &str, position: usize, expected: Option<&str>) {
        let source = format!("é {literal} x");
        let span = Span::new(3, 3 + literal.len());
        let found = place(&source, span, value, position);
        assert_eq!(
            found.and_then(|found| source.get(found.range())),
            expected,
            "{literal}"
        );
    }

    #[test]
    fn a_code_point_of_the_value_is_found_in_the_literal() {
        check("\"abc\"", "abc", 1, Some("b"));
        check("'éa中'", "éa中", 2, Some("中"));
        check("r\"a(\"", "a(", 1, Some("("));
        check("\"abc\"", "abc", 3, None);
        check("\"\"", "", 0, None);
    }

    #[test]
    fn escaped_quotes_count_once_and_other_escapes_twice() {
        check(r#""a\"b""#, "a\"b", 1, Some("\\\""));
        check(r#""a\"b""#, "a\"b", 2, Some("b"));
        check(r#""\d(""#, "\\d(", 2, Some("("));
        check(r#"'a\"b'"#, "a\\\"b", 3, Some("b"));
    }

    #[test]
    fn values_that_are_not_one_literal_have_no_such_place() {
        check("P", "a(", 1, None);
        check("\"a\" + \"(\"", "a(", 1, None);
        check("\"\"\"a\"\"\" + \"\"\"(\"\"\"", "a(", 1, None);
    }

    #[test]
    fn lines_of_long_strings_have_lost_their_indentation() {
        check("'''\n  a\n    b'''", "\na\n  b", 5, Some("b"));
        check("\"\"\"a[b\"\"\"", "a[b", 1, Some("["));
        check("'''a\r\nb'''", "a\nb", 2, Some("b"));
        check("'''a\nb'''", "a\nb", 1, None);
    }
}
