//! The tree of a policy, as it was typed: nothing is resolved, reordered or folded here.

use crate::span::Span;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    pub statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    Import(Import),
    Raise(Raise),
    Declaration(Declaration),
}

/// `import module`, `import module as alias`, `from module import names`.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    pub span: Span,
    /// Dotted.
    pub module: Name,
    pub what: Imported,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Imported {
    Module { alias: Option<Name> },
    Names(Vec<ImportedName>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ImportedName {
    pub name: Name,
    pub alias: Option<Name>,
}

/// `raise error if: body`: one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Raise {
    pub span: Span,
    pub error: Expr,
    pub body: Block,
}

/// `name := …` (a constant) or `name(parameters) := …` (a predicate).
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    pub span: Span,
    pub name: Name,
    /// `None` for a constant.
    pub parameters: Option<Vec<Parameter>>,
    pub body: Block,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub name: Name,
    pub kind: Name,
}

/// Lines that must all hold. A body written behind `:=` on its line is a block of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub span: Span,
    pub lines: Vec<Expr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    None,
    Bool(bool),
    /// Decimal digits.
    Integer(String),
    Float(f64),
    String(String),
    Name(String),
    /// `(name: kind)`.
    Binder {
        name: Name,
        kind: Name,
    },
    /// `name := value`.
    Let {
        name: Name,
        value: Box<Expr>,
    },
    /// An import inside a body; it counts for the whole file.
    Import(Box<Import>),
    Unary {
        operator: UnaryOperator,
        operand: Box<Expr>,
    },
    /// Flow chains `a -> b -> c` nest to the left.
    Binary {
        operator: BinaryOperator,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `object.name`.
    Member {
        object: Box<Expr>,
        name: Name,
    },
    /// `object[index]`.
    Index {
        object: Box<Expr>,
        index: Box<Expr>,
    },
    Call {
        function: Box<Expr>,
        arguments: Vec<Expr>,
        keywords: Vec<Keyword>,
    },
    /// `head:` with an indented body.
    Quantifier {
        head: Box<Expr>,
        body: Block,
    },
    /// `tool:name`.
    Tool(Name),
    /// `tool:name(arguments)`.
    ToolPattern {
        tool: Name,
        arguments: Vec<Expr>,
    },
    /// `then if condition else otherwise`.
    Conditional {
        then: Box<Expr>,
        condition: Box<Expr>,
        otherwise: Box<Expr>,
    },
    List(Vec<Expr>),
    Object(Vec<Entry>),
    Comprehension(Box<Comprehension>),
    /// `(a, b)`: at least one part; its value is that of the first.
    Group(Vec<Expr>),
    /// `*`, in patterns.
    Wildcard,
    /// `<NAME>`, in patterns.
    ValueReference(String),
    /// An indented block where an expression was expected; the language gives it no value.
    Block(Block),
    /// A place the parser could not read; a diagnostic says why.
    Error,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Keyword {
    pub name: Name,
    pub value: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: Name,
    pub value: Expr,
}

/// `[element for variable in iterable if filter]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Comprehension {
    pub element: Expr,
    pub variable: Name,
    pub iterable: Expr,
    pub filter: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    Not,
    Minus,
    Plus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    And,
    Or,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Is,
    In,
    NotIn,
    ContainsOnly,
    /// `->`.
    Flow,
    /// `~>`.
    DirectFlow,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

impl Expr {
    /// The expressions directly inside this one, in source order, those of indented blocks
    /// included.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::None
            | ExprKind::Bool(_)
            | ExprKind::Integer(_)
            | ExprKind::Float(_)
            | ExprKind::String(_)
            | ExprKind::Name(_)
            | ExprKind::Binder { .. }
            | ExprKind::Import(_)
            | ExprKind::Tool(_)
            | ExprKind::Wildcard
            | ExprKind::ValueReference(_)
            | ExprKind::Error => Vec::new(),
            ExprKind::Let { value: inner, .. }
            | ExprKind::Unary { operand: inner, .. }
            | ExprKind::Member { object: inner, .. } => vec![&**inner],
            ExprKind::Binary { left, right, .. } => vec![&**left, &**right],
            ExprKind::Index { object, index } => vec![&**object, &**index],
            ExprKind::Call {
                function,
                arguments,
                keywords,
            } => {
                let keywords = keywords.iter().map(|keyword| &keyword.value);
                std::iter::once(&**function)
                    .chain(arguments)
                    .chain(keywords)
                    .collect()
            }
            ExprKind::Quantifier { head, body } => {
                std::iter::once(&**head).chain(&body.lines).collect()
            }
            ExprKind::ToolPattern {
                arguments: parts, ..
            }
            | ExprKind::List(parts)
            | ExprKind::Group(parts) => parts.iter().collect(),
            ExprKind::Conditional {
                then,
                condition,
                otherwise,
            } => {
                vec![&**then, &**condition, &**otherwise]
            }
            ExprKind::Object(entries) => entries.iter().map(|entry| &entry.value).collect(),
            ExprKind::Comprehension(comprehension) => {
                let parts = [&comprehension.element, &comprehension.iterable];
                parts.into_iter().chain(&comprehension.filter).collect()
            }
            ExprKind::Block(block) => block.lines.iter().collect(),
        }
    }
}
