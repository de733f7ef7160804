//! Everything that begins with a parenthesis.

use super::super::node::{Node, Width};
use super::super::{Flags, PatternError};
use super::cursor::{Token, error_at};
use super::{GROUP_DEPTH_MAX, Halt, Parser, Piece};

/// Largest group number a condition may name, exclusive.
const GROUP_NUMBER_MAX: usize = 1_073_741_823;

/// What follows `(?` when it sets flags.
enum InlineFlags {
    Global(Flags),
    Scoped { added: Flags, removed: Flags },
}

// === impl Parser ===

impl Parser {
    /// The rest of a group whose `(` stands at `start`; `None` if it matches nothing by itself.
    pub(super) fn group(
        &mut self,
        start: usize,
        may_set_flags: bool,
    ) -> Result<Option<Piece>, Halt> {
        if !self.cursor.take_if('?') {
            return self.capture(start, None).map(Some);
        }
        let unexpected_end = "unexpected end of pattern";
        let Some(kind) = self.cursor.take()? else {
            return Err(self.cursor.error_here(unexpected_end).into());
        };
        match kind {
            Token::Plain('P') => self.python_extension(start).map(Some),
            Token::Plain(':') => self.body(start).map(|body| Some(Piece::opaque(body))),
            Token::Plain('#') => self.comment(start).map(|()| None),
            Token::Plain('=') => self.look(start, false, false).map(Some),
            Token::Plain('!') => self.look(start, false, true).map(Some),
            Token::Plain('<') => match self.cursor.take()? {
                Some(Token::Plain('=')) => self.look(start, true, false).map(Some),
                Some(Token::Plain('!')) => self.look(start, true, true).map(Some),
                Some(_) => Err(error_at(start + 1, "unknown extension ?<").into()),
                None => Err(self.cursor.error_here(unexpected_end).into()),
            },
            Token::Plain('(') => self.conditional(start).map(Some),
            Token::Plain('>') => {
                let body = self.body(start)?;
                Ok(Some(Piece::from(Node::Atomic(Box::new(body)))))
            }
            Token::Plain(first) if first == '-' || flag(first).is_some() => {
                self.flags_group(first, start, may_set_flags)
            }
            _ => Err(error_at(start + 1, "unknown extension ?").into()),
        }
    }

    /// Alternatives and the closing parenthesis.
    fn body(&mut self, start: usize) -> Result<Node, Halt> {
        self.open(start)?;
        let body = self.alternatives()?;
        self.close(start)?;
        Ok(body)
    }

    fn open(&mut self, start: usize) -> Result<(), PatternError> {
        if self.depth == GROUP_DEPTH_MAX {
            let message = format!("groups nested deeper than {GROUP_DEPTH_MAX}");
            return Err(error_at(start, message));
        }
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self, start: usize) -> Result<(), PatternError> {
        self.depth -= 1;
        if self.cursor.take_if(')') {
            Ok(())
        } else {
            Err(error_at(start, "missing ), unterminated subpattern"))
        }
    }

    fn capture(&mut self, start: usize, name: Option<(String, usize)>) -> Result<Piece, Halt> {
        let group = self.groups.len();
        self.groups.push(None);
        if let Some((name, position)) = name {
            let message = format!("redefinition of group name '{name}' as group {group}");
            if self.names.insert(name, group).is_some() {
                return Err(error_at(position, message).into());
            }
        }
        let body = self.body(start)?;
        let width = body.width(&self.groups);
        if let Some(slot) = self.groups.get_mut(group) {
            *slot = Some(width);
        }
        Ok(Piece::from(Node::Group(group, Box::new(body))))
    }

