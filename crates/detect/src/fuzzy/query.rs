//! The patterns of approximate search, from text to a program for the matcher.
//!
//! A subset of Python's regular expressions: literals, `.`, classes, `\d \w \s` and their
//! complements, groups, alternation, anchors and bounded or unbounded repetition, greedy or lazy.
//! What else Python knows is refused rather than read differently.

use super::FuzzyError;
use crate::pattern::is_python_space;
use std::iter::{Enumerate, Peekable};
use std::str::Chars;

/// LIMIT: groups inside groups.
const DEPTH_MAX: usize = 32;
/// LIMIT: instructions of a program, after repetitions are written out.
const INSTRUCTIONS_MAX: usize = 4096;
const UNBOUNDED: usize = usize::MAX;

/// Instructions for a backtracking matcher, run from the first one.
pub(super) type Program = Vec<Instruction>;

#[derive(Clone, Debug)]
pub(super) enum Instruction {
    Character(Class),
    Assert(Assertion),
    Split { first: usize, second: usize },
    Jump(usize),
    Match,
}

/// A set of characters.
#[derive(Clone, Debug, Default)]
pub(super) struct Class {
    is_negated: bool,
    items: Vec<ClassItem>,
}

#[derive(Clone, Copy, Debug)]
enum ClassItem {
    Range(char, char),
    Digit { is_negated: bool },
    Word { is_negated: bool },
    Space { is_negated: bool },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Assertion {
    TextStart,
    TextEnd,
    TextOrLastLineEnd,
    WordBoundary,
    NoWordBoundary,
}

#[derive(Clone, Debug)]
enum Node {
    Character(Class),
    Assert(Assertion),
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Repeat {
        body: Box<Node>,
        least: usize,
        most: usize,
        is_lazy: bool,
    },
}

#[derive(Debug)]
struct Parser<'a> {
    rest: Peekable<Enumerate<Chars<'a>>>,
    length: usize,
    depth: usize,
}

pub(super) fn compile(query: &str) -> Result<Program, FuzzyError> {
    let mut parser = Parser {
        rest: query.chars().enumerate().peekable(),
        length: query.chars().count(),
        depth: 0,
    };
    let node = parser.choice()?;
    if parser.rest.peek().is_some() {
        return Err(parser.error("`)` closes nothing: escape it as `\\)`"));
    }
    let mut program = Program::new();
    emit(&node, &mut program)?;
    program.push(Instruction::Match);
    Ok(program)
}

// === impl Class ===

impl Class {
    pub(super) fn contains(&self, character: char) -> bool {
        self.items.iter().any(|item| item.contains(character)) != self.is_negated
    }

    fn of(items: impl IntoIterator<Item = ClassItem>) -> Self {
        Self {
            is_negated: false,
            items: items.into_iter().collect(),
        }
    }
}

impl ClassItem {
    fn contains(self, character: char) -> bool {
        match self {
            Self::Range(first, last) => (first..=last).contains(&character),
            Self::Digit { is_negated } => is_digit(character) != is_negated,
            Self::Word { is_negated } => is_word(character) != is_negated,
            Self::Space { is_negated } => is_python_space(character) != is_negated,
        }
    }
}

