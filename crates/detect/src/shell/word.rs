//! Words: quotes, escapes and expansions.

use super::parser::{Parser, ends_word, is_name, parse};
use super::tree::{Part, Tree, Word};
use super::{Read, Refusal};

/// LIMIT: bytes of an arithmetic expression; a longer one is read as subshells.
const ARITHMETIC_BYTES_MAX: usize = 4_096;
/// Variables that are one sign.
const SPECIAL: &str = "@*#?-$!";

impl Parser<'_> {
    /// The word here, unless what is here is no word.
    pub(super) fn word(&mut self) -> Read<Option<Word>> {
        let mut word = Word::default();
        let start = self.at;
        while let Some(next) = self.peek() {
            let rest = self.rest();
            if rest.starts_with("<(") || rest.starts_with(">(") {
                self.at += 2;
                let opening = if next == '<' { "<(" } else { ">(" };
                let tree = self.substituted()?;
                word.0.push(Part::Substitution {
                    opening,
                    tree,
                    is_quoted: false,
                });
                continue;
            }
            if ends_word(next) {
                break;
            }
            self.next();
            self.part(next, &mut word)?;
        }
        Ok((self.at > start).then_some(word))
    }

    /// One part of a word outside of quotes, whose first character is read already.
    fn part(&mut self, first: char, word: &mut Word) -> Read<()> {
        match first {
            '\\' => match self.next() {
                Some('\n') => {}
                Some(escaped) => word.push(escaped, true),
                None => word.push('\\', true),
            },
            '\'' => {
                word.mark_quoted();
                loop {
                    match self.next().ok_or(Refusal("a quote that does not end"))? {
                        '\'' => return Ok(()),
                        other => word.push(other, true),
                    }
                }
            }
            '"' => self.double_quoted(word)?,
            '`' => word.0.push(self.backquoted(false)?),
            '$' if self.eat("'") => self.escaped_quoted(word)?,
            '$' if self.eat("\"") => self.double_quoted(word)?,
            '$' => self.dollar(word, false)?,
            other => word.push(other, false),
        }
        Ok(())
    }

    fn double_quoted(&mut self, word: &mut Word) -> Read<()> {
        word.mark_quoted();
        loop {
            match self.next().ok_or(Refusal("a quote that does not end"))? {
                '"' => return Ok(()),
                other => self.quoted_part(other, word, &['$', '`', '"', '\\'])?,
            }
        }
    }

    /// One part of a text in which only expansions and some escapes mean something.
    fn quoted_part(&mut self, first: char, word: &mut Word, escapable: &[char]) -> Read<()> {
        match first {
            '\\' => match self.peek() {
                Some('\n') => {
                    self.next();
                }
                Some(escaped) if escapable.contains(&escaped) => {
                    self.next();
                    word.push(escaped, true);
                }
                _ => word.push('\\', true),
            },
            '`' => word.0.push(self.backquoted(true)?),
            '$' => self.dollar(word, true)?,
            other => word.push(other, true),
        }
        Ok(())
    }

    /// All of the text as the body of a here-document or an arithmetic expression.
    pub(super) fn expansions_to_the_end(&mut self) -> Read<Word> {
        let mut word = Word::default();
        word.mark_quoted();
        while let Some(next) = self.next() {
            self.quoted_part(next, &mut word, &['$', '`', '\\'])?;
        }
        Ok(word)
    }

    /// `$'…'`, in which escapes stand for characters.
    fn escaped_quoted(&mut self, word: &mut Word) -> Read<()> {
        word.mark_quoted();
        loop {
            let next = self.next().ok_or(Refusal("a quote that does not end"))?;
            if next == '\'' {
                return Ok(());
            }
            if next != '\\' {
                word.push(next, true);
                continue;
            }
            let escape = self.next().ok_or(Refusal("a quote that does not end"))?;
            let character = match escape {
                'a' => '\u{7}',
                'b' => '\u{8}',
                'e' | 'E' => '\u{1b}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\u{b}',
                'x' => self.code(16, 2)?,
                'u' => self.code(16, 4)?,
                'U' => self.code(16, 8)?,
                'c' => {
                    let letter = self.next().ok_or(Refusal("a quote that does not end"))?;
                    char::from(u8::try_from(letter).unwrap_or(0) & 0x1f)
                }
                '0'..='7' => {
                    self.at -= 1;
                    self.code(8, 3)?
                }
                '\\' | '\'' | '"' | '?' => escape,
                other => {
                    word.push('\\', true);
                    other
                }
            };
            if character == '\0' {
                return Err(Refusal("a null character"));
            }
            word.push(character, true);
        }
    }

    fn code(&mut self, radix: u32, digits_max: usize) -> Read<char> {
        let mut code = 0;
        for _ in 0..digits_max {
            let Some(digit) = self.peek().and_then(|next| next.to_digit(radix)) else {
                break;
            };
            self.next();
            code = code * radix + digit;
        }
        // A byte beyond ASCII is a part of a character; what the bytes make together is not known.
        char::from_u32(code)
            .filter(|_| radix == 16 && digits_max > 2 || code < 0x80)
            .ok_or(Refusal("an escape that is no character"))
    }

    fn dollar(&mut self, word: &mut Word, is_quoted: bool) -> Read<()> {
        let rest = self.rest();
        if rest.starts_with("((") && self.arithmetic_end(2).is_some() {
            let expression = self.arithmetic(2)?;
            word.0.push(Part::Arithmetic(expression));
        } else if self.eat("(") {
            let tree = self.substituted()?;
            word.0.push(Part::Substitution {
                opening: "$(",
                tree,
                is_quoted,
            });
        } else if self.eat("{") {
            let variable = self.deeper(|parser| parser.braced(is_quoted))?;
            word.0.push(variable);
        } else if self.eat("[") {
            let rest = self.rest();
            let end = rest
                .find(']')
                .ok_or(Refusal("a bracket that does not end"))?;
            let inside = rest.get(..end).unwrap_or_default();
            let expression = Parser::new(inside, self.depth + 1)?.expansions_to_the_end()?;
            self.at += end + 1;
            word.0.push(Part::Arithmetic(expression));
        } else if let Some(name) = self.variable_name() {
            word.0.push(Part::Variable {
                name,
                operand: None,
                is_quoted,
            });
        } else {
            word.push('$', is_quoted);
        }
        Ok(())
    }

    fn variable_name(&mut self) -> Option<String> {
        let rest = self.rest();
        let first = rest.chars().next()?;
        let length = if SPECIAL.contains(first) || first.is_ascii_digit() {
            1
        } else {
            rest.find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
                .unwrap_or(rest.len())
        };
        let name = rest.get(..length).filter(|name| !name.is_empty())?;
        self.at += length;
        Some(name.to_owned())
    }

    /// What follows `${`, to its end.
    fn braced(&mut self, is_quoted: bool) -> Read<Part> {
        let is_length = self.rest().starts_with('#') && !self.rest().starts_with("#}");
        let is_indirect = self.rest().starts_with('!') && !self.rest().starts_with("!}");
        if is_length || is_indirect {
            self.at += 1;
        }
        let digits = self.rest().find(|next: char| !next.is_ascii_digit());
        let name = match digits.filter(|digits| *digits > 1) {
            Some(digits) => {
                let number = self.rest().get(..digits).unwrap_or_default().to_owned();
                self.at += digits;
                number
            }
            None => self
                .variable_name()
                .ok_or(Refusal("a name is missing in `${…}`"))?,
        };
        let mut operand = Word::default();
        let start = self.at;
        loop {
            let next = self.next().ok_or(Refusal("`${` without `}`"))?;
            match next {
                '}' => break,
                '\'' if is_quoted => operand.push('\'', true),
                '"' if is_quoted => self.double_quoted(&mut operand)?,
                '\\' | '\'' | '"' | '$' | '`' => self.part(next, &mut operand)?,
                other => operand.push(other, is_quoted),
            }
        }
        let sign = match (is_length, is_indirect) {
            (true, _) => "#",
            (_, true) => "!",
            _ => "",
        };
        let is_plain = self.at == start + 1 && sign.is_empty() && is_name(&name);
        Ok(Part::Variable {
            name: format!("{sign}{name}"),
            operand: (!is_plain).then_some(operand),
            is_quoted,
        })
    }

    fn backquoted(&mut self, is_quoted: bool) -> Read<Part> {
        let mut inside = String::new();
        loop {
            match self
                .next()
                .ok_or(Refusal("a backquote that does not end"))?
            {
                '`' => break,
                '\\' => match self.next() {
                    Some(escaped @ ('$' | '`' | '\\')) => inside.push(escaped),
                    Some('"') if is_quoted => inside.push('"'),
                    Some(other) => inside.extend(['\\', other]),
                    None => inside.push('\\'),
                },
                other => inside.push(other),
            }
        }
        let tree: Tree = parse(&inside, self.depth + 1)?;
        Ok(Part::Substitution {
            opening: "$(",
            tree,
            is_quoted,
        })
    }

    /// Where the expression behind an opening `((` ends, if what opens there is one at all and
    /// not a subshell in another.
    pub(super) fn arithmetic_end(&self, opening: usize) -> Option<usize> {
        let start = self.at + opening;
        let mut open = 0_usize;
        let mut quote = None;
        let bytes = self.source.bytes().enumerate().skip(start);
        let mut bytes = bytes.take(ARITHMETIC_BYTES_MAX);
        while let Some((at, byte)) = bytes.next() {
            match (quote, byte) {
                (Some(b'"') | None, b'\\') => {
                    bytes.next();
                }
                (Some(closing), _) if byte == closing => quote = None,
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'(') => open += 1,
                (None, b')') if open > 0 => open -= 1,
                (None, b')') => {
                    return (self.source.as_bytes().get(at + 1) == Some(&b')')).then_some(at);
                }
                _ => {}
            }
        }
        None
    }

    pub(super) fn arithmetic(&mut self, opening: usize) -> Read<Word> {
        let end = self
            .arithmetic_end(opening)
            .ok_or(Refusal("an expression that does not end"))?;
        let inside = self.source.get(self.at + opening..end).unwrap_or_default();
        let expression = Parser::new(inside, self.depth + 1)?.expansions_to_the_end()?;
        self.at = end + 2;
        Ok(expression)
    }
}

// === impl Word ===

impl Word {
    /// The text of a word without expansions, and whether any of it is quoted.
    pub(super) fn literal(&self) -> Option<(String, bool)> {
        let mut literal = String::new();
        let mut any_quoted = false;
        for part in &self.0 {
            let Part::Text { text, is_quoted } = part else {
                return None;
            };
            literal.push_str(text);
            any_quoted |= is_quoted;
        }
        Some((literal, any_quoted))
    }
}
