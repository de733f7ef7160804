//! Parses Python's regular expression syntax.
//!
//! It accepts what `CPython` 3.11 accepts and refuses what it refuses, except `\N{…}`, which is
//! refused, and patterns beyond [`PATTERN_MAX`] or [`GROUP_DEPTH_MAX`].

mod cursor;
mod escape;
mod group;

use std::collections::HashMap;

use cursor::{Cursor, Token, error_at};

use super::charset::CharSet;
use super::node::{Assertion, Node, Parsed, REPEAT_UNBOUNDED, Repeat, RepeatKind, Width};
use super::{Flags, PATTERN_MAX, PatternError};

/// How deep groups may nest; the parser and all later passes recurse this deep.
const GROUP_DEPTH_MAX: usize = 100;

/// Turns `pattern` into a tree.
pub(super) fn parse(pattern: &str, flags: Flags) -> Result<Parsed, PatternError> {
    if pattern.chars().nth(PATTERN_MAX).is_some() {
        let message = format!("pattern longer than {PATTERN_MAX} characters");
        return Err(error_at(PATTERN_MAX, message));
    }
    let mut parser = Parser::new(pattern, flags);
    match parser.pattern() {
        Err(Halt::Refused(error)) => Err(error),
        Ok(parsed) => Ok(parsed),
        // An inline `(?x)` changes how the text before it is read, so reading starts again.
        Err(Halt::BecameVerbose) => Parser::new(pattern, flags.with(Flags::VERBOSE))
            .pattern()
            .map_err(|halt| match halt {
                Halt::Refused(error) => error,
                Halt::BecameVerbose => error_at(0, "verbose flag given twice"),
            }),
    }
}

#[derive(Debug)]
struct Parser {
    cursor: Cursor,
    /// The flags in force here.
    flags: Flags,
    /// Widths of the groups, `None` while a group is open; index 0 is the whole match.
    groups: Vec<Option<Width>>,
    names: HashMap<String, usize>,
    /// Inside a look-behind: how many groups there were when it began.
    lookbehind_groups: Option<usize>,
    /// First position of each `(?(number)…)`, checked once all groups are known.
    conditions: Vec<(usize, usize)>,
    depth: usize,
}

#[derive(Debug)]
enum Halt {
    Refused(PatternError),
    BecameVerbose,
}

/// One thing read in a sequence, and whether a repetition may follow.
#[derive(Debug)]
struct Piece {
    node: Node,
    repeatable: Result<(), &'static str>,
}

// === impl Parser ===

impl Parser {
    fn new(pattern: &str, flags: Flags) -> Self {
        Self {
            cursor: Cursor::new(pattern),
            flags,
            groups: vec![None],
            names: HashMap::new(),
            lookbehind_groups: None,
            conditions: Vec::new(),
            depth: 0,
        }
    }

    fn pattern(&mut self) -> Result<Parsed, Halt> {
        let root = self.alternatives()?;
        if self.cursor.peek().is_some() {
            return Err(self.cursor.error_here("unbalanced parenthesis").into());
        }
        let missing = self
            .conditions
            .iter()
            .find(|(group, _)| *group >= self.groups.len());
        if let Some((group, position)) = missing {
            return Err(error_at(*position, format!("invalid group reference {group}")).into());
        }
        let width = root.width(&self.groups);
        Ok(Parsed {
            root,
            group_count: self.groups.len() - 1,
            width,
        })
    }

    fn alternatives(&mut self) -> Result<Node, Halt> {
        let mut branches = Vec::new();
        loop {
            let may_set_flags = self.depth == 0 && branches.is_empty();
            branches.push(self.sequence(may_set_flags)?);
            if !self.cursor.take_if('|') {
                break;
            }
        }
        Ok(match branches.pop() {
            Some(only) if branches.is_empty() => only,
            last => Node::Alternate(branches.into_iter().chain(last).collect()),
        })
    }

    fn sequence(&mut self, may_set_flags: bool) -> Result<Node, Halt> {
        let mut pieces: Vec<Piece> = Vec::new();
        while let Some(token) = self.cursor.peek() {
            if matches!(token, Token::Plain('|' | ')')) {
                break;
            }
            let start = self.cursor.position();
            self.cursor.take()?;
            match token {
                Token::Plain(c) if self.flags.has(Flags::VERBOSE) && self.skip_verbose(c)? => {}
                Token::Plain('*' | '+' | '?' | '{') => {
                    self.quantifier(token, start, &mut pieces)?;
                }
                Token::Plain('(') => {
                    pieces.extend(self.group(start, may_set_flags && pieces.is_empty())?);
                }
                Token::Plain(c) => pieces.push(self.plain(c, start)?),
                Token::Escape(c) => pieces.push(Piece::from(self.escape(c, start)?)),
                Token::Dangling => {}
            }
        }
        Ok(Node::Concat(
            pieces.into_iter().map(|piece| piece.node).collect(),
        ))
    }

