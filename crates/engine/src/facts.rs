//! What can be said of an expression before it is evaluated.
//!
//! The evaluator relies on it for pruning, so the safe side is to claim that anything may fail.

use crate::kind::BinderKind;
use crate::modules::{Detector, Function};
use crate::program::{
    ArgumentPattern, ArgumentTest, Call, Comprehension, Expr, ExprKind, Operator, Program,
    Quantifier, Slot, Traits,
};
use crate::types::Type;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) ty: Type,
    /// Variables read, those bound by this very expression in a flow included.
    pub(crate) needs: BTreeSet<Slot>,
    pub(crate) traits: Traits,
    pub(crate) binders: Vec<FoundBinder>,
    /// Slots of lets below the top of the expression.
    pub(crate) nested_lets: Vec<Slot>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct FoundBinder {
    pub(crate) slot: Slot,
    pub(crate) kind: BinderKind,
    pub(crate) whole_trace: bool,
    /// Whether it may not be reached although its line is.
    pub(crate) conditional: bool,
}

/// What is known around an expression.
pub(crate) struct Context<'p> {
    pub(crate) program: &'p Program,
    pub(crate) types: BTreeMap<Slot, Type>,
}

impl Default for Facts {
    fn default() -> Self {
        Facts {
            ty: Type::ANY,
            needs: BTreeSet::new(),
            traits: Traits::default(),
            binders: Vec::new(),
            nested_lets: Vec::new(),
        }
    }
}

// === impl Facts ===

impl Facts {
    fn of(ty: Type) -> Self {
        Facts {
            ty,
            ..Facts::default()
        }
    }

    /// Takes over everything but the type.
    fn absorb(&mut self, other: Facts) {
        self.needs.extend(other.needs);
        self.traits.fallible |= other.traits.fallible;
        self.traits.marking |= other.traits.marking;
        self.traits.reads_trace |= other.traits.reads_trace;
        self.binders.extend(other.binders);
        self.nested_lets.extend(other.nested_lets);
    }

    fn binding(mut self, slot: Slot, kind: BinderKind, whole_trace: bool) -> Self {
        self.binders.push(FoundBinder {
            slot,
            kind,
            whole_trace,
            conditional: false,
        });
        self
    }

    fn conditionally(mut self) -> Self {
        self.binders
            .iter_mut()
            .for_each(|binder| binder.conditional = true);
        self
    }

    fn failing(mut self, fallible: bool) -> Self {
        self.traits.fallible |= fallible;
        self
    }

    fn typed(mut self, ty: Type) -> Self {
        self.ty = ty;
        self
    }
}

// === impl Context ===

impl<'p> Context<'p> {
    pub(crate) fn without_variables(program: &'p Program) -> Self {
        Self {
            program,
            types: BTreeMap::new(),
        }
    }