fn is_digit(character: char) -> bool {
    crate::unicode::category(character) == "Nd"
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

// === impl Assertion ===

impl Assertion {
    pub(super) fn holds(self, text: &[char], place: usize) -> bool {
        match self {
            Self::TextStart => place == 0,
            Self::TextEnd => place == text.len(),
            Self::TextOrLastLineEnd => matches!(text.get(place..), Some([] | ['\n'])),
            Self::WordBoundary => is_word_boundary(text, place),
            Self::NoWordBoundary => !is_word_boundary(text, place),
        }
    }
}

fn is_word_boundary(text: &[char], place: usize) -> bool {
    let is_word_at = |place: Option<usize>| {
        place
            .and_then(|place| text.get(place))
            .is_some_and(|c| is_word(*c))
    };
    is_word_at(place.checked_sub(1)) != is_word_at(Some(place))
}

// === impl Parser ===

impl Parser<'_> {
    fn choice(&mut self) -> Result<Node, FuzzyError> {
        let mut branches = vec![self.sequence()?];
        while self.take('|') {
            branches.push(self.sequence()?);
        }
        Ok(Node::Choice(branches))
    }

    fn sequence(&mut self) -> Result<Node, FuzzyError> {
        let mut items = Vec::new();
        while let Some((_, character)) = self.rest.peek().copied()
            && !matches!(character, '|' | ')')
        {
            let item = self.item()?;
            items.push(self.repeated(item)?);
        }
        Ok(Node::Sequence(items))
    }

    fn item(&mut self) -> Result<Node, FuzzyError> {
        let Some((_, character)) = self.rest.next() else {
            return Err(self.error("a character is missing"));
        };
        Ok(match character {
            '(' => self.group()?,
            '[' => Node::Character(self.class()?),
            '\\' => self.escape()?,
            '.' => Node::Character(Class {
                is_negated: true,
                items: vec![ClassItem::Range('\n', '\n')],
            }),
            '^' => Node::Assert(Assertion::TextStart),
            '$' => Node::Assert(Assertion::TextOrLastLineEnd),
            '*' | '+' | '?' => return Err(self.error("nothing to repeat: escape it with `\\`")),
            literal => Node::Character(Class::of([ClassItem::Range(literal, literal)])),
        })
    }

    fn group(&mut self) -> Result<Node, FuzzyError> {
        if self.take('?') && !self.take(':') {
            return Err(self.error("only groups `(…)` and `(?:…)` are supported here"));
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("groups are nested too deep"));
        }
        let node = self.choice()?;
        self.depth -= 1;
        if self.take(')') {
            Ok(node)
        } else {
            Err(self.error("`)` is missing"))
        }
    }

    fn escape(&mut self) -> Result<Node, FuzzyError> {
        let assertion = match self.rest.peek() {
            Some((_, 'b')) => Assertion::WordBoundary,
            Some((_, 'B')) => Assertion::NoWordBoundary,
            Some((_, 'A')) => Assertion::TextStart,
            Some((_, 'Z')) => Assertion::TextEnd,
            _ => return Ok(Node::Character(Class::of([self.escaped_item()?]))),
        };
        self.rest.next();
        Ok(Node::Assert(assertion))
    }

    fn escaped_item(&mut self) -> Result<ClassItem, FuzzyError> {
        let Some((_, character)) = self.rest.next() else {
            return Err(self.error("`\\` at the end: write `\\\\`"));
        };
        let literal = match character {
            'd' | 'D' => {
                return Ok(ClassItem::Digit {
                    is_negated: character == 'D',
                });
            }
            'w' | 'W' => {
                return Ok(ClassItem::Word {
                    is_negated: character == 'W',
                });
            }
            's' | 'S' => {
                return Ok(ClassItem::Space {
                    is_negated: character == 'S',
                });
            }
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\u{c}',
            'v' => '\u{b}',
            other if other.is_ascii_alphanumeric() => {
                return Err(self.error("this escape is not supported here"));
            }
            other => other,
        };
        Ok(ClassItem::Range(literal, literal))
    }

    fn class(&mut self) -> Result<Class, FuzzyError> {
        let mut class = Class {
            is_negated: self.take('^'),
            items: Vec::new(),
        };
        while class.items.is_empty() || !self.take(']') {
            let first = self.class_item()?;
            let item = match first {
                ClassItem::Range(first, _) if self.take('-') => {
                    self.range_from(first, &mut class)?
                }
                item => item,
            };
            class.items.push(item);
        }
        Ok(class)
    }

    fn class_item(&mut self) -> Result<ClassItem, FuzzyError> {
        match self.rest.next() {
            None => Err(self.error("`]` is missing")),
            Some((_, '\\')) => self.escaped_item(),
            Some((_, '[')) if self.rest.peek().is_some_and(|(_, next)| *next == ':') => {
                Err(self.error("named classes are not supported here"))
            }
            Some((_, literal)) => Ok(ClassItem::Range(literal, literal)),
        }
    }

    /// The item after `first-`; a hyphen before the closing bracket stands for itself.
    fn range_from(&mut self, first: char, class: &mut Class) -> Result<ClassItem, FuzzyError> {
        if self.rest.peek().is_some_and(|(_, next)| *next == ']') {
            class.items.push(ClassItem::Range('-', '-'));
            return Ok(ClassItem::Range(first, first));
        }
        match self.class_item()? {
            ClassItem::Range(last, _) if first <= last => Ok(ClassItem::Range(first, last)),
            _ => Err(self.error("this is no range of characters")),
        }
    }

    fn repeated(&mut self, mut node: Node) -> Result<Node, FuzzyError> {
        while let Some((least, most)) = self.repetition()? {
            if matches!(node, Node::Repeat { .. }) {
                return Err(self.error("a repetition cannot be repeated: group it"));
            }
            let is_lazy = self.take('?');
            if self.rest.peek().is_some_and(|(_, next)| *next == '+') {
                return Err(self.error("possessive repetition is not supported here"));
            }
            node = Node::Repeat {
                body: Box::new(node),
                least,
                most,
                is_lazy,
            };
        }
        Ok(node)
    }

    fn repetition(&mut self) -> Result<Option<(usize, usize)>, FuzzyError> {
        Ok(match self.rest.peek() {
            Some((_, '?')) => self.rest.next().map(|_| (0, 1)),
            Some((_, '*')) => self.rest.next().map(|_| (0, UNBOUNDED)),
            Some((_, '+')) => self.rest.next().map(|_| (1, UNBOUNDED)),
            Some((_, '{')) => {
                self.rest.next();
                Some(self.bounds()?)
            }
            _ => None,
        })
    }

    fn bounds(&mut self) -> Result<(usize, usize), FuzzyError> {
        let least = self.number()?;
        let most = if self.take(',') {
            self.number()?.or(Some(UNBOUNDED))
        } else {
            least
        };
        match (least, most) {
            _ if !self.take('}') => {}
            (None, None | Some(UNBOUNDED)) => {}
            (least, Some(most)) if least.unwrap_or(0) <= most => {
                return Ok((least.unwrap_or(0), most));
            }
            _ => {}
        }
        Err(self.error("expected a repetition such as `{2,3}`: escape a literal `{` as `\\{`"))
    }

    fn number(&mut self) -> Result<Option<usize>, FuzzyError> {
        let mut number = None;
        while let Some(digit) = self.rest.peek().and_then(|(_, next)| next.to_digit(10)) {
            self.rest.next();
            let value = number.unwrap_or(0) * 10 + digit as usize;
            if value > INSTRUCTIONS_MAX {
                return Err(self.error("the repetition is too long"));
            }
            number = Some(value);
        }
        Ok(number)
    }

    fn take(&mut self, wanted: char) -> bool {
        self.rest.next_if(|(_, next)| *next == wanted).is_some()
    }

    fn error(&mut self, what: &'static str) -> FuzzyError {
        let offset = self.rest.peek().map_or(self.length, |(offset, _)| *offset);
        FuzzyError::Query { offset, what }
    }
}

