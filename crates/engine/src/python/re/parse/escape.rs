//! Escapes and character sets.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::super::charset::{self, Category, CharSet};
use super::super::node::{Assertion, Node};
use super::super::{Flags, PatternError};
use super::Parser;
use super::cursor::{Cursor, Token, error_at};

/// What one escape, or one plain character of a set, means.
#[derive(Debug, Clone, Copy)]
enum Item {
    Code(u32),
    Category(Category, bool),
}

/// Largest value of a three digit octal escape.
const OCTAL_MAX: u32 = 0o377;

// === impl Item ===

impl Item {
    fn add_to(self, class: &mut ClassUnicode, folded: &mut ClassUnicode, flags: Flags) {
        match self {
            Self::Code(code) => add_range(folded, code, code),
            Self::Category(category, negated) => {
                class.union(CharSet::category(category, negated, flags).class());
            }
        }
    }
}

// === impl Parser ===

impl Parser {
    /// An escape outside of a set; `escaped` is the character after the backslash at `start`.
    pub(super) fn escape(&mut self, escaped: char, start: usize) -> Result<Node, PatternError> {
        let ascii = self.flags.has(Flags::ASCII);
        let assertion = match escaped {
            'A' => Some(Assertion::TextStart),
            'Z' => Some(Assertion::TextEnd),
            'b' => Some(Assertion::WordBoundary {
                negated: false,
                ascii,
            }),
            'B' => Some(Assertion::WordBoundary {
                negated: true,
                ascii,
            }),
            _ => None,
        };
        if let Some(assertion) = assertion {
            return Ok(Node::Assert(assertion));
        }
        if ('1'..='9').contains(&escaped) {
            return self.octal_or_backref(escaped, start);
        }
        Ok(match common_escape(&mut self.cursor, escaped, start)? {
            Item::Code(code) => self.literal_code(code),
            Item::Category(category, negated) => {
                Node::Set(CharSet::category(category, negated, self.flags))
            }
        })
    }

    pub(super) fn literal(&self, c: char) -> Node {
        if !self.flags.has(Flags::IGNORE_CASE) {
            return Node::Char(c);
        }
        let set = CharSet::single(c, self.flags);
        match set.class().ranges() {
            [only] if only.start() == only.end() => Node::Char(c),
            _ => Node::Set(set),
        }
    }

    /// A lone surrogate is a legal literal that no text contains.
    fn literal_code(&self, code: u32) -> Node {
        char::from_u32(code).map_or_else(|| Node::Set(CharSet::empty()), |c| self.literal(c))
    }

    fn octal_or_backref(&mut self, first: char, start: usize) -> Result<Node, PatternError> {
        let mut digits = String::from(first);
        digits.push_str(&self.cursor.take_while(1, |c| c.is_ascii_digit()));
        let two_octal = digits.len() == 2 && digits.chars().all(is_octal);
        if two_octal {
            digits.push_str(&self.cursor.take_while(1, is_octal));
        }
        if digits.len() == 3 {
            return Ok(self.literal_code(octal(&digits, start)?));
        }
        let group = digits.parse().unwrap_or(usize::MAX);
        if group >= self.groups.len() {
            return Err(error_at(
                start + 1,
                format!("invalid group reference {group}"),
            ));
        }
        if !self.is_closed(group) {
            return Err(error_at(start, "cannot refer to an open group"));
        }
        self.check_lookbehind_group(group)?;
        Ok(Node::Backref {
            group,
            flags: self.flags,
        })
    }

    /// The rest of a set whose `[` stands at `start`.
    pub(super) fn set(&mut self, start: usize) -> Result<Node, PatternError> {
        let negated = self.cursor.take_if('^');
        let unterminated = || error_at(start, "unterminated character set");
        let mut class = ClassUnicode::empty();
        let mut folded = ClassUnicode::empty();
        let mut is_first = true;
        loop {
            let item_start = self.cursor.position();
            let token = self.cursor.take()?.ok_or_else(unterminated)?;
            if token == Token::Plain(']') && !is_first {
                break;
            }
            is_first = false;
            let low = self.set_item(token, item_start)?;
            if !self.cursor.take_if('-') {
                low.add_to(&mut class, &mut folded, self.flags);
                continue;
            }
            let high_start = self.cursor.position();
            let token = self.cursor.take()?.ok_or_else(unterminated)?;
            if token == Token::Plain(']') {
                low.add_to(&mut class, &mut folded, self.flags);
                add_range(&mut folded, u32::from('-'), u32::from('-'));
                break;
            }
            match (low, self.set_item(token, high_start)?) {
                (Item::Code(low), Item::Code(high)) if low <= high => {
                    add_range(&mut folded, low, high);
                }
                _ => return Err(error_at(item_start, "bad character range")),
            }
        }
        charset::fold(&mut folded, self.flags);
        class.union(&folded);
        if negated {
            class.negate();
        }
        Ok(Node::Set(CharSet::from(class)))
    }

