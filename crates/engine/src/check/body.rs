//! Bodies: lines that must all be True, and when they are decided.

use super::outcome::Outcome;
use super::values::{Reader, is_list_membership};
use super::words::describe;
use crate::codes;
use crate::facts::Context;
use crate::modules::Function;
use crate::program::{
    Body, BodyId, Call, Expr, ExprKind, Operator, Origin, Quantifier, RuleError, Slot,
};
use crate::types::Type;
use crate::value::Value;
use portcullis_syntax::{Diagnostic, Span};
use std::collections::{BTreeMap, BTreeSet};

/// What an error can carry.
const CARRIED: Type = Type::TEXT
    .or(Type::NUMBER)
    .or(Type::EVENT)
    .or(Type::TEXT_CHUNK)
    .or(Type::IMAGE)
    .or(Type::CONTENTS);

impl Reader<'_, '_> {
    /// `error` is what the body's rule raises.
    pub(super) fn body(&mut self, id: BodyId, error: Option<&RuleError>) {
        let Some(body) = self.program.bodies.get(id) else {
            return;
        };
        let before = self.warnings.list.len();
        for line in &body.lines {
            let outcome = self.read(&line.expr);
            self.line(&line.expr, outcome, body.origin);
        }
        if !self.is_muted() && self.warnings.list.len() == before {
            self.binders_only(body, error);
        }
    }

    fn line(&mut self, line: &Expr, outcome: Outcome, origin: Origin) {
        if outcome.can_be_true || outcome.ty.is_within(Type::NOTHING) || self.is_muted() {
            return;
        }
        if is_list_membership(line, outcome) {
            return self.list_membership(line.span);
        }
        let consequence = match origin {
            Origin::Rule => "so the rule never reports anything",
            Origin::Predicate => "so the predicate is never true",
            Origin::Count => "so nothing is ever counted",
            Origin::Forall => "so nothing satisfies the block",
        };
        if outcome.ty.is_within(Type::BOOL) {
            let message = format!("`{}` is never true, {consequence}", self.quote(line.span));
            let help = "remove the line, or what it guards".to_owned();
            return self.warn(codes::ALWAYS_FALSE, line.span, message, help);
        }
        let value = deciding(line);
        let ty = outcome.ty.without(Type::BOOL);
        let text = self.quote(value.span);
        let what = describe(ty);
        let message = format!("`{text}` is {what} and never True, {consequence}");
        let help = condition_help(text, ty);
        self.warn(codes::NEVER_BOOLEAN, value.span, message, help);
    }

    /// A body that is decided before any of its variables has a value.
    fn binders_only(&mut self, body: &Body, error: Option<&RuleError>) {
        let mut binders: Vec<(Slot, Span)> = Vec::new();
        let mut needs: BTreeSet<Slot> = BTreeSet::new();
        for line in &body.lines {
            match &line.expr.kind {
                ExprKind::Bind(slot, _) | ExprKind::BindIn(slot, ..) => {
                    binders.push((*slot, line.expr.span));
                }
                ExprKind::Let(..) | ExprKind::Nothing => {}
                _ => needs.extend(&line.needs),
            }
        }
        if let Some(RuleError::Expression(error)) = error {
            let context = Context {
                program: self.program,
                types: BTreeMap::new(),
            };
            needs.extend(context.facts(error).needs);
        }
        let mut binders = binders.into_iter();
        let Some((_, first)) = binders.next() else {
            return;
        };
        if body.variables.iter().any(|slot| needs.contains(slot)) {
            return;
        }
        let message = "no condition needs a value of this variable, so the body is decided \
                       without one";
        let help = match error {
            Some(_) => "use it in a condition, such as `x is not None`, or in the error",
            None => "use it in a condition, such as `x is not None`",
        };
        let mut warning = Diagnostic::warning(codes::BINDERS_ONLY, first, message).help(help);
        for (_, span) in binders {
            warning = warning.label(span, "nor of this one");
        }
        self.warnings.add(warning);
    }

