//! Binary operators, flows and keys.

use super::outcome::Outcome;
use super::values::{Reader, is_list_membership};
use super::words::describe;
use crate::codes;
use crate::eval::operators::equal;
use crate::program::{Expr, ExprKind, Operator};
use crate::types::Type;
use crate::value::Value;
use portcullis_syntax::Span;

/// Kinds of which one value is smaller than the other.
const ORDERED: [Type; 5] = [Type::NUMBER, Type::TEXT, Type::LIST, Type::TUPLE, Type::SET];
/// Kinds that `+` joins.
const JOINED: [Type; 4] = [Type::NUMBER, Type::TEXT, Type::LIST, Type::TUPLE];

/// An operand that was read.
#[derive(Clone, Copy)]
struct Side<'e> {
    expr: &'e Expr,
    outcome: Outcome,
}

impl Reader<'_, '_> {
    /// Chains are as long as their author made them, so they are read in a loop.
    pub(super) fn binary(&mut self, expr: &Expr) -> Outcome {
        let mut chain = Vec::new();
        let mut first = expr;
        while let ExprKind::Binary(_, left, _) = &first.kind {
            chain.push(first);
            first = left;
        }
        let mut outcome = self.read(first);
        for expr in chain.into_iter().rev() {
            let ExprKind::Binary(operator, left, right) = &expr.kind else {
                continue;
            };
            let left = Side {
                expr: left,
                outcome,
            };
            let right = Side {
                expr: right,
                outcome: self.read(right),
            };
            outcome = self.operation(*operator, left, right, expr.span);
        }
        outcome
    }

    fn operation(
        &mut self,
        operator: Operator,
        left: Side<'_>,
        right: Side<'_>,
        span: Span,
    ) -> Outcome {
        let (l, r) = (left.outcome, right.outcome);
        match operator {
            Operator::And | Operator::Or => {
                for side in [left, right] {
                    if is_list_membership(side.expr, side.outcome) {
                        self.list_membership(side.expr.span);
                    }
                }
                if operator == Operator::And {
                    l.and(r)
                } else {
                    l.or(r)
                }
            }
            Operator::Equal | Operator::NotEqual => {
                self.equality(operator == Operator::Equal, left, right, span)
            }
            Operator::Is | Operator::IsNot => {
                self.identity(operator == Operator::Is, left, right, span)
            }
            Operator::Greater | Operator::Less | Operator::GreaterEqual | Operator::LessEqual => {
                if !share(ORDERED, l.ty, r.ty) {
                    let message =
                        format!("{} has no order with {}", describe(l.ty), describe(r.ty));
                    self.always_fails(span, message, None);
                }
                Outcome::BOOLEAN
            }
            Operator::In => self.membership(left, right, span),
            Operator::ContainsOnly => Outcome::BOOLEAN,
            Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::Modulo
            | Operator::Power => self.arithmetic(operator, l.ty, r.ty, span),
        }
    }

    fn equality(&mut self, positive: bool, left: Side<'_>, right: Side<'_>, span: Span) -> Outcome {
        self.backslash(left.expr);
        self.backslash(right.expr);
        for side in [left, right] {
            if let Some(method) = self.uncalled(side.expr) {
                let call = self.quote(side.expr.span);
                let why = format!("`{method}` is a function: call it with `{call}(…)`");
                return self.decided(!positive, span, why);
            }
        }
        let literals = match (&left.expr.kind, &right.expr.kind) {
            (ExprKind::Literal(left), ExprKind::Literal(right)) => Some((left, right)),
            _ => None,
        };
        let (l, r) = (left.outcome.ty, right.outcome.ty);
        if !comparable(l).overlaps(comparable(r)) {
            let why = format!("{} is never equal to {}", describe(l), describe(r));
            return self.decided(!positive, span, why);
        }
        let roles = self.role(left, right).or_else(|| self.role(right, left));
        if let Some(why) = roles {
            return self.decided(!positive, span, why);
        }
        if let Some((l, r)) = literals
            && positive
            && self.is_written(left.expr)
            && self.is_written(right.expr)
            && !equal(l, r)
        {
            return self.decided(false, span, "these are two different values".to_owned());
        }
        Outcome::BOOLEAN
    }

