//! A policy after names were resolved: what the evaluator runs.

use crate::kind::BinderKind;
use crate::python::number::Integer;
use crate::python::re::Pattern;
use crate::types::Type;
use crate::value::Value;
use portcullis_syntax::Span;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The place of a variable in the frame of its rule, predicate or constant.
pub(crate) type Slot = usize;
/// The number of a body in [`Program::bodies`].
pub(crate) type BodyId = usize;

#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) rules: Vec<Rule>,
    pub(crate) predicates: Vec<Predicate>,
    pub(crate) constants: Vec<Constant>,
    pub(crate) bodies: Vec<Body>,
    pub(crate) tools: Vec<ToolTest>,
    /// Bodies of quantifiers that use no variable from outside, so that their models can be kept.
    pub(crate) closed: Vec<Closed>,
    /// The binders over the whole trace, by what they range over.
    pub(crate) sources: Vec<Source>,
    /// How many domains several bodies offer alike.
    pub(crate) shared_domains: usize,
    /// The size of the largest frame.
    pub(crate) frame_size: usize,
    /// Whether any rule can see more of a message than the calls in it.
    pub(crate) reads_messages: bool,
    /// Whether any rule can read the call that an output answers.
    pub(crate) reads_answered_calls: bool,
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) span: Span,
    pub(crate) error: RuleError,
    pub(crate) body: BodyId,
    /// The bodies of the quantifiers and predicates that its lines use, at any depth.
    pub(crate) inner: Vec<BodyId>,
    pub(crate) frame: Frame,
}

#[derive(Debug)]
pub(crate) enum RuleError {
    Text(Arc<str>),
    Expression(Expr),
}

/// The names of a frame's variables, by slot.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    pub(crate) names: Vec<Arc<str>>,
}

#[derive(Debug)]
pub(crate) struct Predicate {
    pub(crate) name: Arc<str>,
    /// They have the first slots of the frame.
    pub(crate) parameters: usize,
    pub(crate) body: BodyId,
    pub(crate) frame: Frame,
}

#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) value: Expr,
    pub(crate) frame: Frame,
    /// What is known of the value, so that uses of a constant in others do not multiply the work.
    pub(crate) ty: Type,
    pub(crate) traits: Traits,
}

/// Lines that must all hold, with what evaluation may know of them beforehand.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each fact is independent of the others"
)]
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) lines: Vec<Line>,
    /// Every variable that belongs to this body: binders and lets.
    pub(crate) variables: Vec<Slot>,
    pub(crate) lets: Vec<Slot>,
    /// The binders over the whole trace, in order of appearance.
    pub(crate) binders: Vec<Binder>,
    /// Lines that relate several of the binders, and nothing else.
    pub(crate) joins: Vec<JoinLine>,
    /// Lines that are only known once all binders are bound, and that must not be passed over.
    pub(crate) watched: Vec<usize>,
    /// The first line that can mark a text.
    pub(crate) first_marking: Option<usize>,
    /// Whether binders and lets stand where they are evaluated in every case. If not, the body
    /// is evaluated from scratch, without any pruning.
    pub(crate) regular: bool,
    /// Whether it is regular and has binders over other values than the trace, so that its lines
    /// are evaluated again once these are bound.
    pub(crate) has_rounds: bool,
    pub(crate) origin: Origin,
    /// Whether candidates of the past can still become part of a model.
    pub(crate) retains: bool,
    /// Whether a model holds no event, and a value of which nobody knows the event, so that the
    /// same model is the same finding whenever its values came.
    pub(crate) unplaced: bool,
    /// Whether evaluating it with no variable bound comes out the same whatever the trace is.
    pub(crate) steady: bool,
    pub(crate) opening: Option<Opening>,
}

/// What evaluating a body comes to once the binders of the whole trace have values and no other
/// variable has: nothing is known yet, and these lines offer what the others range over.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) offers: Vec<Offering>,
    /// The lines that must be known to hold beforehand.
    pub(crate) given: Lines,
    /// Those that hold afterwards, the given ones not counted.
    pub(crate) settled: Lines,
}

/// A line `(x: T) in e` where `e` cannot fail and needs binders of the whole trace only.
#[derive(Debug)]
pub(crate) struct Offering {
    pub(crate) line: usize,
    /// If other lines offer the same of the same value, what all of them call it.
    pub(crate) shared: Option<SharedDomain>,
}

/// A domain that is a function of one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SharedDomain {
    /// Below [`Program::shared_domains`].
    pub(crate) number: usize,
    /// The variable that holds the value.
    pub(crate) of: Slot,
}

/// Everything of one kind in the trace, and the binders that range over it.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) kind: BinderKind,
    /// Each as its body, and its number there.
    pub(crate) binders: Vec<(BodyId, usize)>,
}

/// Whose body it is; that decides what must not be pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Rule,
    Predicate,
    Count,
    Forall,
}

