//! Finds blocks: a colon or `:=` at the end of a line with a deeper line behind it opens one, the
//! first line that is less deep closes it.
//!
//! Comments, strings, blank lines and everything in brackets take no part: there are no tokens
//! of theirs that start a line.

use super::{LineStart, Token, TokenKind};
use crate::problems::Problems;
use crate::{Diagnostic, Span, codes};

struct Layout<'s, 'p> {
    source: &'s str,
    problems: &'p mut Problems,
    done: Vec<Token>,
    /// Columns of the open blocks, outermost first.
    columns: Vec<usize>,
    /// The first word of the last line that was not a continuation.
    header: &'s str,
}

pub(super) fn layout(source: &str, tokens: Vec<Token>, problems: &mut Problems) -> Vec<Token> {
    // The whole text may stand indented, as in a string of a host language.
    let base = tokens
        .iter()
        .filter(|token| token.starts_line() && token.kind != TokenKind::End)
        .map(|token| column(source, token))
        .min()
        .unwrap_or_default();
    let mut layout = Layout {
        source,
        problems,
        done: Vec::with_capacity(tokens.len()),
        columns: vec![base],
        header: "",
    };
    for token in tokens {
        layout.place(token);
    }
    layout.done
}

/// How much white space stands before the first token of a line; a tab counts as one.
fn column(source: &str, token: &Token) -> usize {
    let before = source.get(..token.span.range().start).unwrap_or_default();
    before.len() - before.trim_end_matches([' ', '\t']).len()
}

// === impl Layout ===

impl Layout<'_, '_> {
    fn place(&mut self, mut token: Token) {
        if token.kind == TokenKind::End {
            self.close_to(0);
        } else if self.ends_header(&token) {
            token.line = LineStart::No;
        } else if token.starts_line() {
            token.line = self.line(&token);
        }
        self.done.push(token);
    }

    /// Whether this is the colon of a `raise … if`, which may stand on a line of its own.
    fn ends_header(&self, token: &Token) -> bool {
        let is_if = |last: &Token| self.source.get(last.span.range()) == Some("if");
        token.kind == TokenKind::Colon && self.done.last().is_some_and(is_if)
    }

    fn line(&mut self, token: &Token) -> LineStart {
        let column = column(self.source, token);
        let open = self.open_column();
        if column > open && !self.opens_block() {
            return LineStart::Deeper;
        }
        if column > open {
            self.columns.push(column);
        } else if column < open {
            self.close_to(column);
            if column < self.open_column() {
                self.report_inconsistent(token, column);
                // The line was most likely meant for this block.
                self.columns.pop();
                self.columns.push(column);
            }
        }
        self.header = self.source.get(token.span.range()).unwrap_or_default();
        LineStart::Aligned
    }

    /// Whether the line before this one asks for a block; if so, its colon becomes `Indent`.
    fn opens_block(&mut self) -> bool {
        let Some(last) = self.done.last_mut() else {
            return false;
        };
        match last.kind {
            // The end of a line is no place to begin one.
            _ if last.starts_line() => return false,
            TokenKind::Colon => {
                last.kind = TokenKind::Indent;
                last.tight = true;
            }
            TokenKind::ColonEqual => last.kind = TokenKind::Indent,
            TokenKind::Name if self.header == "raise" => {
                let place = last.span;
                if self.source.get(place.range()) != Some("if") {
                    return false;
                }
                self.report_missing_colon(place);
                self.push(TokenKind::Indent, place.range().end);
            }
            _ => return false,
        }
        true
    }

    /// Closes the blocks inside the one whose lines stand at `column`, or nearest behind it.
    fn close_to(&mut self, column: usize) {
        let end = self.done.last().map_or(0, |last| last.span.range().end);
        while let [.., outer, _] = self.columns.as_slice()
            && column <= *outer
        {
            self.columns.pop();
            self.push(TokenKind::Dedent, end);
        }
    }

    fn open_column(&self) -> usize {
        self.columns.last().copied().unwrap_or_default()
    }

    fn push(&mut self, kind: TokenKind, at: usize) {
        self.done.push(Token {
            kind,
            span: Span::new(at, at),
            line: LineStart::No,
            tight: true,
            begins_line: false,
        });
    }

    fn report_missing_colon(&mut self, place: Span) {
        let message = "a colon is missing after `if`";
        self.problems.report(
            Diagnostic::error(codes::MISSING_COLON, place, message)
                .help("end the line with `if:`; the conditions follow below, indented"),
        );
    }

    fn report_inconsistent(&mut self, token: &Token, column: usize) {
        let start = token.span.range().start;
        let indentation = Span::new(start - column, start);
        let tabs = self
            .source
            .get(indentation.range())
            .is_some_and(|text| text.contains('\t'));
        let help = if tabs {
            "indent with blanks only: a tab counts as one blank"
        } else {
            "indent it exactly like another line of the block it belongs to"
        };
        let message = "this line goes back to a depth where no block is open";
        self.problems.report(
            Diagnostic::error(codes::INCONSISTENT_INDENTATION, indentation, message).help(help),
        );
    }
}