    /// `(?P<name>…)` or `(?P=name)`.
    fn python_extension(&mut self, start: usize) -> Result<Piece, Halt> {
        if self.cursor.take_if('<') {
            let name_start = self.cursor.position();
            let name = self.cursor.take_name('>')?;
            check_name(&name, name_start)?;
            return self.capture(start, Some((name, name_start)));
        }
        if !self.cursor.take_if('=') {
            return Err(match self.cursor.take()? {
                None => self.cursor.error_here("unexpected end of pattern").into(),
                Some(_) => error_at(start + 1, "unknown extension ?P").into(),
            });
        }
        let name_start = self.cursor.position();
        let name = self.cursor.take_name(')')?;
        check_name(&name, name_start)?;
        let group = self.named_group(&name, name_start)?;
        if !self.is_closed(group) {
            return Err(error_at(name_start, "cannot refer to an open group").into());
        }
        self.check_lookbehind_group(group)?;
        Ok(Piece::from(Node::Backref {
            group,
            flags: self.flags,
        }))
    }

    fn named_group(&self, name: &str, name_start: usize) -> Result<usize, PatternError> {
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| error_at(name_start, format!("unknown group name '{name}'")))
    }

    fn comment(&mut self, start: usize) -> Result<(), Halt> {
        loop {
            match self.cursor.take()? {
                Some(Token::Plain(')')) => return Ok(()),
                Some(_) => {}
                None => return Err(error_at(start, "missing ), unterminated comment").into()),
            }
        }
    }

    fn look(&mut self, start: usize, behind: bool, negated: bool) -> Result<Piece, Halt> {
        let outer = self.lookbehind_groups;
        if behind {
            self.lookbehind_groups = outer.or(Some(self.groups.len()));
        }
        let body = self.body(start)?;
        self.lookbehind_groups = outer;
        let behind = if behind {
            Some(self.fixed_width(&body, start)?)
        } else {
            None
        };
        Ok(Piece::from(Node::Look {
            behind,
            negated,
            body: Box::new(body),
        }))
    }

    fn fixed_width(&self, body: &Node, start: usize) -> Result<u32, PatternError> {
        let Width { min, max } = body.width(&self.groups);
        if max != Some(min) {
            return Err(error_at(start, "look-behind requires fixed-width pattern"));
        }
        u32::try_from(min).map_err(|_| error_at(start, "looks too much behind"))
    }

    fn conditional(&mut self, start: usize) -> Result<Piece, Halt> {
        let name_start = self.cursor.position();
        let name = self.cursor.take_name(')')?;
        let group = if is_identifier(&name) {
            self.named_group(&name, name_start)?
        } else {
            condition_number(&name, name_start)?
        };
        if !self.conditions.iter().any(|(known, _)| *known == group) {
            self.conditions.push((group, name_start));
        }
        self.check_lookbehind_group(group)?;
        self.open(start)?;
        let yes = self.sequence(false)?;
        let mut no = Node::empty();
        if self.cursor.take_if('|') {
            no = self.sequence(false)?;
            if self.cursor.peek() == Some(Token::Plain('|')) {
                let message = "conditional backref with more than two branches";
                return Err(self.cursor.error_here(message).into());
            }
        }
        self.close(start)?;
        Ok(Piece::from(Node::Conditional {
            group,
            yes: Box::new(yes),
            no: Box::new(no),
        }))
    }

    /// `(?i)` or `(?i-s:…)`; `first` is the character after the question mark.
    fn flags_group(
        &mut self,
        first: char,
        start: usize,
        may_set_flags: bool,
    ) -> Result<Option<Piece>, Halt> {
        let outer = self.flags;
        match self.inline_flags(first)? {
            InlineFlags::Global(_) if !may_set_flags => {
                let message = "global flags not at the start of the expression";
                Err(error_at(start, message).into())
            }
            InlineFlags::Global(added) => {
                self.flags = outer.with(added);
                if self.flags.has(Flags::VERBOSE) && !outer.has(Flags::VERBOSE) {
                    return Err(Halt::BecameVerbose);
                }
                Ok(None)
            }
            InlineFlags::Scoped { added, removed } => {
                self.flags = outer.with(added).without(removed);
                let body = self.body(start)?;
                self.flags = outer;
                Ok(Some(Piece::opaque(body)))
            }
        }
    }

    fn inline_flags(&mut self, first: char) -> Result<InlineFlags, Halt> {
        let mut added = Flags::NONE;
        let mut is_unicode = false;
        let mut next = first;
        while next != '-' && next != ')' && next != ':' {
            let Some(named) = flag(next) else {
                let wanted = if next.is_alphabetic() {
                    "unknown flag"
                } else {
                    "missing -, : or )"
                };
                return Err(error_at(self.cursor.position() - 1, wanted).into());
            };
            added = added.with(named);
            is_unicode |= next == 'u';
            if next == 'L' {
                let message = "bad inline flags: cannot use 'L' flag with a str pattern";
                return Err(self.cursor.error_here(message).into());
            }
            if is_unicode && added.has(Flags::ASCII) {
                let message = "bad inline flags: flags 'a' and 'u' are incompatible";
                return Err(self.cursor.error_here(message).into());
            }
            next = self.flag_char("missing -, : or )")?;
        }
        if next == ')' {
            return Ok(InlineFlags::Global(added));
        }
        let mut removed = if next == '-' {
            self.removed_flags()?
        } else {
            Flags::NONE
        };
        if added.has(removed) {
            let message = "bad inline flags: flag turned on and off";
            return Err(error_at(self.cursor.position() - 1, message).into());
        }
        if is_unicode {
            removed = removed.with(Flags::ASCII);
        }
        Ok(InlineFlags::Scoped { added, removed })
    }

    /// The flags between `-` and `:`.
    fn removed_flags(&mut self) -> Result<Flags, PatternError> {
        let mut removed = Flags::NONE;
        let mut next = self.flag_char("missing flag")?;
        loop {
            let Some(named) = flag(next) else {
                let wanted = if next.is_alphabetic() {
                    "unknown flag"
                } else {
                    "missing flag"
                };
                return Err(error_at(self.cursor.position() - 1, wanted));
            };
            if matches!(next, 'a' | 'u' | 'L') {
                let message = "bad inline flags: cannot turn off flags 'a', 'u' and 'L'";
                return Err(self.cursor.error_here(message));
            }
            removed = removed.with(named);
            next = self.flag_char("missing :")?;
            if next == ':' {
                return Ok(removed);
            }
        }
    }

    fn flag_char(&mut self, missing: &str) -> Result<char, PatternError> {
        match self.cursor.take()? {
            Some(Token::Plain(c)) => Ok(c),
            Some(_) => Err(error_at(self.cursor.position() - 2, missing)),
            None => Err(self.cursor.error_here(missing)),
        }
    }
}