#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) expr: Expr,
    /// Variables that the line's value depends on, those behind lets included, in order.
    pub(crate) needs: Vec<Slot>,
    /// The variables that its binders offer values for.
    pub(crate) binders: Vec<Slot>,
    /// The lines before it whose lets it uses, in order.
    pub(crate) lets: Vec<usize>,
    /// As [`Expr::waits_for`].
    pub(crate) waits_for: Option<Slot>,
    pub(crate) traits: Traits,
}

/// Lines of a body, as bits. It holds none beyond [`Lines::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines(u64);

/// A variable that ranges over the whole trace.
#[derive(Debug)]
pub(crate) struct Binder {
    pub(crate) slot: Slot,
    pub(crate) kind: BinderKind,
    /// The lines that need this variable only, in order, but for those that only offer.
    pub(crate) alphas: Vec<usize>,
    /// Those of them that end every combination with a value for which they are false, and of which
    /// nobody need look at any.
    pub(crate) excluding: Vec<usize>,
    /// The tool that the first of them asks for, if it does.
    pub(crate) tool: Option<usize>,
    /// The lines that say nothing but that the variable is one, and so hold once it has a value.
    pub(crate) declared: Lines,
}

#[derive(Debug)]
pub(crate) struct JoinLine {
    pub(crate) line: usize,
    /// The binders it needs, as bits.
    pub(crate) binders: u64,
    /// Whether it must be evaluated wherever no earlier line is false.
    pub(crate) observable: bool,
    pub(crate) flow: Option<FlowLine>,
}

/// `a -> b` between two binders of events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlowLine {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Whether nothing observable stands before it, so that it may be used to skip candidates.
    pub(crate) leads: bool,
}

/// What is known of an expression without evaluating it. The safe default is all of it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each fact is independent of the others"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traits {
    /// Evaluating it may be a run-time error.
    pub(crate) fallible: bool,
    /// Evaluating it may mark a text.
    pub(crate) marking: bool,
    /// Its value may be neither boolean nor unknown.
    pub(crate) not_boolean: bool,
    /// Its value depends on events beyond those bound to its variables.
    pub(crate) reads_trace: bool,
}

#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    Literal(Value),
    /// A variable, a parameter or the variable of a comprehension.
    Local(Slot),
    Constant(usize),
    /// `(x: T)`.
    Bind(Slot, BinderKind),
    /// `(x: T) in e`.
    BindIn(Slot, BinderKind, Box<Expr>),
    Let(Slot, Box<Expr>),
    /// An import inside a body.
    Nothing,
    Not(Box<Expr>),
    Minus(Box<Expr>),
    Plus(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `x is not None`.
    IsNotNone(Box<Expr>),
    /// `a -> b`; the operands are names or binders.
    Flow {
        direct: bool,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Member(Box<Expr>, Arc<str>),
    Index(Box<Expr>, Box<Expr>),
    Call(Box<Call>),
    Quantifier(Box<Quantifier>),
    Conditional(Box<[Expr; 3]>),
    List(Vec<Expr>),
    Dict(Vec<(Arc<str>, Expr)>),
    Comprehension(Box<Comprehension>),
    /// An expression whose evaluation is always a run-time error, and why.
    Invalid(&'static str),
}

// === impl Line ===

impl Line {
    /// Whether it is `(x: T) in e` where `e` cannot fail, so that it holds whatever its variables.
    pub(crate) fn only_offers(&self) -> bool {
        matches!(self.expr.kind, ExprKind::BindIn(..)) && !self.traits.fallible
    }
}

// === impl Lines ===

impl Lines {
    pub(crate) const NONE: Lines = Lines(0);
    pub(crate) const MAX: usize = 64;

    pub(crate) fn add(&mut self, line: usize) {
        self.0 |= Self::bit(line);
    }

    pub(crate) fn add_all(&mut self, other: Lines) {
        self.0 |= other.0;
    }

    pub(crate) fn has(self, line: usize) -> bool {
        self.0 & Self::bit(line) != 0
    }

    pub(crate) fn has_all(self, others: Lines) -> bool {
        others.0 & !self.0 == 0
    }

    fn bit(line: usize) -> u64 {
        if line < Self::MAX { 1 << line } else { 0 }
    }
}

impl Expr {
    /// A variable without whose value the expression is unknown, whatever the others are, and does
    /// not fail.
    pub(crate) fn waits_for(&self) -> Option<Slot> {
        match &self.kind {
            ExprKind::Local(slot) => Some(*slot),
            ExprKind::Not(inner)
            | ExprKind::Minus(inner)
            | ExprKind::Plus(inner)
            | ExprKind::IsNotNone(inner)
            | ExprKind::Member(inner, _) => inner.waits_for(),
            ExprKind::Binary(Operator::And | Operator::Or, ..) => None,
            ExprKind::Binary(_, left, right) | ExprKind::Index(left, right) => {
                one_waits_for([&**left, &**right])
            }
            ExprKind::Call(call) if matches!(call.function.kind, ExprKind::Literal(_)) => {
                let keywords = call.keywords.iter().map(|(_, value)| value);
                one_waits_for(call.arguments.iter().chain(keywords))
            }
            ExprKind::List(items) => one_waits_for(items),
            _ => None,
        }
    }

    /// The expressions that it consists of; the body of a quantifier is none.
    pub(crate) fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Literal(_)
            | ExprKind::Local(_)
            | ExprKind::Constant(_)
            | ExprKind::Bind(..)
            | ExprKind::Nothing
            | ExprKind::Invalid(_) => Vec::new(),
            ExprKind::BindIn(_, _, inner)
            | ExprKind::Let(_, inner)
            | ExprKind::Not(inner)
            | ExprKind::Minus(inner)
            | ExprKind::Plus(inner)
            | ExprKind::IsNotNone(inner)
            | ExprKind::Member(inner, _) => vec![&**inner],
            ExprKind::Binary(_, left, right)
            | ExprKind::Flow { left, right, .. }
            | ExprKind::Index(left, right) => vec![&**left, &**right],
            ExprKind::Call(call) => {
                let keywords = call.keywords.iter().map(|(_, value)| value);
                let arguments = call.arguments.iter().chain(keywords);
                std::iter::once(&call.function).chain(arguments).collect()
            }
            ExprKind::Quantifier(quantifier) => vec![&quantifier.head],
            ExprKind::Conditional(parts) => parts.iter().collect(),
            ExprKind::List(items) => items.iter().collect(),
            ExprKind::Dict(entries) => entries.iter().map(|(_, value)| value).collect(),
            ExprKind::Comprehension(comprehension) => {
                let parts = [&comprehension.element, &comprehension.iterable];
                parts.into_iter().chain(&comprehension.filter).collect()
            }
        }
    }
}

