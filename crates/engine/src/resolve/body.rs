//! Bodies: their variables, and the plan by which they are evaluated.

use super::{Resolver, code, excluding, opening, suggestion};
use crate::facts::{Context, Facts, FoundBinder};
use crate::kind::{BinderKind, Kind};
use crate::modules::BUILTINS;
use crate::program::{
    Binder, Body, BodyId, Closed, Expr, ExprKind, FlowLine, JoinLine, Line, Lines, Listed, Origin,
    Slot, Traits,
};
use crate::types::Type;
use portcullis_syntax::Span;
use portcullis_syntax::ast::{Block, Expr as Tree, ExprKind as TreeKind};
use std::collections::{BTreeMap, BTreeSet};

/// LIMIT: with more binders over the trace a body is evaluated without pruning.
const BINDERS_MAX: usize = 63;

impl Resolver {
    pub(super) fn body(&mut self, block: &Block, origin: Origin) -> BodyId {
        self.scopes.open();
        let body = self.body_in_scope(block, origin);
        self.scopes.close();
        body
    }

    /// Resolves a body whose variables go into the innermost scope.
    pub(super) fn body_in_scope(&mut self, block: &Block, origin: Origin) -> BodyId {
        let mut lines = &block.lines;
        while let [
            Tree {
                kind: TreeKind::Block(inner),
                ..
            },
        ] = lines.as_slice()
        {
            lines = &inner.lines;
        }
        self.collect(lines);
        let variables = self.scopes.innermost();
        let lines: Vec<Expr> = lines.iter().map(|line| self.expression(line)).collect();
        let body = self.plan(lines, variables, origin);
        let mut kinds = body.binders.iter().map(|binder| binder.kind);
        self.program.reads_messages |= kinds.any(BinderKind::looks_into_messages);
        self.program.bodies.push(body);
        self.program.bodies.len() - 1
    }

    /// Declares every variable of a body: names may be used before the line that gives them a
    /// value. A quantifier's body has a scope of its own.
    pub(super) fn collect(&mut self, lines: &[Tree]) {
        for line in lines {
            let mut pending = vec![line];
            while let Some(tree) = pending.pop() {
                match &tree.kind {
                    TreeKind::Binder { name, kind } => {
                        if !self.is_kind(&kind.text) {
                            self.unknown_kind(kind);
                        }
                        let slot = self.declare_variable(name);
                        let is_call =
                            BinderKind::named(&kind.text) == BinderKind::Object(Kind::ToolCall);
                        if let (Some(slot), true) = (slot, is_call) {
                            self.scopes.note_calls(slot);
                        }
                    }
                    TreeKind::Let { name, value } => {
                        self.declare_variable(name);
                        pending.push(value);
                    }
                    TreeKind::Quantifier { head, .. } => pending.push(head),
                    _ => pending.extend(tree.children().into_iter().rev()),
                }
            }
        }
    }

    fn declare_variable(&mut self, name: &portcullis_syntax::ast::Name) -> Option<Slot> {
        if self.scopes.is_declared_here(&name.text) {
            self.duplicate(name);
            return None;
        }
        Some(self.scopes.declare(&name.text))
    }

    fn is_kind(&self, name: &str) -> bool {
        BUILTINS.contains(&name) || self.imports.contains_key(name)
    }

    fn unknown_kind(&mut self, kind: &portcullis_syntax::ast::Name) {
        let kinds = BUILTINS.iter().copied().filter(|name| {
            name.starts_with(char::is_uppercase) || super::modules::NOT_CALLABLE.contains(name)
        });
        let all = "kinds are `Message`, `ToolCall`, `ToolOutput`, `Tool`, `str` and others";
        let help = suggestion(&kind.text, kinds, all);
        let message = format!("there is no kind of value named `{}`", kind.text);
        self.report(code::UNKNOWN_KIND, kind.span, message, help);
    }

    fn plan(&self, lines: Vec<Expr>, variables: Vec<Slot>, origin: Origin) -> Body {
        let mut planning = Planning {
            context: Context::without_variables(&self.program),
            lets: BTreeMap::new(),
            found: Vec::new(),
            regular: true,
        };
        let facts: Vec<Facts> = lines.iter().map(|line| planning.read(line)).collect();
        let lines = lines.into_iter().zip(facts).enumerate();
        let lines: Vec<Line> = lines
            .map(|(index, (expr, facts))| planning.line(index, expr, facts))
            .collect();
        planning.body(lines, variables, origin)
    }

