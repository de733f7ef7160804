//! From text to tokens. `scan` cuts the text up; `layout` finds the blocks.

mod layout;
mod scan;

use crate::problems::Problems;
use crate::{Diagnostic, Span, codes};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
    pub(crate) line: LineStart,
    /// Written without the blank that its kind has by default; the parser knows, the formatter
    /// asks. For a bracket: it belongs to the operand before it. For a sign: to the operand
    /// behind it. For a colon: it is that of `tool:name`. For `<`: it opens a value reference.
    /// For an opened block: it is written `:` and not `:=`.
    pub(crate) tight: bool,
    /// The parser found a statement, or a line of a block, to begin here.
    pub(crate) begins_line: bool,
}

/// Whether a token is the first of a line. Lines inside brackets do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineStart {
    No,
    /// It stands in the column of the open block.
    Aligned,
    /// It stands deeper than the open block: most likely the line goes on.
    Deeper,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Names, keywords, and word operators that no white space follows.
    Name,
    And,
    Or,
    Not,
    Is,
    In,
    ContainsOnly,
    Integer,
    Float,
    /// A string on one line.
    Text,
    /// A string in triple quotes.
    LongText,
    ColonEqual,
    EqualEqual,
    NotEqual,
    GreaterEqual,
    LessEqual,
    Arrow,
    TildeArrow,
    StarStar,
    Greater,
    Less,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    LeftParenthesis,
    RightParenthesis,
    LeftBracket,
    RightBracket,
    LeftBrace,
    RightBrace,
    Comma,
    Dot,
    Colon,
    Equal,
    /// A colon or `:=` at the end of a line with a deeper one behind it.
    Indent,
    Dedent,
    /// Text that is no token; the lexer has reported it.
    Broken,
    End,
}

/// A comment, from its `#` to the end of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment {
    pub span: Span,
    /// Only white space stands before it on its line.
    pub own_line: bool,
}

#[derive(Debug)]
pub(crate) struct Lexed {
    /// Ends with `End`.
    pub(crate) tokens: Vec<Token>,
    pub(crate) comments: Vec<Comment>,
}

pub(crate) fn lex(source: &str, problems: &mut Problems) -> Lexed {
    let (tokens, comments) = scan::scan(source, problems);
    let tokens = layout::layout(source, tokens, problems);
    Lexed { tokens, comments }
}

pub(crate) fn unclosed_bracket(bracket: &str, span: Span) -> Diagnostic {
    let message = format!("`{bracket}` is not closed");
    Diagnostic::error(codes::UNCLOSED_BRACKET, span, message)
        .help("close it behind the last thing that belongs into it")
}

impl Token {
    pub(crate) fn starts_line(&self) -> bool {
        self.line != LineStart::No
    }
}

impl TokenKind {
    /// Anything that is spelled like a name.
    pub(crate) fn is_word(self) -> bool {
        use TokenKind::{And, ContainsOnly, In, Is, Name, Not, Or};
        matches!(self, Name | And | Or | Not | Is | In | ContainsOnly)
    }

    pub(crate) fn opens_bracket(self) -> bool {
        use TokenKind::{LeftBrace, LeftBracket, LeftParenthesis};
        matches!(self, LeftParenthesis | LeftBracket | LeftBrace)
    }

    pub(crate) fn closes_bracket(self) -> bool {
        use TokenKind::{RightBrace, RightBracket, RightParenthesis};
        matches!(self, RightParenthesis | RightBracket | RightBrace)
    }

    /// Operators that something must stand behind.
    pub(crate) fn joins_operands(self) -> bool {
        use TokenKind::{
            And, Arrow, ColonEqual, ContainsOnly, EqualEqual, Greater, GreaterEqual, In, Is, Less,
            LessEqual, Minus, Not, NotEqual, Or, Percent, Plus, Slash, Star, StarStar, TildeArrow,
        };
        matches!(
            self,
            And | Arrow
                | ColonEqual
                | ContainsOnly
                | EqualEqual
                | Greater
                | GreaterEqual
                | In
                | Is
                | Less
                | LessEqual
                | Minus
                | Not
                | NotEqual
                | Or
                | Percent
                | Plus
                | Slash
                | Star
                | StarStar
                | TildeArrow
        )
    }

    /// The word operator of that spelling.
    pub(crate) fn word_operator(word: &str) -> Option<TokenKind> {
        Some(match word {
            "and" => TokenKind::And,
            "or" => TokenKind::Or,
            "not" => TokenKind::Not,
            "is" => TokenKind::Is,
            "in" => TokenKind::In,
            "contains_only" => TokenKind::ContainsOnly,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