/// As [`Expr::waits_for`], of something that is unknown if one of these is.
fn one_waits_for<'e>(parts: impl IntoIterator<Item = &'e Expr>) -> Option<Slot> {
    let mut waits_for = None;
    for part in parts {
        if matches!(part.kind, ExprKind::Literal(_)) {
            continue;
        }
        // Without the value of its own variable, another part may fail.
        let slot = part.waits_for()?;
        if *waits_for.get_or_insert(slot) != slot {
            return None;
        }
    }
    waits_for
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    And,
    Or,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Is,
    IsNot,
    In,
    ContainsOnly,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: Expr,
    pub(crate) arguments: Vec<Expr>,
    pub(crate) keywords: Vec<(Arc<str>, Expr)>,
    /// The regular expression of `match` and `find`, compiled beforehand where it is a literal.
    pub(crate) pattern: Option<Arc<Pattern>>,
}

#[derive(Debug)]
pub(crate) struct Comprehension {
    pub(crate) element: Expr,
    pub(crate) variable: Slot,
    pub(crate) iterable: Expr,
    pub(crate) filter: Option<Expr>,
}

#[derive(Debug)]
pub(crate) struct Quantifier {
    pub(crate) head: Expr,
    pub(crate) body: BodyId,
    /// Variables from outside that the body reads.
    pub(crate) captured: BTreeSet<Slot>,
    /// Where its models are kept, if it captures nothing.
    pub(crate) closed: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed {
    pub(crate) span: Span,
    pub(crate) body: BodyId,
    pub(crate) listed: Listed,
}

/// Which of a quantifier's true models a finding may list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    /// It is a `forall`, and what counts is whether any model is false.
    Nothing,
    First(usize),
    Every,
}

/// `tool:name` or `tool:name(pattern)`.
#[derive(Debug)]
pub(crate) struct ToolTest {
    pub(crate) name: Arc<str>,
    pub(crate) arguments: ArgumentTest,
    /// Variables named inside the pattern.
    pub(crate) needs: BTreeSet<Slot>,
    /// Whether it may be asked about an output, which is then judged by the call that it answers.
    pub(crate) takes_outputs: bool,
}

#[derive(Debug)]
pub(crate) enum ArgumentTest {
    /// No pattern was given.
    Absent,
    Pattern(ArgumentPattern),
    /// More than one pattern: matches nothing.
    Several,
}

#[derive(Debug)]
pub(crate) enum ArgumentPattern {
    Wildcard,
    Text(TextPattern),
    Integer(Integer),
    Float(f64),
    Object(Vec<(Arc<str>, ArgumentPattern)>),
    List(Vec<ArgumentPattern>),
    /// `<NAME>` of a kind of personal data.
    Entity(Arc<str>),
    Moderated,
    Dummy,
    /// A name or a constant, whose value is compared.
    Value(Expr),
    Unsupported,
}

/// A text that matches itself and whatever it matches as a regular expression.
#[derive(Debug)]
pub(crate) struct TextPattern {
    pub(crate) literal: Arc<str>,
    /// The message says what is wrong with it.
    pub(crate) regex: Result<Box<Pattern>, String>,
}
