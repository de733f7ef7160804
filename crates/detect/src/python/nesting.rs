//! How deep source code nests, estimated from its tokens before a tree is built.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::Mode;
use ruff_python_parser::lexer::lex;

/// LIMIT: brackets inside brackets, as in `CPython`.
const BRACKETS_MAX: usize = 200;
/// LIMIT: levels of indentation, as in `CPython`.
const INDENTS_MAX: usize = 100;
/// LIMIT: levels of an expression; operators without a comma between them count as one each.
const LEVELS_MAX: usize = 1_000;

/// Operators seen at one bracket level since the last separator.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    operators: usize,
    /// Kept apart: the commas between parameters do not end a lambda.
    lambdas: usize,
}

/// Whether a tree of the code is shallow enough to be walked by recursion.
pub(super) fn is_within_limits(code: &str, mode: Mode) -> bool {
    let mut lexer = lex(code, mode);
    let mut outer: Vec<Level> = Vec::new();
    let mut outer_levels = 0;
    let mut level = Level::default();
    let mut indents: usize = 0;
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return true,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                outer_levels += level.depth() + 1;
                outer.push(std::mem::take(&mut level));
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                level = outer.pop().unwrap_or_default();
                outer_levels = outer_levels.saturating_sub(level.depth() + 1);
                level.operators += 1;
            }
            TokenKind::Newline | TokenKind::Semi => {
                outer.clear();
                outer_levels = 0;
                level = Level::default();
            }
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents = indents.saturating_sub(1),
            TokenKind::Comma => level.operators = 0,
            TokenKind::Lambda => level.lambdas += 1,
            kind if nests(kind) => level.operators += 1,
            _ => {}
        }
        let levels = outer_levels + level.depth();
        if levels > LEVELS_MAX || outer.len() > BRACKETS_MAX || indents > INDENTS_MAX {
            return false;
        }
    }
}

fn nests(kind: TokenKind) -> bool {
    kind.is_operator() || kind.is_keyword() || kind == TokenKind::Dot
}

// === impl Level ===

impl Level {
    fn depth(self) -> usize {
        self.operators + self.lambdas
    }
}