    /// Registers a quantifier's body whose models can be kept from push to push.
    pub(super) fn close_over(
        &mut self,
        id: BodyId,
        captured: &BTreeSet<Slot>,
        span: Span,
        listed: Listed,
    ) -> Option<usize> {
        let body = self.program.bodies.get_mut(id)?;
        let reads_trace = body.lines.iter().any(|line| line.traits.reads_trace);
        if !captured.is_empty() || !body.regular || reads_trace {
            return None;
        }
        body.retains = body.binders.len() > 1;
        let closed = Closed {
            span,
            body: id,
            listed,
        };
        self.program.closed.push(closed);
        Some(self.program.closed.len() - 1)
    }
}

/// The variables from outside that a body reads.
pub(super) fn captured(body: Option<&Body>) -> BTreeSet<Slot> {
    let Some(body) = body else {
        return BTreeSet::new();
    };
    let needs = body.lines.iter().flat_map(|line| &line.needs).copied();
    needs
        .filter(|slot| !body.variables.contains(slot))
        .collect()
}

/// What is learnt while the lines of a body are read in order.
struct Planning<'p> {
    context: Context<'p>,
    /// Lets by slot: their line, what they need, and the lines of lets behind them.
    lets: BTreeMap<Slot, (usize, BTreeSet<Slot>, Vec<usize>)>,
    found: Vec<FoundBinder>,
    regular: bool,
}

impl Planning<'_> {
    fn read(&mut self, line: &Expr) -> Facts {
        // Types of binders hold in the whole body, whatever line they stand on.
        let facts = self.context.facts(line);
        for binder in &facts.binders {
            self.context
                .types
                .insert(binder.slot, Type::bound_by(binder.kind));
        }
        facts
    }

    fn line(&mut self, index: usize, expr: Expr, first: Facts) -> Line {
        // Read again, now that the types of all binders are known.
        let facts = self.context.facts(&expr);
        drop(first);
        let (needs, lets) = self.behind_lets(&facts.needs);
        let nested: Vec<Slot> = match &expr.kind {
            ExprKind::Let(slot, value) => {
                let ty = self.context.facts(value).ty;
                self.context.types.insert(*slot, ty);
                let mut behind = lets.clone();
                behind.push(index);
                self.lets.insert(*slot, (index, needs.clone(), behind));
                facts
                    .nested_lets
                    .iter()
                    .copied()
                    .filter(|nested| nested != slot)
                    .collect()
            }
            _ => facts.nested_lets.clone(),
        };
        self.regular &= nested.is_empty() && !facts.binders.iter().any(|binder| binder.conditional);
        self.found.extend(&facts.binders);
        let binders = facts.binders.iter().map(|binder| binder.slot).collect();
        let boolean = Type::BOOL.or(Type::NOTHING);
        let traits = Traits {
            not_boolean: !facts.ty.is_within(boolean),
            ..facts.traits
        };
        Line {
            waits_for: expr.waits_for(),
            expr,
            needs: needs.into_iter().collect(),
            binders,
            lets,
            traits,
        }
    }

    /// Replaces lets by what they need.
    fn behind_lets(&self, slots: &BTreeSet<Slot>) -> (BTreeSet<Slot>, Vec<usize>) {
        let mut needs = BTreeSet::new();
        let mut lines = BTreeSet::new();
        for slot in slots {
            match self.lets.get(slot) {
                Some((_, behind, lets)) => {
                    needs.extend(behind);
                    lines.extend(lets);
                }
                None => {
                    needs.insert(*slot);
                }
            }
        }
        (needs, lines.into_iter().collect())
    }

    fn body(self, lines: Vec<Line>, variables: Vec<Slot>, origin: Origin) -> Body {
        let traced: Vec<_> = self
            .found
            .iter()
            .filter(|binder| binder.whole_trace)
            .collect();
        let bound: BTreeSet<Slot> = self.found.iter().map(|binder| binder.slot).collect();
        let lets: Vec<Slot> = variables
            .iter()
            .copied()
            .filter(|slot| !bound.contains(slot))
            .collect();
        // A let that is used before its line never has a value there.
        let early = lines
            .iter()
            .any(|line| line.needs.iter().any(|slot| lets.contains(slot)));
        let slots: Vec<Slot> = traced.iter().map(|binder| binder.slot).collect();
        let regular = self.regular && !early && traced.len() <= BINDERS_MAX;
        let mut body = Body {
            binders: traced.iter().map(|found| binder(found, &lines)).collect(),
            joins: Vec::new(),
            watched: Vec::new(),
            first_marking: lines.iter().position(|line| line.traits.marking),
            regular,
            has_rounds: regular && traced.len() < self.found.len(),
            origin,
            retains: origin != Origin::Rule
                || traced.len() > 1
                || lines.iter().any(|line| line.traits.reads_trace),
            unplaced: false,
            steady: false,
            opening: None,
            lets,
            variables,
            lines,
        };
        body.unplaced = body.binders.iter().any(|binder| !binder.kind.is_placed())
            && !body.binders.iter().any(|binder| binder.kind.is_indexed());
        body.retains |= !body.regular || body.unplaced;
        let own = |slot: &Slot| body.variables.contains(slot);
        let is_steady = |line: &Line| !line.traits.reads_trace && line.needs.iter().all(own);
        body.steady = body.regular && body.lines.iter().all(is_steady);
        for index in 0..body.lines.len() {
            let join = join_line(&body, index, &slots);
            let own = |slot: &Slot| body.variables.contains(slot);
            let Some(line) = body.lines.get(index) else {
                continue;
            };
            let is_alpha = body
                .binders
                .iter()
                .any(|binder| binder.alphas.contains(&index));
            let depends = line.needs.iter().any(own);
            match join {
                Some(join) => body.joins.push(join),
                None if depends && !is_alpha && body.is_observable(index) => {
                    body.watched.push(index);
                }
                None => {}
            }
        }
        lead_flows(&mut body);
        excluding::find(&mut body);
        body.opening = opening::of(&body);
        body
    }
}

