//! Cuts the source into tokens and comments. Line starts are noted, their columns are not.

use super::{Comment, LineStart, Token, TokenKind, unclosed_bracket};
use crate::limits::MAX_INTEGER_DIGITS;
use crate::problems::Problems;
use crate::{Diagnostic, Span, codes};

/// Longer symbols stand before their prefixes.
const SYMBOLS: [(&str, TokenKind); 25] = [
    (":=", TokenKind::ColonEqual),
    ("==", TokenKind::EqualEqual),
    ("!=", TokenKind::NotEqual),
    (">=", TokenKind::GreaterEqual),
    ("<=", TokenKind::LessEqual),
    ("->", TokenKind::Arrow),
    ("~>", TokenKind::TildeArrow),
    ("**", TokenKind::StarStar),
    (">", TokenKind::Greater),
    ("<", TokenKind::Less),
    ("+", TokenKind::Plus),
    ("-", TokenKind::Minus),
    ("*", TokenKind::Star),
    ("/", TokenKind::Slash),
    ("%", TokenKind::Percent),
    ("(", TokenKind::LeftParenthesis),
    (")", TokenKind::RightParenthesis),
    ("[", TokenKind::LeftBracket),
    ("]", TokenKind::RightBracket),
    ("{", TokenKind::LeftBrace),
    ("}", TokenKind::RightBrace),
    (",", TokenKind::Comma),
    (".", TokenKind::Dot),
    (":", TokenKind::Colon),
    ("=", TokenKind::Equal),
];

/// Operators of other languages and what they are called here.
const FOREIGN_OPERATORS: [(&str, TokenKind, &str); 5] = [
    ("===", TokenKind::EqualEqual, "=="),
    ("!==", TokenKind::NotEqual, "!="),
    ("&&", TokenKind::And, "and"),
    ("||", TokenKind::Or, "or"),
    ("!", TokenKind::Not, "not"),
];

struct Scanner<'s, 'p> {
    source: &'s str,
    offset: usize,
    problems: &'p mut Problems,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
    /// The open brackets, outermost first.
    brackets: Vec<Span>,
    /// White space before the first token of the line that opened the outermost bracket.
    bracket_column: usize,
    line_column: usize,
    /// The next token is the first of its line.
    fresh: bool,
    /// So is the next comment; unlike `fresh`, inside brackets too.
    blank: bool,
}

pub(super) fn scan(source: &str, problems: &mut Problems) -> (Vec<Token>, Vec<Comment>) {
    let mut scanner = Scanner {
        source,
        offset: 0,
        problems,
        tokens: Vec::new(),
        comments: Vec::new(),
        brackets: Vec::new(),
        bracket_column: 0,
        line_column: 0,
        fresh: true,
        blank: true,
    };
    scanner.skip_byte_order_mark();
    scanner.begin_line();
    while let Some(next) = scanner.peek() {
        scanner.step(next);
    }
    scanner.fresh = true;
    scanner.push(TokenKind::End, source.len());
    (scanner.tokens, scanner.comments)
}

