//! From tokens to the tree, by recursive descent. A part that cannot be read is reported once,
//! skipped up to the next line of its block or the next statement, and reading goes on.

mod diagnose;
mod expression;
mod postfix;
mod primary;
mod statement;

use crate::ast::{Name, Policy};
use crate::lexer::{Comment, LineStart, Token, TokenKind, lex};
use crate::limits::{MAX_NESTING, MAX_SOURCE_BYTES, MAX_TREE_HEIGHT};
use crate::problems::Problems;
use crate::{Diagnostic, Span, ast, codes, literal};

/// A policy as far as it could be read. Without errors among the diagnostics, the tree is whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    pub policy: Policy,
    /// In the order of the source.
    pub diagnostics: Vec<Diagnostic>,
    pub comments: Vec<Comment>,
}

/// What the formatter needs beside the tree.
#[derive(Debug)]
pub(crate) struct ParsedTokens {
    pub(crate) parsed: Parsed,
    pub(crate) tokens: Vec<Token>,
}

/// Reads a policy. Never fails: what is wrong with it stands in the diagnostics.
pub fn parse(source: &str) -> Parsed {
    parse_tokens(source).parsed
}

pub(crate) fn parse_tokens(source: &str) -> ParsedTokens {
    let mut problems = Problems::default();
    if source.len() > MAX_SOURCE_BYTES {
        problems.report(source_too_long(source));
        let parsed = Parsed {
            diagnostics: problems.sorted(),
            ..Parsed::default()
        };
        return ParsedTokens {
            parsed,
            tokens: Vec::new(),
        };
    }
    let lexed = lex(source, &mut problems);
    let mut parser = Parser {
        source,
        margin: literal::margin(source),
        tokens: lexed.tokens,
        position: 0,
        level: 0,
        problems,
        reported_at: None,
        scope: Scope::Brackets,
        nesting: 0,
        height: 0,
        filter: None,
    };
    let policy = parser.policy();
    ParsedTokens {
        parsed: Parsed {
            policy,
            diagnostics: parser.problems.sorted(),
            comments: lexed.comments,
        },
        tokens: parser.tokens,
    }
}

fn source_too_long(source: &str) -> Diagnostic {
    let message = format!("a policy of {} bytes is too long", source.len());
    Diagnostic::error(codes::SOURCE_TOO_LONG, Span::default(), message).help(format!(
        "a policy has at most {MAX_SOURCE_BYTES} bytes; split it"
    ))
}

/// The problem has been reported: go on at the next place that can be read.
#[derive(Debug)]
struct Stop;

type Read<T> = Result<T, Stop>;

/// What surrounds the expression that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// A block: a new line may end the expression.
    Lines,
    /// Nothing ends it before its closing bracket, or the end of its statement.
    Brackets,
    /// The iterable of a comprehension: an `if` without `else` begins the filter.
    Iterable,
    /// What stands behind `raise`: the first `if` ends it.
    RaiseTarget,
}

struct Parser<'s> {
    source: &'s str,
    margin: &'s str,
    tokens: Vec<Token>,
    position: usize,
    /// Blocks entered by the tokens read so far, whoever reads them.
    level: usize,
    problems: Problems,
    /// The token of the last report: one mistake is told once.
    reported_at: Option<usize>,
    scope: Scope,
    nesting: u32,
    /// The height of the trees read so far in the innermost [`Parser::measured`].
    height: u32,
    /// The filter of the innermost comprehension, found while its iterable was being read.
    filter: Option<ast::Expr>,
}

// === impl Parser ===

impl<'s> Parser<'s> {
    /// Reads with `parse` in `scope`, one level deeper.
    fn nested<T>(&mut self, scope: Scope, parse: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.nesting >= MAX_NESTING {
            let message = format!("this is nested more than {MAX_NESTING} levels deep");
            let help = "name a part of it with `name := …` and use the name";
            return self.fail(codes::NESTING_TOO_DEEP, message, help);
        }
        let outer = std::mem::replace(&mut self.scope, scope);
        self.nesting += 1;
        let result = self.measured(|parser| {
            let inside = parse(parser)?;
            parser.grow()?;
            Ok(inside)
        });
        self.nesting -= 1;
        self.scope = outer;
        result
    }

    /// Reads with `parse` a tree beside those read so far, not on top of them.
    fn measured<T>(&mut self, parse: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        let outer = std::mem::take(&mut self.height);
        let result = parse(self);
        self.height = self.height.max(outer);
        result
    }

    /// Puts a node on top of what has been read.
    fn grow(&mut self) -> Read<()> {
        self.height += 1;
        if self.height <= MAX_TREE_HEIGHT {
            return Ok(());
        }
        let message = format!("a chain of more than {MAX_TREE_HEIGHT} operators is too long");
        let help = "use a list with `in`, or split it into several conditions";
        self.fail(codes::CHAIN_TOO_LONG, message, help)
    }

    /// The current token; the last one is `End`, and is never passed.
    fn token(&self) -> Token {
        self.token_ahead(0)
    }

    fn token_ahead(&self, distance: usize) -> Token {
        let found = self.tokens.get(self.position + distance);
        found.or(self.tokens.last()).copied().unwrap_or(Token {
            kind: TokenKind::End,
            span: Span::new(self.source.len(), self.source.len()),
            line: LineStart::Aligned,
            tight: false,
            begins_line: false,
        })
    }

    fn kind(&self) -> TokenKind {
        self.token().kind
    }

    fn at(&self, kind: TokenKind) -> bool {
        self.kind() == kind
    }

    fn at_word(&self, word: &str) -> bool {
        self.kind().is_word() && self.text(self.token().span) == word
    }

    fn text(&self, span: Span) -> &'s str {
        self.source.get(span.range()).unwrap_or_default()
    }

    fn bump(&mut self) -> Token {
        let token = self.token();
        match token.kind {
            TokenKind::End => return token,
            TokenKind::Indent => self.level += 1,
            TokenKind::Dedent => self.level = self.level.saturating_sub(1),
            _ => {}
        }
        self.position += 1;
        token
    }

    /// Passes the current token and notes that it is written without a blank.
    fn bump_tight(&mut self) -> Token {
        self.set_tight(true);
        self.bump()
    }

    fn set_tight(&mut self, tight: bool) {
        if let Some(token) = self.tokens.get_mut(self.position) {
            token.tight = tight;
        }
    }

    fn mark_line(&mut self) {
        if let Some(token) = self.tokens.get_mut(self.position) {
            token.begins_line = true;
        }
    }

    fn eat(&mut self, kind: TokenKind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.bump();
        }
        found
    }

    fn name(&mut self, what: &str) -> Read<Name> {
        if !self.kind().is_word() {
            return self.expected_name(what);
        }
        let span = self.bump().span;
        let text = self.text(span).to_owned();
        Ok(Name { text, span })
    }

    /// The end of what has been read.
    fn end_of_last(&self) -> Span {
        let before = self.position.checked_sub(1);
        let token = before.and_then(|before| self.tokens.get(before));
        token.map(|token| token.span).unwrap_or_default()
    }

    /// Goes to the next line, or to the end, of the block at `level`; 0 is outside all blocks.
    fn skip_line(&mut self, level: usize) {
        while !self.at(TokenKind::End) {
            let token = self.token();
            let here = self.level == level;
            let next_line = token.line == LineStart::Aligned || token.kind == TokenKind::Dedent;
            if self.level < level || here && next_line {
                return;
            }
            self.bump();
        }
    }
}

#[cfg(test)]
mod tests;
