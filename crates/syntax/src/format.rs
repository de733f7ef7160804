//! The canonical form of a policy.
//!
//! Only the white space between tokens changes, never a token: so a policy cannot come to mean
//! something else, and strings and comments stay as they were typed. Where lines break is the
//! author's choice; how deep they stand, and what stands between the tokens of a line, is not.

use std::iter::Peekable;
use std::slice;

use crate::lexer::{Comment, Token, TokenKind};
use crate::parser::{ParsedTokens, parse_tokens};
use crate::{Diagnostic, Span, literal};

const INDENTATION: usize = 4;

struct Writer<'s> {
    source: &'s str,
    margin: &'s str,
    out: String,
    comments: Peekable<slice::Iter<'s, Comment>>,
    /// The token written last.
    last: Option<Token>,
    /// Where that token, or the comment behind it, ends in the source.
    last_end: usize,
    /// No blank line may come next: a bracket or block has just begun, or ends.
    snug: bool,
    /// Open blocks, as far as the tokens written so far open and close them.
    level: usize,
    /// A block has ended since the last token.
    closed: bool,
    /// For each open block, the outermost code included, its column in the source. The blocks
    /// closed last stay until the next line: a comment behind them may still belong to them.
    columns: Vec<usize>,
    /// For each open bracket, the indentation of the line that snug it.
    brackets: Vec<usize>,
    indentation: usize,
}

/// Formats a policy. One with errors is not touched: its diagnostics come back.
pub fn format(source: &str) -> Result<String, Vec<Diagnostic>> {
    let ParsedTokens { parsed, tokens } = parse_tokens(source);
    if !parsed.diagnostics.is_empty() {
        return Err(parsed.diagnostics);
    }
    let mut writer = Writer {
        source,
        margin: literal::margin(source),
        out: String::with_capacity(source.len()),
        comments: parsed.comments.iter().peekable(),
        last: None,
        last_end: 0,
        snug: true,
        level: 0,
        closed: false,
        columns: vec![0],
        brackets: Vec::new(),
        indentation: 0,
    };
    writer.write(&tokens);
    Ok(writer.out)
}

// === impl Writer ===