    pub(crate) fn facts(&self, expr: &Expr) -> Facts {
        match &expr.kind {
            ExprKind::Literal(value) => self.literal(value),
            ExprKind::Local(slot) => {
                let mut facts = Facts::of(self.types.get(slot).copied().unwrap_or(Type::ANY));
                facts.needs.insert(*slot);
                facts
            }
            ExprKind::Constant(number) => self.constant(*number),
            ExprKind::Bind(slot, kind) => Facts::of(Type::BOOL).binding(*slot, *kind, true),
            ExprKind::BindIn(slot, kind, domain) => {
                let domain = self.facts(domain).typed(Type::BOOL);
                domain.binding(*slot, *kind, false)
            }
            ExprKind::Let(slot, value) => {
                let mut facts = self.facts(value).typed(Type::NOTHING);
                facts.nested_lets.push(*slot);
                facts
            }
            ExprKind::Nothing => Facts::of(Type::NOTHING),
            ExprKind::Not(operand) | ExprKind::IsNotNone(operand) => {
                self.facts(operand).typed(Type::BOOL)
            }
            ExprKind::Minus(operand) | ExprKind::Plus(operand) => {
                let operand = self.facts(operand);
                let fallible = !operand.ty.is_within(Type::NUMBER);
                operand
                    .typed(Type::INTEGER.or(Type::FLOAT))
                    .failing(fallible)
            }
            ExprKind::Binary(operator, left, right) => {
                Self::binary(*operator, self.facts(left), self.facts(right), right)
            }
            ExprKind::Flow { left, right, .. } => {
                let (left, right) = (self.flow_end(left), self.flow_end(right));
                let events = left.ty.is_within(Type::EVENT) && right.ty.is_within(Type::EVENT);
                let mut facts = left.typed(Type::BOOL).failing(!events);
                facts.absorb(right);
                facts
            }
            ExprKind::Member(object, name) => Self::member(self.facts(object), name),
            ExprKind::Index(object, index) => {
                let mut facts = self.facts(object).typed(Type::ANY).failing(true);
                facts.absorb(self.facts(index));
                facts
            }
            ExprKind::Call(call) => self.call(call),
            ExprKind::Quantifier(quantifier) => self.quantifier(quantifier),
            ExprKind::Conditional(parts) => {
                let [then, condition, otherwise] = &**parts;
                let then = self.facts(then).conditionally();
                let otherwise = self.facts(otherwise).conditionally();
                let mut facts = self.facts(condition).typed(then.ty.or(otherwise.ty));
                facts.absorb(then);
                facts.absorb(otherwise);
                facts
            }
            ExprKind::List(items) => self.all(items.iter(), Type::LIST),
            ExprKind::Dict(entries) => self.all(entries.iter().map(|(_, value)| value), Type::DICT),
            ExprKind::Comprehension(comprehension) => self.comprehension(comprehension),
            ExprKind::Invalid(_) => Facts::of(Type::ANY).failing(true),
        }
    }

