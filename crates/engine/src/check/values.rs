//! What expressions can come to, read from the innermost outwards.

use super::outcome::Outcome;
use super::{Warnings, words};
use crate::codes;
use crate::detector::WrittenCall;
use crate::kind::BinderKind;
use crate::program::{Comprehension, Expr, ExprKind, Program, RuleError, Slot};
use crate::types::Type;
use crate::value::Value;
use portcullis_syntax::ast::{Declaration, Policy, Statement};
use portcullis_syntax::{Code, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Reads one rule, predicate or constant after another.
pub(super) struct Reader<'r, 's> {
    pub(super) program: &'r Program,
    pub(super) warnings: &'r mut Warnings<'s>,
    pub(super) detector_calls: Vec<WrittenCall>,
    /// Nothing is reported while the kinds of the variables are being collected.
    muted: bool,
    constants: Vec<Outcome>,
    variables: BTreeMap<Slot, Outcome>,
    lets: BTreeSet<Slot>,
    /// Lets above the place that is being read.
    assigned: BTreeSet<Slot>,
}

/// Adds the warnings, and says which detectors are called.
pub(super) fn check(
    policy: &Policy,
    program: &Program,
    warnings: &mut Warnings<'_>,
) -> Vec<WrittenCall> {
    let mut reader = Reader {
        program,
        warnings,
        detector_calls: Vec::new(),
        muted: false,
        constants: Vec::new(),
        variables: BTreeMap::new(),
        lets: BTreeSet::new(),
        assigned: BTreeSet::new(),
    };
    for constant in &program.constants {
        let outcome = reader.frame(&[], |reader| reader.read(&constant.value));
        reader.constants.push(outcome);
    }
    for (predicate, kinds) in program.predicates.iter().zip(parameters(policy)) {
        reader.frame(&kinds, |reader| reader.body(predicate.body, None));
    }
    for rule in &program.rules {
        reader.frame(&[], |reader| {
            reader.body(rule.body, Some(&rule.error));
            if let RuleError::Expression(error) = &rule.error {
                reader.raised(error);
            }
        });
    }
    reader.detector_calls
}

/// What the parameters of each predicate are declared to be.
fn parameters(policy: &Policy) -> impl Iterator<Item = Vec<Outcome>> {
    let declarations = policy
        .statements
        .iter()
        .filter_map(|statement| match statement {
            Statement::Declaration(Declaration { parameters, .. }) => parameters.as_ref(),
            Statement::Import(_) | Statement::Raise(_) => None,
        });
    declarations.map(|parameters| {
        let kinds = parameters
            .iter()
            .map(|parameter| BinderKind::named(&parameter.kind.text));
        kinds.map(bound).collect()
    })
}

fn bound(kind: BinderKind) -> Outcome {
    match kind {
        BinderKind::Nothing | BinderKind::Input => Outcome::ANY,
        kind => Outcome::of(Type::bound_by(kind)),
    }
}

// === impl Reader ===

impl Reader<'_, '_> {
    /// Reads twice: a binder gives a variable its kind for the lines above it too.
    fn frame<T>(&mut self, parameters: &[Outcome], read: impl Fn(&mut Self) -> T) -> T {
        self.variables = parameters.iter().copied().enumerate().collect();
        self.lets.clear();
        self.assigned.clear();
        self.muted = true;
        read(self);
        self.assigned.clear();
        self.muted = false;
        read(self)
    }

    pub(super) fn warn(&mut self, code: Code, span: Span, message: String, help: String) {
        if !self.muted {
            self.warnings.warn(code, span, message, help);
        }
    }

    pub(super) fn variable(&self, slot: Slot) -> Outcome {
        self.variables.get(&slot).copied().unwrap_or(Outcome::ANY)
    }

    pub(super) fn is_muted(&self) -> bool {
        self.muted
    }

    pub(super) fn quote(&self, span: Span) -> &str {
        self.warnings.quote(span)
    }

    pub(super) fn read(&mut self, expr: &Expr) -> Outcome {
        match &expr.kind {
            ExprKind::Literal(value) => literal(value),
            ExprKind::Local(slot) => self.local(*slot, expr.span),
            ExprKind::Constant(number) => {
                self.constants.get(*number).copied().unwrap_or(Outcome::ANY)
            }
            ExprKind::Bind(slot, kind) => {
                self.variables.insert(*slot, bound(*kind));
                Outcome::always(true)
            }
            ExprKind::BindIn(slot, kind, domain) => {
                self.read(domain);
                self.variables.insert(*slot, bound(*kind));
                Outcome::always(true)
            }
            ExprKind::Let(slot, value) => {
                let value = self.read(value);
                self.variables.insert(*slot, value);
                self.lets.insert(*slot);
                self.assigned.insert(*slot);
                Outcome::of(Type::NOTHING)
            }
            ExprKind::Nothing => Outcome::of(Type::NOTHING),
            ExprKind::Not(operand) => self.negation(operand, expr.span),
            ExprKind::Minus(operand) | ExprKind::Plus(operand) => self.sign(operand, expr.span),
            ExprKind::Binary(..) => self.binary(expr),
            ExprKind::IsNotNone(operand) => self.is_not_none(operand, expr.span),
            ExprKind::Flow { left, right, .. } => self.flow(left, right, expr.span),
            ExprKind::Member(object, name) => self.member(object, name, expr.span),
            ExprKind::Index(object, index) => self.index(object, index, expr.span),
            ExprKind::Call(call) => self.call(call, expr.span),
            ExprKind::Quantifier(quantifier) => self.quantifier(quantifier),
            ExprKind::Conditional(parts) => {
                let [then, condition, otherwise] = &**parts;
                self.condition(condition);
                let then = self.read(then);
                then.either(self.read(otherwise))
            }
            ExprKind::List(items) => self.all(items.iter(), Type::LIST),
            ExprKind::Dict(entries) => self.all(entries.iter().map(|(_, value)| value), Type::DICT),
            ExprKind::Comprehension(comprehension) => self.comprehension(comprehension),
            ExprKind::Invalid(why) => self.always_fails(expr.span, (*why).to_owned(), None),
        }
    }

    /// An expression without a value; `help` says what could have been meant.
    pub(super) fn always_fails(
        &mut self,
        span: Span,
        message: String,
        help: Option<String>,
    ) -> Outcome {
        let help = help.unwrap_or_else(|| "evaluating it stops the whole analysis".to_owned());
        self.warn(codes::ALWAYS_FAILS, span, message, help);
        Outcome::ANY
    }

    fn local(&mut self, slot: Slot, span: Span) -> Outcome {
        if self.lets.contains(&slot) && !self.assigned.contains(&slot) {
            let message = format!("`{}` has no value yet", self.quote(span));
            let help = "give it one on a line above this one".to_owned();
            self.warn(codes::USED_BEFORE_LET, span, message, help);
        }
        self.variable(slot)
    }

    /// An operand of which only the truth counts.
    pub(super) fn condition(&mut self, expr: &Expr) -> Outcome {
        let outcome = self.read(expr);
        if is_list_membership(expr, outcome) {
            self.list_membership(expr.span);
        }
        outcome
    }

    pub(super) fn list_membership(&mut self, span: Span) {
        let message = "this is a list with one answer for each element".to_owned();
        let help = format!("write `any({})`", self.quote(span));
        self.warn(codes::LIST_MEMBERSHIP, span, message, help);
    }

    fn negation(&mut self, operand: &Expr, span: Span) -> Outcome {
        let outcome = self.condition(operand).not();
        if !outcome.can_be_true && !self.warnings.is_misread(span) {
            let message = format!("`{}` is never true", self.quote(span));
            let help = format!("`{}` is always there", self.quote(operand.span));
            self.warn(codes::ALWAYS_FALSE, span, message, help);
        }
        outcome
    }

    fn sign(&mut self, operand: &Expr, span: Span) -> Outcome {
        let outcome = self.read(operand);
        if !outcome.ty.overlaps(Type::NUMBER) {
            let message = format!("{} has no sign", words::describe(outcome.ty));
            return self.always_fails(span, message, None);
        }
        Outcome::of(Type::INTEGER.or(Type::FLOAT))
    }

    fn is_not_none(&mut self, operand: &Expr, span: Span) -> Outcome {
        let outcome = self.read(operand);
        if outcome.ty.is_within(Type::NONE) {
            let message = format!("`{}` is never true", self.quote(span));
            self.warn(
                codes::ALWAYS_FALSE,
                span,
                message,
                "this is always None".to_owned(),
            );
            return Outcome::always(false);
        }
        Outcome::BOOLEAN
    }

    pub(super) fn all<'e>(&mut self, parts: impl Iterator<Item = &'e Expr>, ty: Type) -> Outcome {
        parts.for_each(|part| {
            self.read(part);
        });
        Outcome::of(ty)
    }

    fn comprehension(&mut self, comprehension: &Comprehension) -> Outcome {
        let iterable = self.read(&comprehension.iterable);
        let iterates = Type::NONE.or(super::call::ITERABLE);
        if !iterable.ty.overlaps(iterates) {
            let message = format!("{} has no elements", words::describe(iterable.ty));
            self.always_fails(comprehension.iterable.span, message, None);
        }
        if let Some(filter) = &comprehension.filter {
            self.condition(filter);
        }
        self.read(&comprehension.element);
        Outcome::of(Type::LIST)
    }
}

/// `[a, b] in x`, whose value is a list.
pub(super) fn is_list_membership(expr: &Expr, outcome: Outcome) -> bool {
    let membership = matches!(&expr.kind, ExprKind::Binary(operator, ..) if *operator == crate::program::Operator::In);
    membership && outcome.ty.is_within(Type::LIST)
}

fn literal(value: &Value) -> Outcome {
    Outcome::of(match value {
        Value::Bool(value) => return Outcome::always(*value),
        Value::None => Type::NONE,
        Value::Integer(_) => Type::INTEGER,
        Value::Float(_) => Type::FLOAT,
        Value::Text(_) => Type::TEXT,
        _ => Type::OTHER,
    })
}
