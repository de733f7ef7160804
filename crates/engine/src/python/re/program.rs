//! Compiles a tree to the instructions of the backtracking machine.

use super::Flags;
use super::charset::CharSet;
use super::node::{Assertion, Node, Parsed, Repeat, RepeatKind, Width};

#[derive(Debug)]
pub(super) struct Program {
    pub(super) code: Vec<Instruction>,
    pub(super) group_count: usize,
    pub(super) loop_count: usize,
    pub(super) width: Width,
    /// A superset of the characters a match can begin with, if it is known and not empty.
    pub(super) first: Option<CharSet>,
}

/// Addresses are indices into [`Program::code`].
#[derive(Debug)]
pub(super) enum Instruction {
    Char(char),
    Set(CharSet),
    /// Repeats one set; the common case of a repetition, without a state per round.
    Run {
        set: CharSet,
        min: u32,
        max: u32,
        greedy: bool,
    },
    Assert(Assertion),
    Split {
        preferred: usize,
        other: usize,
    },
    Jump(usize),
    /// Stores the position: slot `2n` is the start of group `n`, `2n + 1` its end.
    Save(usize),
    LoopStart(usize),
    /// Decides whether loop `index` takes another round at `body` or goes on behind this.
    LoopNext {
        index: usize,
        min: u32,
        max: u32,
        greedy: bool,
        body: usize,
    },
    Backref {
        group: usize,
        flags: Flags,
    },
    /// Opens a part whose alternatives are forgotten when its `Leave` is reached.
    Enter(Scope),
    Leave(ScopeKind),
    Conditional {
        group: usize,
        otherwise: usize,
    },
    Accept,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    pub(super) kind: ScopeKind,
    /// How many characters to step back first.
    pub(super) behind: u32,
    /// Where a negated look-around goes on.
    pub(super) resume: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScopeKind {
    Atomic,
    Look,
    NegatedLook,
}

// === impl Program ===

impl Program {
    pub(super) fn new(parsed: &Parsed) -> Self {
        let mut program = Self {
            code: Vec::new(),
            group_count: parsed.group_count,
            loop_count: 0,
            width: parsed.width,
            first: None,
        };
        program.node(&parsed.root);
        program.code.push(Instruction::Accept);
        if parsed.width.min > 0 {
            program.first = first(&parsed.root);
        }
        program
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Char(c) => self.push(Instruction::Char(*c)),
            Node::Set(set) => self.push(Instruction::Set(set.clone())),
            Node::Assert(assertion) => self.push(Instruction::Assert(*assertion)),
            Node::Concat(items) => items.iter().for_each(|item| self.node(item)),
            Node::Alternate(branches) => self.alternate(branches),
            Node::Group(group, body) => {
                self.push(Instruction::Save(2 * group));
                self.node(body);
                self.push(Instruction::Save(2 * group + 1));
            }
            Node::Repeat(repeat) if repeat.kind == RepeatKind::Possessive => {
                self.scope(ScopeKind::Atomic, 0, |program| program.repeat(repeat));
            }
            Node::Repeat(repeat) => self.repeat(repeat),
            Node::Atomic(body) => {
                self.scope(ScopeKind::Atomic, 0, |program| program.node(body));
            }
            Node::Look {
                behind,
                negated,
                body,
            } => {
                let kind = if *negated {
                    ScopeKind::NegatedLook
                } else {
                    ScopeKind::Look
                };
                self.scope(kind, behind.unwrap_or(0), |program| program.node(body));
            }
            Node::Backref { group, flags } => {
                self.push(Instruction::Backref {
                    group: *group,
                    flags: *flags,
                });
            }
            Node::Conditional { group, yes, no } => self.conditional(*group, yes, no),
        }
    }

    fn push(&mut self, instruction: Instruction) {
        self.code.push(instruction);
    }

    /// Reserves an address for an instruction whose targets are not known yet.
    fn reserve(&mut self) -> usize {
        self.push(Instruction::Accept);
        self.code.len() - 1
    }

