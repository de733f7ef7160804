//! Reads a pattern token by token; a backslash and the character after it are one token.

use super::super::PatternError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Plain(char),
    Escape(char),
    /// A backslash at the very end.
    Dangling,
}

#[derive(Debug)]
pub(super) struct Cursor {
    /// Each token with the index of its first code point.
    tokens: Vec<(usize, Token)>,
    next: usize,
    /// Length of the pattern in code points.
    end: usize,
}

// === impl Cursor ===

impl Cursor {
    pub(super) fn new(pattern: &str) -> Self {
        let mut tokens = Vec::new();
        let mut chars = pattern.chars();
        let mut position = 0;
        while let Some(c) = chars.next() {
            let (token, width) = match (c, c == '\\') {
                (_, true) => chars
                    .next()
                    .map_or((Token::Dangling, 1), |c| (Token::Escape(c), 2)),
                (c, false) => (Token::Plain(c), 1),
            };
            tokens.push((position, token));
            position += width;
        }
        Self {
            tokens,
            next: 0,
            end: position,
        }
    }

    pub(super) fn peek(&self) -> Option<Token> {
        self.tokens.get(self.next).map(|(_, token)| *token)
    }

    /// Takes the next token.
    pub(super) fn take(&mut self) -> Result<Option<Token>, PatternError> {
        let token = self.peek();
        if token == Some(Token::Dangling) {
            return Err(self.error_here("bad escape (end of pattern)"));
        }
        self.next += usize::from(token.is_some());
        Ok(token)
    }

    /// Takes the next token if it is the plain character `wanted`.
    pub(super) fn take_if(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(Token::Plain(wanted));
        self.next += usize::from(found);
        found
    }

    /// Takes up to `count_max` plain characters that satisfy `wanted`.
    pub(super) fn take_while(&mut self, count_max: usize, wanted: fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(Token::Plain(c)) = self.peek()
            && wanted(c)
            && taken.len() < count_max
        {
            taken.push(c);
            self.next += 1;
        }
        taken
    }

    /// Takes a non-empty name and the `terminator` after it.
    pub(super) fn take_name(&mut self, terminator: char) -> Result<String, PatternError> {
        let start = self.position();
        let mut name = String::new();
        loop {
            match self.take()? {
                None if name.is_empty() => return Err(self.error_here("missing group name")),
                None => {
                    let message = format!("missing {terminator}, unterminated name");
                    return Err(error_at(start, message));
                }
                Some(Token::Plain(c)) if c == terminator => break,
                Some(Token::Plain(c)) => name.push(c),
                Some(Token::Escape(c)) => name.extend(['\\', c]),
                Some(Token::Dangling) => name.push('\\'),
            }
        }
        if name.is_empty() {
            return Err(error_at(start, "missing group name"));
        }
        Ok(name)
    }

    /// Index of the next code point.
    pub(super) fn position(&self) -> usize {
        self.tokens
            .get(self.next)
            .map_or(self.end, |(position, _)| *position)
    }

    /// A place to come back to with [`Cursor::rewind`].
    pub(super) fn mark(&self) -> usize {
        self.next
    }

    pub(super) fn rewind(&mut self, mark: usize) {
        self.next = mark;
    }

    pub(super) fn error_here(&self, message: impl Into<String>) -> PatternError {
        error_at(self.position(), message)
    }
}

pub(super) fn error_at(position: usize, message: impl Into<String>) -> PatternError {
    PatternError {
        message: message.into(),
        position,
    }
}