fn emit(node: &Node, program: &mut Program) -> Result<(), FuzzyError> {
    match node {
        Node::Character(class) => push(program, Instruction::Character(class.clone()))?,
        Node::Assert(assertion) => push(program, Instruction::Assert(*assertion))?,
        Node::Sequence(items) => items.iter().try_for_each(|item| emit(item, program))?,
        Node::Choice(branches) => emit_choice(branches, program)?,
        Node::Repeat {
            body,
            least,
            most,
            is_lazy,
        } => {
            for _ in 0..*least {
                let length = program.len();
                emit(body, program)?;
                // An empty body would make nested repetitions cost time that no limit counts.
                if program.len() == length {
                    break;
                }
            }
            if *most == UNBOUNDED {
                emit_loop(body, *is_lazy, program)?;
            } else {
                emit_options(body, most - least, *is_lazy, program)?;
            }
        }
    }
    Ok(())
}

fn emit_choice(branches: &[Node], program: &mut Program) -> Result<(), FuzzyError> {
    let mut ends = Vec::new();
    for (index, branch) in branches.iter().enumerate() {
        let is_last = index + 1 == branches.len();
        let split = program.len();
        if !is_last {
            push(program, Instruction::Jump(0))?;
        }
        emit(branch, program)?;
        if !is_last {
            ends.push(program.len());
            push(program, Instruction::Jump(0))?;
            let second = program.len();
            set(
                program,
                split,
                Instruction::Split {
                    first: split + 1,
                    second,
                },
            );
        }
    }
    let after = program.len();
    for end in ends {
        set(program, end, Instruction::Jump(after));
    }
    Ok(())
}

fn emit_loop(body: &Node, is_lazy: bool, program: &mut Program) -> Result<(), FuzzyError> {
    let split = program.len();
    push(program, Instruction::Jump(0))?;
    emit(body, program)?;
    push(program, Instruction::Jump(split))?;
    let after = program.len();
    set(program, split, split_between(split + 1, after, is_lazy));
    Ok(())
}

fn emit_options(
    body: &Node,
    count: usize,
    is_lazy: bool,
    program: &mut Program,
) -> Result<(), FuzzyError> {
    let mut splits = Vec::new();
    for _ in 0..count {
        splits.push(program.len());
        push(program, Instruction::Jump(0))?;
        emit(body, program)?;
    }
    let after = program.len();
    for split in splits {
        set(program, split, split_between(split + 1, after, is_lazy));
    }
    Ok(())
}

fn split_between(body: usize, after: usize, is_lazy: bool) -> Instruction {
    if is_lazy {
        Instruction::Split {
            first: after,
            second: body,
        }
    } else {
        Instruction::Split {
            first: body,
            second: after,
        }
    }
}

fn push(program: &mut Program, instruction: Instruction) -> Result<(), FuzzyError> {
    if program.len() >= INSTRUCTIONS_MAX {
        return Err(FuzzyError::Query {
            offset: 0,
            what: "the pattern is too long",
        });
    }
    program.push(instruction);
    Ok(())
}

fn set(program: &mut Program, index: usize, instruction: Instruction) {
    if let Some(place) = program.get_mut(index) {
        *place = instruction;
    }
}