fn binder(found: &FoundBinder, lines: &[Line]) -> Binder {
    Binder {
        slot: found.slot,
        kind: found.kind,
        alphas: lines_needing_only(lines, found.slot),
        excluding: Vec::new(),
        tool: None,
        declared: lines_declaring(lines, found.slot),
    }
}

fn lines_needing_only(lines: &[Line], slot: Slot) -> Vec<usize> {
    let only = |line: &Line| line.needs.len() == 1 && line.needs.contains(&slot);
    let lines = lines.iter().enumerate();
    lines
        .filter(|(_, line)| only(line) && !line.traits.reads_trace && !line.only_offers())
        .map(|(index, _)| index)
        .collect()
}

fn lines_declaring(lines: &[Line], slot: Slot) -> Lines {
    let mut declaring = Lines::NONE;
    for (index, line) in lines.iter().enumerate() {
        if matches!(line.expr.kind, ExprKind::Bind(bound, _) if bound == slot) {
            declaring.add(index);
        }
    }
    declaring
}

/// The line as a join, if it relates binders and nothing else.
fn join_line(body: &Body, index: usize, slots: &[Slot]) -> Option<JoinLine> {
    let line = body.lines.get(index)?;
    if line.needs.len() < 2 || line.traits.reads_trace {
        return None;
    }
    let mut binders = 0;
    for slot in &line.needs {
        binders |= 1_u64 << slots.iter().position(|known| known == slot)?;
    }
    let flow = match &line.expr.kind {
        ExprKind::Flow { left, right, .. } => {
            let end = |expr: &Expr| match expr.kind {
                ExprKind::Local(slot) | ExprKind::Bind(slot, _) => {
                    slots.iter().position(|known| *known == slot)
                }
                _ => None,
            };
            end(left).zip(end(right)).map(|(from, to)| FlowLine {
                from,
                to,
                leads: false,
            })
        }
        _ => None,
    };
    Some(JoinLine {
        line: index,
        binders,
        observable: body.is_observable(index),
        flow,
    })
}

/// Finds the flows before which nothing needs to be observed.
fn lead_flows(body: &mut Body) {
    let mut observed: Vec<usize> = body.watched.clone();
    observed.extend(
        body.joins
            .iter()
            .filter(|join| join.observable)
            .map(|join| join.line),
    );
    let first = observed.into_iter().min();
    for join in &mut body.joins {
        if let Some(flow) = &mut join.flow {
            flow.leads = !join.observable && first.is_none_or(|first| first > join.line);
        }
    }
}

impl Body {
    /// What evaluating the whole body may do.
    pub(crate) fn traits(&self) -> Traits {
        let any = |test: fn(&Traits) -> bool| self.lines.iter().any(|line| test(&line.traits));
        Traits {
            fallible: any(|traits| traits.fallible),
            marking: any(|traits| traits.marking),
            not_boolean: false,
            reads_trace: !self.binders.is_empty() || any(|traits| traits.reads_trace),
        }
    }
}