impl Writer<'_> {
    fn write(&mut self, tokens: &[Token]) {
        let mut reference_end = 0;
        for (position, token) in tokens.iter().enumerate() {
            let start = token.span.range().start;
            // The rest of a value reference has been written with its first token.
            if start < reference_end {
                continue;
            }
            match token.kind {
                TokenKind::Dedent => {
                    self.level = self.level.saturating_sub(1);
                    self.closed = true;
                    continue;
                }
                TokenKind::End => self.comments_before(start, token),
                _ => {
                    self.comments_before(start, token);
                    self.token(token);
                }
            }
            if token.kind == TokenKind::Less && token.tight {
                reference_end = self.last_end;
            }
            if token.kind == TokenKind::Indent
                && let Some(first) = tokens.get(position + 1)
            {
                self.level += 1;
                self.columns.push(self.column(first.span));
            }
        }
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn token(&mut self, token: &Token) {
        let kind = token.kind;
        let span = self.written_span(token);
        self.columns.truncate(self.level + 1);
        if token.begins_line || self.closed {
            self.break_line(span, self.level * INDENTATION);
        } else if self.newlines_before(span) > 0 {
            self.snug |= kind.closes_bracket();
            let indentation = self.continuation(Some(kind));
            self.break_line(span, indentation);
        } else if self.blank_before(token) {
            self.out.push(' ');
        }
        if kind.opens_bracket() {
            self.brackets.push(self.indentation);
        } else if kind.closes_bracket() {
            self.brackets.pop();
        }
        let text = self.source.get(span.range()).unwrap_or_default();
        match kind {
            TokenKind::LongText => self
                .out
                .push_str(&literal::without_margin(text, self.margin)),
            TokenKind::Indent => self.out.push_str(if token.tight { ":" } else { ":=" }),
            _ => self.out.push_str(text),
        }
        self.snug = kind.opens_bracket() || kind == TokenKind::Indent;
        self.closed = false;
        self.last = Some(*token);
        self.last_end = span.range().end;
    }

    fn comments_before(&mut self, end: usize, next: &Token) {
        while let Some(comment) = self
            .comments
            .next_if(|comment| comment.span.range().start < end)
        {
            if comment.own_line {
                let indentation = self.comment_indentation(comment, next);
                self.break_line(comment.span, indentation);
                self.snug = false;
            } else {
                self.out.push_str("  ");
            }
            let text = self.source.get(comment.span.range()).unwrap_or_default();
            self.out.push_str(text.trim_end());
            self.last_end = comment.span.range().end;
        }
    }

    fn comment_indentation(&self, comment: &Comment, next: &Token) -> usize {
        if !next.begins_line && !self.closed && next.kind != TokenKind::End {
            return self.continuation(None);
        }
        let column = self.column(comment.span);
        let inner = self.columns.iter().rposition(|block| *block <= column);
        inner.unwrap_or_default().max(self.level) * INDENTATION
    }

    /// The indentation of a line that goes on with the expression of the line before it.
    fn continuation(&self, first: Option<TokenKind>) -> usize {
        match self.brackets.last() {
            Some(opener) if first.is_some_and(TokenKind::closes_bracket) => *opener,
            Some(opener) => opener + INDENTATION,
            None => (self.level + 1) * INDENTATION,
        }
    }

    /// Begins a line for what stands at `span`, below a blank line if one stood there.
    fn break_line(&mut self, span: Span, indentation: usize) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        if self.newlines_before(span) > 1 && !self.snug {
            self.out.push('\n');
        }
        self.out.extend(std::iter::repeat_n(' ', indentation));
        self.indentation = indentation;
    }

    fn blank_before(&self, token: &Token) -> bool {
        let Some(last) = self.last else {
            return false;
        };
        if last.kind.opens_bracket()
            || token.kind.closes_bracket()
            || token.tight && token.kind.opens_bracket()
            || last.tight && matches!(last.kind, TokenKind::Minus | TokenKind::Plus)
            || self.is_name_for_want_of_a_blank(&last)
        {
            return false;
        }
        match (last.kind, token.kind) {
            // A block that is an operand stands behind an operator, not behind a name.
            (kind, TokenKind::Indent) if token.tight => kind.joins_operands(),
            // `1.name` would be a float and a name.
            (TokenKind::Integer, TokenKind::Dot) => true,
            (TokenKind::Dot | TokenKind::Equal, _)
            | (_, TokenKind::Dot | TokenKind::Equal | TokenKind::Comma | TokenKind::Colon) => false,
            (TokenKind::Colon, _) => !last.tight,
            _ => true,
        }
    }

    /// A word operator's spelling used as a name, as in `in==x`: with a blank it is an operator.
    fn is_name_for_want_of_a_blank(&self, token: &Token) -> bool {
        let text = self.source.get(token.span.range()).unwrap_or_default();
        token.kind == TokenKind::Name && TokenKind::word_operator(text).is_some()
    }

    /// What is written for a token: for the first of a value reference, the whole reference.
    fn written_span(&self, token: &Token) -> Span {
        let start = token.span.range().start;
        if token.kind != TokenKind::Less || !token.tight {
            return token.span;
        }
        let rest = self.source.get(start..).unwrap_or_default();
        let length = rest.find('>').map_or(rest.len(), |length| length + 1);
        Span::new(start, start + length)
    }

    fn newlines_before(&self, span: Span) -> usize {
        let between = self.source.get(self.last_end..span.range().start);
        between.map_or(0, |between| between.matches('\n').count())
    }

    fn column(&self, span: Span) -> usize {
        let before = self.source.get(..span.range().start).unwrap_or_default();
        before.len() - before.trim_end_matches([' ', '\t']).len()
    }
}

#[cfg(test)]
mod tests;