    pub(super) fn quantifier(&mut self, quantifier: &Quantifier) -> Outcome {
        let head = &quantifier.head;
        let call = match &head.kind {
            ExprKind::Call(call) => Some(&**call),
            _ => None,
        };
        match call.map_or(&head.kind, |call| &call.function.kind) {
            ExprKind::Literal(Value::Function(Function::Count)) => self.count(call, head.span),
            // A quantifier may be kept in a constant or a variable.
            ExprKind::Literal(Value::Function(Function::Forall))
            | ExprKind::Constant(_)
            | ExprKind::Local(_)
            | ExprKind::Member(..) => {}
            _ => {
                let message = format!("`{}` takes no block", self.quote(head.span));
                let help = "import `forall` or `count` from `invariant`".to_owned();
                self.warn(codes::NOT_A_QUANTIFIER, head.span, message, help);
            }
        }
        self.read(head);
        self.body(quantifier.body, None);
        Outcome::BOOLEAN
    }

    fn count(&mut self, call: Option<&Call>, span: Span) {
        let mut bounds = [None, None];
        for (name, bound) in call.into_iter().flat_map(arguments) {
            let place = match name {
                Name::Position(0) | Name::Keyword("min") => 0,
                Name::Position(1) | Name::Keyword("max") => 1,
                _ => return,
            };
            if let Some(slot) = bounds.get_mut(place) {
                *slot = Some(bound);
            }
        }
        let integer = |bound: Option<&Expr>| match bound.map(|bound| &bound.kind) {
            Some(ExprKind::Literal(Value::Integer(value))) => value.to_i64(),
            _ => None,
        };
        let is_none = |bound: Option<&Expr>| {
            bound.is_none_or(|bound| matches!(bound.kind, ExprKind::Literal(Value::None)))
        };
        let [min, max] = bounds;
        if is_none(max) && (is_none(min) || integer(min).is_some_and(|min| min <= 0)) {
            let message = "any number will do, so this is always true".to_owned();
            let help = "say how many: `count(min=1):`, `count(max=3):`".to_owned();
            self.warn(codes::COUNT_WITHOUT_BOUNDS, span, message, help);
        } else if let (Some(low), Some(high)) = (integer(min), integer(max))
            && low > high
        {
            let message = format!("no number is from {low} to {high}");
            let help = "`min` is the smaller one".to_owned();
            self.warn(codes::ALWAYS_FALSE, span, message, help);
        }
    }

    /// What a rule raises.
    pub(super) fn raised(&mut self, error: &Expr) {
        self.read(error);
        let ExprKind::Call(call) = &error.kind else {
            return;
        };
        if !matches!(
            call.function.kind,
            ExprKind::Literal(Value::Function(Function::Violation))
        ) {
            return;
        }
        for (name, argument) in arguments(call) {
            let ty = self.read(argument).ty;
            if ty.overlaps(CARRIED) || matches!(name, Name::Keyword("ranges")) {
                continue;
            }
            let message = format!("an error cannot carry {}", describe(ty));
            let text = self.quote(argument.span);
            let help = if ty.overlaps(Type::LIST) {
                format!("write it as a text: `\"{{}}\".format({text})`")
            } else {
                "pass a text, a number, or the event it belongs to".to_owned()
            };
            self.warn(codes::UNFIT_ERROR_ARGUMENT, argument.span, message, help);
        }
    }
}

/// How an argument is given.
enum Name<'c> {
    Position(usize),
    Keyword(&'c str),
}

fn arguments(call: &Call) -> impl Iterator<Item = (Name<'_>, &Expr)> {
    let positional = call.arguments.iter().enumerate();
    let positional = positional.map(|(place, value)| (Name::Position(place), value));
    let keywords = call
        .keywords
        .iter()
        .map(|(name, value)| (Name::Keyword(name), value));
    positional.chain(keywords)
}

/// The operand that keeps a line from being True.
fn deciding(line: &Expr) -> &Expr {
    let mut value = line;
    while let ExprKind::Binary(Operator::And, _, right) = &value.kind {
        value = right;
    }
    value
}

fn condition_help(text: &str, ty: Type) -> String {
    let counted = Type::SEQUENCE.or(Type::DICT);
    if ty.is_within(counted) {
        format!("ask whether it has elements: `any({text})`")
    } else if ty.is_within(Type::INTEGER.or(Type::FLOAT)) {
        format!("compare it: `{text} > 0`")
    } else if ty.is_within(Type::OTHER) {
        "call it, or compare with it".to_owned()
    } else if ty.overlaps(Type::NONE) {
        format!("ask whether it is there: `{text} is not None`")
    } else {
        format!("compare it: `{text} == …`, or ask `{text} is not None`")
    }
}