    fn set_item(&mut self, token: Token, start: usize) -> Result<Item, PatternError> {
        match token {
            Token::Plain(c) => Ok(Item::Code(u32::from(c))),
            Token::Escape('b') => Ok(Item::Code(8)),
            Token::Escape(first @ '1'..='7') => {
                let more = self.cursor.take_while(2, is_octal);
                octal(&format!("{first}{more}"), start).map(Item::Code)
            }
            Token::Escape(c) => common_escape(&mut self.cursor, c, start),
            Token::Dangling => Ok(Item::Code(u32::from('\\'))),
        }
    }
}

/// The escapes that mean the same inside and outside of a set.
fn common_escape(cursor: &mut Cursor, escaped: char, start: usize) -> Result<Item, PatternError> {
    Ok(match escaped {
        'a' => Item::Code(7),
        'f' => Item::Code(12),
        'n' => Item::Code(10),
        'r' => Item::Code(13),
        't' => Item::Code(9),
        'v' => Item::Code(11),
        'd' => Item::Category(Category::Digit, false),
        'D' => Item::Category(Category::Digit, true),
        's' => Item::Category(Category::Space, false),
        'S' => Item::Category(Category::Space, true),
        'w' => Item::Category(Category::Word, false),
        'W' => Item::Category(Category::Word, true),
        'x' => Item::Code(hexadecimal(cursor, 'x', 2, start)?),
        'u' => Item::Code(hexadecimal(cursor, 'u', 4, start)?),
        'U' => Item::Code(hexadecimal(cursor, 'U', 8, start)?),
        'N' => {
            let message = r"\N{…} is not supported, write the character or \uXXXX";
            return Err(error_at(start, message));
        }
        '0' => {
            let digits = cursor.take_while(2, is_octal);
            Item::Code(octal(&format!("0{digits}"), start)?)
        }
        c if c.is_ascii_alphanumeric() => return Err(error_at(start, format!("bad escape \\{c}"))),
        c => Item::Code(u32::from(c)),
    })
}

fn hexadecimal(
    cursor: &mut Cursor,
    kind: char,
    length: usize,
    start: usize,
) -> Result<u32, PatternError> {
    let digits = cursor.take_while(length, |c| c.is_ascii_hexdigit());
    if digits.len() < length {
        return Err(error_at(
            start,
            format!("incomplete escape \\{kind}{digits}"),
        ));
    }
    u32::from_str_radix(&digits, 16)
        .ok()
        .filter(|code| *code <= u32::from(char::MAX))
        .ok_or_else(|| error_at(start, format!("bad escape \\{kind}{digits}")))
}

fn octal(digits: &str, start: usize) -> Result<u32, PatternError> {
    u32::from_str_radix(digits, 8)
        .ok()
        .filter(|code| *code <= OCTAL_MAX)
        .ok_or_else(|| {
            error_at(
                start,
                format!("octal escape value \\{digits} outside of range 0-0o377"),
            )
        })
}

fn is_octal(c: char) -> bool {
    ('0'..='7').contains(&c)
}

/// Adds the characters `low..=high`, leaving out the surrogates.
fn add_range(class: &mut ClassUnicode, low: u32, high: u32) {
    let below = (low, high.min(0xd7ff));
    let above = (low.max(0xe000), high);
    for (low, high) in [below, above] {
        if let (Some(low), Some(high)) = (char::from_u32(low), char::from_u32(high))
            && low <= high
        {
            class.push(ClassUnicodeRange::new(low, high));
        }
    }
}