    /// Whether it is a text or number, and no constant that somebody may edit.
    fn is_written(&self, literal: &Expr) -> bool {
        let is_digit = |first: char| first.is_ascii_digit();
        let text = self.quote(literal.span);
        text.starts_with(['"', '\'']) || text.starts_with(is_digit)
    }

    /// Why an event never has the role it is compared with.
    fn role(&self, attribute: Side<'_>, role: Side<'_>) -> Option<String> {
        let ExprKind::Member(object, name) = &attribute.expr.kind else {
            return None;
        };
        let ExprKind::Literal(Value::Text(role)) = &role.expr.kind else {
            return None;
        };
        let ExprKind::Local(slot) = object.kind else {
            return None;
        };
        if &**name != "role" {
            return None;
        }
        let ty = self.variable(slot).ty;
        let of_tool = &*role.text == "tool";
        if ty == Type::MESSAGE && of_tool {
            return Some("results of tools are bound with `(o: ToolOutput)`".to_owned());
        }
        if ty == Type::TOOL_OUTPUT && !of_tool {
            return Some("the role of a `ToolOutput` is always \"tool\"".to_owned());
        }
        None
    }

    fn identity(&mut self, positive: bool, left: Side<'_>, right: Side<'_>, span: Span) -> Outcome {
        if let ExprKind::Literal(Value::Tool(_)) = right.expr.kind {
            let calls = Type::TOOL_CALL.or(Type::TOOL_OUTPUT);
            if !left.outcome.ty.overlaps(calls) {
                let why = format!("{} is no call of a tool", describe(left.outcome.ty));
                return self.decided(!positive, span, why);
            }
            return Outcome::BOOLEAN;
        }
        let fresh = |side: Side<'_>| {
            matches!(
                side.expr.kind,
                ExprKind::Literal(Value::Text(_) | Value::Float(_))
                    | ExprKind::List(_)
                    | ExprKind::Dict(_)
                    | ExprKind::Comprehension(_)
            )
        };
        let (l, r) = (left.outcome.ty, right.outcome.ty);
        let apart = !comparable(l).overlaps(comparable(r));
        if apart || fresh(left) || fresh(right) {
            let operator = if positive { "==" } else { "!=" };
            let why = format!("`is` asks for the very same value: write `{operator}`");
            return self.decided(!positive, span, why);
        }
        Outcome::BOOLEAN
    }

    fn membership(&mut self, left: Side<'_>, right: Side<'_>, span: Span) -> Outcome {
        self.backslash(left.expr);
        let (l, r) = (left.outcome.ty, right.outcome.ty);
        let texts = Type::NONE.or(Type::TEXT).or(Type::CONTENTS);
        let holders = texts.or(Type::SEQUENCE).or(Type::DICT);
        if !r.overlaps(holders) {
            let why = format!("{} holds nothing to look for", describe(r));
            self.decided(false, span, why);
        } else if r.is_within(texts) && !l.overlaps(Type::TEXT.or(Type::LIST)) {
            let why = format!("{} is not looked for in a text", describe(l));
            self.decided(false, span, why);
        } else if r.is_within(Type::NONE) {
            self.decided(false, span, "nothing is in None".to_owned());
        } else if !l.overlaps(Type::LIST) {
            return Outcome::BOOLEAN;
        } else if !l.is_within(Type::LIST) {
            return Outcome::of(Type::LIST.or(Type::BOOL));
        } else if !r.overlaps(Type::NONE) {
            return Outcome::of(Type::LIST);
        } else {
            // In None there is nothing, and then the answer is one boolean.
            return Outcome {
                can_be_true: false,
                ..Outcome::of(Type::LIST)
            };
        }
        Outcome::of(Type::BOOL)
    }

    fn arithmetic(&mut self, operator: Operator, l: Type, r: Type, span: Span) -> Outcome {
        let numbers = l.overlaps(Type::NUMBER) && r.overlaps(Type::NUMBER);
        let repeated = |ty: Type, times: Type| {
            ty.overlaps(Type::TEXT.or(Type::LIST).or(Type::TUPLE))
                && times.overlaps(Type::INTEGER.or(Type::BOOL))
        };
        let possible = match operator {
            Operator::Add => share(JOINED, l, r),
            Operator::Subtract => numbers || share([Type::SET], l, r),
            Operator::Multiply => numbers || repeated(l, r) || repeated(r, l),
            Operator::Modulo => numbers || l.overlaps(Type::TEXT),
            _ => numbers,
        };
        if !possible {
            let message = format!(
                "this does not work with {} and {}",
                describe(l),
                describe(r)
            );
            return self.always_fails(span, message, None);
        }
        let number = Type::INTEGER.or(Type::FLOAT);
        match () {
            () if l.is_within(Type::NUMBER) && r.is_within(Type::NUMBER) => Outcome::of(number),
            () if operator == Operator::Add && l.is_within(Type::TEXT) => Outcome::of(Type::TEXT),
            () => Outcome::of(Type::ANY.without(Type::BOOL.or(Type::EVENT))),
        }
    }

    /// A comparison whose outcome does not depend on the trace.
    fn decided(&mut self, value: bool, span: Span, why: String) -> Outcome {
        let (code, word) = if value {
            (codes::ALWAYS_TRUE, "false")
        } else {
            (codes::ALWAYS_FALSE, "true")
        };
        let message = format!("`{}` is never {word}", self.quote(span));
        self.warn(code, span, message, why);
        Outcome::BOOLEAN
    }

    /// A text with `\n`, `\r` or `\t`, which stand for nothing outside of regular expressions.
    pub(super) fn backslash(&mut self, expr: &Expr) {
        let ExprKind::Literal(Value::Text(text)) = &expr.kind else {
            return;
        };
        let escapes = ["\\n", "\\r", "\\t"];
        let Some(escape) = escapes
            .into_iter()
            .find(|escape| text.text.contains(escape))
        else {
            return;
        };
        let message = format!("`{escape}` is a backslash and a letter here");
        let help = format!("regular expressions know it: `any(find(\"{escape}\", text))`");
        self.warn(codes::LITERAL_BACKSLASH, expr.span, message, help);
    }

    pub(super) fn flow(&mut self, left: &Expr, right: &Expr, span: Span) -> Outcome {
        for operand in [left, right] {
            let outcome = self.read(operand);
            let ty = match operand.kind {
                ExprKind::Bind(slot, _) => self.variable(slot).ty,
                _ => outcome.ty,
            };
            if !ty.overlaps(Type::EVENT) {
                let message = format!("{} has no place in the order of events", describe(ty));
                let help = "flows relate messages, tool calls, tool outputs and tools".to_owned();
                self.always_fails(operand.span, message, Some(help));
            }
        }
        if let (ExprKind::Local(from) | ExprKind::Bind(from, _), ExprKind::Local(to)) =
            (&left.kind, &right.kind)
            && from == to
        {
            return self.decided(false, span, "nothing comes before itself".to_owned());
        }
        Outcome::BOOLEAN
    }

    pub(super) fn index(&mut self, object: &Expr, index: &Expr, span: Span) -> Outcome {
        let outcome = self.read(object);
        let key = self.read(index);
        let listed = Type::TEXT.or(Type::LIST).or(Type::TUPLE).or(Type::CONTENTS);
        let works = outcome.ty.overlaps(listed) && key.ty.overlaps(Type::INTEGER)
            || outcome.ty.overlaps(Type::DICT) && key.ty.overlaps(Type::TEXT);
        if matches!(object.kind, ExprKind::Literal(Value::Input)) {
            let help = "parameters are read with a dot: `input.name`".to_owned();
            return self.always_fails(span, "`input` has no keys".to_owned(), Some(help));
        }
        if !works {
            let message = format!("{} has no such key", describe(outcome.ty));
            let help = match (&index.kind, outcome.ty.kinds().next()) {
                (ExprKind::Literal(Value::Text(name)), Some(_)) => {
                    format!(
                        "attributes are read with a dot: `{}.{}`",
                        self.quote(object.span),
                        name.text
                    )
                }
                _ => format!("the key is {}", describe(key.ty)),
            };
            return self.always_fails(span, message, Some(help));
        }
        Outcome::ANY
    }
}

/// Whether both types have a kind in one of the classes.
fn share<const N: usize>(classes: [Type; N], left: Type, right: Type) -> bool {
    classes
        .into_iter()
        .any(|class| class.overlaps(left) && class.overlaps(right))
}

/// The kinds that values of the type can be equal to.
fn comparable(ty: Type) -> Type {
    if ty.overlaps(Type::NUMBER) {
        ty.or(Type::NUMBER)
    } else {
        ty
    }
}