    /// Whether `c` is white space or begins a comment of a verbose pattern.
    fn skip_verbose(&mut self, c: char) -> Result<bool, PatternError> {
        if c == '#' {
            while self
                .cursor
                .take()?
                .is_some_and(|token| token != Token::Plain('\n'))
            {}
        }
        Ok(matches!(
            c,
            '#' | ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}'
        ))
    }

    fn plain(&mut self, c: char, start: usize) -> Result<Piece, PatternError> {
        let multi_line = self.flags.has(Flags::MULTI_LINE);
        Ok(Piece::from(match c {
            '.' => Node::Set(CharSet::any(self.flags)),
            '^' if multi_line => Node::Assert(Assertion::LineStart),
            '^' => Node::Assert(Assertion::TextStart),
            '$' if multi_line => Node::Assert(Assertion::LineEnd),
            '$' => Node::Assert(Assertion::TextEndOrFinalNewline),
            '[' => self.set(start)?,
            c => self.literal(c),
        }))
    }

    /// Applies the quantifier that begins with `token` at `start` to the last piece.
    fn quantifier(
        &mut self,
        token: Token,
        start: usize,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), PatternError> {
        let (min, max) = match token {
            Token::Plain('*') => (0, REPEAT_UNBOUNDED),
            Token::Plain('+') => (1, REPEAT_UNBOUNDED),
            Token::Plain('?') => (0, 1),
            _ => {
                let Some(bounds) = self.bounds(start)? else {
                    pieces.push(Piece::from(self.literal('{')));
                    return Ok(());
                };
                bounds
            }
        };
        let piece = pieces
            .pop()
            .ok_or_else(|| error_at(start, "nothing to repeat"))?;
        piece
            .repeatable
            .map_err(|message| error_at(start, message))?;
        let kind = if self.cursor.take_if('?') {
            RepeatKind::Lazy
        } else if self.cursor.take_if('+') {
            RepeatKind::Possessive
        } else {
            RepeatKind::Greedy
        };
        let node = Node::Repeat(Repeat {
            body: Box::new(piece.node),
            min,
            max,
            kind,
        });
        pieces.push(Piece {
            node,
            repeatable: Err("multiple repeat"),
        });
        Ok(())
    }

    /// The bounds after a `{`, or `None` (and nothing taken) if it stands for itself.
    fn bounds(&mut self, start: usize) -> Result<Option<(u32, u32)>, PatternError> {
        let mark = self.cursor.mark();
        if self.cursor.peek() == Some(Token::Plain('}')) {
            return Ok(None);
        }
        let low = self.cursor.take_while(PATTERN_MAX, |c| c.is_ascii_digit());
        let high = if self.cursor.take_if(',') {
            self.cursor.take_while(PATTERN_MAX, |c| c.is_ascii_digit())
        } else {
            low.clone()
        };
        if !self.cursor.take_if('}') {
            self.cursor.rewind(mark);
            return Ok(None);
        }
        let min = repetition_number(&low, start)?.unwrap_or(0);
        let max = repetition_number(&high, start)?.unwrap_or(REPEAT_UNBOUNDED);
        if max < min {
            return Err(error_at(start + 1, "min repeat greater than max repeat"));
        }
        Ok(Some((min, max)))
    }

    fn is_closed(&self, group: usize) -> bool {
        self.groups.get(group).is_some_and(Option::is_some)
    }

    /// A look-behind may refer to groups before it only: its body is matched at a fixed distance.
    fn check_lookbehind_group(&self, group: usize) -> Result<(), PatternError> {
        let Some(known) = self.lookbehind_groups else {
            return Ok(());
        };
        if !self.is_closed(group) {
            return Err(self.cursor.error_here("cannot refer to an open group"));
        }
        if group >= known {
            let message = "cannot refer to group defined in the same lookbehind subpattern";
            return Err(self.cursor.error_here(message));
        }
        Ok(())
    }
}

// === impl Halt ===

impl From<PatternError> for Halt {
    fn from(error: PatternError) -> Self {
        Self::Refused(error)
    }
}

// === impl Piece ===

impl From<Node> for Piece {
    fn from(node: Node) -> Self {
        let repeatable = match node {
            Node::Assert(_) => Err("nothing to repeat"),
            _ => Ok(()),
        };
        Self { node, repeatable }
    }
}

fn repetition_number(digits: &str, start: usize) -> Result<Option<u32>, PatternError> {
    if digits.is_empty() {
        return Ok(None);
    }
    match digits.parse() {
        Ok(number) if number < REPEAT_UNBOUNDED => Ok(Some(number)),
        _ => Err(error_at(start, "the repetition number is too large")),
    }
}