// === impl Piece ===

impl Piece {
    /// A group that does not capture: its content may be repeated whatever it is.
    fn opaque(node: Node) -> Self {
        Self {
            node,
            repeatable: Ok(()),
        }
    }
}

/// The switch named `name`; those without effect on a text pattern are empty sets.
fn flag(name: char) -> Option<Flags> {
    Some(match name {
        'i' => Flags::IGNORE_CASE,
        'm' => Flags::MULTI_LINE,
        's' => Flags::DOT_ALL,
        'x' => Flags::VERBOSE,
        'a' => Flags::ASCII,
        'u' | 'L' => Flags::NONE,
        _ => return None,
    })
}

fn check_name(name: &str, start: usize) -> Result<(), PatternError> {
    if is_identifier(name) {
        Ok(())
    } else {
        Err(error_at(
            start,
            format!("bad character in group name '{name}'"),
        ))
    }
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// The group number of a condition as Python's `int` reads it: blanks around and `_` between.
fn condition_number(name: &str, start: usize) -> Result<usize, PatternError> {
    let bad = |message: &str| error_at(start, message);
    let digits = name.trim().trim_start_matches('+');
    let well_formed = digits
        .split('_')
        .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()));
    if !well_formed {
        return Err(bad("bad character in group name"));
    }
    match digits.replace('_', "").parse() {
        Ok(0) => Err(bad("bad group number")),
        Ok(number) if number < GROUP_NUMBER_MAX => Ok(number),
        _ => Err(bad("invalid group reference")),
    }
}
