//! What is read differently from how it looks.

use super::{Warnings, regex};
use crate::codes;
use crate::kind::BinderKind;
use portcullis_syntax::Span;
use portcullis_syntax::ast::{
    BinaryOperator, Expr, ExprKind, Import, Imported, Name, Policy, Statement, UnaryOperator,
};
use std::collections::BTreeMap;

struct Form<'w, 's> {
    warnings: &'w mut Warnings<'s>,
    /// Imported names by the other name that was given to them.
    aliases: BTreeMap<String, String>,
    /// The chain of `and` and `or` that was warned of last.
    mixed: Option<Span>,
}

pub(super) fn check(policy: &Policy, warnings: &mut Warnings<'_>) {
    let mut form = Form {
        warnings,
        aliases: BTreeMap::new(),
        mixed: None,
    };
    let roots: Vec<&Expr> = policy.statements.iter().flat_map(expressions).collect();
    for statement in &policy.statements {
        if let Statement::Import(import) = statement {
            form.note_aliases(import);
        }
    }
    walk(&roots, &mut |tree| {
        if let ExprKind::Import(import) = &tree.kind {
            form.note_aliases(import);
        }
    });
    walk(&roots, &mut |tree| form.expression(tree));
}

fn expressions(statement: &Statement) -> Vec<&Expr> {
    match statement {
        Statement::Import(_) => Vec::new(),
        Statement::Raise(raise) => std::iter::once(&raise.error)
            .chain(&raise.body.lines)
            .collect(),
        Statement::Declaration(declaration) => declaration.body.lines.iter().collect(),
    }
}

/// Every expression, an outer one before those inside it; patterns of tools are not entered.
fn walk(roots: &[&Expr], visit: &mut dyn FnMut(&Expr)) {
    let mut pending: Vec<&Expr> = roots.iter().rev().copied().collect();
    while let Some(tree) = pending.pop() {
        visit(tree);
        if !matches!(tree.kind, ExprKind::ToolPattern { .. }) {
            pending.extend(tree.children().into_iter().rev());
        }
    }
}

// === impl Form ===

impl Form<'_, '_> {
    fn note_aliases(&mut self, import: &Import) {
        let Imported::Names(names) = &import.what else {
            return;
        };
        for name in names {
            if let Some(alias) = &name.alias {
                self.aliases
                    .insert(alias.text.clone(), name.name.text.clone());
            }
        }
    }

    fn expression(&mut self, tree: &Expr) {
        match &tree.kind {
            ExprKind::Binary {
                operator,
                left,
                right,
            } => {
                self.binary(tree.span, *operator, left, right);
            }
            ExprKind::Group(parts) => self.group(parts),
            ExprKind::Binder { kind, .. } => self.binder(kind),
            ExprKind::String(text) => self.prefix(tree.span, text),
            ExprKind::ToolPattern { arguments, .. } => {
                regex::check_pattern(arguments, self.warnings);
            }
            _ => {}
        }
    }

    fn binary(&mut self, span: Span, operator: BinaryOperator, left: &Expr, right: &Expr) {
        match &left.kind {
            ExprKind::Unary {
                operator: UnaryOperator::Not,
                operand,
            } if compares(operator) => {
                self.not_binds_tighter(span, left.span, operand.span);
            }
            ExprKind::Binary {
                operator: inner, ..
            } if compares(*inner)
                && compares(operator)
                && !(is_flow(*inner) && is_flow(operator)) =>
            {
                self.comparison_chain(span, left.span);
            }
            ExprKind::Binary {
                operator: BinaryOperator::Or,
                right: middle,
                ..
            } if operator == BinaryOperator::And => {
                self.mixed_and_or(span, left.span, middle.span.to(right.span));
            }
            _ => {}
        }
    }

    fn not_binds_tighter(&mut self, span: Span, negation: Span, operand: Span) {
        let meant = Span {
            start: operand.start,
            end: span.end,
        };
        let message = format!(
            "`{}` is read before the comparison",
            self.warnings.quote(negation)
        );
        let help = format!(
            "write `not ({})` to negate it all",
            self.warnings.quote(meant)
        );
        self.warnings
            .warn(codes::NOT_BINDS_TIGHTER, span, message, help);
    }

    fn comparison_chain(&mut self, span: Span, first: Span) {
        let message = format!(
            "this compares the outcome of `{}`",
            self.warnings.quote(first)
        );
        let help = "write two comparisons on two lines, or put the first in brackets if that is \
                    meant";
        self.warnings
            .warn(codes::COMPARISON_CHAIN, span, message, help.to_owned());
    }

    fn mixed_and_or(&mut self, span: Span, first: Span, meant: Span) {
        // All links of one chain begin at the same place; the longest is met first.
        if self
            .mixed
            .is_some_and(|chain| chain.start == span.start && span.end <= chain.end)
        {
            return;
        }
        self.mixed = Some(span);
        let message = format!("`{}` is read before this `and`", self.warnings.quote(first));
        let help = format!(
            "write brackets around `{}` if it belongs together, else around what is read first",
            self.warnings.quote(meant)
        );
        self.warnings.warn(codes::MIXED_AND_OR, span, message, help);
    }

    fn group(&mut self, parts: &[Expr]) {
        let [first, second, rest @ ..] = parts else {
            return;
        };
        let ignored = second.span.to(rest.last().unwrap_or(second).span);
        let message = format!(
            "only `{}` counts in these brackets",
            self.warnings.quote(first.span)
        );
        let help = "write a list with `[` and `]`, or drop what is behind the comma";
        self.warnings
            .warn(codes::IGNORED_PARTS, ignored, message, help.to_owned());
    }

    fn binder(&mut self, kind: &Name) {
        if BinderKind::named(&kind.text) != BinderKind::Nothing {
            return;
        }
        let message = format!("no value is of the kind `{}`", kind.text);
        let original = self.aliases.get(&kind.text);
        let original = original.filter(|name| BinderKind::named(name) != BinderKind::Nothing);
        let help = match original {
            Some(original) => format!("binders do not know other names: write `{original}`"),
            None => "write a kind that values have, such as `Message` or `ToolCall`".to_owned(),
        };
        self.warnings
            .warn(codes::EMPTY_KIND, kind.span, message, help);
    }

    fn prefix(&mut self, span: Span, text: &str) {
        let literal = self.warnings.source.get(span.range()).unwrap_or_default();
        if literal.starts_with('f') && text.contains('{') {
            let message = "the prefix `f` has no effect: the braces stay in the text".to_owned();
            let help = "write `\"…{}…\".format(value)`".to_owned();
            self.warnings
                .warn(codes::NO_INTERPOLATION, span, message, help);
        }
    }
}

fn is_flow(operator: BinaryOperator) -> bool {
    matches!(operator, BinaryOperator::Flow | BinaryOperator::DirectFlow)
}

fn compares(operator: BinaryOperator) -> bool {
    match operator {
        BinaryOperator::Equal
        | BinaryOperator::NotEqual
        | BinaryOperator::Greater
        | BinaryOperator::Less
        | BinaryOperator::GreaterEqual
        | BinaryOperator::LessEqual
        | BinaryOperator::Is
        | BinaryOperator::In
        | BinaryOperator::NotIn
        | BinaryOperator::ContainsOnly
        | BinaryOperator::Flow
        | BinaryOperator::DirectFlow => true,
        BinaryOperator::And
        | BinaryOperator::Or
        | BinaryOperator::Add
        | BinaryOperator::Subtract
        | BinaryOperator::Multiply
        | BinaryOperator::Divide
        | BinaryOperator::Modulo
        | BinaryOperator::Power => false,
    }
}