    fn all<'e>(&self, parts: impl Iterator<Item = &'e Expr>, ty: Type) -> Facts {
        let mut facts = Facts::of(ty);
        parts.for_each(|part| facts.absorb(self.facts(part)));
        facts
    }

    fn literal(&self, value: &Value) -> Facts {
        let ty = match value {
            Value::None => Type::NONE,
            Value::Bool(_) => Type::BOOL,
            Value::Integer(_) => Type::INTEGER,
            Value::Float(_) => Type::FLOAT,
            Value::Text(_) => Type::TEXT,
            _ => Type::OTHER,
        };
        let mut facts = Facts::of(ty);
        if let Value::Tool(number) = value
            && let Some(test) = self.program.tools.get(*number)
        {
            facts.needs.extend(&test.needs);
            if let ArgumentTest::Pattern(pattern) = &test.arguments {
                facts.traits = self.pattern(pattern);
            }
        }
        facts
    }

    fn pattern(&self, pattern: &ArgumentPattern) -> Traits {
        let failing = Traits {
            fallible: true,
            ..Traits::default()
        };
        let all = |patterns: &mut dyn Iterator<Item = &ArgumentPattern>| {
            patterns
                .map(|pattern| self.pattern(pattern))
                .fold(Traits::default(), |all, one| Traits {
                    fallible: all.fallible || one.fallible,
                    marking: all.marking || one.marking,
                    reads_trace: all.reads_trace || one.reads_trace,
                    ..all
                })
        };
        match pattern {
            ArgumentPattern::Text(text) if text.regex.is_ok() => Traits::default(),
            ArgumentPattern::Wildcard
            | ArgumentPattern::Integer(_)
            | ArgumentPattern::Float(_)
            | ArgumentPattern::Dummy => Traits::default(),
            ArgumentPattern::Object(entries) => {
                all(&mut entries.iter().map(|(_, pattern)| pattern))
            }
            ArgumentPattern::List(patterns) => all(&mut patterns.iter()),
            ArgumentPattern::Entity(_) | ArgumentPattern::Moderated => Traits {
                marking: true,
                ..failing
            },
            ArgumentPattern::Value(expr) => Traits {
                fallible: true,
                ..self.facts(expr).traits
            },
            ArgumentPattern::Text(_) | ArgumentPattern::Unsupported => failing,
        }
    }

    fn constant(&self, number: usize) -> Facts {
        let Some(constant) = self.program.constants.get(number) else {
            return unresolved();
        };
        Facts {
            traits: constant.traits,
            ..Facts::of(constant.ty)
        }
    }

    fn flow_end(&self, operand: &Expr) -> Facts {
        let mut facts = self.facts(operand);
        if let ExprKind::Bind(slot, kind) = operand.kind {
            facts.needs.insert(slot);
            facts.ty = Type::bound_by(kind);
        }
        facts
    }

    fn binary(operator: Operator, left: Facts, right: Facts, right_expr: &Expr) -> Facts {
        let (l, r) = (left.ty, right.ty);
        let numbers = l.is_within(Type::NUMBER) && r.is_within(Type::NUMBER);
        let texts = l.is_within(Type::TEXT) && r.is_within(Type::TEXT);
        let (ty, fallible) = match operator {
            Operator::And | Operator::Or => (l.or(r), false),
            Operator::Equal | Operator::NotEqual | Operator::IsNot => (Type::BOOL, false),
            Operator::Is => {
                let tool = matches!(right_expr.kind, ExprKind::Literal(Value::Tool(_)));
                let calls = l.is_within(Type::TOOL_CALL.or(Type::TOOL_OUTPUT));
                (
                    if tool && !calls {
                        Type::BOOL.or(Type::NONE)
                    } else {
                        Type::BOOL
                    },
                    false,
                )
            }
            Operator::Greater | Operator::Less | Operator::GreaterEqual | Operator::LessEqual => {
                (Type::BOOL, !(numbers || texts))
            }
            Operator::In => (membership(l), !membership_is_safe(l, r)),
            Operator::ContainsOnly => (Type::BOOL, true),
            Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::Modulo
            | Operator::Power => (Type::ANY, true),
        };
        let mut facts = left.typed(ty).failing(fallible);
        facts.traits.marking |=
            operator == Operator::In && l.overlaps(Type::TEXT) && r.overlaps(Type::TEXT);
        facts.absorb(right);
        facts
    }

    fn member(object: Facts, name: &str) -> Facts {
        let objects = object.ty.kinds().map(|kind| Type::of_attribute(kind, name));
        let (mut ty, mut fallible) = (Type::EMPTY, false);
        for attribute in objects {
            match attribute {
                Some(attribute) => ty = ty.or(attribute),
                None => fallible = true,
            }
        }
        if !object.ty.is_within(Type::STRUCTURE) {
            return object.typed(Type::ANY).failing(true);
        }
        object.typed(ty).failing(fallible)
    }

    fn call(&self, call: &Call) -> Facts {
        let mut facts = Facts::of(Type::ANY);
        let mut first = None;
        for argument in &call.arguments {
            let argument = self.facts(argument);
            first.get_or_insert(argument.ty);
            facts.absorb(argument);
        }
        for (_, value) in &call.keywords {
            facts.absorb(self.facts(value));
        }
        match &call.function.kind {
            ExprKind::Literal(Value::Function(function)) => {
                let single = call.arguments.len() == 1 && call.keywords.is_empty();
                let (ty, safe) = function_facts(*function, first.filter(|_| single));
                facts.traits.fallible |= !safe;
                facts.traits.marking |= is_marking(*function);
                facts.typed(ty)
            }
            ExprKind::Literal(Value::Predicate(number)) => {
                facts.absorb(self.predicate(*number));
                facts.typed(Type::BOOL)
            }
            _ => {
                facts.absorb(self.facts(&call.function));
                facts.typed(Type::ANY).failing(true)
            }
        }
    }

    fn predicate(&self, number: usize) -> Facts {
        let predicate = self.program.predicates.get(number);
        let body = predicate.and_then(|predicate| self.program.bodies.get(predicate.body));
        let Some(body) = body else {
            return unresolved();
        };
        let mut facts = Facts::of(Type::BOOL);
        facts.traits = body.traits();
        // Whether enough arguments are given is only checked when it is called.
        facts.failing(true)
    }

    fn quantifier(&self, quantifier: &Quantifier) -> Facts {
        let mut facts = self.facts(&quantifier.head).typed(Type::BOOL);
        facts.needs.extend(&quantifier.captured);
        match self.program.bodies.get(quantifier.body) {
            Some(body) => {
                let traits = body.traits();
                facts.traits.fallible |= traits.fallible;
                facts.traits.marking |= traits.marking;
            }
            None => facts.absorb(unresolved()),
        }
        facts.traits.reads_trace = true;
        facts
    }

    fn comprehension(&self, comprehension: &Comprehension) -> Facts {
        let iterable = self.facts(&comprehension.iterable).conditionally();
        let iterates = Type::NONE
            .or(Type::TEXT)
            .or(Type::SEQUENCE)
            .or(Type::DICT)
            .or(Type::CONTENTS);
        let safe = iterable.ty.is_within(iterates);
        let mut facts = iterable.typed(Type::LIST).failing(!safe);
        let parts = [Some(&comprehension.element), comprehension.filter.as_ref()];
        for part in parts.into_iter().flatten() {
            facts.absorb(self.facts(part).conditionally());
        }
        facts.needs.remove(&comprehension.variable);
        facts
    }
}

