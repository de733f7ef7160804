//! What binders offer for variables without a value.

use super::{Domain, Evaluated, Evaluator, Offer, error};
use crate::kind::BinderKind;
use crate::library;
use crate::modules::Function;
use crate::program::{Expr, ExprKind, Slot};
use crate::value::{List, Value};
use portcullis_syntax::Span;
use std::slice;

impl Evaluator<'_> {
    pub(super) fn offer(&mut self, slot: Slot, domain: Domain) {
        if !self.are_known(&[slot]) && self.offers.iter().all(|offer| offer.slot != slot) {
            self.offers.push(Offer { slot, domain });
        }
    }

    /// `(x: T) in domain`.
    pub(super) fn bind_in(&mut self, slot: Slot, kind: BinderKind, domain: &Expr) -> Evaluated {
        let is_known = self.are_known(&[slot]);
        if kind == BinderKind::Text
            && let Some(whole) = subject_of_text(domain)
        {
            let found = self.texts_in(whole, domain.span)?;
            if let Some(texts) = found.filter(|_| !is_known) {
                self.offer(slot, Domain::Values(texts));
            }
            return Ok(Value::Bool(true));
        }
        let value = self.borrow(domain)?;
        if !is_known && !value.is_unknown() {
            let domain = members(&value, kind);
            self.offer(slot, domain);
        }
        Ok(Value::Bool(true))
    }

    /// What `text(whole)` has, at the same price, without a list of it; nothing if it is unknown.
    fn texts_in(&mut self, whole: &Expr, span: Span) -> Evaluated<Option<Vec<Value>>> {
        let world = self.world;
        let _depth = world.enter()?;
        let whole = self.borrow(whole)?;
        if whole.holds_unknown() {
            return Ok(None);
        }
        world.pay_for([&*whole])?;
        let texts = library::texts(slice::from_ref(&*whole));
        texts.map(Some).map_err(|message| error(message, span))
    }
}

/// `e` of `text(e)`.
fn subject_of_text(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Call(call) => match (&call.function.kind, &*call.arguments, &*call.keywords) {
            (ExprKind::Literal(Value::Function(Function::Text)), [whole], []) => Some(whole),
            _ => None,
        },
        _ => None,
    }
}

/// What a binder ranges over inside a value. A list of lists has its lists as members.
fn members(value: &Value, kind: BinderKind) -> Domain {
    if let Value::List(List { items, .. }) = value {
        if items.iter().all(|item| item.is_of(kind)) {
            return Domain::Items(items.clone());
        }
        if kind == BinderKind::List {
            let lists = items.iter().filter(|item| item.is_of(kind));
            return Domain::Values(lists.cloned().collect());
        }
    }
    let mut found = Vec::new();
    value.select(kind, &mut found);
    Domain::Values(found)
}
