//! Which bodies a rule looks into beside its own: those of quantifiers and predicates.

use crate::program::{BodyId, Expr, ExprKind, Program};
use crate::value::Value;
use std::collections::BTreeSet;

/// What was found on the way, each once.
#[derive(Default)]
struct Search {
    bodies: BTreeSet<BodyId>,
    constants: BTreeSet<usize>,
}

/// Only once everything is resolved: predicates and constants may be declared behind their use.
pub(super) fn find(program: &mut Program) {
    let found: Vec<Vec<BodyId>> = program
        .rules
        .iter()
        .map(|rule| inner_bodies(program, rule.body))
        .collect();
    for (rule, inner) in program.rules.iter_mut().zip(found) {
        rule.inner = inner;
    }
}

fn inner_bodies(program: &Program, rule: BodyId) -> Vec<BodyId> {
    let mut search = Search::default();
    let mut pending: Vec<&Expr> = lines(program, rule).collect();
    while let Some(expr) = pending.pop() {
        pending.extend(expr.children());
        let body = match &expr.kind {
            ExprKind::Quantifier(quantifier) => Some(quantifier.body),
            ExprKind::Literal(Value::Predicate(number)) => program
                .predicates
                .get(*number)
                .map(|predicate| predicate.body),
            ExprKind::Constant(number) if search.constants.insert(*number) => {
                let constant = program.constants.get(*number);
                pending.extend(constant.map(|constant| &constant.value));
                None
            }
            _ => None,
        };
        if let Some(body) = body
            && search.bodies.insert(body)
        {
            pending.extend(lines(program, body));
        }
    }
    search.bodies.into_iter().collect()
}

fn lines(program: &Program, body: BodyId) -> impl Iterator<Item = &Expr> {
    let body = program.bodies.get(body);
    body.into_iter()
        .flat_map(|body| body.lines.iter().map(|line| &line.expr))
}