/// How many bytes of an integer or float literal `text` begins with, and which of the two it is.
fn number(text: &str) -> (usize, TokenKind) {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.bytes().take_while(u8::is_ascii_digit).count()
    };
    let at = |offset: usize| text.as_bytes().get(offset).copied();
    let mut end = digits(0);
    let mut kind = TokenKind::Integer;
    if at(end) == Some(b'.') {
        end += 1;
        end += digits(end);
        kind = TokenKind::Float;
    }
    if matches!(at(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(at(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
            kind = TokenKind::Float;
        }
    }
    (end, kind)
}

/// Whether `text` begins a rule and cannot be the inside of a bracket: `raise` with an operand.
fn begins_rule(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("raise ") else {
        return false;
    };
    let rest = rest.trim_start_matches(' ');
    let word: String = rest
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    let goes_on =
        matches!(word.as_str(), "if" | "else" | "for") || TokenKind::word_operator(&word).is_some();
    rest.starts_with(['"', '\'']) || (!word.is_empty() && !goes_on)
}

// === impl Scanner ===

impl<'s> Scanner<'s, '_> {
    fn step(&mut self, next: char) {
        match next {
            '\n' => {
                self.offset += 1;
                self.begin_line();
            }
            ' ' | '\t' => self.offset += 1,
            '\r' if self.rest().starts_with("\r\n") => self.offset += 1,
            '#' => self.comment(),
            '"' | '\'' => self.string(self.offset, next),
            '0'..='9' => self.number(),
            '.' if self
                .rest()
                .as_bytes()
                .get(1)
                .is_some_and(u8::is_ascii_digit) =>
            {
                self.number();
            }
            'a'..='z' | 'A'..='Z' | '_' => self.word(),
            _ => self.symbol(),
        }
    }

    fn begin_line(&mut self) {
        let rest = self.rest();
        let line = rest.trim_start_matches([' ', '\t']);
        self.line_column = rest.len() - line.len();
        // A bracket that was never closed must not swallow the rules behind it.
        if let Some(&open) = self.brackets.last()
            && self.line_column <= self.bracket_column
            && begins_rule(line)
        {
            let bracket = self.source.get(open.range()).unwrap_or_default();
            self.problems.report(unclosed_bracket(bracket, open));
            self.brackets.clear();
            self.push(TokenKind::Broken, self.offset);
        }
        self.blank = true;
        self.fresh = self.fresh || self.brackets.is_empty();
    }

    fn comment(&mut self) {
        let start = self.offset;
        let line = self.rest().split('\n').next().unwrap_or_default();
        let text = line.trim_end_matches('\r');
        self.comments.push(Comment {
            span: Span::new(start, start + text.len()),
            own_line: self.blank,
        });
        self.offset = start + line.len();
    }

    fn word(&mut self) {
        let start = self.offset;
        let rest = self.rest();
        let length = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count();
        let (word, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let next = behind.chars().next();
        if let ("r" | "f", Some(quote @ ('"' | '\''))) = (word, next) {
            self.offset += 1;
            return self.string(start, quote);
        }
        let spaced = matches!(next, None | Some(' ' | '\t' | '\r' | '\n' | '#'));
        let operator = TokenKind::word_operator(word).filter(|_| spaced);
        self.push(operator.unwrap_or(TokenKind::Name), start + length);
    }

    fn number(&mut self) {
        let start = self.offset;
        let (length, kind) = number(self.rest());
        if kind == TokenKind::Integer && length > MAX_INTEGER_DIGITS {
            self.problems.report(
                Diagnostic::error(
                    codes::NUMBER_TOO_LONG,
                    Span::new(start, start + length),
                    format!("an integer of {length} digits is too long"),
                )
                .help(format!("integers have at most {MAX_INTEGER_DIGITS} digits")),
            );
            return self.push(TokenKind::Broken, start + length);
        }
        self.push(kind, start + length);
    }

    /// A string whose quotes begin at the current offset; `start` is that of its prefix.
    fn string(&mut self, start: usize, quote: char) {
        let triple: String = [quote; 3].iter().collect();
        let long = self.rest().starts_with(&triple);
        let opening = if long { 3 } else { 1 };
        let body = self.rest().get(opening..).unwrap_or_default();
        let mut escaped = false;
        for (at, character) in body.char_indices() {
            if character == '\n' && !long {
                break;
            }
            let tail = body.get(at..).unwrap_or_default();
            if !escaped && character == quote && (!long || tail.starts_with(&triple)) {
                let kind = if long {
                    TokenKind::LongText
                } else {
                    TokenKind::Text
                };
                let end = self.offset + opening + at + opening;
                self.offset = start;
                return self.push(kind, end);
            }
            escaped = character == '\\' && !escaped;
        }
        self.unterminated(start, opening, body);
    }

    fn unterminated(&mut self, start: usize, opening: usize, body: &str) {
        let quotes_end = self.offset + opening;
        let line = body.split('\n').next().unwrap_or_default().trim_end();
        let (end, shown, help) = if opening == 3 {
            let end = quotes_end + body.len();
            (end, quotes_end, "close it with the same three quotes")
        } else {
            let end = quotes_end + line.len();
            (
                end,
                end,
                "close it on its line, or use triple quotes for text of several lines",
            )
        };
        let message = "this string is not closed";
        let span = Span::new(start, shown);
        self.problems
            .report(Diagnostic::error(codes::UNTERMINATED_STRING, span, message).help(help));
        self.offset = start;
        self.push(TokenKind::Broken, end);
    }

    fn symbol(&mut self) {
        let rest = self.rest();
        let known = SYMBOLS.iter().find(|(symbol, _)| rest.starts_with(symbol));
        let foreign = FOREIGN_OPERATORS
            .iter()
            .find(|(symbol, ..)| rest.starts_with(symbol));
        let is_longer = |foreign: &str| known.is_none_or(|(known, _)| known.len() < foreign.len());
        let foreign = foreign.filter(|(symbol, ..)| is_longer(symbol));
        if let (Some((symbol, kind)), None) = (known, foreign) {
            let span = Span::new(self.offset, self.offset + symbol.len());
            if kind.opens_bracket() {
                if self.brackets.is_empty() {
                    self.bracket_column = self.line_column;
                }
                self.brackets.push(span);
            } else if kind.closes_bracket() {
                self.brackets.pop();
            }
            return self.push(*kind, self.offset + symbol.len());
        }
        if let Some((symbol, kind, word)) = foreign {
            let span = Span::new(self.offset, self.offset + symbol.len());
            let message = format!("`{symbol}` is not an operator of the policy language");
            self.problems.report(
                Diagnostic::error(codes::FOREIGN_OPERATOR, span, message)
                    .help(format!("write `{word}`")),
            );
            return self.push(*kind, span.range().end);
        }
        self.unknown();
    }

    fn unknown(&mut self) {
        let rest = self.rest();
        // A word in another script is one mistake, not one per letter.
        let run = rest
            .find(|character: char| character.is_ascii())
            .unwrap_or(rest.len());
        let length = run.max(1);
        let text = rest.get(..length).unwrap_or_default();
        let span = Span::new(self.offset, self.offset + length);
        let mut diagnostic = Diagnostic::error(
            codes::UNKNOWN_CHARACTER,
            span,
            format!("unknown character `{}`", text.escape_debug()),
        );
        if let Some(help) = unknown_help(text) {
            diagnostic = diagnostic.help(help);
        }
        self.problems.report(diagnostic);
        self.push(TokenKind::Broken, span.range().end);
    }

    fn push(&mut self, kind: TokenKind, end: usize) {
        let line = if self.fresh {
            LineStart::Aligned
        } else {
            LineStart::No
        };
        self.tokens.push(Token {
            kind,
            span: Span::new(self.offset, end),
            line,
            tight: false,
            begins_line: false,
        });
        self.fresh = false;
        self.blank = false;
        self.offset = end;
    }

    fn skip_byte_order_mark(&mut self) {
        if self.source.starts_with('\u{feff}') {
            self.offset = '\u{feff}'.len_utf8();
        }
    }

    fn rest(&self) -> &'s str {
        self.source.get(self.offset..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }
}

fn unknown_help(text: &str) -> Option<&'static str> {
    let first = text.chars().next()?;
    Some(match first {
        '\u{2018}'..='\u{201f}' | '`' => "strings stand in straight quotes, `\"…\"` or `'…'`",
        ';' => "conditions and statements end with their line",
        '\u{a0}' | '\u{2000}'..='\u{200b}' => "replace it by a plain blank",
        '&' => "write `and`",
        '|' => "write `or`",
        '~' => "a direct flow is written `~>`",
        letter if letter.is_alphabetic() => "names are made of `A-Z`, `a-z`, `0-9` and `_`",
        _ => return None,
    })
}
