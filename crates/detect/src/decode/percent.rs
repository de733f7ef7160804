//! Where a text is written with percent signs, as addresses are.
//!
//! The same as a regular expression would say, but read from one sign to the next: few texts have
//! any, and the expression is slow in those that have.

use std::ops::Range;

/// How many escapes are no accident.
const ESCAPES_MIN: usize = 3;

/// LIMIT: plain characters between two escapes, before the first and after the last.
const APART_MAX: usize = 40;

/// Escapes that stand close together.
#[derive(Debug)]
struct Run {
    span: Range<usize>,
    escapes: usize,
}

/// The runs of escapes, from left to right and apart from each other.
pub(super) fn runs(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut open: Option<Run> = None;
    let mut free = 0;
    let mut close = |run: Option<Run>, free: &mut usize| {
        if let Some(run) = run.filter(|run| run.escapes >= ESCAPES_MIN) {
            *free = run.span.end;
            found.push(run.span);
        }
    };
    for (sign, _) in text
        .match_indices('%')
        .filter(|(at, _)| is_escape(text, *at))
    {
        let end = sign + 3 + plain_length(text.get(sign + 3..).unwrap_or_default().chars());
        open = match open.take() {
            Some(run) if run.span.end == sign => Some(Run {
                span: run.span.start..end,
                escapes: run.escapes + 1,
            }),
            other => {
                close(other, &mut free);
                let before = text.get(free..sign).unwrap_or_default();
                let start = sign - plain_length(before.chars().rev());
                Some(Run {
                    span: start..end,
                    escapes: 1,
                })
            }
        };
    }
    close(open, &mut free);
    found
}

fn is_escape(text: &str, sign: usize) -> bool {
    let code = text.as_bytes().get(sign + 1..sign + 3);
    code.is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
}

/// Bytes of the plain characters that come first.
fn plain_length(characters: impl Iterator<Item = char>) -> usize {
    let plain = characters.take(APART_MAX).take_while(|it| is_plain(*it));
    plain.map(char::len_utf8).sum()
}

fn is_plain(character: char) -> bool {
    character.is_alphanumeric() || "_.+,~!*'()-".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{Pattern, compile, spans};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static EXPRESSION: Pattern =
        LazyLock::new(|| compile(r"[a-zé0-9_.-]{0,40}(?:%[0-9A-Fa-f]{2}[a-zé0-9_.-]{0,40}){3,}"));

    fn expected(text: &str) -> Vec<Range<usize>> {
        spans(&EXPRESSION, text).collect()
    }

    proptest! {
        #[test]
        fn runs_are_those_of_the_expression(text in "([a%é /]|%41|%2|%20|a{38,42}|_{40}){0,12}") {
            prop_assert_eq!(runs(&text), expected(&text), "{}", text);
        }
    }

    #[test]
    fn an_escape_may_be_cut_off() {
        for text in ["%", "%4", "%41%42%4", "%41%42%é", "%41%42%43%"] {
            assert_eq!(runs(text), expected(text), "{text}");
        }
    }
}
