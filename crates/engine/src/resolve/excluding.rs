//! The tests of single values that decide without a look at anything else.

use crate::program::{Binder, Body, Expr, ExprKind, Operator, Origin};
use crate::value::Value;

/// Says of each binder which of its lines exclude a value, and which tool the first one asks for.
pub(super) fn find(body: &mut Body) {
    let binders = body.binders.iter().enumerate();
    let found = binders.map(|(index, binder)| {
        let alphas = binder.alphas.iter().copied();
        let excluding: Vec<usize> = alphas.filter(|line| body.excludes(index, *line)).collect();
        let first = binder.alphas.first().and_then(|line| body.lines.get(*line));
        let tool = first.and_then(|line| tool(binder, &line.expr));
        (excluding, tool)
    });
    let found: Vec<_> = found.collect();
    for (binder, (excluding, tool)) in body.binders.iter_mut().zip(found) {
        binder.excluding = excluding;
        binder.tool = tool;
    }
}

/// The tool that `x is tool:name` asks of the binder's value for.
fn tool(binder: &Binder, line: &Expr) -> Option<usize> {
    let ExprKind::Binary(Operator::Is, left, right) = &line.kind else {
        return None;
    };
    match (&left.kind, &right.kind) {
        (ExprKind::Local(slot), ExprKind::Literal(Value::Tool(number))) if *slot == binder.slot => {
            Some(*number)
        }
        _ => None,
    }
}

impl Body {
    /// Whether no combination with a value for which this line of its binder is false can be
    /// observed.
    fn excludes(&self, binder: usize, line: usize) -> bool {
        let before = |other: usize| other < line;
        let marks =
            self.origin != Origin::Rule && self.first_marking.is_some_and(|first| first <= line);
        let mut lines = self.lines.iter().take(line);
        let neither = self.origin == Origin::Forall && lines.any(|line| line.traits.not_boolean);
        let watched = self.watched.iter().any(|line| before(*line));
        let mut joins = self.joins.iter();
        let joins = joins.any(|join| join.observable && before(join.line));
        let others = self.binders.iter().enumerate();
        let others = others.filter(|(index, _)| *index != binder);
        let mut alphas = others.flat_map(|(_, other)| &other.alphas);
        let alphas = alphas.any(|line| before(*line) && self.is_observable(*line));
        !(marks || neither || watched || joins || alphas)
    }
}