    fn fill(&mut self, address: usize, instruction: Instruction) {
        if let Some(reserved) = self.code.get_mut(address) {
            *reserved = instruction;
        }
    }

    fn alternate(&mut self, branches: &[Node]) {
        let mut exits = Vec::new();
        let last = branches.len().saturating_sub(1);
        for (index, branch) in branches.iter().enumerate() {
            if index == last {
                self.node(branch);
                continue;
            }
            let split = self.reserve();
            self.node(branch);
            exits.push(self.reserve());
            let other = self.code.len();
            self.fill(
                split,
                Instruction::Split {
                    preferred: split + 1,
                    other,
                },
            );
        }
        let end = self.code.len();
        for exit in exits {
            self.fill(exit, Instruction::Jump(end));
        }
    }

    fn repeat(&mut self, repeat: &Repeat) {
        let Repeat { min, max, .. } = *repeat;
        let greedy = repeat.kind != RepeatKind::Lazy;
        if let Some(set) = single_set(&repeat.body) {
            self.push(Instruction::Run {
                set,
                min,
                max,
                greedy,
            });
            return;
        }
        if (min, max) == (0, 1) {
            let split = self.reserve();
            self.node(&repeat.body);
            let (body, end) = (split + 1, self.code.len());
            let (preferred, other) = if greedy { (body, end) } else { (end, body) };
            self.fill(split, Instruction::Split { preferred, other });
            return;
        }
        let index = self.loop_count;
        self.loop_count += 1;
        self.push(Instruction::LoopStart(index));
        let entry = self.reserve();
        self.node(&repeat.body);
        let next = self.code.len();
        self.push(Instruction::LoopNext {
            index,
            min,
            max,
            greedy,
            body: entry + 1,
        });
        self.fill(entry, Instruction::Jump(next));
    }

    fn scope(&mut self, kind: ScopeKind, behind: u32, body: impl FnOnce(&mut Self)) {
        let enter = self.reserve();
        body(self);
        self.push(Instruction::Leave(kind));
        let resume = self.code.len();
        self.fill(
            enter,
            Instruction::Enter(Scope {
                kind,
                behind,
                resume,
            }),
        );
    }

    fn conditional(&mut self, group: usize, yes: &Node, no: &Node) {
        let test = self.reserve();
        self.node(yes);
        let exit = self.reserve();
        let otherwise = self.code.len();
        self.fill(test, Instruction::Conditional { group, otherwise });
        self.node(no);
        let end = self.code.len();
        self.fill(exit, Instruction::Jump(end));
    }
}

/// The set a repetition body consists of, if it is nothing else.
fn single_set(node: &Node) -> Option<CharSet> {
    match node {
        Node::Char(c) => Some(CharSet::single(*c, Flags::NONE)),
        Node::Set(set) => Some(set.clone()),
        Node::Concat(items) => match items.as_slice() {
            [only] => single_set(only),
            _ => None,
        },
        _ => None,
    }
}

/// A superset of the characters a match of `node` begins with; `None` if that can be any, or the
/// match can be empty.
fn first(node: &Node) -> Option<CharSet> {
    match node {
        Node::Char(c) => Some(CharSet::single(*c, Flags::NONE)),
        Node::Set(set) => Some(set.clone()),
        Node::Concat(items) => {
            let mut rest = items.iter();
            rest.find(|item| !matches!(item, Node::Assert(_) | Node::Look { .. }))
                .and_then(first)
        }
        Node::Alternate(branches) => branches
            .iter()
            .map(first)
            .reduce(|all, branch| Some(all?.union(&branch?)))
            .flatten(),
        Node::Group(_, body) | Node::Atomic(body) => first(body),
        Node::Repeat(repeat) if repeat.min > 0 => first(&repeat.body),
        Node::Repeat(_)
        | Node::Assert(_)
        | Node::Look { .. }
        | Node::Backref { .. }
        | Node::Conditional { .. } => None,
    }
}
