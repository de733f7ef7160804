//! The tokenizer: one pass over the text, and the only place that decides what is accepted.
mod names;
mod number;
mod string;

use std::borrow::Cow;
use std::ops::Range;

use crate::{Duplicates, Error, ErrorKind, Limits, Number};
use names::{Names, ObjectNames};

/// Reads one JSON value as a flat sequence of tokens.
///
/// Nesting is kept on a stack of its own, so that no text can exhaust the thread's.
pub(crate) struct Reader<'t> {
    text: &'t str,
    offset: usize,
    end: usize,
    limits: &'t Limits,
    notices_repeats: bool,
    nodes: usize,
    open: Vec<Container<'t>>,
    names: Names<'t>,
    next: Next,
}

pub(crate) struct Token<'t> {
    pub(crate) kind: TokenKind<'t>,
    pub(crate) span: Range<usize>,
}

pub(crate) enum TokenKind<'t> {
    ArrayStart,
    ArrayEnd,
    ObjectStart,
    ObjectEnd,
    Name {
        name: Cow<'t, str>,
        /// Which distinct member of its object had this name before, counted from 0.
        repeats: Option<usize>,
    },
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'t, str>),
}

enum Container<'t> {
    Array,
    Object(ObjectNames<'t>),
}

#[derive(Clone, Copy)]
enum Next {
    Value,
    ItemOrEnd,
    CommaInArray,
    NameOrEnd,
    CommaInObject,
    End,
}

// === impl Reader ===

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str, limits: &'t Limits) -> Self {
        Self {
            text,
            offset: 0,
            end: text.len(),
            limits,
            notices_repeats: true,
            nodes: 0,
            open: Vec::new(),
            names: Names::default(),
            next: Next::Value,
        }
    }

    /// Reads again the value that takes all of `range`, which was accepted before as part of
    /// `text`: names that repeat are not looked for. Spans count from the start of `text`.
    pub(crate) fn again(text: &'t str, range: Range<usize>, limits: &'t Limits) -> Self {
        Self {
            offset: range.start,
            end: range.end.min(text.len()),
            notices_repeats: false,
            ..Self::new(text, limits)
        }
    }

    /// The next token, or `None` once the value is complete and nothing follows it.
    pub(crate) fn read(&mut self) -> Result<Option<Token<'t>>, Error> {
        self.skip_whitespace();
        let token = match (self.next, self.peek()) {
            (Next::End, None) => return Ok(None),
            (Next::End, Some(_)) => return Err(self.error(ErrorKind::TextAfterValue)),
            (Next::ItemOrEnd | Next::CommaInArray, Some(b']')) => self.close(TokenKind::ArrayEnd),
            (Next::NameOrEnd | Next::CommaInObject, Some(b'}')) => self.close(TokenKind::ObjectEnd),
            (Next::CommaInArray, Some(b',')) => {
                self.skip_comma();
                self.value("a value")?
            }
            (Next::CommaInObject, Some(b',')) => {
                self.skip_comma();
                self.name("a member name in double quotes")?
            }
            (Next::CommaInArray, _) => return Err(self.expected("`,` or `]`")),
            (Next::CommaInObject, _) => return Err(self.expected("`,` or `}`")),
            (Next::NameOrEnd, _) => self.name("a member name in double quotes or `}`")?,
            (Next::ItemOrEnd, _) => self.value("a value or `]`")?,
            (Next::Value, _) => self.value("a value")?,
        };
        Ok(Some(token))
    }

    fn value(&mut self, expected: &'static str) -> Result<Token<'t>, Error> {
        let start = self.offset;
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            let limit = self.limits.nodes;
            return Err(self.error(ErrorKind::TooManyValues { limit }));
        }
        self.next = self.after_value();
        let kind = match self.peek() {
            Some(b'{') => self.open(Container::Object(self.names.open()))?,
            Some(b'[') => self.open(Container::Array)?,
            Some(b'"') => TokenKind::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => TokenKind::Number(self.number()?),
            Some(b'n') if self.eat_word("null") => TokenKind::Null,
            Some(b't') if self.eat_word("true") => TokenKind::Bool(true),
            Some(b'f') if self.eat_word("false") => TokenKind::Bool(false),
            Some(b'N') if self.eat_word("NaN") => self.not_finite(f64::NAN, start)?,
            Some(b'I') if self.eat_word("Infinity") => self.not_finite(f64::INFINITY, start)?,
            _ => return Err(self.expected(expected)),
        };
        Ok(self.token(kind, start))
    }

    fn open(&mut self, container: Container<'t>) -> Result<TokenKind<'t>, Error> {
        if self.open.len() >= self.limits.depth {
            let limit = self.limits.depth;
            return Err(self.error(ErrorKind::TooDeep { limit }));
        }
        self.offset += 1;
        let (kind, next) = match container {
            Container::Array => (TokenKind::ArrayStart, Next::ItemOrEnd),
            Container::Object(_) => (TokenKind::ObjectStart, Next::NameOrEnd),
        };
        self.next = next;
        self.open.push(container);
        Ok(kind)
    }

    fn close(&mut self, kind: TokenKind<'t>) -> Token<'t> {
        let start = self.offset;
        self.offset += 1;
        if let Some(Container::Object(object)) = self.open.pop() {
            self.names.close(&object);
        }
        self.next = self.after_value();
        self.token(kind, start)
    }

    fn name(&mut self, expected: &'static str) -> Result<Token<'t>, Error> {
        let start = self.offset;
        if self.peek() != Some(b'"') {
            return Err(self.expected(expected));
        }
        let name = self.string()?;
        let span = start..self.offset;
        let repeats = self.notice(name.clone(), start)?;
        self.skip_whitespace();
        if !self.eat(b':') {
            return Err(self.expected("`:` after the member name"));
        }
        self.next = Next::Value;
        Ok(Token {
            kind: TokenKind::Name { name, repeats },
            span,
        })
    }

    fn notice(&mut self, name: Cow<'t, str>, start: usize) -> Result<Option<usize>, Error> {
        if !self.notices_repeats {
            return Ok(None);
        }
        let Some(Container::Object(object)) = self.open.last_mut() else {
            return Ok(None);
        };
        let repeats = self.names.place_or_insert(object, name);
        if repeats.is_some() && self.limits.duplicates == Duplicates::Reject {
            return Err(Error::new(ErrorKind::DuplicateName, start));
        }
        Ok(repeats)
    }

    fn after_value(&self) -> Next {
        match self.open.last() {
            None => Next::End,
            Some(Container::Array) => Next::CommaInArray,
            Some(Container::Object(_)) => Next::CommaInObject,
        }
    }

    fn skip_comma(&mut self) {
        self.offset += 1;
        self.skip_whitespace();
    }

    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.offset += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        if self.offset < self.end {
            self.text.as_bytes().get(self.offset).copied()
        } else {
            None
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.offset += usize::from(found);
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.slice(self.offset..self.end).starts_with(word);
        if found {
            self.offset += word.len();
        }
        found
    }

    /// INVARIANT: callers cut beside ASCII bytes inside the text, where a slice always exists.
    fn slice(&self, range: Range<usize>) -> &'t str {
        self.text.get(range).unwrap_or_default()
    }

    fn token(&self, kind: TokenKind<'t>, start: usize) -> Token<'t> {
        Token {
            kind,
            span: start..self.offset,
        }
    }

    fn expected(&self, what: &'static str) -> Error {
        self.error(ErrorKind::Expected(what))
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.offset)
    }
}