/// A name that is declared further down: nothing is known of it yet.
fn unresolved() -> Facts {
    let traits = Traits {
        fallible: true,
        marking: true,
        not_boolean: true,
        reads_trace: true,
    };
    Facts {
        traits,
        ..Facts::of(Type::ANY)
    }
}

fn membership(left: Type) -> Type {
    let one = if left.is_within(Type::LIST) {
        Type::EMPTY
    } else {
        Type::BOOL
    };
    if left.overlaps(Type::LIST) {
        one.or(Type::LIST).or(Type::BOOL)
    } else {
        one
    }
}

fn membership_is_safe(left: Type, right: Type) -> bool {
    let listed = Type::NONE.or(Type::SEQUENCE);
    if right.is_within(listed) {
        return true;
    }
    left.is_within(Type::TEXT)
        && right.is_within(listed.or(Type::TEXT).or(Type::CONTENTS).or(Type::DICT))
}

/// The type of a library call, and whether it cannot fail on its argument.
pub(crate) fn function_facts(function: Function, argument: Option<Type>) -> (Type, bool) {
    let sized = Type::TEXT
        .or(Type::SEQUENCE)
        .or(Type::DICT)
        .or(Type::CONTENTS);
    let is_sized = argument.is_some_and(|argument| argument.is_within(sized));
    match function {
        Function::Any | Function::Empty => (Type::BOOL, is_sized),
        Function::Len => (Type::INTEGER, is_sized),
        Function::Text | Function::Image => (Type::LIST, true),
        Function::Match | Function::ShouldAllowRbac => (Type::BOOL, false),
        Function::Find => (Type::LIST, false),
        Function::Print => (Type::BOOL, true),
        Function::Server => (
            Type::TEXT.or(Type::NONE),
            argument.is_some_and(|ty| ty.is_within(Type::EVENT)),
        ),
        Function::ToolCall => (Type::TOOL_CALL, false),
        Function::Tuple => (Type::TUPLE, false),
        Function::Violation | Function::Count | Function::Forall => (Type::OTHER, false),
        Function::Detector(detector) => (detector_type(detector), false),
        Function::JsonLoads | Function::Max | Function::Min | Function::Sum => (Type::ANY, false),
    }
}

fn detector_type(detector: Detector) -> Type {
    match detector {
        Detector::FuzzyContains
        | Detector::IsPoisoned
        | Detector::IsSimilar
        | Detector::LlmConfirm
        | Detector::Moderated
        | Detector::PromptInjection => Type::BOOL,
        Detector::Copyright
        | Detector::Links
        | Detector::Ocr
        | Detector::Pii
        | Detector::Secrets
        | Detector::Semgrep
        | Detector::ToolSignals
        | Detector::Unicode => Type::LIST,
        Detector::PythonCode | Detector::IpythonCode => Type::PYTHON_CODE,
        Detector::ShellCode => Type::SHELL_CODE,
        Detector::HtmlCode => Type::HTML,
        Detector::EmbeddingSimilarity => Type::NUMBER,
        Detector::Llm => Type::TEXT,
    }
}

fn is_marking(function: Function) -> bool {
    matches!(function, Function::Find | Function::Detector(_))
}
